import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from forecast.inference import parallel
from forecast.inference.parallel import cores, side_by_side


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    monkeypatch.setattr(parallel, "cores", lambda: 2)


def product_threads():
    np.ones((2, 2)) @ np.ones((2, 2))
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_the_outcomes_are_in_the_order_of_the_items(count):
    assert side_by_side(lambda item: item**2, range(count)) == [k**2 for k in range(count)]


def test_two_are_at_work_at_the_same_time_on_one_core_each():
    both = threading.Barrier(2, timeout=30)

    def task(_):
        both.wait()  # a single worker would wait for a second one in vain
        return product_threads()

    before = product_threads()

    assert side_by_side(task, range(2)) == [[1] * len(before)] * 2
    assert product_threads() == before


def test_an_error_is_that_of_its_task_and_the_limit_on_products_ends_with_it():
    before = product_threads()

    def task(item):
        return 1 // item

    with pytest.raises(ZeroDivisionError):
        side_by_side(task, [1, 0, 1])

    assert product_threads() == before
    assert side_by_side(task, [1, 1]) == [1, 1]


def test_within_another_it_goes_one_after_another():
    def task(item):
        inner = side_by_side(lambda _: threading.get_ident(), range(3))
        return item, {*inner} == {threading.get_ident()}

    assert side_by_side(task, range(4)) == [(k, True) for k in range(4)]


def test_there_is_a_core():
    assert cores() >= 1
