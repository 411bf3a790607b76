import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.monitoring.charts import NEVER
from forecast.monitoring.statistics import TESTS, Observed, Statistics, advance, in_alarm, sizes

SERIES, WINDOW = 3, 50


def rows_of(scores, naive=20.0):
    """Rows of series (S, T) whose errors are ten times their scores, with intervals that fit."""
    for time, score in enumerate(scores.T):
        size = np.abs(score)
        inside = np.where(np.isnan(score), np.nan, [size <= 1.2816, size <= 1.96]).T
        yield Observed(np.full(len(score), time), score, 10 * score, 0 * score + naive, inside)


def followed(scores, start=None, between=10_000, **options):
    """The statistics after the rows of some series (S, T)."""
    now = start or Statistics.start(np.full(len(scores), -1), WINDOW, **options)
    limits = now.limits(between)
    for row in rows_of(scores):
        now = advance(now, row, limits)
    return now


def healthy(series, rows, seed=0):
    return np.random.default_rng(seed).normal(size=(series, rows))


def raised(now):
    """The tests that have raised an alarm, of each series."""
    return [{TESTS[k] for k in np.flatnonzero(row)} for row in now.alarms.at != NEVER]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 60), max_size=5), st.integers(0, 10))
def test_rows_in_parts_are_the_same_as_all_at_once(cuts, seed):
    scores = healthy(SERIES, 60, seed)
    scores[:, 30:] *= 4.0
    scores[np.random.default_rng(seed).random(scores.shape) < 0.1] = np.nan
    rows = [*rows_of(scores)]
    whole = now = Statistics.start(np.full(SERIES, -1), WINDOW)
    limits = now.limits(100)

    for row in rows:
        whole = advance(whole, row, limits)
    edges = [0, *sorted(cuts), 60]
    for begin, end in itertools.pairwise(edges):
        now = Statistics.from_arrays({**now.arrays()})
        for row in rows[begin:end]:
            now = advance(now, row, limits)

    for name, array in whole.arrays().items():
        np.testing.assert_array_equal(now.arrays()[name], array, err_msg=name)


def test_a_series_is_judged_by_its_own_rows_alone():
    scores = healthy(SERIES, 80)
    alone = followed(scores[1:2], between=10_000 * SERIES)
    together = followed(scores).take(np.array([1]))

    for name, array in alone.arrays().items():
        np.testing.assert_array_equal(together.arrays()[name], array, err_msg=name)


def test_advancing_leaves_the_statistics_before_as_they_are():
    before = followed(healthy(2, 60))
    kept = {name: array.copy() for name, array in before.arrays().items()}

    followed(9 + healthy(2, 5), start=before)

    for name, array in kept.items():
        np.testing.assert_array_equal(before.arrays()[name], array)


def test_twenty_healthy_series_raise_no_alarm():
    assert raised(followed(healthy(20, 300, seed=3))) == [set()] * 20


@pytest.mark.parametrize("spread", [0.3, 1.0, 4.0])
def test_a_spread_other_than_that_of_the_calibration_is_no_change(spread):
    now = followed(spread * healthy(20, 300, seed=3))

    assert (now.alarms.at[:, :4] == NEVER).all()


@pytest.mark.parametrize(
    ("change", "test"),
    [
        (lambda score: score + 2, "level up"),
        (lambda score: score - 2, "level down"),
        (lambda score: score * 4, "scale up"),
    ],
)
def test_each_kind_of_change_raises_its_alarm_soon_and_is_dated(change, test):
    scores = healthy(20, 200, seed=4)
    scores[:, 120:] = change(scores[:, 120:])
    now, place = followed(scores), TESTS.index(test)
    at, since = now.alarms.at[:, place], now.alarms.since[:, place]

    assert (at >= 120).all()
    assert np.median(at) < 120 + 20
    assert np.abs(np.median(since) - 120) <= 2


