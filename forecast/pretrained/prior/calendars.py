"""Series of real calendars: working days, weekdays, Easter and other holidays."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import pandas as pd

from forecast.pretrained.prior.columns import Floats, Wholes, chance, log_normal, scale, uniform
from forecast.pretrained.prior.processes import autoregression, bent_line, growth_line, noise
from forecast.pretrained.prior.seasons import Seasons, long_season, pattern, repeat

FIRST_YEAR, YEARS = 1973, 28  # after 28 years the dates fall on the same weekdays again
DAYS = 10_227  # of 28 years
DAYS_OF_A_YEAR = 365.25
WEEKDAYS, WORKDAYS, MONTHS = 7, 5, 12
HOLIDAYS = {  # first day before or after a date, and the number of days
    "12-25": ((-8, 8), (0, 2)),  # the week before Christmas, and Christmas
    "01-01": ((-1, 2),),
    "05-01": ((0, 1),),
    "easter": ((-9, 7), (-2, 4)),  # the week before Good Friday, and Good Friday to Easter Monday
}


class Calendar(NamedTuple):
    """The days of 28 years.

    Attributes:
        months: first day of each month, (336,).
        workdays: all days from Monday to Friday, (7,305,).
        totals: how many days of each kind there were before each day, and before the end: Mondays
            to Sundays, and the periods of HOLIDAYS, (10,228, F).
    """

    months: Wholes
    workdays: Wholes
    totals: Floats


@functools.cache
def calendar() -> Calendar:
    """The calendar, Easter included."""
    days = pd.date_range(f"{FIRST_YEAR}-01-01", periods=DAYS)
    easter = pd.date_range(days[0], days[-1], freq=pd.offsets.Easter())
    kinds = [days.weekday == weekday for weekday in range(WEEKDAYS)]
    for name, periods in HOLIDAYS.items():
        dates = easter if name == "easter" else days[days.strftime("%m-%d") == name]
        for first, length in periods:
            offsets = pd.to_timedelta(np.arange(first, first + length), unit="D")
            kinds.append(days.isin((dates.to_numpy()[:, None] + offsets.to_numpy()).ravel()))
    counts = np.cumsum(np.stack(kinds, axis=1), axis=0, dtype=np.float64)
    return Calendar(
        months=np.flatnonzero(days.day == 1),
        workdays=np.flatnonzero(days.weekday < 5),
        totals=np.concatenate([np.zeros((1, counts.shape[1])), counts]),
    )


def calendar_effects(rng: np.random.Generator, series: int, steps: int, seasons: Seasons) -> Floats:
    """Flows that depend on the number of each weekday in a step and on holidays, (B, T).

    Cleveland & Devlin (1982), "Calendar effects in monthly time series"; Easter: Bell & Hillmer
    (1983), "Modeling time series with calendar variation". Steps are days where the season is a
    week of seven days or of five workdays, parts of a day where it is a day, else parts of a year,
    of which months and quarters are those of the calendar. A yearly season or that of the day, a
    bent trend and noise multiply the flow.
    """
    if not seasons.is_day:
        edges = step_edges(rng, series, steps, seasons.first)
        flow, wave = _flow(rng, edges), _season_of_days(rng, edges, seasons.first)
    else:
        times = rng.integers(seasons.first, size=(series, 1)) + np.arange(steps)
        edges = step_edges(rng, series, steps // seasons.first + 2, WEEKDAYS)
        flow = np.take_along_axis(_flow(rng, edges), times // seasons.first, axis=1)
        wave = repeat(pattern(rng, series, seasons.first), times)
    swing = np.minimum(log_normal(rng, series, 0.15, 0.8), 1.0)
    trend = uniform(rng, series, 0.0, 0.6) * bent_line(rng, series, steps, 1.0)
    trend += np.log1p(growth_line(rng, series, steps, seasons))
    shocks = noise(rng, series, steps) * np.minimum(log_normal(rng, series, 0.02, 0.9), 0.3)
    wander = autoregression(uniform(rng, series, 0.0, 0.95), shocks)
    return scale(rng, flow * np.exp(np.clip(swing * wave + trend + wander, -5.0, 5.0)))


def step_edges(rng: np.random.Generator, series: int, steps: int, season: int) -> Wholes:
    """First days of all steps and of the one after them, from a random step on, (B, T + 1).

    Args:
        rng: random generator.
        series: how many, B.
        steps: T.
        season: 7 for days, 5 for workdays, else the number of steps in a year.

    Returns:
        Days since the first of January 1973; beyond 2000 the calendar begins again.
    """
    if season == WEEKDAYS:
        firsts = np.arange(DAYS)
    elif season == WORKDAYS:
        firsts = calendar().workdays
    elif MONTHS % season == 0 and season > 1:
        firsts = calendar().months[:: MONTHS // season]
    else:
        years = np.arange(YEARS * season) / season
        firsts = np.floor(years * DAYS_OF_A_YEAR).astype(np.int64)
    place = rng.integers(len(firsts), size=(series, 1)) + np.arange(steps + 1)
    cycles, within = np.divmod(place, len(firsts))
    edges: Wholes = firsts[within] + cycles * DAYS
    return edges


def days_between(edges: Wholes) -> Floats:
    """How many days of each kind lie between neighbouring edges (B, T + 1): (B, T, F)."""
    totals = calendar().totals
    cycles, day = np.divmod(edges, DAYS)
    return np.diff(totals[day] + cycles[..., None] * totals[-1], axis=1)


def _flow(rng: np.random.Generator, edges: Wholes) -> Floats:
    """Flow between neighbouring edges (B, T + 1), (B, T), of mean 1 over all steps."""
    series = len(edges)
    days = days_between(edges)
    flow = np.maximum(np.einsum("btf,bf->bt", days, _weights(rng, series, days.shape[2])), 0.0)
    is_mean = chance(rng, series, 0.2)  # per day of the step instead of a sum
    flow = np.where(is_mean, flow / np.diff(edges, axis=1), flow)
    floor = np.where(chance(rng, series, 0.5), 0.0, 0.1)
    result: Floats = floor + flow / np.maximum(flow.mean(axis=1, keepdims=True), 1e-9)
    return result


def _weights(rng: np.random.Generator, series: int, kinds: int) -> Floats:
    """What a day of each kind adds, (B, F): weekdays, and the holidays' effects on top."""
    workdays = 1 + uniform(rng, series, 0.0, 0.25) * rng.standard_normal((series, WORKDAYS))
    weekend = np.where(
        chance(rng, series, 0.7),  # closed or less, as in offices; or more, as in leisure
        rng.uniform(0.0, 1.0, (series, 2)) * uniform(rng, series, 0.0, 1.0),
        1 + rng.exponential(0.4, (series, 2)),
    )
    effects = rng.normal(-0.1, 0.5, (series, kinds - WEEKDAYS))
    effects *= rng.random(effects.shape) < 0.6
    return np.concatenate([np.maximum(workdays, 0.1), weekend, np.clip(effects, -1, 2)], axis=1)


def _season_of_days(rng: np.random.Generator, edges: Wholes, season: int) -> Floats:
    """A yearly season at steps between edges (B, T + 1), (B, T)."""
    if season in (WEEKDAYS, WORKDAYS):
        return long_season(rng, edges[:, :-1], Seasons(WEEKDAYS, DAYS_OF_A_YEAR))
    times = np.broadcast_to(np.arange(edges.shape[1] - 1), (len(edges), edges.shape[1] - 1))
    return repeat(pattern(rng, len(edges), season), times)
