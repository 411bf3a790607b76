"""Public holidays: a calendar feature of every day, past and future."""

from __future__ import annotations

import difflib
import functools
from types import ModuleType

import numpy as np
import pandas as pd

from forecast.data.frequency import DAY, Frequency, Integers
from forecast.data.schema import Schema
from forecast.errors import DataError, ForecastError, OptionError, first_few, pip_install

FIRST_YEAR, LAST_YEAR = 1, 9999  # of Python's dates


def is_holiday(schema: Schema, frequency: Frequency, ordinals: Integers, place: str) -> np.ndarray:
    """Whether times lie on a public holiday, in local (wall-clock) time if they have a zone.

    Args:
        schema: of the table that the times come from.
        frequency: that counts them.
        ordinals: the times, of any shape.
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
    distinct_years = first + np.flatnonzero(np.bincount(years - first))
    holidays = [
        _holidays_of(place, int(year)) for year in distinct_years if FIRST_YEAR <= year <= LAST_YEAR
    ]
    holiday_days = np.concatenate([np.empty(0, np.int64), *holidays])
    return np.isin(days.astype(np.int64), holiday_days).reshape(ordinals.shape)


def check_place(place: str) -> None:
    """Raise unless the public holidays of a country, or of one of its parts, are known.

    Raises:
        OptionError: there is no such place; it says which are close.
        ForecastError: the package `holidays` is not installed.
    """
    package = _package()
    country, part = _split(place)
    try:
        package.country_holidays(country, subdiv=part)
    except NotImplementedError:
        countries = package.list_supported_countries()
        parts = [f"{country}-{name}" for name in countries.get(country, ())]
        close = difflib.get_close_matches(place.upper(), parts or countries, cutoff=0.75)
        hint = "give a code such as 'DE' or 'US-CA'"
        if close:
            hint = f"did you mean {first_few(close)}?"
        elif parts:
            hint = f"there are {first_few(parts)}"
        raise OptionError(
            f"holidays is {place!r}, not a country or part of one with known holidays; {hint}"
        ) from None


def check_rows(
    schema: Schema, frequency: Frequency, ordinals: Integers, place: str, source: str
) -> None:
    """Raise unless the effect of public holidays can be learned from rows.

    Args:
        schema, frequency, ordinals, place: see `is_holiday`.
        source: what to call the table in messages.

    Raises:
        OptionError: steps are longer than a day.
        DataError: none of the rows is on a public holiday.
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
            f"{source}: no training row is on a public holiday of {place!r}, so there is nothing "
            "to learn; leave --holidays out (holidays= in Python)"
        )


def _package() -> ModuleType:
    """The optional package `holidays`."""
    try:
        import holidays
    except ImportError:
        raise ForecastError(
            f"public holidays need the package holidays; install it with: {pip_install('holidays')}"
        ) from None
    return holidays


@functools.lru_cache(maxsize=10_000)
def _holidays_of(place: str, year: int) -> Integers:
    """The public holidays of a year, as days since 1970."""
    check_place(place)
    country, part = _split(place)
    dates = _package().country_holidays(country, subdiv=part, years=year)
    days = np.array(sorted(dates), "datetime64[D]").astype(np.int64)
    days.flags.writeable = False  # the cached array is shared
    return days


def _split(place: str) -> tuple[str, str | None]:
    """The country and its part, if one is given."""
    country, _, part = place.partition("-")
    return country, part or None
