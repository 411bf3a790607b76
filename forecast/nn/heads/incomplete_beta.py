"""The regularised incomplete beta function, and Student's distribution, which is made of it.

SciPy has both and is faster; this is for where it is not installed.
"""

from __future__ import annotations

import math
from importlib.util import find_spec
from typing import Any

# Bernoulli numbers over 2k (2k - 1): Stirling's series of the logarithm of the gamma function.
STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)
LARGE = 10  # added to small arguments, from where that series is exact
MAX_TERMS = 10_000  # of the continued fraction; about sqrt(a + b) are needed
MAX_STEPS = 100  # of Newton's method; about ten are needed
PRECISION = 1e-15
LEAST = 1e-300


def is_scipy_installed() -> bool:
    """Whether SciPy can be imported, which takes a fifth of a second."""
    return find_spec("scipy") is not None


def incomplete_beta(xp: Any, a: Any, b: Any, x: Any) -> Any:
    """The probability that a beta variable does not exceed x: I_x(a, b).

    By the continued fraction of Didonato & Morris (1992), their equation 9.

    Args:
        xp: the array namespace; NumPy only.
        a: first parameter, > 0, any shape.
        b: second parameter, > 0, of a shape that fits.
        x: between 0 and 1, of a shape that fits.

    Example:
        >>> import numpy as np
        >>> incomplete_beta(np, np.array([1.0, 2.0]), 2.0, 0.5).round(12).tolist()
        [0.75, 0.5]
    """
    a, b, x = xp.broadcast_arrays(*(xp.asarray(part, "float64") for part in (a, b, x)))
    return _share(xp, a, b, x, 1.0 - x)


def _share(xp: Any, a: Any, b: Any, x: Any, y: Any) -> Any:
    """I_x(a, b), where y = 1 - x is given, since near 1 it has digits that x has not."""
    is_upper = x > (a + 1.0) / (a + b + 2.0)  # there the other tail converges faster
    x, y = xp.where(is_upper, y, x), xp.where(is_upper, x, y)
    a, b = xp.where(is_upper, b, a), xp.where(is_upper, a, b)
    share = _density(xp, a, b, x, y) * _fraction(xp, a, b, x, y)
    return xp.where(is_upper, 1.0 - share, share)


def _density(xp: Any, a: Any, b: Any, x: Any, y: Any) -> Any:
    """x^a y^b over the beta function of a and b, where y = 1 - x, without cancellation."""
    total = a + b
    distance = x * b - y * a  # from the mean a / total, times the total
    exponent = a * _log_ratio(xp, x * total / a, distance / a)
    exponent += b * _log_ratio(xp, y * total / b, -distance / b)
    correction = _beyond_stirling(xp, total) - _beyond_stirling(xp, a) - _beyond_stirling(xp, b)
    return xp.sqrt(a / total * b / (2.0 * math.pi)) * xp.exp(exponent + correction)


def _log_ratio(xp: Any, ratio: Any, excess: Any) -> Any:
    """The logarithm of a ratio that is one and an excess, which is exact where it is small."""
    is_near = xp.abs(excess) < 0.5
    near = xp.log1p(xp.where(is_near, excess, 0.0))
    return xp.where(is_near, near, xp.log(xp.maximum(ratio, LEAST)))


def _beyond_stirling(xp: Any, z: Any) -> Any:
    """log Gamma(z) less (z - 1/2) log z - z + log(2 pi) / 2."""
    shifted = 0.0
    for _ in range(LARGE):
        shifted = shifted + (z + 0.5) * xp.log1p(1.0 / z) - 1.0
        z = z + 1.0
    series = 0.0
    for factor in reversed(STIRLING):
        series = series / (z * z) + factor
    return shifted + series / z


def _fraction(xp: Any, a: Any, b: Any, x: Any, y: Any) -> Any:
    """The continued fraction of I_x(a, b), by the method of Lentz (1976)."""
    begin = a * y - b * x + 1.0
    value = c = _away_from_zero(xp, a / (a + 1.0) * begin)
    d = xp.zeros_like(x)
    for n in range(1, MAX_TERMS):
        middle = a + 2 * n - 1.0
        above = (a + n - 1.0) / middle * ((a + b + n - 1.0) / middle) * n * (b - n) * x * x
        below = n + n * (b - n) * x / middle + (a + n) / (middle + 2.0) * (begin + n * (1.0 + y))
        d = 1.0 / _away_from_zero(xp, below + above * d)
        c = _away_from_zero(xp, below + above / c)
        value = value * (c * d)
        if bool((xp.abs(c * d - 1.0) < PRECISION).all()):
            break
    return 1.0 / value


def _away_from_zero(xp: Any, x: Any) -> Any:
    return xp.where(xp.abs(x) < LEAST, LEAST, x)


def student_t_quantile(xp: Any, freedom: Any, level: float) -> Any:
    """The value below which a draw of Student's distribution lies with a probability.

    By Newton's method on the logarithm of the tail, which starts from the normal quantile.

    Args:
        xp: the array namespace; NumPy only.
        freedom: degrees of freedom, > 0, any shape.
        level: the probability, inside (0, 1).

    Returns:
        Of the shape of the degrees of freedom.

    Example:
        >>> import numpy as np
        >>> student_t_quantile(np, np.array([2.0, 5.0]), 0.975).round(6).tolist()
        [4.302653, 2.570582]
    """
    from statistics import NormalDist  # takes a while to import

    v = xp.asarray(freedom, "float64")
    tail = min(level, 1.0 - level)
    if tail == 0.5:
        return xp.zeros_like(v)
    t = xp.full_like(v, -NormalDist().inv_cdf(tail))
    half = xp.full_like(v, 0.5)
    constant = _beyond_stirling(xp, (v + 1) / 2) - _beyond_stirling(xp, v / 2)
    constant += v / 2 * xp.log1p(1.0 / v) - 0.5 - 0.5 * math.log(2.0 * math.pi)
    for _ in range(MAX_STEPS):
        square = t * t
        beyond = 0.5 * _share(xp, v / 2, half, v / (v + square), square / (v + square))
        density = xp.exp(constant - (v + 1) / 2 * xp.log1p(square / v))
        step = beyond / density * xp.log(beyond / tail)
        t = t + step
        if bool((xp.abs(step) <= 4 * PRECISION * t).all()):
            break
    return t if level > 0.5 else -t
