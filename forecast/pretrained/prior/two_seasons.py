"""Profiles of a day that differ between workdays and weekends, or over the year."""

from __future__ import annotations

import numpy as np

from forecast.pretrained.prior.columns import (
    Flags,
    Floats,
    Wholes,
    chance,
    log_normal,
    log_uniform,
    scale,
    standardize,
    uniform,
)
from forecast.pretrained.prior.processes import autoregression, growth_line, noise
from forecast.pretrained.prior.seasons import Seasons, clock, long_season, pattern, repeat

DAYS_OF_A_WEEK = 7


def two_profiles(rng: np.random.Generator, series: int, steps: int, seasons: Seasons) -> Floats:
    """Load, traffic, visitors: one profile on workdays, another one at weekends, (B, T).

    Each shorter season ("day") has one of two profiles, by its place in the longer season
    ("week"); days differ in their level by an autoregression, and levels differ between weekdays.
    Without a longer season all days have the first profile. Taylor (2003), "Short-term electricity
    demand forecasting using double seasonal exponential smoothing".
    """
    times = clock(rng, series, steps, seasons)
    workday, weekend = (_peaked_profile(rng, series, seasons.first) for _ in range(2))
    alike = np.where(chance(rng, series, 0.3), 1.0, uniform(rng, series, 0.0, 1.0))
    weekend = alike * workday + (1 - alike) * weekend
    free = _is_free_day(rng, times, seasons)
    profile = np.where(free, repeat(weekend, times), repeat(workday, times))
    swing = np.minimum(log_normal(rng, series, 0.3, 0.6), 1.0)
    weekly = log_uniform(rng, series, 0.01, 0.35) * long_season(rng, times, seasons)
    log_values = swing * profile + weekly + _daily_level(rng, times, seasons.first)
    log_values += log_normal(rng, series, 0.006, 1.3) * _wander(rng, series, steps)
    growth = 1 + growth_line(rng, series, steps, seasons)
    return scale(rng, growth * np.exp(np.clip(log_values, -5.0, 5.0)))


def sunlight(rng: np.random.Generator, series: int, steps: int, seasons: Seasons) -> Floats:
    """Solar power and the like: zero at night, a bell by day, weather on top, (B, T).

    The clear-sky curve is the positive part of a cosine; the longer season changes the length of
    the day; clouds take a part of it that is correlated from step to step. Liu & Jordan (1960),
    "The interrelationship and characteristic distribution of direct, diffuse and total solar
    radiation".
    """
    times = clock(rng, series, steps, seasons)
    angle = 2 * np.pi * (times % seasons.first) / seasons.first
    tilt = uniform(rng, series, -0.4, 0.4) + 0.3 * _yearly_wave(rng, times, seasons)
    clear = np.maximum(tilt - np.cos(angle), 0.0) if seasons.first > 1 else np.ones(times.shape)
    cloudy = uniform(rng, series, 0.0, 3.0) * _wander(rng, series, steps)
    cloudy += uniform(rng, series, -2.0, 2.0)
    weather = 1 - uniform(rng, series, 0.0, 0.9) / (1 + np.exp(-cloudy))
    dark = np.where(clear.max(axis=1, keepdims=True) > 0, 0.0, 1.0)
    return scale(rng, (clear + dark) * weather)


def weather(rng: np.random.Generator, series: int, steps: int, seasons: Seasons) -> Floats:
    """Temperature and the like: one wave over the longest season, weather that persists, (B, T).

    Steps of a day have a wave of the day as well, which is higher in one part of the year.
    Wilks (2011), "Statistical methods in the atmospheric sciences", chapters 9 and 10.
    """
    times = clock(rng, series, steps, seasons)
    if seasons.second:
        yearly = _yearly_wave(rng, times, seasons)
        daily = _wave(rng, times, seasons.first) if seasons.is_day else 0.0 * yearly
    else:
        yearly, daily = _wave(rng, times, seasons.first), np.zeros(times.shape)
    sizes = np.abs(rng.standard_normal((3, series, 1)))
    values = sizes[0] * yearly + 0.6 * sizes[1] * daily * (1 + 0.4 * yearly)
    persistence = 1 - log_uniform(rng, series, 0.01, 0.7)
    shocks = rng.standard_normal((series, steps)) * np.sqrt(1 - persistence**2)
    values += 0.5 * sizes[2] * autoregression(persistence, shocks)
    return scale(rng, 1 + np.minimum(log_normal(rng, series, 0.25, 0.8), 2.0) * values)


def _wave(rng: np.random.Generator, times: Wholes, period: float) -> Floats:
    """A cosine of variance 1/2 with a random start and a weaker first harmonic, (B, T)."""
    if period == 1:
        return np.zeros(times.shape)
    angle = 2 * np.pi * (times % period) / period + uniform(rng, len(times), 0.0, 2 * np.pi)
    harmonic = 2 * angle + uniform(rng, len(times), 0.0, 2 * np.pi)
    return np.cos(angle) + uniform(rng, len(times), 0.0, 0.3) * np.cos(harmonic)


def _yearly_wave(rng: np.random.Generator, times: Wholes, seasons: Seasons) -> Floats:
    """One wave over the longer season, (B, T); zeros if there is none."""
    return _wave(rng, times, seasons.second) if seasons.second else np.zeros(times.shape)


def _peaked_profile(rng: np.random.Generator, series: int, length: int) -> Floats:
    """Profiles of a day with one or two broad peaks over a low night, (B, m)."""
    hours = np.arange(length) / length * 2 * np.pi
    centres = rng.uniform(0, 2 * np.pi, (series, 1)) + np.array([0.0, 2.0])
    sharpness = np.exp(rng.uniform(np.log(0.3), np.log(8.0), (series, 2)))
    heights = rng.random((series, 2)) * [1.0, 0.9] + [0.3, -0.1]
    bumps = np.exp(sharpness[..., None] * (np.cos(hours - centres[..., None]) - 1))  # von Mises
    profile = (heights[..., None] * bumps).sum(axis=1)
    rough = (
        chance(rng, series, 0.4) * uniform(rng, series, 0.0, 0.15) * pattern(rng, series, length)
    )
    return standardize(profile) + rough


def _is_free_day(rng: np.random.Generator, times: Wholes, seasons: Seasons) -> Flags:
    """Whether a step lies in a free day, (B, T): the last one or two of seven."""
    days = times // seasons.first % DAYS_OF_A_WEEK
    first_free = DAYS_OF_A_WEEK - rng.integers(1, 3, (len(times), 1))
    return (days >= first_free) & (seasons.knots == DAYS_OF_A_WEEK)


def _daily_level(rng: np.random.Generator, times: Wholes, length: int) -> Floats:
    """Logarithm of each day's level, constant within the day, an autoregression over the days."""
    days = times // length - times[:, :1] // length
    persistence = uniform(rng, len(times), 0.0, 0.98)
    shocks = rng.standard_normal((len(times), int(days.max()) + 1))
    levels = autoregression(persistence, shocks * np.sqrt(1 - persistence**2))
    size = np.where(chance(rng, len(times), 0.3), 0.0, log_normal(rng, len(times), 0.03, 1.0))
    return size * np.take_along_axis(levels, days, axis=1)


def _wander(rng: np.random.Generator, series: int, steps: int) -> Floats:
    """Correlated noise of about unit variance, (B, T)."""
    persistence = 1 - log_uniform(rng, series, 0.01, 1.0)
    return autoregression(persistence, noise(rng, series, steps) * np.sqrt(1 - persistence**2))
