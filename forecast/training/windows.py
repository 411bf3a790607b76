"""Training windows: slices of series whose inputs are their targets shifted by one step.

They lie at random places, each on its own, or are contiguous: every row of a batch is a lane that
walks a series piece by piece, from one batch to the next.
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
    begins: np.ndarray  # (B,) bool, False where a window goes on from that of the batch before
    lags: tuple[int, ...]

    @property
    def inputs(self) -> np.ndarray:
        """What the steps of a network take if all values are true ones, (B, T, F)."""
        inputs: np.ndarray = step_inputs.window_input(
            np, self.values, self.step_features, self.lags
        )
        return inputs


@dataclass(frozen=True)
class Windows:
    """Windows of one panel, gathered when asked for; it needs only lengths and row access.

    Attributes:
        target: transformed values (N, D), NaN where missing.
        step_features: of the rows (N, K).
        indptr: row ranges of the series (S+1,).
        lags: past steps given as inputs.
        context: steps at a window's start that set its scale.
        length: steps T of a window.
        counts: whether the values are counts: then the log unit is a step feature too.
    """

    target: np.ndarray
    step_features: np.ndarray
    indptr: np.ndarray
    lags: tuple[int, ...]
    context: int
    length: int
    counts: bool = False

    def gather(
        self,
        series: np.ndarray,
        first: np.ndarray,
        stop: np.ndarray | None = None,
        scale: Scale | None = None,
    ) -> Batch:
        """The windows of the given series that start at the given rows.

        Args:
            series: which series, (B,).
            first: the row within the series of each window's first target, (B,); negative
                where a window reaches back before the series: those steps are missing.
            stop: rows of each window's series that may be seen, (B,); by default all.
            scale: of each window; by default that of its own context.

        Returns:
            The windows, scaled; all missing where the scale is.
        """
        lead = step_inputs.lead(self.lags)
        values, rows = self._values(series, first - lead, lead + self.length, stop)
        scale = scale or self.scale_at(series, first, stop)
        values = scaling.forward(values, scale)
        step_features = self.step_features[rows[:, lead:]]
        if self.counts:
            unit = np.broadcast_to(np.log(scale.scale)[:, None], values[:, lead:].shape)
            step_features = np.concatenate([step_features, unit], axis=-1, dtype=np.float32)
        begins = np.ones(len(series), bool)
        return Batch(values, step_features, values[:, lead:].copy(), begins, self.lags)

    def scale_at(
        self, series: np.ndarray, first: np.ndarray, stop: np.ndarray | None = None
    ) -> Scale:
        """The scale of the context that starts at the given rows; NaN where all of it is missing.

        Args:
            series: which series, (B,).
            first: the row within the series where each context starts, (B,).
            stop: rows of each series that may be seen, (B,); by default all.
        """
        context, _ = self._values(series, first, self.context, stop)
        unknown = np.isnan(context).all(axis=1)  # nothing to scale by
        measure = scaling.measure_counts if self.counts else scaling.measure
        location, scale = measure(context)
        return Scale(np.where(unknown, np.nan, location), scale)

    def _values(
        self, series: np.ndarray, first: np.ndarray, count: int, stop: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Values (B, count, D) from the given rows on, NaN outside the series, and their rows."""
        rows = first[:, None] + np.arange(count)  # (B, count), within the series
        begin, end = self.indptr[series][:, None], self.indptr[series + 1][:, None]
        if stop is not None:
            end = begin + stop[:, None]
        inside = (rows >= 0) & (begin + rows < end)
        rows = np.where(inside, begin + rows, begin)
        return np.where(inside[..., None], self.target[rows], np.nan), rows


def draw(
    windows: Windows, first_end: int, last_end: np.ndarray, size: int, rng: np.random.Generator
) -> Batch:
    """A batch of windows at random places, every place of every series equally likely.

    Args:
        windows: where they are gathered from.
        first_end: the least number of rows of a series that a window must cover.
        last_end: rows of each series that windows may cover, (S,).
        size: how many windows B.
        rng: the source of randomness.
    """
    places = np.maximum(last_end - first_end + 1, 0)
    upto = np.cumsum(places)
    pick = rng.integers(upto[-1], size=size)
    series = np.searchsorted(upto, pick, side="right")
    end = first_end + pick - (upto[series] - places[series])
    return windows.gather(series, end - windows.length)


def at_random(
    windows: Windows, first_end: int, last_end: np.ndarray, size: int, seed: int
) -> Iterator[Batch]:
    """Windows at random places without end; a batch depends on the seed and its number alone.

    Args:
        windows, first_end, last_end, size: see `draw`.
        seed: of the places.
    """
    for step in itertools.count():
        yield draw(windows, first_end, last_end, size, np.random.default_rng([seed, step]))


def in_lanes(
    windows: Windows, first_end: int, last_end: np.ndarray, size: int, seed: int
) -> Iterator[Batch]:
    """Contiguous windows without end: where a row of a batch ended, that of the next goes on.

    Each row is a lane. It begins a walk at a random row of a random series, and takes a window
    after another until the series ends; then it begins another walk. Every series is as likely:
    a longer one is walked for longer. One scale holds for a walk, that of its first `context`
    rows, since the memory carried along is in scaled units.

    Args:
        windows: where they are gathered from.
        first_end: the least number of rows that a walk covers.
        last_end: rows of each series that walks may cover, (S,).
        size: how many lanes B.
        seed: of the walks.
    """
    rng = np.random.default_rng(seed)
    long_enough = np.flatnonzero(last_end >= first_end)
    series, first = np.zeros((2, size), np.int64)
    scale = Scale(*np.zeros((2, size, windows.target.shape[1])))
    begins = np.ones(size, bool)
    while True:
        series[begins] = rng.choice(long_enough, begins.sum())
        first[begins] = rng.integers(last_end[series[begins]] - first_end + 1)
        stop = last_end[series]
        new = windows.scale_at(series[begins], first[begins], stop[begins])
        scale.location[begins], scale.scale[begins] = new
        yield windows.gather(series, first, stop, scale)._replace(begins=begins)
        first = first + windows.length
        begins = (first >= stop) | np.isnan(scale.location).all(axis=1)


KINDS: dict[str, Callable[[Windows, int, np.ndarray, int, int], Iterator[Batch]]] = {
    "random": at_random,
    "contiguous": in_lanes,
}
