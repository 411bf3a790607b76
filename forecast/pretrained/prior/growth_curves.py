"""Growth to saturation, and life cycles of products."""

from __future__ import annotations

import numpy as np

from forecast.pretrained.prior.columns import (
    Floats,
    chance,
    log_normal,
    log_uniform,
    scale,
    uniform,
)
from forecast.pretrained.prior.processes import autoregression, noise
from forecast.pretrained.prior.seasons import Seasons, season


def growth_curve(rng: np.random.Generator, series: int, steps: int, seasons: Seasons) -> Floats:
    """Logistic, Gompertz or exponential approach to a limit, upwards or downwards, (B, T).

    Meade & Islam (2006), "Modelling and forecasting the diffusion of innovation". The turning point
    lies anywhere from before the series to after it; seasons and noise are in proportion.
    """
    time = _time(rng, series, steps, log_uniform(rng, series, 2.0, 20.0))
    logistic = 1 / (1 + np.exp(-time))
    gompertz = np.exp(-np.exp(-time))
    exponential = 1 - np.exp(-np.logaddexp(0.0, time))
    kind = rng.integers(3, size=(series, 1))
    share = np.where(kind == 0, logistic, np.where(kind == 1, gompertz, exponential))
    share = np.where(chance(rng, series, 0.75), share, 1 - share)
    floor = np.where(chance(rng, series, 0.5), 0.02, log_uniform(rng, series, 0.05, 3.0))
    return scale(rng, (floor + share) * _factor(rng, series, steps, seasons))


def life_cycle(rng: np.random.Generator, series: int, steps: int, seasons: Seasons) -> Floats:
    """Sales of a product from its launch over a peak to its end, (B, T).

    The adoption rate of Bass (1969), "A new product growth for model consumer durables", with a
    launch before or within the series; some have a rest of lasting sales.
    """
    speed = log_uniform(rng, series, 3.0, 30.0) / steps  # p + q
    ratio = log_uniform(rng, series, 2.0, 200.0)  # q / p
    since = np.arange(steps) - uniform(rng, series, -0.7, 0.4) * steps
    fading = np.exp(-np.minimum(speed * np.maximum(since, 0.0), 700.0))
    rate = fading * ((1 + ratio) / (1 + ratio * fading)) ** 2
    peak = (1 + ratio) ** 2 / (4 * ratio)
    rest = np.where(chance(rng, series, 0.4), 0.0, log_uniform(rng, series, 0.01, 0.3))
    sales = np.where(since >= 0, rate / peak + rest, 0.0)
    return scale(rng, (0.001 + sales) * _factor(rng, series, steps, seasons))


def _time(rng: np.random.Generator, series: int, steps: int, length: Floats) -> Floats:
    """Time as the growth measures it, so much (B, 1) in all, 0 at the turning point, (B, T)."""
    turning = uniform(rng, series, -0.3, 1.1)
    return np.clip((np.linspace(0.0, 1.0, steps) - turning) * length, -30.0, 30.0)


def _factor(rng: np.random.Generator, series: int, steps: int, seasons: Seasons) -> Floats:
    """Season and correlated noise, as a positive factor, (B, T)."""
    swing = chance(rng, series, 0.7) * np.minimum(log_normal(rng, series, 0.12, 0.8), 0.8)
    shocks = noise(rng, series, steps) * np.minimum(log_normal(rng, series, 0.03, 1.0), 0.3)
    wander = autoregression(uniform(rng, series, 0.0, 0.9), shocks)
    return np.exp(np.clip(swing * season(rng, series, steps, seasons) + wander, -4.0, 4.0))
