"""Covariates: from the cells of a table to the inputs of a network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from forecast.data.column_roles import kind_of
from forecast.data.number_columns import NumberReader
from forecast.data.origin import Place
from forecast.data.parsing import BOOLEANS, MISSING_WORDS
from forecast.errors import DataError, first_few, quote

FAR_STANDARD_DEVIATIONS = 10.0  # from the mean of training; numbers further off are reported
MAX_CATEGORIES = 100  # of a covariate; each one is an input, whose weights embed it


@dataclass(frozen=True)
class CovariateColumns:
    """K columns of M rows.

    Attributes:
        names: of the columns, K.
        values: (M, K), NaN where missing; a category is its position in `categories`.
        categories: of each column; none for a column of numbers.
        has_missing_cells: for each column, whether cells of the table are missing; rows that were
            filled into a gap do not count.
    """

    names: tuple[str, ...]
    values: np.ndarray
    categories: tuple[tuple[str, ...], ...]
    has_missing_cells: tuple[bool, ...] = ()

    def take(self, rows: np.ndarray) -> CovariateColumns:
        """The given rows, in that order; a negative one is missing."""
        values = np.where((rows < 0)[:, None], np.nan, self.values[rows])
        return replace(self, values=values)

    def cells(self, k: int) -> pd.Series[Any]:
        """Column k in the user's form: numbers, or names of categories."""
        values = self.values[:, k]
        if not self.categories[k]:
            return pd.Series(values)
        names = np.array([*self.categories[k], None], dtype=object)
        return pd.Series(names[np.where(np.isnan(values), -1, values).astype(int)])


@dataclass(frozen=True)
class Covariate:
    """How a covariate enters the network.

    Numbers are standardised by mean and standard deviation in training. Categories are one-hot
    encoded: the weights of the first layer embed them. Missing cells are encoded as zeros.

    Attributes:
        name: of the column.
        location, scale: mean and standard deviation of numbers.
        categories: those seen in training, none for numbers.
        has_missing: whether cells were missing in training; then a flag marks cells that are not.
    """

    name: str
    location: float
    scale: float
    categories: tuple[str, ...]
    has_missing: bool

    @property
    def width(self) -> int:
        """How many inputs it has."""
        return max(len(self.categories), 1) + self.has_missing

    def encode(self, values: np.ndarray, categories: tuple[str, ...]) -> np.ndarray:
        """Cells (M,) as inputs (M, width).

        Args:
            values: NaN where missing, see `CovariateColumns`.
            categories: in which the values are positions.
        """
        missing = np.isnan(values)
        if self.categories:
            positions = {name: k for k, name in enumerate(self.categories)}
            own_codes = np.array([*(positions.get(name, -1) for name in categories), -1])
            codes = own_codes[np.where(missing, -1, values).astype(int)]
            inputs = codes[:, None] == np.arange(len(self.categories))
        else:
            inputs = np.where(missing, 0.0, (values - self.location) / self.scale)[:, None]
        if self.has_missing:
            inputs = np.column_stack([inputs, ~missing])
        encoded: np.ndarray = inputs.astype(np.float32)
        return encoded


NO_COVARIATES = CovariateColumns((), np.empty((0, 0)), ())


def read_columns(
    numbers: NumberReader, names: Iterable[str], categorical: Mapping[str, bool]
) -> CovariateColumns:
    """Read columns of numbers, booleans or categories.

    Args:
        numbers: of the table, of M rows.
        names: of the K columns.
        categorical: whether a column is categorical, where an earlier table has settled it.

    Returns:
        The columns, (M, K).

    Raises:
        DataError: a column is missing, or holds neither.
    """
    names, read = tuple(names), []
    frame, place = numbers.frame, numbers.place
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
            read.append((numbers.read(name), ()))
    values = np.column_stack([part for part, _ in read]) if read else np.empty((len(frame), 0))
    has_missing_cells = tuple(bool(np.isnan(part).any()) for part, _ in read)
    return CovariateColumns(
        names, values, tuple(categories for _, categories in read), has_missing_cells
    )


def _is_category(column: pd.Series[Any], place: Place) -> bool:
    """Whether a column holds categories rather than numbers."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return True
    kind = kind_of(column)
    if kind in ("time", "other"):
        raise place.error(
            0, column.name, "found neither numbers nor categories; convert the column"
        )
    if kind == "number" or pd.api.types.is_bool_dtype(column.dtype):
        return False
    texts = column.dropna().astype(str).str.strip().str.lower()
    return not texts.isin([*BOOLEANS, *MISSING_WORDS]).all()


def _categories(column: pd.Series[Any]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Positions (M,) in the sorted names of categories, NaN where missing, and the names."""
    codes, distinct = pd.factorize(column)
    texts = [_text(value) for value in distinct]
    names = sorted({text for text in texts if text.lower() not in MISSING_WORDS})
    positions = {name: float(k) for k, name in enumerate(names)}
    values = np.array([*(positions.get(text, np.nan) for text in texts), np.nan])  # code -1
    return values[codes], tuple(names)


