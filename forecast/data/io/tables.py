"""Tables in files: CSV of any common dialect, gzipped or not, Parquet and Excel."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import sys
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import IO, TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

from forecast.data.column_names import is_id_name
from forecast.data.io.atomic_write import replace_file
from forecast.data.io.csv_dialect import Dialect, sniff, without_loose_spaces
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


class _Read(NamedTuple):
    """The table of one file."""

    frame: pd.DataFrame
    first_line: int | None  # of the first row; None where rows are not lines
    delimiter: str = ""  # of a CSV file
    decimals: Mapping[str, str] = MappingProxyType({})  # of the columns whose numbers have one


def read_table(*paths: str, id: str | None = None) -> Table:
    """Read a table from a file, or from several that have the same columns.

    Args:
        paths: CSV files delimited by comma, semicolon, tab or bar, perhaps gzipped, Parquet
            files, or Excel workbooks (.xlsx), of which the first sheet is read. Patterns such as
            "stores/*.csv" stand for the matching files; "-" alone is standard input. The type of
            a file is inferred from its content, not from its name.
        id: name of the column of ids, if it is known.

    Returns:
        The table. Ids such as 007 or 1.10 stay text; notes are in `frame.attrs["notes"]`.

    Raises:
        DataError: a file is missing, unreadable, empty, damaged, not a table, or unlike the
            others.
    """
    files = files_of(*paths)
    if len(files) == 1:
        return _read(files[0], id)
    _refuse_pipes(files)
    parts = [_read(path, id) for path in files]
    refuse_unlike([part.frame for part in parts], files)
    mixed = mixed_columns([part.frame for part in parts])
    if mixed:
        parts = [_read(path, id, mixed) for path in files]
        refuse_two_decimals([part.frame for part in parts], files, mixed)
    source = paths[0] if len(paths) == 1 else f"{files[0]} and {len(files) - 1} more"
    return _stack(
        parts, source, [f"'{name}' is text in some files; it was read as text" for name in mixed]
    )


def _refuse_pipes(paths: list[str]) -> None:
    """Raise DataError for a pipe, which can be read only once: some of several files are reread."""
    for path in paths:
        place = Path(path)
        if path == "-" or (place.exists() and not place.is_file() and not place.is_dir()):
            name = "standard input" if path == "-" else path
            raise DataError(f"{name}: a pipe cannot be one of several tables; save it as a file")


def _stack(parts: list[Table], source: str, notes: list[str]) -> Table:
    """Concatenate tables of the same columns; the index still counts lines."""
    import pandas as pd

    frame = pd.concat([part.frame for part in parts])
    first, last = parts[0].origin.source, parts[-1].origin.source
    frame.attrs["notes"] = [
        f"files: {len(parts):,}, from {first} to {last}",
        *notes,
        *(note for part in parts for note in part.frame.attrs.get("notes", ())),
    ]
    files = tuple(file for part in parts for file in part.origin.files)
    decimals = {
        name: sign
        for part in parts
        for name, sign in part.origin.decimals.items()
        if all(other.origin.decimals.get(name, sign) == sign for other in parts)
    }
    return Table(frame, TableOrigin(source, None, files, parts[0].origin.delimiter, decimals))


def _read(path: str, id: str | None, text: Collection[str] = ()) -> Table:
    """Read one file.

    Args:
        path: of the file; "-" for standard input.
        id: name of the column of ids, if it is known.
        text: columns to be read as text, whatever they hold.
    """
    source = "standard input" if path == "-" else path
    with _readable_errors(source), _open(path) as stream:
        read = _read_stream(stream, source, id, text)
    first_line = read.first_line
    files = () if path == "-" else (SourceFile(source, first_line, len(read.frame)),)
    return Table(read.frame, TableOrigin(source, first_line, files, read.delimiter, read.decimals))


def _read_stream(stream: BinaryIO, source: str, id: str | None, text: Collection[str]) -> _Read:
    """Read a table of any type."""
    start = stream.read(4)
    stream.seek(0)
    if start == b"PAR1":
        return _Read(_with_text(_read_parquet(stream, source), text), None)
    if start == b"PK\x03\x04":
        frame = _with_text(read_excel(stream, source), text)
        return _Read(frame, 0)  # its index numbers the sheet's rows
    if start == b"\xd0\xcf\x11\xe0":
        raise DataError(
            f"{source}: an Excel workbook of the old kind (.xls) or with a password; save it "
            "as .xlsx without one, or as CSV"
        )
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        stream = io.BytesIO(stream.read().decode("utf-16").encode())
    return _read_csv(stream, source, id, text)


def _with_text(frame: pd.DataFrame, names: Collection[str]) -> pd.DataFrame:
    """Turn columns into text, as a CSV file would have it."""
    texts = {name: frame[name].map(as_text, na_action="ignore").astype("str") for name in names}
    return frame.assign(**texts)


@contextmanager
def _readable_errors(source: str) -> Iterator[None]:
    """Turn any error of reading into a DataError of one line."""
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
    """Open a file, pipe or standard input as a seekable stream, decompressed."""
    if path == "-":
        if sys.stdin is None:
            raise DataError("standard input is closed; name a file")
        yield _decompressed(io.BytesIO(sys.stdin.buffer.read()))
        return
    with Path(path).open("rb") as file:
        yield _decompressed(file if file.seekable() else io.BytesIO(file.read()))


def _decompressed(stream: BinaryIO) -> BinaryIO:
    is_gzip = stream.read(2) == b"\x1f\x8b"
    stream.seek(0)
    return cast(BinaryIO, gzip.GzipFile(fileobj=stream)) if is_gzip else stream


def _read_parquet(stream: BinaryIO, source: str) -> pd.DataFrame:
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(stream, page_checksum_verification=True)
        return _with_stripped_names(_to_pandas(table, source))
    except (MemoryError, DataError):
        raise
    except Exception as error:  # whatever a reader stumbles over, the file is at fault
        raise DataError(f"{source}: damaged Parquet file: {_one_line(error)}") from None


def _with_stripped_names(frame: pd.DataFrame) -> pd.DataFrame:
    """The table without spaces around the names of its columns, unless two would be one name."""
    names = [name.strip() if isinstance(name, str) else name for name in frame.columns]
    is_clear = len({*names}) == len(names) and not isinstance(names[0], tuple)
    return frame.set_axis(names, axis=1) if is_clear and names != [*frame.columns] else frame


def _read_csv(stream: BinaryIO, source: str, id: str | None, text: Collection[str]) -> _Read:
    import pyarrow as pa

    stream = without_loose_spaces(stream)
    dialect = sniff(stream, source)
    named = {c for c, name in enumerate(dialect.header) if name in text}
    dialect = dialect._replace(text_columns=sorted({*dialect.text_columns} | named))
    table, lines_kept, notes = _decoded(stream, dialect, source)
    unsure = [
        c
        for c, (name, kind) in enumerate(zip(dialect.header, table.schema.types, strict=True))
        if (pa.types.is_floating(kind) and not dialect.has_decimals[c])
        or ((name == id or is_id_name(name)) and _is_changed_id(kind))
    ]
    if unsure:  # 1.153 may be 1153, and an id 1.10 is not 1.1: the text of all cells decides
        dialect = dialect._replace(text_columns=sorted([*dialect.text_columns, *unsure]))
        table, lines_kept, notes = _decoded(stream, dialect, source)
    decimals = {
        name: dialect.decimal
        for name, kind in zip(dialect.header, table.schema.types, strict=True)
        if pa.types.is_floating(kind)
    }
    kept = [
        c
        for c, (name, kind) in enumerate(zip(dialect.header, table.schema.types, strict=True))
        if name or not pa.types.is_null(kind)
    ]
    table = _without_padding(table.rename_columns(dialect.header).select(kept))
    frame = _without_blank_lines(table, source)
    if dialect.notes or notes:
        frame.attrs["notes"] = [*dialect.notes, *notes]
    first_line = dialect.first_line if lines_kept else None
    return _Read(frame, first_line, dialect.delimiter, decimals)


def _is_changed_id(kind: pa.DataType) -> bool:
    """Whether ids of a type may no longer be what was written, unlike text and whole numbers."""
    import pyarrow as pa

    return bool(pa.types.is_floating(kind) or pa.types.is_boolean(kind))


def _without_padding(table: pa.Table) -> pa.Table:
    """The table without the spaces around text that all cells of a column have."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for c, kind in enumerate(table.schema.types):
        if not pa.types.is_string(kind):
            continue
        column = table.column(c)
        empty = pc.equal(column, "")
        if any(
            pc.all(pc.or_(empty, is_padded(column, " "))).as_py()
            for is_padded in (pc.starts_with, pc.ends_with)
        ):
            table = table.set_column(c, table.schema.names[c], pc.utf8_trim(column, " "))
    return table


