"""Symbolic arrays: code written for NumPy, run on them, writes the nodes of a graph.

A `Tensor` takes part in NumPy's protocols for ufuncs and functions (NEP 13, NEP 18). So `np.where`,
`np.exp`, `a @ b` and `a += b` of a tensor come here, and those of arrays alone are computed by
NumPy: what does not depend on an input becomes a constant. Types follow NumPy's own rules, which
are asked rather than repeated. Sizes that are not known before the graph runs are None.

Tensors are values: an operation in place gives a new one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import EllipsisType, SimpleNamespace
from typing import Any

import numpy as np

from forecast.errors import OptionError
from forecast.export import composed
from forecast.export.trace import TYPES, Trace

Shape = tuple[int | None, ...]
Array = Any  # a tensor, or an array that takes part in what is traced
END = np.iinfo(np.int64).max  # of a slice that goes to the end
OPERATORS = {  # ufuncs that are one operator, whose inputs have one type, as NumPy says
    "absolute": "Abs",
    "add": "Add",
    "bitwise_and": "And",
    "bitwise_or": "Or",
    "cos": "Cos",
    "divide": "Div",
    "equal": "Equal",
    "exp": "Exp",
    "floor": "Floor",
    "greater": "Greater",
    "greater_equal": "GreaterOrEqual",
    "invert": "Not",
    "isinf": "IsInf",
    "isnan": "IsNaN",
    "less": "Less",
    "less_equal": "LessOrEqual",
    "log": "Log",
    "matmul": "MatMul",
    "maximum": "Max",
    "minimum": "Min",
    "multiply": "Mul",
    "negative": "Neg",
    "power": "Pow",
    "remainder": "Mod",
    "rint": "Round",
    "sqrt": "Sqrt",
    "subtract": "Sub",
    "tanh": "Tanh",
}


@dataclass(frozen=True, eq=False)
class Tensor(np.lib.mixins.NDArrayOperatorsMixin):
    """A value of the graph.

    Attributes:
        trace: the graph.
        name: of the value in it.
        dtype: of its elements.
        shape: its sizes; None where only a run can tell.
    """

    trace: Trace
    name: str
    dtype: np.dtype[Any]
    shape: Shape

    @property
    def flags(self) -> SimpleNamespace:
        """Those of an array; a tensor cannot be written to."""
        return SimpleNamespace(writeable=False)

    @property
    def ndim(self) -> int:
        """How many axes it has."""
        return len(self.shape)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        """A ufunc of tensors; what it is asked to write to is left alone."""
        kwargs.pop("out", None)
        name = ufunc.__name__
        if method == "reduce" and name in _REDUCTIONS:
            return _REDUCTIONS[name](*args, **kwargs)
        if method == "__call__" and not kwargs and name in {*composed.UFUNCS, *OPERATORS}:
            types = ufunc.resolve_dtypes((*map(_kind, args), *[None] * ufunc.nout))
            inputs = [_cast(arg, dtype) for arg, dtype in zip(args, types, strict=False)]
            if name in composed.UFUNCS:
                return composed.UFUNCS[name](*inputs)
            shapes = [one.shape for one in inputs]
            shape = _product_shape(*shapes) if name == "matmul" else broadcast(shapes)
            return emit(self.trace, OPERATORS[name], inputs, types[-1], shape)
        raise OptionError(f"numpy.{name} ({method}) cannot be exported to ONNX")

    def __array_function__(self, function: Any, _types: Any, args: Any, kwargs: Any) -> Any:
        """A function of NumPy of tensors."""
        name = function.__name__
        if name in composed.FUNCTIONS:
            return composed.FUNCTIONS[name](*args, **kwargs)
        if name not in _FUNCTIONS:
            raise OptionError(f"numpy.{name} cannot be exported to ONNX")
        return _FUNCTIONS[name](self.trace, *args, **kwargs)

    def astype(self, dtype: Any, copy: bool = True) -> Tensor:  # noqa: ARG002 - NumPy's signature
        """The same in another type."""
        if self.dtype == np.dtype(dtype):
            return self
        kind = TYPES[str(np.dtype(dtype))]
        return emit(self.trace, "Cast", [self], dtype, self.shape, to=kind)

    def transpose(self, *axes: int) -> Tensor:
        """The same with its axes in another order."""
        order = axes or tuple(reversed(range(self.ndim)))
        shape = tuple(self.shape[axis] for axis in order)
        return emit(self.trace, "Transpose", [self], self.dtype, shape, perm=order)

    @property
    def T(self) -> Tensor:  # noqa: N802 - NumPy's name
        """The same with its axes reversed."""
        return self.transpose()

    def reshape(self, *sizes: int) -> Tensor:
        """The same in other sizes, of which one may be -1: what remains."""
        shape = tuple(None if size == -1 else size for size in sizes)
        return emit(self.trace, "Reshape", [self, np.array(sizes, np.int64)], self.dtype, shape)

    def sum(self, axis: int, keepdims: bool = False) -> Tensor:
        """The sum along an axis."""
        return _sum(self.trace, self, axis, keepdims)

    def mean(self, axis: int, keepdims: bool = False) -> Tensor:
        """The mean along an axis."""
        return _reduced("ReduceMean", self, axis, keepdims)

    def max(self, axis: int, keepdims: bool = False) -> Tensor:
        """The largest along an axis."""
        return _max(self.trace, self, axis, keepdims)

    def min(self, axis: int) -> Tensor:
        """The smallest along an axis."""
        return _min(self.trace, self, axis)

    def any(self, axis: int) -> Array:
        """Whether one along an axis is true."""
        return _reduced("ReduceMax", self.astype(np.int64), axis) > 0

    def all(self, axis: int) -> Array:
        """Whether all along an axis are true."""
        return _all(self.trace, self, axis)

    def argmax(self, axis: int) -> Tensor:
        """The place of the first largest along an axis."""
        values = self.astype(np.int64) if self.dtype == bool else self
        place = axis % self.ndim
        shape = self.shape[:place] + self.shape[place + 1 :]
        return emit(self.trace, "ArgMax", [values], np.int64, shape, axis=place, keepdims=0)

    def __getitem__(self, key: Any) -> Tensor:
        """The part that a key of NumPy's basic indexing names; a tensor takes one along axis 0."""
        if isinstance(key, Tensor):
            shape = self.shape[1:]
            return emit(self.trace, "Gather", [self, key], self.dtype, shape, axis=0)
        keys = _spelled_out(key if isinstance(key, tuple) else (key,), self.ndim)
        own = [k for k in keys if k is not None]
        cut = _sliced(self, {axis: k for axis, k in enumerate(own) if isinstance(k, slice)})
        for axis in reversed([axis for axis, k in enumerate(own) if not isinstance(k, slice)]):
            shape = cut.shape[:axis] + cut.shape[axis + 1 :]
            place = np.array(own[axis], np.int64)
            cut = emit(cut.trace, "Gather", [cut, place], cut.dtype, shape, axis=axis)
        kept = [k for k in keys if k is None or isinstance(k, slice)]
        return widened(cut, [place for place, k in enumerate(kept) if k is None])


