"""Time columns in any dtype or text format: to naive times, and back."""

from __future__ import annotations

import re
from datetime import timedelta, timezone
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.tseries.api import guess_datetime_format

from forecast.data import text_times, time_codes
from forecast.data.origin import Place
from forecast.data.parsing import MISSING_WORDS, first, plain
from forecast.data.text_times import ORDERS
from forecast.data.time_formats import Codec, Stamps, check_format, format_times
from forecast.errors import DataError, OptionError, quote

ISO_DATE = re.compile(r"\d{4}-\d{2}(-\d{2})?([ T]|$)")
FARTHEST_OFFSET = timedelta(hours=15)  # from UTC
ZONED = re.compile(  # a time of day before an offset, since 01-2024 has none
    r"(?P<local>.*\d(?:\s*(?i:[ap]m))?|.*[A-Za-z]{3}.*\d)(?P<zone>\s*(?i:Z|UTC|GMT))"
    r"|(?P<clock>.*(?:T\d{2,6}|\d:\d{2})(?::\d{2})?(?:\.\d+)?(?:\s*(?i:[ap]m))?)"
    r"(?P<offset>\s*[+-]\d{2}(?::?\d{2})?)",
    re.ASCII,
)
NUMBER_DTYPE = re.compile(r"u?int\d+|float\d+", re.IGNORECASE)
STEP_NUMBER = r"0|-?[1-9]\d{0,4}"  # as text
YEAR_NUMBER = r"[12]\d{3}"
MAX_EXACT_INTEGER = 2**53  # whole numbers up to here are exact in a float
LEAST_CODE = 10_000  # of calendar codes and epochs
ISO_HINT = "; dates are best written as 2024-01-31 or 2024-01-31 10:00"


class Times(NamedTuple):
    """A parsed time column."""

    values: pd.DatetimeIndex | NDArray[np.int64]  # (N,) naive
    dtype: str  # what `write_times` needs to restore the user's dtype
    local: bool = True  # with a time zone: in local (wall-clock) time, else in UTC
    notes: tuple[str, ...] = ()  # what to report of how the times were read


class _Hints(NamedTuple):
    """What is known of a column of times besides its cells."""

    subdaily: bool
    earlier: str  # `Times.dtype` of earlier rows
    date_format: str | None

    @property
    def codec(self) -> Codec | None:
        """How earlier rows are written as text or codes; None where they are not."""
        return Codec.parse(self.earlier)


def read_times(
    column: pd.Series[Any],
    place: Place,
    subdaily: bool = False,
    earlier_dtype: str = "",
    date_format: str | None = None,
) -> Times:
    """Parse a column of times.

    Args:
        column: (N,) datetimes, periods, dates, text or whole numbers.
        place: names rows in messages.
        subdaily: whether steps are known to be shorter than a day; times with a zone are then
            counted in UTC.
        earlier_dtype: `Times.dtype` of earlier rows, which decides where these are ambiguous:
            whether 01/02/2024 is in January or in February, the century of Jan-60, or whether
            201001 is a month or a quarter.
        date_format: how text and whole numbers are to be read: "day-first", "month-first" or
            "year-first"; a format of strptime's directives and `%q` for quarters, such as
            "%d/%m/%Y" or "%Y0%q"; "epoch[s]" (or ms, us, ns) or "excel" for serial days.
            Inferred from all rows by default.

    Returns:
        Naive times or whole numbers, and how to write such times again.

    Raises:
        DataError: a cell is missing or not a time, some have a time zone and some have none, or
            the order of day and month is ambiguous.
        OptionError: the date format is not understood.
    """
    _check_date_format(date_format)
    column = plain(column)
    hints = _Hints(subdaily, earlier_dtype, date_format)
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
        return _read_whole(column, place, hints)
    if pd.api.types.is_object_dtype(column.dtype):
        return _read_objects(column, place, hints)
    if pd.api.types.is_string_dtype(column.dtype):
        return _read_text(column, place, hints)
    raise _not_a_time(column, place)


def _check_date_format(date_format: str | None) -> None:
    named = (*ORDERS, *time_codes.EPOCHS, time_codes.EXCEL)
    if date_format is not None and date_format not in named:
        check_format(_without_zone(date_format))


def _without_zone(date_format: str) -> str:
    """A format without the directive of a time zone at its end, which is read for itself."""
    return re.sub(r"\s*%[zZ]$", "", date_format)


