from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.evaluation.baselines import (
    BASELINES,
    drift,
    is_seasonal,
    naive,
    naive2,
    seasonal_naive,
    seasonal_shape,
)
from forecast.evaluation.metrics import seasonal_differences

NAN = np.nan


# The seasonal naive forecast


def test_the_naive_forecast_repeats_the_last_season(make_panel):
    panel = make_panel([0, 0, 1, 2, 3], [7, 8, 9])

    forecast = seasonal_naive(panel, season=3, horizon=7)

    assert forecast[..., 0].tolist() == [[1, 2, 3, 1, 2, 3, 1], [7, 8, 9, 7, 8, 9, 7]]


def test_without_a_season_the_naive_forecast_repeats_the_last_value(make_panel):
    forecast = seasonal_naive(make_panel([4, 5, 6]), season=1, horizon=3)

    assert forecast[0, :, 0].tolist() == [6, 6, 6]


def test_a_missing_value_is_taken_from_the_season_before(make_panel):
    panel = make_panel([1, 2, 3, 4, NAN, NAN, 7, NAN, 9])

    forecast = seasonal_naive(panel, season=3, horizon=4)

    # rows 6 to 8 are 7, -, 9; row 4 is missing too, row 1 is 2
    assert forecast[0, :, 0].tolist() == [7, 2, 9, 7]


def test_a_place_in_the_season_that_was_never_seen_takes_the_last_observed_value(make_panel):
    panel = make_panel([NAN, 5, NAN, NAN, 8, NAN])

    forecast = seasonal_naive(panel, season=3, horizon=3)

    assert forecast[0, :, 0].tolist() == [8, 8, 8]


def test_a_history_shorter_than_a_season_repeats_what_it_has(make_panel):
    forecast = seasonal_naive(make_panel([100] * 9, [1, 2]), season=4, horizon=5)

    # of four places the last two are 1 and 2; nothing is taken from the other series
    assert forecast[1, :, 0].tolist() == [2, 2, 1, 2, 2]


def test_a_series_without_any_value_has_no_naive_forecast(make_panel):
    forecast = seasonal_naive(make_panel([NAN, NAN], [3, 4]), season=1, horizon=2)

    np.testing.assert_array_equal(forecast[..., 0], [[NAN, NAN], [4, 4]])


@given(
    length=st.integers(1, 20),
    season=st.integers(1, 6),
    horizon=st.integers(1, 15),
    seed=st.integers(0, 999),
)
@settings(deadline=None, max_examples=50)
def test_the_naive_forecast_equals_a_search_backwards_in_seasons(
    make_random_panel, length, season, horizon, seed
):
    panel = make_random_panel([4, length], seed, missing=0.5)
    values = panel.target[4:, 0].tolist()

    forecast = seasonal_naive(panel, season, horizon)[1, :, 0]

    for h in range(horizon):
        row = length - season + h % season
        candidates = [values[r] for r in range(row, -1, -season) if not np.isnan(values[r])]
        assert forecast[h] == (candidates[0] if candidates else values[-1])


# The others


def test_the_naive_forecast_repeats_the_last_observed_value(make_panel):
    forecast = naive(make_panel([1, 4, NAN], [NAN, NAN]), season=7, horizon=2)

    np.testing.assert_array_equal(forecast[..., 0], [[4, 4], [NAN, NAN]])


def test_drift_goes_on_along_the_line_from_the_first_to_the_last_value(make_panel):
    forecast = drift(make_panel([NAN, 1, 9, 7], [5, NAN]), season=1, horizon=3)

    # of the first: (7 - 1) / 2 steps = 3 a step; of the second no line can be told
    np.testing.assert_array_equal(forecast[..., 0], [[10, 13, 16], [5, 5, 5]])


def test_drift_counts_its_steps_from_the_last_observed_value(make_panel):
    forecast = drift(make_panel([2, 4, NAN, NAN]), season=1, horizon=2)

    assert forecast[0, :, 0].tolist() == [10, 12]  # 4 is followed by 6, 8, which are past


