"""Columns of numbers and ids: from the cells of a table to arrays, and ids back."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data.origin import Place
from forecast.errors import quote

MISSING_WORDS = ("", "-", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "<na>", "?")
BOOLEANS = {"false": "0", "true": "1"}
DECIMAL_COMMA = re.compile(r"[+-]?\d+(\.\d{3})*,\d+$")
MAYBE_DECIMAL_COMMA = r"[+-]?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?"  # a point every three digits
SURELY_DECIMAL_COMMA = r".*(\..*,|,(\d{1,2}|\d{4,})$).*"  # not a comma every three digits


class Ids(NamedTuple):
    """A parsed id column."""

    codes: NDArray[Any]  # (N,) whole numbers, positions in `values`
    values: NDArray[Any]  # (S,) sorted
    dtype: str


def read_numbers(column: pd.Series[Any], place: Place) -> NDArray[np.float64]:
    """Parse a column of numbers.

    Args:
        column: (N,) numbers, booleans, or numbers as text.
        place: names rows in messages.

    Returns:
        (N,) with NaN where missing.

    Raises:
        DataError: a cell is not a number or is infinite.
    """
    column = plain(column)
    if column.dtype.kind in "biuf":
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    elif pd.api.types.is_string_dtype(column.dtype) or column.dtype == object:
        values = _numbers_in_text(column, place)
    else:
        raise place.error(0, column.name, f"found {column.iloc[0]}, where a number should be")
    infinite = np.isinf(values)
    if infinite.any():
        at = first(infinite)
        raise place.error(at, column.name, f"{values[at]} is infinite; leave unknown values empty")
    return values


def _numbers_in_text(column: pd.Series[Any], place: Place) -> NDArray[np.float64]:
    if pd.api.types.infer_dtype(column).startswith("mixed"):
        column = column.astype("str")
    codes, distinct = pd.factorize(column)
    texts = pd.Series(distinct).astype("str").str.strip().str.lower().replace(BOOLEANS)
    numbers = pd.to_numeric(texts, errors="coerce").to_numpy(dtype=np.float64)
    missing = texts.isin(MISSING_WORDS).to_numpy()
    wrong = np.isnan(numbers) & ~missing
    if wrong.any() and texts.str.fullmatch(SURELY_DECIMAL_COMMA).any():
        fits = texts.str.fullmatch(MAYBE_DECIMAL_COMMA).to_numpy()
        if (fits | missing).all():
            points = texts.where(fits, "").str.replace(".", "").str.replace(",", ".")
            return np.append(pd.to_numeric(points), np.nan)[codes]
        wrong = wrong & ~fits if (wrong & ~fits).any() else wrong  # wrong either way comes first
    if wrong.any():
        at = first(np.append(wrong, False)[codes])  # code -1, a missing cell, takes the last
        text = str(column.iloc[at])
        problem = f"found {quote(text)}, where a number should be{_hint(text.strip())}"
        raise place.error(at, column.name, problem)
    return np.append(numbers, np.nan)[codes]


def _hint(text: str) -> str:
    if not DECIMAL_COMMA.match(text):
        return ""
    return f"; write it as {text.replace('.', '').replace(',', '.')}"


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
