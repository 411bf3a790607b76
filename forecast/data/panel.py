"""Panels: the normal form of all tables, and the input validation that makes them."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data import frequency as frequencies
from forecast.data.column_roles import ColumnRoles, FoundRoles, find_roles
from forecast.data.covariates import (
    NO_COVARIATES,
    CovariateColumns,
    read_columns,
    values_per_series,
)
from forecast.data.dataframes import to_pandas
from forecast.data.frequency import Frequency
from forecast.data.grid import make_grid
from forecast.data.origin import IN_MEMORY, Place, TableOrigin
from forecast.data.parsing import Ids, read_ids, read_numbers
from forecast.data.schema import RESERVED, Schema
from forecast.data.table_layout import (
    FILE_COLUMN,
    Flat,
    files_distinguish_rows,
    flatten,
    with_files,
)
from forecast.data.timestamps import Times, read_times
from forecast.errors import DataError, first_few, quote

__all__ = ["Expected", "Panel", "Schema", "read_panel", "to_panel"]

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Panel:
    """Many series of one frequency, sorted by id and time, with gaps as rows of NaN.

    Row k of series s is row `indptr[s] + k` of `target`, at `start[s] + k * frequency.step`.
    """

    ids: NDArray[Any]  # (S,) sorted; for a single series without id the target's name
    indptr: Integers  # (S+1,)
    start: Integers  # (S,) ordinal of each series' first row
    target: NDArray[np.float64]  # (N, D), NaN where missing
    frequency: Frequency
    schema: Schema
    notes: tuple[str, ...] = ()  # what was assumed, as sentences for people
    source: str = "the table"  # what to call it in messages
    known: CovariateColumns = NO_COVARIATES  # of the N rows
    static: CovariateColumns = NO_COVARIATES  # of the S series

    @property
    def lengths(self) -> Integers:
        """Rows per series, (S,)."""
        lengths: Integers = np.diff(self.indptr)
        return lengths

    @property
    def ordinals(self) -> Integers:
        """The time of every row, counted by `frequency`, (N,)."""
        step, lengths = self.frequency.step, self.lengths
        ordinals: Integers = np.arange(self.indptr[-1], dtype=np.int64) * step
        ordinals += np.repeat(self.start - self.indptr[:-1] * step, lengths)
        return ordinals

    def select(self, ids: Iterable[Any]) -> Panel:
        """Keep some series.

        Args:
            ids: ids, in any order; text finds numeric ids too.

        Returns:
            The panel of those series, in the panel's order.

        Raises:
            DataError: an id is unknown.
        """
        positions: dict[Any, int] = {str(name): s for s, name in enumerate(self.ids.tolist())}
        positions |= {name: s for s, name in enumerate(self.ids.tolist())}
        requested_ids = list(ids)
        for name in requested_ids:
            if name not in positions:
                raise self._unknown(name)
        chosen = sorted({positions[name] for name in requested_ids})
        return self.take(np.array(chosen, dtype=np.intp))

    def until(self, steps_before_end: int) -> Panel:
        """Cut the same number of rows off the end of every series.

        Args:
            steps_before_end: rows to cut, at least 0.

        Returns:
            The shorter panel; a series that was not longer keeps zero rows.
        """
        lengths = np.maximum(self.lengths - steps_before_end, 0)
        return self.cut(np.arange(len(self.ids)), lengths)

    def take(self, chosen: NDArray[np.intp]) -> Panel:
        """The series at the given positions, in that order."""
        return self.cut(chosen, self.lengths[chosen])

    def preceded_by(self, missing: Integers) -> Panel:
        """The panel with rows of missing values added before the first row of each series.

        Args:
            missing: number of rows to add to each series (S,).
        """
        lengths = self.lengths + missing
        indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        target = np.full((indptr[-1], self.target.shape[1]), np.nan)
        shift = np.repeat(indptr[1:] - self.indptr[1:], self.lengths)
        new_rows = np.arange(len(self.target)) + shift
        target[new_rows] = self.target
        start = self.start - missing * self.frequency.step
        old_rows = np.full(len(target), -1)
        old_rows[new_rows] = np.arange(len(new_rows))
        known = self.known.take(old_rows) if self.known.names else self.known
        return replace(self, indptr=indptr, start=start, target=target, known=known)

    def cut(
        self, chosen: NDArray[np.intp], lengths: Integers, first: Integers | None = None
    ) -> Panel:
        """Consecutive rows of the series at the given positions, which may repeat.

        Args:
            chosen: positions of series (M,).
            lengths: number of rows of each (M,).
            first: the row of each at which they begin (M,); by default 0.
        """
        begin = np.zeros(len(chosen), np.int64) if first is None else first
        indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        shift = np.repeat(self.indptr[:-1][chosen] + begin - indptr[:-1], lengths)
        rows = shift + np.arange(indptr[-1])
        return replace(
            self,
            ids=self.ids[chosen],
            indptr=indptr,
            start=self.start[chosen] + begin * self.frequency.step,
            target=self.target[rows],
            known=self.known.take(rows) if self.known.names else self.known,
            static=self.static.take(chosen) if self.static.names else self.static,
        )

    def drop_unobserved(self) -> Panel:
        """Drop the series that were never observed.

        Returns:
            The panel of the others.

        Raises:
            DataError: none is left.
        """
        is_observed = ~np.isnan(self.target).all(axis=1)  # (N,)
        has_values = np.add.reduceat(is_observed, self.indptr[:-1]) > 0
        if not has_values.any():
            raise DataError("no series has an observed value")
        return self if has_values.all() else self.select(self.ids[has_values].tolist())

    def _unknown(self, name: object) -> DataError:
        names = [str(own_name) for own_name in self.ids.tolist()]
        close = difflib.get_close_matches(str(name), names, n=3)
        hint = f"did you mean {first_few(close)}?" if close else f"there are {first_few(names)}"
        return DataError(f"no series {quote(name)}; {hint}")


@dataclass(frozen=True)
class Expected:
    """What an earlier table, such as that of the training data, has settled for later ones.

    Attributes:
        time_dtype: its `Schema.time_dtype`, which decides where the order of day and month is
            ambiguous.
        series: names of its columns, if it was wide; a table that has one of them is wide too.
        categorical: whether each covariate is categorical rather than numeric, by name.
    """

    time_dtype: str = ""
    series: Collection[str] = ()
    categorical: Mapping[str, bool] = field(default_factory=dict)


NOTHING_EXPECTED = Expected()


def to_panel(
    table: pd.DataFrame | pd.Series[Any],
    origin: TableOrigin = IN_MEMORY,
    *,
    id: str | None = None,
    time: str | None = None,
    target: str | None = None,
    also: Collection[str] = (),
    known: Collection[str] = (),
    static: Collection[str] = (),
    frequency: str | None = None,
    fill_gaps: bool = True,
) -> Panel:
    """Validate a table and bring it into normal form.

    Args:
        table, origin, frequency, fill_gaps: see `read_panel`.
        id, time, target: names of the columns; guessed by default.
        also: names of the columns that are additional targets.
        known: names of the covariates whose future values are known.
        static: names of the covariates with one value per series.

    Returns:
        The panel; its notes say what was guessed, filled or missing.

    Raises:
        DataError: the table cannot be used; one line says where, why, and what to do.
        OptionError: the frequency is not understood.

    Example:
        >>> days = pd.date_range("2024-01-01", periods=3)
        >>> panel = to_panel(pd.DataFrame({"day": days, "visits": [5, 7, 6]}))
        >>> panel.frequency.label, panel.target[:, 0].tolist()
        ('daily', [5.0, 7.0, 6.0])
    """
    roles = ColumnRoles(id, time, target, tuple(also), tuple(known), tuple(static))
    return read_panel(table, roles, origin, frequency=frequency, fill_gaps=fill_gaps)


def read_panel(
    table: pd.DataFrame | pd.Series[Any],
    roles: ColumnRoles,
    origin: TableOrigin = IN_MEMORY,
    *,
    frequency: str | None = None,
    fill_gaps: bool = True,
    all_missing: bool = False,
    expected: Expected = NOTHING_EXPECTED,
) -> Panel:
    """Validate a table and bring it into normal form.

    Args:
        table: long (id, time, target), wide (a column per series), or a Series with times as
            its index; id and time may stand in the index. Rows in any order. Of pandas, or any
            DataFrame that Narwhals knows, such as that of Polars.
        roles: of the columns that are named; the others are guessed. Of a table without a target
            the panel's target is 0, and NaN, as always, for a row that is filled into a gap.
        origin: names rows in messages. The names of several files, as a column `file`, are the
            ids where `roles` says so, or where nothing else tells rows of the same time apart.
        frequency: alias such as "h" or "MS"; inferred by default.
        fill_gaps: whether rows may be missing; they are then filled and counted.
        all_missing: whether every value may be missing, as in the rows of a silent sensor.
        expected: what an earlier table has settled.

    Returns, Raises:
        See `to_panel`.
    """
    source = origin.source
    table = to_pandas(table, source)
    place = Place(origin, table.index)
    given = None if frequency is None else frequencies.parse(frequency)
    flat = flatten(table, source)
    roles = roles.or_else(flat.roles)
    flat = with_files(flat, origin.files) if roles.id == FILE_COLUMN else flat
    known, static = (
        read_columns(flat.frame, names, place, expected.categorical)
        for names in (roles.known, roles.static)
    )
    columns = find_roles(flat.frame, source, roles, flat.levels, expected.series)
    is_subdaily = given is not None and given.is_subdaily
    times = read_times(flat.frame[columns.time], place, is_subdaily, expected.time_dtype)
    content = _Content(flat, columns, times, place)
    if len(origin.files) > 1 and roles.has_target and columns.id is None and not columns.wide:
        content = _by_file(content)
    if columns.wide:
        _refuse_beside_wide(roles, source)
        panel = _wide_panel(content, given, fill_gaps)
    else:
        panel = _long_panel(content, given, fill_gaps, known, static)
    if roles.has_target and not all_missing:
        _refuse_empty(panel, source)
    inferred = (
        () if given else (f"frequency: {panel.frequency.label}, inferred from the timestamps",)
    )
    from_file: list[str] = table.attrs.get("notes", [])
    missing = _missing_notes(panel) if roles.has_target else ()
    notes = (*from_file, *content.columns.notes, *inferred, *panel.notes, *missing)
    return replace(panel, notes=notes, source=source)


class _Content(NamedTuple):
    """A table with the roles of its columns, and its times."""

    flat: Flat
    columns: FoundRoles
    times: Times
    place: Place


def _refuse_beside_wide(roles: ColumnRoles, source: str) -> None:
    """Raise DataError where a wide table is to have covariates or additional targets."""
    names = (*roles.covariates, *roles.also)
    if names:
        raise DataError(
            f"{source}: a table with a column per series has no place for {first_few(names)}; "
            "make it long, with a column that names the series"
        )


def _refuse_empty(panel: Panel, source: str) -> None:
    """Raise DataError where a target has no value at all."""
    is_empty = np.isnan(panel.target).all(axis=0)  # (D,)
    if is_empty.any():
        name = panel.schema.targets[int(is_empty.argmax())]
        is_wide = panel.schema.layout == "wide"
        subject = "no column has any" if is_wide else f"column {quote(name)} has no"
        raise DataError(f"{source}: {subject} value at all")


def _by_file(content: _Content) -> _Content:
    """Take the names of several files as ids where they distinguish rows and no column does."""
    flat, columns = content.flat, content.columns
    named = with_files(flat, content.place.origin.files)
    if FILE_COLUMN in flat.frame.columns or not files_distinguish_rows(named, content.times):
        notes = (*columns.notes, "took the files as parts of one series")
        return content._replace(columns=columns._replace(notes=notes))
    notes = (*columns.notes, f"took the names of the files as the id, {quote(FILE_COLUMN)}")
    return content._replace(flat=named, columns=columns._replace(id=FILE_COLUMN, notes=notes))


def _long_panel(
    content: _Content,
    frequency: Frequency | None,
    fill_gaps: bool,
    known: CovariateColumns,
    static: CovariateColumns,
) -> Panel:
    """Make the panel of a table with a column per target; covariates are of the table's rows."""
    flat, columns, times, place = content
    frame, target = flat.frame, columns.target
    targets = () if target is None else (target, *columns.also)
    _refuse_reserved(targets, place.source)
    values = np.zeros((len(frame), 1))  # (N, D)
    if targets:
        values = np.column_stack([read_numbers(frame[name], place) for name in targets])
    if columns.id is None:
        one_series = np.zeros(len(values), dtype=np.int16)
        ids = Ids(one_series, np.array([target or "y"], dtype=object), "str")
    else:
        ids = read_ids(frame[columns.id], place)
    grid = make_grid(ids, times, frame[columns.time], frequency, place, fill_gaps)
    schema = Schema(
        layout="series" if columns.id is None else "long",
        id=columns.id,
        time=columns.time,
        targets=targets or ("y",),
        id_dtype=ids.dtype,
        time_dtype=times.dtype,
        target_dtypes=tuple(str(frame[name].dtype) for name in targets) or ("float64",),
        local=times.local,
        index=tuple(name for name in flat.levels if name in (columns.id, columns.time)),
        unnamed=flat.unnamed,
        is_series=flat.is_series,
    )
    known, static = (replace(part, values=grid.place(part.values)) for part in (known, static))
    return Panel(
        ids=ids.values,
        indptr=grid.indptr,
        start=grid.start,
        target=grid.place(values),
        frequency=grid.frequency,
        schema=schema,
        notes=_gap_notes(grid.filled, ids.values),
        known=known,
        static=values_per_series(static, grid.indptr, ids.values, place.source),
    )


