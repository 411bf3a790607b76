"""Input validation: tables of any layout become panels."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data import frequency as frequencies
from forecast.data.column_roles import (
    NO_EARLIER_ROLES,
    ColumnRoles,
    EarlierRoles,
    FoundRoles,
    find_roles,
)
from forecast.data.covariates import CovariateColumns, read_columns, values_per_series
from forecast.data.dataframes import to_pandas
from forecast.data.frequency import Frequency
from forecast.data.grid import make_grid
from forecast.data.number_columns import ALL_COLUMNS, NumberReader
from forecast.data.origin import IN_MEMORY, Place, TableOrigin
from forecast.data.panel import Integers, Panel
from forecast.data.parsing import Ids, read_ids, spelled_alike
from forecast.data.schema import RESERVED, Schema
from forecast.data.split_times import join_times
from forecast.data.table_layout import (
    FILE_COLUMN,
    Flat,
    files_distinguish_rows,
    flatten,
    with_files,
    with_names,
)
from forecast.data.times_across import turn
from forecast.data.timestamps import read_times
from forecast.errors import MAX_QUOTE_LENGTH, DataError, first_few, quote


@dataclass(frozen=True)
class Expected:
    """What an earlier table, such as that of the training data, has settled for later ones.

    Attributes:
        time_dtype: its `Schema.time_dtype`, which decides where the order of day and month is
            ambiguous.
        roles: of its columns.
        categorical: whether each covariate is categorical rather than numeric, by name.
        decimals: its `Schema.decimals`, which decide where numbers have two readings.
    """

    time_dtype: str = ""
    roles: EarlierRoles = NO_EARLIER_ROLES
    categorical: Mapping[str, bool] = field(default_factory=dict)
    decimals: Mapping[str, str] = field(default_factory=dict)


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
    decimal: str | None = None,
    date_format: str | None = None,
) -> Panel:
    """Validate a table and bring it into normal form.

    Args:
        table, origin, frequency, fill_gaps, decimal, date_format: see `read_panel`.
        id, time, target: names of the columns; inferred by default. The id "none" says that no
            column is the id.
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
    return read_panel(
        table,
        roles,
        origin,
        frequency=frequency,
        fill_gaps=fill_gaps,
        decimal=decimal,
        date_format=date_format,
    )


