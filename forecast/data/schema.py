"""The schema of a user's table: names and types of its columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data.frequency import Frequency
from forecast.data.parsing import write_ids
from forecast.data.timestamps import has_zone, write_times, zoned

Integers = NDArray[np.int64]
RESERVED = ("all", "group", "path", "values")  # column names of paths and totals


@dataclass(frozen=True)
class Schema:
    """Names and types of the columns of a user's table, so that forecasts look like it.

    Plain fields only: `Schema(**json.loads(json.dumps(asdict(schema)))) == schema`.
    """

    layout: Literal["long", "wide", "series"]  # "series": a single series without an id column
    id: str | None
    time: str
    targets: tuple[str, ...]  # D names
    id_dtype: str
    time_dtype: str
    target_dtypes: tuple[str, ...] = ("float64",)  # of each target
    local: bool = True  # time zones: steps are counted in local (wall-clock) time, else in UTC
    index: tuple[str, ...] = ()  # which of id and time are levels of the table's index
    unnamed: tuple[str, ...] = ()  # columns without a name in the user's table
    unused: tuple[str, ...] = ()  # columns without a role
    is_series: bool = False  # the table is a pandas Series
    turned: bool = False  # the table has times across the top
    decimals: dict[str, str] = field(default_factory=dict)  # by column, where text has shown it

    def __post_init__(self) -> None:
        """Turn the lists that JSON knows back into tuples."""
        for name in ("targets", "target_dtypes", "index", "unnamed", "unused"):
            object.__setattr__(self, name, tuple(getattr(self, name)))

    @property
    def forecasts(self) -> tuple[str, ...]:
        """Names of the forecasts, D; those of several targets are the targets' own."""
        return ("forecast",) if len(self.targets) == 1 else self.targets

    def times(self, frequency: Frequency, ordinals: Integers) -> pd.DatetimeIndex | Integers:
        """The times of ordinals (M,), in the user's time zone."""
        times = frequency.times(ordinals)
        if not isinstance(times, pd.DatetimeIndex) or not has_zone(self.time_dtype):
            return times
        return zoned(times, self.time_dtype, self.local)

    def text(self, frequency: Frequency, ordinal: int) -> str:
        """One time as text for people, in the user's time zone."""
        if not has_zone(self.time_dtype) or self.local:
            return frequency.text(ordinal)
        return str(self.times(frequency, np.array([ordinal]))[0])

    def column(self, frequency: Frequency, ordinals: Integers) -> pd.Series[Any]:
        """The times of ordinals (M,) as a column of the user's dtype."""
        return write_times(frequency.times(ordinals), self.time_dtype, self.local)

    def table(
        self,
        frequency: Frequency,
        ids: NDArray[Any],
        ordinals: Integers,
        columns: Mapping[str, NDArray[Any] | pd.Series[Any]],
    ) -> pd.DataFrame:
        """Make a long table with the user's id and time columns.

        Args:
            frequency: the panel's.
            ids: (M,) the series of each row; not shown where the user's table has no id column.
            ordinals: (M,) the time of each row.
            columns: the columns that follow, (M,) each.

        Returns:
            M rows; id and time have the user's names and dtypes.
        """
        times = self.column(frequency, ordinals)
        table = {} if self.id is None else {self.id: write_ids(ids, self.id_dtype)}
        return pd.DataFrame({**table, self.time: times, **columns})
