"""The format of a column of text times: candidates from its cells, and the evidence for each."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data.infer_frequency import share_of_grid
from forecast.data.time_formats import (
    MONTHS,
    POSIX_CENTURY,
    WEEKDAYS,
    Codec,
    Stamps,
    check_format,
    directives,
    format_times,
    parse_texts,
    raw_fields,
)
from forecast.errors import DataError

ORDERS = {"day-first": "dm", "month-first": "md", "year-first": "ym"}  # words for `date_format`
LAST_YEAR = 2049  # of a table whose two-digit years may end in this century or the last
CLEAR_MARGIN = 2  # times as even as every other reading: decides
MAX_SPAN = 100  # times the shortest span of the readings, beyond which one is left out
SHOWN_TEXTS = 10_000  # that are looked at for zeros before numbers

_CLOCK = re.compile(
    r"(?P<gap>T|[ ,_:]+)(?P<hour>\d{1,2})"
    r"(?P<rest>:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)?(?P<half>\s*[ap]m)?$",
    re.IGNORECASE,
)
_COMPACT_CLOCK = re.compile(r"T\d{4}(\d{2})?$")
_SEPARATOR = re.compile(r"[-/. ,_:']{1,3}")
_TOKEN = re.compile(r"\d+|[A-Za-z]+|[^\dA-Za-z]+")
_YEAR_OR_DIGITS = {1: "2", 2: "2", 3: "3", 4: "4", 5: "5", 8: "8"}
_DIRECTIVES_OF = {"8": 3, "3": 2, "5": 2}  # 20240131; 2024W051; Q12024

# The tokens of a date (4: a number of four digits; 2: of one or two; b: the name of a month; Q, W
# and M: those letters) and the directives that they may be; * is a letter that stays.
_SHAPES = {
    "4": ("Y",),
    "8": ("Ymd", "dmY", "mdY"),
    "422": ("Ymd",),
    "224": ("dmY", "mdY"),
    "222": ("dmy", "mdy", "ymd"),
    "42": ("Ym",),
    "24": ("mY",),
    **{"2b4": ("dbY",), "2b2": ("dby", "ybd"), "b24": ("bdY",), "b22": ("bdy",), "4b2": ("Ybd",)},
    **{"b4": ("bY",), "4b": ("Yb",), "b2": ("by",), "2b": ("yb",)},
    **{
        "4Q2": ("Y*q",),
        "Q24": ("*qY",),
        "Q5": ("*qY",),
        "2Q4": ("q*Y",),
        "Q22": ("*qy",),
        "2Q2": ("q*y", "y*q"),
    },
    **{"4W2": ("G*V",), "W24": ("*VG",), "4W22": ("G*Vu",), "4W3": ("G*Vu",)},
    **{"4M2": ("Y*m",), "M24": ("*mY",)},
}
_LETTERS = {
    **{"q": "Q", "m": "M"},
    **dict.fromkeys(("w", "kw", "cw", "wk", "week", "woche"), "W"),
}


class Reading(NamedTuple):
    """Texts read as times."""

    stamps: Stamps  # (N,) NaT where a text does not fit
    form: str
    since: int | None = None  # the first of the hundred years of two-digit years
    notes: tuple[str, ...] = ()


class UnclearError(DataError):
    """Several readings fit, and nothing decides."""


def candidates(sample: str) -> list[str]:
    """The formats that a text may have.

    Args:
        sample: one time, without a time zone.

    Example:
        >>> candidates("1/2/24 0:30"), candidates("Q1 2024")
        (['%d/%m/%y %H:%M', '%m/%d/%y %H:%M'], ['Q%q %Y'])
    """
    date, clock = _split_clock(sample)
    prefix = ""
    weekday = re.match(rf"({'|'.join(f'{d[:3]}(?:{d[3:]})?' for d in WEEKDAYS)})[ ,]+", date, re.I)
    if weekday:
        letter = "a" if len(weekday[1]) == 3 else "A"
        prefix = f"%{letter}{weekday[0][len(weekday[1]) :]}"
        date = date[weekday.end() :]
    forms = _date_forms(date)
    has_day = "d" in directives(forms[0]) or "u" in directives(forms[0]) if forms else False
    return [f"{prefix}{form}{clock}" for form in forms if has_day or not clock + prefix]


def _split_clock(sample: str) -> tuple[str, str]:
    """A text without its time of day, and the format of that."""
    compact = _COMPACT_CLOCK.search(sample)
    if compact:
        return sample[: compact.start()], "T%H%M%S" if compact[1] else "T%H%M"
    match = _CLOCK.search(sample)
    if not match or not (match["rest"] or match["half"] or match["gap"] == "T"):
        return sample, ""
    parts = (match["rest"] or "").count(":")
    form = ("%I" if match["half"] else "%H") + ":%M" * (parts > 0) + ":%S" * (parts > 1)
    fraction = (match["rest"] or "").partition(".")[2]
    form += {0: "", 3: ".%3f"}.get(len(fraction), ".%f")
    half = match["half"] or ""
    if half:
        form += half[:-2] + ("%p" if half.isupper() else "%~p")
    return sample[: match.start()], match["gap"] + form


def _date_forms(date: str) -> list[str]:
    tokens: list[str] = _TOKEN.findall(date)
    kinds = [_kind(token) for token in tokens]
    if "" in kinds:
        return []
    shape = "".join(kinds).replace("-", "")
    return [form for order in _SHAPES.get(shape, ()) for form in _form(tokens, kinds, order)]


def _kind(token: str) -> str:
    """What a part of a date is: a key of `_SHAPES`, "-" between such parts, "" for others."""
    if token.isascii() and token.isdigit():
        return _YEAR_OR_DIGITS.get(len(token), "")
    if token.isalpha():
        word = token.lower()
        is_month = word == "sept" or word in {name.lower() for name in MONTHS}
        is_month |= word in {name[:3].lower() for name in MONTHS}
        return "b" if is_month else _LETTERS.get(word, "")
    return "-" if _SEPARATOR.fullmatch(token) else ""


def _form(tokens: list[str], kinds: list[str], order: str) -> list[str]:
    """The format of a date whose parts are these directives in order; none if it cannot be."""
    letters = iter(order)
    parts: list[str] = []
    for token, kind in zip(tokens, kinds, strict=True):
        own = [] if kind == "-" else [next(letters) for _ in range(_DIRECTIVES_OF.get(kind, 1))]
        if "y" in own and len(token) != 2:
            return []
        if kind == "b":
            own = [_name_directive(token)]
        parts.append("".join(f"%{letter}" for letter in own) if own not in ([], ["*"]) else token)
    form = "".join(parts)
    if any(token.lower() == "may" for token in tokens):  # whole and short
        return [form, form.replace("b", "B")]
    return [form]


def _name_directive(name: str) -> str:
    """The directive that writes a month's name in its length and case."""
    is_whole = len(name) > 3 and name.lower() != "sept"
    case = "^" if name.isupper() else "~" if name.islower() else ""
    return f"{case}{'B' if is_whole else 'b'}"


