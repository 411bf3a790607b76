"""Time columns in any dtype or text format: to naive times, and back."""

from __future__ import annotations

import re
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.tseries.api import guess_datetime_format

from forecast.data.origin import Place
from forecast.data.parsing import MISSING_WORDS, first, plain
from forecast.errors import DataError, quote

ISO_DATE = re.compile(r"\d{4}-?\d{2}(-?\d{2})?([ T]|$)")
QUARTER = re.compile(r"\d{4}(-?)Q[1-4]$")
DAY_OR_MONTH_FIRST = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{2,4})\b")
RARER_FORMATS = ("%b %Y", "%B %Y", "%b-%y", "%b-%Y", "%d-%b-%y", "%d.%m.%y", "%m/%d/%y", "%d/%m/%y")
MAX_EXACT_INTEGER = 2**53  # whole numbers up to here are exact in a float
COMPACT_DATES = (("%Y%m%d", 19000101, 22001231), ("%Y%m", 190001, 220012))


class Times(NamedTuple):
    """A parsed time column."""

    values: pd.DatetimeIndex | NDArray[np.int64]  # (N,) naive
    dtype: str  # what `write_times` needs to restore the user's dtype
    local: bool = True  # with a time zone: in local (wall-clock) time, else in UTC


def read_times(
    column: pd.Series[Any], place: Place, subdaily: bool = False, earlier_dtype: str = ""
) -> Times:
    """Parse a column of times.

    Args:
        column: (N,) datetimes, periods, dates, text or whole numbers.
        place: names rows in messages.
        subdaily: whether steps are known to be shorter than a day; times with a zone are then
            counted in UTC.
        earlier_dtype: `Times.dtype` of earlier rows, which decides where these are ambiguous:
            whether 01/02/2024 is in January or in February.

    Returns:
        Naive times or whole numbers, and how to write such times again.

    Raises:
        DataError: a cell is missing or not a time, time zones are mixed, or the order of day
            and month is ambiguous.
    """
    column = plain(column)
    if column.isna().any():
        raise place.error(first(column.isna()), column.name, "no time; every row needs one")
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return _read_zoned(pd.DatetimeIndex(column), subdaily)
    if isinstance(column.dtype, pd.PeriodDtype):
        starts = pd.PeriodIndex(column).to_timestamp(how="start")
        return Times(starts.as_unit("us"), str(column.dtype))
    if pd.api.types.is_datetime64_dtype(column.dtype):
        return Times(pd.DatetimeIndex(column), str(column.dtype))
    if column.dtype.kind in "iuf":
        return _read_whole(column, place)
    if pd.api.types.is_object_dtype(column.dtype):
        return _read_objects(column, place, subdaily, earlier_dtype)
    if pd.api.types.is_string_dtype(column.dtype):
        return _read_text(column, place, subdaily, earlier_dtype)
    raise _not_a_time(column, place)


def _read_objects(
    column: pd.Series[Any], place: Place, subdaily: bool, earlier_dtype: str
) -> Times:
    kind = pd.api.types.infer_dtype(column)
    if kind in ("date", "datetime", "datetime64"):
        try:
            parsed = pd.Series(pd.to_datetime(column), name=column.name)
        except ValueError:
            raise _mixed_zones(column, place) from None
        times = read_times(parsed, place, subdaily)
        return times._replace(dtype="date") if kind == "date" else times
    if kind == "period":
        return read_times(pd.Series(pd.PeriodIndex(column), name=column.name), place)
    if kind == "integer":
        return read_times(column.astype("int64"), place)
    if kind in ("string", "mixed"):
        return _read_text(column.astype("str"), place, subdaily, earlier_dtype)
    raise _not_a_time(column, place)


def _not_a_time(column: pd.Series[Any], place: Place) -> DataError:
    return place.error(0, column.name, f"found {quote(column.iloc[0])}, where a time should be")


