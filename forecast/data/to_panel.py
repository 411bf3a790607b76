"""Input validation: tables of any layout become panels."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data import frequency as frequencies
from forecast.data.column_roles import ColumnRoles, FoundRoles, find_roles
from forecast.data.covariates import CovariateColumns, read_columns, values_per_series
from forecast.data.dataframes import to_pandas
from forecast.data.frequency import Frequency
from forecast.data.grid import make_grid
from forecast.data.origin import IN_MEMORY, Place, TableOrigin
from forecast.data.panel import Integers, Panel
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
        id, time, target: names of the columns; inferred by default.
        also: names of the columns that are additional targets.
        known: names of the covariates whose future values are known.
        static: names of the covariates with one value per series.

    Returns:
        The panel; its notes say what was inferred, filled or missing.

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
            its index; id and time may be index levels. Rows in any order. Of pandas, or any
            library that Narwhals supports, such as Polars.
        roles: of the columns that are named; the others are inferred. Without a target the panel's
            target is 0 in the table's rows, and NaN in rows that are filled into gaps.
        origin: names rows in messages. The names of several files, as a column `file`, are the
            ids where `roles` says so, or where nothing else distinguishes rows of the same time.
        frequency: alias such as "h" or "MS"; inferred by default.
        fill_gaps: whether rows may be missing; they are then filled and counted.
        all_missing: whether every value may be missing, as in the rows of a silent sensor.
        expected: what an earlier table has settled.

    Returns, Raises:
        See `to_panel`.
    """
    source = origin.source
    table = to_pandas(table, source)
    flat = flatten(table, source)
    place = Place(origin, table.index)
    spacing = None if frequency is None else frequencies.parse(frequency)
    roles = roles.or_else(flat.roles)
    flat = with_files(flat, origin.files) if roles.id == FILE_COLUMN else flat
    known, static = (
        read_columns(flat.frame, names, place, expected.categorical)
        for names in (roles.known, roles.static)
    )
    columns = find_roles(flat.frame, source, roles, flat.levels, expected.series)
    is_subdaily = spacing is not None and spacing.is_subdaily
    times = read_times(flat.frame[columns.time], place, is_subdaily, expected.time_dtype)
    content = _Content(flat, columns, times, place)
    if len(origin.files) > 1 and roles.has_target and columns.id is None and not columns.wide:
        content = _by_file(content)
    if columns.wide:
        _refuse_beside_wide(roles, source)
        panel = _wide_panel(content, spacing, fill_gaps)
    else:
        panel = _long_panel(content, spacing, fill_gaps, known, static)
    if roles.has_target and not all_missing:
        _refuse_empty(panel, source)
    notes = [*table.attrs.get("notes", ()), *content.columns.notes]  # the first: of the file
    if spacing is None:
        notes.append(f"frequency: {panel.frequency.label}, inferred from the timestamps")
    notes += panel.notes
    if roles.has_target:
        notes += _missing_notes(panel)
    return replace(panel, notes=tuple(notes), source=source)


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
        notes=(*grid.notes, *_gap_notes(grid.filled, ids.values)),
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
    notes = (*grid.notes, *_gap_notes(grid.filled, whole.values))
    return Panel(ids.values, indptr, start, rows, grid.frequency, schema, notes)


def _gap_notes(filled: Integers, ids: NDArray[Any]) -> tuple[str, ...]:
    series = np.flatnonzero(filled)
    if not len(series):
        return ()
    where = f", in {len(series)} of {len(ids)} series ({first_few(ids[series])})"
    return (f"missing rows inserted for gaps: {filled.sum():,}{where if len(ids) > 1 else ''}",)


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
