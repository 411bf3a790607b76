"""The seasons of a series, and patterns that repeat with them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from forecast.pretrained.prior.columns import Floats, Wholes, chance, standardize, uniform

MOST_PARTS_OF_A_YEAR = 60  # a year has at most so many steps, those of a week
LONG = 24  # from so many steps on, neighbouring values of a pattern are alike
MOST_KNOTS = 60  # of the pattern of a longer season
MOST_STEPS = 14  # up to so many knots they are mostly steps, as weekdays are; beyond, a curve


class Seasons(NamedTuple):
    """Lengths of the seasons, in steps.

    Attributes:
        first: of the shorter season m; 1 if there is none.
        second: of the longer season, not necessarily whole (365.25 days); 0 if there is none.
    """

    first: int
    second: float = 0.0

    @property
    def is_day(self) -> bool:
        """Whether the shorter season may be a day: its length is none of a week's or a year's."""
        return self.first in (24, 48) or self.first > MOST_PARTS_OF_A_YEAR

    @property
    def is_year(self) -> bool:
        """Whether the shorter season may be a year, or a single step of one."""
        return not self.is_day and self.first not in (5, 7)

    @property
    def knots(self) -> int:
        """Points of the longer season's pattern: shorter seasons in it, from 2 to 60; 0 if none."""
        if self.second == 0:
            return 0
        return min(max(round(self.second / self.first), 2), MOST_KNOTS)


def clock(rng: np.random.Generator, series: int, steps: int, seasons: Seasons) -> Wholes:
    """Steps since both seasons began together, from a random start on, (B, T) whole numbers."""
    span = seasons.first * max(math.ceil(seasons.second), 1)
    return rng.integers(span, size=(series, 1)) + np.arange(steps)


def pattern(rng: np.random.Generator, series: int, length: int) -> Floats:
    """One season of values per series, (B, m), of mean 0 and standard deviation 1.

    A third each are waves (a few harmonics to all of them, the spectrum falling as a power of the
    frequency), blocks (a part of the season differs, as a weekend or a summer does), and peaks
    (single places differ, as December does), the last two on top of small waves.
    """
    if length == 1:
        return np.zeros((series, 1))
    shapes = [_waves, _blocks, _peaks]
    kind = rng.integers(len(shapes), size=(series, 1))
    strengths = np.where(kind == np.arange(len(shapes)), 1.0, 0.0)
    strengths[:, :1] = np.maximum(strengths[:, :1], uniform(rng, series, 0.0, 0.5))
    parts = [standardize(shape(rng, series, length)) for shape in shapes]
    return standardize(
        np.sum([strengths[:, k, None] * part for k, part in enumerate(parts)], axis=0)
    )


def _waves(rng: np.random.Generator, series: int, length: int) -> Floats:
    """Sums of harmonics with random phases, (B, m)."""
    harmonics = np.arange(1, length // 2 + 1)
    highest = np.ceil(len(harmonics) ** uniform(rng, series, 0.0, 1.0))
    falling = harmonics ** -uniform(rng, series, 0.7 if length >= LONG else 0.0, 3.0)
    waves = rng.standard_normal((2, series, len(harmonics)))
    spectrum = (waves[0] + 1j * waves[1]) * falling * (harmonics <= highest)
    constant = np.zeros((series, 1))
    return np.fft.irfft(np.concatenate([constant, spectrum], axis=1), n=length)


def _blocks(rng: np.random.Generator, series: int, length: int) -> Floats:
    """Two plateaus of random places and lengths, (B, m)."""
    starts = rng.integers(length, size=(2, series, 1))
    lengths = np.ceil(rng.uniform(0.0, 0.5, (2, series, 1)) * length)
    heights = np.array([1.0, 0.5])[:, None, None] * rng.standard_normal((2, series, 1))
    inside = (np.arange(length) - starts) % length < lengths
    result: Floats = (heights * inside).sum(axis=0)
    return result


def _peaks(rng: np.random.Generator, series: int, length: int) -> Floats:
    """One to three peaks that decay to both sides within a few percent of the season, (B, m)."""
    places = rng.integers(length, size=(3, series, 1))
    heights = rng.exponential(size=(3, series, 1)) * [[[1.0]], [[0.5]], [[0.25]]]
    widths = 0.2 + 0.05 * length * rng.random((3, series, 1))
    apart = np.abs((np.arange(length) - places + length // 2) % length - length // 2)
    upwards = np.where(chance(rng, series, 0.7), 1.0, -1.0)
    result: Floats = upwards * (heights * np.exp(-apart / widths)).sum(axis=0)
    return result


def repeat(patterns: Floats, times: Wholes) -> Floats:
    """The values of patterns (B, m) at whole times (B, T) since the season's begin, (B, T)."""
    return np.take_along_axis(patterns, times % patterns.shape[1], axis=1)


def long_season(rng: np.random.Generator, times: Wholes, seasons: Seasons) -> Floats:
    """A pattern of the longer season at whole times (B, T): (B, T), zeros if there is none.

    Its values change with each shorter season (weekdays of hourly rows), or linearly between the
    middles of these (temperature over the year).
    """
    if not seasons.knots:
        return np.zeros(times.shape)
    patterns = pattern(rng, len(times), seasons.knots)
    place = times % seasons.second * (seasons.knots / seasons.second)
    left = place.astype(np.int64)
    stepwise = repeat(patterns, left)
    slope = repeat(patterns, left + 1) - stepwise
    is_stepwise = chance(rng, len(times), 0.9 if seasons.knots <= MOST_STEPS else 0.4)
    return stepwise + np.where(is_stepwise, 0.0, (place - left) * slope)


def season(rng: np.random.Generator, series: int, steps: int, seasons: Seasons) -> Floats:
    """Both seasons together, (B, T), with variance 1 over whole seasons.

    With two seasons a fifth of the series has the shorter one alone and a tenth the longer one.
    """
    times = clock(rng, series, steps, seasons)
    short = repeat(pattern(rng, series, seasons.first), times)
    if not seasons.knots:
        return short
    angle = uniform(rng, series, 0.0, np.pi / 2)
    angle = np.where(chance(rng, series, 0.2), 0.0, angle)
    angle = np.where(chance(rng, series, 0.1), np.pi / 2, angle)
    return np.cos(angle) * short + np.sin(angle) * long_season(rng, times, seasons)
