"""Public holidays: a yes or no that the calendar tells of every day, past and to come."""

from __future__ import annotations

import difflib
import functools
from types import ModuleType

import numpy as np
import pandas as pd

from forecast.data.frequency import DAY, Frequency, Integers
from forecast.data.schema import Schema
from forecast.errors import DataError, ForecastError, OptionError, first_few

YEARS_OF_DATES = (1, 9999)  # that Python's dates can count


def is_holiday(schema: Schema, frequency: Frequency, ordinals: Integers, place: str) -> np.ndarray:
    """Whether times lie on a public holiday, by the clock on the wall where they have a zone.

    Args:
        schema: of the table that the times come from.
        frequency: that counts them.
        ordinals: of any shape.
        place: a country, or one of its parts: "DE", "DE-BY".

    Returns:
        bool, of the shape of the ordinals.

    Raises:
        OptionError: there is no such place.
        ForecastError: the package `holidays` is not installed.
    """
    times = schema.times(frequency, ordinals.ravel())
    days = pd.DatetimeIndex(times).tz_localize(None).to_numpy().astype("datetime64[D]")
    if not len(days):
        return np.zeros(ordinals.shape, bool)
    years = days.astype("datetime64[Y]").astype(np.int64) + 1970
    first = int(years.min())
    there = first + np.flatnonzero(np.bincount(years - first))
    there = there[(there >= YEARS_OF_DATES[0]) & (there <= YEARS_OF_DATES[1])]
    free = np.concatenate([np.empty(0, np.int64), *(_days_of(place, int(year)) for year in there)])
    return np.isin(days.astype(np.int64), free).reshape(ordinals.shape)


def check_place(place: str) -> None:
    """Raise unless the public holidays of a country, or one of its parts, are known.

    Raises:
        OptionError: there is no such place; it says which are close.
        ForecastError: the package `holidays` is not installed.
    """
    package = _package()
    country, part = _split(place)
    try:
        package.country_holidays(country, subdiv=part)
    except NotImplementedError:
        known = package.list_supported_countries()
        inside = [f"{country}-{name}" for name in known.get(country, ())]
        close = difflib.get_close_matches(place.upper(), inside or known, cutoff=0.75)
        hint = "give a code such as 'DE' or 'US-CA'"
        if close or inside:
            hint = (
                f"did you mean {first_few(close)}?" if close else f"there are {first_few(inside)}"
            )
        raise OptionError(
            f"holidays is {place!r}, no country or part of one whose holidays are known; {hint}"
        ) from None


def check_rows(
    schema: Schema, frequency: Frequency, ordinals: Integers, place: str, source: str
) -> None:
    """Raise unless rows can tell what a public holiday does.

    Args:
        schema, frequency, ordinals, place: see `is_holiday`.
        source: what to call the table in messages.

    Raises:
        OptionError: steps are no days of the calendar, nor parts of them.
        DataError: there is no holiday among the rows.
    """
    is_day = {"microsecond": frequency.step <= DAY, "business day": frequency.step == 1}
    if not is_day.get(frequency.unit, False):
        raise OptionError(
            f"holidays is {place!r}, but steps are {frequency.label}, and holidays are days; leave "
            "it out, or count the holidays of a step in a column of your own, as --known "
            "(known= in Python)"
        )
    if not is_holiday(schema, frequency, ordinals, place).any():
        raise DataError(
            f"{source}: no row to train on is of a public holiday of {place!r}, so there is "
            "nothing to learn; leave --holidays out (holidays= in Python)"
        )


def _package() -> ModuleType:
    """The package of that name, which only those who want it have."""
    try:
        import holidays
    except ImportError:
        raise ForecastError(
            "public holidays need the package holidays; install it with: "
            "pip install 'forecast-rollout[holidays]'"
        ) from None
    return holidays


@functools.lru_cache(maxsize=10_000)
def _days_of(place: str, year: int) -> Integers:
    """The public holidays of a year, as days since 1970."""
    check_place(place)
    country, part = _split(place)
    found = _package().country_holidays(country, subdiv=part, years=year)
    days = np.array(sorted(found), "datetime64[D]").astype(np.int64)
    days.flags.writeable = False  # all callers share it
    return days


def _split(place: str) -> tuple[str, str | None]:
    """The country and its part, if one is given."""
    country, _, part = place.partition("-")
    return country, part or None
