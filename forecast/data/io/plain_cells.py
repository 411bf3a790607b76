"""The cells of a CSV file without PyArrow, by the standard library and NumPy.

It finds what `arrow_cells` finds, more slowly: a column has the first of PyArrow's types that fits
all its cells. A test compares the two.
"""

from __future__ import annotations

import csv
import io
import re
from array import array
from datetime import time
from itertools import islice
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data.io.csv_dialect import Dialect, UnlikeRowsError

NO_NUMBERS = ("-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "NaN", "nan")
NO_VALUES = ("", "#N/A", "#N/A N/A", "#NA", "N/A", "NA", "NULL", "n/a", "null")
MISSING = frozenset((*NO_NUMBERS, *NO_VALUES))
TRUTH = dict.fromkeys(("1", "true", "True", "TRUE"), True)
TRUTH |= dict.fromkeys(("0", "false", "False", "FALSE"), False)
CHUNK = 10_000  # rows that are taken apart together
SPACES = " \t"  # around a number, a day or a time of day
LINE_END = re.compile(rb"\r\n|\r|\n")
WHOLE = re.compile(r"-?0*[0-9]{1,19}")  # no more digits fit into 64 bits
USUAL_LENGTH = 20  # of a whole number, at most, without zeros before it
LEADING_ZEROS = re.compile(r"(?<![0-9])0+(?=[0-9])")
HEXADECIMAL = re.compile(r"0[xX][0-9a-fA-F]{1,15}")
NUMBER = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf(?:inity)?|nan(?:\([0-9A-Z_]*\))?)",
    re.IGNORECASE,
)
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
CLOCK = re.compile(r"[0-9]{2}:[0-9]{2}(?::[0-9]{2})?")
MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[ T]([0-9]{2}(?::[0-9]{2}(?::[0-9]{2}(\.[0-9]{1,9})?)?)?)"
    r"(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
NOTHING = np.datetime64("NaT")


class Column(NamedTuple):
    """A column of one type."""

    kind: str  # "empty", "whole", "truth", "time", "number" or "text"
    values: NDArray[Any]  # (N,) anything where there is none
    is_missing: NDArray[np.bool_]  # (N,)
    zone: str | None = None  # of times

    def take(self, rows: NDArray[np.int64]) -> Column:
        """Some rows of it."""
        return self._replace(values=self.values[rows], is_missing=self.is_missing[rows])


class _Places(dict[str, int]):
    """The distinct cells of a column, numbered as they come."""

    def __missing__(self, text: str) -> int:
        """The number of a new cell."""
        self[text] = place = len(self)
        return place


Values = tuple[str, NDArray[Any], str | None]  # the kind, the values that are there, the zone


def parse(stream: BinaryIO, dialect: Dialect, encoding: str, multiline: bool) -> list[Column]:
    """Parse the rows.

    Args:
        stream: the file, at its beginning.
        dialect: how it is written.
        encoding: of its text.
        multiline: whether quoted cells may hold line ends; they may here in any case.

    Returns:
        The columns.

    Raises:
        UnicodeDecodeError: the rows are not of that encoding.
        UnlikeRowsError: a row has more or fewer cells than the header.
    """
    del multiline
    distinct = [_Places() for _ in dialect.header]
    codes = [array("q") for _ in dialect.header]
    width = len(distinct)
    blank = [""] * width
    reader = csv.reader(_text_of(stream, dialect, encoding), delimiter=dialect.delimiter)
    while rows := [row or blank for row in islice(reader, CHUNK)]:
        unlike = next((row for row in rows if len(row) != width), None)
        if unlike is not None:
            raise UnlikeRowsError(f"{len(unlike)} cells instead of {width}")
        for places, column, cells in zip(distinct, codes, zip(*rows, strict=True), strict=True):
            column.extend(map(places.__getitem__, cells))
    return [
        _text(list(places)).take(column)
        if c in dialect.text_columns
        else _inferred(list(places), dialect.decimal).take(column)
        for c, (places, column) in enumerate(zip(distinct, map(np.array, codes), strict=True))
    ]


def _text_of(stream: BinaryIO, dialect: Dialect, encoding: str) -> io.StringIO:
    """The text from the first row on."""
    data = stream.read()
    begin = 0
    for _ in range(dialect.first_line - 1):
        end = LINE_END.search(data, begin)
        begin = end.end() if end else len(data)
    return io.StringIO(data[begin:].decode(encoding), newline="")


def _text(texts: list[str]) -> Column:
    return Column("text", np.array(texts, dtype=object), np.zeros(len(texts), dtype=bool))


def _inferred(texts: list[str], decimal: str) -> Column:
    """A column of the first type that fits all cells (N,)."""
    is_missing = np.array([text in MISSING for text in texts], dtype=bool)
    filled = [text for text in texts if text not in MISSING]
    if not filled:
        return Column("empty", np.full(len(texts), None, dtype=object), is_missing)
    bare = [text.strip(SPACES) for text in filled]
    found = (
        _whole(bare)
        or _truth(filled)
        or _days(bare)
        or _clock(bare)
        or _moments(filled)
        or _numbers(bare, decimal)
    )
    if found is None:
        return _text(texts)
    kind, read, zone = found
    values = np.zeros(len(texts), dtype=read.dtype)
    values[~is_missing] = read
    return Column(kind, values, is_missing, zone)


