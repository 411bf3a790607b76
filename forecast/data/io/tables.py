"""Tables in files: CSV of any common dialect, gzipped or not, Parquet and Excel."""

from __future__ import annotations

import csv
import gzip
import io
import sys
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, NamedTuple, TextIO, cast

from forecast.data.io.atomic_write import replace_file
from forecast.data.io.csv_table import CsvTable, read_csv
from forecast.data.io.excel import as_text, read_excel, require_openpyxl, write_excel
from forecast.data.io.multi_file import (
    files_of,
    mixed_columns,
    refuse_two_decimals,
    refuse_unlike,
)
from forecast.data.io.parquet import read_parquet, require_pyarrow, write_parquet
from forecast.data.origin import SourceFile, TableOrigin
from forecast.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


class Table(NamedTuple):
    """A table and where it comes from, which `to_panel` needs for its messages."""

    frame: pd.DataFrame  # its index counts lines from the first row where a file has blank ones
    origin: TableOrigin  # without files for standard input


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


def _read_stream(stream: BinaryIO, source: str, id: str | None, text: Collection[str]) -> CsvTable:
    """Read a table of any type."""
    start = stream.read(4)
    stream.seek(0)
    if start == b"PAR1":
        return CsvTable(_with_text(read_parquet(stream, source), text), None)
    if start == b"PK\x03\x04":
        frame = _with_text(read_excel(stream, source), text)
        return CsvTable(frame, 0)  # its index numbers the sheet's rows
    if start == b"\xd0\xcf\x11\xe0":
        raise DataError(
            f"{source}: an Excel workbook of the old kind (.xls) or with a password; save it "
            "as .xlsx without one, or as CSV"
        )
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        stream = io.BytesIO(stream.read().decode("utf-16").encode())
    return read_csv(stream, source, id, text)


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


def write_table(frame: pd.DataFrame, path: str | None) -> None:
    """Write a table atomically: after a crash or on a full disk the old file stays.

    Args:
        frame: the table; its index is not written.
        path: .csv, .csv.gz, .tsv, .parquet or .xlsx; None or "-" for CSV on standard output.

    Raises:
        DataError: the file cannot be written.
    """
    if path is None or path == "-":
        _write_utf8(sys.stdout)
        try:
            frame.to_csv(sys.stdout, index=False, lineterminator="\n")
            sys.stdout.flush()
        except BrokenPipeError:
            raise  # the reader of a pipe has left; the command line ends quietly
        except OSError as error:
            raise DataError(f"cannot write to standard output: {error.strerror}") from None
        return
    replace_file(path, _writer(frame, path), DataError, "--out")


def check_file_type(path: str) -> None:
    """Refuse a file that `write_table` could not write, before time goes into the table.

    Args:
        path: see `write_table`.

    Raises:
        DataError: the type is unknown, or the package that writes it is not installed.
    """
    suffix = _suffix(path)
    if suffix.endswith(".parquet"):
        require_pyarrow(path)
    elif suffix.endswith(".xlsx"):
        require_openpyxl(path)
    elif Path(path).suffix and not suffix.endswith((".csv", ".txt", ".tsv", ".gz")):
        raise DataError(
            f"{path}: unknown file type; name it .csv, .csv.gz, .tsv, .parquet or .xlsx"
        )


def _suffix(path: str) -> str:
    """The ending of a name, with that before .gz."""
    return "".join(Path(path).suffixes[-2:]).lower()


def _write_utf8(stream: TextIO) -> None:
    """Let what goes into a file or a pipe be UTF-8, which it is not by default on Windows."""
    if isinstance(stream, io.TextIOWrapper) and sys.platform == "win32" and not stream.isatty():
        stream.reconfigure(encoding="utf-8", newline="\n")


def _writer(frame: pd.DataFrame, path: str) -> Callable[[IO[bytes]], object]:
    check_file_type(path)
    suffix = _suffix(path)
    if suffix.endswith(".parquet"):
        return lambda stream: write_parquet(frame, stream, path)
    if suffix.endswith(".xlsx"):
        return lambda stream: write_excel(frame, stream, path)
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
