"""Prediction intervals: calibrated on held-out errors, or percentiles of sample paths."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from forecast.inference.bounds import clip, whole
from forecast.inference.config import Config
from forecast.inference.conformal import RANDOM_WALK, Calibration
from forecast.inference.rollout import Rollout, RolloutEngine
from forecast.nn import HEADS

MIN_PATHS = 200  # sample paths behind an interval
MIN_SPREAD = 1e-6  # of sample paths, in scaled units
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
    if not (levels and HEADS[config.head].RANDOM):
        return IntervalSource(chosen, 0)
    return IntervalSource(chosen, MIN_PATHS if chosen else min_paths(levels))


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
        spread = np.ones_like(centre.scaled) if sampled is None else spread_of(sampled, centre)
        return calibrated_intervals(engine, centre, spread, levels, calibration)
    if sampled is None:
        return {}
    paths = sampled.values.reshape(len(centre.values), -1, *centre.values.shape[1:])
    return percentiles(paths, levels, engine.config.counts)


def calibrated_intervals(
    engine: RolloutEngine,
    centre: Rollout,
    spread: np.ndarray,
    levels: tuple[float, ...],
    calibration: Calibration,
) -> dict[float, Ends]:
    """Intervals as wide as the errors of held-out rollouts were, and wider beyond their steps.

    Those of counts end at counts.

    Args:
        engine: of the model.
        centre: the rollout of S series.
        spread: the model's own, in scaled units (S, H, D), see `spread_of`.
        levels: widths in percent.
        calibration: what is known of the errors.

    Raises:
        OptionError: if too few held-out errors are known for a level.
    """
    grows_by_itself = HEADS[engine.config.head].RANDOM  # the spread of the paths does
    widening = calibration.widening(centre.longest, 0.0 if grows_by_itself else RANDOM_WALK)
    intervals = {}
    for level in levels:
        reach = calibration.widths(level, centre.longest) * spread
        lower, upper = _ends(engine, centre, reach)
        if centre.longest > calibration.steps:
            wide_lower, wide_upper = _ends(engine, centre, reach * widening)
            lower = np.maximum(wide_lower, _stretched(lower, centre, widening))
            upper = np.minimum(wide_upper, _stretched(upper, centre, widening))
        if engine.config.counts:
            lower, upper = (clip(ends, whole(engine.bounds)) for ends in _outwards(lower, upper))
        intervals[level] = lower, upper
    return intervals


def _ends(engine: RolloutEngine, centre: Rollout, reach: np.ndarray) -> Ends:
    """The ends at a distance (S, H, D) in scaled units from a rollout, within the bounds."""
    low, high = (limit[:, None] for limit in engine.limits(centre.start))
    lower, upper = (
        engine.unscaled(np.clip(end, low, high), centre.start)
        for end in (centre.scaled - reach, centre.scaled + reach)
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


def spread_of(sampled: Rollout, centre: Rollout) -> np.ndarray:
    """The mean distance of S * n sample paths from a rollout, (S, H, D), at least MIN_SPREAD."""
    paths = sampled.scaled.reshape(len(centre.scaled), -1, *centre.scaled.shape[1:])
    spread = np.abs(paths - centre.scaled[:, None]).mean(axis=1)
    return np.asarray(np.maximum(spread, MIN_SPREAD))


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
