import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.pretrained.prior.seasons import (
    Seasons,
    clock,
    long_season,
    pattern,
    repeat,
    season,
)


@pytest.mark.parametrize(
    ("seasons", "knots", "is_day", "is_year"),
    [
        (Seasons(1), 0, False, True),
        (Seasons(12), 0, False, True),
        (Seasons(7), 0, False, False),
        (Seasons(7, 365.25), 52, False, False),
        (Seasons(24, 168), 7, True, False),
        (Seasons(24, 8766), 60, True, False),
        (Seasons(52), 0, False, True),
        (Seasons(96, 672), 7, True, False),
        (Seasons(5, 260), 52, False, False),
        (Seasons(10, 11), 2, False, True),
    ],
)
def test_what_seasons_may_be_follows_from_their_lengths(seasons, knots, is_day, is_year):
    assert (seasons.knots, seasons.is_day, seasons.is_year) == (knots, is_day, is_year)


def test_the_clock_starts_anywhere_in_both_seasons_and_goes_on_by_one():
    times = clock(np.random.default_rng(0), 5000, 4, Seasons(3, 5))

    assert (np.diff(times) == 1).all()
    assert {*times[:, 0]} == set(range(15))  # all pairs of phases
    assert {*clock(np.random.default_rng(0), 500, 1, Seasons(4))[:, 0]} == {0, 1, 2, 3}


@given(length=st.integers(2, 400), seed=st.integers(0, 9))
@settings(max_examples=40)
def test_a_pattern_has_mean_0_and_deviation_1(length, seed):
    values = pattern(np.random.default_rng(seed), 20, length)

    assert values.shape == (20, length)
    np.testing.assert_allclose(values.mean(axis=1), 0, atol=1e-9)
    np.testing.assert_allclose(values.std(axis=1), 1, rtol=1e-9)


def test_a_season_of_one_step_has_no_pattern():
    assert pattern(np.random.default_rng(0), 3, 1).tolist() == [[0.0]] * 3


def test_patterns_are_repeated_from_a_given_time_on():
    patterns = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    times = np.array([[0, 1, 2, 3], [2, 3, 4, 5]])

    assert repeat(patterns, times).tolist() == [[1, 2, 3, 1], [6, 4, 5, 6]]


@pytest.mark.parametrize(
    ("seasons", "period"),
    [
        (Seasons(12), 12),
        (Seasons(24, 168), 168),
        (Seasons(7, 365.25), 7 * 1461),
        (Seasons(4, 6), 12),
    ],
)
def test_a_season_repeats_exactly_and_has_variance_1(seasons, period):
    values = season(np.random.default_rng(1), 40, 3 * period, seasons)

    np.testing.assert_allclose(values[:, period:], values[:, :-period], atol=1e-9)
    assert np.mean(values[:, :period] ** 2) == pytest.approx(1, abs=0.15)


def test_most_long_seasons_of_days_change_at_midnight_only():
    times = np.broadcast_to(np.arange(24 * 14), (200, 24 * 14))

    values = long_season(np.random.default_rng(2), times, Seasons(24, 168))

    within_days = np.ptp(values.reshape(200, 14, 24), axis=2).max(axis=1) < 1e-12
    assert within_days.mean() == pytest.approx(0.9, abs=0.07)


def test_without_a_longer_season_there_is_none():
    times = np.broadcast_to(np.arange(9), (2, 9))

    assert not long_season(np.random.default_rng(0), times, Seasons(4)).any()
