"""Several files as one table: which files are meant, and how their columns fit together."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast.errors import DataError, first_few

if TYPE_CHECKING:
    import pandas as pd

SHOWN_COLUMNS = 5  # in a message
DECIMAL_COMMA = r"[+-]?[\d.]*\d,\d+"
DECIMAL_POINT = r"[+-]?\d+\.\d+"


def files_of(*paths: str) -> list[str]:
    """Find the files that paths mean, where some may be patterns such as stores/*.csv.

    Args:
        paths: a path is a pattern if it has a wildcard and no file is called so.

    Returns:
        Paths in the given order, those of a pattern sorted.

    Raises:
        DataError: no file fits a pattern.
    """
    found = []
    for path in paths:
        if not glob.has_magic(path) or Path(path).exists():
            found.append(path)
            continue
        fitting = glob.glob(path, recursive=True)  # noqa: PTH207 - the pattern may be absolute
        files = sorted(one for one in fitting if not Path(one).is_dir())
        if not files:
            raise DataError(f"{path}: no file fits this pattern; check the path")
        found += files
    return found


def refuse_unlike(frames: Sequence[pd.DataFrame], sources: Sequence[str]) -> None:
    """Raise DataError for the first table whose columns are not those of the first one.

    Args:
        frames: the tables.
        sources: what to call them in messages.
    """
    expected = _names(frames[0])
    for frame, source in zip(frames, sources, strict=True):
        names = _names(frame)
        if twice := [name for name in names if names.count(name) > 1]:
            raise DataError(f"{source}: two columns are called '{twice[0]}'; rename one")
        lacks = [name for name in expected if name not in names]
        more = [name for name in names if name not in expected]
        parts = [*([f"lacks {first_few(lacks, SHOWN_COLUMNS)}"] if lacks else [])]
        parts += [f"has {first_few(more, SHOWN_COLUMNS)} besides"] if more else []
        if parts:
            raise DataError(
                f"{source}: unlike {sources[0]} it {' and '.join(parts)}; give all files the same "
                "columns, or leave this one out"
            )


def _names(frame: pd.DataFrame) -> list[Any]:
    return [*(name for name in frame.index.names if name is not None), *frame.columns]


def mixed_columns(frames: Sequence[pd.DataFrame]) -> list[Any]:
    """Columns that hold text, numbers or times in one table and something else in another.

    As numbers, the ids 7 of one file would be others than 007 of the next.
    """
    return [
        name
        for name in frames[0].columns
        if len({_kind(frame[name]) for frame in frames} - {"empty"}) > 1
    ]


def refuse_two_decimals(
    frames: Sequence[pd.DataFrame], sources: Sequence[str], columns: Sequence[Any]
) -> None:
    """Raise DataError where text has decimal commas in one table and decimal points in another.

    Read together, 1.485 beside 1,5 would be taken for thousands.

    Args:
        frames: the tables.
        sources: what to call them in messages.
        columns: those of text.
    """
    for name in columns:
        texts = [frame[name].dropna().astype(str).str.strip() for frame in frames]
        commas = [text.str.fullmatch(DECIMAL_COMMA).any() for text in texts]
        points = [text.str.fullmatch(DECIMAL_POINT).any() for text in texts]
        alone = [has and not comma for has, comma in zip(points, commas, strict=True)]
        if any(commas) and any(alone):
            raise DataError(
                f"{sources[alone.index(True)]}: decimal points in column '{name}', where "
                f"{sources[commas.index(True)]} has decimal commas; write all files the same way"
            )


def _kind(column: pd.Series[Any]) -> str:
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        column = pd.Series(column.cat.categories)
    kind = pd.api.types.infer_dtype(column, skipna=True)
    if kind in ("integer", "floating", "mixed-integer-float", "decimal"):
        return "number"
    return "time" if kind in ("datetime64", "datetime", "date") else kind