def read_panel(
    table: pd.DataFrame | pd.Series[Any],
    roles: ColumnRoles,
    origin: TableOrigin = IN_MEMORY,
    *,
    frequency: str | None = None,
    fill_gaps: bool = True,
    all_missing: bool = False,
    decimal: str | None = None,
    date_format: str | None = None,
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
        decimal: the decimal sign of numbers in text, "." or ","; inferred by default.
        date_format: of times in text or whole numbers, see `read_times`; inferred by default.
        expected: what an earlier table has settled.

    Returns, Raises:
        See `to_panel`.
    """
    source = origin.source
    table = to_pandas(table, source)
    spacing = None if frequency is None else frequencies.parse(frequency)
    content = _read_content(table, roles, origin, spacing, decimal, date_format, expected)
    columns, numbers, roles = content.columns, content.numbers, content.roles
    known, static = (
        read_columns(numbers, names, expected.categorical) for names in (roles.known, roles.static)
    )
    if columns.wide:
        _refuse_beside_wide(roles, source)
        panel = _wide_panel(content, spacing, fill_gaps)
    else:
        panel = _long_panel(content, spacing, fill_gaps, known, static)
    if roles.has_target and not all_missing:
        _refuse_empty(panel, source)
        panel = without_future_rows(panel)
    notes = [*table.attrs.get("notes", ())]  # of the file
    notes += [*content.notes, *content.columns.notes, *columns.times.notes, *numbers.notes]
    if spacing is None:
        notes.append(f"frequency: {panel.frequency.label}, inferred from the timestamps")
    notes += panel.notes
    if roles.has_target:
        notes += _missing_notes(panel)
    schema = replace(panel.schema, turned=content.is_turned)
    return replace(panel, schema=schema, notes=tuple(notes), source=source)


class _Content(NamedTuple):
    """A table with the roles of its columns.

    Attributes:
        flat: its rows.
        columns: the role of each column.
        numbers: reads those of numbers.
        place: names rows in messages.
        roles: those that were named.
        notes: on how it was rearranged, as sentences for people.
        is_turned: whether it had times across the top.
    """

    flat: Flat
    columns: FoundRoles
    numbers: NumberReader
    place: Place
    roles: ColumnRoles
    notes: tuple[str, ...]
    is_turned: bool


def find_columns(
    table: pd.DataFrame,
    roles: ColumnRoles,
    origin: TableOrigin = IN_MEMORY,
    *,
    frequency: str | None = None,
    date_format: str | None = None,
) -> FoundRoles:
    """The columns that `read_panel` would take for the id, the time and the target.

    The arguments and the errors are those of `read_panel`; some rows of a table are enough.
    """
    spacing = None if frequency is None else frequencies.parse(frequency)
    return _read_content(table, roles, origin, spacing, None, date_format, NOTHING_EXPECTED).columns


def _read_content(
    table: pd.DataFrame | pd.Series[Any],
    roles: ColumnRoles,
    origin: TableOrigin,
    spacing: Frequency | None,
    decimal: str | None,
    date_format: str | None,
    expected: Expected,
) -> _Content:
    """Make a table long or wide, and find what its columns are for; see `read_panel`."""
    source = origin.source
    flat = flatten(table, source)
    place = Place(origin, table.index)
    flat = with_names(flat, [*(name for _, name in roles.named), *roles.covariates])
    roles = roles.of(flat.frame.columns).or_else(flat.roles)
    flat = with_files(flat, origin.files) if roles.id == FILE_COLUMN else flat
    joined = join_times(flat, roles)
    if joined is not None:
        flat = joined.flat
    turned = turn(flat, roles, place, expected.roles.turned) if roles.has_target else None
    if turned is not None:
        flat, roles, place, _ = turned
    numbers = NumberReader(
        flat.frame, place, decimal, expected.decimals, no_numbers=(roles.id, roles.time)
    )
    is_subdaily = spacing is not None and spacing.is_subdaily
    columns = find_roles(
        flat.frame,
        source,
        roles,
        lambda name: read_times(
            flat.frame[name], place, is_subdaily, expected.time_dtype, date_format
        ),
        flat.levels,
        earlier=expected.roles,
        files=None if turned else origin.file_of_rows,
    )
    notes = tuple(note for layout in (joined, turned) if layout for note in layout.notes)
    content = _Content(flat, columns, numbers, place, roles, notes, turned is not None)
    may_be_by_file = len(origin.files) > 1 and roles.has_target and roles.has_id and not turned
    return _by_file(content) if may_be_by_file and not (columns.id or columns.wide) else content


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
    if FILE_COLUMN in flat.frame.columns or not files_distinguish_rows(named, columns.times):
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
    flat, columns, numbers, place, *_ = content
    frame, times, target = flat.frame, columns.times, columns.target
    targets = () if target is None else (target, *columns.also)
    _refuse_reserved(targets, (columns.id, columns.time), place.source)
    values = np.zeros((len(frame), 1))  # (N, D)
    if targets:
        values = np.column_stack([numbers.read(name) for name in targets])
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
        unused=columns.unused,
        is_series=flat.is_series,
        decimals=numbers.decimals,
    )
    known, static = (replace(part, values=grid.place(part.values)) for part in (known, static))
    return Panel(
        ids=ids.values,
        indptr=grid.indptr,
        start=grid.start,
        target=grid.place(values),
        frequency=grid.frequency,
        schema=schema,
        notes=(*grid.notes, *_gap_notes(grid.filled, ids.values), *_spelling_notes(ids.values)),
        known=known,
        static=values_per_series(static, grid.indptr, ids.values, place.source),
    )


def _refuse_reserved(targets: tuple[str, ...], labels: tuple[str | None, ...], source: str) -> None:
    """Raise DataError where a table of forecasts would have two columns of one name."""
    for name in labels if len(targets) < 2 else ():
        if name is not None and re.fullmatch(r"forecast(-(lo|hi)-.*)?", name):
            raise DataError(
                f"{source}: column {quote(name)} cannot be that of ids or times, since tables of "
                "forecasts have a column called so; rename it"
            )
    ends = tuple(f"{name}-{side}-" for name in targets for side in ("lo", "hi"))
    for name in targets if len(targets) > 1 else ():
        if name in RESERVED or name.startswith(ends):
            raise DataError(
                f"{source}: column {quote(name)} cannot be one of several targets, since tables of "
                "forecasts have columns called so; rename it"
            )


def _wide_panel(content: _Content, frequency: Frequency | None, fill_gaps: bool) -> Panel:
    """Make the panel of a table with a column per series; all have the table's times."""
    flat, columns, numbers, place, *_ = content
    frame, times = flat.frame, columns.times
    _refuse_reserved((), (columns.time,), place.source)
    labels = pd.Series(pd.Index([flat.labels[name] for name in columns.wide]))
    if not all(name.strip() for name in columns.wide):
        raise DataError(
            f"{place.source}: a column of numbers has no name; name it after its series"
        )
    ids = read_ids(labels, place)
    series = [numbers.read(columns.wide[c]) for c in np.argsort(ids.codes)]
    matrix = np.column_stack(series)  # (T, S)
    whole = Ids(np.zeros(len(matrix), dtype=np.int16), np.array(["table"], dtype=object), "str")
    grid = make_grid(whole, times, frame[columns.time], frequency, place, fill_gaps)
    dtypes = {str(frame[name].dtype) for name in columns.wide}
    signs = {*numbers.decimals.values()}
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
        unused=columns.unused,
        decimals={ALL_COLUMNS: signs.pop()} if len(signs) == 1 else {},
    )
    count, length = len(series), int(grid.indptr[-1])
    rows = np.ascontiguousarray(grid.place(matrix).T).reshape(-1, 1)
    indptr = np.arange(count + 1, dtype=np.int64) * length
    start = np.repeat(grid.start, count)
    notes = (*grid.notes, *_gap_notes(grid.filled, whole.values), *_spelling_notes(ids.values))
    return Panel(ids.values, indptr, start, rows, grid.frequency, schema, notes)


