"""Columns beside the target: from the cells of a table to the numbers that a network takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from forecast.data.column_roles import kind_of
from forecast.data.origin import Place
from forecast.data.parsing import BOOLEANS, MISSING_WORDS, read_numbers
from forecast.errors import DataError, first_few, quote

FAR = 10.0  # standard deviations from the mean, from which on a number is remarked
MOST_CATEGORIES = 100  # each is an input of its own, whose weights are its embedding


@dataclass(frozen=True)
class CovariateColumns:
    """K columns of M rows.

    Attributes:
        names: of the columns.
        values: (M, K), NaN where missing; a category is its place among `categories`.
        categories: of each column, none for one of numbers.
        partial: for each column, whether the table has a cell of it that is missing; rows that
            were filled into a gap do not count.
    """

    names: tuple[str, ...]
    values: np.ndarray
    categories: tuple[tuple[str, ...], ...]
    partial: tuple[bool, ...] = ()

    def take(self, rows: np.ndarray) -> CovariateColumns:
        """The given rows, in that order; a negative one is missing."""
        values = np.where((rows < 0)[:, None], np.nan, self.values[rows])
        return replace(self, values=values)

    def cells(self, k: int) -> pd.Series[Any]:
        """Column k as a user has it: numbers, or the names of categories."""
        values = self.values[:, k]
        if not self.categories[k]:
            return pd.Series(values)
        names = np.array([*self.categories[k], None], dtype=object)
        return pd.Series(names[np.where(np.isnan(values), -1, values).astype(int)])


@dataclass(frozen=True)
class Covariate:
    """How a column enters the network.

    Numbers are standardised by what training has seen. A category is an input of its own that is 1:
    its weights in the first layer are what is learned of it. A missing cell is 0 in any case.

    Attributes:
        name: of the column.
        location, scale: of numbers.
        categories: that training has seen, none for numbers.
        has_missing: whether training has seen missing cells: then a flag says where there are none.
    """

    name: str
    location: float
    scale: float
    categories: tuple[str, ...]
    has_missing: bool

    @property
    def width(self) -> int:
        """How many inputs it makes."""
        return max(len(self.categories), 1) + self.has_missing

    def encode(self, values: np.ndarray, categories: tuple[str, ...]) -> np.ndarray:
        """Cells (M,) as inputs (M, width).

        Args:
            values: NaN where missing, see `CovariateColumns`.
            categories: that the values are places of.
        """
        missing = np.isnan(values)
        if self.categories:
            own = {name: place for place, name in enumerate(self.categories)}
            places = np.array([*(own.get(name, -1) for name in categories), -1])
            own_places = places[np.where(missing, -1, values).astype(int)]
            inputs = own_places[:, None] == np.arange(len(self.categories))
        else:
            inputs = np.where(missing, 0.0, (values - self.location) / self.scale)[:, None]
        if self.has_missing:
            inputs = np.column_stack([inputs, ~missing])
        found: np.ndarray = inputs.astype(np.float32)
        return found


NONE = CovariateColumns((), np.empty((0, 0)), ())


def read_columns(
    frame: pd.DataFrame, names: Iterable[str], place: Place, categorical: Mapping[str, bool]
) -> CovariateColumns:
    """Read columns of numbers, yes and no, or categories.

    Args:
        frame: the table, of M rows.
        names: of the columns.
        place: names rows in messages.
        categorical: for columns that are known already, whether they are categories.

    Raises:
        DataError: a column is missing, or holds neither.
    """
    names, read = tuple(names), []
    for name in names:
        if name not in frame.columns:
            raise DataError(
                f"{place.source}: no column {quote(name)}; it has {first_few(frame.columns)}"
                + ("; repeat the option for each column" if "," in name else "")
            )
        is_category = categorical.get(name)
        is_category = _is_category(frame[name], place) if is_category is None else is_category
        if is_category:
            read.append(_categories(frame[name]))
        else:
            read.append((read_numbers(frame[name], place), ()))
    values = np.column_stack([part for part, _ in read]) if read else np.empty((len(frame), 0))
    partial = tuple(bool(np.isnan(part).any()) for part, _ in read)
    return CovariateColumns(names, values, tuple(categories for _, categories in read), partial)


def _is_category(column: pd.Series[Any], place: Place) -> bool:
    """Whether a column holds categories rather than numbers."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return True
    kind = kind_of(column)
    if kind in ("time", "other"):
        raise place.error(0, column.name, "found neither numbers nor categories; turn it into some")
    if kind == "number" or pd.api.types.is_bool_dtype(column.dtype):
        return False
    texts = column.dropna().astype(str).str.strip().str.lower()
    return not texts.isin([*BOOLEANS, *MISSING_WORDS]).all()


