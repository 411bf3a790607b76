"""Structural sums of trend, cycle, season, level shifts and noise."""

from __future__ import annotations

import numpy as np

from forecast.pretrained.prior.columns import (
    Floats,
    chance,
    log_normal,
    log_uniform,
    scale,
    standardize,
    uniform,
)
from forecast.pretrained.prior.processes import (
    around_line,
    autoregression,
    bent_line,
    growth_line,
    level_shifts,
    noise,
    smooth_process,
)
from forecast.pretrained.prior.seasons import Seasons, season

# of line, autoregression, season, level shifts and noise in the variance: Dirichlet parameters
SHARES = (0.9, 0.8, 0.5, 0.15, 0.2)
DAY_SHARES = (0.5, 0.6, 2.0, 0.1, 0.12)


def structural(rng: np.random.Generator, series: int, steps: int, seasons: Seasons) -> Floats:
    """Sums of components (Harvey 1989, "Forecasting, structural time series models"), (B, T).

    A bent line, an autoregression, seasons whose amplitude may change over time, level shifts and
    noise, with random shares of the variance, of which some are next to nothing; around a
    growing level, or as factors of it.
    """
    slow, fast = 1 - log_uniform(rng, series, 0.002, 0.6), uniform(rng, series, -0.3, 0.9)
    roots = np.concatenate([slow + fast, -slow * fast], axis=1)
    parts = [
        standardize(bent_line(rng, series, steps, expected=1.5)),
        standardize(autoregression(roots, rng.standard_normal((series, steps)))),
        season(rng, series, steps, seasons) * _amplitude(rng, series, steps),
        standardize(level_shifts(rng, series, steps, expected=1.2)),
        noise(rng, series, steps),
    ]
    shares = np.sqrt(rng.dirichlet(DAY_SHARES if seasons.is_day else SHARES, series))
    values = np.zeros((series, steps))
    for k, part in enumerate(parts):
        values += shares[:, k, None] * part
    values *= np.minimum(log_normal(rng, series, 0.3, 0.9), 2.0)
    return scale(rng, around_line(rng, values, growth_line(rng, series, steps, seasons)))


def _amplitude(rng: np.random.Generator, series: int, steps: int) -> Floats:
    """Factor of the season over time, (B, T): constant for two thirds of the series."""
    change = np.where(chance(rng, series, 0.66), 0.0, uniform(rng, series, 0.2, 0.8))
    lengths = log_uniform(rng, series, 0.2, 2.0) * steps
    return np.exp(change * smooth_process(rng, steps, lengths))