def _read_zoned(times: pd.DatetimeIndex, subdaily: bool) -> Times:
    """Count days in local (wall-clock) time, where they last 23 to 25 hours, and hours in UTC."""
    utc, wall = times.tz_convert("UTC").tz_localize(None), times.tz_localize(None)
    dtype = str(times.dtype)
    if subdaily:
        return Times(utc, dtype, local=False)
    hour = (wall - wall.normalize()).min()
    steady = wall.normalize() + hour
    by_wall = bool((_localize(steady, times.tz) == times).all())
    by_utc = bool((utc == utc.normalize()).all())
    if by_wall and (hour == pd.Timedelta(0) or not by_utc):
        return Times(steady, dtype)
    return Times(utc, dtype, local=False)


def _localize(times: pd.DatetimeIndex, zone: Any) -> pd.DatetimeIndex:
    first_of_two = np.ones(len(times), dtype=bool)
    return times.tz_localize(zone, nonexistent="shift_forward", ambiguous=first_of_two)


def _read_whole(column: pd.Series[Any], place: Place) -> Times:
    values = column.to_numpy()
    wrong = (
        (np.rint(values) != values) | (values < -MAX_EXACT_INTEGER) | (values > MAX_EXACT_INTEGER)
    )
    if wrong.any():
        at = first(wrong)
        raise place.error(at, column.name, f"{values[at]} is not a whole number, nor a time")
    whole = values.astype(np.int64)
    for form, low, high in COMPACT_DATES:
        if whole.min() >= low and whole.max() <= high:
            codes, distinct = pd.factorize(whole)
            dates = pd.to_datetime(pd.Index(distinct).astype(str), format=form, errors="coerce")
            if dates.notna().all():
                return Times(dates.take(codes), f"{column.dtype}:{form}")
    return Times(whole, str(column.dtype))


def _read_text(column: pd.Series[Any], place: Place, subdaily: bool, earlier_dtype: str) -> Times:
    codes, distinct = pd.factorize(column.str.strip())
    texts = pd.Series(distinct, dtype="str")
    empty = texts.str.lower().isin(MISSING_WORDS).to_numpy()
    if empty.any():
        at = first(empty[codes])
        raise place.error(at, column.name, "no time; every row needs one")
    form = _time_format(column, texts, place, earlier_dtype)
    try:
        parsed = _parse(texts, form)
    except ValueError:
        raise _mixed_zones(column, place) from None
    if parsed.isna().any():
        at = first(parsed.isna()[codes])
        hint = "; dates are best written as 2024-01-31 or 2024-01-31 10:00"
        if parsed.notna().any():
            hint = f" like {quote(texts[first(parsed.notna())])}"
        raise place.error(at, column.name, f"{quote(column.iloc[at])} is not a time{hint}")
    if parsed.tz is not None:
        return _read_zoned(parsed.take(codes), subdaily)
    longest = str(texts.iloc[int(texts.str.len().to_numpy().argmax())])
    written = (guess_datetime_format(longest) or "%Y-%m-%d") if form == "ISO8601" else form
    return Times(parsed.take(codes), f"text:{written}")


def _parse(texts: pd.Series[Any], form: str) -> pd.DatetimeIndex:
    if "%q" in form:
        fits = texts.where(texts.str.fullmatch(QUARTER.pattern))
        return pd.PeriodIndex(fits, freq="Q").to_timestamp()
    return pd.DatetimeIndex(pd.to_datetime(texts, format=form, errors="coerce"))