@pytest.mark.slow
def test_every_baseline_treats_each_target_by_itself(make_random_panel):
    panel = make_random_panel([30, 41], 3, targets=2)

    for baseline in BASELINES.values():
        both = baseline(panel, 5, 7)
        assert both.shape == (2, 7, 2)
        for d in range(2):
            alone = baseline(with_target(panel, d), 5, 7)
            np.testing.assert_array_equal(both[..., [d]], alone)


def with_target(panel, d):
    return replace(panel, target=panel.target[:, [d]])


# Naive2, as in the M competitions


def test_the_shape_of_a_season_is_told_by_classical_decomposition():
    trend = 100 + 2.0 * np.arange(24)
    shape = np.array([0.5, 1.0, 1.5, 1.0])

    found = seasonal_shape(trend * np.tile(shape, 6), 4)

    # the centred mean over 2 x 4 steps of a line times a season is not quite the line
    np.testing.assert_allclose(found, shape, rtol=0.02)
    assert found.mean() == pytest.approx(1.0)


def test_an_odd_season_is_smoothed_over_as_many_steps():
    values = np.tile([2.0, 4.0, 6.0], 5)

    np.testing.assert_allclose(seasonal_shape(values, 3), [0.5, 1.0, 1.5])


def test_naive2_repeats_the_last_value_with_the_season_put_back(make_panel):
    values = np.tile([2.0, 4.0, 6.0], 5)

    forecast = naive2(make_panel(values[:-1]), season=3, horizon=4)

    # the last value, 4, is that of a mean phase: 4 of factor 1, so the level is 4
    np.testing.assert_allclose(forecast[0, :, 0], [6, 2, 4, 6])


def test_naive2_takes_a_missing_value_as_the_one_before_it(make_panel):
    values = np.tile([2.0, 4.0, 6.0], 20)
    values[-1] = values[20] = NAN

    forecast = naive2(make_panel([NAN, *values]), season=3, horizon=3)

    # the last value that was observed is 4, of the phase before that of the last row
    np.testing.assert_allclose(forecast[0, :, 0], [2, 4, 6], rtol=0.03)


@pytest.mark.parametrize(
    "values",
    [
        [5.0, 1.0, 4.0, 2.0, 3.0, 5.0, 2.0, 1.0, 4.0],  # nothing repeats
        [0.0, 4.0, 6.0] * 5,  # not positive
        [NAN, NAN],
        [2.0, 4.0] * 3,  # two seasons
        [3.0] * 12,
    ],
)
def test_naive2_is_naive_where_there_is_no_season_to_adjust_for(make_panel, values):
    panel = make_panel(values)

    np.testing.assert_array_equal(naive2(panel, 3, 5), naive(panel, 3, 5))


def test_a_season_must_pass_the_test_of_the_competition():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(200, 60))
    season = np.tile([0.0, 1.0, 0.0, -1.0], 15)

    share = np.mean([is_seasonal(one, 4) for one in noise])

    assert share < 0.15  # by chance it passes in 10 % of all cases
    assert all(is_seasonal(one + 2 * season, 4) for one in noise)


def test_changes_from_season_to_season_stay_within_a_series(make_panel):
    changes = seasonal_differences(make_panel([1, 2, 5, 9], [7], [3, NAN, 4]), 2)

    np.testing.assert_array_equal(changes[:, 0], [NAN, NAN, 4, 7, NAN, NAN, NAN, 1])


def test_values_that_differ_by_rounding_alone_have_not_changed(make_panel):
    changes = seasonal_differences(make_panel([0.3, 0.1 + 0.2, 0.3, 1e7, 1e7 + 1e-8]), 1)

    assert changes[1:3, 0].tolist() == [0.0, 0.0]
    assert changes[4, 0] == pytest.approx(1e-8, rel=0.2)