def read_texts(
    texts: pd.Series[Any],
    rows: NDArray[np.int64],
    earlier: Codec | None,
    date_format: str | None = None,
) -> Reading:
    """Find the format of texts and read them.

    Args:
        texts: (N,) distinct texts, without time zones.
        rows: (R,) positions in `texts`, in the order of the table's rows.
        earlier: how earlier rows are written, if they are; decides where several readings fit.
        date_format: a format, or one of "day-first", "month-first" and "year-first".

    Returns:
        The reading; stamps are NaT where texts do not fit the format that most of them have. The
        format is empty where none has any.

    Raises:
        UnclearError: several readings fit, and nothing decides.
        OptionError: the format is not understood.
    """
    readings = _readings(texts, earlier, date_format)
    if not readings:
        return Reading(np.full(len(texts), np.datetime64("NaT"), "datetime64[us]"), "")
    fits = [int((~np.isnat(reading.stamps)).sum()) for reading in readings]
    best = [r for r, fit in zip(readings, fits, strict=True) if fit == max(fits)]
    best = [r for k, r in enumerate(best) if not any(_is_same(r, other) for other in best[:k])]
    if max(fits) < len(texts):
        return best[0]
    chosen = best[0] if len(best) == 1 else _decide(best, texts, earlier)
    _refuse_without_year(chosen, texts, rows)
    chosen = chosen._replace(form=_as_written(chosen.form, texts))
    if chosen.since is None or (earlier and "y" in directives(earlier.form)):
        return chosen
    years = pd.DatetimeIndex(chosen.stamps).year
    first, last = years.min(), years.max()
    note = f"times: two-digit years, taken as {first}" + (f" to {last}" if last > first else "")
    return chosen._replace(notes=(*chosen.notes, note))


