"""The quantile head: quantiles at fixed levels, from which any distribution can be pieced together.

Trained on the mean quantile loss (Koenker & Bassett 1978), which approximates the continuous
ranked probability score. The first raw parameter is the median; the others are distances from one
level to the next outward one, made positive, so that quantiles cannot cross (Gasthaus et al. 2019).
Between levels the quantile function is linear, beyond the outermost ones it continues as the tail
of an exponential distribution through the two nearest levels.
"""

from __future__ import annotations

import math
from typing import Any

from forecast.nn.heads.student_t import softplus

LEVELS = (0.025, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.975)
MEDIAN = LEVELS.index(0.5)
PARAMETERS = len(LEVELS)  # raw outputs per target: the median, then distances downward and upward
RANDOM = True
COUNTS = False
MIN_DISTANCE = 1e-5  # between neighbouring levels, in units of the scaled target


def quantiles(xp: Any, params: Any) -> list[Any]:
    """The quantiles at LEVELS, each (..., D), from raw parameters (..., PARAMETERS * D)."""
    d = params.shape[-1] // PARAMETERS
    median, apart = params[..., :d], softplus(xp, params[..., d:]) + MIN_DISTANCE
    distances = [apart[..., k * d : (k + 1) * d] for k in range(PARAMETERS - 1)]
    below, above = [median], [median]
    for distance in distances[:MEDIAN]:
        below.append(below[-1] - distance)
    for distance in distances[MEDIAN:]:
        above.append(above[-1] + distance)
    return [*reversed(below[1:]), *above]


def loss(xp: Any, params: Any, value: Any) -> Any:
    """Twice the quantile loss, averaged over LEVELS, elementwise (..., D).

    Of the median alone it would be the absolute error.
    """
    losses = [
        2.0 * xp.maximum(level * (value - quantile), (level - 1.0) * (value - quantile))
        for level, quantile in zip(LEVELS, quantiles(xp, params), strict=True)
    ]
    return sum(losses[1:], losses[0]) / float(len(LEVELS))


def center(xp: Any, params: Any) -> Any:  # noqa: ARG001 - every head takes the namespace
    """The median, which a deterministic rollout feeds back: (..., D)."""
    return params[..., : params.shape[-1] // PARAMETERS]


def sample(xp: Any, params: Any, uniforms: Any) -> Any:
    """One draw per row: the quantile at a uniform number.

    Args:
        xp: the array namespace.
        params: raw parameters (..., PARAMETERS * D).
        uniforms: numbers in (0, 1), (..., D, 2), of which the first is used.

    Returns:
        Draws (..., D).
    """
    return quantile(xp, params, uniforms[..., 0])


def quantile(xp: Any, params: Any, level: Any) -> Any:
    """The value below which a draw lies with the given probability, (..., D).

    Args:
        xp: the array namespace.
        params: raw parameters (..., PARAMETERS * D).
        level: the probability, inside (0, 1); a number or (..., D).
    """
    if isinstance(level, float) and level in LEVELS:
        return _at(xp, params, LEVELS.index(level))
    known = quantiles(xp, params)
    level = xp.zeros_like(known[0]) + level
    value = known[0]
    for low, high, start, end in zip(known, known[1:], LEVELS, LEVELS[1:], strict=False):
        passed = xp.minimum(xp.maximum((level - start) / (end - start), 0.0), 1.0)
        value = value + passed * (high - low)
    outer, inner = LEVELS[0], LEVELS[1]
    steepness = math.log(inner / outer)
    low_tail = xp.log(xp.minimum(level, outer) / outer) / steepness * (known[1] - known[0])
    high_tail = xp.log(xp.minimum(1.0 - level, outer) / outer) / steepness
    return value + low_tail - high_tail * (known[-1] - known[-2])


def _at(xp: Any, params: Any, place: int) -> Any:
    """One of `quantiles`, in fewer operations."""
    d = params.shape[-1] // PARAMETERS
    first, last = (0, MEDIAN - place) if place < MEDIAN else (MEDIAN, place)
    value, distances = params[..., :d], params[..., (1 + first) * d : (1 + last) * d]
    apart = softplus(xp, distances) + MIN_DISTANCE
    for k in range(last - first):
        distance = apart[..., k * d : (k + 1) * d]
        value = value - distance if place < MEDIAN else value + distance
    return value
