"""Counts: whole numbers, often small, with many zeros."""

from __future__ import annotations

import numpy as np

from forecast.pretrained.prior.columns import Floats, chance, log_normal, log_uniform, uniform
from forecast.pretrained.prior.processes import autoregression, bent_line, growth_line
from forecast.pretrained.prior.seasons import Seasons, season

MOST = 1e4  # of the mean of a step


def counts(rng: np.random.Generator, series: int, steps: int, seasons: Seasons) -> Floats:
    """Poisson and negative binomial counts with a changing mean, some zero-inflated, (B, T).

    The mean has a level of 0.2 to 500, a bent trend, an autoregression and seasons. Cameron &
    Trivedi (2013), "Regression analysis of count data"; zero inflation: Lambert (1992).
    """
    mean = log_uniform(rng, series, 0.2, 500.0) * np.exp(_log_mean(rng, series, steps, seasons))
    dispersed = chance(rng, series, 0.6)
    shape = np.where(dispersed, log_uniform(rng, series, 0.5, 50.0), np.inf)
    drawn = negative_binomial(rng, np.minimum(mean, MOST), shape)
    empty = np.where(chance(rng, series, 0.2), uniform(rng, series, 0.05, 0.5), 0.0)
    return np.where(rng.random((series, steps)) < empty, 0.0, drawn)


def intermittent(rng: np.random.Generator, series: int, steps: int, seasons: Seasons) -> Floats:
    """Intermittent demand: orders at random steps, of sizes from 1 on, (B, T).

    Croston (1972), "Forecasting and stock control for intermittent demands". The probability of an
    order may follow a season and fade out, as demand for spare parts does (Teunter, Syntetos &
    Babai 2011); sizes are 1 plus a negative binomial number.
    """
    often = log_uniform(rng, series, 0.05, 0.7)
    probability = often * np.exp(0.7 * _log_mean(rng, series, steps, seasons))
    ordered = rng.random((series, steps)) < np.minimum(probability, 0.95)
    extra = np.where(chance(rng, series, 0.3), 0.0, log_uniform(rng, series, 0.2, 40.0))
    size = 1 + negative_binomial(rng, np.broadcast_to(extra, (series, steps)), 1.0)
    return np.where(ordered, size, 0.0)


def _log_mean(rng: np.random.Generator, series: int, steps: int, seasons: Seasons) -> Floats:
    """Logarithm of a mean over time, around 0, (B, T)."""
    swing = np.where(chance(rng, series, 0.25), 0.0, log_normal(rng, series, 0.35, 0.7))
    persistence = 1 - log_uniform(rng, series, 0.005, 0.5)
    shocks = rng.standard_normal((series, steps)) * np.sqrt(1 - persistence**2)
    wander = uniform(rng, series, 0.0, 0.4) * autoregression(persistence, shocks)
    trend = np.where(chance(rng, series, 0.7), 0.0, 0.8) * bent_line(rng, series, steps, 1.0)
    trend += np.log1p(growth_line(rng, series, steps, seasons))
    return trend + wander + np.minimum(swing, 1.2) * season(rng, series, steps, seasons)


def negative_binomial(rng: np.random.Generator, mean: Floats, shape: Floats | float) -> Floats:
    """Negative binomial counts of a mean (B, T) and a shape (B, 1); Poisson if it is infinite."""
    shape = np.broadcast_to(shape, (len(mean), 1))
    rates, finite = mean.copy(), np.flatnonzero(np.isfinite(shape[:, 0]))
    part = shape[finite]
    rates[finite] *= rng.standard_gamma(np.broadcast_to(part, rates[finite].shape)) / part
    return rng.poisson(rates).astype(np.float64)
