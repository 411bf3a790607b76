"""What is known of the rows to come: the covariates that a forecast is given."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast.data import covariates
from forecast.data.covariates import CovariateColumns
from forecast.data.panel import Panel
from forecast.errors import DataError
from forecast.inference.config import Config
from forecast.inference.state import State


@dataclass(frozen=True)
class FutureCovariates:
    """The known covariates of rows, found by series and time.

    Attributes:
        panel: the rows; their targets do not count.
        inputs: what a network takes of them (N, K).
        complete: whether all that must be known of a row is, (N,); of rows that have been, it is.
        is_shared: whether the rows hold for every series.
    """

    panel: Panel
    inputs: np.ndarray
    complete: np.ndarray
    is_shared: bool

    @classmethod
    def of(cls, panel: Panel, config: Config) -> FutureCovariates:
        """The covariates of a panel's own rows, gaps and missing cells as a history has them."""
        rows = len(panel.target)
        inputs = covariates.encode(panel.known, config.known, rows)
        return cls(panel, inputs, np.ones(rows, bool), is_shared=False)

    def at(self, start: State, times: np.ndarray) -> np.ndarray:
        """The covariates of S series at the given times.

        Args:
            start: of the series.
            times: ordinals (H, S).

        Returns:
            (H, S, K).

        Raises:
            DataError: some are not there; it says for which series and times.
        """
        inputs: np.ndarray = self.inputs[self._rows(start, times)]
        return inputs

    def columns(self, start: State, times: np.ndarray) -> CovariateColumns:
        """The same as the columns of S * H rows, one series after the other."""
        return self.panel.known.take(self._rows(start, times).T.ravel())

    def _rows(self, start: State, times: np.ndarray) -> np.ndarray:
        """Where in the panel those rows are, (H, S)."""
        step, indptr = self.panel.frequency.step, self.panel.indptr
        series = self._series(start)
        late = times - self.panel.start[series]
        row = late // step
        inside = (series >= 0) & (late % step == 0) & (row >= 0)
        inside &= row < self.panel.lengths[series]
        rows = np.where(inside, indptr[series] + row, 0)
        inside &= self.complete[rows]
        if not inside.all():
            raise self._absent(start, times, inside)
        return rows

    def _series(self, start: State) -> np.ndarray:
        """Where in the panel each series of a state is, (S,); -1 where it is not."""
        own = {name: s for s, name in enumerate(self.panel.ids.tolist())}
        ids = start.ids.tolist()
        return np.array([0 if self.is_shared else own.get(name, -1) for name in ids])

    def _absent(self, start: State, times: np.ndarray, inside: np.ndarray) -> DataError:
        """What is missing, and where it should be."""
        which = np.flatnonzero(~inside.all(axis=0))
        first = which[0]
        steps = np.flatnonzero(~inside[:, first])
        text = [self.panel.schema.text(start.frequency, int(t)) for t in times[steps, first]]
        span = text[0] if len(text) == 1 else f"{text[0]} … {text[-1]} ({len(text)} steps)"
        others = f", and of {len(which) - 1:,} more series" if len(which) > 1 else ""
        names = ", ".join(f"'{name}'" for name in self.panel.known.names)
        has = self._has(self._series(start)[first])
        return DataError(
            f"{self.panel.source}: {names} of series '{start.ids[first]}' must be known at "
            f"{span}{others}; add those rows, with every cell filled ({has})"
        )

    def _has(self, s: int) -> str:
        """Which rows there are of the series at a place."""
        if s < 0:
            return "there is none of that series"
        begin, end = (int(self.panel.ordinals[self.panel.indptr[s + k] - k]) for k in (0, 1))
        text = self.panel.schema.text
        frequency = self.panel.frequency
        return f"there are those from {text(frequency, begin)} to {text(frequency, end)}"
