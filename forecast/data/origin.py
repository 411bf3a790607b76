"""Where a table comes from, so that a message can name the file, the line and the column."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from forecast.errors import DataError, quote

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


class SourceFile(NamedTuple):
    """A file that rows of a table come from."""

    source: str  # its path
    first_line: int | None  # line of its first row; None where rows are not lines
    rows: int

    @property
    def name(self) -> str:
        """The path without folder and suffix.

        Example:
            >>> SourceFile("stores/Bonn.csv.gz", 2, 10).name
            'Bonn'
        """
        return Path(Path(self.source).name.removesuffix(".gz")).stem


class TableOrigin(NamedTuple):
    """Where a table comes from."""

    source: str = "the table"  # what to call it in messages
    first_line: int | None = None  # line of the first row; None where rows are not lines
    files: tuple[SourceFile, ...] = ()  # whose rows stand one below the other; none in memory
    delimiter: str = ""  # of a CSV file
    decimals: Mapping[str, str] = MappingProxyType({})  # of columns whose numbers have one

    @property
    def file_of_rows(self) -> NDArray[np.intp] | None:
        """The position of each row's file (N,); None where there are not several."""
        if len(self.files) < 2:
            return None
        return np.repeat(np.arange(len(self.files)), [file.rows for file in self.files])


IN_MEMORY = TableOrigin()


@dataclass(frozen=True)
class Place:
    """Names the rows of a table in messages.

    Attributes:
        origin: of the table.
        index: of its rows (N,); whole numbers count lines from `origin.first_line`, as in files
            with blank lines.
        rows_per_line: how many rows each row of the user's table has become.
    """

    origin: TableOrigin
    index: pd.Index[Any]
    rows_per_line: int = 1

    @property
    def source(self) -> str:
        """What to call the table."""
        return self.origin.source

    def row(self, position: int) -> str:
        """Name the row at a 0-based position: by its line in a file, else by the position."""
        first_line, files = self.origin.first_line, self.origin.files
        position //= self.rows_per_line
        row, of_file = position, ""
        if len(files) > 1:
            ends = [*accumulate(file.rows for file in files)]
            k = bisect_right(ends, position)
            first_line, of_file = files[k].first_line, f" of {files[k].source}"
            row = position - ends[k] + files[k].rows
        if first_line is None:
            return f"row {row}{of_file}"
        counts_lines = self.index.dtype.kind in "iu"
        return f"line {first_line + (int(self.index[position]) if counts_lines else row)}{of_file}"

    def error(self, position: int, column: object, problem: str) -> DataError:
        """Build the one-line error for one cell."""
        return DataError(f"{self.source}, {self.row(position)}, column {quote(column)}: {problem}")