def _decoded(
    stream: BinaryIO, dialect: Dialect, source: str
) -> tuple[pa.Table, bool, tuple[str, ...]]:
    """Parse CSV in its encoding: the table, whether rows are lines, and notes."""
    table, lines_kept = _parse(stream, dialect, "utf-8", source)
    if table is not None:
        return table, lines_kept, ()
    table, lines_kept = _parse(stream, dialect, "cp1252", source)
    if table is None:
        raise DataError(f"{source}: neither UTF-8 nor Windows-1252 text; save it as UTF-8")
    return table, lines_kept, (f"{source} is not UTF-8; it was read as Windows-1252",)


def _parse(
    stream: BinaryIO, dialect: Dialect, encoding: str, source: str
) -> tuple[pa.Table | None, bool]:
    """Parse CSV: the table, None if the encoding does not fit, and whether rows are lines."""
    import pyarrow as pa

    for multiline in (dialect.multiline, True):
        stream.seek(0)
        try:
            table = _arrow_csv(stream, dialect, encoding, multiline)
            binary = any(map(pa.types.is_binary, table.schema.types))
        except UnicodeDecodeError:
            return None, False
        except pa.ArrowInvalid as error:
            problem = error
            continue
        return (None if binary else table), not multiline
    stream.seek(0)
    raise _ragged(stream, dialect, source) or DataError(f"{source}: {_one_line(problem)}")


