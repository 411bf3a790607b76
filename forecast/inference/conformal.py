"""Widths of intervals, calibrated on the errors of rollouts over held-out rows.

Split conformal prediction (Vovk, Gammerman & Shafer 2005; Lei et al. 2018), for each step of the
horizon: of n errors at that step, each divided by the model's own spread, the
ceil((n + 1) * level)-th smallest is exceeded by the next one with a probability of at most
1 - level.

Beyond the H calibrated steps nothing was measured, so widths are extrapolated: at step h the
widest calibrated one times (h / H) ** growth. The growth is that of the calibrated steps, but at
least that of a random walk and at most that of a missed linear trend.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from forecast.errors import OptionError

MIN_SCORES = 100  # of a step; where it has fewer, those of the steps around it count too
EXPECTED_SCORES = 300  # that those which are expected without any rows count for, at each step
MAX_SCORES = 1_000  # kept of a step; of more, evenly spaced quantiles
RANDOM_WALK, LINEAR_TREND = 0.5, 1.0  # exponents by which the errors of their forecasts grow


@dataclass(frozen=True, eq=False)
class Calibration:
    """Errors of rollouts on held-out rows.

    Attributes:
        scores: for each step, sorted (H, n, D), with NaN after the last one: distances from the
            forecast in scaled units, divided by the model's own spread.
    """

    scores: np.ndarray

    @classmethod
    def of(cls, scores: np.ndarray, expected: Calibration | None = None) -> Calibration | None:
        """From the scores of M rollouts (M, H, D), NaN where nothing was observed.

        Args:
            scores: of the rollouts.
            expected: scores that are expected without any rollouts, which count beside them.

        Returns:
            Of the expected ones alone where there is no other score; None without both.
        """
        steps, d = scores.shape[1:]
        pooled = [[_pooled(scores[..., k], step) for k in range(d)] for step in range(steps)]
        counts = [len(values) for row in pooled for values in row]
        if not all(counts):
            return expected
        filled = np.full((steps, max(counts), d), np.nan, np.float32)
        for step, row in enumerate(pooled):
            for k, values in enumerate(row):
                filled[step, : len(values), k] = values
        return cls(filled) if expected is None else cls(filled).joined(expected, EXPECTED_SCORES)

    def joined(self, other: Calibration, count: int) -> Calibration:
        """These scores, and evenly spaced quantiles of another calibration's at each step.

        Args:
            other: of the same targets; beyond its own last step each one counts for nothing.
            count: how many of its scores to take.
        """
        parts = []
        for step in range(max(self.steps, other.steps)):
            own, theirs = (one.scores[step : step + 1] for one in (self, other))  # (0 or 1, n, D)
            drawn = [evenly_spaced(scores, count) for scores in theirs]
            parts.append(np.concatenate([*own, *drawn]))
        longest = max(map(len, parts))
        filled = np.full((len(parts), longest, self.scores.shape[2]), np.nan, np.float32)
        for step, part in enumerate(parts):
            filled[step, : len(part)] = part
        return Calibration(np.sort(filled, axis=1))  # NaN last

    @property
    def steps(self) -> int:
        """Steps whose errors were measured, H."""
        return len(self.scores)

    @functools.cached_property
    def growth(self) -> np.ndarray:
        """The exponents by which the mean score grows from step to step, (D,).

        Slopes of least-squares lines, both scales logarithmic; 0 where fewer than two steps have
        errors.
        """
        means = np.asarray(np.nanmean(self.scores, axis=1, dtype=np.float64))  # (H, D)
        return np.array([_slope(np.flatnonzero(mean) + 1, mean[mean > 0]) for mean in means.T])

    def widening(self, horizon: int, least_growth: float = RANDOM_WALK) -> np.ndarray:
        """How many times wider intervals are than `widths`, (horizon, D): 1 where calibrated.

        Args:
            horizon: steps.
            least_growth: the smallest exponent beyond the calibrated steps.
        """
        times = np.maximum(np.arange(1, horizon + 1) / self.steps, 1.0)
        growth = np.clip(self.growth, least_growth, LINEAR_TREND)
        return np.asarray(times[:, None] ** growth, self.scores.dtype)

    def widths(self, level: float, horizon: int) -> np.ndarray:
        """Half-widths of an interval in units of the model's spread, (horizon, D).

        Beyond the calibrated steps it is the largest of theirs, from which `widening` goes on.

        Args:
            level: width of the interval in percent.
            horizon: steps.

        Raises:
            OptionError: if too few errors are known for that level.
        """
        count = np.isfinite(self.scores).sum(axis=1)  # (H, D)
        rank = np.ceil((count + 1) * level / 100).astype(int)
        if (rank > count).any():
            least = math.ceil(1 / (1 - level / 100)) - 1
            raise OptionError(
                f"an interval of {level:g} % needs at least {least} held-out values, there are "
                f"{count.min()}; use a lower level, or with a head that has sample paths, as the "
                "pretrained network's, --intervals paths (intervals='paths' in Python), or train "
                "with a larger --holdout"
            )
        measured = np.take_along_axis(self.scores, rank[:, None] - 1, axis=1)[:, 0]
        beyond = max(horizon - self.steps, 0)
        widest = np.broadcast_to(measured.max(axis=0), (beyond, measured.shape[1]))
        return np.asarray(np.concatenate([measured[:horizon], widest]))


def evenly_spaced(scores: np.ndarray, count: int) -> np.ndarray:
    """So many of the scores (n, D) of a step, NaN left out: evenly spaced quantiles, (count, D)."""
    middles = np.linspace(0, 1, 2 * count + 1)[1::2]
    return np.asarray(np.nanquantile(scores, middles, axis=0, method="inverted_cdf"))


def _slope(steps: np.ndarray, scores: np.ndarray) -> float:
    """The slope of log scores over log steps."""
    if len(steps) < 2:
        return 0.0
    return float(np.polyfit(np.log(steps), np.log(scores), 1)[0])


def _pooled(scores: np.ndarray, step: int) -> np.ndarray:
    """The scores (M, H) of a step, and of those around it as far as they are needed, sorted."""
    for reach in range(scores.shape[1]):
        near = scores[:, max(step - reach, 0) : step + reach + 1]
        pooled = np.sort(near[np.isfinite(near)])
        if len(pooled) >= MIN_SCORES:
            break
    if len(pooled) > MAX_SCORES:
        pooled = pooled[np.linspace(0, len(pooled) - 1, MAX_SCORES).round().astype(int)]
    return np.asarray(pooled)
