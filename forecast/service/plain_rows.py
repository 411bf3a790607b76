"""One row for each of some series, written plainly: read without all that a table may mean.

What rows of a service usually look like needs no evidence from other rows: known ids, times as
ISO 8601 writes them, or whole numbers, and numbers that are numbers. Reading them so takes a
twentieth of the time. Whatever else a request holds is left to the reader of tables, and what both
read is the same.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from forecast.data.frequency import Frequency
from forecast.data.panel import Panel
from forecast.inference.config import Config
from forecast.inference.state import ids_array
from forecast.service.records import LARGEST

ISO = re.compile(r"[12]\d{3}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d)?)?")


def plain_panel(
    rows: Sequence[Mapping[str, Any]], config: Config, are_known: Callable[[list[Any]], bool]
) -> Panel | None:
    """The panel of rows, or None where they are not plain.

    Args:
        rows: cells by the names of columns.
        config: of the model.
        are_known: whether all of some ids have a state.
    """
    schema = config.schema
    is_dated = re.fullmatch(r"datetime64\[\w+\]", schema.time_dtype) is not None
    is_whole = config.frequency.unit == "integer" and schema.time_dtype == "int64"
    has_other_layout = schema.layout != "long" or schema.index or schema.turned or config.known
    if has_other_layout or not (is_dated or is_whole):
        return None
    columns = {schema.id, schema.time, *schema.targets}
    if any(row.keys() != columns for row in rows):
        return None
    ids = [row[str(schema.id)] for row in rows]
    times = [_ordinal(row[schema.time], config.frequency) for row in rows]
    values = [[row[name] for name in schema.targets] for row in rows]
    are_plain = all(_is_plain(cell) for row in values for cell in row)
    if not are_plain or None in times or len({*ids}) < len(ids) or not are_known(ids):
        return None
    order = np.argsort(ids_array(ids), kind="stable")
    return Panel(
        ids=ids_array(ids)[order],
        indptr=np.arange(len(ids) + 1),
        start=np.array(times, np.int64)[order],
        target=np.array(values, np.float64)[order],
        frequency=config.frequency,
        schema=schema,
        source="rows",
    )


def _is_plain(cell: Any) -> bool:
    """Whether a cell is a finite number, or missing."""
    if cell is None:
        return True
    if isinstance(cell, bool):
        return False
    is_small = isinstance(cell, int) and abs(cell) <= LARGEST
    return is_small or (isinstance(cell, float) and math.isfinite(cell))


def _ordinal(cell: Any, frequency: Frequency) -> int | None:
    """The ordinal of a time, or None where it is not plain."""
    if frequency.unit == "integer":
        is_plain = isinstance(cell, int) and not isinstance(cell, bool) and abs(cell) <= LARGEST
        return cell if is_plain else None
    return _of_text(cell, frequency) if isinstance(cell, str) else None


@functools.lru_cache(maxsize=1024)  # the rows of many series have the same few times
def _of_text(text: str, frequency: Frequency) -> int | None:
    if not ISO.fullmatch(text):
        return None
    try:
        time = pd.DatetimeIndex([np.datetime64(text.replace(" ", "T"), "us")])
    except ValueError:  # the 30th of February
        return None
    if frequency.off_grid(time)[0]:
        return None
    return int(frequency.ordinals(time)[0])
