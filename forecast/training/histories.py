"""Training windows with the history before a cutoff and the future behind it, as in a forecast.

The scale is that of the last rows before the cutoff, and the network begins with the first row of
the history from an empty state. So a window is what a forecast from that cutoff would see.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from forecast.data import scaling
from forecast.nn import step_inputs
from forecast.training.loss_weights import loss_weights
from forecast.training.windows import Windows

MAX_SCALED = 30.0  # larger values are cut off, in scaled units
VALIDATION_WINDOWS = 256  # looked at for the validation loss


class HistoryBatch(NamedTuple):
    """B windows of T steps, whose histories begin at different ones."""

    values: np.ndarray  # (B, L + T, D) float32, scaled, NaN where missing; L rows lead to a window
    step_features: np.ndarray  # (B, T, K) float32
    targets: np.ndarray  # (B, T, D), the last T values
    begins: np.ndarray  # (B,) int32, the first step of each history
    weights: np.ndarray  # (B, T) float32, of the losses


@dataclass(frozen=True)
class Histories:
    """Histories of one panel, each with its future, gathered on demand.

    Attributes:
        windows: the rows; their context C is the longest history, the steps behind it the horizon.
        scale_rows: the last rows of a history that set its scale.
        season: steps after which a change counts in the weight of a series.
        min_rows: the fewest rows of a history.
    """

    windows: Windows
    scale_rows: int
    season: int
    min_rows: int

    @property
    def indptr(self) -> np.ndarray:
        """Row ranges of the series (S+1,)."""
        return self.windows.indptr

    @property
    def context(self) -> int:
        """Steps of a window before its horizon, C."""
        return self.windows.context

    @property
    def window_length(self) -> int:
        """Steps of a window, T."""
        return self.windows.window_length

    def gather(self, series: np.ndarray, cutoff: np.ndarray, stop: np.ndarray) -> HistoryBatch:
        """The windows of the given series, whose histories end at the given cutoffs.

        Args:
            series: index of each window's series, (B,).
            cutoff: rows of the series before its cutoff, (B,).
            stop: rows of the series that may be used, (B,); those of the horizon from there on
                count for nothing.

        Returns:
            The windows, scaled; a loss counts for nothing where a target is missing.
        """
        source = self.windows
        first = cutoff - source.context
        lead = step_inputs.lead(source.lags)
        values, rows = source.values(series, first - lead, lead + source.window_length, stop)
        values[:, :lead] = np.nan  # as in a forecast, nothing is known from before the history
        recent = values[:, lead + source.context - self.scale_rows : lead + source.context]
        scale = source.measure_scale(recent)
        scaled = np.clip(scaling.forward(values, scale), -MAX_SCALED, MAX_SCALED)
        targets = scaled[:, lead:].copy()
        begins = np.maximum(-first, 0).astype(np.int32)
        weights = loss_weights(targets[..., 0], source.context, self.season, begins)
        weights = weights.astype(np.float32)
        step_features = source.step_features[rows[:, lead:]]
        return HistoryBatch(scaled, step_features, targets, begins, weights)


def random_histories(
    histories: Histories, lengths: np.ndarray, batch_size: int, seed: int
) -> Iterator[HistoryBatch]:
    """Endless batches at random cutoffs; each depends only on the seed and the batch's number.

    Args:
        histories: the source of the windows.
        lengths: rows of each series that may be used, (S,).
        batch_size: number of windows, B.
        seed: of the cutoffs.
    """
    cutoffs = np.maximum(lengths - histories.min_rows, 0)  # of each series, with a row behind it
    cumulative = np.cumsum(cutoffs)
    for batch_number in itertools.count():
        rng = np.random.default_rng([seed, batch_number])
        drawn = rng.integers(cumulative[-1], size=batch_size)
        series = np.searchsorted(cumulative, drawn, side="right")
        cutoff = histories.min_rows + drawn - (cumulative[series] - cutoffs[series])
        yield histories.gather(series, cutoff, lengths[series])


def validation_histories(
    histories: Histories, lengths: np.ndarray, holdout: int, seed: int
) -> HistoryBatch | None:
    """Windows from cutoffs in the last rows of each series, of which only the horizon counts.

    Where there are few series, each is looked at from several cutoffs within its held-out rows.

    Args:
        histories: the source of the windows.
        lengths: rows of each series that may be used, (S,).
        holdout: the last of them that are held out.
        seed: of the choice of series, where there are many.

    Returns:
        None where nothing is held out, no series reaches that far, or nothing was observed there.
    """
    series = np.flatnonzero(lengths > holdout)
    if not holdout or not len(series):
        return None
    if len(series) > VALIDATION_WINDOWS:
        rng = np.random.default_rng(seed)
        series = np.sort(rng.choice(series, VALIDATION_WINDOWS, replace=False))
    each = min(VALIDATION_WINDOWS // len(series), holdout)
    later = np.arange(each) * holdout // each  # rows that a cutoff lies behind the first one
    stop = np.repeat(lengths[series], each)
    cutoff = stop - holdout + np.tile(later, len(series))
    batch = histories.gather(np.repeat(series, each), cutoff, stop)
    batch.targets[:, : histories.context] = np.nan
    is_observed = ~np.isnan(batch.targets).all(axis=2)
    if not is_observed.any():
        return None
    weights = np.where(is_observed, batch.weights, 0.0)
    return batch._replace(weights=weights / weights.mean())