def _categories(column: pd.Series[Any]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Places (M,) among the sorted names of categories, NaN where missing, and the names."""
    codes, found = pd.factorize(column)
    texts = [_text(value) for value in found]
    names = sorted({text for text in texts if text.lower() not in MISSING_WORDS})
    place = {name: float(k) for k, name in enumerate(names)}
    return np.array([*(place.get(text, np.nan) for text in texts), np.nan])[codes], tuple(names)


def _text(value: Any) -> str:
    """A category's name: 1 and 1.0 are the same one."""
    is_whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if is_whole else value).strip()


def one_per_series(
    columns: CovariateColumns, indptr: np.ndarray, ids: np.ndarray, source: str
) -> CovariateColumns:
    """The one value that each column has in all rows of a series, (S, K).

    Args:
        columns: of N rows.
        indptr: row ranges of the series (S+1,).
        ids: of the series (S,).
        source: what to call the table in messages.

    Raises:
        DataError: a column has two values in a series.
    """
    begin = indptr[:-1]
    low, high = (part.reduceat(columns.values, begin) for part in (np.fmin, np.fmax))
    for s, k in np.argwhere(low < high):
        cells = columns.cells(k)[indptr[s] : indptr[s + 1]].dropna().unique()
        raise DataError(
            f"{source}: column {quote(columns.names[k])} of series {quote(ids[s])} is both "
            f"{quote(cells[0])} and {quote(cells[1])}, but a static column has one value per "
            "series; give it with --known (known= in Python)"
        )
    return replace(columns, values=low)


def learn(columns: CovariateColumns, source: str) -> tuple[Covariate, ...]:
    """How each column is to enter the network.

    Raises:
        DataError: a column says nothing, or has too many categories.
    """
    return tuple(
        _learn(name, columns.values[:, k], columns.categories[k], columns.partial[k], source)
        for k, name in enumerate(columns.names)
    )


def _learn(
    name: str, values: np.ndarray, categories: tuple[str, ...], has_missing: bool, source: str
) -> Covariate:
    seen = values[~np.isnan(values)]
    if not len(seen):
        raise DataError(f"{source}: column {quote(name)} has no value at all; leave it out")
    if (seen == seen[0]).all() and not has_missing:
        value = quote(categories[int(seen[0])]) if categories else f"{seen[0]:g}"
        raise DataError(
            f"{source}: column {quote(name)} is {value} everywhere, which tells nothing; leave it "
            "out"
        )
    if len(categories) > MOST_CATEGORIES:
        raise DataError(
            f"{source}: column {quote(name)} has {len(categories):,} categories, at most "
            f"{MOST_CATEGORIES} can be taken; group them, or leave it out"
        )
    if categories:
        return Covariate(name, 0.0, 1.0, categories, has_missing)
    return Covariate(name, float(seen.mean()), float(seen.std()) or 1.0, (), has_missing)


def encode(columns: CovariateColumns, covariates: tuple[Covariate, ...], rows: int) -> np.ndarray:
    """The inputs of so many rows, (M, sum of the widths)."""
    parts = [
        covariate.encode(columns.values[:, k], columns.categories[k])
        for covariate in covariates
        for k in [columns.names.index(covariate.name)]
    ]
    return np.concatenate([np.empty((rows, 0), np.float32), *parts], axis=1)


def strange(columns: CovariateColumns, covariates: tuple[Covariate, ...], source: str) -> list[str]:
    """What training has seen nothing like, in words: new categories, numbers far from all others.

    Raises:
        DataError: a column has not a single category that training has seen.
    """
    notes = []
    for covariate in covariates:
        if covariate.name not in columns.names:
            continue
        k, name = columns.names.index(covariate.name), quote(covariate.name)
        seen = columns.values[~np.isnan(columns.values[:, k]), k]
        if not covariate.categories:
            far = seen[np.abs(seen - covariate.location) > FAR * covariate.scale]
            if len(far):
                notes.append(
                    f"column {name} has {far[0]:g}, far from what training has seen (mean "
                    f"{covariate.location:.4g}, standard deviation {covariate.scale:.4g})"
                )
            continue
        given = [columns.categories[k][int(place)] for place in np.unique(seen)]
        new = [category for category in given if category not in covariate.categories]
        if new and len(new) == len(given):
            raise DataError(
                f"{source}: column {name} has {first_few(new)}, none of the categories that "
                f"training has seen ({first_few(covariate.categories)}); write them as there"
            )
        if new:
            notes.append(
                f"column {name} has categories that training has not seen: {first_few(new)}; "
                "taken as none of the known ones"
            )
    return notes