def _refuse_reserved(targets: tuple[str, ...], source: str) -> None:
    """Raise DataError where a table of forecasts would have two columns of one name."""
    ends = tuple(f"{name}-{side}-" for name in targets for side in ("lo", "hi"))
    for name in targets if len(targets) > 1 else ():
        if name in RESERVED or name.startswith(ends):
            raise DataError(
                f"{source}: column {quote(name)} cannot be one of several targets, since tables of "
                "forecasts have columns called so; rename it"
            )


def _wide_panel(content: _Content, frequency: Frequency | None, fill_gaps: bool) -> Panel:
    """Make the panel of a table with a column per series; all have the table's times."""
    flat, columns, times, place = content
    frame = flat.frame
    labels = pd.Series(pd.Index([flat.labels[name] for name in columns.wide]))
    if not all(name.strip() for name in columns.wide):
        raise DataError(
            f"{place.source}: a column of numbers has no name; name it after its series"
        )
    ids = read_ids(labels, place)
    series = [read_numbers(frame[columns.wide[c]], place) for c in np.argsort(ids.codes)]
    matrix = np.column_stack(series)  # (T, S)
    whole = Ids(np.zeros(len(matrix), dtype=np.int16), np.array(["table"], dtype=object), "str")
    grid = make_grid(whole, times, frame[columns.time], frequency, place, fill_gaps)
    dtypes = {str(frame[name].dtype) for name in columns.wide}
    schema = Schema(
        layout="wide",
        id=flat.axis or "unique_id",
        time=columns.time,
        targets=("y",),
        id_dtype=ids.dtype,
        time_dtype=times.dtype,
        target_dtypes=(dtypes.pop() if len(dtypes) == 1 else "float64",),
        local=times.local,
        index=tuple(name for name in flat.levels if name == columns.time),
        unnamed=flat.unnamed if flat.axis else (*flat.unnamed, "unique_id"),
    )
    count, length = len(series), int(grid.indptr[-1])
    rows = np.ascontiguousarray(grid.place(matrix).T).reshape(-1, 1)
    indptr = np.arange(count + 1, dtype=np.int64) * length
    start = np.repeat(grid.start, count)
    notes = _gap_notes(grid.filled, whole.values)
    return Panel(ids.values, indptr, start, rows, grid.frequency, schema, notes)


def _gap_notes(filled: Integers, ids: NDArray[Any]) -> tuple[str, ...]:
    series = np.flatnonzero(filled)
    if not len(series):
        return ()
    where = f", in {len(series)} of {len(ids)} series ({first_few(ids[series])})"
    return (f"gaps filled as missing rows: {filled.sum():,}{where if len(ids) > 1 else ''}",)


def _missing_notes(panel: Panel) -> tuple[str, ...]:
    notes = []
    for name, missing in zip(panel.schema.targets, np.isnan(panel.target).T, strict=True):
        of = f" of {quote(name)}" if len(panel.schema.targets) > 1 else ""
        if missing.any():
            notes.append(f"missing values{of}: {missing.sum():,} of {len(missing):,}")
        observed = np.add.reduceat(~missing, panel.indptr[:-1], dtype=np.int64)
        empty = panel.ids[observed == 0]
        if len(empty):
            notes.append(f"series without any value{of}: {first_few(empty)}")
    return tuple(notes)
