import numpy as np
import pytest

from forecast.pretrained.prior.seasons import Seasons
from forecast.pretrained.prior.two_seasons import sunlight, two_profiles, weather

WEEKS = 30


def variance_left(values, period):
    """Share of the variance that is left after the mean at each place of a period."""
    folded = values.reshape(len(values), -1, period)
    return folded.var(axis=1).mean(axis=1) / values.var(axis=1)


def test_days_have_profiles_that_repeat_with_the_week():
    values = two_profiles(np.random.default_rng(0), 300, 168 * WEEKS, Seasons(24, 168))

    assert (values > 0).all()
    by_day, by_week = (variance_left(np.log(values), period) for period in (24, 168))
    assert np.median(by_week) < 0.7 * np.median(by_day)
    assert (by_week < 0.8 * by_day).mean() > 0.3


def test_without_a_week_all_days_are_alike():
    values = two_profiles(np.random.default_rng(0), 300, 168 * WEEKS, Seasons(24))

    by_day, by_week = (variance_left(np.log(values), period) for period in (24, 168))
    assert np.median(by_week / by_day) > 0.9


def test_nights_are_dark_at_the_same_hours():
    values = sunlight(np.random.default_rng(0), 200, 24 * 10, Seasons(24))

    is_dark = values.reshape(200, 10, 24) == 0
    assert (is_dark == is_dark[:, :1]).all()
    assert (values >= 0).all()
    assert (is_dark[:, 0].sum(axis=1) >= 8).all()
    assert (is_dark[:, 0].sum(axis=1) <= 16).all()


def test_days_are_longer_in_one_part_of_the_year():
    values = sunlight(np.random.default_rng(0), 100, 24 * 365, Seasons(24, 8760))

    daylight = (values.reshape(100, 365, 24) > 0).sum(axis=2)
    assert np.ptp(daylight, axis=1).min() >= 3


@pytest.mark.parametrize(("seasons", "period"), [(Seasons(12), 12), (Seasons(7, 364), 364)])
def test_temperatures_follow_one_wave_over_the_longest_season(seasons, period):
    values = weather(np.random.default_rng(0), 400, 8 * period, seasons)

    power = np.abs(np.fft.rfft(values - values.mean(axis=1, keepdims=True))) ** 2
    assert (power.argmax(axis=1) == 8).mean() > 0.6


def test_hourly_temperatures_have_a_daily_wave_too():
    values = weather(np.random.default_rng(0), 400, 24 * 20, Seasons(24, 8766))

    power = np.abs(np.fft.rfft(values - values.mean(axis=1, keepdims=True))) ** 2
    nearby = power[:, 15:26].argmax(axis=1) + 15
    assert (nearby == 20).mean() > 0.7
