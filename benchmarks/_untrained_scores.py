"""Scores of quantile forecasts, as pure functions of arrays: S series, H steps, L quantiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from benchmarks._common import LEVELS, pinball, weighted
from benchmarks.m4_hourly import Score
from forecast.data.panel import Panel
from forecast.evaluation.metrics import seasonal_differences, seasonal_scale, valid_scale

INTERVALS = (20, 40, 60, 80, 95)  # levels in percent
PROBABILITIES = np.array([0.025, *LEVELS, 0.975])  # (L,), the ends of the intervals, and the median
DECILES = slice(1, -1)
MEDIAN = len(INTERVALS)
WIDEST = {80: (1, -2), 95: (0, -1)}  # level: where its ends are among the quantiles


class Scores(NamedTuple):
    """Scores of one method on one set.

    Attributes:
        mase: mean absolute scaled error (Hyndman & Koehler 2006), the mean over the series.
        quantile_loss: weighted quantile loss at 0.1 … 0.9, of all values together.
        coverage: empirical coverage of the 80 % and the 95 % intervals, in percent, by level.
        smape: symmetric mean absolute percentage error, in percent, the mean over the series.
    """

    mase: float
    quantile_loss: float
    coverage: dict[int, float]
    smape: float

    @property
    def m4(self) -> Score:
        """The scores of the M4 competition, with OWA."""
        return Score(self.smape, self.mase)


def scores(actual: np.ndarray, quantiles: np.ndarray, scale: np.ndarray) -> Scores:
    """All scores of a forecast.

    Args:
        actual: (S, H).
        quantiles: at PROBABILITIES (L, S, H); the median is the point forecast.
        scale: of the errors (S,), see `error_scale`.
    """
    point = quantiles[MEDIAN]
    return Scores(
        mase(actual, point, scale),
        quantile_loss(actual, quantiles[DECILES]),
        {
            level: coverage(actual, quantiles[low], quantiles[high])
            for level, (low, high) in WIDEST.items()
        },
        smape(actual, point),
    )


def error_scale(history: Panel, season: int) -> np.ndarray:
    """The mean absolute seasonal difference of each series (S,); NaN where there is none."""
    differences = seasonal_differences(history, season)[:, 0]
    scale = seasonal_scale(differences, history.indptr[:-1], history.indptr[1:])
    return valid_scale(scale.absolute)


def mase(actual: np.ndarray, point: np.ndarray, scale: np.ndarray) -> float:
    """The mean over the series that have a scale; arrays (S, H), (S, H), (S,)."""
    return float(np.nanmean(np.abs(actual - point).mean(axis=1) / scale))


def smape(actual: np.ndarray, point: np.ndarray) -> float:
    """The error of M4 in percent, 0 where both are 0; arrays (S, H)."""
    size = np.abs(actual) + np.abs(point)
    errors = np.divide(np.abs(actual - point), size, out=np.zeros_like(size), where=size > 0)
    return float(200 * errors.mean())


def quantile_loss(actual: np.ndarray, deciles: np.ndarray) -> float:
    """Twice the pinball loss relative to the actuals, the mean over the deciles (9, S, H)."""
    return float(weighted(pinball(actual, deciles, LEVELS), actual).mean())


def coverage(actual: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    """The share of actuals within an interval, in percent; arrays (S, H)."""
    return float(100 * ((low <= actual) & (actual <= high)).mean())


def geometric_mean(ratios: Sequence[float]) -> float:
    """The geometric mean of positive numbers."""
    return float(np.exp(np.log(ratios).mean()))
