"""How much each member of a model counts: from rollouts over held-out rows."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from forecast.data.panel import Panel
from forecast.evaluation.comparison import mase_scale
from forecast.evaluation.holdout import hold_out
from forecast.evaluation.metrics import mean_observed
from forecast.inference.members import Core, Member

TENTHS = 10  # shares are tried in tenths
PRIOR_SERIES = 10  # that shares by the errors of members alone count for beside the best ones
LEAST_SHARE = 0.05  # of a member that is worth its time
LEAST_ERROR = 1e-6  # MASE, below which errors are alike


@dataclass(frozen=True)
class MemberPaths:
    """What each of K members forecast for held-out rows.

    Attributes:
        paths: their forecasts (K, S, H).
        actual: the actuals (S, H), NaN where missing.
        scale: the errors of each series are divided by (S,).
    """

    paths: np.ndarray
    actual: np.ndarray
    scale: np.ndarray

    def error(self, shares: np.ndarray) -> float:
        """MASE of the mean of the members with such shares (K,)."""
        apart = np.abs(np.tensordot(shares, self.paths, axes=1) - self.actual)
        return float(np.nanmean(mean_observed(apart) / self.scale))


def combined(panel: Panel, core: Core, others: tuple[Member, ...], holdout: int) -> Core:
    """The members of a model that are worth their time, with shares that suit held-out rows.

    Shares are those with the smallest MASE on the last rows. Where series are few these would
    follow noise, and do worse than a plain mean (Smith & Wallis 2009); so they are drawn towards
    shares in inverse proportion to the squared error of each member (Bates & Granger 1969). The
    validation rows before them would flatter the network, which has stopped where it suits them.

    Args:
        panel: of one target, all rows.
        core: a trained network.
        others: further members to choose from, one at least.
        holdout: rows H at the end of each series that no training has seen.
    """
    equal = np.full(1 + len(others), 1 / (1 + len(others)))
    everyone = Core(core.config, core.weights, others, tuple(equal.tolist()))
    seen = member_paths(panel, everyone, holdout)
    if seen is None:
        return everyone
    tenths = itertools.product(range(TENTHS + 1), repeat=len(equal))
    grid = [np.array(parts) / TENTHS for parts in tenths if sum(parts) == TENTHS]
    best, series = min(grid, key=seen.error), len(seen.scale)
    errors = np.array([seen.error(alone) for alone in np.eye(len(equal))])
    trust = 1.0 / np.maximum(errors, LEAST_ERROR) ** 2
    prior = PRIOR_SERIES * trust / trust.sum()
    return _kept(everyone, (series * best + prior) / (series + PRIOR_SERIES))


def member_paths(panel: Panel, core: Core, steps: int) -> MemberPaths | None:
    """What each member forecasts for the last rows of each series.

    Returns:
        None where nothing is held out, or no series has errors that can be scaled.
    """
    held_out = hold_out(panel, core, steps)
    if held_out is None:
        return None
    predictor, actual = held_out.predictor, held_out.actual[..., 0]
    paths = predictor.engine().each(predictor.state, steps, held_out.future)
    scale = mase_scale(held_out.history, core.config.season)
    is_known = np.isfinite(scale) & ~np.isnan(actual).all(axis=1)
    if not is_known.any():
        return None
    by_member = np.stack([path[is_known, :, 0] for path in paths])
    return MemberPaths(by_member, actual[is_known], scale[is_known])


def _kept(core: Core, shares: np.ndarray) -> Core:
    """The members with a share that is worth their time; the first one stays in any case."""
    chosen = [k for k, share in enumerate(shares) if share >= LEAST_SHARE]
    others = tuple(core.others[k - 1] for k in chosen if k)
    kept = np.array([shares[0], *(shares[k] for k in chosen if k)])
    return Core(core.config, core.weights, others, tuple((kept / kept.sum()).tolist()))