def emit(
    trace: Trace, operator: str, inputs: Sequence[Any], dtype: Any, shape: Shape, **attributes: Any
) -> Tensor:
    """The only output of a new node whose inputs are tensors and arrays."""
    names = [as_tensor(trace, one).name for one in inputs]
    (name,) = trace.emit(operator, names, **attributes)
    return Tensor(trace, name, np.dtype(dtype), shape)


def as_tensor(trace: Trace, value: Any) -> Tensor:
    """A tensor as it is, an array as a constant."""
    if isinstance(value, Tensor):
        return value
    array = np.asarray(value)
    return Tensor(trace, trace.constant(array), array.dtype, array.shape)


def widened(tensor: Tensor, places: Sequence[int]) -> Tensor:
    """A tensor with axes of size 1 at the given places of the result."""
    if not places:
        return tensor
    shape = list(tensor.shape)
    for place in sorted(places):
        shape.insert(place, 1)
    axes = np.array(places, np.int64)
    return emit(tensor.trace, "Unsqueeze", [tensor, axes], tensor.dtype, tuple(shape))


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """The shape that shapes have together; a size that is not known stays so beside a 1."""
    ndim = max(map(len, shapes))
    columns = zip(*((1,) * (ndim - len(shape)) + shape for shape in shapes), strict=True)
    return tuple(_common_size(sizes) for sizes in columns)


def _common_size(sizes: Sequence[int | None]) -> int | None:
    known = {size for size in sizes if size is not None and size != 1}
    if len(known) > 1:
        raise ValueError(f"sizes {sizes} do not broadcast")
    return known.pop() if known else None if None in sizes else 1


# Indexing