def test_the_size_of_a_level_shift_is_in_the_units_of_the_data():
    scores = healthy(20, 300, seed=4)
    scores[:, 120:] += 3

    assert sizes(followed(scores))[:, 0] == pytest.approx(30, abs=5)


def test_the_size_of_a_change_of_scale_is_a_multiple_of_the_usual_error():
    scores = healthy(20, 300, seed=4)
    scores[:, 120:] *= 5

    assert np.median(sizes(followed(scores))[:, 2]) == pytest.approx(5, abs=1)


def test_an_alarm_ends_when_errors_are_as_usual_again():
    scores = healthy(1, 200, seed=5)
    scores[:, 100:110] += 4
    now = followed(scores)

    assert "level up" in raised(now)[0]
    assert not in_alarm(now, now.limits()).any()


def test_intervals_that_no_longer_cover_raise_an_alarm():
    now = Statistics.start(np.zeros(1, int), WINDOW)
    limits = now.limits()
    for time in range(60):
        inside = np.array([[float(time < 20), 1.0]])
        row = Observed(np.array([time]), np.zeros(1), np.ones(1), np.ones(1), inside)
        now = advance(now, row, limits)

    assert raised(now) == [{"coverage-80"}]


def test_a_naive_forecast_that_is_closer_raises_an_alarm():
    errors = 1.0 + 0.1 * np.abs(healthy(1, 60))
    now = Statistics.start(np.zeros(1, int), WINDOW)
    limits = now.limits()
    for time, error in enumerate(errors.T):
        row = Observed(np.array([time]), error, error, 0.5 * error, np.full((1, 2), np.nan))
        now = advance(now, row, limits)

    assert raised(now) == [{"skill"}]


def test_mase_is_scaled_by_the_seasonal_naive_errors_of_the_history_and_of_usual_rows():
    history = np.array([[1.0, np.nan, 3.0]])
    now = followed(np.zeros((1, 2)), naive=history)

    assert now.naive_scale.tolist() == [(1 + 3 + 20 + 20) / 4]
    assert now.usual_error.tolist() == [0.0]


def test_a_change_is_not_learned_as_usual():
    scores = healthy(1, 300, seed=6)
    before = followed(scores[:, :150])
    scores[:, 150:] += 3
    after = followed(scores)

    assert after.moments.mean[0, 0] == pytest.approx(before.moments.mean[0, 0], abs=0.2)


@pytest.mark.parametrize("at", [0, 5, 19, 30, 60, 100])
def test_one_wild_row_raises_no_alarm_afterwards_and_hides_no_later_shift(at):
    scores = healthy(20, 400, seed=7)
    scores[:, at] = 1000.0
    calm = followed(scores)
    scores[:, 300:] += 3
    shifted = followed(scores)

    assert raised(calm) == [set()] * 20
    assert (shifted.alarms.at[:, TESTS.index("level up")] >= 300).all()
    assert (shifted.alarms.at[:, TESTS.index("level up")] < 320).all()


@pytest.mark.parametrize("at", [3, 40])
def test_one_wild_row_hardly_moves_what_is_usual(at):
    scores = healthy(20, 300, seed=8)
    without = followed(scores)
    scores[:, at] = -1e6
    after = followed(scores)

    np.testing.assert_allclose(after.moments.mean, without.moments.mean, atol=0.05)
    np.testing.assert_allclose(after.usual_error, without.usual_error, rtol=0.1)
    np.testing.assert_allclose(after.moments.spread, without.moments.spread, rtol=0.1)


def test_one_wild_naive_forecast_counts_for_ten_usual_ones_at_most():
    now = Statistics.start(np.zeros(1, int), WINDOW, naive=np.ones((1, 30)))
    for time, naive in enumerate([1.0] * 20 + [1e9]):
        row = Observed(np.array([time]), *np.array([[0.5], [5.0], [naive]]), np.ones((1, 2)))
        now = advance(now, row, now.limits())

    assert now.naive_scale.tolist() == [(50 + 10) / 51]
