"""What errors are usual: their means over the rows on which nothing was suspicious."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

LARGEST_ERROR = 10.0  # means that a single row, however far off, counts for at most


class Means(NamedTuple):
    """Sums over the rows on which nothing was suspicious, (S,) each.

    Attributes:
        error, naive: of absolute errors of the model and of the seasonal naive forecast.
        rows, naive_rows: that they are sums of.
    """

    error: np.ndarray
    naive: np.ndarray
    rows: np.ndarray
    naive_rows: np.ndarray

    @classmethod
    def start(cls, naive: np.ndarray) -> Self:
        """Means before any row.

        Args:
            naive: absolute errors of the seasonal naive forecast on earlier rows, (S, n), NaN
                where unknown.
        """
        none = np.zeros(len(naive), np.int64)
        return cls(np.zeros(len(naive)), np.nansum(naive, 1), none, (~np.isnan(naive)).sum(axis=1))

    @property
    def usual_error(self) -> np.ndarray:
        """The mean absolute error of the model (S,); NaN before the first row."""
        return mean_of(self.error, self.rows)

    @property
    def naive_scale(self) -> np.ndarray:
        """That of the seasonal naive forecast, by which MASE divides."""
        return mean_of(self.naive, self.naive_rows)

    def added(self, error: np.ndarray, naive: np.ndarray, is_first: np.ndarray) -> Self:
        """With the errors of another row, (S,) each; NaN adds nothing.

        Args:
            error, naive: of the row.
            is_first: whether it is one of the first rows, which are capped together, see
                `recounted`; later ones are capped by the means before them.
        """
        error = np.where(is_first, error, capped(error, self.usual_error))
        naive = np.where(is_first, naive, capped(naive, self.naive_scale))
        return type(self)(
            self.error + np.nan_to_num(error),
            self.naive + np.nan_to_num(naive),
            self.rows + ~np.isnan(error),
            self.naive_rows + ~np.isnan(naive),
        )

    def recounted(self, series: np.ndarray, errors: np.ndarray) -> Self:
        """With outliers among the first rows capped, by the median of these rows.

        Args:
            series: places of some series (B,).
            errors: of their first rows, which are among the sums: of the model and of the naive
                forecast, (B, n, 2).
        """
        is_unknown = np.isnan(errors).all(axis=1, keepdims=True)
        usual = np.nanmedian(np.where(is_unknown, 0.0, errors), axis=1, keepdims=True)
        excess = np.nansum(errors - capped(errors, usual), axis=1)
        error, naive = self.error.copy(), self.naive.copy()
        error[series] -= excess[:, 0]
        naive[series] -= excess[:, 1]
        return self._replace(error=error, naive=naive)


def capped(error: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """Absolute errors, so many times as large as the usual ones at most; any where these are 0."""
    return np.where((usual > 0) & (error > LARGEST_ERROR * usual), LARGEST_ERROR * usual, error)


def mean_of(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    """A sum divided by the number of its terms; NaN of none."""
    none = np.full(total.shape, np.nan)
    return np.asarray(np.divide(total, count, out=none, where=count > 0))
