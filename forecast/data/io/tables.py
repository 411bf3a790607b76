"""Files to tables and back: CSV of any common kind, gzipped or not, Parquet and Excel."""

from __future__ import annotations

import csv
import gzip
import io
import sys
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

from forecast.data.io.atomic_write import replace_file
from forecast.data.io.csv_dialect import Dialect, sniff
from forecast.data.io.excel import as_text, read_excel, write_excel
from forecast.data.io.multi_file import (
    files_of,
    mixed_columns,
    refuse_two_decimals,
    refuse_unlike,
)
from forecast.data.origin import SourceFile, TableOrigin
from forecast.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class Table(NamedTuple):
    """A table and where it comes from, which `to_panel` needs for its messages."""

    frame: pd.DataFrame  # its index counts lines from the first row where a file has blank ones
    origin: TableOrigin  # without files for standard input


def read_table(*paths: str) -> Table:
    """Read a table from a file, or from several that have the same columns.

    Args:
        paths: CSV files delimited by comma, semicolon, tab or bar, perhaps gzipped, Parquet
            files, or Excel workbooks (.xlsx), of which the first sheet is read. Patterns such as
            "stores/*.csv" mean the files that fit; "-" alone is standard input. The content
            tells the kind, not the name.

    Returns:
        The table. Ids such as 007 stay text; notes stand in `frame.attrs["notes"]`.

    Raises:
        DataError: a file is missing, unreadable, empty, damaged, no table, or unlike the others.
    """
    found = files_of(*paths)
    if len(found) == 1:
        return _read(found[0])
    _refuse_pipes(found)
    parts = [_read(path) for path in found]
    refuse_unlike([part.frame for part in parts], found)
    mixed = mixed_columns([part.frame for part in parts])
    if mixed:
        parts = [_read(path, mixed) for path in found]
        refuse_two_decimals([part.frame for part in parts], found, mixed)
    source = paths[0] if len(paths) == 1 else f"{found[0]} and {len(found) - 1} more"
    return _stack(
        parts, source, [f"'{name}' is text in some files; it was read as text" for name in mixed]
    )


def _refuse_pipes(paths: list[str]) -> None:
    """Raise DataError for what can be read only once: of several files some are read again."""
    for path in paths:
        place = Path(path)
        if path == "-" or (place.exists() and not place.is_file() and not place.is_dir()):
            name = "standard input" if path == "-" else path
            raise DataError(f"{name}: a pipe cannot be one of several tables; save it as a file")


def _stack(parts: list[Table], source: str, notes: list[str]) -> Table:
    """Put tables of the same columns one below the other; the index still counts lines."""
    import pandas as pd

    frame = pd.concat([part.frame for part in parts])
    first, last = parts[0].origin.source, parts[-1].origin.source
    read = [f"files: {len(parts):,}, from {first} to {last}", *notes]
    frame.attrs["notes"] = [
        *read,
        *(n for part in parts for n in part.frame.attrs.get("notes", ())),
    ]
    files = tuple(file for part in parts for file in part.origin.files)
    return Table(frame, TableOrigin(source, None, files))


def _read(path: str, text: Collection[str] = ()) -> Table:
    """Read one file.

    Args:
        path: where; "-" for standard input.
        text: columns to be read as text, whatever they hold.
    """
    source = "standard input" if path == "-" else path
    with _friendly(source), _open(path) as stream:
        frame, first_line = _read_stream(stream, source, text)
    files = () if path == "-" else (SourceFile(source, first_line, len(frame)),)
    return Table(frame, TableOrigin(source, first_line, files))


def _read_stream(
    stream: BinaryIO, source: str, text: Collection[str]
) -> tuple[pd.DataFrame, int | None]:
    """Read a table of any kind, and tell the line of its first row."""
    start = stream.read(4)
    stream.seek(0)
    if start == b"PAR1":
        return _texted(_read_parquet(stream, source), text), None
    if start == b"PK\x03\x04":
        return _texted(read_excel(stream, source), text), 0  # its index numbers the sheet's rows
    if start == b"\xd0\xcf\x11\xe0":
        raise DataError(
            f"{source}: an Excel workbook of the old kind (.xls) or with a password; save it "
            "as .xlsx without one, or as CSV"
        )
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        stream = io.BytesIO(stream.read().decode("utf-16").encode())
    return _read_csv(stream, source, text)


def _texted(frame: pd.DataFrame, names: Collection[str]) -> pd.DataFrame:
    """Turn columns into text, as it would stand in a CSV file."""
    texts = {name: frame[name].map(as_text, na_action="ignore").astype("str") for name in names}
    return frame.assign(**texts)


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


def _read_parquet(stream: BinaryIO, source: str) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(stream)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{source}: damaged Parquet file: {_one_line(error)}") from None
    return _to_pandas(table, source)


def _read_csv(
    stream: BinaryIO, source: str, text: Collection[str]
) -> tuple[pd.DataFrame, int | None]:
    dialect = sniff(stream, source)
    dialect = dialect._replace(text_columns=[*dialect.text_columns, *text])
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
    return frame, dialect.blank_lines + 2 if lines_kept else None


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
