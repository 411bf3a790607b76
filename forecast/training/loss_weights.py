"""What the loss of each step of a history and of its future counts for."""

from __future__ import annotations

import numpy as np

TRUST = 0.05  # seasonal change, in scaled units, below which a calmer series counts no more
ONE_STEP_WEIGHT = 0.5  # of the one-step losses of a history, beside those of its future
WARM_UP = 3  # rows of a history whose loss counts for nothing, at most


def loss_weights(
    scaled: np.ndarray, rows: int, season: int, begins: np.ndarray | None = None
) -> np.ndarray:
    """What the loss of each step counts for, (B, T).

    A series counts in inverse proportion to its mean change over a season, as in the mean absolute
    scaled error. The weights of the steps of the future are 1 on average over all T steps, those
    of the history ONE_STEP_WEIGHT.

    Args:
        scaled: the values (B, T), NaN where missing.
        rows: of the window before its future.
        season: steps in a season.
        begins: the first step of each history (B,), by default that of the window; values before
            are NaN.
    """
    steps = scaled.shape[1]
    lag = min(season, max(rows // 2, 1))
    change = np.abs(scaled[:, lag:rows] - scaled[:, : rows - lag])
    observed = np.maximum((~np.isnan(change)).sum(axis=1), 1)
    calm = 1.0 / (np.nansum(change, axis=1) / observed + TRUST)
    begin = np.zeros((len(scaled), 1), np.int64) if begins is None else begins[:, None]
    first = begin + np.minimum(WARM_UP, rows - 1 - begin)  # whose loss counts
    counts = (np.arange(steps) >= first) & (np.arange(steps) < rows)
    by_step = np.where(counts, ONE_STEP_WEIGHT / (rows - first), 0.0)
    by_step[:, rows:] = 1.0 / (steps - rows)
    return np.asarray((calm / calm.mean())[:, None] * by_step * steps)