def _read_objects(column: pd.Series[Any], place: Place, hints: _Hints) -> Times:
    kind = pd.api.types.infer_dtype(column)
    if kind in ("date", "datetime", "datetime64"):
        try:
            parsed = pd.Series(pd.to_datetime(column), name=column.name)
        except ValueError:
            raise _mixed_zones(column, place) from None
        times = read_times(parsed, place, hints.subdaily)
        return times._replace(dtype="date") if kind == "date" else times
    if kind == "period":
        return read_times(pd.Series(pd.PeriodIndex(column), name=column.name), place)
    if kind == "integer":
        return _read_whole(column.astype("int64"), place, hints)
    if kind in ("string", "mixed"):
        return _read_text(column.astype("str"), place, hints)
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


def _read_whole(column: pd.Series[Any], place: Place, hints: _Hints) -> Times:
    values = column.to_numpy()
    is_finite = np.isfinite(values)
    if is_finite.all() and _may_be_code(values, column, hints):
        codes, distinct = pd.factorize(values)
        times = _read_code(distinct, column, hints)
        if times is not None:
            _refuse_unread(pd.isna(times.values)[codes], column, place, hints)
            return times._replace(values=times.values.take(codes))
    wrong = (
        (np.rint(values) != values) | (values < -MAX_EXACT_INTEGER) | (values > MAX_EXACT_INTEGER)
    )
    if wrong.any():
        at = first(wrong)
        raise place.error(at, column.name, f"{values[at]} is not a whole number, nor a time")
    return Times(values.astype(np.int64), str(column.dtype))


def _may_be_code(values: NDArray[Any], column: pd.Series[Any], hints: _Hints) -> bool:
    """Whether it is worth while to look at each distinct number."""
    if hints.date_format or hints.codec or (column.dtype.kind == "f" and (values % 1).any()):
        return True
    low, high = int(values.min()), int(values.max())
    return high >= LEAST_CODE and time_codes.may_be_code(low, high, column.name)


def _read_code(distinct: NDArray[Any], column: pd.Series[Any], hints: _Hints) -> Times | None:
    """Read distinct numbers as codes; None where they are whole numbers, or not whole."""
    earlier = hints.codec.form if hints.codec else "?"
    if NUMBER_DTYPE.fullmatch(hints.earlier):
        earlier = ""
    chosen = "" if hints.date_format in (None, *ORDERS) else str(hints.date_format)
    reading = time_codes.read_whole(distinct, column.name, earlier, chosen)
    if reading.stamps is None:
        return None
    base = str(column.dtype) if column.dtype.kind in "iuf" else "text"
    is_known = bool(hints.earlier) or not reading.note
    return Times(
        pd.DatetimeIndex(reading.stamps),
        Codec(base, reading.form).dtype,
        notes=() if is_known else (reading.note,),
    )


def _refuse_unread(
    unread: NDArray[np.bool_],
    column: pd.Series[Any],
    place: Place,
    hints: _Hints,
    hint: str = ISO_HINT,
) -> None:
    """Raise DataError that names the first cell (N,) that could not be read."""
    if unread.any():
        at = first(unread)
        if hints.date_format not in (None, *ORDERS):
            hint = f" of the date format {quote(hints.date_format)}"
        raise place.error(at, column.name, f"{quote(column.iloc[at])} is not a time{hint}")


