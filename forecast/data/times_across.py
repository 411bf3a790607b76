"""Times across the top: a table with a row per series and a column per time becomes long."""

from __future__ import annotations

import calendar
import datetime
import itertools
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from forecast.data.column_names import TIME_NAMES, word
from forecast.data.column_roles import ColumnRoles, kind_of
from forecast.data.origin import Place
from forecast.data.table_layout import Flat
from forecast.errors import DataError, first_few, quote

FEWEST_TIMES = 3  # columns; two may be years that are compared
FEWEST_MONTHS = 10  # of a year, of which some may not be there yet
MONTH_NAMES = {n.lower() for n in (*calendar.month_abbr[1:], *calendar.month_name[1:])}
QUARTERS = {"q1", "q2", "q3", "q4"}
MONTHS = "|".join(name.lower() for name in calendar.month_abbr[1:])
YEAR = re.compile(r"((?:1[5-9]|2[01])\d\d)(?: \[YR\1\])?$")  # the World Bank writes 1960 [YR1960]
DATE_OR_PERIOD = re.compile(
    r"(1[5-9]|2[01])\d\d([-/.]?)(0?[1-9]|1[0-2])(\2(0?[1-9]|[12]\d|3[01])([ T]\d\d?:\d\d.*)?)?$"
    r"|\d\d?([-/.])\d\d?\7(\d\d){1,2}( \d\d?:\d\d.*)?$"
    r"|\d{4}[- ]?[qwm]\d\d?$|q[1-4][-/ ]?\d{4}$"
    rf"|(\d\d?[- ])?({MONTHS})[a-z]*\.?[- ](\d\d){{1,2}}$",
    re.IGNORECASE,
)


class Turned(NamedTuple):
    """A table whose rows have become series, and whose columns have become rows."""

    flat: Flat
    roles: ColumnRoles
    place: Place
    notes: tuple[str, ...]


def turn(flat: Flat, roles: ColumnRoles, place: Place, is_expected: bool) -> Turned | None:
    """Make a table with times across the top long.

    Args:
        flat: the table, of N rows.
        roles: of the columns that are named; names of the time and the target that are not among
            the columns are those of the columns that turning makes.
        place: names its rows in messages.
        is_expected: whether an earlier table had times across the top.

    Returns:
        The table of N * T rows, those of one series one after another; None where it has not at
        least three columns of numbers whose names are times, or has a column of times.

    Raises:
        DataError: no column names each row once, or the columns are parts of the year in each row.
    """
    frame, columns = flat.frame, [*flat.frame.columns]
    if roles.target not in columns:
        _refuse_parts_of_years(columns, place.source)
    if roles.time in columns:
        return None
    across = [name for name in columns if _is_time(flat.labels.get(name))]
    others = [name for name in columns if name not in set(across)]
    if len(across) < (1 if is_expected else FEWEST_TIMES):
        return None
    if not is_expected and any(_holds_times(frame[name]) for name in others):
        return None
    if not all(kind_of(frame[name]) == "number" or frame[name].isna().all() for name in across):
        return None
    id = roles.id or _id(frame, others, place.source) if roles.has_id else None
    times = _times([flat.labels[name] for name in across])
    is_year = pd.api.types.is_integer_dtype(times.dtype)
    time = roles.time or _free(flat.axis or ("year" if is_year else "date"), others)
    target = roles.target or _free("value", [*others, time])
    rows = np.repeat(np.arange(len(frame)), len(across))
    long = frame[others].take(rows).reset_index(drop=True)
    long[time] = times.take(np.tile(np.arange(len(across)), len(frame))).array
    long[target] = _cells(frame[across])
    ends = f"{quote(across[0])} to {quote(across[-1])}"
    of = "" if id is None else f" of a series of {quote(id)}"
    return Turned(
        flat._replace(
            frame=long, labels={str(name): flat.labels.get(str(name), name) for name in long}
        ),
        replace(roles, id=id, time=time, target=target, has_id=id is not None),
        replace(place, rows_per_line=len(across)),
        (f"took each row as the times {ends}{of}: {len(long):,} rows",),
    )


def _refuse_parts_of_years(columns: list[str], source: str) -> None:
    """Raise DataError where the columns of numbers are the months or quarters of the rows."""
    for words, fewest in ((MONTH_NAMES, FEWEST_MONTHS), (QUARTERS, len(QUARTERS))):
        parts = [name for name in columns if name.strip().lower() in words]
        if len(parts) >= fewest:
            raise DataError(
                f"{source}: the columns {quote(parts[0])} to {quote(parts[-1])} are parts of a "
                "year, not series; make the table long, with a column of times (in pandas: melt, "
                "then join the year and its part)"
            )


def _is_time(label: Any) -> bool:
    """Whether the label of a column is a time."""
    if isinstance(label, datetime.date | pd.Period | np.datetime64):
        return True
    text = str(label).strip()
    return bool(YEAR.match(text) or DATE_OR_PERIOD.match(text))


def _holds_times(column: pd.Series[Any]) -> bool:
    return kind_of(column) == "time" or word(str(column.name)) in TIME_NAMES


def _id(frame: pd.DataFrame, names: list[str], source: str) -> str | None:
    """The first column that names each row once: text if there is some, else whole numbers."""
    filled = [name for name in names if frame[name].notna().all()]
    texts = [name for name in names if kind_of(frame[name]) == "text"]
    whole = [name for name in filled if pd.api.types.is_integer_dtype(frame[name].dtype)]
    named = [name for name in texts if name in filled]
    for name in [*named, *whole]:
        if frame[name].is_unique:
            return name
    if len(frame) == 1:
        return None
    for count in range(2, len(texts) + 1):
        for chosen in itertools.combinations(texts, count):
            if not frame.duplicated([*chosen]).any():
                raise DataError(
                    f"{source}: times across the top, and no column alone names the rows, but "
                    f"{first_few(chosen, count)} do together; join them into one column and name "
                    "it with --id (id= in Python)"
                )
    raise DataError(
        f"{source}: times across the top, and no column names each row once; make the table long, "
        "with a column of ids, one of times and one of values (in pandas: melt)"
    )


def _times(labels: list[Any]) -> pd.Series[Any]:
    """The labels as a column of times: whole numbers for years, text as it is."""
    years = [YEAR.match(str(label).strip()) for label in labels]
    if all(years):
        return pd.Series([int(year[1]) for year in years if year], dtype="int64")
    is_text = any(isinstance(label, str) for label in labels)
    return pd.Series([str(label).strip() for label in labels] if is_text else labels)


def _cells(frame: pd.DataFrame) -> Any:
    """The cells of a table row by row; beside text, whole numbers are written as such."""
    if all(isinstance(dtype, np.dtype) and dtype.kind in "iuf" for dtype in frame.dtypes):
        return frame.to_numpy().ravel()
    cells = frame.astype(object).to_numpy().ravel()
    is_text = any(isinstance(cell, str) for cell in cells)
    return pd.Series([_written(cell) for cell in cells], dtype="str") if is_text else cells


def _written(cell: Any) -> str | None:
    if cell is None or cell is pd.NA or cell != cell:
        return None
    return str(int(cell) if isinstance(cell, float) and cell.is_integer() else cell)


def _free(name: str, taken: Iterable[str]) -> str:
    """The name, with as many _ behind it as make it differ from all that are taken."""
    names = {*taken}
    while name in names:
        name += "_"
    return name
