"""Whether series are seasonal, and their seasonal factors by classical decomposition."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

SIGNIFICANT = 1.0  # standard errors of an autocorrelation; M4's 1.645 leaves too many unadjusted
MAX_SUMMED_LAGS = 24  # of autocovariances; more are faster by a Fourier transform
MIN_SEASONS = 2  # of values that a series must have to be called seasonal
DISCOUNT = 0.8  # of the weight of a season with each later one
MIN_KNOWN = 0.5  # share of the values of a season that its mean needs
LEAST_FACTOR = 0.01  # of a multiplicative season; with a smaller one it is taken as additive
ROUNDING = 1e-12  # deviations from the mean, relative to the largest value, that count as none


class Seasonality(NamedTuple):
    """The seasons of S series, of m steps each.

    Attributes:
        factors: of the m steps after the last row, (S, m): what multiplies a value or is added to
            it; zeros to be added where a series is not seasonal.
        multiplicative: which of the two, (S,).
    """

    factors: np.ndarray
    multiplicative: np.ndarray


def seasonality(rows: np.ndarray, season: int) -> Seasonality:
    """Test series for a season and estimate it.

    As for the theta method (Assimakopoulos & Nikolopoulos 2000; Fiorucci et al. 2016), a series is
    seasonal where its autocorrelation at the season is significant, here by one standard error.
    Its factors are the mean ratios to a centred moving average over one season where all values are
    positive, and the mean differences from it elsewhere; later seasons count more.

    Args:
        rows: values (S, T), each series ending in the last column, NaN before it and where missing.
        season: steps m in a season; 1 for none.

    Returns:
        The factors. A series of less than two seasons of values, or of which some step of the
        season is missing throughout, is not seasonal.
    """
    if season == 1 or rows.shape[1] < MIN_SEASONS * season:
        none = np.zeros_like(rows[:, :1])
        return Seasonality(none + np.zeros(season), none[:, 0] > 0)
    unit_rows, exponent = in_units(rows)
    trend = moving_average(unit_rows, season)
    terms = means_by_step(unit_rows - trend, season)
    terms = np.ldexp(terms - terms.mean(axis=1, keepdims=True), exponent[:, None])
    ratios = ratio(unit_rows, trend)
    factors = means_by_step(ratios, season)
    factors = factors / factors.mean(axis=1, keepdims=True)
    positive = ~(rows <= 0).any(axis=1)
    multiplicative = positive & (factors >= LEAST_FACTOR).all(axis=1)
    seasonal = is_seasonal(unit_rows, season) & np.isfinite(terms).all(axis=1)
    chosen = np.where(multiplicative[:, None], factors, terms)
    return Seasonality(np.where(seasonal[:, None], chosen, 0.0), seasonal & multiplicative)


def adjusted(values: np.ndarray, factor: np.ndarray, multiplicative: np.ndarray) -> np.ndarray:
    """Values without their season; arrays of shapes that broadcast, as are those of the inverse."""
    less = values - np.where(multiplicative, 0.0, factor)
    without: np.ndarray = less / np.where(multiplicative, factor, 1.0)
    return without


def with_season(values: np.ndarray, factor: np.ndarray, multiplicative: np.ndarray) -> np.ndarray:
    """Adjusted values with their season: the inverse of `adjusted`."""
    times = values * np.where(multiplicative, factor, 1.0)
    seasonal: np.ndarray = times + np.where(multiplicative, 0.0, factor)
    return seasonal


def is_seasonal(rows: np.ndarray, season: int) -> np.ndarray:
    """Whether the autocorrelation at the season is significant, (S,).

    Missing values leave their products out (Parzen 1963); the standard error is Bartlett's (1946).

    Args:
        rows: values (S, T), NaN where missing.
        season: steps m in a season.
    """
    known = ~np.isnan(rows)
    count = known.sum(axis=1)
    values = np.where(known, rows, 0.0)
    mean = values.sum(axis=1) / np.maximum(count, 1)
    deviations = np.where(known, rows - mean[:, None], 0.0)
    covariances = _covariances(deviations, season)  # times the count
    largest = np.abs(values).max(axis=1)
    varies = covariances[:, 0] > count * (ROUNDING * largest) ** 2
    correlations = covariances[:, 1:] / np.where(varies, covariances[:, 0], 1.0)[:, None]
    noise = (1 + 2 * (correlations[:, :-1] ** 2).sum(axis=1)) / np.maximum(count, 1)
    significant = np.abs(correlations[:, -1]) > SIGNIFICANT * np.sqrt(noise)
    seasonal: np.ndarray = varies & (count >= MIN_SEASONS * season) & significant
    return seasonal


def _covariances(deviations: np.ndarray, lags: int) -> np.ndarray:
    """The sums of products of deviations (S, T) from lag 0 to the largest, (S, lags + 1)."""
    steps = deviations.shape[1]
    if lags <= MAX_SUMMED_LAGS:
        sums = [np.vecdot(deviations[:, : steps - k], deviations[:, k:]) for k in range(lags + 1)]
        return np.stack(sums, axis=1)
    size = steps + lags  # so that nothing wraps around
    spectrum = np.abs(np.fft.rfft(deviations, size)) ** 2
    return np.fft.irfft(spectrum, size)[:, : lags + 1]


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """The ratio of arrays, NaN where the denominator is not positive."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(denominator > 0, numerator / denominator, np.nan)


