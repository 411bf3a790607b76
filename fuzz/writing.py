"""The bytes of a table, made without the package."""

from __future__ import annotations

import gzip
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

from fuzz import numbers
from fuzz.content import Content, Series, Value
from fuzz.style import NAMES, Style
from fuzz.times import BERLIN, INDIA

COMMENTS = ("# exported 2024-05-01", "# unit: kWh", "# source: office, town; all")
TITLE = "Monthly report of the office"
WEATHER = ("sun", "rain", "snow", "fog")


@dataclass(frozen=True)
class Written:
    """A table on paper: what stands in its cells."""

    id: str | None  # names of its columns
    time: str
    target: str | None  # None: a column per series
    header: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]  # text, or numbers and times where a file knows types


def lay_out(content: Content, style: Style) -> Written:
    """Put a content into rows and columns."""
    random = Random(content.seed)
    id_name, time_name, target_name = NAMES[style.names]
    columns: dict[str, list[Any]]
    if style.layout == "wide":
        columns = _wide(content, style, time_name)
    else:
        columns = _long(content, style, random)
    size = len(next(iter(columns.values())))
    if style.row_numbers:
        columns = {"": [str(n) for n in range(size)], **columns}
    order = list(columns)
    if style.turned:
        fixed = 1 if style.row_numbers else 0
        rest = order[fixed:]
        random.shuffle(rest)
        order[fixed:] = rest
    rows = tuple(tuple(columns[name][k] for name in order) for k in _order(size, style, random))
    is_wide = style.layout == "wide"
    has_id = content.has_id and not is_wide
    target = None if is_wide else target_name
    return Written(id_name if has_id else None, time_name, target, tuple(order), rows)


def _long(content: Content, style: Style, random: Random) -> dict[str, list[Any]]:
    id_name, time_name, target_name = NAMES[style.names]
    rows = [
        (time, series.id, series.values[k])
        for series in content.series
        for k, time in enumerate(content.times(series))
        if k not in series.left_out
    ]
    if style.rows == "by time":
        rows.sort(key=lambda row: row[0])
    columns: dict[str, list[Any]] = {id_name: [row[1] for row in rows]} if content.has_id else {}
    columns[time_name] = [_time(row[0], style) for row in rows]
    columns[target_name] = [_number(row[2], style) for row in rows]
    if style.extra == "number":
        columns["temperature"] = [random.randint(-9, 30) for _ in rows]
    if style.extra == "text":
        columns["weather"] = [random.choice(WEATHER) for _ in rows]
    return columns


def _wide(content: Content, style: Style, time_name: str) -> dict[str, list[Any]]:
    cells: dict[datetime, dict[str, Value]] = {}
    for series in content.series:
        for k, time in enumerate(content.times(series)):
            if k not in series.left_out:
                cells.setdefault(time, {})[series.id] = series.values[k]
    times = sorted(cells)
    columns: dict[str, list[Any]] = {time_name: [_time(time, style) for time in times]}
    for series in content.series:
        columns[series.id] = [_number(cells[time].get(series.id), style) for time in times]
    return columns


def _order(size: int, style: Style, random: Random) -> Sequence[int]:
    places = list(range(size))
    if style.rows == "shuffled":
        random.shuffle(places)
    return places[::-1] if style.rows == "reversed" else places


def _time(time: datetime, style: Style) -> Any:
    if style.writes_text:
        return style.dates.write(time)
    if style.dates.whole:
        return int(style.dates.write(time))
    zones = {"iso +05:30": INDIA, "iso of Berlin": BERLIN, "iso Z": UTC, "iso UTC": UTC}
    if style.file == "parquet" and style.date in zones:
        return time.replace(tzinfo=UTC).astimezone(zones[style.date])
    return time


def _number(value: Value, style: Style) -> Any:
    if style.writes_text:
        return style.missing if value is None else numbers.write(value, style.numbers)
    return None if value is None else float(value)


def bodies(series: Sequence[Series], style: Style) -> list[str]:
    """The digits of a column of numbers, as they stand in its cells."""
    return [
        numbers.body(value, style.numbers)
        for one in series
        for k, value in enumerate(one.values)
        if value is not None and k not in one.left_out
    ]


def to_bytes(written: Written, style: Style) -> bytes | None:
    """The file; None where its cells cannot be written in this style."""
    if style.file == "xlsx":
        return _workbook(written)
    if style.file == "parquet":
        return _parquet(written)
    text = _csv(written, style)
    if text is None:
        return None
    try:
        data = text.encode(style.encoding)
    except UnicodeEncodeError:
        return None
    return gzip.compress(data, 1, mtime=0) if style.file == "csv.gz" else data


def _csv(written: Written, style: Style) -> str | None:
    delimiter = style.delimiter
    around = "" if not style.padded_header else " "
    header = [f"{around if k else ''}{name}{around}" for k, name in enumerate(written.header)]
    table: list[list[str]] = [header]
    table += [[str(cell) for cell in row] for row in written.rows]
    if style.padded_cells:
        table[1:] = [[f" {cell} " for cell in row] for row in table[1:]]
    if style.quoting == "none" and any(
        delimiter in cell or '"' in cell for row in table for cell in row
    ):
        return None
    end = delimiter if style.last_delimiter else ""
    lines = [delimiter.join(_quoted(cell, style) for cell in row) + end for row in table]
    if any(not line.strip() for line in lines):
        return None
    if style.blank_within:
        lines[len(lines) // 2 : len(lines) // 2] = [""]
    above = [f"sep={delimiter}"] * style.sep_line + [TITLE] * style.title
    above += [*COMMENTS[: style.comments], *[""] * style.blank_above]
    text = style.newline.join([*above, *lines])
    return text + style.newline if style.last_newline else text


def _quoted(cell: str, style: Style) -> str:
    needs = style.delimiter in cell or '"' in cell
    if style.quoting == "all" or (style.quoting == "minimal" and needs):
        escaped = cell.replace('"', '""')
        return f'"{escaped}"'
    return cell


def _workbook(written: Written) -> bytes:
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("table")
    for row in (written.header, *written.rows):
        sheet.append([None if cell == "" else cell for cell in row])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _parquet(written: Written) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = zip(*written.rows, strict=True)
    table = pa.table([pa.array(column) for column in columns], names=list(written.header))
    stream = io.BytesIO()
    pq.write_table(table, stream)
    return stream.getvalue()
