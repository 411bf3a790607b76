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


def read_parquet(stream: BinaryIO, source: str) -> pd.DataFrame:
    """Read a Parquet file.

    Args:
        stream: the file.
        source: what to call it in messages.

    Raises:
        DataError: it is damaged or has no rows, or PyArrow is not installed.
    """
    if not is_pyarrow_installed():
        raise _needs_pyarrow(source, "or save the table as CSV")
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
    if not is_pyarrow_installed():
        raise DataError(
            f"{path}: a Parquet file needs PyArrow: {pip_install('parquet')}, or write .csv"
        )
    import pyarrow as pa

    try:
        frame.to_parquet(stream, index=False, write_page_checksum=True)
    except pa.ArrowException as error:
        raise DataError(
            f"{path}: the table cannot be written as Parquet: {one_line(error, 200)}"
        ) from None


def _needs_pyarrow(path: str, instead: str) -> DataError:
    needs = f"a Parquet file needs PyArrow: {pip_install('parquet')}"
    return DataError(f"{path}: {needs}, {instead}")
