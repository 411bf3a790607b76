"""How a table is written, and when a careful reader may refuse it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from random import Random
from typing import Any

from fuzz import times
from fuzz.content import IDS, Content
from fuzz.numbers import AFTER, BEFORE, GROUPS, NEGATIVES, NumberStyle
from fuzz.times import STYLES, DateStyle

DELIMITERS = (",", ";", "\t", "|")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1252")
MISSING = ("", "NA", "NaN", "nan", "null", "-", "n/a", "#N/A", "?", "None")
NAMES = {  # of the id, the time and the target
    "default": ("unique_id", "ds", "y"),
    "shop": ("store", "date", "sales"),
    "sensor": ("sensor", "timestamp", "value"),
    "capital": ("ID", "Date", "Value"),
    "grid": ("meter", "time", "load"),
    "German": ("Filiale", "Datum", "Umsatz"),
    "spaced": ("shop name", "sale day", "amount sold"),
    "odd": ("a", "b", "c"),
    "accented": ("magasin", "journée", "quantité"),
}
USUAL = ("default", "shop", "sensor", "capital", "grid")
_NUMBERS = NumberStyle._fields
PLAIN_NUMBERS = NumberStyle()
FILES = ("csv", "csv.gz", "xlsx", "parquet")


@dataclass(frozen=True)
class Style:
    """How a table is written; by default so plainly that every reader gets it right."""

    date: str  # one of times.STYLES
    numbers: NumberStyle = PLAIN_NUMBERS
    file: str = "csv"
    native: bool = True  # numbers and times as such, where the file knows types
    layout: str = "long"
    names: str = "default"
    named: bool = True  # the reader is given the columns' roles
    delimiter: str = ","
    quoting: str = "minimal"
    encoding: str = "utf-8"
    newline: str = "\n"
    last_newline: bool = True
    comments: int = 0  # lines above the header that begin with #
    sep_line: bool = False
    title: bool = False
    blank_above: int = 0
    blank_within: bool = False
    last_delimiter: bool = False  # at the end of every line
    padded_header: bool = False
    padded_cells: bool = False
    row_numbers: bool = False
    missing: str = ""
    rows: str = "sorted"
    turned: bool = False  # columns in another order
    extra: str = ""  # columns besides: "number", "text"

    @property
    def is_text(self) -> bool:
        """Whether the file is of text."""
        return self.file.startswith("csv")

    @property
    def writes_text(self) -> bool:
        """Whether numbers and times are written as text."""
        return self.is_text or not self.native

    @property
    def dates(self) -> DateStyle:
        """How times are written."""
        return STYLES[self.date]


def choices(style: Style, frequency: str) -> dict[str, Any]:
    """The choices of a style that are not the plainest, by name; those of numbers by their own."""
    own, plain = (_flat(one) for one in (style, Style(date=times.plainest(frequency))))
    return {name: value for name, value in own.items() if value != plain[name]}


def _flat(style: Style) -> dict[str, Any]:
    numbers = style.numbers._asdict()
    return {**{k: v for k, v in asdict(style).items() if k != "numbers"}, **numbers}


def without(style: Style, names: Collection[str], frequency: str) -> Style:
    """The style with some of its choices made plain."""
    plain = Style(date=times.plainest(frequency))
    of_numbers = {name: getattr(plain.numbers, name) for name in names if name in _NUMBERS}
    others: dict[str, Any] = {name: getattr(plain, name) for name in names if name not in _NUMBERS}
    return replace(style, numbers=style.numbers._replace(**of_numbers), **others)


def draw(random: Random, content: Content) -> Style:
    """Make up a way to write a table, often with few choices; see `fits` for what goes together."""
    style = _wild(random)
    style = replace(style, date=_date(random, content.frequency))
    made = [*choices(style, content.frequency)]
    dropped = len(made) - random.choice((1, 2, 3, 4, 6, len(made)))
    return without(style, random.sample(made, max(dropped, 0)), content.frequency)


def _date(random: Random, frequency: str) -> str:
    return random.choice([name for name, one in STYLES.items() if frequency in one.frequencies])


def _wild(random: Random) -> Style:
    often = random.random
    decimal = ".,"[often() < 0.4]
    numbers = NumberStyle()
    if often() < 0.6:
        before = random.choice(BEFORE) if often() < 0.2 else ""
        after = random.choice(AFTER) if often() < 0.2 else ""
        numbers = NumberStyle(
            decimal=decimal,
            group=random.choice(GROUPS) if often() < 0.7 else "",
            before=before,
            after="" if before else after,  # dollars are neither euros nor kilowatt hours
            negative=random.choice(NEGATIVES),
            plus=often() < 0.05,
        )
    return Style(
        date="iso",
        numbers=numbers,
        file="csv" if often() < 0.88 else random.choice(FILES),
        native=often() < 0.5,
        layout="wide" if often() < 0.3 else "long",
        names=random.choice(list(NAMES)),
        named=often() < 0.5,
        delimiter=random.choice(DELIMITERS),
        quoting=random.choice(("minimal", "minimal", "none", "all")),
        encoding=random.choice(ENCODINGS) if often() < 0.4 else "utf-8",
        newline="\r\n" if often() < 0.3 else "\n",
        last_newline=often() < 0.8,
        comments=random.randint(1, 3) if often() < 0.08 else 0,
        sep_line=often() < 0.05,
        title=often() < 0.03,
        blank_above=random.randint(1, 2) if often() < 0.06 else 0,
        blank_within=often() < 0.05,
        last_delimiter=often() < 0.06,
        padded_header=often() < 0.07,
        padded_cells=often() < 0.07,
        row_numbers=often() < 0.06,
        missing=random.choice(MISSING) if often() < 0.5 else "",
        rows=random.choice(("sorted", "sorted", "shuffled", "reversed", "by time")),
        turned=often() < 0.3,
        extra=random.choice(("", "", "", "number", "text")),
    )


def fits(content: Content, style: Style) -> bool:
    """Whether a style can carry a content, so that a reader can know what is meant."""
    dates = style.dates
    return (
        content.frequency in dates.frequencies
        and style.numbers.decimal != style.numbers.group
        and _has_text(style)
        and _layout_fits(content, style)
        and _times_fit(content, dates)
        and (style.named or _roles_are_plain(content, style))
    )


def _has_text(style: Style) -> bool:
    """Whether what only text files have stands in one only."""
    above = style.comments or style.sep_line or style.title or style.blank_above
    around = style.last_delimiter or style.padded_header or style.padded_cells
    if style.sep_line and (style.comments or style.title or style.blank_above):
        return False  # spreadsheet programs look for it in the first line
    return style.is_text or not (above or around or style.blank_within or style.row_numbers)


def _layout_fits(content: Content, style: Style) -> bool:
    if style.layout == "long":
        return True
    ids = {series.id for series in content.series}
    return (
        len(content.series) > 1
        and not style.extra
        and not style.row_numbers
        and not ids & {"true", "True"}  # a table of two such columns would not be read by anyone
    )


def _times_fit(content: Content, dates: DateStyle) -> bool:
    seen = [time for series in content.series for time in content.times(series)]
    if dates.span == "W" and content.start.weekday():
        return False
    if dates is STYLES["yyyyww"] and max(time.isocalendar().week for time in seen) <= 12:
        return False  # just as well months
    if dates.short_year and not 1970 <= min(seen).year <= max(seen).year < 2026:
        return False
    return not (dates.whole == "count" and dates.span != "Y" and min(seen).year < 1990) or (
        content.frequency == "1"
    )


def _roles_are_plain(content: Content, style: Style) -> bool:
    """Whether names and cells say which column is the id, the time and the target."""
    if content.has_id and style.names != "default" and content.series[0].id == "50%":
        return False  # a number
    if style.names in USUAL:
        return not (content.has_id and style.extra == "text" and style.names != "default")
    if style.dates.whole or style.extra or style.row_numbers:
        return False
    is_number = content.series[0].id in (*IDS["numbers"], *IDS["versions"], *IDS["like powers"])
    names_series = is_number or content.series[0].id in (*IDS["long numbers"], *IDS["truths"])
    return not (content.has_id and names_series)


def may_be_refused(content: Content, style: Style) -> list[str]:
    """Why a careful reader may refuse a table; none where it is plain to anyone."""
    seen = [time for series in content.series for time in content.times(series)]
    reasons = {
        "a title above the header": style.title,
        "day and month can be exchanged": style.writes_text
        and times.could_be_exchanged(seen, style.dates),
        "more than one calendar writes such numbers": style.writes_text
        and style.dates.may_be_refused,
    }
    return [reason for reason, holds in reasons.items() if holds]
