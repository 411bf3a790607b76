"""Seasonal autoregressive integrated moving averages."""

from __future__ import annotations

import math

import numpy as np

from forecast.pretrained.prior.columns import (
    Floats,
    chance,
    log_normal,
    log_uniform,
    scale,
    sign,
    standardize,
    uniform,
)
from forecast.pretrained.prior.processes import around_line, autoregression, growth_line, noise
from forecast.pretrained.prior.seasons import Seasons, season

WARMUP = 50  # steps that are dropped, so that the autoregression has forgotten its start


def seasonal_arima(rng: np.random.Generator, series: int, steps: int, seasons: Seasons) -> Floats:
    """SARIMA(2, d, 1)(1, D, 1) with random poles and observation noise on top, (B, T).

    Box & Jenkins (1970), "Time series analysis: forecasting and control"; poles drawn inside the
    unit circle and noise on top as in SarSim0 (2026, arXiv 2601.00970). d and D are 0 or 1. What
    the differences do not determine, a line and a fixed season, is drawn too.
    """
    shocks = noise(rng, series, steps + WARMUP)
    stationary = autoregression(two_poles(rng, series), _moving_average(rng, shocks))
    values = seasonal_part(rng, stationary, seasons.first)[:, WARMUP:]
    values = np.where(chance(rng, series, 0.5), np.cumsum(values, axis=1), values)
    sizes = np.abs(rng.standard_normal((3, series, 1)))
    values = sizes[0] * standardize(values)
    fixed = sizes[1] * log_uniform(rng, series, 0.05, 1.5)
    values += fixed * season(rng, series, steps, seasons)
    values += 0.4 * sizes[2] * chance(rng, series, 0.5) * rng.standard_normal((series, steps))
    values *= np.minimum(log_normal(rng, series, 0.15, 0.9), 1.5)
    return scale(rng, around_line(rng, values, growth_line(rng, series, steps, seasons)))


def two_poles(rng: np.random.Generator, series: int) -> Floats:
    """Coefficients of a stationary autoregression, (B, 2): two real poles or a complex pair."""
    radii = np.minimum(rng.beta(1.5, 1.0, (2, series, 1)), 0.98)
    real = radii * np.stack([sign(rng, series, 0.8), sign(rng, series, 0.5)])
    real[1] *= chance(rng, series, 0.5)
    angle = uniform(rng, series, 0.0, math.pi)
    total = np.where(is_pair := chance(rng, series, 0.3), 2 * radii[0] * np.cos(angle), real.sum(0))
    product = np.where(is_pair, radii[0] ** 2, real[0] * real[1])
    return np.concatenate([total, -product], axis=1)


def _moving_average(rng: np.random.Generator, shocks: Floats) -> Floats:
    """Shocks (B, T), for half of the series plus a part of those one step ago."""
    weight = chance(rng, len(shocks), 0.5) * uniform(rng, len(shocks), -0.8, 0.8)
    values = shocks.copy()
    values[:, 1:] += weight * shocks[:, :-1]
    return values


def seasonal_part(rng: np.random.Generator, values: Floats, period: int) -> Floats:
    """Seasonal autoregression, or seasonal integration of a moving average, (B, T)."""
    if period == 1:
        return values
    series, steps = values.shape
    is_integrated = chance(rng, series, 0.4)
    keep = np.where(is_integrated, 1.0, chance(rng, series, 0.5) * uniform(rng, series, 0.0, 0.95))
    forget = np.where(is_integrated, uniform(rng, series, 0.2, 1.0), 0.0)
    result = values.copy()
    for begin in range(period, steps, period):
        now = slice(begin, min(begin + period, steps))
        before = slice(begin - period, now.stop - period)
        result[:, now] += keep * result[:, before] - forget * values[:, before]
    return result