def _is_same(one: Reading, other: Reading) -> bool:
    return bool(np.array_equal(one.stamps, other.stamps, equal_nan=True))


def _readings(
    texts: pd.Series[Any], earlier: Codec | None, date_format: str | None
) -> list[Reading]:
    samples = dict.fromkeys(str(texts.iloc[k]) for k in (0, len(texts) // 2, len(texts) - 1))
    forms = [form for sample in samples for form in candidates(sample)]
    if earlier and "%" in earlier.form:
        forms.insert(0, earlier.form)  # the first of readings that are alike counts
    forms = list(dict.fromkeys(forms))
    if date_format in ORDERS:
        forms = [form for form in forms if _has_order(form, ORDERS[date_format])] or forms
    elif date_format is not None:
        check_format(date_format)
        forms = [date_format]
    return [_read(texts, form, earlier) for form in forms]


def _has_order(form: str, order: str) -> bool:
    """Whether a format has two parts of the date in an order; also one that lacks either."""
    first, second = (_order(form).find(letter) for letter in order)
    return min(first, second) < 0 or first < second


def _read(texts: pd.Series[Any], form: str, earlier: Codec | None) -> Reading:
    if "y" not in directives(form):
        return Reading(parse_texts(texts, form), form)
    since = earlier.since if earlier else None
    if earlier and "y" in directives(earlier.form):
        since = since or POSIX_CENTURY
    if since is None:
        found = parse_texts(texts, form)
        years = pd.DatetimeIndex(found[~np.isnat(found)]).year.to_numpy() % 100
        since = first_of_hundred(years) if len(years) else POSIX_CENTURY
    return Reading(parse_texts(texts, form, since), form, since)


def first_of_hundred(years: NDArray[np.integer[Any]]) -> int:
    """The first of the hundred years that two digits stand for.

    The years of a table lie in one stretch, so they begin after the longest run of years that do
    not occur. The last of them is the latest one up to 2049. The hundred years leave three times
    as much room after the stretch as before it.

    Args:
        years: (N,) the two digits of each, at least one.

    Example:
        >>> first_of_hundred(np.array([60, 79])), first_of_hundred(np.array([99, 0, 1]))
        (1940, 1975)
    """
    distinct = np.unique(years)
    absent = np.diff(distinct, append=distinct[0] + 100)  # to the next one, around the circle
    at = int(absent.argmax())
    if absent.max() == absent.min():  # evenly spread: in the order of the rows
        at = int(np.searchsorted(distinct, years[0])) - 1
    last = int(distinct[at])
    last += LAST_YEAR // 100 * 100 - (100 if last > LAST_YEAR % 100 else 0)
    length = 100 - int(absent[at]) + 1
    return last - length + 1 - (100 - length) // 4


def _decide(readings: list[Reading], texts: pd.Series[Any], earlier: Codec | None) -> Reading:
    """The one of several readings of all texts that the evidence favours."""
    if earlier:
        alike = [r for r in readings if _order(r.form) == _order(earlier.form)]
        if alike:
            return alike[0]
    shares = [share_of_grid(reading.stamps) for reading in readings]
    second, best = sorted(shares)[-2:]
    if best >= 0.5 and best >= CLEAR_MARGIN * second:
        chosen = readings[shares.index(best)]
        note = (
            f"times: {_order_in_words(chosen.form)}, the only even spacing, as in {texts.iloc[0]}"
        )
        return chosen._replace(notes=(note,))
    left = _without_unlikely_years(readings)
    if "." in re.sub(r"%.", "", left[0].form.split(" ")[0]):
        return left[0]
    if len(left) == 1:
        order = _order_in_words(left[0].form)
        return left[0]._replace(notes=(f"times: {order}, as in {texts.iloc[0]}",))
    raise UnclearError(_choice(left[:2], texts))


def _without_unlikely_years(readings: list[Reading]) -> list[Reading]:
    """Leave out the readings that make a day the year, so that the times span many years.

    23-01-03, 23-01-04 are days of January 2023 rather than the 23rd of January in 2003 and 2004.
    """
    spans = [np.ptp(reading.stamps.astype(np.int64)) for reading in readings]
    near = [r for r, span in zip(readings, spans, strict=True) if span <= MAX_SPAN * min(spans)]
    return [r for r in near if not _order(r.form).startswith("ymd")] or near


def _order(form: str) -> str:
    """The order of day, month, quarter and year in a format: "dmy"."""
    kinds = {"d": "d", "m": "m", "b": "m", "B": "m", "q": "q", "y": "y", "Y": "y"}  # M: minutes
    return "".join(kinds.get(letter, "") for letter in directives(form))


def _choice(readings: list[Reading], texts: pd.Series[Any]) -> str:
    """Show two readings of the first text on which they differ, and how to choose."""
    one, other = readings
    row = int((one.stamps != other.stamps).argmax())  # 01/01/2024 is the same in both
    shown = [f"{pd.Timestamp(r.stamps[row]):%Y-%m-%d}" for r in readings]
    orders = [_order_in_words(r.form) for r in readings]
    options = [_option(r.form) for r in readings]
    return (
        f"'{texts.iloc[row]}' may be {orders[0]} ({shown[0]}) or {orders[1]} ({shown[1]}), and no "
        f"row settles which; say --date-format {options[0]} or --date-format {options[1]} "
        "(date_format= in Python)"
    )


def _option(form: str) -> str:
    for word, order in ORDERS.items():
        if _order(form).startswith(order):
            return word
    return f"'{form}'"


def _order_in_words(form: str) -> str:
    names = {"d": "day", "m": "month", "y": "year", "q": "quarter"}
    return "/".join(names[letter] for letter in _order(form))


def _refuse_without_year(reading: Reading, texts: pd.Series[Any], rows: NDArray[np.int64]) -> None:
    """Raise UnclearError where "Jan 01", "Jan 02" look like days without a year, not months."""
    if directives(reading.form) not in ("by", "yb", "By", "yB") or len(rows) < 3:
        return
    months = reading.stamps.astype("datetime64[M]").astype(np.int64)
    steps = np.diff(months[rows])
    if len(np.unique(months % 12)) > 1 and 2 * np.count_nonzero(steps == 12) > len(steps):
        raise UnclearError(
            f"'{texts.iloc[0]}' looks like a day and a month without a year; write dates as "
            "2024-01-31"
        )


def _as_written(form: str, texts: pd.Series[Any]) -> str:
    """The format with the marks that write numbers as the texts do, with zeros before or not."""
    some = texts.iloc[:: max(len(texts) // SHOWN_TEXTS, 1)]
    found = raw_fields(some, form)
    short = {letter: any(len(cell) == 1 for cell in cells) for letter, cells in found.items()}
    padded = {letter: any(cell[:1] == "0" for cell in cells) for letter, cells in found.items()}
    for group in ("md", "HI", "V"):
        is_short = any(short.get(letter, False) for letter in group)
        is_padded = any(padded.get(letter, False) and not short[letter] for letter in group)
        for letter in group:
            if is_short and (short.get(letter, False) or not is_padded):
                form = form.replace(f"%{letter}", f"%-{letter}")
    return form


def matches_a_format(texts: pd.Series[Any]) -> bool:
    """Whether most texts (N,), without time zones, are times of one format."""
    readings = _readings(texts, None, None)
    fits = [int((~np.isnat(reading.stamps)).sum()) for reading in readings]
    return 2 * max(fits, default=0) > len(texts)


def written_like(sample: str) -> str:
    """The format of a text that is written in ISO's order, so that it has only one."""
    return next(
        (
            form
            for form in candidates(sample)
            if format_times(pd.DatetimeIndex(parse_texts(pd.Series([sample]), form)), form)[0]
            == sample
        ),
        "",
    )
