import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from forecast.errors import OptionError
from forecast.export import onnx_namespace
from forecast.export.ports import Draft
from forecast.export.tensor import Tensor
from forecast.nn.heads.student_t import softplus

X = np.array([[0.5, -1.5, np.nan, 3.0], [2.0, 0.0, -0.25, 1e-9]], np.float32)
PLACES = np.array([[2, 0], [1, 1]])
RUNS = {
    "arithmetic": lambda x: 2.0 * x - x / 3.0 + (1.0 - x) * x,
    "arrays on the left": lambda x: np.array([1.0, 2.0, 3.0, 4.0], np.float32) - x,
    "doubles beside floats": lambda x: x + np.array([1e-12]),
    "whole numbers divided": lambda x: (x > 0).sum(axis=1) / np.array(2),
    "powers": lambda x: np.abs(x) ** 0.5 + 2.0**x,
    "products": lambda x: x @ np.arange(8, dtype=np.float32).reshape(4, 2),
    "products with a vector": lambda x: np.tensordot(x, np.ones(4, np.float32), 1),
    "products added up": lambda x: np.vecdot(x[:, 1:], x[:, :-1]),
    "products of many": lambda x: x[:, :, None] @ x[:, None],
    "comparisons": lambda x: (x > 0) & (x <= 2.0) | ~(x == 3.0),
    "a choice": lambda x: np.where(np.isnan(x), 0.0, x),
    "joined": lambda x: np.concatenate([x, x[..., :0], np.zeros((2, 1), np.float32)], -1),
    "stacked": lambda x: np.stack([x, -x], axis=1),
    "split": lambda x: np.split(x, 2, axis=-1)[1],
    "sums": lambda x: x.sum(axis=1, keepdims=True),
    "largest": lambda x: np.max(np.where(np.isnan(x), 0.0, x), axis=-1),
    "least known": lambda x: np.fmin.reduce(x, axis=1),
    "greatest known": lambda x: np.fmax.reduce(x * np.float32(np.nan), axis=0),
    "known of two": lambda x: np.fmax(x, x[::1, :1]) + np.fmin(x, 0.0),
    "limits": lambda x: np.clip(x, -1.0, 1.0),
    "nan in a maximum": lambda x: np.maximum(x, 0.0),
    "whether all": lambda x: np.all(np.isfinite(x), axis=1),
    "rounded": lambda x: np.rint(x) + np.floor(x),
    "signs": lambda x: np.copysign(2.0, x[:, :2]),
    "lengths": lambda x: np.hypot(x, 1e20),
    "near 0": lambda x: np.log1p(x[1:]) + np.expm1(x[1:]),
    "taken along": lambda x: np.take_along_axis(x, PLACES + 0 * x[:, :2].astype(np.int64), axis=1),
    "remainders": lambda x: (x[:, :2].astype(np.int64) - 7) % 4,
    "a polynomial": lambda x: np.polyval((2.0, -1.0, 0.5), x),
    "a head's own": lambda x: softplus(onnx_namespace, x),
    "first": lambda x: x[0],
    "last": lambda x: x[:, -1],
    "a range": lambda x: x[1:, 1:-1],
    "new axes": lambda x: x[:, None, ..., None],
    "turned": lambda x: x.T,
    "another order": lambda x: np.transpose(x[None], (1, 2, 0)),
    "running sums": lambda x: np.cumsum(x > 0, axis=1) + np.cumsum(x, axis=1),
    "padded": lambda x: np.pad(x, ((0, 0), (2, 1)), constant_values=np.nan),
    "other sizes": lambda x: x.reshape(-1, 2, 2),
    "taken": lambda x: np.take(x, np.array([3, 0, 3]), axis=1),
    "the first of the largest": lambda x: (x > 0).argmax(axis=1),
    "along the last axis": lambda x: (x > 0).argmax(axis=-1) + x[:, 0].astype(np.int64),
    "means": lambda x: x.mean(axis=1, keepdims=True),
    "smallest, any, all": lambda x: x.min(axis=1) * (x > 0).any(axis=1) + (x > -9).all(axis=1),
    "like it": lambda x: np.zeros_like(x) + np.ones_like(x),
}


def computed(onnx, function, array, shape=None):
    """A function of an array, by a graph in which some of its sizes are not known."""
    draft = Draft()
    names = [f"size_{k}" if size is None else size for k, size in enumerate(shape or array.shape)]
    x = draft.input("x", str(array.dtype), tuple(names), "")
    y = function(x)
    assert all(
        size in (None, own) for size, own in zip(y.shape, function(array).shape, strict=True)
    )
    draft.output("y", y, (None,) * y.ndim, "")
    return onnx.run(draft.finished("graph", "a function"), {"x": array})["y"]


@pytest.mark.parametrize("name", RUNS)
@np.errstate(invalid="ignore")
def test_a_graph_computes_what_numpy_computes(onnx, name):
    expected = RUNS[name](X)

    for shape in (X.shape, (None, 4)):
        value = computed(onnx, RUNS[name], X, shape)
        assert value.dtype == expected.dtype
        np.testing.assert_allclose(value, expected, rtol=1e-6)


def test_an_operation_in_place_leaves_other_names_of_a_tensor_alone(onnx):
    def twice(x):
        y = x
        y += 1.0
        return x - y

    assert (
        computed(onnx, lambda x: twice(x) if isinstance(x, Tensor) else x, X).tolist()[1]
        == [-1] * 4
    )


NUMBERS = st.floats(-1e300, 1e300)


@settings(max_examples=25, deadline=None)
@given(arrays(np.float64, 6, elements=NUMBERS))
def test_numbers_of_any_size_are_taken_apart_and_put_together(onnx, x):
    size = np.where(np.abs(x) < 1e-290, 1.0, x)

    (parts, powers), gaps = np.frexp(size), np.spacing(np.abs(size))

    def all_of(x):
        if not isinstance(x, Tensor):
            return np.concatenate([x] * 3)
        mantissa, power = np.frexp(x)
        return np.concatenate([mantissa, power.astype(np.float64), np.spacing(np.abs(x))])

    found = computed(onnx, all_of, size, (None,))
    assert found.tolist() == [*parts, *powers, *gaps]


def test_what_has_no_counterpart_is_refused():
    x = Draft().input("x", "float32", (2,), "")

    with pytest.raises(OptionError, match=r"numpy\.arctan2 .* cannot be exported to ONNX"):
        np.arctan2(x, 1.0)
    with pytest.raises(OptionError, match=r"numpy\.median cannot be exported to ONNX"):
        np.median(x)
    with pytest.raises(OptionError, match="a slice with a step other than 1 cannot be exported"):
        x[::2]


def test_sizes_that_do_not_fit_are_an_error():
    x = Draft().input("x", "float32", (2, 3), "")

    with pytest.raises(ValueError, match="do not broadcast"):
        x + np.ones(2)
