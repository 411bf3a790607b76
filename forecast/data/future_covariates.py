"""Future covariates: what is known of the steps that are forecast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast.data import covariates
from forecast.data.covariates import Covariate, CovariateColumns
from forecast.data.frequency import Frequency
from forecast.data.panel import Panel
from forecast.errors import DataError


@dataclass(frozen=True)
class FutureCovariates:
    """The known covariates of rows, found by series and time.

    Attributes:
        panel: the rows; their targets do not count.
        inputs: what a network takes of them (N, V).
        complete: whether every cell that is needed is there, (N,).
        is_shared: whether the rows hold for every series.
    """

    panel: Panel
    inputs: np.ndarray
    complete: np.ndarray
    is_shared: bool

    @classmethod
    def of(cls, panel: Panel, known: tuple[Covariate, ...]) -> FutureCovariates:
        """The covariates of a panel's own rows, gaps and missing cells as a history has them."""
        rows = len(panel.target)
        inputs = covariates.encode(panel.known, known, rows)
        return cls(panel, inputs, np.ones(rows, bool), is_shared=False)

    def at(self, ids: np.ndarray, frequency: Frequency, times: np.ndarray) -> np.ndarray:
        """The covariates of S series at the given times.

        Args:
            ids: of the series (S,).
            frequency: that counts the times.
            times: ordinals (H, S).

        Returns:
            (H, S, V).

        Raises:
            DataError: some are missing; it says for which series and times.
        """
        inputs: np.ndarray = self.inputs[self._rows(ids, frequency, times)]
        return inputs

    def columns(self, ids: np.ndarray, frequency: Frequency, times: np.ndarray) -> CovariateColumns:
        """The same as the columns of S * H rows, one series after the other."""
        return self.panel.known.take(self._rows(ids, frequency, times).T.ravel())

    def _rows(self, ids: np.ndarray, frequency: Frequency, times: np.ndarray) -> np.ndarray:
        """Where in the panel those rows are, (H, S)."""
        step, indptr = self.panel.frequency.step, self.panel.indptr
        series = self._series(ids)
        elapsed = times - self.panel.start[series]
        row = elapsed // step
        is_there = (series >= 0) & (elapsed % step == 0) & (row >= 0)
        is_there &= row < self.panel.lengths[series]
        rows = np.where(is_there, indptr[series] + row, 0)
        is_there &= self.complete[rows]
        if not is_there.all():
            raise self._missing(ids, frequency, times, is_there)
        return rows

    def _series(self, ids: np.ndarray) -> np.ndarray:
        """Where in the panel each series is, (S,); -1 where it is not."""
        if self.is_shared:
            return np.zeros(len(ids), np.int64)
        position = {series: s for s, series in enumerate(self.panel.ids.tolist())}
        return np.array([position.get(series, -1) for series in ids.tolist()])

    def _missing(
        self, ids: np.ndarray, frequency: Frequency, times: np.ndarray, is_there: np.ndarray
    ) -> DataError:
        """What is missing, and where it should be."""
        incomplete = np.flatnonzero(~is_there.all(axis=0))
        first = incomplete[0]
        steps = np.flatnonzero(~is_there[:, first])
        text = [self.panel.schema.text(frequency, int(t)) for t in times[steps, first]]
        span = text[0] if len(text) == 1 else f"{text[0]} … {text[-1]} ({len(text)} steps)"
        others = f", and of {len(incomplete) - 1:,} more series" if len(incomplete) > 1 else ""
        names = ", ".join(f"'{name}'" for name in self.panel.known.names)
        return DataError(
            f"{self.panel.source}: {names} of series '{ids[first]}' must be known at "
            f"{span}{others}; add those rows, with every cell filled "
            f"({self._available(self._series(ids)[first])})"
        )

    def _available(self, s: int) -> str:
        """Which rows there are of the series at a place."""
        if s < 0:
            return "there is none of that series"
        begin, end = (int(self.panel.ordinals[self.panel.indptr[s + k] - k]) for k in (0, 1))
        text, frequency = self.panel.schema.text, self.panel.frequency
        return f"there are those from {text(frequency, begin)} to {text(frequency, end)}"
