"""Baselines: forecasts that cost little, with which every model is compared."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from forecast.data.panel import Panel
from forecast.evaluation.statsforecast_baselines import auto_ets, auto_theta, filled

Z_90 = 1.645  # standard errors beyond which a seasonal autocorrelation counts, as in M4
MIN_SEASONS = 3  # that a series must have to be called seasonal

Baseline = Callable[[Panel, int, int], np.ndarray]  # panel, season, horizon: (S, H, D)


def naive(panel: Panel, season: int, horizon: int) -> np.ndarray:  # noqa: ARG001
    """The last observed value over and over, (S, H, D); NaN where there is none."""
    last = _values(panel, _last_rows(panel))
    return np.repeat(last[:, None], horizon, axis=1)


def seasonal_naive(panel: Panel, season: int, horizon: int) -> np.ndarray:
    """The last season over and over.

    Args:
        panel: histories.
        season: steps in a season.
        horizon: steps to forecast H.

    Returns:
        (S, H, D). A missing value is taken from the season before it, and if there is none
        from the last observed value.
    """
    end = panel.indptr[1:, None]
    rows = end - season + np.arange(horizon) % season  # (S, H)
    forecast = _values_at(panel, rows)
    while np.isnan(forecast).any() and (rows >= panel.indptr[:-1, None]).any():
        rows = rows - season
        forecast = np.where(np.isnan(forecast), _values_at(panel, rows), forecast)
    return np.where(np.isnan(forecast), naive(panel, season, horizon), forecast)


def drift(panel: Panel, season: int, horizon: int) -> np.ndarray:  # noqa: ARG001
    """The line through the first and the last observed value, carried on, (S, H, D).

    It adds the mean change per step to the last value (Hyndman & Athanasopoulos 2021, 5.2).
    """
    first, last = _first_rows(panel), _last_rows(panel)
    begin, end = _values(panel, first), _values(panel, last)
    slope = (end - begin) / np.maximum(last - first, 1)  # (S, D)
    late = panel.indptr[1:, None] - 1 - last  # steps since
    ahead = late[:, None] + np.arange(1, horizon + 1)[:, None]  # (S, H, D)
    forecast: np.ndarray = end[:, None] + slope[:, None] * ahead
    return forecast


def naive2(panel: Panel, season: int, horizon: int) -> np.ndarray:
    """The naive forecast of the M competitions: of the seasonally adjusted series.

    A series is adjusted by classical multiplicative decomposition if its autocorrelation at the
    seasonal lag passes the test of M4 (Makridakis, Spiliotis & Assimakopoulos 2020); one with
    values that are not positive is taken as it is. A missing value is taken as the one before it.

    Returns:
        (S, H, D).
    """
    forecast = naive(panel, season, horizon)
    for s, (begin, end) in enumerate(zip(panel.indptr[:-1], panel.indptr[1:], strict=True)):
        for d, values in enumerate(panel.target[begin:end].T):
            known = filled(values)
            if len(known) and (known > 0).all() and is_seasonal(known, season):
                shape = seasonal_shape(known, season)
                unseen = np.argmin(np.isnan(values[::-1]))  # rows after the last that was observed
                phases = (len(known) + np.arange(horizon)) % season
                forecast[s, :, d] *= shape[phases] / shape[(len(known) - 1 - unseen) % season]
    return forecast


BASELINES: dict[str, Baseline] = {
    "naive": naive,
    "seasonal_naive": seasonal_naive,
    "drift": drift,
    "naive2": naive2,
    "auto_ets": auto_ets,
    "auto_theta": auto_theta,
}


def is_seasonal(values: np.ndarray, season: int) -> bool:
    """Whether the autocorrelation of a series (T,) at its seasonal lag is significant.

    Its standard error is Bartlett's, of the autocorrelations at the shorter lags.
    """
    count = len(values)
    centred = values - values.mean()
    variance = centred @ centred
    if season == 1 or count < MIN_SEASONS * season or variance == 0:
        return False
    lags = range(1, season + 1)
    correlations = np.array([centred[lag:] @ centred[:-lag] for lag in lags]) / variance
    limit = Z_90 * np.sqrt((1 + 2 * (correlations[:-1] ** 2).sum()) / count)
    return bool(abs(correlations[-1]) > limit)


def seasonal_shape(values: np.ndarray, season: int) -> np.ndarray:
    """The factor of each phase of a season (season,), with mean 1, by classical decomposition.

    Args:
        values: a series (T,), at least two seasons long.
        season: steps in a season; the phase of row t is t % season.
    """
    weights = np.ones(season) if season % 2 else np.r_[0.5, np.ones(season - 1), 0.5]
    trend = np.convolve(values, weights / season, mode="valid")
    half = len(weights) // 2
    ratios = values[half : half + len(trend)] / trend
    phases = (half + np.arange(len(trend))) % season
    shape = np.bincount(phases, ratios, season) / np.bincount(phases, minlength=season)
    factors: np.ndarray = shape / shape.mean()
    return factors


def _last_rows(panel: Panel) -> np.ndarray:
    """The last row of each series where a target is observed, (S, D); -1 if there is none."""
    return _search(panel, panel.indptr[1:] - 1, -1)


def _first_rows(panel: Panel) -> np.ndarray:
    """The first such row, (S, D); -1 if there is none."""
    return _search(panel, panel.indptr[:-1], 1)


def _search(panel: Panel, start: np.ndarray, step: int) -> np.ndarray:
    """The first row with a value, from one row of each series (S,) on, upwards or downwards."""
    begin, end = panel.indptr[:-1, None], panel.indptr[1:, None]
    rows = np.repeat(start[:, None], panel.target.shape[1], axis=1)
    inside = (rows >= begin) & (rows < end)
    while (missing := inside & np.isnan(_values(panel, np.where(inside, rows, -1)))).any():
        rows = rows + step * missing
        inside = (rows >= begin) & (rows < end)
    return np.where(inside, rows, -1)


def _values(panel: Panel, rows: np.ndarray) -> np.ndarray:
    """The targets at rows (S, D) of their own column; NaN for the row -1."""
    if not len(panel.target):
        return np.full(rows.shape, np.nan)
    values = panel.target[rows, np.arange(panel.target.shape[1])]
    return np.where(rows < 0, np.nan, values)


def _values_at(panel: Panel, rows: np.ndarray) -> np.ndarray:
    inside = (rows >= panel.indptr[:-1, None]) & (rows < panel.indptr[1:, None])
    return np.where(inside[..., None], panel.target[np.where(inside, rows, 0)], np.nan)
