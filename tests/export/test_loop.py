import numpy as np
import pytest

from forecast.errors import OptionError
from forecast.export import loop
from forecast.export.ports import Draft


def test_a_loop_feeds_its_own_values_back(onnx):
    draft = Draft()
    first = draft.input("first", "int64", (), "")
    steps = draft.input("steps", "int64", (), "")

    def fibonacci(value, state):
        return value + state["previous"], {"previous": value}

    path, state = loop.rollout(draft.trace, fibonacci, first, {"previous": first - 1}, steps)
    draft.output("path", path, ("steps",), "")
    draft.output("last", state["previous"], (), "")
    graph = draft.finished("fibonacci", "each number is the sum of the two before")

    outputs = onnx.run(graph, {"first": np.array(1), "steps": np.array(5)})
    assert outputs["path"].tolist() == [1, 2, 3, 5, 8]
    assert outputs["last"] == 5


def test_a_step_may_use_values_around_it_and_arrays_that_stay(onnx):
    draft = Draft()
    table = draft.input("table", "float32", ("steps", 2), "")

    def add_row(value, carry):
        row, none = carry
        return value + table[row], (row + 1, none)

    carry = (draft.input("begin", "int64", (), ""), np.zeros((1, 0)))
    steps = draft.input("steps", "int64", (), "")
    path, _ = loop.rollout(draft.trace, add_row, table[0] * 0.0, carry, steps)
    draft.output("path", path, ("rows", 2), "")

    given = {
        "table": np.arange(6, dtype=np.float32).reshape(3, 2),
        "begin": np.array(1),
        "steps": np.array(2),
    }
    assert onnx.run(draft.finished("sums", ""), given)["path"].tolist() == [[2, 3], [6, 8]]


@pytest.mark.parametrize("next_sum", [lambda sum, _: sum + 1.0, lambda sum, value: sum + value])
def test_an_array_that_a_step_changes_is_refused(next_sum):
    draft = Draft()
    first, steps = draft.input("first", "float64", (), ""), draft.input("steps", "int64", (), "")

    def step(value, total):
        return value * 2.0, next_sum(total, value)

    with pytest.raises(OptionError, match=r"changes what does not depend on an input .*zeros_like"):
        loop.rollout(draft.trace, step, first, np.array(0.0), steps)
