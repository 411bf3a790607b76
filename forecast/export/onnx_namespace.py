"""The array namespace of networks that are traced: NumPy's own functions, which take tensors.

What is called with a `Tensor` writes a node, anything else is computed. Only `asarray`, which
NumPy does not hand on, is ours.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from forecast.export.tensor import Tensor

abs = np.abs
arange = np.arange
concatenate = np.concatenate
cos = np.cos
cumsum = np.cumsum
exp = np.exp
expm1 = np.expm1
floor = np.floor
isnan = np.isnan
log = np.log
log1p = np.log1p
max = np.max
maximum = np.maximum
minimum = np.minimum
ones_like = np.ones_like
sqrt = np.sqrt
sum = np.sum
tanh = np.tanh
tensordot = np.tensordot
transpose = np.transpose
where = np.where
zeros = np.zeros
zeros_like = np.zeros_like


def asarray(value: Any, dtype: Any = None) -> Any:
    """A tensor or an array of the given type."""
    if isinstance(value, Tensor):
        return value if dtype is None else value.astype(dtype)
    return np.asarray(value, dtype)
