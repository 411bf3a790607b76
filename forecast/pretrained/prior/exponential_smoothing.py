"""Innovations state space models of exponential smoothing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from forecast.pretrained.prior.columns import Flags, Floats, chance, log_normal, log_uniform, scale
from forecast.pretrained.prior.processes import noise, total_growth
from forecast.pretrained.prior.seasons import Seasons, clock, long_season, pattern

LOWEST = 0.05  # of a level or a factor that errors are divided by; they begin around 1
FASTEST_DECLINE = -0.1  # of a level that has to stay positive, per step
ALMOST_EXACT = 0.06  # share of series that are next to deterministic
LOWEST_ERROR, HIGHEST_ERROR = -0.9, 2.0  # of relative errors


class Smoothing(NamedTuple):
    """Parameters and first states of B models whose level begins at 1.

    Attributes:
        level, trend, season: smoothing constants alpha, beta, gamma, (B,).
        damping: of the trend, phi, (B,).
        growth: first trend per step, (B,).
        drift: trend per step that a damped one returns to, (B,).
        pattern: first season: terms, or factors where the season is multiplicative, (m, B).
        season_is_factor, error_is_relative: which of the models they are, (B,).
    """

    level: Floats
    trend: Floats
    season: Floats
    damping: Floats
    growth: Floats
    drift: Floats
    pattern: Floats
    season_is_factor: Flags
    error_is_relative: Flags


def exponential_smoothing(
    rng: np.random.Generator, series: int, steps: int, seasons: Seasons
) -> Floats:
    """Series of ETS models (Hyndman, Koehler, Ord & Snyder 2008), (B, T).

    Level with or without a trend, damped or not; no season, an additive or a multiplicative one;
    errors additive or relative, normal or Student's t. Many smoothing constants are zero, so that
    level, trend or season are fixed. A longer season, if there is one, is fixed.
    """
    model = _models(rng, series, steps, seasons)
    size = np.minimum(log_normal(rng, series, 0.015 if seasons.is_day else 0.03, 1.2), 0.8)
    size = np.where(chance(rng, series, ALMOST_EXACT), 1e-4, size)
    values = simulate(model, noise(rng, series, steps) * size)
    swing = np.where(chance(rng, series, 0.3), 0.0, log_normal(rng, series, 0.12, 0.9))
    long = swing * long_season(rng, clock(rng, series, steps, seasons), seasons)
    is_factor = model.season_is_factor[:, None]
    values = np.where(is_factor, values * np.exp(np.clip(long, -3, 3)), values + long)
    return scale(rng, values)


def _models(rng: np.random.Generator, series: int, steps: int, seasons: Seasons) -> Smoothing:
    """Random parameters."""

    def unless(probability: float, values: Floats) -> Floats:
        return np.where(chance(rng, series, probability), 0.0, values)[:, 0]

    has_momentum = chance(rng, series, 0.4)
    level = np.where(has_momentum, rng.beta(4.0, 1.2, (series, 1)), rng.beta(0.8, 1.6, (series, 1)))
    level = unless(0.15, level)
    trend = rng.beta(0.5, 3.0, (series, 1)) * chance(rng, series, 0.5)
    trend = np.where(has_momentum, rng.beta(1.5, 2.0, (series, 1)), trend)
    damping = np.where(chance(rng, series, 0.4), 1.0, 1 - log_uniform(rng, series, 0.01, 0.3))
    growth = total_growth(rng, series, steps, seasons) / steps
    swing = np.minimum(log_normal(rng, series, 0.2 if seasons.is_day else 0.07, 1.1), 1.5)
    swing = np.where(chance(rng, series, 0.25), 0.0, swing)
    terms = (swing * pattern(rng, series, seasons.first)).T
    is_factor = rng.random(series) < 0.5
    factors = np.exp(np.clip(terms, -3.0, 3.0))
    return Smoothing(
        level=level,
        trend=level * trend[:, 0],
        season=(1 - level) * unless(0.4, rng.beta(0.6, 4.0, (series, 1))),
        damping=damping[:, 0],
        growth=growth[:, 0],
        drift=unless(0.25, growth),
        pattern=np.where(is_factor, factors, terms),
        season_is_factor=is_factor,
        error_is_relative=is_factor | (rng.random(series) < 0.1),
    )


def simulate(model: Smoothing, errors: Floats) -> Floats:
    """The values of models under errors (B, T), by their recursions: (B, T)."""
    period, season = len(model.pattern), model.pattern.copy()
    level, growth = np.ones(len(errors)), model.growth
    values = np.empty(errors.shape[::-1])  # time first: a step is contiguous
    positive = np.where(model.season_is_factor, LOWEST, -np.inf)
    for step, shock in enumerate(np.ascontiguousarray(errors.T)):
        now = season[step % period]
        growth = model.drift + model.damping * (growth - model.drift)
        limited = np.maximum(growth, FASTEST_DECLINE * level)
        growth = np.where(model.season_is_factor, limited, growth)
        base = np.maximum(level + growth, positive)
        mean = np.where(model.season_is_factor, base * now, base + now)
        relative = mean * np.clip(shock, LOWEST_ERROR, HIGHEST_ERROR)
        error = np.where(model.error_is_relative, relative, shock)
        values[step] = mean + error
        adjusted = error / np.where(model.season_is_factor, now, 1.0)
        level = base + model.level * adjusted
        growth = growth + model.trend * adjusted
        turned = error / np.where(model.season_is_factor, base, 1.0)
        season[step % period] = np.maximum(now + model.season * turned, positive)
    return np.ascontiguousarray(values.T)
