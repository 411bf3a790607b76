"""Excel workbooks: reading and writing by openpyxl, which is an optional dependency."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Any, BinaryIO, NamedTuple

from forecast.data.io.csv_dialect import is_data
from forecast.data.number_style import read_cell
from forecast.errors import DataError, one_line, pip_install, quote

if TYPE_CHECKING:
    import pandas as pd

MAX_SHEET_ROWS = 1_048_576
ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError)
FORMULAS = (b"<f>", b"<f ")
MAX_CELL_LENGTH = 32_767  # characters
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


class Sheet(NamedTuple):
    """The first sheet of a workbook."""

    name: str
    sheets: int  # of the workbook, itself included
    rows: list[tuple[int, list[Any]]]  # the number and the cells of each row that has some


def read_excel(stream: BinaryIO, source: str) -> pd.DataFrame:
    """Read the table on the first sheet of a workbook.

    The header is the first row that is not empty. Empty columns are left out. A column of text
    and something else is text throughout, as it is in a CSV file.

    Args:
        stream: the file, a zip.
        source: what to call it in messages.

    Returns:
        The table, whose index counts the rows of the sheet from 1; `attrs["notes"]` says which
        of several sheets it is.

    Raises:
        DataError: it is damaged, not a workbook, empty, or openpyxl is not installed.
    """
    import pandas as pd

    data = stream.read()
    _refuse_other_zip(data, source)
    sheet = _first_sheet(data, source)
    subject = (
        f"sheet {quote(sheet.name)}, the first of {sheet.sheets}" if sheet.sheets > 1 else "it"
    )
    if not sheet.rows:
        raise DataError(f"{source}: empty; {subject} needs a header line and rows")
    width = max(len(cells) for _, cells in sheet.rows)
    table = [cells + [None] * (width - len(cells)) for _, cells in sheet.rows]
    filled = [c for c in range(width) if any(row[c] is not None for row in table)]
    header, *rows = ([row[c] for c in filled] for row in table)
    numbers = [number for number, _ in sheet.rows]
    if numbers[-1] - numbers[0] > len(rows) or any(None in row for row in rows) or not rows:
        _refuse_uncomputed(data, source, numbers[0], dict(zip(filled, header, strict=True)))
    if not rows:
        raise DataError(f"{source}: a header and no rows; {subject} needs some")
    names = _names(header, rows[0], f"{source}, line {numbers[0]}")
    for name, cells in zip(names, zip(*rows, strict=True), strict=True):
        _refuse_unclear_text(name, cells, source, numbers[1:])
    columns = [pd.Series(_of_one_kind(list(cells))) for cells in zip(*rows, strict=True)]
    frame = pd.concat(columns, axis=1).set_axis(pd.Index(names), axis=1)
    if sheet.sheets > 1:
        frame.attrs["notes"] = [f"{source}: took {subject} sheets"]
    return frame.set_axis(pd.Index(numbers[1:]), axis=0)


def _refuse_other_zip(data: bytes, source: str) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            is_workbook = "xl/workbook.xml" in archive.namelist()
    except ZIP_ERRORS as error:
        raise _damaged_zip(source, error) from None
    if not is_workbook:
        raise DataError(f"{source}: a zip file, not an Excel workbook; give the table inside it")


def _damaged_zip(source: str, error: Exception) -> DataError:
    problem = one_line(error)
    return DataError(
        f"{source}: damaged or cut-off Excel workbook or zip file ({problem}); copy it again"
    )


def _first_sheet(data: bytes, source: str) -> Sheet:
    """Read all cells of the first sheet; cells of white space count as empty.

    Raises:
        DataError: openpyxl is not installed, or finds the workbook damaged.
    """
    require_openpyxl(source, "or save the table as CSV")
    import openpyxl

    rows = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and forms, which no table needs
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
            sheet = book.worksheets[0]
            sheet.reset_dimensions()  # those in the file may be wrong
            for number, values in enumerate(sheet.iter_rows(values_only=True), 1):
                cells = [None if _is_empty(value) else value for value in values]
                if any(cell is not None for cell in cells):
                    rows.append((number, cells))
                if number > MAX_SHEET_ROWS:
                    raise ValueError(f"more than {MAX_SHEET_ROWS:,} rows")
    except MemoryError:
        raise
    except Exception as error:  # whatever openpyxl stumbles over, the file is at fault
        raise DataError(
            f"{source}: damaged Excel workbook ({type(error).__name__}: {one_line(error)}); "
            "open and save it in a spreadsheet program, or save the table as CSV"
        ) from None
    return Sheet(sheet.title, len(book.sheetnames), rows)


def require_openpyxl(path: str, instead: str = "or write .csv") -> None:
    """Refuse a workbook where openpyxl is not installed.

    Args:
        path: what to call the file in messages.
        instead: what else can be done.

    Raises:
        DataError: it is not installed.
    """
    try:
        import openpyxl  # noqa: F401 - what needs it cannot say how to install it
    except ImportError:
        needs = f"an Excel workbook needs openpyxl: {pip_install('excel')}"
        raise DataError(f"{path}: {needs}, {instead}") from None


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _refuse_uncomputed(data: bytes, source: str, header_line: int, names: dict[int, Any]) -> None:
    """Raise DataError for a formula without a value: programs may write formulas uncomputed.

    Args:
        data: the workbook, whose first sheet has been read without an error.
        source: what to call it in messages.
        header_line: the row of the names.
        names: of the columns by their places.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/")]
            if not any(sign in archive.read(name) for name in sheets for sign in FORMULAS):
                return
    except ZIP_ERRORS as error:  # in a sheet that is not the first
        raise _damaged_zip(source, error) from None
    import openpyxl

    def cells(data_only: bool) -> Any:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=data_only)
        book.worksheets[0].reset_dimensions()
        return book.worksheets[0].iter_rows(min_row=header_line)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pairs = zip(cells(data_only=True), cells(data_only=False), strict=True)
        for number, (values, formulas) in enumerate(pairs, header_line):
            for c in names.keys() & range(len(values)):
                is_text = values[c].data_type == "str"  # of a formula that gives no text: ""
                if values[c].value is None and not is_text and formulas[c].data_type == "f":
                    raise DataError(
                        f"{source}, line {number}, column {quote(as_text(names[c]))}: a formula "
                        "without a value; open and save the workbook in a spreadsheet program"
                    )