def _text(value: Any) -> str:
    """A category's name: 1 and 1.0 are the same one."""
    is_whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if is_whole else value).strip()


def values_per_series(
    columns: CovariateColumns, indptr: np.ndarray, ids: np.ndarray, source: str
) -> CovariateColumns:
    """Static covariates: the one value that each column has in all rows of a series.

    Args:
        columns: (N, K).
        indptr: row ranges of the series (S+1,).
        ids: of the series (S,).
        source: what to call the table in messages.

    Returns:
        The columns, (S, K).

    Raises:
        DataError: a column has two values in a series.
    """
    low, high = (part.reduceat(columns.values, indptr[:-1]) for part in (np.fmin, np.fmax))
    for s, k in np.argwhere(low < high):
        cells = columns.cells(k)[indptr[s] : indptr[s + 1]].dropna().unique()
        raise DataError(
            f"{source}: column {quote(columns.names[k])} of series {quote(ids[s])} is both "
            f"{quote(cells[0])} and {quote(cells[1])}, but a static column has one value per "
            "series; give it with --known (known= in Python)"
        )
    return replace(columns, values=low)


def learn(columns: CovariateColumns, source: str) -> tuple[Covariate, ...]:
    """Learn from the training data how each column enters the network.

    Raises:
        DataError: a column is empty or constant, or has too many categories.
    """
    return tuple(
        _learn(
            name, columns.values[:, k], columns.categories[k], columns.has_missing_cells[k], source
        )
        for k, name in enumerate(columns.names)
    )


def _learn(
    name: str, values: np.ndarray, categories: tuple[str, ...], has_missing: bool, source: str
) -> Covariate:
    observed = values[~np.isnan(values)]
    if not len(observed):
        raise DataError(f"{source}: column {quote(name)} has no value at all; leave it out")
    if (observed == observed[0]).all() and not has_missing:
        value = quote(categories[int(observed[0])]) if categories else f"{observed[0]:g}"
        raise DataError(
            f"{source}: column {quote(name)} is {value} everywhere, which carries no information; "
            "leave it out"
        )
    if len(categories) > MAX_CATEGORIES:
        raise DataError(
            f"{source}: column {quote(name)} has {len(categories):,} categories, at most "
            f"{MAX_CATEGORIES} are supported; group them, or leave it out"
        )
    if categories:
        return Covariate(name, 0.0, 1.0, categories, has_missing)
    return Covariate(name, float(observed.mean()), float(observed.std()) or 1.0, (), has_missing)


def encode(columns: CovariateColumns, covariates: tuple[Covariate, ...], rows: int) -> np.ndarray:
    """The inputs of a network for M rows, (M, sum of the widths of the covariates)."""
    parts = [
        covariate.encode(columns.values[:, k], columns.categories[k])
        for covariate in covariates
        for k in [columns.names.index(covariate.name)]
    ]
    return np.concatenate([np.empty((rows, 0), np.float32), *parts], axis=1)


def unfamiliar_values(
    columns: CovariateColumns, covariates: tuple[Covariate, ...], source: str
) -> list[str]:
    """Notes on values unlike those of training: unseen categories, numbers far from all others.

    Raises:
        DataError: none of the categories of a column was seen in training.
    """
    notes = []
    for covariate in covariates:
        if covariate.name not in columns.names:
            continue
        k, name = columns.names.index(covariate.name), quote(covariate.name)
        values = columns.values[~np.isnan(columns.values[:, k]), k]
        if not covariate.categories:
            distance = np.abs(values - covariate.location)
            far = values[distance > FAR_STANDARD_DEVIATIONS * covariate.scale]
            if len(far):
                notes.append(
                    f"column {name} has {far[0]:g}, far from the values seen in training (mean "
                    f"{covariate.location:.4g}, standard deviation {covariate.scale:.4g})"
                )
            continue
        categories = [columns.categories[k][int(position)] for position in np.unique(values)]
        unseen = [category for category in categories if category not in covariate.categories]
        if unseen and len(unseen) == len(categories):
            raise DataError(
                f"{source}: column {name} has {first_few(unseen)}, but training has seen only "
                f"{first_few(covariate.categories)}; spell categories as in training"
            )
        if unseen:
            notes.append(
                f"column {name} has categories unseen in training: {first_few(unseen)}; encoded "
                "as zeros"
            )
    return notes
