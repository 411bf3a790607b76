"""One random number per series, as a column (B, 1) that multiplies rows (B, T)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Wholes = NDArray[np.int64]
Flags = NDArray[np.bool_]


def chance(rng: np.random.Generator, series: int, probability: float) -> Flags:
    """True with a probability, (B, 1)."""
    return rng.random((series, 1)) < probability


def uniform(rng: np.random.Generator, series: int, low: float, high: float) -> Floats:
    """Uniform between two bounds, (B, 1)."""
    return rng.uniform(low, high, (series, 1))


def log_uniform(rng: np.random.Generator, series: int, low: float, high: float) -> Floats:
    """Uniform on the logarithmic scale between two positive bounds, (B, 1)."""
    return np.exp(rng.uniform(np.log(low), np.log(high), (series, 1)))


def log_normal(rng: np.random.Generator, series: int, median: float, spread: float) -> Floats:
    """Log-normal with a median and the standard deviation of the logarithm, (B, 1)."""
    return median * np.exp(spread * rng.standard_normal((series, 1)))


def sign(rng: np.random.Generator, series: int, positive: float) -> Floats:
    """+1 with a probability, else -1, (B, 1)."""
    return np.where(chance(rng, series, positive), 1.0, -1.0)


def scale(rng: np.random.Generator, values: Floats) -> Floats:
    """Values (B, T) around 1 in units of their own: their level is between 0.3 and 30,000."""
    return values * log_uniform(rng, len(values), 0.3, 3e4)


def standardize(values: Floats) -> Floats:
    """Rows (B, T) less their mean, divided by their standard deviation; constant ones are zeros."""
    centred = values - values.mean(axis=1, keepdims=True)
    deviation = centred.std(axis=1, keepdims=True)
    result: Floats = np.divide(
        centred, deviation, out=np.zeros_like(centred), where=deviation > 1e-9
    )
    return result
