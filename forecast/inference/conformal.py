"""How wide an interval has to be, learned from the errors of rollouts on held-out rows.

Split conformal prediction (Vovk, Gammerman & Shafer 2005; Lei et al. 2018), for each step of the
horizon: of n errors at that step, each in units of the spread that the model itself tells, the
ceil((n + 1) * level)-th smallest is exceeded by the next one with a probability of at most
1 - level.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from forecast.errors import OptionError

ENOUGH = 100  # errors of a step; where it has fewer, those of the steps around it count too
KEPT = 1_000  # of a step; of more, every so-manieth in order of size


@dataclass(frozen=True, eq=False)
class Calibration:
    """Errors of rollouts on held-out rows.

    Attributes:
        scores: for each step, sorted (H, n, D), with NaN after the last one: distances from the
            forecast in scaled units, divided by the spread that the model tells.
    """

    scores: np.ndarray

    @classmethod
    def of(cls, scores: np.ndarray) -> Calibration | None:
        """From the scores of M rollouts (M, H, D), NaN where nothing was observed.

        Returns:
            None where there is no score at all.
        """
        steps, d = scores.shape[1:]
        pooled = [[_pooled(scores[..., k], step) for k in range(d)] for step in range(steps)]
        longest = max(len(one) for row in pooled for one in row)
        if not all(len(one) for row in pooled for one in row):
            return None
        filled = np.full((steps, longest, d), np.nan, np.float32)
        for step, row in enumerate(pooled):
            for k, one in enumerate(row):
                filled[step, : len(one), k] = one
        return cls(filled)

    @property
    def steps(self) -> int:
        """Steps whose errors were measured, H."""
        return len(self.scores)

    def widths(self, level: float, horizon: int) -> np.ndarray:
        """How many spreads an interval reaches to either side, (horizon, D).

        Beyond the steps that were measured it is as many as at the widest of them.

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
                f"{count.min()}; ask for a lower level, train with a larger --holdout, or take "
                "those of sample paths, of a head that has some: --intervals paths (intervals= in "
                "Python)"
            )
        measured = np.take_along_axis(self.scores, rank[:, None] - 1, axis=1)[:, 0]
        beyond = max(horizon - self.steps, 0)
        widest = np.broadcast_to(measured.max(axis=0), (beyond, measured.shape[1]))
        found: np.ndarray = np.concatenate([measured[:horizon], widest])
        return found


def _pooled(scores: np.ndarray, step: int) -> np.ndarray:
    """The scores (M, H) of a step, and of those around it as far as they are needed, sorted."""
    for reach in range(scores.shape[1]):
        near = scores[:, max(step - reach, 0) : step + reach + 1]
        found = np.sort(near[np.isfinite(near)])
        if len(found) >= ENOUGH:
            break
    if len(found) > KEPT:
        found = found[np.linspace(0, len(found) - 1, KEPT).round().astype(int)]
    return np.asarray(found)


def covered(scores: np.ndarray, widths: np.ndarray) -> float:
    """Which share of the scores (M, H, D) lies within the widths (H, D)."""
    return float((scores <= widths)[np.isfinite(scores)].mean())
