"""Files to tables and back: CSV of any common kind, gzipped or not, Parquet and Excel."""

from __future__ import annotations

import csv
import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

from forecast.dialect import Dialect, sniff
from forecast.errors import DataError
from forecast.excel import read_excel, write_excel
from forecast.files import replace_file

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class Table(NamedTuple):
    """A table and where it came from, as `to_panel` needs it for its messages."""

    frame: pd.DataFrame  # its index counts lines from `first_line` where a file has blank ones
    source: str
    first_line: int | None  # line of the first row; None where rows are not lines


def read_table(path: str) -> Table:
    """Read a table from a file.

    Args:
        path: a CSV file delimited by comma, semicolon, tab or bar, perhaps gzipped, a Parquet
            file, or an Excel workbook (.xlsx), of which the first sheet is read; "-" for standard
            input. The content tells the kind, not the name.

    Returns:
        The table. Ids such as 007 stay text; notes stand in `frame.attrs["notes"]`.

    Raises:
        DataError: the file is missing, unreadable, empty, damaged or no table.
    """
    source = "standard input" if path == "-" else path
    with _friendly(source), _open(path) as stream:
        start = stream.read(4)
        stream.seek(0)
        if start == b"PAR1":
            return _read_parquet(stream, source)
        if start == b"PK\x03\x04":
            return Table(read_excel(stream, source), source, 0)
        if start == b"\xd0\xcf\x11\xe0":
            raise DataError(
                f"{source}: an Excel workbook of the old kind (.xls) or with a password; save it "
                "as .xlsx without one, or as CSV"
            )
        if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
            stream = io.BytesIO(stream.read().decode("utf-16").encode())
        return _read_csv(stream, source)


@contextmanager
def _friendly(source: str) -> Iterator[None]:
    """Turn what can go wrong while reading into one line."""
    try:
        yield
    except FileNotFoundError:
        raise DataError(f"{source}: no such file; check the path") from None
    except IsADirectoryError:
        raise DataError(f"{source}: a folder; name a file inside it") from None
    except PermissionError:
        raise DataError(f"{source}: not permitted to read it; check its permissions") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"{source}: damaged or cut-off gzip file ({error}); copy it again"
        ) from None
    except (UnicodeError, csv.Error) as error:
        raise DataError(f"{source}: not a text table ({error}); save it as CSV, UTF-8") from None
    except OSError as error:
        raise DataError(f"{source}: cannot be read: {error.strerror or error}") from None


@contextmanager
def _open(path: str) -> Iterator[BinaryIO]:
    """Open a file, pipe or standard input for reading from any place, unpacked."""
    if path == "-":
        if sys.stdin is None:
            raise DataError("standard input is closed; name a file")
        yield _unpacked(io.BytesIO(sys.stdin.buffer.read()))
        return
    with Path(path).open("rb") as file:
        yield _unpacked(file if file.seekable() else io.BytesIO(file.read()))


def _unpacked(stream: BinaryIO) -> BinaryIO:
    is_gzip = stream.read(2) == b"\x1f\x8b"
    stream.seek(0)
    return cast(BinaryIO, gzip.GzipFile(fileobj=stream)) if is_gzip else stream


def _read_parquet(stream: BinaryIO, source: str) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(stream)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{source}: damaged Parquet file: {_one_line(error)}") from None
    return Table(_to_pandas(table, source), source, None)


def _read_csv(stream: BinaryIO, source: str) -> Table:
    dialect = sniff(stream, source)
    notes = []
    table, lines_kept = _parse(stream, dialect, "utf-8", source)
    if table is None:
        table, lines_kept = _parse(stream, dialect, "cp1252", source)
        notes.append(f"{source} is not UTF-8; it was read as Windows-1252")
    if table is None:
        raise DataError(f"{source}: neither UTF-8 nor Windows-1252 text; save it as UTF-8")
    frame = _without_blank_lines(table, source)
    if notes:
        frame.attrs["notes"] = notes
    return Table(frame, source, dialect.blank_lines + 2 if lines_kept else None)


def _parse(
    stream: BinaryIO, dialect: Dialect, encoding: str, source: str
) -> tuple[pa.Table | None, bool]:
    """Parse CSV; no table where the encoding does not fit, and whether rows are lines."""
    import pyarrow as pa

    for multiline in (dialect.multiline, True):
        stream.seek(0)
        try:
            table = _arrow_csv(stream, dialect, encoding, multiline)
            binary = not table.column_names or any(map(pa.types.is_binary, table.schema.types))
        except UnicodeDecodeError:
            return None, False
        except pa.ArrowInvalid as error:
            problem = error
            continue
        return (None if binary else table), not multiline
    stream.seek(0)
    raise _ragged(stream, dialect, source) or DataError(f"{source}: {_one_line(problem)}")


