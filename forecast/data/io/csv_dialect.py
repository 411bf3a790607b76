"""The dialect of a CSV file: delimiter, header, decimal sign."""

from __future__ import annotations

import csv
import gzip
import io
import re
from typing import BinaryIO, NamedTuple

from forecast.errors import DataError

DELIMITERS = (";", "\t", "|", ",")  # the first that fits: commas also occur in numbers
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x19\x1c-\x1f]")
MISSING_TEXTS = ("NA", "N/A", "NaN", "nan", "NULL", "null")
SAMPLE_BYTES = 2**18
PROBES = 16  # pieces of a long file that are read besides the beginning
PROBE_BYTES = 2**14
ZERO_PADDED = re.compile(r"0\d+$")
UTC_OFFSET = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d.*[+-]\d\d:?(\d\d)?$")
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+$")
DECIMAL_POINT = re.compile(r"[+-]?\d+\.\d+$")
DATE = re.compile(r"\d{4}-\d\d(-\d\d)?\b")
NUMBER_OR_DATE = re.compile(r"[+-]?\d[\d.,:/ T+-]*$")


class Dialect(NamedTuple):
    """How a CSV file is written."""

    delimiter: str
    header: list[str]
    blank_lines: int  # before the header
    multiline: bool  # quoted cells hold line ends
    decimal: str
    text_columns: list[str]  # numbers and times that lose something unless read as text


def sniff(stream: BinaryIO, source: str) -> Dialect:
    """Infer the dialect of a CSV file from its beginning and from lines spread over it.

    Args:
        stream: the file, at its beginning.
        source: what to call it in messages.

    Returns:
        The dialect.

    Raises:
        DataError: the file is empty, binary or without a header.
    """
    sample = stream.read(SAMPLE_BYTES) + stream.readline()
    lines = _lines(sample)
    blank = next((n for n, line in enumerate(lines) if line.strip()), None)
    if blank is None or not sample.strip(b"\xef\xbb\xbf\r\n\t "):  # half a byte order mark too
        raise DataError(f"{source}: empty; it needs a header line and rows")
    if CONTROL.search(sample):
        raise DataError(f"{source}: binary, not a table; give a CSV, Parquet or Excel file")
    lines = lines[blank:]
    delimiter = _delimiter(lines[:200])
    header, *rows = csv.reader(lines, delimiter=delimiter)
    if not rows and len(sample) < SAMPLE_BYTES:
        raise DataError(f"{source}: a header and no rows; it needs some")
    if is_data(header, rows[0] if rows else []):
        line = lines[0].strip()[:80]
        raise DataError(
            f"{source}, line {blank + 1}: {line!r}, where a header should name the columns"
        )
    for probe in _probes(stream, len(sample)):
        rows += csv.reader(_lines(probe)[1:], delimiter=delimiter)
    rows = [row for row in rows if len(row) == len(header)]
    multiline = any("\n" in cell for row in rows for cell in row)
    cells = [{row[c].strip() for row in rows} for c in range(len(header))]
    comma = delimiter != "," and any(_all_decimal_commas(column) for column in cells)
    text = [name for name, column in zip(header, cells, strict=True) if _is_text(column)]
    return Dialect(delimiter, header, blank, multiline, "," if comma else ".", text)


def _delimiter(lines: list[str]) -> str:
    """Find the delimiter that splits most lines into as many cells as the header."""

    def score(delimiter: str) -> tuple[bool, float]:
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        except csv.Error:  # cells would be longer than a reader takes
            return False, 0.0
        return widths[0] > 1, sum(width == widths[0] for width in widths) / len(widths)

    return max(DELIMITERS, key=score)


def is_data(header: list[str], row: list[str]) -> bool:
    """Whether the first line is a row: all numbers and dates, or a date above a date.

    Args:
        header: cells of the first line.
        row: those of the line below.
    """
    pairs = zip(header, row, strict=False)
    dates = any(DATE.match(above) and DATE.match(below) for above, below in pairs)
    return dates or all(NUMBER_OR_DATE.match(cell.strip()) for cell in header)


def _is_text(cells: set[str]) -> bool:
    """Whether cells would lose information unless read as text: 007, a UTC offset, an id NA."""
    only_missing = cells != {""} and cells <= {"", *MISSING_TEXTS}
    return only_missing or any(ZERO_PADDED.match(c) or UTC_OFFSET.match(c) for c in cells)


def _all_decimal_commas(cells: set[str]) -> bool:
    commas = any(DECIMAL_COMMA.match(cell) for cell in cells)
    return commas and not any(DECIMAL_POINT.match(cell) for cell in cells)


def _probes(stream: BinaryIO, begin: int) -> list[bytes]:
    """Read pieces spread over a file: ids may be padded with zeros only far inside."""
    if isinstance(stream, gzip.GzipFile):
        return []
    room = max(stream.seek(0, io.SEEK_END) - begin - PROBE_BYTES, 0)
    probes = []
    for n in range(PROBES if begin >= SAMPLE_BYTES else 0):
        stream.seek(begin + room * n // (PROBES - 1))
        probes.append(stream.read(PROBE_BYTES))
    return probes


def _lines(data: bytes) -> list[str]:
    return list(io.StringIO(_decode(data), newline=""))  # splitlines would cut at more signs


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        cut_off = error.start > len(data) - 4 or error.start < 4
        return data.decode("utf-8-sig" if cut_off else "cp1252", errors="replace")