def in_units(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows in units in which none exceeds 1, and the powers of two that these are.

    So squares neither overflow nor vanish, and nothing is rounded.

    Args:
        rows: values (S, T), NaN where missing.

    Returns:
        The rows (S, T), and the exponents (S,).
    """
    largest = np.abs(np.where(np.isnan(rows), 0.0, rows)).max(axis=1)
    exponent: np.ndarray = np.frexp(largest)[1]
    return np.ldexp(rows, -exponent[:, None]), exponent


def moving_average(rows: np.ndarray, season: int) -> np.ndarray:
    """The centred moving average over one season, (S, T).

    With an even number of steps it is the mean of two, half a step to either side. NaN
    where it would begin before the first value or end after the last row, or where fewer than half
    of its values are known, of which it then is the mean.

    Args:
        rows: values (S, T), each series ending in the last column, NaN where missing.
        season: steps m in a season, at most T.
    """
    known = ~np.isnan(rows)
    begun = np.cumsum(known, axis=1) > 0
    total = _centred_sums(np.where(known, rows, 0.0), season)
    count = _centred_sums(known.astype(float), season)
    first, width = season // 2, total.shape[1]
    whole = begun[:, :width] & (count >= MIN_KNOWN * season)
    average = np.where(whole, ratio(total, count), np.nan)
    around = ((0, 0), (first, rows.shape[1] - first - width))
    return np.pad(average, around, constant_values=np.nan)


def _centred_sums(values: np.ndarray, season: int) -> np.ndarray:
    """Sums of m neighbours; for an even m the means of two such sums next to each other."""
    running = np.cumsum(np.pad(values, ((0, 0), (1, 0))), axis=1)
    sums: np.ndarray = running[:, season:] - running[:, :-season]
    return sums if season % 2 else (sums[:, :-1] + sums[:, 1:]) / 2


def means_by_step(values: np.ndarray, season: int) -> np.ndarray:
    """The mean of each step of the season, of which the last seasons count most, (S, m).

    Args:
        values: (S, T), NaN where missing; the last column is the last step of a season.
        season: steps m in a season.
    """
    whole = ((0, 0), (-values.shape[1] % season, 0))
    seasons = -(-values.shape[1] // season)
    by_season = np.pad(values, whole, constant_values=np.nan).reshape(-1, seasons, season)
    known = ~np.isnan(by_season)
    ago = np.arange(seasons)[::-1, None]
    share = known * DISCOUNT**ago
    total, shares = (share * np.where(known, by_season, 0.0)).sum(axis=1), share.sum(axis=1)
    return ratio(total, shares)
