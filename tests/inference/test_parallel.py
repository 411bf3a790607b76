import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from forecast.inference import parallel
from forecast.inference.parallel import cores, side_by_side


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    monkeypatch.setattr(parallel, "cores", lambda: 2)


@pytest.fixture(autouse=True)
def two_threads_per_product():
    parallel._blas.cache_clear()  # libraries that another test has loaded are known too
    with threadpool_limits(2, "blas"):
        yield


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


def test_a_single_one_is_kept_to_one_thread_too():
    before = product_threads()

    assert side_by_side(lambda _: product_threads(), [0]) == [[1] * len(before)]
    assert product_threads() == before


def test_the_limit_on_products_is_left_to_the_thread_that_set_it():
    before, meanwhile = product_threads(), []

    def task(_):
        other = threading.Thread(
            target=lambda: meanwhile.extend(side_by_side(lambda _: product_threads(), [0]))
        )
        other.start()
        other.join(30)
        return product_threads()

    one = [1] * len(before)
    assert side_by_side(task, [0]) == [one]
    assert meanwhile == [one]
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


def test_there_is_a_core(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)

    assert cores() >= 1


@pytest.mark.parametrize(
    ("limit", "expected"), [("1", 1), ("2", 2), ("9", 3), ("", 3), ("0", 3), ("2,1", 3)]
)
def test_a_limit_on_the_threads_of_libraries_holds_for_ours(monkeypatch, limit, expected):
    monkeypatch.setattr(parallel.os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", limit)

    assert cores() == expected