def _time_format(
    column: pd.Series[Any], texts: pd.Series[Any], place: Place, earlier_dtype: str
) -> str:
    """Infer the strptime format from the first cell, and the order of day and month from all."""
    sample = str(texts.iloc[0])
    quarter = QUARTER.match(sample)
    if quarter:
        return f"%Y{quarter[1]}Q%q"
    if ISO_DATE.match(sample):
        return "ISO8601"
    parts = DAY_OR_MONTH_FIRST.match(sample)
    day_first = bool(parts) and _dayfirst(column, texts, place, earlier_dtype)
    form = guess_datetime_format(sample, dayfirst=day_first)
    if form is not None:
        return form
    for form in RARER_FORMATS:
        if pd.notna(pd.to_datetime(sample, format=form, errors="coerce")):
            return form.replace("%m/%d", "%d/%m") if day_first else form
    return "ISO8601"


def _dayfirst(
    column: pd.Series[Any], texts: pd.Series[Any], place: Place, earlier_dtype: str
) -> bool:
    parts = texts.str.extract(DAY_OR_MONTH_FIRST.pattern)
    left, right = (pd.to_numeric(parts[i], errors="coerce") > 12 for i in (0, 2))
    if left.any() or right.any():  # a number above 12 is a day
        return bool(left.sum() >= right.sum())
    if "%d" in earlier_dtype and "%m" in earlier_dtype:
        return earlier_dtype.index("%d") < earlier_dtype.index("%m")
    if parts[1].iloc[0] == ".":
        return True
    raise place.error(
        0,
        column.name,
        f"{quote(column.iloc[0])} may be day/month or month/day, and no row settles which; "
        "write dates as 2024-01-31",
    )


def _mixed_zones(column: pd.Series[Any], place: Place) -> DataError:
    """The error that names the first row whose UTC offset differs from the first row's."""
    offsets = column.astype(str).str.extract(r":\d{2}(?:\.\d+)?\s*(Z|[+-]\d{2}:?\d{2})?$")[0]
    offsets = offsets.fillna("none")
    differs = (offsets != offsets.iloc[0]).to_numpy()
    at = first(differs) if differs.any() else 0
    return place.error(
        at,
        column.name,
        f"{quote(column.iloc[at])} has another time zone than {quote(column.iloc[0])} "
        f"({place.row(0)}); write all times in one zone, such as UTC",
    )


def write_times(
    times: pd.DatetimeIndex | NDArray[np.int64], dtype: str, local: bool = True
) -> pd.Series[Any]:
    """Write naive times in the user's dtype; the inverse of `read_times`.

    Args:
        times: (M,) naive times or whole numbers.
        dtype: `Times.dtype`.
        local: `Times.local`.

    Returns:
        (M,) a column of that dtype.
    """
    if not isinstance(times, pd.DatetimeIndex):
        fits = len(times) == 0 or np.array_equal(times, times.astype(dtype.lower()))
        return pd.Series(times).astype(cast(Any, dtype if fits else "int64"))
    base, _, form = dtype.partition(":") if "%" in dtype else (dtype, "", "")
    if form:
        text = (times.to_period("Q") if "%q" in form else times).strftime(form)
        return pd.Series(text, dtype="str").astype(cast(Any, "str" if base == "text" else base))
    if dtype == "date":
        return pd.Series(times.date, dtype=object)
    if dtype.startswith("period["):
        return pd.Series(times.to_period(dtype[len("period[") : -1]))
    if has_zone(dtype):
        return pd.Series(zoned(times, dtype, local))
    kind = cast(Any, pd.api.types.pandas_dtype(dtype))
    return pd.Series(times.as_unit(cast(Any, np.datetime_data(kind)[0])))


def has_zone(dtype: str) -> bool:
    """Whether times that `Times.dtype` describes have a time zone."""
    return dtype.startswith("datetime64[") and "," in dtype


def zoned(times: pd.DatetimeIndex, dtype: str, local: bool) -> pd.DatetimeIndex:
    """Naive times (M,) in the zone of a `Times.dtype` that has one."""
    kind = cast(pd.DatetimeTZDtype, pd.api.types.pandas_dtype(dtype))
    given = _localize(times, kind.tz) if local else times.tz_localize("UTC")
    return given.tz_convert(kind.tz).as_unit(kind.unit)
