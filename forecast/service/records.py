"""Tables as rows of JSON, and the way back."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from forecast.data.frequency import Frequency

LARGEST = 2**53  # whole numbers beyond are not all numbers of JavaScript
MIDNIGHT = " 00:00:00"


def records(table: pd.DataFrame, frequency: Frequency) -> list[dict[str, Any]]:
    """The rows of a table as plain values: numbers to the last bit, times as text.

    Args:
        table: of N rows.
        frequency: of its times; of days and longer steps they are dates.
    """
    names = [str(name) for name in table.columns]
    columns = [_plain(table[name], frequency) for name in table.columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _plain(column: pd.Series[Any], frequency: Frequency) -> list[Any]:
    """The cells of a column as JSON knows them; None where there is none."""
    if column.dtype.kind == "f":
        return [value if math.isfinite(value) else None for value in column.tolist()]
    if column.dtype.kind in "iub":
        return column.tolist()
    texts = [None if value is pd.NaT else str(value) for value in column.tolist()]
    if column.dtype.kind != "M" or frequency.is_subdaily:
        return texts
    return [text and text.removesuffix(MIDNIGHT) for text in texts]


def frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows as a table; a cell that a row does not have is missing."""
    return pd.DataFrame.from_records([*rows])


def as_id(name: Any, like: Any) -> Any:
    """An id of the kind that a model has: a number for text that is one, text for a number.

    Example:
        >>> as_id("7", 1), as_id(7, "a"), as_id("x", 1)
        (7, '7', 'x')
    """
    if isinstance(like, str):
        return str(name) if type(name) is int else name
    if not isinstance(name, str) or not re.fullmatch(r"-?\d{1,19}", name):
        return name
    number = int(name)
    return number if -(2**63) <= number < 2**63 else name


def shown_id(name: Any) -> Any:
    """An id as a browser can hold it: a number beyond 2^53 as text."""
    return str(name) if isinstance(name, int) and abs(name) > LARGEST else name
