"""Several files as one table: expanding patterns, and checking that the columns agree."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast.errors import DataError, first_few, quote

if TYPE_CHECKING:
    import pandas as pd

SHOWN_COLUMNS = 5  # in a message
DECIMAL_COMMA = r"[+-]?[\d.]*\d,\d+"
DECIMAL_POINT = r"[+-]?\d+\.\d+"


def files_of(*paths: str) -> list[str]:
    """Expand paths, some of which may be patterns such as stores/*.csv, to files.

    Args:
        paths: of files, or patterns: a path with a wildcard, unless there is a file of that name.

    Returns:
        Paths in the given order, those of a pattern sorted.

    Raises:
        DataError: no file matches a pattern.
    """
    files = []
    for path in paths:
        if not glob.has_magic(path) or Path(path).exists():
            files.append(path)
            continue
        matches = glob.glob(path, recursive=True)  # noqa: PTH207 - the pattern may be absolute
        matching_files = sorted(match for match in matches if not Path(match).is_dir())
        if not matching_files:
            raise DataError(f"{path}: no file matches this pattern; check the path")
        files += matching_files
    return files


def refuse_unlike(frames: Sequence[pd.DataFrame], sources: Sequence[str]) -> None:
    """Raise DataError for the first table whose columns are not those of the first one.

    Args:
        frames: the tables.
        sources: what to call them in messages.
    """
    expected = dict.fromkeys(_names(frames[0]))  # in their order, and fast to look up
    for frame, source in zip(frames, sources, strict=True):
        names = _names(frame)
        counts = Counter(names)
        if len(counts) < len(names):
            repeated = next(name for name in names if counts[name] > 1)
            raise DataError(f"{source}: two columns are called {quote(repeated)}; rename one")
        missing = [name for name in expected if name not in counts]
        extra = [name for name in names if name not in expected]
        differences = [f"lacks {first_few(missing, SHOWN_COLUMNS)}"] if missing else []
        differences += [f"has {first_few(extra, SHOWN_COLUMNS)} besides"] if extra else []
        if differences:
            raise DataError(
                f"{source}: unlike {sources[0]} it {' and '.join(differences)}; give all files the "
                "same columns, or leave this one out"
            )


def _names(frame: pd.DataFrame) -> list[Any]:
    return [*(name for name in frame.index.names if name is not None), *frame.columns]


def mixed_columns(frames: Sequence[pd.DataFrame]) -> list[Any]:
    """Columns whose type differs between tables: text in one, numbers or times in another.

    Read as numbers in one file, the id 7 would differ from 007 in the next.
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

    Next to 1,5 the number 1.485 would be read as thousands.

    Args:
        frames: the tables.
        sources: what to call them in messages.
        columns: names of the text columns.
    """
    for name in columns:
        texts = [frame[name].dropna().astype(str).str.strip() for frame in frames]
        commas = [text.str.fullmatch(DECIMAL_COMMA).any() for text in texts]
        points = [text.str.fullmatch(DECIMAL_POINT).any() for text in texts]
        only_points = [point and not comma for point, comma in zip(points, commas, strict=True)]
        if any(commas) and any(only_points):
            raise DataError(
                f"{sources[only_points.index(True)]}: decimal points in column '{name}', where "
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
