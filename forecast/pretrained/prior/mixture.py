"""The prior: series of all families in random order, some of them disturbed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.errors import OptionError
from forecast.pretrained.prior import disturbances
from forecast.pretrained.prior.calendars import calendar_effects
from forecast.pretrained.prior.columns import Flags, Floats
from forecast.pretrained.prior.counts import counts, intermittent
from forecast.pretrained.prior.exponential_smoothing import exponential_smoothing
from forecast.pretrained.prior.growth_curves import growth_curve, life_cycle
from forecast.pretrained.prior.locally_periodic import locally_periodic
from forecast.pretrained.prior.random_walks import random_walk, regimes
from forecast.pretrained.prior.seasonal_arima import seasonal_arima
from forecast.pretrained.prior.seasons import Seasons
from forecast.pretrained.prior.smooth_curves import gaussian_process
from forecast.pretrained.prior.structural import structural
from forecast.pretrained.prior.two_seasons import sunlight, two_profiles, weather

FARTHEST = 1e6  # absolute value that no series reaches


class Family(NamedTuple):
    """A family of series.

    Attributes:
        draw: makes B series of T steps with some seasons, (B, T).
        share: of all series, relative to those of the other families.
        share_of_days: the same where the shorter season is a day.
    """

    draw: Callable[[np.random.Generator, int, int, Seasons], Floats]
    share: float
    share_of_days: float


class Disturbance(NamedTuple):
    """Something that happens to some of the series of all families.

    Attributes:
        share: of the series that it happens to.
        apply: changes all series (B, T) that it is given.
    """

    share: float
    apply: Callable[[np.random.Generator, Floats, Seasons], Floats]


FAMILIES: Mapping[str, Family] = {
    "exponential_smoothing": Family(exponential_smoothing, 0.36, 0.16),
    "structural": Family(structural, 0.18, 0.12),
    "seasonal_arima": Family(seasonal_arima, 0.12, 0.06),
    "random_walk": Family(random_walk, 0.04, 0.03),
    "regimes": Family(regimes, 0.03, 0.03),
    "gaussian_process": Family(gaussian_process, 0.05, 0.04),
    "locally_periodic": Family(locally_periodic, 0.03, 0.18),
    "growth_curve": Family(growth_curve, 0.03, 0.01),
    "life_cycle": Family(life_cycle, 0.02, 0.01),
    "counts": Family(counts, 0.05, 0.03),
    "intermittent": Family(intermittent, 0.02, 0.02),
    "two_profiles": Family(two_profiles, 0.02, 0.32),
    "sunlight": Family(sunlight, 0.01, 0.06),
    "weather": Family(weather, 0.03, 0.06),
    "calendar_effects": Family(calendar_effects, 0.04, 0.05),
}

DISTURBANCES: Mapping[str, Disturbance] = {  # in the order in which they happen
    "warped_time": Disturbance(0.03, disturbances.warped_time),
    "promotions": Disturbance(0.05, disturbances.promotions),
    "shifted_levels": Disturbance(0.05, disturbances.shifted_levels),
    "changing_season": Disturbance(0.05, disturbances.changing_season),
    "changing_noise": Disturbance(0.03, disturbances.changing_noise),
    "censored": Disturbance(0.02, disturbances.censored),
    "stock_outs": Disturbance(0.02, disturbances.stock_outs),
    "outliers": Disturbance(0.06, disturbances.outliers),
    "flipped": Disturbance(0.1, disturbances.flipped),
    "rounded": Disturbance(0.1, disturbances.rounded),
    "whole": Disturbance(0.4, disturbances.whole),
    "missing_at_random": Disturbance(0.06, disturbances.missing_at_random),
    "missing_stretches": Disturbance(0.04, disturbances.missing_stretches),
}


def draw(
    rng: np.random.Generator,
    series: int,
    steps: int,
    seasons: Seasons,
    *,
    without: Collection[str] = (),
) -> NDArray[np.float32]:
    """Draw series from the prior.

    The same state of the generator gives the same series on the same machine. A series depends on
    how many are drawn with it.

    Args:
        rng: random generator.
        series: how many, B.
        steps: of each series, T, at least 2.
        seasons: of all series, in steps.
        without: names of families and disturbances to leave out.

    Returns:
        (B, T) float32, each series finite, not constant and below a million, NaN where missing.

    Raises:
        OptionError: `without` has a name that is neither, or leaves out all families.

    Example:
        >>> import numpy as np
        >>> draw(np.random.default_rng(0), 3, 48, Seasons(12)).shape
        (3, 48)
    """
    if unknown := set(without) - {*FAMILIES, *DISTURBANCES}:
        raise OptionError(
            f"without: {sorted(unknown)} is neither a family nor a disturbance; "
            f"there are {sorted({*FAMILIES, *DISTURBANCES})}"
        )
    families = {name: family for name, family in FAMILIES.items() if name not in without}
    if not families:
        raise OptionError("without: it leaves out every family, so there is nothing to draw from")
    values = np.concatenate([*_of_families(rng, series, steps, seasons, families)])
    rng.shuffle(values)
    for name, disturbance in DISTURBANCES.items():
        chosen = np.flatnonzero(rng.random(series) < disturbance.share)
        if name not in without and len(chosen):
            disturbed = disturbance.apply(rng, values[chosen], seasons)
            sound = _is_sound(disturbed)
            values[chosen[sound]] = disturbed[sound]
    return values.astype(np.float32)


def _of_families(
    rng: np.random.Generator,
    series: int,
    steps: int,
    seasons: Seasons,
    families: Mapping[str, Family],
) -> Iterator[Floats]:
    """The series of each family, (its number, T)."""
    shares = np.array([f.share_of_days if seasons.is_day else f.share for f in families.values()])
    numbers = rng.multinomial(series, shares / shares.sum())
    for number, family in zip(numbers, families.values(), strict=True):
        if number:
            yield _only_sound(rng, int(number), steps, seasons, family)


def _only_sound(
    rng: np.random.Generator, series: int, steps: int, seasons: Seasons, family: Family
) -> Floats:
    """Series of one family, (B, T); those that are constant or too large are drawn again."""
    values = family.draw(rng, series, steps, seasons)
    while len(failed := np.flatnonzero(~_is_sound(values))):
        values[failed] = family.draw(rng, len(failed), steps, seasons)
    return values


def _is_sound(values: Floats) -> Flags:
    """Whether series (B, T) are neither constant nor infinite or too large, (B,)."""
    known = ~np.isnan(values)
    low = np.where(known, values, np.inf).min(axis=1)
    high = np.where(known, values, -np.inf).max(axis=1)
    spread, size = high - low, np.maximum(np.abs(low), np.abs(high))
    sound: Flags = (spread > 1e-5 * size) & (size < FARTHEST)
    return sound
