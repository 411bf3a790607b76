"""Training windows: slices of series whose inputs are their targets shifted by one step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from forecast import features, scaling


class Batch(NamedTuple):
    """B windows of T steps."""

    inputs: np.ndarray  # (B, T, F) float32
    targets: np.ndarray  # (B, T, D) float32, scaled, NaN where missing
    begins: np.ndarray  # (B,) bool, False where a window goes on from that of the batch before


@dataclass(frozen=True)
class Windows:
    """Windows of one panel, gathered when asked for; it needs only lengths and row access.

    Attributes:
        target: transformed values (N, D), NaN where missing.
        calendar: calendar features (N, C).
        indptr: row ranges of the series (S+1,).
        lags: past steps given as inputs.
        context: steps at a window's start that set its scale.
        length: steps T of a window.
    """

    target: np.ndarray
    calendar: np.ndarray
    indptr: np.ndarray
    lags: tuple[int, ...]
    context: int
    length: int

    def gather(self, series: np.ndarray, first: np.ndarray) -> Batch:
        """The windows of the given series that start at the given rows.

        Args:
            series: which series, (B,).
            first: the row within the series of each window's first target, (B,); negative
                where a window reaches back before the series: those steps are missing.

        Returns:
            Inputs and targets, scaled by the context of each window; all missing where the
            context is.
        """
        lead = max(max(self.lags, default=1), 1)
        offsets = np.arange(-lead, self.length)
        rows = first[:, None] + offsets  # (B, lead + T), within the series
        begin, end = self.indptr[series][:, None], self.indptr[series + 1][:, None]
        inside = (rows >= 0) & (begin + rows < end)
        rows = np.where(inside, begin + rows, begin)
        values = np.where(inside[..., None], self.target[rows], np.nan)
        context = values[:, lead : lead + self.context]
        unknown = np.isnan(context).all(axis=1, keepdims=True)  # nothing to scale by
        values = scaling.forward(np.where(unknown, np.nan, values), scaling.measure(context))

        def shifted(steps: int) -> np.ndarray:
            return values[:, lead - steps : lead - steps + self.length]

        inputs = features.step_input(
            np,
            shifted(1),
            [shifted(lag) for lag in self.lags],
            self.calendar[rows[:, lead:]],
        )
        return Batch(inputs, shifted(0), np.ones(len(series), bool))


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
