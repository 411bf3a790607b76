"""Future covariates: the rows of known covariates that a forecast is given."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from forecast.data import covariates
from forecast.data.covariates import Covariate, CovariateColumns
from forecast.data.panel import Panel
from forecast.errors import DataError


@dataclass(frozen=True)
class FutureCovariates:
    """The known covariates of N rows, looked up by series and time.

    Attributes:
        panel: the rows; their targets do not count.
        inputs: what a network takes of them (N, K).
        complete: whether all that must be known of a row is, (N,); of past rows it always is.
        is_shared: whether the rows hold for every series.
    """

    panel: Panel
    inputs: np.ndarray
    complete: np.ndarray
    is_shared: bool

    @classmethod
    def of(cls, panel: Panel, known: tuple[Covariate, ...]) -> FutureCovariates:
        """The covariates of a panel's own rows, with gaps and missing cells as in a history.

        Args:
            panel: of N rows.
            known: how each covariate enters the network.
        """
        rows = len(panel.target)
        inputs = covariates.encode(panel.known, known, rows)
        return cls(panel, inputs, np.ones(rows, bool), is_shared=False)

    def at(self, ids: np.ndarray, times: np.ndarray) -> np.ndarray:
        """The covariates of S series at the given times, as inputs of a network.

        Args:
            ids: of the series (S,).
            times: ordinals (H, S).

        Returns:
            (H, S, K).

        Raises:
            DataError: some are missing; it says for which series and times.
        """
        inputs: np.ndarray = self.inputs[self._rows(ids, times)]
        return inputs

    def columns(self, ids: np.ndarray, times: np.ndarray) -> CovariateColumns:
        """The same as columns of S * H rows, one series after the other; see `at`."""
        return self.panel.known.take(self._rows(ids, times).T.ravel())

    def _rows(self, ids: np.ndarray, times: np.ndarray) -> np.ndarray:
        """The rows of the panel for each time (H, S)."""
        step, indptr = self.panel.frequency.step, self.panel.indptr
        series = self._series(ids)
        distance = times - self.panel.start[series]
        row = distance // step
        is_there = (series >= 0) & (distance % step == 0) & (row >= 0)
        is_there &= row < self.panel.lengths[series]
        rows = np.where(is_there, indptr[series] + row, 0)
        is_there &= self.complete[rows]
        if not is_there.all():
            raise self._missing(ids, times, is_there)
        return rows

    def _series(self, ids: np.ndarray) -> np.ndarray:
        """The position in the panel of each series (S,); -1 where it has none."""
        if self.is_shared:
            return np.zeros(len(ids), np.int64)
        return np.array([self._positions.get(name, -1) for name in ids.tolist()], np.int64)

    @cached_property
    def _positions(self) -> dict[object, int]:
        """The position in the panel of each id."""
        return {name: s for s, name in enumerate(self.panel.ids.tolist())}

    def _missing(self, ids: np.ndarray, times: np.ndarray, is_there: np.ndarray) -> DataError:
        """The error that says what is missing, and where it should be."""
        incomplete = np.flatnonzero(~is_there.all(axis=0))
        first = incomplete[0]
        steps = np.flatnonzero(~is_there[:, first])
        texts = [self._text(int(time)) for time in times[steps, first]]
        span = texts[0] if len(texts) == 1 else f"{texts[0]} … {texts[-1]} ({len(texts)} steps)"
        others = len(incomplete) - 1
        more = f", and of {others:,} more series" if others else ""
        names = ", ".join(f"'{name}'" for name in self.panel.known.names)
        available = self._available(self._series(ids)[first])
        return DataError(
            f"{self.panel.source}: {names} of series '{ids[first]}' must be known at "
            f"{span}{more}; add those rows, with every cell filled ({available})"
        )

    def _available(self, series: int) -> str:
        """Which rows there are of the series at a position of the panel."""
        if series < 0:
            return "there is none of that series"
        first, end = self.panel.indptr[series : series + 2]
        begin, last = (int(self.panel.ordinals[row]) for row in (first, end - 1))
        return f"there are those from {self._text(begin)} to {self._text(last)}"

    def _text(self, ordinal: int) -> str:
        return self.panel.schema.text(self.panel.frequency, ordinal)
