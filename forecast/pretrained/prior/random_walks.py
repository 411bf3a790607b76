"""Series without a season that wander: prices, rates, sensors with regimes."""

from __future__ import annotations

import numpy as np

from forecast.pretrained.prior.columns import Floats, chance, log_uniform, scale, uniform
from forecast.pretrained.prior.processes import around_line, noise
from forecast.pretrained.prior.seasons import Seasons


def random_walk(rng: np.random.Generator, series: int, steps: int, _: Seasons) -> Floats:
    """Random walks with drift whose volatility clusters, two thirds of them geometric, (B, T).

    The changes follow a GARCH(1, 1) process: Bollerslev (1986), "Generalized autoregressive
    conditional heteroskedasticity". Some are observed with noise.
    """
    size = log_uniform(rng, series, 0.02, 1.5) / np.sqrt(steps)
    drift = rng.normal(0.3, 1.0, (series, 1))
    changes = size * clustered_noise(rng, series, steps) + drift * size / np.sqrt(steps)
    path = np.cumsum(changes, axis=1)
    observed = chance(rng, series, 0.3) * size * uniform(rng, series, 0.0, 2.0)
    path += observed * rng.standard_normal((series, steps))
    return scale(rng, np.where(chance(rng, series, 0.66), np.exp(np.clip(path, -6, 6)), 1 + path))


def clustered_noise(rng: np.random.Generator, series: int, steps: int) -> Floats:
    """GARCH(1, 1) noise with unconditional variance 1, (B, T); constant variance for a third."""
    shocks = np.clip(noise(rng, series, steps).T, -5, 5)
    news = rng.uniform(0.02, 0.3, series) * (rng.random(series) < 0.67)
    memory = rng.uniform(0.5, 0.99, series) * (0.99 - news)
    variance = np.ones(series)
    values = np.empty((steps, series))
    for step, shock in enumerate(shocks):
        values[step] = np.sqrt(variance) * shock
        variance = (1 - news - memory) + news * values[step] ** 2 + memory * variance
    return np.ascontiguousarray(values.T)


def regimes(rng: np.random.Generator, series: int, steps: int, _: Seasons) -> Floats:
    """Mean reversion whose mean, speed and volatility switch between two regimes, (B, T).

    Uhlenbeck & Ornstein (1930) in steps, with the Markov switching of Hamilton (1989), "A new
    approach to the economic analysis of nonstationary time series", as in TempoPFN (2025, arXiv
    2510.25502). A third of the series has one regime alone.
    """
    switches = rng.random((series, steps)) < log_uniform(rng, series, 1.0, 12.0) / steps
    regime = np.cumsum(switches & chance(rng, series, 0.67), axis=1) % 2  # (B, T)

    def by_regime(choices: Floats) -> Floats:
        return np.take_along_axis(choices, regime, axis=1)

    centre = by_regime(rng.standard_normal((series, 2)))
    speed = by_regime(np.exp(rng.uniform(np.log(0.01), np.log(0.9), (series, 2))))
    spread = by_regime(np.exp(rng.normal(-1.5, 0.8, (series, 2))))
    shocks = noise(rng, series, steps) * spread * np.sqrt(speed * (2 - speed))
    values = _revert(centre, speed, shocks) * log_uniform(rng, series, 0.02, 0.6)
    return scale(rng, around_line(rng, values, np.zeros(values.shape)))


def _revert(centre: Floats, speed: Floats, shocks: Floats) -> Floats:
    """Paths that begin at their centre and return to it: (B, T) each."""
    values = np.empty(shocks.shape[::-1])  # time first: a step is contiguous
    value = centre[:, 0]
    columns = zip(*(np.ascontiguousarray(part.T) for part in (centre, speed, shocks)), strict=True)
    for step, (target, pull, shock) in enumerate(columns):
        value = value + pull * (target - value) + shock
        values[step] = value
    return np.ascontiguousarray(values.T)