def _spelled_out(keys: tuple[Any, ...], ndim: int) -> list[Any]:
    """Basic indices with a full slice for each axis that they do not name."""
    missing = ndim - sum(k is not None and not isinstance(k, EllipsisType) for k in keys)
    full = [slice(None)] * missing
    place = next((i for i, k in enumerate(keys) if isinstance(k, EllipsisType)), None)
    if place is None:
        return [*keys, *full]
    return [*keys[:place], *full, *keys[place + 1 :]]


def _sliced(tensor: Tensor, slices: dict[int, slice]) -> Tensor:
    """A range of some axes, by one node."""
    if any(part.step not in (None, 1) for part in slices.values()):
        raise OptionError("a slice with a step other than 1 cannot be exported to ONNX")
    shape, ranges = list(tensor.shape), {}
    for axis, part in slices.items():
        size = shape[axis]
        if size is None:
            ranges[axis] = (part.start or 0, END if part.stop is None else part.stop)
        else:
            start, stop, _ = part.indices(size)
            ranges[axis], shape[axis] = (start, stop), max(stop - start, 0)
    whole = {axis: (0, END if size is None else size) for axis, size in enumerate(tensor.shape)}
    ranges = {axis: ends for axis, ends in ranges.items() if ends != whole[axis]}
    if not ranges:
        return tensor
    starts, stops = np.array([*ranges.values()], np.int64).T
    inputs = [tensor, starts, stops, np.array([*ranges], np.int64)]
    return emit(tensor.trace, "Slice", inputs, tensor.dtype, tuple(shape))


# Types and shapes


def _kind(value: Any) -> Any:
    """What NumPy's rules of types go by: plain numbers take the type of what is beside them."""
    if type(value) in (int, float):
        return type(value)
    return value.dtype if hasattr(value, "dtype") else np.asarray(value).dtype


def _cast(value: Any, dtype: Any) -> Any:
    """A tensor or an array of the given type."""
    return value.astype(dtype) if isinstance(value, Tensor) else np.asarray(value, dtype)


def _product_shape(left: Shape, right: Shape) -> Shape:
    if len(right) == 1:
        return left[:-1]
    if len(right) == 2:
        return (*left[:-1], right[1])
    return (*broadcast([left[:-2], right[:-2]]), left[-2], right[-1])


# Functions


def _concatenate(trace: Trace, arrays: Sequence[Any], axis: int = 0, dtype: Any = None) -> Any:
    """Of the parts that are not empty."""
    place = axis % len(arrays[0].shape)
    parts = [part for part in arrays if part.shape[place] != 0]
    dtype = np.dtype(dtype or np.result_type(*(part.dtype for part in arrays)))
    if len(parts) < 2:
        return _cast(parts[0] if parts else arrays[0], dtype)
    sizes = [part.shape[place] for part in parts]
    total = None if None in sizes else sum(size for size in sizes if size is not None)
    shape = list(broadcast([(*p.shape[:place], 1, *p.shape[place + 1 :]) for p in parts]))
    shape[place] = total
    inputs = [_cast(part, dtype) for part in parts]
    return emit(trace, "Concat", inputs, dtype, tuple(shape), axis=place)


def _stack(trace: Trace, arrays: Sequence[Any], axis: int = 0) -> Any:
    tensors = [as_tensor(trace, array) for array in arrays]
    place = axis % (tensors[0].ndim + 1)
    return _concatenate(trace, [widened(tensor, [place]) for tensor in tensors], place)


def _split(_: Trace, x: Tensor, parts: int, axis: int = 0) -> list[Tensor]:
    """Parts of equal size of an axis whose size is known."""
    place = axis % x.ndim
    own = (x.shape[place] or 0) // parts
    before = (slice(None),) * place
    return [x[(*before, slice(k * own, (k + 1) * own))] for k in range(parts)]


def _where(trace: Trace, condition: Any, yes: Any, no: Any) -> Tensor:
    dtype = np.result_type(*(v if type(v) in (int, float) else _kind(v) for v in (yes, no)))
    inputs = [_cast(condition, bool), _cast(yes, dtype), _cast(no, dtype)]
    return emit(trace, "Where", inputs, dtype, broadcast([one.shape for one in inputs]))


def _filled(like: Tensor, value: int) -> Tensor:
    """A tensor in the shape of another, the same number everywhere."""
    shape = emit(like.trace, "Shape", [like], np.int64, (like.ndim,))
    return emit(like.trace, "Expand", [np.array(value, like.dtype), shape], like.dtype, like.shape)


