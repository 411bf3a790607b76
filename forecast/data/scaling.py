"""Per-series transform and scale, and their inverse.

A value y becomes z = (f(y) - location) / scale. The transform f is one power for all values of a
target: y itself (power 1), y ** power, or log y (power 0). Location and scale are the mean and
the standard deviation of f(y) over the last `context` steps of a series. A series that cannot tell
its own scale, since it is constant or has few rows, takes what is usual in its panel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from forecast.data.panel import Panel

POWERS = {"log": 0.0, "sqrt": 0.5, "none": 1.0}
Powers = tuple[float, ...]  # of each target
FLAT_ULPS = 4  # units in the last place; values that lie no further apart are equal
MAX_EXPONENT = 1_000  # of a power of two by which values are divided
PRIOR_ROWS = 4.0  # that the usual spread of a panel counts for beside a series' own
MIN_CURVED_SPREAD = 1e-6  # share of the level; within less, every power is a straight line
MAX_STRETCHES = 10_000  # that the usual spread is taken from
SMALL_SPREAD = 0.1  # quantile of spreads: what a series at level 0 may have


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
    raised: np.ndarray = np.log(values) if power == 0.0 else values**power
    return raised


def _lowered(values: np.ndarray, power: float) -> np.ndarray:
    if power == 1.0:
        return values
    if power == 0.0:
        lowered: np.ndarray = np.exp(values)
    else:
        lowered = np.maximum(values, 0.0) ** (1.0 / power)
    return lowered


class UsualSpread(NamedTuple):
    """How far the series of a panel spread over a context, in transformed units of one target.

    Attributes:
        spread: of a series that has no level, or whose spread does not depend on it; None where no
            series varied.
        ratio: of spread to level; None where spreads do not grow with levels.
    """

    spread: float | None = None
    ratio: float | None = None

    def at(self, level: np.ndarray) -> np.ndarray:
        """The usual spread at levels (...), at least 0; the level, or 1, where none is known."""
        if self.spread is None:
            return np.where(level > 0, level, 1.0)
        in_proportion = (self.ratio or 0.0) * level
        return np.where(in_proportion > 0, in_proportion, self.spread)


class _Moments(NamedTuple):
    """Of transformed values (B, T, D) over T, missing ones left out; each (B, D)."""

    observed: np.ndarray  # how many values are
    location: np.ndarray  # mean
    spread: np.ndarray  # standard deviation
    is_flat: np.ndarray  # whether all values are equal


def measure(
    values: np.ndarray, powers: Powers | None = None, usual: tuple[UsualSpread, ...] = ()
) -> Scale:
    """Location and scale of transformed values (B, T, D) over T, ignoring missing ones.

    The scale of a series with n observed values is sqrt((1 - w) s ** 2 + w u ** 2), where s is
    their standard deviation, u what is usual in the panel, and w = k / (n - 1 + k). There
    k = PRIOR_ROWS (1 - 2 n / T), at least 0: from half of the T values on the scale is their own
    standard deviation.
    A constant series takes u.

    Args:
        values: of the last T steps.
        powers: of each target's transform; by default 1.
        usual: of each target; by default nothing is known: then s alone counts, and the scale of
            a constant series is its level (or 1 at level 0), so that it is scaled to zeros and a
            later change stays of moderate size.
    """
    count, location, spread, is_flat = _moments(values, powers)
    known = usual or (UsualSpread(),) * values.shape[2]
    level = np.abs(location)
    usual_spread = np.stack([one.at(level[:, d]) for d, one in enumerate(known)], axis=1)
    prior_rows = PRIOR_ROWS * np.maximum(1 - 2 * count / values.shape[1], 0.0)
    prior_rows = np.where([one.spread is None for one in known], 0.0, prior_rows)
    weight = prior_rows / np.maximum(np.maximum(count, 1) - 1 + prior_rows, 1.0)
    mixed = np.hypot(np.sqrt(1 - weight) * spread, np.sqrt(weight) * usual_spread)
    own = np.where(weight > 0, mixed, spread)
    return Scale(location, np.where(is_flat, usual_spread, own))


def _moments(values: np.ndarray, powers: Powers | None) -> _Moments:
    """Mean and standard deviation of transformed values (B, T, D) over T."""
    observed = ~np.isnan(values)
    count = observed.sum(axis=1)
    rows = np.maximum(count, 1)
    location = np.where(observed, values, 0.0).sum(axis=1) / rows
    deviation = np.where(observed, values - location[:, None], 0.0)
    low, high = np.fmin.reduce(values, axis=1), np.fmax.reduce(values, axis=1)
    with np.errstate(over="ignore"):  # an infinite scale is detected where it is used
        width = high - low
    _, exponent = np.frexp(np.abs(deviation).max(axis=1))
    exponent = np.clip(exponent, -MAX_EXPONENT, MAX_EXPONENT)
    unit = deviation * np.ldexp(1.0, -exponent)[:, None]  # exact: a power of two, so that
    spread = np.ldexp(np.sqrt((unit**2).sum(axis=1) / rows), exponent)  # squares are finite
    spread = np.maximum(np.where(np.isinf(width), np.inf, spread), np.spacing(0.0))
    is_flat = ~(width > dust(low, high, powers))  # also where nothing is observed
    location = np.where(is_flat & (count > 0), low, location)
    return _Moments(count, location, spread, is_flat)


def dust(low: np.ndarray, high: np.ndarray, powers: Powers | None = None) -> np.ndarray:
    """How far transformed values (..., D) may lie apart by rounding alone.

    Args:
        low, high: the smallest and the largest.
        powers: of each target; a logarithm turns the relative rounding of a value near 1 into an
            absolute one.
    """
    size = np.maximum(np.abs(low), np.abs(high))
    if powers is not None:
        size = np.where(np.equal(powers, 0.0), np.maximum(size, 1.0), size)
    apart: np.ndarray = FLAT_ULPS * np.spacing(size)
    return apart


def usual_spreads(
    values: np.ndarray, indptr: np.ndarray, context: int, powers: Powers
) -> tuple[UsualSpread, ...]:
    """What is usual in a panel: the median over all stretches of `context` rows that vary.

    Spreads are taken in proportion to the level where a power other than 0 is the transform, and
    either all values have one sign or proportions differ less between stretches than spreads do.
    A logarithm has made proportions of them already.

    Args:
        values: transformed (N, D), NaN where missing.
        indptr: row ranges of the series (S+1,).
        context: rows of a stretch, counted from the end of each series.
        powers: of each target.
    """
    rows = _stretches(indptr, context)
    stretches = np.where((rows >= 0)[..., None], values[rows], np.nan)
    moments = _moments(stretches, powers)
    usual = []
    for d, power in enumerate(powers):
        count, location, spread, is_flat = (part[:, d] for part in moments)
        is_telling = ~is_flat & (2 * count >= count.max(initial=0)) & np.isfinite(spread)
        has_one_sign = not ((values[:, d] < 0).any() and (values[:, d] > 0).any())
        spread, level = spread[is_telling], np.abs(location[is_telling])
        usual.append(_usual(spread, level, power, has_one_sign))
    return tuple(usual)


def _stretches(indptr: np.ndarray, context: int) -> np.ndarray:
    """Rows of stretches (B, context), -1 before a series; of many, MAX_STRETCHES evenly spaced."""
    pieces = -(-np.diff(indptr) // context)  # of each series
    number = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    begin, end = np.repeat(indptr[:-1], pieces), np.repeat(indptr[1:], pieces) - context * number
    is_long = 2 * (end - begin) >= min(context, np.diff(indptr).max())
    begin, end = begin[is_long], end[is_long]
    if len(end) > MAX_STRETCHES:
        chosen = np.linspace(0, len(end) - 1, MAX_STRETCHES).astype(int)
        begin, end = begin[chosen], end[chosen]
    rows = end[:, None] - context + np.arange(context)
    return np.where(rows >= begin[:, None], rows, -1)


def _usual(spread: np.ndarray, level: np.ndarray, power: float, has_one_sign: bool) -> UsualSpread:
    """What is usual of stretches with the given spreads and levels, (B,)."""
    if not len(spread):
        return UsualSpread()
    if power == 0.0:
        return UsualSpread(float(np.median(spread)))
    with np.errstate(divide="ignore", over="ignore"):
        ratio = spread / level
    grows = np.isfinite(ratio).all() and _variability(ratio) < _variability(spread)
    if has_one_sign or grows:
        small = float(np.quantile(spread, SMALL_SPREAD, method="higher"))
        return UsualSpread(small, float(np.median(ratio)))
    return UsualSpread(float(np.median(spread)))


def _variability(values: np.ndarray) -> float:
    """The median distance of the logarithms of values from their median."""
    logarithms = np.log(values)
    return float(np.median(np.abs(logarithms - np.median(logarithms))))


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
    series wins. Powers other than 1 need non-negative values, the logarithm positive ones. Values
    that hardly vary about their level are left alone: a power would only cost them digits.
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
    largest = np.frexp(np.abs(blocks).max(initial=0.0))[1]
    blocks = np.ldexp(blocks, -(largest // 2 * 2))  # so that squares do not overflow
    level, spread = blocks.mean(axis=1), blocks.std(axis=1)
    usable = (level > 0) & (spread > MIN_CURVED_SPREAD * level)
    if usable.sum() < 3:
        return None
    ratios = [spread[usable] / level[usable] ** (1.0 - power) for power in powers]
    return [float(ratio.std() / ratio.mean()) for ratio in ratios]
