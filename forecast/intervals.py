"""Intervals around a rollout: calibrated on held-out errors, or percentiles of sample paths."""

from __future__ import annotations

from typing import Any

import numpy as np

from forecast.calibration import Calibration
from forecast.projection import Projection, Projector

NARROWEST = 1e-6  # spread of sample paths, in scaled units
Ends = tuple[np.ndarray, np.ndarray]  # the lower and the upper one, each (S, H, D)


def calibrated(
    projector: Projector,
    centre: Projection,
    sampled: Projection | None,
    levels: tuple[float, ...],
    calibration: Calibration,
) -> dict[float, Ends]:
    """Intervals as wide as the errors of held-out rollouts were, in the units of the data.

    Args:
        projector: of the model.
        centre: the rollout of S series.
        sampled: their sample paths, for a head that has a distribution.
        levels: widths in percent.
        calibration: of the model.

    Raises:
        OptionError: if too few errors are known for a level.
    """
    spread = np.ones_like(centre.scaled) if sampled is None else spread_of(sampled, centre)
    low, high = (limit[:, None] for limit in projector.limits(centre.start))
    found = {}
    for level in levels:
        reach = calibration.widths(level, centre.scaled.shape[1]) * spread
        lower, upper = (
            projector.unscaled(np.clip(end, low, high), centre.start)
            for end in (centre.scaled - reach, centre.scaled + reach)
        )
        found[level] = lower, upper
    return found


def spread_of(sampled: Projection, centre: Projection) -> np.ndarray:
    """The mean distance of S * n sample paths from a rollout, (S, H, D), at least a sliver."""
    paths = sampled.scaled.reshape(len(centre.scaled), -1, *centre.scaled.shape[1:])
    spread = np.abs(paths - centre.scaled[:, None]).mean(axis=1)
    return np.asarray(np.maximum(spread, NARROWEST))


def percentiles(
    paths: np.ndarray, levels: tuple[float, ...], axis: int, is_whole: bool
) -> dict[float, Ends]:
    """The middle of sample paths.

    Args:
        paths: with the paths along some axis.
        levels: widths in percent.
        axis: that of the paths.
        is_whole: whether they are counts: then the ends are some of them, to the outer side.
    """
    methods: Any = ("lower", "higher") if is_whole else ("linear", "linear")
    found = {}
    for level in levels:
        low, high = (
            np.percentile(paths, 50 + side * level / 2, axis=axis, method=method)
            for side, method in zip((-1, 1), methods, strict=True)
        )
        found[level] = low, high
    return found
