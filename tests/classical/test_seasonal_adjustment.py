import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.classical import seasonal_adjustment
from forecast.classical.seasonal_adjustment import (
    adjusted,
    in_units,
    is_seasonal,
    means_by_step,
    moving_average,
    seasonality,
    with_season,
)

NAN = np.nan


def rows(*series):
    """Series that end in the last column."""
    width = max(map(len, series))
    return np.array([[NAN] * (width - len(values)) + list(values) for values in series], float)


# Factors


def test_the_factors_of_positive_values_multiply():
    factors, multiplicative = seasonality(rows([5, 10, 15] * 3), 3)

    np.testing.assert_allclose(factors, [[0.5, 1.0, 1.5]])
    assert multiplicative.tolist() == [True]


def test_the_terms_of_other_values_are_added_and_sum_to_zero():
    factors, multiplicative = seasonality(rows([-5, 0, 5, 12] * 3), 4)

    np.testing.assert_allclose(factors, [[-8, -3, 2, 9]])  # less the mean 3
    assert multiplicative.tolist() == [False]


def test_a_positive_series_that_nearly_vanishes_once_in_a_season_is_taken_as_additive():
    factors, multiplicative = seasonality(rows([1, 1000, 1000, 1999] * 3), 4)

    assert multiplicative.tolist() == [False]
    np.testing.assert_allclose(factors, [[-999, 0, 0, 999]], atol=1e-9)


def test_the_first_factor_is_that_of_the_step_after_the_last_row():
    whole = [5, 10, 15] * 3

    factors, _ = seasonality(rows(whole, whole[1:], whole[2:], [*whole, 5]), 3)

    np.testing.assert_allclose(factors, [[0.5, 1, 1.5]] * 3 + [[1, 1.5, 0.5]])


def test_a_trend_is_no_part_of_the_season():
    steps = np.arange(16.0)

    factors, _ = seasonality(rows(5 * steps - 50 + np.tile([-60, 10, 10, 40], 4)), 4)

    np.testing.assert_allclose(factors, [[-60, 10, 10, 40]], atol=1e-9)


def test_a_missing_value_takes_nothing_from_the_other_steps():
    series = [5.0, 10, 15] * 6
    series[7] = NAN

    factors, _ = seasonality(rows(series), 3)

    # the windows with it are means of two values: of 5 and 15, as before; of 15 and 5; of 5 and 15
    np.testing.assert_allclose(factors, [[0.5, 1.0, 1.5]])


def test_the_last_seasons_count_most():
    means = means_by_step(np.array([[7.0, 1, 10, 2, NAN]]), 2)

    # one more row: the last season is 2 and nothing, the one before 1 and 10, the first one is 7
    np.testing.assert_allclose(means, [[(0.8 * 1 + 2) / 1.8, (0.64 * 7 + 0.8 * 10) / 1.44]])


# Whether there is a season


def test_less_than_two_seasons_of_values_are_not_seasonal():
    two = [3, 6, 9, 18] * 2

    factors, _ = seasonality(rows(two, two[1:], [*two[:3], NAN, *two[4:]]), 4)

    np.testing.assert_allclose(factors, [[1 / 3, 2 / 3, 1, 2], [0] * 4, [0] * 4])


def test_without_a_season_nothing_is_adjusted():
    factors, multiplicative = seasonality(rows([1, 2, 1, 2, 1, 2]), 1)

    assert factors.tolist() == [[0.0]]
    assert multiplicative.tolist() == [False]


def test_a_step_that_is_never_observed_leaves_the_series_as_it_is():
    factors, _ = seasonality(rows([1, 5, NAN, 9] * 6), 4)

    assert factors.tolist() == [[0, 0, 0, 0]]


@pytest.mark.parametrize("value", [0.0, 0.1, -1e-300, 1e300])
def test_a_constant_is_not_seasonal(value):
    assert seasonality(rows([value] * 30), 3).factors.tolist() == [[0, 0, 0]]


def test_the_autocorrelation_must_exceed_its_standard_error():
    # deviations from the mean: 1, -1, 1, -1, 1, -1; autocorrelations -5/6 and 4/6;
    # the standard error at lag 2 is sqrt((1 + 2 * 25/36) / 6) = 0.631 < 0.667
    assert is_seasonal(rows([2, 0, 2, 0, 2, 0]), 2).tolist() == [True]

    # -1, -1, 2, -1, 2, -1 of squares 12: (1 - 2 - 2 - 2 - 2) / 12 = -7/12 at lag 1 and
    # (-2 + 1 + 4 + 1) / 12 = 1/3 at lag 2, with a standard error of 0.529
    assert is_seasonal(rows([0, 0, 3, 0, 3, 0]), 2).tolist() == [False]


# Moving averages


def test_an_odd_average_is_the_mean_of_neighbours():
    average = moving_average(rows([1, 2, 6, 1, 2]), 3)

    np.testing.assert_array_equal(average, [[NAN, 3, 3, 3, NAN]])


def test_an_even_average_counts_its_ends_half():
    average = moving_average(rows([0, 4, 0, 4, 8]), 4)

    np.testing.assert_array_equal(average, [[NAN, NAN, (0 + 4 + 0 + 4 + 4) / 4, NAN, NAN]])


def test_an_average_begins_within_its_series():
    average = moving_average(rows([9, 9, 9, 9, 9], [3, 6, 9]), 3)

    np.testing.assert_array_equal(average[1], [NAN, NAN, NAN, 6, NAN])


def test_an_average_is_that_of_the_known_values_if_half_are_known():
    average = moving_average(rows([1, NAN, 3, NAN, NAN, 8]), 3)

    np.testing.assert_array_equal(average, [[NAN, 2, NAN, NAN, NAN, NAN]])


# The adjustment


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.booleans())
def test_the_season_can_be_put_back(seed, multiplicative):
    values, factors = np.random.default_rng(seed).uniform(0.1, 10, (2, 5))

    restored = with_season(adjusted(values, factors, multiplicative), factors, multiplicative)

    np.testing.assert_allclose(restored, values)


def test_units_are_powers_of_two_that_no_value_exceeds():
    units, exponents = in_units(np.array([[3.0, -4.5], [NAN, 0.0], [5e-324, NAN]]))

    np.testing.assert_array_equal(units, [[0.375, -0.5625], [NAN, 0], [0.5, NAN]])
    assert exponents.tolist() == [3, 0, -1073]


def test_autocovariances_are_the_same_by_sums_and_by_a_fourier_transform(monkeypatch):
    deviations = np.random.default_rng(0).normal(size=(3, 50))

    summed = seasonal_adjustment._covariances(deviations, 7)
    monkeypatch.setattr(seasonal_adjustment, "MAX_SUMMED_LAGS", 0)
    transformed = seasonal_adjustment._covariances(deviations, 7)

    assert summed[0, 7] == pytest.approx(deviations[0, :-7] @ deviations[0, 7:])
    np.testing.assert_allclose(transformed, summed, atol=1e-12)
