"""Whole numbers that are times: calendar codes such as 2024013123, epochs, Excel's serial days."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data.infer_frequency import share_of_grid
from forecast.data.time_formats import Stamps, format_times, parse_texts

Integers = NDArray[np.int64]

CODES = {  # format: how people write it
    "%Y%m%d": "YYYYMMDD",
    "%Y%m": "YYYYMM",
    "%Y%m%d%H": "YYYYMMDDHH",
    "%Y%m%d%H%M": "YYYYMMDDHHMM",
    "%Y%m%d%H%M%S": "YYYYMMDDHHMMSS",
    "%G%V": "YYYYWW",
    "%Y0%q": "YYYY0Q",
    "%Y%q": "YYYYQ",
    "%Y%j": "YYYYDDD",
}
LENGTHS = {6: ("%Y%m", "%Y0%q", "%G%V"), 8: ("%Y%m%d",), 10: ("%Y%m%d%H",)}
LENGTHS |= {12: ("%Y%m%d%H%M",), 14: ("%Y%m%d%H%M%S",), 5: ("%Y%q",), 7: ("%Y%j",)}
WEAK = ("%Y0%q", "%G%V", "%Y%q", "%Y%j")  # need more evidence than that every number is one
EPOCHS = {"epoch[s]": 10**6, "epoch[ms]": 10**3, "epoch[us]": 1, "epoch[ns]": -1000}
EPOCH_WORDS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
EXCEL = "excel"
EXCEL_1970 = 25_569  # Excel's serial day of 1970-01-01
DAY = 86_400_000_000  # microseconds

FIRST_YEAR, LAST_YEAR = 1700, 2200  # of calendar codes
EPOCH_YEARS = (1980, 2100)
MAX_SECONDS = 10**12  # of a time that can be counted, before or after 1970
EXCEL_YEARS = (1950, 2070)
CLEAR_LEAD = 0.25  # of the share of a regular grid that one reading fills, over another's

_NAMED = {  # words in a column's name that speak for a form
    r"week|woche|semana|wk|kw|yw": ("%G%V",),
    r"quarter|quartal|trimest|qtr": ("%Y0%q", "%Y%q"),
    r"day|doy|julian": ("%Y%j",),
}
_TIME_NAME = re.compile(
    r"time|date|epoch|unix|datum|zeit|fecha|hora|^(ts|ds|period|hour|second)$", re.IGNORECASE
)
_DATE_NAME = re.compile(r"date|datum|fecha|^day$", re.IGNORECASE)


class WholeReading(NamedTuple):
    """Whole numbers read as times."""

    form: str  # "": they are steps of integer time
    stamps: Stamps | None = None  # (N,) of the distinct numbers
    rival: str = ""  # a form that fits as well

    @property
    def note(self) -> str:
        """What to report of a form that people might not expect; "" for the usual ones."""
        if self.rival:
            return (
                f"times: taken as {CODES[self.form]}; if they are {CODES[self.rival]}, say "
                f"--date-format '{self.rival}' (date_format= in Python)"
            )
        if self.form.startswith("epoch"):
            return f"times: {_in_words(self.form)}"
        if self.form == EXCEL:
            return "times: Excel's serial days"
        return f"times: {CODES[self.form]}" if self.form in WEAK else ""


def read_whole(distinct: NDArray[Any], name: object, earlier: str, chosen: str) -> WholeReading:
    """Decide what whole numbers are, and read them.

    Args:
        distinct: (N,) distinct numbers, whole ones or those of a float column.
        name: of the column, a word of which may speak for a reading.
        earlier: the form of earlier rows, or "" for whole numbers, or "?" if there are none.
        chosen: a format that the user has given, or "".

    Returns:
        Calendar codes and epochs that all numbers fit are taken unless another reading is clearly
        more even; whole numbers are taken where nothing speaks for a code.
    """
    if chosen:
        return WholeReading(chosen, parse_code(distinct, chosen))
    if earlier == "" and np.array_equal(np.rint(distinct), distinct):
        return WholeReading("")
    if earlier not in ("", "?") and _fits(stamps := parse_code(distinct, earlier)):
        return WholeReading(earlier, stamps)
    if not np.array_equal(np.rint(distinct), distinct):
        return _fractional_days(distinct)
    fits = _candidates(distinct, str(name))
    if not fits:
        return WholeReading("")
    default = next((form for form in fits if form not in WEAK), "")
    hinted = _hinted(fits, str(name), default)
    if len(fits) == 1 and default:
        return WholeReading(default, fits[default])
    shares = {form: share_of_grid(stamps) for form, stamps in fits.items()}
    shares.setdefault(default, share_of_grid(distinct.astype(np.int64)))
    best = max(shares, key=lambda form: shares[form])
    if shares[best] < 0.5 or shares[best] < shares[default] + CLEAR_LEAD:
        best = hinted[0] if hinted and shares[hinted[0]] >= shares[default] else default
    rivals = [f for f in fits if f != best and f in CODES and shares[f] >= shares[best]]
    is_open = bool(rivals) and best in CODES and best not in hinted and len(distinct) > 1
    return WholeReading(best, fits.get(best), rivals[0] if is_open else "")


def parse_code(distinct: NDArray[Any], form: str) -> Stamps:
    """Read numbers in one form: datetime64[us] (N,), NaT where one does not fit."""
    if form == EXCEL:
        return _excel_days(distinct)
    whole = distinct.astype(np.int64)
    if form in EPOCHS:
        factor = EPOCHS[form]
        if factor < 0 and (whole % -factor != 0).any():
            return whole.view("datetime64[ns]")
        microseconds = whole * factor if factor > 0 else whole // -factor
        return microseconds.view("datetime64[us]")
    return parse_texts(pd.Series(whole.astype(str), dtype="str"), form)


def write_code(times: pd.DatetimeIndex, form: str) -> NDArray[Any]:
    """Write times (M,) in one form, the inverse of `parse_code`: numbers."""
    if form == "epoch[ns]":
        return times.as_unit("ns").asi8
    microseconds = times.as_unit("us").asi8
    if form == EXCEL:
        return (microseconds + EXCEL_1970 * DAY) / DAY
    if form in EPOCHS:
        return microseconds // EPOCHS[form]
    return format_times(times, form).astype(np.int64)


def is_code(distinct: Integers, name: object) -> bool:
    """Whether whole numbers (N,) are all codes of one calendar form or counts since 1970."""
    return read_whole(distinct, name, "?", "").form != ""


def looks_like(whole: Integers) -> str:
    """What most of some whole numbers (N,) look like, with what speaks against it; or ""."""
    distinct = np.unique(whole)
    for form in (*LENGTHS.get(len(str(distinct[len(distinct) // 2])), ()), *EPOCHS):
        stamps = parse_code(distinct, form) if form in CODES else _epoch(distinct, form)
        is_fit = _is_plausible(stamps)
        if is_fit.mean() < 0.9:
            continue
        words = CODES.get(form, _in_words(form))
        if is_fit.all():
            return f"looks like {words}; if so, say --date-format '{form}' (date_format= in Python)"
        return f"looks like {words}, but {distinct[int(np.argmin(is_fit))]} is no such time"
    return ""


def _in_words(form: str) -> str:
    unit = form.removeprefix("epoch[").removesuffix("]")
    return f"{EPOCH_WORDS.get(unit, unit)} since 1970"


def may_be_code(low: int, high: int, name: object) -> bool:
    """Whether whole numbers between these two, both included, may be a form of times."""
    return bool(_plausible(np.array([low, high]), str(name)))


def _plausible(distinct: NDArray[Any], name: str) -> dict[str, Stamps]:
    """The forms that all numbers fit, the likeliest first."""
    low, high = int(distinct.min()), int(distinct.max())
    forms = LENGTHS.get(len(str(low)), ()) if len(str(low)) == len(str(high)) else ()
    read = {form: parse_code(distinct, form) for form in forms}
    read |= {form: _epoch(distinct, form) for form in EPOCHS}
    fits = {form: stamps for form, stamps in read.items() if _is_plausible(stamps).all()}
    if _DATE_NAME.search(name) and _is_in(days := _excel_days(distinct), *EXCEL_YEARS).all():
        fits[EXCEL] = days
    return fits


def _candidates(distinct: NDArray[Any], name: str) -> dict[str, Stamps]:
    """The plausible forms without those that the steps between the numbers speak against."""
    fits = _plausible(distinct, name)
    if "epoch[s]" in fits and "%Y%m%d%H" not in fits:
        hours = parse_code(distinct, "%Y%m%d%H")
        if _is_plausible(hours).mean() >= 0.5:  # with a mistyped one, not seconds in the 2030s
            del fits["epoch[s]"]
    if "epoch[s]" in fits and not _TIME_NAME.search(name):
        steps = np.diff(np.unique(distinct.astype(np.int64)))
        if not len(steps) or np.gcd.reduce(steps) % 60:  # no whole minutes
            del fits["epoch[s]"]
    if EXCEL in fits and not _are_steady_days(fits[EXCEL]):
        del fits[EXCEL]
    return fits


def _epoch(distinct: NDArray[Any], form: str) -> Stamps:
    """Counts since 1970; NaT throughout where some are out of range."""
    low, high = (np.datetime64(str(year), "us").astype(np.int64) for year in EPOCH_YEARS)
    factor = EPOCHS[form]
    bounds = (low // factor, high // factor) if factor > 0 else (low * -factor, high * -factor)
    if distinct.min() < bounds[0] or distinct.max() > bounds[1]:
        return np.full(len(distinct), np.datetime64("NaT"), "datetime64[us]")
    return parse_code(distinct, form)


def _is_plausible(stamps: Stamps) -> NDArray[np.bool_]:
    return _is_in(stamps, FIRST_YEAR, LAST_YEAR)


def _is_in(stamps: Stamps, first: int, last: int) -> NDArray[np.bool_]:
    years = stamps.astype("datetime64[Y]")
    inside: NDArray[np.bool_] = (years >= np.datetime64(str(first), "Y")) & (
        years <= np.datetime64(str(last), "Y")
    )
    return inside


def _fits(stamps: Stamps) -> bool:
    return not np.isnat(stamps).any()


def _hinted(fits: Collection[str], name: str, default: str) -> list[str]:
    """The forms that a column's name speaks for; "date" and "time" for long codes of any kind."""
    words = [
        form
        for pattern, forms in _NAMED.items()
        for form in forms
        if form in fits and re.search(pattern, name, re.IGNORECASE)
    ]
    if words or default or not _TIME_NAME.search(name):
        return words
    return [form for form in ("%Y%j", "%G%V") if form in fits]


