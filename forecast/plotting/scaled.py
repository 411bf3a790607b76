"""The errors of a backtest in units that all its series share."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from forecast.backtest import Backtest


class Scaled(NamedTuple):
    """Absolute errors.

    Attributes:
        values: (M, H), NaN where the actual value is missing or its series has no scale.
        measure: what their mean is called: "MASE", or "MAE" where no series has a scale.
    """

    values: np.ndarray
    measure: str


def scaled_errors(backtest: Backtest, name: str) -> Scaled:
    """Absolute errors of a forecast, scaled as in `forecast.evaluation.metrics.measure`."""
    errors = np.abs(backtest.forecasts[name] - backtest.actual)
    change = backtest.past.change[:, None]
    usable = np.isfinite(change) & (change > 0)
    if not (usable & ~np.isnan(backtest.actual)).any():
        return Scaled(errors, "MAE")
    return Scaled(errors / np.where(usable, change, np.nan), "MASE")


def mean(values: np.ndarray, axis: int) -> np.ndarray:
    """The mean of what is known of (M, H) along an axis; NaN where nothing is."""
    known = ~np.isnan(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0.0).sum(axis=axis)
    found: np.ndarray = np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
    return found


def mean_of_each(backtest: Backtest, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The ids (S,) and the mean of all known values (M, H) of each series, (S,)."""
    codes, ids = pd.factorize(backtest.ids)
    found = pd.Series(values.ravel()).groupby(np.repeat(codes, backtest.horizon)).mean()
    return np.asarray(ids), found.to_numpy()