def _whole(cells: list[str]) -> Values | None:
    if all(map(WHOLE.fullmatch, cells)):
        numbers = [_integer(cell) for cell in cells]
    elif all(WHOLE.fullmatch(cell) or HEXADECIMAL.fullmatch(cell) for cell in cells):
        numbers = [int(c, 16) if HEXADECIMAL.fullmatch(c) else _integer(c) for c in cells]
    else:
        return None
    try:
        return "whole", np.array(numbers, dtype=np.int64), None
    except OverflowError:
        return None


def _integer(cell: str) -> int:
    """The number; Python takes 4,300 digits at most, zeros before the first one included."""
    return int(cell if len(cell) <= USUAL_LENGTH else LEADING_ZEROS.sub("", cell))


def _truth(cells: list[str]) -> Values | None:
    if not all(cell in TRUTH for cell in cells):
        return None
    return "truth", np.array([TRUTH[cell] for cell in cells], dtype=bool), None


def _days(cells: list[str]) -> Values | None:
    if not all(map(DAY.fullmatch, cells)):
        return None
    days = _stamps(cells, "ms")
    return None if days is None else ("time", days, None)


def _clock(cells: list[str]) -> Values | None:
    if not all(map(CLOCK.fullmatch, cells)):
        return None
    try:
        return "clock", np.array([time.fromisoformat(cell) for cell in cells], dtype=object), None
    except ValueError:  # 24:00
        return None


def _moments(cells: list[str]) -> Values | None:
    """Dates with a time of day, all with an offset from UTC or none."""
    first = MOMENT.fullmatch(cells[0])  # soon found out, for the many columns of text
    if first is None:
        return None
    parts = [match.groups() for match in map(MOMENT.fullmatch, cells) if match]
    zones = [zone for _, _, _, zone in parts if zone]
    if len(parts) < len(cells) or len(zones) not in (0, len(cells)):
        return None
    unit = "ns" if any(fraction for _, _, fraction, _ in parts) else "s"
    stamps = _stamps([f"{day}T{clock or '00'}" for day, clock, _, _ in parts], unit)
    if stamps is None:
        return None
    if zones:
        stamps -= np.array([_offset(zone) for zone in zones], dtype="timedelta64[m]")
    return "time", stamps, "UTC" if zones else None


def _stamps(cells: list[str], unit: str) -> NDArray[np.datetime64] | None:
    """Times of ISO 8601; None where one does not exist, or is outside of what the unit counts."""
    try:
        days = np.array([cell[:10] for cell in cells], dtype="datetime64[D]")
        stamps = np.array(cells, dtype=f"datetime64[{unit}]")
    except ValueError:
        return None
    return stamps if np.array_equal(stamps.astype("datetime64[D]"), days) else None


def _offset(zone: str) -> int:
    """Minutes from UTC of "Z", "+02", "+0200" or "-02:00"."""
    digits = zone[1:].replace(":", "")
    minutes = 60 * int(digits[:2] or 0) + int(digits[2:] or 0)
    return -minutes if zone[0] == "-" else minutes


def _numbers(cells: list[str], decimal: str) -> Values | None:
    if decimal != ".":
        if any("." in cell for cell in cells):
            return None
        cells = [cell.replace(decimal, ".") for cell in cells]
    if not all(map(NUMBER.fullmatch, cells)):
        return None
    return "number", np.array([float(cell.partition("(")[0]) for cell in cells]), None


def kinds(columns: list[Column]) -> list[str]:
    """The kind of each column."""
    return [column.kind for column in columns]


def without_padding(columns: list[Column]) -> list[Column]:
    """The columns without the spaces around text that all cells of one have."""
    return [_without_padding(column) if column.kind == "text" else column for column in columns]


def _without_padding(column: Column) -> Column:
    texts = column.values.tolist()
    for is_padded in (str.startswith, str.endswith):
        if all(is_padded(text, " ") for text in texts if text):
            trimmed = np.array([text.strip(" ") for text in texts], dtype=object)
            return column._replace(values=trimmed)
    return column


def blank_rows(columns: list[Column]) -> NDArray[np.bool_]:
    """Which rows (N,) have no value at all."""
    blank = np.ones(len(columns[0].values), dtype=bool)
    for column in columns:
        blank &= column.values == "" if column.kind == "text" else column.is_missing
    return blank


def to_pandas(columns: list[Column], rows: NDArray[np.int64] | None) -> pd.DataFrame:
    """Some rows, or all, as a table whose columns are called by their positions."""
    if rows is not None:
        columns = [column.take(rows) for column in columns]
    return pd.DataFrame({c: _series(column) for c, column in enumerate(columns)})


def _series(column: Column) -> pd.Series[Any]:
    """A column in the dtype that PyArrow would choose."""
    if column.kind == "text":
        return pd.Series(column.values, dtype="str")
    values, is_missing = column.values, column.is_missing
    if column.kind == "time":
        times = pd.DatetimeIndex(np.where(is_missing, NOTHING.astype(values.dtype), values))
        return pd.Series(times.tz_localize(column.zone))
    if not is_missing.any():
        return pd.Series(values)
    is_number = column.kind in ("whole", "number")
    filled = values.astype(np.float64 if is_number else object)
    filled[is_missing] = np.nan if is_number else None
    return pd.Series(filled, dtype=filled.dtype)
