"""Cutting the end of every series of a table, for scikit-learn's cross-validation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.data import frequency as frequencies
from forecast.data.column_roles import ColumnRoles, find_roles
from forecast.data.dataframes import to_pandas
from forecast.data.grid import Grid, make_grid
from forecast.data.origin import IN_MEMORY, Place
from forecast.data.parsing import Ids, read_ids
from forecast.data.table_layout import flatten
from forecast.data.timestamps import read_times
from forecast.errors import DataError, require_whole

SOURCE = IN_MEMORY.source
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class RollingOrigin:
    """Folds that begin the same number of steps before the end of every series.

    The last fold holds the last steps of each series, the fold before it those `stride` steps
    earlier, and so on; what a fold is trained on is all that lies before it. Steps are counted on
    the regular grid of each series, so rows that are missing count too. A series that begins
    within a fold, or after it, is left out of that fold.

    It has scikit-learn's protocol of a splitter, for `cross_val_score`, `GridSearchCV` and the
    like. For a table of one series `sklearn.model_selection.TimeSeriesSplit` does as well.

    Args:
        horizon: steps of each series in a fold.
        folds: how many.
        stride: steps from one fold to the next, by default the horizon.
        id, time, frequency: as `Forecaster` takes them; inferred if unambiguous.

    Example:
        >>> import pandas as pd
        >>> from forecast import RollingOrigin
        >>> days = pd.date_range("2024-01-01", periods=4)
        >>> table = pd.DataFrame({"id": list("aaaabbbb"), "ds": [*days, *days], "y": range(8)})
        >>> for train, test in RollingOrigin(horizon=1, folds=2).split(table):
        ...     print(train, test)
        [0 1 4 5] [2 6]
        [0 1 2 4 5 6] [3 7]
    """

    horizon: int
    folds: int = 3
    stride: int | None = None
    id: str | None = None
    time: str | None = None
    frequency: str | None = None

    def __post_init__(self) -> None:
        """Refuse numbers that are out of range."""
        for name in ("horizon", "folds", "stride"):
            if name != "stride" or self.stride is not None:
                require_whole(name, getattr(self, name), 1)

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Rows, Rows]]:  # noqa: ARG002, N803 - scikit-learn's signature
        """The rows to train on and those to score, as positions in the table, the earliest first.

        Args:
            X: a table as `Forecaster.fit` takes it.
            y, groups: not used.

        Raises:
            DataError: if the table cannot be used, or no series reaches back before a fold.
        """
        grid = self._grid(X)
        row = grid.place(np.arange(len(X), dtype=float))  # that stands in each place of the grid
        lengths = np.diff(grid.indptr)
        places = np.arange(len(row)) - np.repeat(grid.indptr[:-1], lengths)
        left = np.repeat(lengths, lengths) - places  # steps to the end of the series, at least 1
        stride = self.stride or self.horizon
        ends = [fold * stride for fold in reversed(range(self.folds))]
        longest, needed = int(lengths.max()), ends[0] + self.horizon + 1
        if longest < needed:
            raise DataError(
                f"{SOURCE}: {self.folds} folds of {self.horizon} steps, {stride} apart, "
                f"need a series of {needed} steps, the longest has {longest}; ask for fewer or "
                "shorter ones"
            )
        for end in ends:
            is_before = left > end + self.horizon
            has_begun = np.repeat(lengths > end + self.horizon, lengths)
            is_in = (left > end) & ~is_before & has_begun
            yield _rows(row[is_before]), _rows(row[is_in])

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:  # noqa: ARG002, N803
        """How many folds there are."""
        return self.folds

    def _grid(self, table: Any) -> Grid:
        """Where the rows of a table stand in their series."""
        table = to_pandas(table, SOURCE)
        flat = flatten(table, SOURCE)
        place = Place(IN_MEMORY, table.index)
        given = None if self.frequency is None else frequencies.parse(self.frequency)
        named = ColumnRoles(self.id, self.time, has_target=False).of(flat.frame.columns)
        is_subdaily = given is not None and given.is_subdaily
        roles = find_roles(
            flat.frame,
            SOURCE,
            named.or_else(flat.roles),
            lambda name: read_times(flat.frame[name], place, is_subdaily),
            flat.levels,
        )
        cells = flat.frame[roles.time]
        ids = Ids(np.zeros(len(cells), np.int16), np.array(["table"], dtype=object), "str")
        if roles.id is not None:
            ids = read_ids(flat.frame[roles.id], place)
        return make_grid(ids, roles.times, cells, given, place)


def _rows(rows: NDArray[np.float64]) -> Rows:
    """Positions in the table's own order, without the places that no row has."""
    return np.sort(rows[~np.isnan(rows)]).astype(np.int64)