def _gap_notes(filled: Integers, ids: NDArray[Any]) -> tuple[str, ...]:
    series = np.flatnonzero(filled)
    if not len(series):
        return ()
    where = f", in {len(series)} of {len(ids)} series ({first_few(ids[series])})"
    return (f"missing rows inserted for gaps: {filled.sum():,}{where if len(ids) > 1 else ''}",)


def _spelling_notes(ids: NDArray[Any]) -> tuple[str, ...]:
    pairs = spelled_alike(ids.tolist())
    if not pairs:
        return ()
    others = f", and {len(pairs) - 1:,} more pairs" if len(pairs) > 1 else ""
    first, second = (repr(text[:MAX_QUOTE_LENGTH]) for text in pairs[0])
    return (f"ids that differ only in spaces, case or Unicode form: {first} and {second}{others}",)


def without_future_rows(panel: Panel) -> Panel:
    """Cut off the rows at the end of all series that have no value: a future that is prepared.

    Rows are kept where any series has a value in its last row: the others may be silent sensors.

    Args:
        panel: with a value in at least one row.

    Returns:
        The panel, with a note that says where a forecast begins.
    """
    lengths = panel.lengths
    is_observed = ~np.isnan(panel.target).all(axis=1)  # (N,)
    row = np.arange(len(panel.target)) - np.repeat(panel.indptr[:-1], lengths)
    last = np.maximum.reduceat(np.where(is_observed, row, -1), panel.indptr[:-1])
    count = int((lengths - 1 - last)[last >= 0].min())
    if not count:
        return panel
    shorter = panel.cut(np.arange(len(lengths)), np.maximum(lengths - count, 1))
    ordinal = int((panel.start + last * panel.frequency.step)[last >= 0].max())
    of = "" if len(lengths) == 1 else " of each series"
    rows = "row" if count == 1 else f"{count:,} rows"
    after = panel.schema.text(panel.frequency, ordinal)
    note = f"the last {rows}{of} without a value left out: the forecast begins after {after}"
    if panel.known.names and not np.isnan(panel.known.values[_ends(panel, count)]).all():
        note += "; give their known columns with --future (future= in Python)"
    return replace(shorter, notes=(*panel.notes, note))


def _ends(panel: Panel, count: int) -> NDArray[np.bool_]:
    """Which rows are among the last ones of their series, (N,)."""
    row = np.arange(int(panel.indptr[-1])) - np.repeat(panel.indptr[:-1], panel.lengths)
    is_end: NDArray[np.bool_] = row >= np.repeat(panel.lengths - count, panel.lengths)
    return is_end


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
