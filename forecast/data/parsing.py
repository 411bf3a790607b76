"""Cells of ids and of missing values; ids to arrays, and back."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data.origin import Place
from forecast.errors import quote

MISSING_WORDS = (
    *("", "-", "na", "n/a", "n.a.", "#n/a", "nan", "null", "none", "nil", "<na>", "?"),
    *(".", "..", "...", ":", "\u2013", "\u2014", "\u2026"),  # of statistical offices
)
BOOLEANS = {"false": "0", "true": "1"}


class Ids(NamedTuple):
    """A parsed id column."""

    codes: NDArray[Any]  # (N,) whole numbers, positions in `values`
    values: NDArray[Any]  # (S,) sorted
    dtype: str


def read_ids(column: pd.Series[Any], place: Place) -> Ids:
    """Number the ids of a column in sorted order.

    Args:
        column: (N,) text, whole numbers or categories.
        place: names rows in messages.

    Returns:
        Codes per row and the S sorted values.

    Raises:
        DataError: a cell is missing or empty.
    """
    try:
        codes, distinct = pd.factorize(column)
    except TypeError:
        raise place.error(
            0, column.name, f"found {quote(column.iloc[0])}, where an id should be"
        ) from None
    values = np.asarray(distinct)
    if values.dtype.kind not in "iuO":
        values = values.astype(object)
    blank = np.array([isinstance(v, str) and not v.strip() for v in values], dtype=bool)
    missing = np.append(blank, True)
    if blank.any() or (len(codes) and codes.min() < 0):
        at = first(missing[codes])
        raise place.error(at, column.name, "no id; every row needs one")
    order = np.array(sorted(range(len(values)), key=_sort_key(values)), dtype=np.intp)
    rank = np.empty(len(order), dtype=np.int16 if len(order) < 2**15 else np.int64)
    rank[order] = np.arange(len(order))
    return Ids(rank[codes], values[order], str(column.dtype))


def _sort_key(values: NDArray[Any]) -> Any:
    """Sort text and numbers by value and ids of mixed or other types as text."""
    one_type = {type(value) for value in values.tolist()} in ({str}, {int}, {float})
    return values.tolist().__getitem__ if one_type else lambda i: str(values[i])


def write_ids(ids: NDArray[Any], dtype: str) -> pd.Series[Any]:
    """Write ids in the user's own dtype; the inverse of `read_ids`.

    Args:
        ids: (M,) id values.
        dtype: `Ids.dtype`.

    Returns:
        (M,) a column of that dtype.
    """
    return pd.Series(ids).astype(cast(Any, dtype))


def spelled_alike(ids: Iterable[Any]) -> list[tuple[str, str]]:
    """Pairs of ids that differ only in spaces, case or Unicode form.

    Example:
        >>> spelled_alike(["Bonn", "Bonn ", "Ulm", 7])
        [('Bonn', 'Bonn ')]
    """
    first_of: dict[str, str] = {}
    pairs = []
    for text in ids:
        if isinstance(text, str):
            key = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
            earlier = first_of.setdefault(key, text)
            if earlier is not text:
                pairs.append((earlier, text))
    return pairs


def plain(column: pd.Series[Any]) -> pd.Series[Any]:
    """Convert categories and Arrow's dtypes to the plain dtype of their values, (N,)."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if isinstance(column.dtype, pd.ArrowDtype):
        values = cast(Any, column.array).__arrow_array__().to_pandas(date_as_object=False)
        column = pd.Series(values, name=column.name)
    return column


def first(mask: Any) -> int:
    """Position of the first True in a mask (N,)."""
    return int(np.argmax(np.asarray(mask)))
