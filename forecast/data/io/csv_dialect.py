"""The dialect of a CSV file: delimiter, header, decimal sign."""

from __future__ import annotations

import csv
import gzip
import io
import re
from typing import BinaryIO, NamedTuple

from forecast.data.number_style import read_cell
from forecast.errors import DataError

DELIMITERS = (";", "\t", "|", ",")  # the first that fits: commas also occur in numbers
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x19\x1c-\x1f]")
MISSING_TEXTS = ("NA", "N/A", "NaN", "nan", "NULL", "null")
SAMPLE_BYTES = 2**18
PROBES = 16  # pieces of a long file that are read besides the beginning
PROBE_BYTES = 2**14
LINES = 200  # from which the delimiter is inferred
ZERO_PADDED = re.compile(r"0\d+$|0\d\.\d{4}$")  # 007, or the month 01.2024
MONTH = re.compile(r"[12]\d{3}\.(0[1-9]|1[0-2])$")  # 2024.01
UTC_OFFSET = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d.*[+-]\d\d:?(\d\d)?$")
DATE = re.compile(r"\d{4}-\d\d(-\d\d)?\b")
NUMBER_OR_DATE = re.compile(r"[+-]?\d[\d.,:/ T+-]*$")
NAMED_DELIMITER = re.compile(r"[\ufeff\"']*sep=(.)[\"']*\s*$", re.IGNORECASE)
COMMENT = "#"
NAMING_COMMENT = re.compile(r"^#\s*(?=[^\W\d])")  # before a name such as date, but not in #5


class UnlikeRowsError(ValueError):
    """The rows of a CSV file cannot be parsed: one has more or fewer cells than the header."""


class Dialect(NamedTuple):
    """How a CSV file is written.

    Attributes:
        delimiter: between cells.
        header: names of the columns, without white space around them; "" for one without.
        first_line: the number of the first row's line, counted from 1.
        multiline: whether quoted cells hold line ends.
        decimal: the decimal sign by which numbers are parsed.
        text_columns: positions of those that lose something unless read as text, such as 007.
        has_decimals: whether numbers of each column have shown the decimal sign.
        notes: on lines above the header, for people.
    """

    delimiter: str
    header: list[str]
    first_line: int
    multiline: bool
    decimal: str
    text_columns: list[int]
    has_decimals: list[bool]
    notes: tuple[str, ...] = ()


class _Preamble(NamedTuple):
    """What stands above the header of a CSV file."""

    lines: int
    delimiter: str | None = None  # that a line such as "sep=;" names
    skipped: tuple[str, ...] = ()  # lines that are not blank


def sniff(stream: BinaryIO, source: str) -> Dialect:
    """Infer the dialect of a CSV file from its beginning and from lines spread over it.

    Args:
        stream: the file, at its beginning.
        source: what to call it in messages.

    Returns:
        The dialect.

    Raises:
        DataError: the file is empty, binary, without a header, or begins with a title.
    """
    sample = stream.read(SAMPLE_BYTES) + stream.readline()
    lines = _lines(sample)
    if not sample.strip(b"\xef\xbb\xbf\r\n\t "):  # half a byte order mark too
        raise DataError(f"{source}: empty; it needs a header line and rows")
    if CONTROL.search(sample):
        raise DataError(f"{source}: binary, not a table; give a CSV, Parquet or Excel file")
    preamble = _preamble(lines)
    lines = lines[preamble.lines :]
    place = f"{source}, line {preamble.lines + 1}"
    if not lines:
        raise DataError(f"{source}: comments alone; it needs a header line and rows")
    delimiter = preamble.delimiter or _delimiter(lines[:LINES])
    reader = csv.reader(lines, delimiter=delimiter)
    header = [name.strip() for name in next(reader)]
    first_line = preamble.lines + reader.line_num + 1
    rows = [row for row in reader if row]
    if not rows and len(sample) < SAMPLE_BYTES:
        raise DataError(f"{source}: a header and no rows; it needs some")
    _refuse_title(header, rows, place, lines[0])
    if is_data(header, rows[0] if rows else []):
        line = lines[0].strip()[:80]
        raise DataError(f"{place}: {line!r}, where a header should name the columns")
    header[0] = NAMING_COMMENT.sub("", header[0])
    header = _with_margins(header, rows)
    for probe in _probes(stream, len(sample)):
        rows += csv.reader(_lines(probe), delimiter=delimiter)
    rows = [row for row in rows if len(row) == len(header)]
    cells = [{row[c].strip() for row in rows} for c in range(len(header))]
    signs = [{number.sure_decimal for number in map(read_cell, column)} for column in cells]
    has_commas = any("," in own and "." not in own for own in signs)
    decimal = "," if delimiter != "," and has_commas else "."
    return Dialect(
        delimiter=delimiter,
        header=header,
        first_line=first_line,
        multiline=any("\n" in cell for row in rows for cell in row),
        decimal=decimal,
        text_columns=[c for c, column in enumerate(cells) if _is_text(column)],
        has_decimals=[decimal in own for own in signs],
        notes=_notes(preamble, source),
    )


