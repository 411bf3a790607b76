"""Random processes of which the families are made, each for many series at once."""

from __future__ import annotations

import numpy as np

from forecast.pretrained.prior.columns import Floats, chance, log_normal, uniform
from forecast.pretrained.prior.seasons import Seasons

FARTHEST = 12.0  # multiples of its scale that noise does not exceed


def noise(rng: np.random.Generator, series: int, steps: int) -> Floats:
    """Independent noise of scale 1, (B, T), clipped at twelve times that.

    Half of the series are normal, half Student's t with 2.5 to 8 degrees of freedom.
    """
    values = rng.standard_normal((series, steps))
    heavy = np.flatnonzero(rng.random(series) < 0.5)
    freedom = uniform(rng, len(heavy), 2.5, 8.0)
    divisor = rng.chisquare(freedom, (len(heavy), steps)) / freedom
    values[heavy] /= np.sqrt(divisor)
    return np.clip(values, -FARTHEST, FARTHEST)


def autoregression(coefficients: Floats, shocks: Floats) -> Floats:
    """Autoregressive recursion y[t] = sum of c[k] y[t-k] + shock[t], from zeros on.

    Args:
        coefficients: of the last p values, (B, p).
        shocks: (B, T).

    Returns:
        (B, T).

    Example:
        >>> autoregression(np.array([[0.5]]), np.array([[1.0, 0.0, 2.0]]))
        array([[1.  , 0.5 , 2.25]])
    """
    order = coefficients.shape[1]
    values = np.zeros((order + shocks.shape[1], len(shocks)))  # time first: a step is contiguous
    values[order:] = shocks.T
    for step in range(order, len(values)):
        for lag in range(1, order + 1):
            values[step] += coefficients[:, lag - 1] * values[step - lag]
    return np.ascontiguousarray(values[order:].T)


def level_shifts(rng: np.random.Generator, series: int, steps: int, expected: float) -> Floats:
    """Sums of jumps of size N(0, 1) at random steps, so many per series on average, (B, T)."""
    jumps = rng.random((series, steps)) < expected / steps
    sizes = np.zeros((series, steps))
    sizes[jumps] = rng.standard_normal(np.count_nonzero(jumps))
    return np.cumsum(sizes, axis=1)


def bent_line(rng: np.random.Generator, series: int, steps: int, expected: float) -> Floats:
    """A line whose slope changes at random steps, so many per series on average, (B, T).

    The first slope is N(0.7, 1) over the whole length, since growth is more frequent than decline;
    each change is N(0, 1).
    """
    start = rng.normal(0.7, 1.0, (series, 1))
    return np.cumsum(start + level_shifts(rng, series, steps, expected), axis=1) / steps


def growth_line(rng: np.random.Generator, series: int, steps: int, seasons: Seasons) -> Floats:
    """Relative growth since the start, in a straight line, (B, T)."""
    return total_growth(rng, series, steps, seasons) * np.arange(steps) / steps


def total_growth(rng: np.random.Generator, series: int, steps: int, seasons: Seasons) -> Floats:
    """Relative growth over all steps, (B, 1); a fifth of the series has none.

    Seven eighths of the others grow, mostly by 2 to 20 percent a year where the season may be a
    year, else by some 20 percent over all steps; by 600 percent at most. An eighth falls, by 80
    percent at most.
    """
    over_all_steps = log_normal(rng, series, 0.4 if seasons.is_year else 0.2, 1.0)
    if seasons.is_year:
        a_year = log_normal(rng, series, 0.07, 1.0) * steps / seasons.first
        over_all_steps = np.where(chance(rng, series, 0.75), a_year, over_all_steps)
    falling = -np.minimum(over_all_steps, 0.8)
    total = np.where(chance(rng, series, 0.875), np.minimum(over_all_steps, 6.0), falling)
    return np.where(chance(rng, series, 0.8), total, 0.0)


def around_line(rng: np.random.Generator, deviations: Floats, line: Floats) -> Floats:
    """Deviations (B, T) from 1 plus the growth since the start, as terms or as factors, (B, T).

    Half of the series take them as logarithms of factors, and most of those that would often be
    negative otherwise.
    """
    series = len(deviations)
    is_large = deviations.std(axis=1, keepdims=True) > 0.3
    is_factor = chance(rng, series, 0.5) | (is_large & chance(rng, series, 0.9))
    factors = np.exp(np.clip(deviations, -6.0, 6.0))
    return np.where(is_factor, (1 + line) * factors, 1 + line + deviations)


def smooth_process(rng: np.random.Generator, steps: int, scale: Floats) -> Floats:
    """Stationary Gaussian process with the squared-exponential kernel, (B, T), of variance 1.

    Args:
        rng: random generator.
        steps: T.
        scale: length scale in steps, (B, 1).
    """
    frequency = 2 * np.pi * np.fft.rfftfreq(_padded(steps))
    return stationary_process(rng, np.exp(-0.5 * (frequency * scale) ** 2), steps)


def rough_process(rng: np.random.Generator, steps: int, scale: Floats) -> Floats:
    """Stationary Gaussian process with the Matérn kernel of order 3/2, (B, T), of variance 1.

    Args:
        rng: random generator.
        steps: T.
        scale: length scale in steps, (B, 1).
    """
    frequency = 2 * np.pi * np.fft.rfftfreq(_padded(steps))
    return stationary_process(rng, (3 / scale**2 + frequency**2) ** -2.0, steps)


def stationary_process(rng: np.random.Generator, density: Floats, steps: int) -> Floats:
    """Stationary Gaussian process of a given spectral density, (B, T), of variance 1.

    White noise is filtered on a circle of at least twice the length (Dietrich & Newsam 1997, "Fast
    and exact simulation of stationary Gaussian processes through circulant embedding"). The
    constant part is left out: the level of a series is another matter.

    Args:
        rng: random generator.
        density: at the frequencies of the circle, (B, F).
        steps: T.
    """
    length = _padded(steps)
    gain = np.sqrt(density)
    white = np.fft.rfft(rng.standard_normal((len(density), length)))
    power = np.sqrt((2 * gain[:, 1:] ** 2).sum(axis=1, keepdims=True) / length)
    gain[:, 0] = 0.0
    result: Floats = np.fft.irfft(white * gain, n=length)[:, :steps] / np.maximum(power, 1e-12)
    return result


def _padded(steps: int) -> int:
    """Length of the circle: twice the steps, and a power of two."""
    return 1 << int(np.ceil(np.log2(max(2 * steps, 8))))
