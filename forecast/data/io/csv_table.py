"""A CSV file of any dialect as a table."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from forecast.data.column_names import is_id_name
from forecast.data.io.csv_dialect import Dialect, UnlikeRowsError, sniff, without_loose_spaces
from forecast.data.io.parquet import is_pyarrow_installed
from forecast.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


class CsvTable(NamedTuple):
    """The table of one file."""

    frame: pd.DataFrame
    first_line: int | None  # of the first row; None where rows are not lines
    delimiter: str = ""  # of a CSV file
    decimals: Mapping[str, str] = MappingProxyType({})  # of the columns whose numbers have one


class _Parsed(NamedTuple):
    """The cells of a file."""

    table: Any  # of the module that has parsed it
    are_lines: bool  # whether its rows are lines
    notes: tuple[str, ...] = ()


def cells_module() -> Any:
    """What parses cells: PyArrow where it is installed, or else the standard library."""
    if is_pyarrow_installed():
        from forecast.data.io import arrow_cells

        return arrow_cells
    from forecast.data.io import plain_cells

    return plain_cells


def read_csv(stream: BinaryIO, source: str, id: str | None, text: Collection[str]) -> CsvTable:
    """Read a CSV file.

    Args:
        stream: the file, at its beginning.
        source: what to call it in messages.
        id: name of the column of ids, if it is known.
        text: columns to be read as text, whatever they hold.

    Returns:
        The table.

    Raises:
        DataError: it is empty, binary, ragged, without a header, or in an unknown encoding.
    """
    cells = cells_module()
    stream = without_loose_spaces(stream)
    dialect = sniff(stream, source)
    named = {c for c, name in enumerate(dialect.header) if name in text}
    dialect = dialect._replace(text_columns=sorted({*dialect.text_columns} | named))
    parsed = _decoded(cells, stream, dialect, source)
    unsure = [
        c
        for c, (name, kind) in enumerate(
            zip(dialect.header, cells.kinds(parsed.table), strict=True)
        )
        if (kind == "number" and not dialect.has_decimals[c])
        or ((name == id or is_id_name(name)) and kind in ("number", "truth"))
    ]
    if unsure:  # 1.153 may be 1153, and an id 1.10 is not 1.1: the text of all cells decides
        dialect = dialect._replace(text_columns=sorted([*dialect.text_columns, *unsure]))
        parsed = _decoded(cells, stream, dialect, source)
    kinds = dict(enumerate(cells.kinds(parsed.table)))
    decimals = {
        name: dialect.decimal for c, name in enumerate(dialect.header) if kinds[c] == "number"
    }
    frame = _filled_rows(cells, cells.without_padding(parsed.table), source)
    kept = [c for c, name in enumerate(dialect.header) if name or kinds[c] != "empty"]
    frame = frame.iloc[:, kept].set_axis([dialect.header[c] for c in kept], axis=1)
    if dialect.notes or parsed.notes:
        frame.attrs["notes"] = [*dialect.notes, *parsed.notes]
    first_line = dialect.first_line if parsed.are_lines else None
    return CsvTable(frame, first_line, dialect.delimiter, decimals)


def _decoded(cells: Any, stream: BinaryIO, dialect: Dialect, source: str) -> _Parsed:
    """Parse CSV in its encoding."""
    parsed = _parse(cells, stream, dialect, "utf-8", source)
    if parsed is not None:
        return parsed
    parsed = _parse(cells, stream, dialect, "cp1252", source)
    if parsed is None:
        raise DataError(f"{source}: neither UTF-8 nor Windows-1252 text; save it as UTF-8")
    return parsed._replace(notes=(f"{source} is not UTF-8; it was read as Windows-1252",))


def _parse(
    cells: Any, stream: BinaryIO, dialect: Dialect, encoding: str, source: str
) -> _Parsed | None:
    """Parse CSV; None if the encoding does not fit."""
    for multiline in (dialect.multiline, True):
        stream.seek(0)
        try:
            return _Parsed(cells.parse(stream, dialect, encoding, multiline), not multiline)
        except UnicodeDecodeError:
            return None
        except UnlikeRowsError as error:
            problem = error
    stream.seek(0)
    raise _ragged(stream, dialect, source) or DataError(f"{source}: {problem}")


def _ragged(stream: BinaryIO, dialect: Dialect, source: str) -> DataError | None:
    """Find the first line with more or fewer cells than the header."""
    above = dialect.first_line - 1
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="")
    rows = csv.reader(itertools.islice(text, above, None), delimiter=dialect.delimiter)
    width = len(dialect.header)
    try:
        cells = next((len(row) for row in rows if row and len(row) != width), None)
    finally:
        text.detach()
    if cells is None:
        return None
    return DataError(
        f"{source}, line {above + rows.line_num}: found {cells} cells, where the header names "
        f"{width} columns; correct the line, or quote cells that hold a delimiter"
    )


def _filled_rows(cells: Any, table: Any, source: str) -> pd.DataFrame:
    """Leave blank lines out; the index still counts them."""
    import numpy as np
    import pandas as pd

    blank = cells.blank_rows(table)
    rows = np.flatnonzero(~blank)
    if not len(rows):
        raise DataError(f"{source}: a header and no rows; it needs some")
    are_all = len(rows) == len(blank)
    frame: pd.DataFrame = cells.to_pandas(table, None if are_all else rows)
    return frame if are_all else frame.set_axis(pd.Index(rows), axis=0)
