"""Forecasts of a whole horizon from some of the rows that a monitor follows."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from forecast.data.panel import Panel
from forecast.evaluation.metrics import valid_scale
from forecast.monitoring.monitor import Monitor, Watch
from forecast.monitoring.statistics import LEVELS


class Ahead(NamedTuple):
    """Sums over the forecasts of a horizon from the rows of S series, one horizon apart.

    Attributes:
        error, naive: of absolute errors of the model and of the seasonal naive forecast (S,).
        values: that the former are sums of (S,).
        naive_values: that the latter are sums of (S,).
        inside, compared: values inside each interval, and those compared with it (S, L).
    """

    error: np.ndarray
    naive: np.ndarray
    values: np.ndarray
    naive_values: np.ndarray
    inside: np.ndarray
    compared: np.ndarray

    @classmethod
    def start(cls, series: int) -> Self:
        """No forecast."""
        none = np.zeros(series)
        return cls(none, none, none, none, *[np.zeros((series, len(LEVELS)))] * 2)

    def plus(self, series: np.ndarray, more: Ahead) -> Self:
        """With the sums of some series (B,) added."""
        totals = [part.copy() for part in self]
        for total, part in zip(totals, more, strict=True):
            total[series] += part
        return type(self)(*totals)

    def columns(self, naive_scale: np.ndarray) -> dict[str, np.ndarray]:
        """The measures of each series, for a table.

        Args:
            naive_scale: by which MASE divides, (S,).
        """
        scale = valid_scale(naive_scale)
        with np.errstate(invalid="ignore", divide="ignore"):
            coverage = self.inside / self.compared
            return {
                "ahead_mase": self.error / self.values / scale,
                "ahead_mase_naive": self.naive / self.naive_values / scale,
                **{f"ahead_coverage-{level:g}": coverage[:, k] for k, level in enumerate(LEVELS)},
            }


def forecast_ahead(watch: Watch, monitor: Monitor, rows: Panel, done: int, horizon: int) -> Ahead:
    """Forecast the next H rows of the series that have so many, and compare.

    Args:
        watch: how rows are forecast.
        monitor: of exactly the series of the rows, after `done` of these.
        rows: all of them.
        done: how many the monitor has seen of each.
        horizon: steps H.
    """
    d, first = monitor.target, rows.indptr[:-1, None] + done
    actual = rows.target[first + np.arange(horizon), d]  # (S, H)
    forecast = watch.forecast(monitor.state, horizon)
    inside = forecast.inside(actual, d)  # (S, H, L)
    season = monitor.season[:, np.arange(horizon) % monitor.season.shape[1]]
    error, naive = np.abs(actual - forecast.centre.values[..., d]), np.abs(actual - season)
    return Ahead(
        np.nansum(error, axis=1),
        np.nansum(naive, axis=1),
        (~np.isnan(error)).sum(axis=1),
        (~np.isnan(naive)).sum(axis=1),
        np.nansum(inside, axis=1),
        (~np.isnan(inside)).sum(axis=1),
    )
