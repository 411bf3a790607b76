"""Parquet files, by PyArrow, which a small installation lacks."""

from __future__ import annotations

from importlib.util import find_spec
from typing import IO, TYPE_CHECKING, BinaryIO

from forecast.errors import DataError, one_line, pip_install

if TYPE_CHECKING:
    import pandas as pd


def is_pyarrow_installed() -> bool:
    """Whether PyArrow can be imported."""
    return find_spec("pyarrow") is not None


def require_pyarrow(path: str, instead: str = "or write .csv") -> None:
    """Refuse a Parquet file where PyArrow is not installed.

    Args:
        path: what to call the file in messages.
        instead: what else can be done.

    Raises:
        DataError: it is not installed.
    """
    if not is_pyarrow_installed():
        needs = f"a Parquet file needs PyArrow: {pip_install('parquet')}"
        raise DataError(f"{path}: {needs}, {instead}")


def read_parquet(stream: BinaryIO, source: str) -> pd.DataFrame:
    """Read a Parquet file.

    Args:
        stream: the file.
        source: what to call it in messages.

    Raises:
        DataError: it is damaged, has no rows or no columns, or PyArrow is not installed.
    """
    require_pyarrow(source, "or save the table as CSV")
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(stream, page_checksum_verification=True)
        frame: pd.DataFrame = table.to_pandas(date_as_object=False, split_blocks=True)
    except MemoryError:
        raise
    except Exception as error:  # whatever a reader stumbles over, the file is at fault
        raise DataError(f"{source}: damaged Parquet file: {one_line(error, 200)}") from None
    if not table.num_rows:
        raise DataError(f"{source}: a header and no rows; it needs some")
    if not len(frame.columns):
        raise DataError(f"{source}: an index and no columns; a table needs one of values")
    return _with_stripped_names(frame)


def _with_stripped_names(frame: pd.DataFrame) -> pd.DataFrame:
    """The table without spaces around the names of its columns, unless two would be one name."""
    names = [name.strip() if isinstance(name, str) else name for name in frame.columns]
    is_clear = len({*names}) == len(names) and not isinstance(names[0], tuple)
    return frame.set_axis(names, axis=1) if is_clear and names != [*frame.columns] else frame


def write_parquet(frame: pd.DataFrame, stream: IO[bytes], path: str) -> None:
    """Write a table as Parquet.

    Args:
        frame: the table; its index is not written.
        stream: where to.
        path: what to call it in messages.

    Raises:
        DataError: Parquet cannot hold the table, or PyArrow is not installed.
    """
    require_pyarrow(path)
    import pyarrow as pa

    try:
        frame.to_parquet(stream, index=False, write_page_checksum=True)
    except pa.ArrowException as error:
        raise DataError(
            f"{path}: the table cannot be written as Parquet: {one_line(error, 200)}"
        ) from None