def _read_text(column: pd.Series[Any], place: Place, hints: _Hints) -> Times:
    codes, distinct = pd.factorize(column.str.strip())
    texts = pd.Series(distinct, dtype="str")
    empty = texts.str.lower().isin(MISSING_WORDS).to_numpy()
    if empty.any():
        at = first(empty[codes])
        raise place.error(at, column.name, "no time; every row needs one")
    whole = _digits(texts)
    times = None if whole is None else _read_code(whole, column, hints)
    if times is not None:
        _refuse_unread(pd.isna(times.values)[codes], column, place, hints)
        return times._replace(values=times.values.take(codes))
    if texts.str.fullmatch(STEP_NUMBER).all() and not texts.str.fullmatch(YEAR_NUMBER).all():
        return Times(np.array([int(text) for text in texts], dtype=np.int64)[codes], "int64")
    samples = texts.iloc[[0, len(texts) // 2, -1]]
    if not _zone_parts(samples)[1].isna().all():
        return _read_zoned_text(column, texts, codes, place, hints)
    try:
        reading = _read_local(column, texts, codes, place, hints)
    except ValueError as error:
        if isinstance(error, DataError | OptionError):
            raise
        raise _mixed_zones(column, place) from None
    codec = Codec("text", reading.form, since=reading.since)
    return Times(pd.DatetimeIndex(reading.stamps).take(codes), codec.dtype, notes=reading.notes)


def _digits(texts: pd.Series[Any]) -> NDArray[np.int64] | None:
    """The numbers that texts (N,) are; None where some are more than digits, or have too many."""
    if not (str(texts.iloc[0]).isdigit() and texts.str.fullmatch(r"[1-9]\d{4,18}").all()):
        return None
    try:
        return cast(NDArray[np.int64], texts.astype("int64").to_numpy())
    except (ValueError, OverflowError):
        return None


def _read_local(
    column: pd.Series[Any],
    texts: pd.Series[Any],
    codes: NDArray[np.int64],
    place: Place,
    hints: _Hints,
) -> text_times.Reading:
    """Read distinct texts without time zones; column and codes are those of the table's rows."""
    is_iso = hints.date_format is None and ISO_DATE.match(str(texts.iloc[0])) is not None
    stamps = np.full(len(texts), np.datetime64("NaT"), "datetime64[us]")
    if is_iso:
        stamps = _naive(pd.to_datetime(texts, format="ISO8601", errors="coerce"))
        if not np.isnat(stamps).any():
            longest = str(texts.iloc[int(texts.str.len().to_numpy().argmax())])
            return text_times.Reading(stamps, _iso_format(longest))
    date_format = None if hints.date_format is None else _without_zone(hints.date_format)
    try:
        reading = text_times.read_texts(texts, codes, hints.codec, date_format)
    except text_times.UnclearError as error:
        raise place.error(0, column.name, str(error)) from None
    unread = np.isnat(reading.stamps)
    if unread.any():
        unread = np.isnat(stamps) if is_iso else unread
        hint = ISO_HINT if unread.all() else f" like {quote(texts.iloc[first(~unread)])}"
        _refuse_unread(unread[codes], column, place, hints, hint)
    return reading


def _naive(parsed: pd.Series[Any]) -> Stamps:
    """Naive times as an array.

    Raises:
        ValueError: some have a time zone.
    """
    if not pd.api.types.is_datetime64_dtype(parsed.dtype):
        raise ValueError
    return parsed.to_numpy()


def _iso_format(longest: str) -> str:
    """The format of the longest of some ISO texts."""
    form = text_times.written_like(longest) or guess_datetime_format(longest)
    return form or "%Y-%m-%d %H:%M:%S"


def _zone_parts(texts: pd.Series[Any]) -> tuple[pd.Series[Any], pd.Series[Any]]:
    """Texts (N,) without their zones, and the zones as they are written; missing without one."""
    parts = [_without_and_zone(text) if isinstance(text, str) else (None, None) for text in texts]
    local, zone = zip(*parts, strict=True) if parts else ((), ())
    return pd.Series(local, dtype="str"), pd.Series(zone, dtype="str")


def _without_and_zone(text: str) -> tuple[str, str | None]:
    match = ZONED.fullmatch(text)
    if match is None:
        return text, None
    return match["local"] or match["clock"], match["zone"] or match["offset"]


def _offset(zone: str) -> timedelta:
    """The distance from UTC of a zone such as "+02:00", "-0330", " UTC" or "Z"."""
    digits = re.sub(r"\D", "", zone)
    if not digits:
        return timedelta(0)
    distance = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    return -distance if "-" in zone else distance


def _read_zoned_text(
    column: pd.Series[Any],
    texts: pd.Series[Any],
    codes: NDArray[np.int64],
    place: Place,
    hints: _Hints,
) -> Times:
    """Read texts with time zones: as instants, or days by local time across a change of clocks."""
    local, zones = _zone_parts(texts)
    if zones.isna().any():
        raise _mixed_zones(column, place)
    zone_codes, distinct = pd.factorize(zones)
    offsets = [_offset(str(zone)) for zone in distinct]
    is_too_far = np.array([abs(offset) > FARTHEST_OFFSET for offset in offsets])[zone_codes]
    if is_too_far.any():
        at = first(is_too_far[codes])
        shown = f"{quote(column.iloc[at])} is further from UTC than any place on Earth"
        raise place.error(at, column.name, f"{shown}; correct the offset")
    reading = _read_local(column, local, codes, place, hints)
    wall = pd.DatetimeIndex(reading.stamps)
    utc = wall - pd.TimedeltaIndex(offsets).take(zone_codes)
    wall, utc = wall.take(codes), utc.take(codes)
    codec = hints.codec
    if codec is not None and codec.base == "wall":
        return Times(wall, hints.earlier, notes=reading.notes)
    if len({*offsets}) == 1:
        zone = timezone(offsets[0])
        times = _read_zoned(utc.tz_localize("UTC").tz_convert(zone), hints.subdaily)
        form = reading.form + str(distinct[0])
        written = Codec("text", form, str(zone), reading.since)
        return times._replace(dtype=written.dtype, notes=reading.notes)
    shown = " and ".join(dict.fromkeys(str(zone).strip() for zone in distinct[:3]))
    if not hints.subdaily and _is_at_one_time(wall) and not _is_at_one_time(utc):
        return _local_days(wall, reading, shown, hints)
    style = "+00:00" if ":" in str(distinct[0]) else "+0000"
    written = Codec("text", reading.form + style, "UTC", reading.since)
    notes = (*reading.notes, f"times: UTC offsets {shown}, read as instants and written in UTC")
    return Times(utc, written.dtype, local=False, notes=notes)


def _local_days(
    wall: pd.DatetimeIndex, reading: text_times.Reading, shown: str, hints: _Hints
) -> Times:
    """Days at one local time whose offsets from UTC change."""
    if has_zone(hints.earlier):
        return Times(wall, hints.earlier, notes=reading.notes)
    written = Codec("wall", reading.form, since=reading.since)
    notes = (*reading.notes, f"times: days in local time, written without UTC offsets ({shown})")
    return Times(wall, written.dtype, notes=notes)


def _is_at_one_time(times: pd.DatetimeIndex) -> bool:
    return bool((times - times.normalize()).nunique() == 1)


def _mixed_zones(column: pd.Series[Any], place: Place) -> DataError:
    """The error that names the first row that has a time zone where the first row has none."""
    zones = _zone_parts(column.astype(str))[1].str.strip().fillna("none")
    is_other = (zones == "none") != (zones.iloc[0] == "none")
    differs = (is_other if is_other.any() else zones != zones.iloc[0]).to_numpy()
    at = first(differs)
    return place.error(
        at,
        column.name,
        f"{quote(column.iloc[at])} has another time zone than {quote(column.iloc[0])} "
        f"({place.row(0)}); write all times in one zone, such as UTC",
    )


def looks_like_times(texts: pd.Series[Any]) -> bool:
    """Whether most of some texts (N,) are times of one format, though it may be ambiguous."""
    texts = texts.astype("str").str.strip().reset_index(drop=True)
    if not len(texts):
        return False
    if ISO_DATE.match(str(texts.iloc[0])):
        parsed = pd.to_datetime(texts, format="ISO8601", errors="coerce", utc=True)
        if 2 * parsed.notna().sum() > len(texts):
            return True
    return text_times.matches_a_format(_zone_parts(texts)[0])


def is_calendar_code(column: pd.Series[Any]) -> bool:
    """Whether whole numbers (N,) are all codes of one calendar form, or counts since 1970."""
    if not pd.api.types.is_integer_dtype(column.dtype) or column.isna().any() or not len(column):
        return False
    distinct = pd.unique(column.to_numpy(dtype=np.int64))
    return bool(distinct.min() >= LEAST_CODE) and time_codes.is_code(distinct, column.name)


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
    codec = Codec.parse(dtype)
    if codec is not None:
        return _write_codec(times, codec, local)
    if dtype == "date":
        return pd.Series(times.date, dtype=object)
    if dtype.startswith("period["):
        return pd.Series(times.to_period(dtype[len("period[") : -1]))
    if has_zone(dtype):
        return pd.Series(zoned(times, dtype, local))
    kind = cast(Any, pd.api.types.pandas_dtype(dtype))
    return pd.Series(times.as_unit(cast(Any, np.datetime_data(kind)[0])))


def _write_codec(times: pd.DatetimeIndex, codec: Codec, local: bool) -> pd.Series[Any]:
    """Write naive times (M,) as text or numbers."""
    if codec.zone:
        times = zoned(times, codec.dtype, local).tz_localize(None)
    is_text = codec.base in ("text", "wall")
    if codec.form in (*time_codes.EPOCHS, time_codes.EXCEL):
        numbers = pd.Series(time_codes.write_code(times, codec.form))
        return numbers.astype(cast(Any, "str" if is_text else codec.base))
    texts = pd.Series(format_times(times, codec.form), dtype="str")
    return texts if is_text else texts.astype("int64").astype(cast(Any, codec.base))


def has_zone(dtype: str) -> bool:
    """Whether times that `Times.dtype` describes have a time zone."""
    codec = Codec.parse(dtype)
    return bool(codec.zone) if codec else dtype.startswith("datetime64[") and "," in dtype


def zoned(times: pd.DatetimeIndex, dtype: str, local: bool) -> pd.DatetimeIndex:
    """Naive times (M,) in the zone of a `Times.dtype` that has one."""
    codec = Codec.parse(dtype)
    plain_dtype = f"datetime64[us, {codec.zone}]" if codec else dtype
    kind = cast(pd.DatetimeTZDtype, pd.api.types.pandas_dtype(plain_dtype))
    aware = _localize(times, kind.tz) if local else times.tz_localize("UTC")
    return aware.tz_convert(kind.tz).as_unit(kind.unit)
