"""Panels back to tables of the user's layout, names and dtypes."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data.panel import Panel
from forecast.data.parsing import write_ids
from forecast.data.timestamps import write_times


def to_table(panel: Panel) -> pd.DataFrame | pd.Series[Any]:
    """Convert a panel back to the table it came from, with gaps as rows of missing values.

    Args:
        panel: the panel.

    Returns:
        A table of the user's layout, names and dtypes, sorted by id and time. Integers with
        missing values have become floats.
    """
    schema = panel.schema
    if schema.layout == "wide":
        return _wide_frame(panel)
    frame = _long_frame(panel)
    frame = frame.set_index(list(schema.index)) if schema.index else frame
    frame.index.names = [None if n in schema.unnamed else n for n in frame.index.names]
    if not schema.is_series:
        return frame
    name = schema.targets[0]
    return frame[name].rename(None if name in schema.unnamed else name)


def _long_frame(panel: Panel) -> pd.DataFrame:
    schema = panel.schema
    targets = {
        name: _typed(values, dtype)
        for name, values, dtype in zip(
            schema.targets, panel.target.T, schema.target_dtypes, strict=True
        )
    }
    ids = np.repeat(panel.ids, panel.lengths)
    owner = np.repeat(np.arange(len(panel.ids)), panel.lengths)
    known = {name: panel.known.cells(k) for k, name in enumerate(panel.known.names)}
    static = {name: panel.static.cells(k)[owner] for k, name in enumerate(panel.static.names)}
    beside = known | {name: cells.reset_index(drop=True) for name, cells in static.items()}
    return schema.table(panel.frequency, ids, panel.ordinals, targets | beside)


def _wide_frame(panel: Panel) -> pd.DataFrame:
    schema, ordinals = panel.schema, panel.ordinals
    axis, row = np.unique(ordinals, return_inverse=True)
    matrix = np.full((len(axis), len(panel.ids)), np.nan)
    matrix[row, np.repeat(np.arange(len(panel.ids)), panel.lengths)] = panel.target[:, 0]
    columns = {s: _typed(matrix[:, s], *schema.target_dtypes) for s in range(len(panel.ids))}
    frame = pd.DataFrame(columns)
    frame.columns = pd.Index(write_ids(panel.ids, schema.id_dtype))
    frame.columns.name = None if schema.id in schema.unnamed else schema.id
    times = write_times(panel.frequency.times(axis), schema.time_dtype, schema.local)
    if not schema.index:
        frame.insert(0, schema.time, times)
        return frame
    name = None if schema.time in schema.unnamed else schema.time
    return frame.set_axis(pd.Index(times, name=name), axis=0)


def _typed(values: NDArray[np.float64], dtype: str) -> pd.Series[Any]:
    """Convert values to the user's dtype, unless it cannot hold missing ones."""
    kind = pd.api.types.pandas_dtype(dtype)
    column = pd.Series(values)
    is_number = pd.api.types.is_numeric_dtype(kind)
    if not is_number or (isinstance(kind, np.dtype) and kind.kind != "f" and column.isna().any()):
        return column
    return column.astype(cast(Any, kind))