def _arrow_csv(stream: BinaryIO, dialect: Dialect, encoding: str, multiline: bool) -> pa.Table:
    """Parse the rows; columns are called by their positions."""
    import pyarrow as pa
    from pyarrow import csv as arrow

    names = [str(c) for c in range(len(dialect.header))]
    return arrow.read_csv(
        stream,
        arrow.ReadOptions(encoding=encoding, skip_rows=dialect.first_line - 1, column_names=names),
        arrow.ParseOptions(
            delimiter=dialect.delimiter, newlines_in_values=multiline, ignore_empty_lines=False
        ),
        arrow.ConvertOptions(
            decimal_point=dialect.decimal,
            column_types={names[c]: pa.string() for c in dialect.text_columns},
        ),
    )


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
    """Write a table atomically: after a crash or on a full disk the old file stays.

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
    suffix = "".join(Path(path).suffixes[-2:]).lower()
    if suffix.endswith(".parquet"):
        return lambda stream: _write_parquet(frame, stream, path)
    if suffix.endswith(".xlsx"):
        return lambda stream: write_excel(frame, stream, path)
    if Path(path).suffix and not suffix.endswith((".csv", ".txt", ".tsv", ".gz")):
        raise DataError(
            f"{path}: unknown file type; name it .csv, .csv.gz, .tsv, .parquet or .xlsx"
        )
    separator = "\t" if ".tsv" in suffix else ","
    compression = "gzip" if suffix.endswith(".gz") else None

    def write(stream: IO[bytes]) -> None:
        frame.to_csv(
            stream,
            index=False,
            sep=separator,
            lineterminator="\n",
            compression=cast(Any, compression),
        )

    return write


def _write_parquet(frame: pd.DataFrame, stream: IO[bytes], path: str) -> None:
    import pyarrow as pa

    try:
        frame.to_parquet(stream, index=False, write_page_checksum=True)
    except pa.ArrowException as error:
        raise DataError(
            f"{path}: the table cannot be written as Parquet: {_one_line(error)}"
        ) from None
