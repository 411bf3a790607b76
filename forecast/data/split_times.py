"""Times split over columns, such as a year and a month, or a date and a clock time, become one."""

from __future__ import annotations

import calendar
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from forecast.data.column_names import CALENDAR_PARTS, word
from forecast.data.column_roles import ColumnRoles, kind_of
from forecast.data.table_layout import Flat
from forecast.errors import quote

JOINED = "date"  # name of the column that holds the times
WITHIN_YEAR = (("quarter",), ("month", "day", "hour", "minute"))  # a part needs those before it
LIMITS = {  # the least and the largest value of each part
    **{"year": (1500, 2200), "quarter": (1, 4), "month": (1, 12), "day": (1, 31)},
    **{"hour": (0, 23), "minute": (0, 59)},
}
MONTHS = {
    name.lower(): number
    for names in (calendar.month_abbr, calendar.month_name)
    for number, name in enumerate(names)
    if name
}
HOURS = 24  # of a day, which may be numbered from 1
CLOCK_NAMES = ("time", "clock", "uhrzeit", "zeit", *CALENDAR_PARTS["hour"])
CLOCK = r"\s*\d{1,2}:\d\d(:\d\d)?\s*([ap]\.?m\.?)?\s*"
SAMPLE = 200  # cells that show whether a column holds clock times


class Joined(NamedTuple):
    """A table whose times stand in one column."""

    flat: Flat
    notes: tuple[str, ...]


def join_times(flat: Flat, roles: ColumnRoles) -> Joined | None:
    """Join the columns over which the times of a table are split.

    Args:
        flat: the table, of N rows.
        roles: of the columns that are named; a column that has one is no part of a time.

    Returns:
        The table with a column `date` in the place of the first part, without the others; None
        where the times are not split, or a column is named for them.
    """
    names = [name for name in flat.frame.columns if name not in flat.levels]
    taken = {name for _, name in roles.named} | {*roles.covariates}
    free = [name for name in names if name not in taken]
    if roles.time not in (None, JOINED) or JOINED in taken & {*names} or "ds" in names:
        return None
    found = _date_and_clock(flat.frame, free) or _calendar_parts(flat.frame, free)
    if found is None or (JOINED in names and JOINED not in found.columns):
        return None
    frame = flat.frame.drop(columns=[*found.columns])
    frame.insert(names.index(found.columns[0]), JOINED, found.times)
    shown = " and ".join(map(quote, found.columns))
    note = f"joined {shown} to times such as {found.times.iloc[0]}"
    labels = {name: label for name, label in flat.labels.items() if name not in found.columns}
    return Joined(flat._replace(frame=frame, labels={**labels, JOINED: JOINED}), (note,))


class _Found(NamedTuple):
    columns: tuple[str, ...]
    times: pd.Series[Any]  # (N,) text


def _calendar_parts(frame: pd.DataFrame, names: list[str]) -> _Found | None:
    """A year, and its quarter, its month, or further parts down to the minute."""
    if any(kind_of(frame[name]) == "time" for name in names):
        return None
    columns = {
        part: [name for name in names if word(name) in words]
        for part, words in CALENDAR_PARTS.items()
    }
    values = {part: _part(frame[own[0]], part) for part, own in columns.items() if len(own) == 1}
    if values.get("year") is None:
        return None
    for parts in WITHIN_YEAR:
        there = [part for part in parts if values.get(part) is not None]
        if there and there == list(parts[: len(there)]) and not _is_split_otherwise(values, there):
            chosen = tuple(columns[part][0] for part in ("year", *there))
            times = _written({part: values[part] for part in ("year", *there)})
            return None if times is None else _Found(chosen, times)
    return None


def _is_split_otherwise(values: dict[str, Any], parts: list[str]) -> bool:
    """Whether other parts of the year vary too, so that these do not make up the time."""
    return any(
        part not in ("year", *parts) and value is not None and len(np.unique(value)) > 1
        for part, value in values.items()
    )


def _part(column: pd.Series[Any], part: str) -> np.ndarray | None:
    """A part of each time as whole numbers (N,); None where a cell is none."""
    if part == "month" and kind_of(column) == "text":
        column = column.astype("str").str.strip().str.lower().map(MONTHS)
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
    low, high = LIMITS[part]
    if part == "hour" and numbers.min() == 1 and numbers.max() == HOURS:
        numbers = numbers - 1  # the hour that ends then
    if not ((numbers >= low) & (numbers <= high) & (numbers % 1 == 0)).all():
        return None
    return numbers.astype(np.int64)


def _written(values: dict[str, Any]) -> pd.Series[Any] | None:
    """Times as text, in the ISO style; None where there is no such day."""
    columns = pd.DataFrame(values).astype("str")
    if "quarter" in values:
        return columns["year"] + "Q" + columns["quarter"]
    two = columns.apply(lambda column: column.str.zfill(2))
    text = two["year"]
    for part, sign in (("month", "-"), ("day", "-"), ("hour", " "), ("minute", ":")):
        text = text + sign + two[part] if part in values else text
    if "hour" in values and "minute" not in values:
        text = text + ":00"
    is_time = pd.to_datetime(text, format="ISO8601", errors="coerce").notna().all()
    return text if is_time else None


def _date_and_clock(frame: pd.DataFrame, names: list[str]) -> _Found | None:
    """A date that repeats, and a clock time beside it, as hours and minutes or as whole hours."""
    dates = [name for name in names if kind_of(frame[name]) == "time"]
    clocks = [name for name in names if word(name) in CLOCK_NAMES and name not in dates]
    clocks += [name for name in dates if _is_clock(frame[name])]
    dates = [name for name in dates if name not in clocks and _are_days(frame[name])]
    if len(dates) != 1 or len(clocks) != 1 or frame[dates[0]].is_unique:
        return None
    clock = _clock_text(frame[clocks[0]])
    if clock is None:
        return None
    date = frame[dates[0]]
    if pd.api.types.is_datetime64_any_dtype(date.dtype):
        date = date.dt.strftime("%Y-%m-%d")
    return _Found((dates[0], clocks[0]), date.astype("str").str.strip() + " " + clock)


def _are_days(column: pd.Series[Any]) -> bool:
    """Whether times are days without a time of day."""
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return bool((column == column.dt.normalize()).all())
    texts = column.iloc[:SAMPLE].dropna().astype("str")
    return not texts.str.contains(":", regex=False).any()


def _is_clock(column: pd.Series[Any]) -> bool:
    texts = column.iloc[:SAMPLE].dropna().astype("str")
    return len(texts) > 0 and bool(texts.str.fullmatch(CLOCK, case=False).all())


def _clock_text(column: pd.Series[Any]) -> pd.Series[Any] | None:
    """Clock times as text, (N,); None where cells are none."""
    if _is_clock(column):
        return column.astype("str").str.strip() if column.notna().all() else None
    hours = _part(column, "hour") if kind_of(column) == "number" else None
    if hours is None:
        return None
    return pd.Series(hours).astype("str").str.zfill(2) + ":00"
