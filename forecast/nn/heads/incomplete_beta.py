"""The regularised incomplete beta function, and Student's distribution, which is made of it.

SciPy has both and is faster; this is for where it is not installed.
"""

from __future__ import annotations

import math
from importlib.util import find_spec

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

# Bernoulli numbers over 2k (2k - 1): Stirling's series of the logarithm of the gamma function.
STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)
LARGE = 10  # added to small arguments, from where that series is exact
MAX_TERMS = 10_000  # of the continued fraction; about sqrt(a + b) are needed
MAX_STEPS = 100  # of Newton's method; about ten are needed
PRECISION = 1e-15
LEAST = 1e-300


def is_scipy_installed() -> bool:
    """Whether SciPy is installed; the import itself would take a fifth of a second."""
    return find_spec("scipy") is not None


def incomplete_beta(a: ArrayLike, b: ArrayLike, x: ArrayLike) -> Array:
    """The probability that a beta variable does not exceed x: I_x(a, b).

    By the continued fraction of Didonato & Morris (1992), their equation 9.

    Args:
        a: first parameter, > 0, any shape.
        b: second parameter, > 0, of a shape that fits.
        x: between 0 and 1, of a shape that fits.

    Example:
        >>> incomplete_beta(np.array([1.0, 2.0]), 2.0, 0.5).round(12).tolist()
        [0.75, 0.5]
    """
    a, b, x = np.broadcast_arrays(*(np.asarray(part, "float64") for part in (a, b, x)))
    return _share(a, b, x, 1.0 - x)


def _share(a: Array, b: Array, x: Array, y: Array) -> Array:
    """I_x(a, b), where y = 1 - x is given, since near 1 it has digits that x has not."""
    is_upper = x > (a + 1.0) / (a + b + 2.0)  # there the other tail converges faster
    x, y = np.where(is_upper, y, x), np.where(is_upper, x, y)
    a, b = np.where(is_upper, b, a), np.where(is_upper, a, b)
    share = _density(a, b, x, y) * _fraction(a, b, x, y)
    return np.where(is_upper, 1.0 - share, share)


def _density(a: Array, b: Array, x: Array, y: Array) -> Array:
    """x^a y^b over the beta function of a and b, where y = 1 - x, without cancellation."""
    total = a + b
    distance = x * b - y * a  # from the mean a / total, times the total
    exponent = a * _log_ratio(x * total / a, distance / a)
    exponent += b * _log_ratio(y * total / b, -distance / b)
    correction = _beyond_stirling(total) - _beyond_stirling(a) - _beyond_stirling(b)
    return np.sqrt(a / total * b / (2.0 * math.pi)) * np.exp(exponent + correction)


def _log_ratio(ratio: Array, excess: Array) -> Array:
    """The logarithm of a ratio that is one and an excess, which is exact where it is small."""
    is_near = np.abs(excess) < 0.5
    near = np.log1p(np.where(is_near, excess, 0.0))
    return np.where(is_near, near, np.log(np.maximum(ratio, LEAST)))


def _beyond_stirling(z: Array) -> Array:
    """log Gamma(z) less (z - 1/2) log z - z + log(2 pi) / 2."""
    shifted = np.zeros_like(z)
    for _ in range(LARGE):
        shifted = shifted + (z + 0.5) * np.log1p(1.0 / z) - 1.0
        z = z + 1.0
    series = np.zeros_like(z)
    for factor in reversed(STIRLING):
        series = series / (z * z) + factor
    return shifted + series / z


def _fraction(a: Array, b: Array, x: Array, y: Array) -> Array:
    """The continued fraction of I_x(a, b), by the method of Lentz (1976)."""
    begin = a * y - b * x + 1.0
    value = c = _away_from_zero(a / (a + 1.0) * begin)
    d = np.zeros_like(x)
    for n in range(1, MAX_TERMS):
        middle = a + 2 * n - 1.0
        above = (a + n - 1.0) / middle * ((a + b + n - 1.0) / middle) * n * (b - n) * x * x
        below = n + n * (b - n) * x / middle + (a + n) / (middle + 2.0) * (begin + n * (1.0 + y))
        d = 1.0 / _away_from_zero(below + above * d)
        c = _away_from_zero(below + above / c)
        value = value * (c * d)
        if bool((np.abs(c * d - 1.0) < PRECISION).all()):
            break
    return 1.0 / value


def _away_from_zero(x: Array) -> Array:
    return np.where(np.abs(x) < LEAST, LEAST, x)


def student_t_quantile(freedom: ArrayLike, level: float) -> Array:
    """The value below which a draw of Student's distribution lies with a probability.

    By Newton's method on the logarithm of the tail, which starts from the normal quantile.

    Args:
        freedom: degrees of freedom, > 0, any shape.
        level: the probability, inside (0, 1).

    Returns:
        Of the shape of the degrees of freedom.

    Example:
        >>> student_t_quantile(np.array([2.0, 5.0]), 0.975).round(6).tolist()
        [4.302653, 2.570582]
    """
    from statistics import NormalDist  # takes a while to import

    v = np.asarray(freedom, "float64")
    tail = min(level, 1.0 - level)
    if tail == 0.5:
        return np.zeros_like(v)
    t = np.full_like(v, -NormalDist().inv_cdf(tail))
    half = np.full_like(v, 0.5)
    constant = _beyond_stirling((v + 1) / 2) - _beyond_stirling(v / 2)
    constant += v / 2 * np.log1p(1.0 / v) - 0.5 - 0.5 * math.log(2.0 * math.pi)
    for _ in range(MAX_STEPS):
        square = t * t
        beyond = 0.5 * _share(v / 2, half, v / (v + square), square / (v + square))
        density = np.exp(constant - (v + 1) / 2 * np.log1p(square / v))
        step = beyond / density * np.log(beyond / tail)
        t = t + step
        if bool((np.abs(step) <= 4 * PRECISION * t).all()):
            break
    return t if level > 0.5 else -t
