"""NumPy's functions that ONNX has no operator for, of those for which it has one.

They are written for NumPy, and hold for arrays as they do for tensors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

MIN_EXPONENT = -1074  # of the smallest float64 above 0
DIGITS = 52  # of a float64 after its first one, in bits


def _log1p(x: Any) -> Any:
    """In double precision, in which 1 + x keeps all that float32 knows of x."""
    return np.log(1.0 + x.astype(np.float64)).astype(x.dtype)


def _expm1(x: Any) -> Any:
    return (np.exp(x.astype(np.float64)) - 1.0).astype(x.dtype)


def _isfinite(x: Any) -> Any:
    return ~(np.isnan(x) | np.isinf(x))


def _fmin(a: Any, b: Any) -> Any:
    return np.where(np.isnan(a), b, np.where(np.isnan(b), a, np.minimum(a, b)))


def _fmax(a: Any, b: Any) -> Any:
    return np.where(np.isnan(a), b, np.where(np.isnan(b), a, np.maximum(a, b)))


def _copysign(size: Any, sign: Any) -> Any:
    return np.where(sign < 0, -np.abs(size), np.abs(size))


def _hypot(a: Any, b: Any) -> Any:
    """The length of the longer side, times what the shorter one adds: no square overflows."""
    a, b = np.abs(a), np.abs(b)
    long = np.maximum(a, b)
    ratio = np.minimum(a, b) / np.where(long > 0, long, 1.0)
    return long * np.sqrt(1.0 + ratio * ratio)


def _ldexp(x: Any, exponent: Any) -> Any:
    """In two halves, each of which is a float64."""
    half = np.floor(exponent.astype(np.float64) / 2.0)
    return x * 2.0**half * 2.0 ** (exponent.astype(np.float64) - half)


def _frexp(x: Any) -> tuple[Any, Any]:
    exponent = np.where(x == 0, 0.0, _floored_log2(np.abs(x)) + 1.0)
    return _ldexp(x, -exponent), exponent.astype(np.int64)


def _spacing(x: Any) -> Any:
    exponent = np.maximum(_floored_log2(np.abs(x)) - DIGITS, float(MIN_EXPONENT))
    return np.where(x == 0, 2.0**MIN_EXPONENT, _ldexp(np.ones_like(x), exponent))


def _floored_log2(x: Any) -> Any:
    """The exponent of the greatest power of two that x reaches; a logarithm alone is rounded."""
    near = np.floor(np.log(np.where(x == 0, 1.0, x)) / math.log(2.0))
    unit = _ldexp(x, -near)  # about 1 to 2
    return near + np.where(unit >= 2.0, 1.0, np.where(unit < 1.0, -1.0, 0.0))


def _vecdot(a: Any, b: Any) -> Any:
    """Along the last axis."""
    return (a * b).sum(axis=-1)


UFUNCS: dict[str, Callable[..., Any]] = {
    "copysign": _copysign,
    "expm1": _expm1,
    "fmax": _fmax,
    "fmin": _fmin,
    "frexp": _frexp,
    "hypot": _hypot,
    "isfinite": _isfinite,
    "ldexp": _ldexp,
    "log1p": _log1p,
    "spacing": _spacing,
    "vecdot": _vecdot,
}


def _clip(x: Any, low: Any, high: Any) -> Any:
    return np.minimum(np.maximum(x, low), high)


def _polyval(coefficients: Sequence[float], x: Any) -> Any:
    """Horner's rule."""
    first, *others = np.asarray(coefficients)
    value = np.zeros_like(x) + first
    for coefficient in others:
        value = value * x + coefficient
    return value


FUNCTIONS: dict[str, Callable[..., Any]] = {"clip": _clip, "polyval": _polyval}