def _tensordot(_: Trace, a: Any, b: Any, axes: int) -> Any:
    """The last axis of a with the first one of b, which has at most two."""
    if axes != 1 or len(b.shape) > 2:
        raise OptionError("this numpy.tensordot cannot be exported to ONNX")
    return a @ b


def _take_along_axis(_: Trace, x: Tensor, places: Tensor, axis: int) -> Tensor:
    return emit(x.trace, "GatherElements", [x, places], x.dtype, places.shape, axis=axis)


def _take(_: Trace, x: Tensor, places: np.ndarray, axis: int) -> Tensor:
    shape = (*x.shape[:axis], *places.shape, *x.shape[axis + 1 :])
    return emit(x.trace, "Gather", [x, places.astype(np.int64)], x.dtype, shape, axis=axis)


def _pad(trace: Trace, x: Tensor, width: Sequence[Any], constant_values: float = 0.0) -> Tensor:
    """With so many more of a constant before and after, along each axis."""
    before, after = np.array(width, np.int64).T
    constant = np.array(constant_values, x.dtype)
    sizes = zip(x.shape, before.tolist(), after.tolist(), strict=True)
    shape = tuple(None if size is None else size + a + b for size, a, b in sizes)
    inputs = [x, np.concatenate([before, after]), constant]
    return emit(trace, "Pad", inputs, x.dtype, shape, mode="constant")


def _cumsum(trace: Trace, x: Tensor, axis: int) -> Tensor:
    values = x.astype(np.int64) if x.dtype == bool else x
    return emit(trace, "CumSum", [values, np.array(axis)], values.dtype, x.shape)


# Reductions


def _reduced(operator: str, x: Tensor, axis: int, keepdims: bool = False) -> Tensor:
    place = axis % x.ndim
    shape = x.shape[:place] + ((1,) if keepdims else ()) + x.shape[place + 1 :]
    inputs = [x, np.array([place], np.int64)]
    return emit(x.trace, operator, inputs, x.dtype, shape, keepdims=int(keepdims))


def _sum(_: Trace, x: Tensor, axis: int, keepdims: bool = False) -> Tensor:
    return _reduced("ReduceSum", x.astype(np.int64) if x.dtype == bool else x, axis, keepdims)


def _max(_: Trace, x: Tensor, axis: int, keepdims: bool = False) -> Tensor:
    return _unless_missing(x, _reduced("ReduceMax", x, axis, keepdims), axis, keepdims)


def _min(_: Trace, x: Tensor, axis: int) -> Tensor:
    return _unless_missing(x, _reduced("ReduceMin", x, axis), axis)


def _unless_missing(x: Tensor, value: Tensor, axis: int, keepdims: bool = False) -> Tensor:
    """A value, or NaN where one of x is, as NumPy has it and ONNX has not."""
    if x.dtype.kind != "f":
        return value
    missing: Array = np.isnan(x)
    some: Array = _reduced("ReduceMax", missing.astype(np.int64), axis, keepdims) > 0
    return _where(x.trace, some, x.dtype.type(np.nan), value)


def _all(_: Trace, x: Tensor, axis: int) -> Any:
    return _reduced("ReduceMin", x.astype(np.int64), axis) > 0


def _fmin(x: Tensor, axis: int = 0) -> Array:
    known: Array = _where(x.trace, np.isnan(x), np.inf, x)
    least = _reduced("ReduceMin", known, axis)
    return _where(x.trace, _all(x.trace, np.isnan(x), axis), np.nan, least)


def _fmax(x: Tensor, axis: int = 0) -> Array:
    known: Array = _where(x.trace, np.isnan(x), -np.inf, x)
    greatest = _reduced("ReduceMax", known, axis)
    return _where(x.trace, _all(x.trace, np.isnan(x), axis), np.nan, greatest)


_REDUCTIONS: dict[str, Callable[..., Any]] = {"fmax": _fmax, "fmin": _fmin}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "all": _all,
    "concatenate": _concatenate,
    "cumsum": _cumsum,
    "max": _max,
    "min": _min,
    "ones_like": lambda _, x: _filled(x, 1),
    "pad": _pad,
    "split": _split,
    "stack": _stack,
    "sum": _sum,
    "take": _take,
    "take_along_axis": _take_along_axis,
    "tensordot": _tensordot,
    "transpose": lambda _, x, axes: x.transpose(*axes),
    "where": _where,
    "zeros_like": lambda _, x: _filled(x, 0),
}