def _excel_days(serial: NDArray[Any]) -> Stamps:
    """Times of Excel's serial days, rounded to minutes where all are within half a second of one.

    Rounding to seconds undoes the few decimals that spreadsheets write.
    """
    seconds = np.rint((serial.astype(np.float64) - EXCEL_1970) * 86_400)
    minutes = np.rint(seconds / 60) * 60
    if (np.abs(minutes - seconds) <= 1).all():
        seconds = minutes
    is_countable = np.abs(seconds) <= MAX_SECONDS
    microseconds = np.where(is_countable, seconds, 0).astype(np.int64) * 1_000_000
    return np.where(is_countable, microseconds.view("datetime64[us]"), np.datetime64("NaT"))


def _are_steady_days(days: Stamps) -> bool:
    """Whether at least three dates fill most of a regular grid of days, weeks or months."""
    return len(days) >= 3 and share_of_grid(days) >= 0.5


def _fractional_days(serial: NDArray[Any]) -> WholeReading:
    """Numbers with fractions: Excel's serial days where they are evenly spaced; else none."""
    stamps = _excel_days(serial)
    if _is_in(stamps, *EXCEL_YEARS).all() and len(serial) >= 3 and share_of_grid(stamps) >= 0.5:
        return WholeReading(EXCEL, stamps)
    return WholeReading("")
