"""Intervals around a rollout: calibrated on held-out errors, or percentiles of sample paths."""

from __future__ import annotations

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


def percentiles(paths: np.ndarray, levels: tuple[float, ...]) -> dict[float, Ends]:
    """The middle of sample paths (S, n, H, D)."""
    tails = ((level, 50 - level / 2, 50 + level / 2) for level in levels)
    return {
        level: (np.percentile(paths, low, axis=1), np.percentile(paths, high, axis=1))
        for level, low, high in tails
    }
