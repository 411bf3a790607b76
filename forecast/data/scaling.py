"""Per-series transform and scale, and their inverse.

A value y becomes z = (f(y) - location) / scale. The transform f is one power for all values of a
target: y itself (power 1), y ** power, or log y (power 0). Location and scale are the mean and
the standard deviation of f(y) over the last `context` steps of a series.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from forecast.data.panel import Panel

POWERS = {"log": 0.0, "sqrt": 0.5, "none": 1.0}
Powers = tuple[float, ...]  # of each target
NEGLIGIBLE_SPREAD = 1e-7  # share of the level; a smaller spread is rounding noise


class Scale(NamedTuple):
    """Location and scale of the transformed values, each (B, D)."""

    location: np.ndarray
    scale: np.ndarray


def transform(values: np.ndarray, powers: Powers) -> np.ndarray:
    """f(y), (..., D); NaN stays NaN.

    Args:
        values: y >= 0 for a power other than 1, y > 0 for power 0.
        powers: of each target; 1 leaves y alone, 0 is the logarithm.
    """
    return _by_target(_raised, values, powers)


def inverse(values: np.ndarray, powers: Powers) -> np.ndarray:
    """y of f(y), (..., D); a value below the range of f becomes the smallest y, 0."""
    with np.errstate(over="ignore"):  # the rollout refuses non-finite forecasts
        return _by_target(_lowered, values, powers)


def _by_target(
    function: Callable[[np.ndarray, float], np.ndarray], values: np.ndarray, powers: Powers
) -> np.ndarray:
    """A function of values (..., D) and the power of each target."""
    if len({*powers}) == 1:
        return function(values, powers[0])
    return np.stack([function(values[..., d], power) for d, power in enumerate(powers)], axis=-1)


def _raised(values: np.ndarray, power: float) -> np.ndarray:
    if power == 1.0:
        return values
    return np.asarray(np.log(values) if power == 0.0 else values**power)


def _lowered(values: np.ndarray, power: float) -> np.ndarray:
    if power == 1.0:
        return values
    if power == 0.0:
        return np.asarray(np.exp(values))
    return np.asarray(np.maximum(values, 0.0) ** (1.0 / power))


def measure(values: np.ndarray) -> Scale:
    """Location and scale of transformed values (B, T, D) over T, ignoring missing ones.

    The scale of a constant series is its level (or 1 at level 0), so that it is scaled to zeros
    and a later change stays of moderate size.
    """
    observed = ~np.isnan(values)
    count = np.maximum(observed.sum(axis=1), 1)
    location = np.where(observed, values, 0.0).sum(axis=1) / count
    deviation = np.where(observed, values - location[:, None], 0.0)
    with np.errstate(over="ignore"):  # an infinite scale is detected where it is used
        spread = np.sqrt((deviation**2).sum(axis=1) / count)
    level = np.abs(location)
    is_constant = spread <= NEGLIGIBLE_SPREAD * level
    return Scale(location, np.where(is_constant, np.where(level > 0, level, 1.0), spread))


def measure_counts(values: np.ndarray) -> Scale:
    """The scale of counts (B, T, D): one more than their mean over T (Salinas et al. 2020).

    Zero stays zero, and a series of zeros has a scale too.
    """
    observed = ~np.isnan(values)
    count = np.maximum(observed.sum(axis=1), 1)
    mean = np.where(observed, values, 0.0).sum(axis=1) / count
    return Scale(np.zeros_like(mean), 1.0 + mean)


def forward(values: np.ndarray, scale: Scale) -> np.ndarray:
    """Scale transformed values (B, T, D), to float32."""
    scaled: np.ndarray = (values - scale.location[:, None]) / scale.scale[:, None]
    return scaled.astype(np.float32)


def backward(scaled: np.ndarray, scale: Scale, powers: Powers) -> np.ndarray:
    """Scaled values (B, T, D) in the user's units, float64."""
    transformed = scaled.astype(np.float64) * scale.scale[:, None] + scale.location[:, None]
    return inverse(transformed, powers)


def choose_power(panel: Panel, d: int = 0) -> float:
    """The power that makes the spread of a target's season least dependent on its level.

    Guerrero (1993): over the seasons of a series the ratio spread / level ** (1 - power)
    should be constant; the power with the smallest median coefficient of variation over the
    series wins. Powers other than 1 need non-negative values, the logarithm positive ones.
    """
    target = panel.target[:, d]
    smallest = np.nanmin(target, initial=np.inf)
    allowed = [p for p in POWERS.values() if p == 1.0 or smallest > 0 or (smallest == 0 and p > 0)]
    blocks = max(panel.frequency.season_length, 4)
    variation = [
        _variation(target[panel.indptr[s] : panel.indptr[s + 1]], blocks, allowed)
        for s in range(len(panel.ids))
    ]
    scores = np.array([v for v in variation if v is not None])
    return allowed[int(np.argmin(np.median(scores, axis=0)))] if len(scores) else 1.0


def _variation(values: np.ndarray, block: int, powers: list[float]) -> list[float] | None:
    """Coefficient of variation of spread / level ** (1 - power) over blocks, per power."""
    whole = len(values) // block * block
    blocks = values[len(values) - whole :].reshape(-1, block)
    blocks = blocks[~np.isnan(blocks).any(axis=1)]
    level, spread = blocks.mean(axis=1), blocks.std(axis=1)
    usable = (level > 0) & (spread > 0)
    if usable.sum() < 3:
        return None
    ratios = [spread[usable] / level[usable] ** (1.0 - power) for power in powers]
    return [float(ratio.std() / ratio.mean()) for ratio in ratios]
