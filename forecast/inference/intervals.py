"""Prediction intervals: calibrated on held-out errors, or percentiles of sample paths."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from forecast.errors import OptionError
from forecast.inference.bounds import clip, whole
from forecast.inference.config import Config
from forecast.inference.conformal import RANDOM_WALK, Calibration
from forecast.inference.request import RolloutRequest
from forecast.inference.rollout import MIN_SPREAD, Rollout, RolloutEngine, Spread
from forecast.nn import HEADS

MIN_PATHS = 200  # sample paths behind an interval
FLOAT32 = 1e-6  # relative rounding of a few operations on float32
Ends = tuple[np.ndarray, np.ndarray]  # the lower and the upper one, each (S, H, D)


class IntervalSource(NamedTuple):
    """What intervals are made from.

    Attributes:
        calibration: None for percentiles of sample paths.
        paths: sample paths of each series that they need, at least.
    """

    calibration: Calibration | None
    paths: int


def interval_source(
    config: Config, calibration: Calibration | None, intervals: str, levels: tuple[float, ...]
) -> IntervalSource:
    """What the intervals of a model are made from.

    Args:
        config, calibration: of the model.
        intervals: "calibrated", "paths" or "auto", see `Model.rollout`.
        levels: widths in percent.
    """
    by_paths = intervals == "paths" or (intervals == "auto" and config.counts)
    chosen = None if by_paths else calibration
    is_direct = config.direct and chosen is not None
    if is_direct or not (levels and HEADS[config.head].RANDOM):
        return IntervalSource(chosen, 0)
    return IntervalSource(chosen, MIN_PATHS if chosen else min_paths(levels))


def has_level(config: Config, calibration: Calibration | None, level: float, horizon: int) -> bool:
    """Whether a model has intervals of a level in percent, so many steps ahead."""
    try:
        RolloutRequest(horizon, (level,)).check(config, calibration)
        source = interval_source(config, calibration, "auto", (level,))
        if source.calibration:
            source.calibration.widths(level, horizon)
    except OptionError:
        return False
    return True


def min_paths(levels: tuple[float, ...]) -> int:
    """How many sample paths the percentiles of intervals need: one beyond either end."""
    return max(MIN_PATHS, math.ceil(round(2 / (1 - max(levels, default=0.0) / 100), 6)))


def prediction_intervals(
    engine: RolloutEngine,
    centre: Rollout,
    sampled: Rollout | None,
    levels: tuple[float, ...],
    calibration: Calibration | None,
) -> dict[float, Ends]:
    """The ends of intervals, by level, in the units of the data.

    Args:
        engine: of the model.
        centre: the rollout of S series.
        sampled: their sample paths, for a head that has a distribution.
        levels: widths in percent; none where there is neither a calibration nor paths.
        calibration: by which they are made; None for percentiles of the paths.

    Raises:
        OptionError: if too few held-out errors are known for a level.
    """
    if calibration and levels:
        spread = own_spread(centre, sampled)
        return calibrated_intervals(engine, centre, spread, levels, calibration)
    if sampled is None:
        return {}
    paths = sampled.values.reshape(len(centre.values), -1, *centre.values.shape[1:])
    return percentiles(paths, levels, engine.config.counts)


def calibrated_intervals(
    engine: RolloutEngine,
    centre: Rollout,
    spread: Spread,
    levels: tuple[float, ...],
    calibration: Calibration,
) -> dict[float, Ends]:
    """Intervals as wide as the errors of held-out rollouts were, and wider beyond their steps.

    Those of counts end at counts.

    Args:
        engine: of the model.
        centre: the rollout of S series.
        spread: the model's own, see `own_spread`.
        levels: widths in percent.
        calibration: what is known of the errors.

    Raises:
        OptionError: if too few held-out errors are known for a level.
    """
    grows_by_itself = HEADS[engine.config.head].RANDOM  # the spread of the paths does
    widening = calibration.widening(centre.longest, 0.0 if grows_by_itself else RANDOM_WALK)
    spread = spread.never_less_after(calibration.steps)
    intervals = {}
    for level in levels:
        width = calibration.widths(level, centre.longest)
        lower, upper = _ends(engine, centre, spread, width)
        if centre.longest > calibration.steps:
            wide_lower, wide_upper = _ends(engine, centre, spread, width * widening)
            lower = np.maximum(wide_lower, _stretched(lower, centre, widening))
            upper = np.minimum(wide_upper, _stretched(upper, centre, widening))
        if engine.config.counts:
            lower, upper = (clip(ends, whole(engine.bounds)) for ends in _outwards(lower, upper))
        intervals[level] = lower, upper
    return intervals


def _ends(engine: RolloutEngine, centre: Rollout, spread: Spread, width: np.ndarray) -> Ends:
    """The ends that lie so many spreads (H, D) from a rollout, within the bounds."""
    low, high = (limit[:, None] for limit in engine.limits(centre.start))
    lower, upper = (
        engine.unscaled(np.clip(end, low, high), centre.start)
        for end in (centre.scaled - width * spread.below, centre.scaled + width * spread.above)
    )
    return lower, upper


def _stretched(end: np.ndarray, centre: Rollout, widening: np.ndarray) -> np.ndarray:
    """An end so many times (H, D) as far from the rollout, in the units of the data.

    Under a logarithm a distance that doubles squares a factor, and the upper end explodes.
    """
    return np.where(widening > 1, centre.values + (end - centre.values) * widening, end)


def _outwards(lower: np.ndarray, upper: np.ndarray) -> Ends:
    """The whole numbers at or beyond the ends; what is off by rounding alone stays."""
    near = np.rint(lower), np.rint(upper)
    lower = np.where(np.isclose(lower, near[0], rtol=FLOAT32, atol=0), near[0], np.floor(lower))
    upper = np.where(np.isclose(upper, near[1], rtol=FLOAT32, atol=0), near[1], np.ceil(upper))
    return lower, upper


def own_spread(centre: Rollout, sampled: Rollout | None) -> Spread:
    """How far a model itself expects values to lie from its rollout.

    Of a direct model it is that of its quantiles; of another one with a distribution, the mean
    distance of its S * n sample paths from the rollout; of one without, 1.
    """
    if centre.spread is not None:
        return centre.spread
    if sampled is None:
        return Spread(*[np.ones_like(centre.scaled)] * 2)
    paths = sampled.scaled.reshape(len(centre.scaled), -1, *centre.scaled.shape[1:])
    distance = np.abs(paths - centre.scaled[:, None]).mean(axis=1)
    return Spread(*[np.maximum(distance, MIN_SPREAD)] * 2)


def percentiles(paths: np.ndarray, levels: tuple[float, ...], counts: bool) -> dict[float, Ends]:
    """The central intervals of sample paths.

    Args:
        paths: (S, n, ...).
        levels: widths in percent.
        counts: whether values are counts: then the ends are some of them, to the outer side.
    """
    methods: Any = ("lower", "higher") if counts else ("linear", "linear")
    intervals = {}
    for level in levels:
        low, high = (
            np.percentile(paths, 50 + side * level / 2, axis=1, method=method)
            for side, method in zip((-1, 1), methods, strict=True)
        )
        intervals[level] = low, high
    return intervals