def without_loose_spaces(stream: BinaryIO) -> BinaryIO:
    """The file, or a copy with tabs between its cells where these are parted, or quoted, by spaces.

    Args:
        stream: the file, at its beginning, where it is left.
    """
    lines = _lines(stream.read(SAMPLE_BYTES) + stream.readline())
    stream.seek(0)
    preamble = _preamble(lines)
    lines = lines[preamble.lines :][:LINES]
    if not lines:
        return stream
    delimiter = preamble.delimiter or _delimiter(lines)
    if preamble.delimiter is None and _are_parted_by_spaces(lines, delimiter):
        delimiter = " "
    elif not any(re.search(rf'(^|{re.escape(delimiter)}) +"', line) for line in lines):
        return stream
    text = io.StringIO(_decode(stream.read()), newline="")
    copy = io.StringIO(newline="")
    writer = csv.writer(copy, delimiter="\t", lineterminator="\n")
    for row in csv.reader(text, delimiter=delimiter, skipinitialspace=True):
        writer.writerow(row if row[-1:] != [""] or delimiter != " " else row[:-1])
    return io.BytesIO(copy.getvalue().encode())


def _are_parted_by_spaces(lines: list[str], delimiter: str) -> bool:
    """Whether no delimiter splits lines, but spaces split each into as many cells."""
    if any(delimiter in line for line in lines):
        return False
    widths = [len(line.split()) for line in lines if line.strip()]
    return len(widths) > 1 and len({*widths[1:]}) == 1 and 1 < widths[1] <= widths[0] + 1


def _preamble(lines: list[str]) -> _Preamble:
    """The blank lines, comments and "sep=;" above the header."""
    delimiter: str | None = None
    skipped: list[str] = []
    for number, line in enumerate(lines):
        named = NAMED_DELIMITER.match(line)
        if named and not skipped:
            delimiter = named[1]
        elif line.strip() and not (line.startswith(COMMENT) and not _names_columns(lines, number)):
            return _Preamble(number, delimiter, tuple(skipped))
        if line.strip():
            skipped.append(line.strip())
    return _Preamble(len(lines), delimiter, tuple(skipped))


def _names_columns(lines: list[str], number: int) -> bool:
    """Whether a comment is the header: it has as many cells as the row below it."""
    below = next((line for line in lines[number + 1 :] if line.strip()), "")
    if below.startswith(COMMENT) or not below:
        return False
    delimiter = _delimiter([lines[number], below])
    header, row = csv.reader([lines[number], below], delimiter=delimiter)
    filled = [cell.strip() for cell in row if cell.strip()]
    return len(header) == len(row) > 1 and bool(filled) and all(map(NUMBER_OR_DATE.match, filled))


def _notes(preamble: _Preamble, source: str) -> tuple[str, ...]:
    if not preamble.skipped:
        return ()
    count, first = len(preamble.skipped), preamble.skipped[0][:40]
    lines = f"{count} lines" if count > 1 else "a line"
    return (f"{source}: skipped {lines} above the header ({first})",)


def _delimiter(lines: list[str]) -> str:
    """Find the delimiter that splits most lines, the header among them, into as many cells."""

    def score(delimiter: str) -> tuple[bool, bool, float]:
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        except csv.Error:  # cells would be longer than a reader takes
            return False, False, 0.0
        usual = max({*widths}, key=widths.count)
        return widths[0] > 1, usual > 1, widths.count(usual) / len(widths)

    return max(DELIMITERS, key=score)


def _refuse_title(header: list[str], rows: list[list[str]], place: str, line: str) -> None:
    """Raise DataError where a title stands above the header, as a line with fewer cells."""
    width = _usual_width(rows)
    table = next((row for row in rows if len(row) == width and all(row)), [])
    filled = sum(name != "" for name in header)
    is_title = len(header) < width or filled == 1 < len(header)
    if not is_title or not table or any(NUMBER_OR_DATE.match(cell.strip()) for cell in table):
        return
    names = ", ".join(table)[:60]
    raise DataError(
        f"{place}: {line.strip()[:60]!r} stands above the table, whose header seems to be "
        f"{names!r}; remove all lines above that one"
    )


def _usual_width(rows: list[list[str]]) -> int:
    """The most common number of cells of the first rows."""
    widths = [len(row) for row in rows[:LINES]]
    return max({*widths}, key=widths.count, default=0)


def _with_margins(header: list[str], rows: list[list[str]]) -> list[str]:
    """The header with "" for a column that it leaves out: row numbers as of R, or an empty one.

    Args:
        header: names.
        rows: each may begin with its number, or end with the delimiter.
    """
    width = len(header) + 1
    if _usual_width(rows) != width:
        return header
    wide = [row for row in rows[:LINES] if len(row) == width]
    if not any(row[-1].strip() for row in wide):
        return [*header, ""]
    are_numbered = all(row[0].strip() == str(k) for k, row in enumerate(wide, 1))
    return ["", *header] if are_numbered else header


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
    filled = cells - {""}
    only_missing = bool(filled) and filled <= {*MISSING_TEXTS}
    are_months = bool(filled) and all(MONTH.match(cell) for cell in filled)
    is_lossy = any(ZERO_PADDED.match(cell) or UTC_OFFSET.match(cell) for cell in cells)
    return only_missing or are_months or is_lossy


def _probes(stream: BinaryIO, begin: int) -> list[bytes]:
    """Read whole lines spread over a file: ids may be padded with zeros only far inside."""
    if isinstance(stream, gzip.GzipFile):
        return []
    room = max(stream.seek(0, io.SEEK_END) - begin - PROBE_BYTES, 0)
    probes = []
    for n in range(PROBES if begin >= SAMPLE_BYTES else 0):
        stream.seek(begin + room * n // (PROBES - 1))
        stream.readline()
        probes.append(stream.read(PROBE_BYTES) + stream.readline())
    return probes


def _lines(data: bytes) -> list[str]:
    return list(io.StringIO(_decode(data), newline=""))  # splitlines would cut at more signs


def _decode(data: bytes) -> str:
    """Whole lines as text."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")  # which leaves five bytes undefined
