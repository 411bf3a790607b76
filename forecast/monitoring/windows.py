"""Errors, coverage and skill over the last rows of each series."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from forecast.evaluation.metrics import mean_observed


class Window(NamedTuple):
    """The last W rows of S series, the newest last; NaN where there was none or nothing is known.

    Attributes:
        error: of the model, in the units of the data, (S, W).
        naive: of the seasonal naive forecast.
        inside: whether the value lay in the interval of each level, 1 or 0, (S, W, L).
    """

    error: np.ndarray
    naive: np.ndarray
    inside: np.ndarray

    @classmethod
    def start(cls, series: int, window: int, levels: int) -> Self:
        """A window that no row has entered."""
        empty = np.full((series, window), np.nan)
        return cls(empty, empty, np.full((series, window, levels), np.nan))

    def pushed(self, row: tuple[np.ndarray, ...], counts: np.ndarray) -> Self:
        """After another row, of the series where it counts (S,)."""
        moved = []
        for old, new in zip(self, row, strict=True):
            after = np.concatenate([old[:, 1:], new[:, None]], axis=1)
            moved.append(np.where(counts.reshape(-1, *[1] * (old.ndim - 1)), after, old))
        return type(self)(*moved)

    @property
    def coverage(self) -> np.ndarray:
        """The share of values inside each interval, (S, L)."""
        return mean_observed(self.inside, axis=1)

    @property
    def outside(self) -> tuple[np.ndarray, np.ndarray]:
        """How many values lay outside each interval, and of how many, (S, L) each."""
        observed = ~np.isnan(self.inside)
        return (self.inside == 0).sum(axis=1), observed.sum(axis=1)

    @property
    def worse(self) -> tuple[np.ndarray, np.ndarray]:
        """On how many rows the seasonal naive forecast was closer, and of how many, (S,) each.

        Rows on which both are equally far do not count.
        """
        error, naive = np.abs(self.error), np.abs(self.naive)
        is_worse, is_better = error > naive, error < naive
        return is_worse.sum(axis=1), (is_worse | is_better).sum(axis=1)
