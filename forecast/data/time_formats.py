"""The formats of times: strptime's directives and a few more, read and written.

A format is text with directives. Those of strptime mean what they mean there: `%Y %y %m %d %b %B
%a %A %j %H %I %M %S %f %p %G %V %u`. Besides, `%q` is the quarter, `%-d` (of any number) is
written without a leading zero, `%^b` (of any name) in capitals, `%~b` in small letters, and `%3f`
is the fraction of a second in three digits.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.errors import OptionError

Stamps = NDArray[np.datetime64]
Integers = NDArray[np.int64]

POSIX_CENTURY = 1969  # strptime: two-digit years are those from 1969 to 2068
MONTHS = tuple(calendar.month_name[1:])
WEEKDAYS = tuple(calendar.day_name)

_TOKEN = re.compile(r"%[-^~3]?[A-Za-z]|[^%]+|%")
_CODEC = re.compile(r"(\w+)(?:\[([^\]]*)\])?:(.*)")


def _words(names: tuple[str, ...], length: int | None = None) -> str:
    return f"(?i:{'|'.join(name[:length] for name in names)})"


_PATTERNS = {
    **{"Y": r"\d{4}", "G": r"\d{4}", "y": r"\d{2}", "j": r"\d{3}", "q": "[1-4]", "u": "[1-7]"},
    **{"b": f"(?:(?i:sept)|{_words(MONTHS, 3)})", "B": _words(MONTHS)},
    **{"a": _words(WEEKDAYS, 3), "A": _words(WEEKDAYS)},
    **{"f": r"\d{1,6}", "p": "(?i:[ap]m)"},
    **dict.fromkeys("mdHIMSV", r"\d{2}"),
}
_WRITERS: dict[str, Callable[[pd.Timestamp], str]] = {
    "Y": lambda time: f"{time.year:04d}",
    "G": lambda time: f"{time.isocalendar()[0]:04d}",
    "y": lambda time: f"{time.year % 100:02d}",
    "m": lambda time: f"{time.month:02d}",
    "d": lambda time: f"{time.day:02d}",
    "b": lambda time: MONTHS[time.month - 1][:3],
    "B": lambda time: MONTHS[time.month - 1],
    "a": lambda time: WEEKDAYS[time.dayofweek][:3],
    "A": lambda time: WEEKDAYS[time.dayofweek],
    "j": lambda time: f"{time.dayofyear:03d}",
    "q": lambda time: str(time.quarter),
    "V": lambda time: f"{time.isocalendar()[1]:02d}",
    "u": lambda time: str(time.isoweekday()),
    "H": lambda time: f"{time.hour:02d}",
    "I": lambda time: f"{(time.hour - 1) % 12 + 1:02d}",
    "M": lambda time: f"{time.minute:02d}",
    "S": lambda time: f"{time.second:02d}",
    "f": lambda time: f"{time.microsecond:06d}",
    "p": lambda time: "PM" if time.hour >= 12 else "AM",
}
_CASES: dict[str, Callable[[str], str]] = {
    "-": lambda text: text.lstrip("0") or "0",
    "^": str.upper,
    "~": str.lower,
    "3": lambda text: text[:3],
}
_IS_DIGITS = frozenset("YGymdjquVHIMSf")


class Codec(NamedTuple):
    """How times are written as text or whole numbers: `Times.dtype` where it is no plain dtype."""

    base: str  # "text", "wall" (text in local time, without its offset), or a dtype of numbers
    form: str
    zone: str = ""  # of times that have one, as pandas names it
    since: int | None = None  # the first of the hundred years that two digits stand for

    @property
    def dtype(self) -> str:
        """As text, which `Codec.parse` reads back.

        Example:
            >>> Codec("text", "%b-%y", since=1940).dtype, Codec("int64", "%Y%m").dtype
            ('text[since=1940]:%b-%y', 'int64:%Y%m')
        """
        marks = {"zone": self.zone, "since": self.since}
        parts = " ".join(f"{name}={mark}" for name, mark in marks.items() if mark)
        return f"{self.base}{f'[{parts}]' if parts else ''}:{self.form}"

    @classmethod
    def parse(cls, dtype: str) -> Codec | None:
        """Read a `Times.dtype`; None where it is a plain dtype."""
        match = _CODEC.fullmatch(dtype)
        if not match:
            return None
        marks = dict(mark.split("=", 1) for mark in (match[2] or "").split())
        since = int(marks["since"]) if "since" in marks else None
        return cls(match[1], match[3], marks.get("zone", ""), since)


def check_format(form: str) -> None:
    """Raise OptionError where a format has a directive that is not known, or none at all."""
    letters = [token[-1] for token in _TOKEN.findall(form) if token[0] == "%"]
    unknown = [letter for letter in letters if letter not in _PATTERNS]
    if unknown or not letters or len(set(letters)) < len(letters):
        raise OptionError(
            f"date format {form!r} is not understood; give day-first, month-first, year-first or "
            f"a format such as '%d/%m/%Y %H:%M', with each of {' '.join(_PATTERNS)} at most once"
        )


def directives(form: str) -> str:
    """The letters of the directives of a format, in order.

    Example:
        >>> directives("%-d/%m/%y %H:%M")
        'dmyHM'
    """
    return "".join(token[-1] for token in _TOKEN.findall(form) if token[0] == "%")


def parse_texts(texts: pd.Series[Any], form: str, since: int | None = None) -> Stamps:
    """Read texts in one format.

    Args:
        texts: (N,) text.
        form: its format. Numbers may lack a leading zero where they stand between other signs;
            names may be in any case.
        since: the first of the hundred years that `%y` stands for; strptime's by default.

    Returns:
        datetime64[us] (N,), naive; NaT where a text is not of the format.
    """
    fields, is_match = _fields(texts, form)
    days, is_valid = _date(fields, POSIX_CENTURY if since is None else since)
    clock, is_clock = _clock(fields)
    stamps = days.astype("datetime64[us]")
    stamps += clock
    stamps[~(is_match & is_valid & is_clock)] = np.datetime64("NaT")
    return stamps


def raw_fields(texts: pd.Series[Any], form: str) -> dict[str, list[str]]:
    """The text of each directive of a format, (N,) each; empty where a text does not fit."""
    return _groups(texts, form)[0]


def _groups(texts: pd.Series[Any], form: str) -> tuple[dict[str, list[str]], NDArray[np.bool_]]:
    """The text of each directive, empty where a text does not fit, and which texts fit."""
    pattern, letters = _pattern(form), directives(form)
    found = [pattern.fullmatch(text) if isinstance(text, str) else None for text in texts]
    nothing = ("",) * len(letters)
    rows = [nothing if match is None else match.groups() for match in found]
    is_match = np.array([match is not None for match in found], dtype=bool)
    return {letter: [row[k] for row in rows] for k, letter in enumerate(letters)}, is_match


def _pattern(form: str) -> re.Pattern[str]:
    """The regular expression of a format, with a group for each directive."""
    tokens = _TOKEN.findall(form)
    parts = []
    for k, token in enumerate(tokens):
        if token[0] != "%":
            parts.append(re.sub(r"(\\?\s)+", r"\\s+", re.escape(token)))
            continue
        letter = token[-1]
        pattern = _PATTERNS[letter]
        beside = [t for t in (*tokens[max(k - 1, 0) : k], *tokens[k + 1 : k + 2]) if t[0] == "%"]
        stands_alone = not any(t[-1] in _IS_DIGITS for t in beside)
        if letter in "mdHIV" and stands_alone:
            pattern = r"\d{1,2}"
        parts.append(f"({pattern})")
    return re.compile("".join(parts), re.ASCII)


def _fields(texts: pd.Series[Any], form: str) -> tuple[dict[str, Integers], NDArray[np.bool_]]:
    """The numbers of each directive, 0 where a text does not fit, and which texts fit."""
    groups, is_match = _groups(texts, form)
    return {letter: _numbers(letter, cells) for letter, cells in groups.items()}, is_match


def _numbers(letter: str, cells: list[str]) -> Integers:
    """The number of each cell (N,) of a directive, 0 for an empty one."""
    if letter in "aA":
        return np.zeros(len(cells), np.int64)  # the date says the weekday
    if letter in "bB":
        numbers = {name[:3].lower(): month for month, name in enumerate(MONTHS, 1)}
        return np.array([numbers.get(cell[:3].lower(), 0) for cell in cells], np.int64)
    if letter == "p":
        return np.array([cell.lower() == "pm" for cell in cells], np.int64)
    if letter == "f":
        cells = [cell.ljust(6, "0") for cell in cells]
    return np.array([int(cell or 0) for cell in cells], np.int64)


def _date(fields: dict[str, Integers], since: int) -> tuple[Stamps, NDArray[np.bool_]]:
    """Dates, datetime64[D], and which of them exist."""
    size = len(next(iter(fields.values())))
    year = fields.get("Y", fields.get("G", np.full(size, 1970, np.int64)))
    if "y" in fields:
        year = since + (fields["y"] - since) % 100
    if "V" in fields:
        return _week_date(year, fields["V"], fields.get("u", np.ones(size, np.int64)))
    first = _days(year, np.ones(size, np.int64))
    if "j" in fields:
        length = _days(year + 1, np.ones(size, np.int64)) - first
        days = fields["j"].astype("timedelta64[D]")
        return first + days - 1, (days >= np.timedelta64(1, "D")) & (days <= length)
    month = np.ones(size, np.int64)
    for letter in "mbB":
        month = fields.get(letter, month)
    if "q" in fields:
        month = 3 * fields["q"] - 2
    is_month = (month >= 1) & (month <= 12)
    begin = _days(year, np.where(is_month, month, 1))
    day = fields.get("d", np.ones(size, np.int64))
    length = _days(year, np.where(is_month, month, 1) + 1) - begin
    stamps = begin + (day - 1).astype("timedelta64[D]")
    return stamps, is_month & (day >= 1) & (day.astype("timedelta64[D]") <= length)


def _week_date(
    year: Integers, week: Integers, weekday: Integers
) -> tuple[Stamps, NDArray[np.bool_]]:
    """Dates of ISO 8601 weeks: the first one of a year has its first Thursday."""
    fourth = _days(year, np.ones(len(year), np.int64)) + np.timedelta64(3, "D")
    monday = fourth - ((fourth.view(np.int64) + 3) % 7).astype("timedelta64[D]")
    begin = monday + ((week - 1) * 7).astype("timedelta64[D]")
    thursday = (begin + np.timedelta64(3, "D")).astype("datetime64[Y]").view(np.int64) + 1970
    return begin + (weekday - 1).astype("timedelta64[D]"), (thursday == year) & (week >= 1)


def _days(year: Integers, month: Integers) -> Stamps:
    """First days of months, which may count beyond the year."""
    months: Stamps = ((year - 1970) * 12 + month - 1).view("datetime64[M]")
    return months.astype("datetime64[D]")


def _clock(fields: dict[str, Integers]) -> tuple[NDArray[np.timedelta64], NDArray[np.bool_]]:
    """Times of day, and which of them exist."""
    nothing = np.zeros(len(next(iter(fields.values()))), np.int64)
    minute, second = (fields.get(letter, nothing) for letter in "MS")
    hour = fields.get("H", nothing)
    is_valid = (hour < 24) & (minute < 60) & (second < 60)
    if "I" in fields:
        hour = fields["I"] % 12 + 12 * fields.get("p", nothing)
        is_valid &= (fields["I"] >= 1) & (fields["I"] <= 12)
    seconds = (hour * 60 + minute) * 60 + second
    return (seconds * 1_000_000 + fields.get("f", nothing)).astype("timedelta64[us]"), is_valid


def format_times(times: pd.DatetimeIndex, form: str) -> NDArray[Any]:
    """Write times in a format, the inverse of `parse_texts`.

    Args:
        times: (M,) naive.
        form: a format.

    Returns:
        (M,) text, as objects.

    Example:
        >>> format_times(pd.DatetimeIndex(["2024-02-01 13:05"]), "Q%q %Y, %-I:%M %~p").tolist()
        ['Q1 2024, 1:05 pm']
    """
    tokens = _TOKEN.findall(form)
    codes, distinct = pd.factorize(times)
    texts = ["".join(_write(token, time) for token in tokens) for time in distinct]
    return np.array([*texts, ""], dtype=object)[codes]


def _write(token: str, time: pd.Timestamp) -> str:
    if token[0] != "%" or len(token) == 1:
        return token
    text = _WRITERS[token[-1]](time)
    return _CASES[token[1]](text) if len(token) == 3 else text