def _arrow_csv(stream: BinaryIO, dialect: Dialect, encoding: str, multiline: bool) -> pa.Table:
    import pyarrow as pa
    from pyarrow import csv as arrow

    return arrow.read_csv(
        stream,
        arrow.ReadOptions(encoding=encoding, skip_rows=dialect.blank_lines),
        arrow.ParseOptions(
            delimiter=dialect.delimiter, newlines_in_values=multiline, ignore_empty_lines=False
        ),
        arrow.ConvertOptions(
            decimal_point=dialect.decimal,
            column_types={name: pa.string() for name in dialect.text_columns},
        ),
    )


def _ragged(stream: BinaryIO, dialect: Dialect, source: str) -> DataError | None:
    """Find the first line with more or fewer cells than the header."""
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="")
    rows = csv.reader(text, delimiter=dialect.delimiter)
    width = len(dialect.header)
    try:
        cells = next((len(row) for row in rows if row and len(row) != width), None)
    finally:
        text.detach()
    if cells is None:
        return None
    return DataError(
        f"{source}, line {rows.line_num}: found {cells} cells, where the header names {width} "
        "columns; correct the line, or quote cells that hold a delimiter"
    )


def _without_blank_lines(table: pa.Table, source: str) -> pd.DataFrame:
    """Leave blank lines out; the index still counts them."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    blank = pa.chunked_array([np.ones(table.num_rows, dtype=bool)])
    for column in reversed(table.columns):
        empty = column.is_null()
        if pa.types.is_string(column.type):
            empty = pc.or_kleene(empty, pc.equal(column, ""))
        blank = pc.and_(blank, empty)
        if not pc.any(blank).as_py():
            return _to_pandas(table, source)
    rows = np.flatnonzero(~blank.to_numpy())
    return _to_pandas(table.take(rows), source).set_axis(pd.Index(rows), axis=0)


def _to_pandas(table: pa.Table, source: str) -> pd.DataFrame:
    if not table.num_rows:
        raise DataError(f"{source}: a header and no rows; it needs some")
    frame: pd.DataFrame = table.to_pandas(date_as_object=False, split_blocks=True)
    return frame


def _one_line(error: object) -> str:
    return " ".join(str(error).split())[:200]


def write_table(frame: pd.DataFrame, path: str | None) -> None:
    """Write a table, so that a crash or a full disk leaves the old file as it was.

    Args:
        frame: the table; its index is not written.
        path: .csv, .csv.gz, .tsv, .parquet or .xlsx; None or "-" for CSV on standard output.

    Raises:
        DataError: the file cannot be written.
    """
    if path is None or path == "-":
        try:
            frame.to_csv(sys.stdout, index=False, lineterminator="\n")
            sys.stdout.flush()
        except BrokenPipeError:
            raise  # the reader of a pipe has left; the command line ends quietly
        except OSError as error:
            raise DataError(f"cannot write to standard output: {error.strerror}") from None
        return
    replace_file(path, _writer(frame, path), DataError, "--out")


def _writer(frame: pd.DataFrame, path: str) -> Callable[[IO[bytes]], object]:
    kind = "".join(Path(path).suffixes[-2:]).lower()
    if kind.endswith(".parquet"):
        return lambda stream: _write_parquet(frame, stream, path)
    if kind.endswith(".xlsx"):
        return lambda stream: write_excel(frame, stream, path)
    known = ("", ".csv", ".txt", ".tsv", ".gz")
    if not kind.endswith(known[1:]) and Path(path).suffix:
        raise DataError(
            f"{path}: no known kind of file; name it .csv, .csv.gz, .tsv, .parquet or .xlsx"
        )
    separator = "\t" if ".tsv" in kind else ","
    packed = "gzip" if kind.endswith(".gz") else None

    def write(stream: IO[bytes]) -> None:
        frame.to_csv(
            stream, index=False, sep=separator, lineterminator="\n", compression=cast(Any, packed)
        )

    return write


def _write_parquet(frame: pd.DataFrame, stream: IO[bytes], path: str) -> None:
    import pyarrow as pa

    try:
        frame.to_parquet(stream, index=False)
    except pa.ArrowException as error:
        raise DataError(f"{path}: no Parquet for this table: {_one_line(error)}") from None
