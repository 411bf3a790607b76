import datetime

import numpy as np
import pytest

from forecast.pretrained.prior.calendars import (
    DAYS,
    calendar,
    calendar_effects,
    days_between,
    step_edges,
)
from forecast.pretrained.prior.seasons import Seasons

ORIGIN = np.datetime64("1973-01-01")
EASTER = {1975: "03-30", 1984: "04-22", 1999: "04-04", 2000: "04-23"}  # Sundays


def day(date):
    return int((np.datetime64(date) - ORIGIN).astype(int))


def test_the_days_of_each_kind_are_those_of_the_calendar():
    first, last = "1999-04-01", "1999-05-01"

    (counts,) = days_between(np.array([[day(first), day(last)]]))[0]

    monday_to_sunday = [
        np.busday_count(first, last, weekmask=np.eye(7, dtype=bool)[k]) for k in range(7)
    ]
    assert counts[:7].tolist() == monday_to_sunday == [4, 4, 4, 5, 5, 4, 4]
    # Easter Sunday was the 4th: 1 of the 7 days before Good Friday the 2nd, and all four after
    assert counts[7:].tolist() == [0, 0, 0, 0, 1, 4]


@pytest.mark.parametrize(("year", "date"), EASTER.items())
def test_good_friday_to_easter_monday_is_where_easter_is(year, date):
    sunday = day(f"{year}-{date}")

    counts = days_between(np.array([[sunday - 3, sunday - 2, sunday + 2, sunday + 3]]))[0, :, -1]

    assert counts.tolist() == [0, 4, 0]


def test_after_28_years_the_weekdays_go_on():
    assert datetime.date(1973, 1, 1).weekday() == datetime.date(2001, 1, 1).weekday() == 0
    assert day("2001-01-01") == DAYS

    across = days_between(np.array([[DAYS - 3, DAYS + 4]]))

    assert across[0, 0, :7].tolist() == [1] * 7
    assert len(calendar().months) == 28 * 12


@pytest.mark.parametrize(
    ("season", "lengths"),
    [
        (7, {1}),
        (5, {1, 3}),
        (12, {28, 29, 30, 31}),
        (4, {90, 91, 92}),
        (52, {7, 8}),
        (1, {365, 366}),
    ],
)
def test_steps_are_days_workdays_or_parts_of_a_year(season, lengths):
    edges = step_edges(np.random.default_rng(0), 50, 700, season)

    assert edges.shape == (50, 701)
    assert {*np.diff(edges).ravel()} == lengths


def test_steps_of_a_month_begin_on_the_first():
    edges = step_edges(np.random.default_rng(0), 20, 100, 12)

    assert {*(ORIGIN + edges[edges < DAYS]).astype("datetime64[M]").astype("datetime64[D]")} == {
        *(ORIGIN + edges[edges < DAYS])
    }


def test_days_have_levels_by_weekday():
    values = calendar_effects(np.random.default_rng(0), 400, 7 * 30, Seasons(7, 365.25))

    logs = np.log(np.maximum(values, 1e-12)).reshape(400, 30, 7)
    left = logs.var(axis=1).mean(axis=1) / logs.var(axis=(1, 2))
    assert (left < 0.6).mean() > 0.4
    assert (values >= 0).all()


def test_all_steps_of_a_day_share_its_flow(monkeypatch):
    quiet = lambda _, series, steps, *__: np.zeros((series, steps))  # noqa: E731
    for name in ("bent_line", "growth_line", "noise", "pattern"):
        monkeypatch.setattr(f"forecast.pretrained.prior.calendars.{name}", quiet)

    values = calendar_effects(np.random.default_rng(0), 200, 24 * 21, Seasons(24, 168))

    changes = np.diff(values, axis=1) != 0
    hours = np.arange(24)
    at_midnight = [{*np.flatnonzero(row) % 24} for row in changes]
    assert all(len(found & {*hours}) == 1 for found in at_midnight)
