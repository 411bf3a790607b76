"""Seasons that repeat almost exactly, and change slowly."""

from __future__ import annotations

import math

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
from forecast.pretrained.prior.processes import around_line, growth_line, noise, smooth_process
from forecast.pretrained.prior.seasons import Seasons, clock, long_season

MOST_HARMONICS = 6
SHORTEST, LONGEST = 3.0, 40.0  # seasons over which a harmonic changes
KNOTS_A_LENGTH = 4  # points of a smooth process within its shortest length scale
DETUNED = 0.3  # share of series whose season is not quite the one that is assumed
QUIET = 0.3  # share of series whose noise is next to nothing


def locally_periodic(rng: np.random.Generator, series: int, steps: int, seasons: Seasons) -> Floats:
    """Gaussian processes with a locally periodic kernel around a slowly moving level, (B, T).

    Rasmussen & Williams (2006), "Gaussian processes for machine learning", section 5.4.3: each
    harmonic of the season has a weight that is a constant plus a smooth process over several
    seasons, so that neighbouring seasons are alike and distant ones differ. The season of some
    series is a few percent longer or shorter than the one that is assumed. Half of the series have
    the longer season too, if there is one.
    """
    length = log_uniform(rng, series, SHORTEST, LONGEST) * max(seasons.first, KNOTS_A_LENGTH)
    change = log_uniform(rng, series, 0.02, 0.6)
    angle = _angle(rng, series, steps, seasons)
    harmonics = np.arange(1, min(MOST_HARMONICS, seasons.first // 2) + 1)
    falling = harmonics ** -uniform(rng, series, 0.7, 3.0)  # (B, H)
    wave = np.zeros((series, steps))
    for harmonic, size in zip(harmonics, falling.T[..., None], strict=True):
        for turned in (np.cos, np.sin):
            constant = rng.standard_normal((series, 1))
            weight = constant + change * _slow(rng, steps, length)
            wave += size * weight * turned(harmonic * angle)
    values = standardize(wave) + log_uniform(rng, series, 0.05, 2.0) * _slow(rng, steps, length)
    weekly = chance(rng, series, 0.5) * log_uniform(rng, series, 0.05, 1.0)
    values += weekly * long_season(rng, clock(rng, series, steps, seasons), seasons)
    spread = np.where(chance(rng, series, QUIET), 1e-3, log_uniform(rng, series, 0.003, 0.3))
    values += spread * noise(rng, series, steps)
    values *= np.minimum(log_normal(rng, series, 0.2, 0.8), 1.5)
    return scale(rng, around_line(rng, values, growth_line(rng, series, steps, seasons)))


def _angle(rng: np.random.Generator, series: int, steps: int, seasons: Seasons) -> Floats:
    """The place within a season, as an angle that grows steadily, (B, T)."""
    off = np.clip(0.02 * rng.standard_normal((series, 1)), -0.06, 0.06)
    pace = 1 + np.where(chance(rng, series, DETUNED), off, 0.0)
    result: Floats = 2 * np.pi * clock(rng, series, steps, seasons) / seasons.first * pace
    return result


def _slow(rng: np.random.Generator, steps: int, length: Floats) -> Floats:
    """A smooth process at a few knots, with lines between them: (B, T) for lengths (B, 1)."""
    apart = max(float(length.min()) / KNOTS_A_LENGTH, 1.0)
    knots = math.ceil(steps / apart) + 1
    place = np.arange(steps) / apart
    hats = np.maximum(1 - np.abs(place - np.arange(knots)[:, None]), 0.0)  # (knots, T)
    result: Floats = smooth_process(rng, knots, length / apart) @ hats
    return result
