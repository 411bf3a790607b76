"""The cells of a CSV file by PyArrow, which is the fastest way."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv

from forecast.data.io.csv_dialect import Dialect, UnlikeRowsError

KINDS = (
    ("empty", pa.types.is_null),
    ("whole", pa.types.is_integer),
    ("truth", pa.types.is_boolean),
    ("number", pa.types.is_floating),
    ("text", pa.types.is_string),
)


def parse(stream: BinaryIO, dialect: Dialect, encoding: str, multiline: bool) -> pa.Table:
    """Parse the rows.

    Args:
        stream: the file, at its beginning.
        dialect: how it is written.
        encoding: of its text.
        multiline: whether quoted cells may hold line ends.

    Returns:
        The columns, called by their positions.

    Raises:
        UnicodeDecodeError: the rows are not of that encoding.
        UnlikeRowsError: a row has more or fewer cells than the header.
    """
    names = [str(c) for c in range(len(dialect.header))]
    try:
        table = csv.read_csv(
            stream,
            csv.ReadOptions(
                encoding=encoding, skip_rows=dialect.first_line - 1, column_names=names
            ),
            csv.ParseOptions(
                delimiter=dialect.delimiter, newlines_in_values=multiline, ignore_empty_lines=False
            ),
            csv.ConvertOptions(
                decimal_point=dialect.decimal,
                column_types={names[c]: pa.string() for c in dialect.text_columns},
            ),
        )
    except pa.ArrowInvalid as error:
        raise UnlikeRowsError(" ".join(str(error).split())[:200]) from None
    if any(map(pa.types.is_binary, table.schema.types)):
        raise UnicodeDecodeError(encoding, b"", 0, 0, "a column is no text")
    return table


def kinds(table: pa.Table) -> list[str]:
    """The kind of each column."""
    return [
        next((name for name, is_kind in KINDS if is_kind(dtype)), "time")
        for dtype in table.schema.types
    ]


def without_padding(table: pa.Table) -> pa.Table:
    """The table without the spaces around text that all cells of a column have."""
    for c, kind in enumerate(kinds(table)):
        if kind != "text":
            continue
        column = table.column(c)
        empty = pc.equal(column, "")
        if any(
            pc.all(pc.or_(empty, is_padded(column, " "))).as_py()
            for is_padded in (pc.starts_with, pc.ends_with)
        ):
            table = table.set_column(c, table.schema.names[c], pc.utf8_trim(column, " "))
    return table


def blank_rows(table: pa.Table) -> NDArray[np.bool_]:
    """Which rows (N,) have no value at all."""
    blank = pa.chunked_array([np.ones(table.num_rows, dtype=bool)])
    for column in reversed(table.columns):
        empty = column.is_null()
        if pa.types.is_string(column.type):
            empty = pc.or_kleene(empty, pc.equal(column, ""))
        blank = pc.and_(blank, empty)
        if not pc.any(blank).as_py():
            break
    found: NDArray[np.bool_] = blank.to_numpy()
    return found


def to_pandas(table: pa.Table, rows: NDArray[np.int64] | None) -> pd.DataFrame:
    """Some rows, or all, as a table whose columns are called by their positions."""
    chosen = table if rows is None else table.take(rows)
    frame: pd.DataFrame = chosen.to_pandas(date_as_object=False, split_blocks=True)
    return frame