def _names(header: list[Any], row: list[Any], place: str) -> list[str]:
    """The names of columns; only the first, which may number the rows, needs none.

    Raises:
        DataError: others have none, or the header is a row.
    """
    names = [(as_text(cell) or "").strip() for cell in header]
    if "" in names[1:]:
        named = sum(name != "" for name in names)
        raise DataError(
            f"{place}: it names {named} of {len(names)} columns; name each, and remove what "
            "stands above the header"
        )
    if is_data(names, [as_text(cell) or "" for cell in row]):
        line = ", ".join(names)[:80]
        raise DataError(f"{place}: {line!r}, where a header should name the columns")
    return names


def _refuse_unclear_text(name: str, cells: Sequence[Any], source: str, lines: list[int]) -> None:
    """Raise DataError for text such as 1.154 among numbers, where nothing says what it means."""
    if not any(isinstance(cell, float) and not cell.is_integer() for cell in cells):
        return
    for line, cell in zip(lines, cells, strict=True):
        if isinstance(cell, str) and read_cell(cell).is_ambiguous:
            raise DataError(
                f"{source}, line {line}, column {name!r}: the text {cell!r} among numbers, which "
                "may mean thousands; make it a number in the workbook"
            )


def _of_one_kind(cells: list[Any]) -> list[Any]:
    kinds = {type(cell) for cell in cells if cell is not None}
    return [as_text(cell) for cell in cells] if str in kinds and len(kinds) > 1 else cells


def as_text(cell: Any) -> str | None:
    """A cell as a CSV file would have it, midnight as its day; None where it is missing.

    Example:
        >>> as_text(7.0), as_text("007"), as_text(None)
        ('7', '007', None)
    """
    if cell is None or isinstance(cell, str):
        return cell
    is_whole = isinstance(cell, float) and cell.is_integer()
    return str(int(cell) if is_whole else cell).removesuffix(" 00:00:00")


def write_excel(frame: pd.DataFrame, stream: IO[bytes], path: str) -> None:
    """Write a table as the only sheet of a workbook.

    Args:
        frame: the table; its index is not written.
        stream: where to.
        path: what to call the file in messages.

    Raises:
        DataError: Excel cannot hold the table, or openpyxl is not installed.
    """
    import pandas as pd

    require_openpyxl(path)
    if len(frame) >= MAX_SHEET_ROWS:
        raise DataError(
            f"{path}: {len(frame):,} rows, but a sheet holds {MAX_SHEET_ROWS:,}; write .csv"
        )
    for name, column in frame.items():
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            raise DataError(f"{path}: Excel has no time zones, but {name!r} has one; write .csv")
        is_number = pd.api.types.is_numeric_dtype(column.dtype)
        if not is_number and not all(map(_is_writable, column.unique())):
            raise DataError(f"{path}: Excel would change or refuse text of {name!r}; write .csv")
    frame.to_excel(stream, index=False, engine="openpyxl")


def _is_writable(cell: Any) -> bool:
    """Whether Excel takes a cell for what it is: no formula, not too long, no control character."""
    if not isinstance(cell, str):
        return True
    return not cell.startswith("=") and len(cell) <= MAX_CELL_LENGTH and not CONTROL.search(cell)
