"""Table layouts: index levels and names of files become plain columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from forecast.data.column_roles import kind_of
from forecast.data.origin import SourceFile
from forecast.data.timestamps import Times
from forecast.errors import DataError, quote

DEFAULT_NAMES = {"time": "ds", "id": "unique_id", "": "index"}
FILE_COLUMN = "file"  # holds the names of files


class Flat(NamedTuple):
    """A table whose index levels have become columns."""

    frame: pd.DataFrame  # text names, rows numbered from 0
    labels: dict[str, Any]  # the user's column labels
    roles: dict[str, str]  # "id", "time", "target" as far as the layout determines them
    levels: tuple[str, ...]  # columns that came from the index
    unnamed: tuple[str, ...]  # columns without a name in the user's table
    axis: str | None  # name of the column axis: the id of a pivoted table
    is_series: bool


def flatten(table: pd.DataFrame | pd.Series[Any], source: str) -> Flat:
    """Turn the index of a table, where it holds ids or times, into columns.

    Args:
        table: the user's table.
        source: what to call the table in messages.

    Returns:
        The table as plain columns, and the roles that its layout determines.

    Raises:
        DataError: it is not a table, has no rows, or two columns of one name.
    """
    if isinstance(table, pd.Series):
        name = "y" if table.name is None else str(table.name)
        flat = _without_index(table.to_frame(name), source, is_series=True)
        unnamed = flat.unnamed if table.name is not None else (*flat.unnamed, name)
        return flat._replace(roles={**flat.roles, "target": name}, unnamed=unnamed)
    if not isinstance(table, pd.DataFrame):
        raise DataError(f"{source}: a {type(table).__name__}, where a DataFrame should be")
    return _without_index(table, source, is_series=False)


def _without_index(table: pd.DataFrame, source: str, is_series: bool) -> Flat:
    labels = _labels(table, source)
    frame = table.copy(deep=False)
    frame.columns, frame.index = pd.Index(list(labels), dtype=object), pd.RangeIndex(len(frame))
    levels = _levels(table.index) if is_series or _holds_data(table.index) else []
    roles: dict[str, str] = {}
    names: list[str] = []
    unnamed: list[str] = []
    for role, level in zip(_level_roles(levels, is_series), levels, strict=True):
        name = DEFAULT_NAMES[role] if level.name is None else str(level.name)
        if name in frame.columns:
            raise DataError(
                f"{source}: {quote(name)} is both an index level and a column; rename one"
            )
        frame.insert(len(names), name, level)
        names.append(name)
        unnamed += [name] if level.name is None else []
        roles |= {role: name} if role else {}
    axis = None if table.columns.name is None else str(table.columns.name)
    return Flat(frame, labels, roles, tuple(names), tuple(unnamed), axis, is_series)


def with_names(flat: Flat, names: Iterable[str]) -> Flat:
    """The table with its columns called as they are asked for, but for spaces around the names.

    Args:
        flat: the table.
        names: of columns; where the table has none of a name, but one that differs from it only
            in spaces around it, that column takes the name.
    """
    columns = [*flat.frame.columns]
    stripped = [name.strip() for name in columns]
    renamed = {
        columns[stripped.index(name.strip())]: name
        for name in names
        if name not in columns and stripped.count(name.strip()) == 1
    }
    if not renamed:
        return flat
    labels = {renamed.get(name, name): label for name, label in flat.labels.items()}
    levels = tuple(renamed.get(name, name) for name in flat.levels)
    return flat._replace(
        frame=flat.frame.rename(columns=renamed),
        labels=labels,
        levels=levels,
        roles={role: renamed.get(name, name) for role, name in flat.roles.items()},
    )


def with_files(flat: Flat, files: Sequence[SourceFile]) -> Flat:
    """Add a column with the file name of each row, unless there is such a column.

    Args:
        flat: the table.
        files: whose rows it has, one below the other; none for a table in memory.
    """
    if FILE_COLUMN in flat.frame.columns or not files:
        return flat
    names = np.repeat(
        np.array([file.name for file in files], dtype=object), [f.rows for f in files]
    )
    frame = flat.frame.assign(**{FILE_COLUMN: pd.Series(names, dtype="str")})
    return flat._replace(frame=frame, labels={**flat.labels, FILE_COLUMN: FILE_COLUMN})


def files_distinguish_rows(flat: Flat, times: Times) -> bool:
    """Whether the names of files, and nothing else, distinguish rows of the same time.

    Args:
        flat: the table, with names of files.
        times: of its rows.
    """
    rows = pd.DataFrame({"file": flat.frame[FILE_COLUMN].to_numpy(), "time": times.values})
    return bool(rows["time"].duplicated().any() and not rows.duplicated().any())


def _labels(table: pd.DataFrame, source: str) -> dict[str, Any]:
    """The user's labels of the columns; refuses tables without rows, and repeated names."""
    if isinstance(table.columns, pd.MultiIndex):
        raise DataError(f"{source}: the columns have several levels; use one name per column")
    if not len(table):
        raise DataError(f"{source}: no rows; it needs some")
    labels: dict[str, Any] = {}
    for label in table.columns:
        if str(label) in labels:
            raise DataError(f"{source}: two columns are called {quote(label)}; rename one")
        labels[str(label)] = label
    return labels


def _levels(index: pd.Index[Any]) -> list[pd.Series[Any]]:
    if not isinstance(index, pd.MultiIndex):
        return [pd.Series(index.array, name=index.name)]
    return [
        pd.Series(index.get_level_values(n).array, name=index.names[n])
        for n in range(index.nlevels)
    ]


def _holds_data(index: pd.Index[Any]) -> bool:
    """Whether the index of a frame is more than row numbers."""
    return not pd.api.types.is_integer_dtype(index.dtype) or index.name is not None


def _level_roles(levels: list[pd.Series[Any]], is_series: bool) -> list[str]:
    """Infer "id" and "time" among index levels; "" where the columns have to decide."""
    kinds = [kind_of(level) for level in levels]
    if len(levels) == 2:
        is_time_first = kinds[0] == "time" and kinds[1] != "time"
        return ["time", "id"] if is_time_first else ["id", "time"]
    if len(levels) == 1 and (is_series or kinds[0] == "time"):
        return ["time"]
    return ["id" if kind == "text" else "" for kind in kinds]
