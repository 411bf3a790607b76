"""Training windows: slices of series whose inputs are their targets shifted by one step.

They are drawn at random places, independently, or are contiguous: every row of a batch is a lane
that goes through a series window by window, from one batch to the next.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from forecast.data import scaling
from forecast.data.scaling import Scale
from forecast.nn import step_inputs


class Batch(NamedTuple):
    """B windows of T steps."""

    values: np.ndarray  # (B, L + T, D) float32, scaled, NaN where missing; L rows lead to a window
    step_features: np.ndarray  # (B, T, K) float32
    targets: np.ndarray  # (B, T, D), the last T values
    resets: np.ndarray  # (B,) bool, False where a window continues that of the previous batch
    lags: tuple[int, ...]

    @property
    def inputs(self) -> np.ndarray:
        """The inputs of a network under teacher forcing, (B, T, F)."""
        inputs: np.ndarray = step_inputs.window_input(
            np, self.values, self.step_features, self.lags
        )
        return inputs


@dataclass(frozen=True)
class Windows:
    """Windows of one panel, gathered on demand.

    Attributes:
        target: transformed values (N, D), NaN where missing.
        step_features: of the rows (N, K).
        indptr: row ranges of the series (S+1,).
        lags: past steps given as inputs.
        context: steps at a window's start that set its scale.
        window_length: steps of a window, T.
        counts: whether the values are counts; then the log unit is a step feature too.
        measure: how the scale of contexts (B, T, D) is measured; by default without knowing what
            is usual in the panel.
    """

    target: np.ndarray
    step_features: np.ndarray
    indptr: np.ndarray
    lags: tuple[int, ...]
    context: int
    window_length: int
    counts: bool = False
    measure: Callable[[np.ndarray], Scale] | None = None

    def gather(
        self,
        series: np.ndarray,
        first: np.ndarray,
        stop: np.ndarray | None = None,
        scale: Scale | None = None,
    ) -> Batch:
        """The windows of the given series, starting at the given rows.

        Args:
            series: index of each window's series, (B,).
            first: the row within the series of each window's first target, (B,); negative
                where a window starts before the series: those steps are missing.
            stop: rows of each window's series that may be used, (B,); by default all.
            scale: of each window; by default that of its own context.

        Returns:
            The windows, scaled; all values are missing where the scale is.
        """
        lead = step_inputs.lead(self.lags)
        values, rows = self.values(series, first - lead, lead + self.window_length, stop)
        scale = scale or self.scale_at(series, first, stop)
        values = scaling.forward(values, scale)
        step_features = self.step_features[rows[:, lead:]]
        if self.counts:
            unit = np.broadcast_to(np.log(scale.scale)[:, None], values[:, lead:].shape)
            step_features = np.concatenate([step_features, unit], axis=-1, dtype=np.float32)
        resets = np.ones(len(series), bool)
        return Batch(values, step_features, values[:, lead:].copy(), resets, self.lags)

    def scale_at(
        self, series: np.ndarray, first: np.ndarray, stop: np.ndarray | None = None
    ) -> Scale:
        """The scale of contexts that start at the given rows; NaN where all values are missing.

        Args:
            series: index of each window's series, (B,).
            first: the row within the series where each context starts, (B,).
            stop: rows of each series that may be used, (B,); by default all.
        """
        context, _ = self.values(series, first, self.context, stop)
        return self.measure_scale(context)

    def measure_scale(self, context: np.ndarray) -> Scale:
        """The scale of contexts (B, T, D); NaN where all values are missing."""
        is_missing = np.isnan(context).all(axis=1)
        default = scaling.measure_counts if self.counts else scaling.measure
        location, scale = (self.measure or default)(context)
        return Scale(np.where(is_missing, np.nan, location), scale)

    def values(
        self, series: np.ndarray, first: np.ndarray, count: int, stop: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Values (B, count, D) from the given rows on, NaN outside the series; and their rows."""
        rows = first[:, None] + np.arange(count)  # (B, count), within the series
        begin, end = self.indptr[series][:, None], self.indptr[series + 1][:, None]
        if stop is not None:
            end = begin + stop[:, None]
        inside = (rows >= 0) & (begin + rows < end)
        rows = np.where(inside, begin + rows, begin)
        return np.where(inside[..., None], self.target[rows], np.nan), rows


def draw_windows(
    windows: Windows,
    min_rows: int,
    lengths: np.ndarray,
    batch_size: int,
    rng: np.random.Generator,
) -> Batch:
    """A batch of windows at random places, every place of every series equally likely.

    Args:
        windows: the source of the windows.
        min_rows: rows of a series that a window must at least cover.
        lengths: rows of each series that windows may cover, (S,).
        batch_size: number of windows, B.
        rng: the source of randomness.
    """
    places = np.maximum(lengths - min_rows + 1, 0)  # per series, a place is a window's end
    cumulative = np.cumsum(places)
    drawn = rng.integers(cumulative[-1], size=batch_size)
    series = np.searchsorted(cumulative, drawn, side="right")
    end = min_rows + drawn - (cumulative[series] - places[series])
    return windows.gather(series, end - windows.window_length)


def random_windows(
    windows: Windows, min_rows: int, lengths: np.ndarray, batch_size: int, seed: int
) -> Iterator[Batch]:
    """Endless batches at random places; each depends only on the seed and the batch's number.

    Args:
        windows, min_rows, lengths, batch_size: see `draw_windows`.
        seed: of the places.
    """
    for batch_number in itertools.count():
        rng = np.random.default_rng([seed, batch_number])
        yield draw_windows(windows, min_rows, lengths, batch_size, rng)


def contiguous_windows(
    windows: Windows, min_rows: int, lengths: np.ndarray, batch_size: int, seed: int
) -> Iterator[Batch]:
    """Endless batches of contiguous windows: a row continues where it ended in the last batch.

    Each row is a lane. It starts a walk at a random row of a random series, and takes one window
    after another until the series ends; then it starts another walk. Every series is equally
    likely; in a longer one a walk takes longer. A walk keeps one scale, that of its first `context`
    rows, since the state carried from batch to batch is in scaled units.

    Args:
        windows: the source of the windows.
        min_rows: rows of a series that a walk must at least cover.
        lengths: rows of each series that walks may cover, (S,).
        batch_size: number of lanes, B.
        seed: of the walks.
    """
    rng = np.random.default_rng(seed)
    long_enough = np.flatnonzero(lengths >= min_rows)
    series, first = np.zeros((2, batch_size), np.int64)
    scale = Scale(*np.zeros((2, batch_size, windows.target.shape[1])))
    starts = np.ones(batch_size, bool)  # lanes whose next window starts a walk
    while True:
        series[starts] = rng.choice(long_enough, starts.sum())
        first[starts] = rng.integers(lengths[series[starts]] - min_rows + 1)
        stop = lengths[series]
        new_scale = windows.scale_at(series[starts], first[starts], stop[starts])
        scale.location[starts], scale.scale[starts] = new_scale
        yield windows.gather(series, first, stop, scale)._replace(resets=starts)
        first = first + windows.window_length
        starts = (first >= stop) | np.isnan(scale.location).all(axis=1)


SAMPLERS: dict[str, Callable[[Windows, int, np.ndarray, int, int], Iterator[Batch]]] = {
    "random": random_windows,
    "contiguous": contiguous_windows,
}
