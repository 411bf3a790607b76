"""Events and faults that happen to series of any family.

Each function takes a random generator, all values of B series of T steps and the seasons, and
returns the disturbed values (B, T); missing ones are NaN. Petropoulos et al. (2022), "Forecasting:
theory and practice", describe them as they appear in practice.
"""

from __future__ import annotations

import numpy as np

from forecast.pretrained.prior.columns import (
    Flags,
    Floats,
    Wholes,
    chance,
    log_normal,
    log_uniform,
    sign,
    uniform,
)
from forecast.pretrained.prior.processes import smooth_process
from forecast.pretrained.prior.seasons import Seasons

MOST_MISSING = 0.3  # of the steps of a series, by each of the two functions


def promotions(rng: np.random.Generator, values: Floats, seasons: Seasons) -> Floats:
    """Raised for a few steps, by up to 200 percent, and lowered afterwards: customers have stocks.

    Blattberg & Neslin (1990), "Sales promotion: concepts, methods and strategies".
    """
    series, steps = values.shape
    starts = rng.random(values.shape) < log_uniform(rng, series, 1.0, 8.0) / steps
    length = rng.integers(1, max(seasons.first // 3, 2) + 1, (series, 1))
    running = _within(starts, length)
    ended = np.diff(running, axis=1, prepend=False) & ~running
    after = _within(ended, length) & ~running
    lift = np.minimum(log_normal(rng, series, 0.4, 0.7), 2.0)
    dip = np.minimum(lift * uniform(rng, series, 0.0, 0.5), 0.6)
    result: Floats = values * (1 + lift * running - dip * after)
    return result


def _within(starts: Flags, length: Wholes) -> Flags:
    """Whether there is a start among the last `length` (B, 1) steps, up to this one, (B, T)."""
    begun = np.cumsum(starts, axis=1)
    steps = np.arange(starts.shape[1])
    earlier = np.take_along_axis(begun, np.maximum(steps - length, 0), axis=1)
    return np.greater(begun, np.where(steps >= length, earlier, 0))


def stock_outs(rng: np.random.Generator, values: Floats, seasons: Seasons) -> Floats:
    """Stretches of zeros, at most two per series, of up to a season or a tenth of the steps."""
    longest = max(min(seasons.first, values.shape[1] // 10), 1)
    return np.where(_stretches(rng, values.shape, longest), 0.0, values)


def shifted_levels(rng: np.random.Generator, values: Floats, _: Seasons) -> Floats:
    """One step up or down that remains, by 0.5 to 4 times the standard deviation."""
    series, steps = values.shape
    size = log_uniform(rng, series, 0.5, 4.0) * _deviation(values) * sign(rng, series, 0.5)
    return values + size * (np.arange(steps) >= rng.integers(steps, size=(series, 1)))


def outliers(rng: np.random.Generator, values: Floats, _: Seasons) -> Floats:
    """Single values or short patches of them (Chen & Liu 1993) far from the others."""
    series, steps = values.shape
    hit = rng.random(values.shape) < log_uniform(rng, series, 0.5, 4.0) / steps
    hit = np.where(chance(rng, series, 0.3), _within(hit, rng.integers(2, 5, (series, 1))), hit)
    size = log_uniform(rng, series, 2.0, 10.0) * _deviation(values)
    return values + hit * size * sign(rng, series, 0.5) * rng.uniform(0.5, 1.0, values.shape)


def changing_noise(rng: np.random.Generator, values: Floats, _: Seasons) -> Floats:
    """Noise that appears or grows towards one end of the series."""
    series, steps = values.shape
    size = log_uniform(rng, series, 0.2, 1.5) * _deviation(values)
    where = np.exp(1.5 * smooth_process(rng, steps, uniform(rng, series, 0.3, 1.0) * steps))
    return values + size * np.minimum(where, 4.0) * rng.standard_normal(values.shape)


def changing_season(rng: np.random.Generator, values: Floats, seasons: Seasons) -> Floats:
    """The deviations from the mean of a season around each step grow or shrink over time.

    At the end they are 0.3 to 3 times as large as at the start. Series shorter than two seasons, or
    without one, stay as they are.
    """
    from scipy.ndimage import uniform_filter1d  # which only a training needs

    series, steps = values.shape
    if seasons.first == 1 or steps < 2 * seasons.first:
        return values
    mean = uniform_filter1d(values, seasons.first, axis=1, mode="nearest")
    change = np.log(log_uniform(rng, series, 0.3, 3.0))
    result: Floats = mean + np.exp(change * np.linspace(0.0, 1.0, steps)) * (values - mean)
    return result


def warped_time(rng: np.random.Generator, values: Floats, seasons: Seasons) -> Floats:
    """Read at times that run ahead or behind by up to a tenth of a season, or of all steps if none.

    Um et al. (2017), "Data augmentation of wearable sensor data using convolutional neural
    networks".
    """
    series, steps = values.shape
    farthest = 0.1 * (seasons.first if seasons.first > 1 else steps)
    shift = smooth_process(rng, steps, uniform(rng, series, 0.2, 0.6) * steps)
    times = np.clip(np.arange(steps) + 0.5 * farthest * np.clip(shift, -2, 2), 0, steps - 1)
    left = times.astype(np.int64)
    value = np.take_along_axis(values, left, axis=1)
    following = np.take_along_axis(values, np.minimum(left + 1, steps - 1), axis=1)
    return value + (times - left) * (following - value)


def rounded(rng: np.random.Generator, values: Floats, _: Seasons) -> Floats:
    """Rounded to a power of ten that leaves a few to a thousand units within the series' range."""
    spread = np.ptp(values, axis=1, keepdims=True)
    units = 10 ** np.floor(
        np.log10(np.maximum(spread, 1e-9) / log_uniform(rng, len(values), 3, 1e3))
    )
    result: Floats = np.round(values / units) * units
    return result


def whole(rng: np.random.Generator, values: Floats, _: Seasons) -> Floats:
    """Whole numbers; where the series' range is below ten, in units of which it has 5 to 2,000."""
    spread = np.ptp(values, axis=1, keepdims=True)
    is_wide = (spread > 10) | (values == np.round(values)).all(axis=1, keepdims=True)
    factor = np.where(is_wide, 1.0, log_uniform(rng, len(values), 5, 2e3) / (spread + 1e-9))
    return np.round(values * factor)


def censored(rng: np.random.Generator, values: Floats, _: Seasons) -> Floats:
    """Limited from above, as by a capacity, or from below, as by zero (Tobin 1958).

    The limit is a quantile of the series between 50 and 98 percent, from its end.
    """
    order = np.sort(values, axis=1)
    place = uniform(rng, len(values), 0.5, 0.98) * (values.shape[1] - 1)
    upper = np.take_along_axis(order, place.astype(np.int64), axis=1)
    lower = np.take_along_axis(order[:, ::-1], place.astype(np.int64), axis=1)
    below = chance(rng, len(values), 0.4)
    return np.where(below, np.maximum(values - lower, 0.0), np.minimum(values, upper))


def flipped(_: np.random.Generator, values: Floats, __: Seasons) -> Floats:
    """Turned upside down around zero."""
    return -values


def missing_at_random(rng: np.random.Generator, values: Floats, _: Seasons) -> Floats:
    """Single steps missing, 1 to 30 percent of them on average."""
    share = log_uniform(rng, len(values), 0.01, MOST_MISSING)
    return np.where(rng.random(values.shape) < share, np.nan, values)


def missing_stretches(rng: np.random.Generator, values: Floats, seasons: Seasons) -> Floats:
    """One or two stretches missing, of up to two seasons or 15 percent of the steps."""
    longest = max(min(max(2 * seasons.first, 6), int(values.shape[1] * MOST_MISSING / 2)), 1)
    return np.where(_stretches(rng, values.shape, longest), np.nan, values)


def _stretches(rng: np.random.Generator, shape: tuple[int, ...], longest: int) -> Flags:
    """Whether a step lies in one of two stretches, which may overlap or end early, (B, T)."""
    series, steps = shape
    starts = rng.integers(-longest, steps, (2, series, 1))
    lengths = np.ceil(longest ** rng.random((2, series, 1)))
    past = np.arange(steps) - starts
    result: Flags = np.any((past >= 0) & (past < lengths), axis=0)
    return result


def _deviation(values: Floats) -> Floats:
    """Standard deviation of the values about their mean, (B, 1)."""
    result: Floats = values.std(axis=1, keepdims=True)
    return result
