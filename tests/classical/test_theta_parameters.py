import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.classical.theta_parameters import (
    PRIOR_COUNT,
    SMOOTHING,
    USUAL_WEIGHT,
    WEIGHTS,
    error_sums,
    parameters,
)
from forecast.classical.theta_step import Line, line_after, line_term

SEEDS = st.integers(0, 10_000)


def walk(seed, length=20):
    """A random walk that begins with 0, a table of one series."""
    steps = np.random.default_rng(seed).normal(size=length)
    return np.cumsum(np.concatenate([[0.0], steps[1:]]))[None]


def squared_errors(values, smoothing, weight):
    """One-step errors of the theta model from the fourth value on, squared, one by one."""
    level, line, squared = 0.0, Line(0.0, 0.0, 0), []
    for value in values:
        squared.append((value - level - weight * line_term(line, smoothing)) ** 2)
        level += smoothing * (value - level)
        line = line_after(line, value, True)
    return np.array(squared[3:])


@settings(deadline=None, max_examples=30)
@given(SEEDS, st.floats(0.01, 0.99), st.floats(0, 1.5))
def test_the_sums_give_the_squared_error_of_any_weight(seed, smoothing, weight):
    rows = walk(seed)

    sums = error_sums(rows, np.array([[smoothing]]))

    expected = squared_errors(rows[0], smoothing, weight)
    assert sums.number.tolist() == [len(expected)]
    assert sums.squared_error(np.array(weight))[0, 0] == pytest.approx(expected.sum(), rel=1e-9)


@settings(deadline=None, max_examples=30)
@given(SEEDS, st.floats(0.01, 0.99))
def test_the_weight_has_the_least_penalised_error_of_all(seed, smoothing):
    sums = error_sums(walk(seed), np.array([[smoothing]]))

    weight = sums.weight()[0, 0]

    prior = PRIOR_COUNT / sums.number * sums.lines
    penalised = [
        (sums.squared_error(np.array(w)) + prior * (w - USUAL_WEIGHT) ** 2)[0, 0]
        for w in [weight, *np.linspace(*WEIGHTS, 301)]
    ]
    assert WEIGHTS[0] <= weight <= WEIGHTS[1]
    assert penalised[0] <= min(penalised) * (1 + 1e-12)


@settings(deadline=None, max_examples=10)
@given(SEEDS)
def test_the_smoothing_constant_is_the_mean_of_all_by_their_likelihood(seed):
    rows = 1000 * walk(seed)

    sums = [error_sums(rows, np.array([[constant]])) for constant in SMOOTHING]
    variance = np.array([one.squared_error(one.weight())[0, 0] / 17 for one in sums])  # 20 - 3
    logarithm = -17 / 2 * np.log(variance)  # of the normal likelihood, but for a constant
    expected = np.average(SMOOTHING, weights=np.exp(logarithm - logarithm.max()))

    assert parameters(rows + 5).smoothing[0] == pytest.approx(expected)


def test_missing_values_and_those_before_a_series_count_for_nothing():
    rows = walk(3)
    spread_out = np.insert(rows, [0, 0, 5, 9, 20], np.nan, axis=1)

    for whole, spread in zip(parameters(rows), parameters(spread_out), strict=True):
        np.testing.assert_allclose(spread, whole, rtol=1e-12)


@pytest.mark.parametrize("values", [[7.0], [7.0, 9.0, 1.0], [7.0] * 30, [np.nan] * 4])
def test_without_errors_to_learn_from_the_parameters_are_the_usual_ones(values):
    smoothing, weight = parameters(np.array([values]))

    assert smoothing == pytest.approx([0.5])
    assert weight.tolist() == [USUAL_WEIGHT]


def test_noise_about_a_level_is_smoothed_more_than_a_random_walk():
    noise = np.random.default_rng(0).normal(size=(1, 300))

    assert parameters(noise).smoothing[0] < 0.1
    assert parameters(noise.cumsum(axis=1)).smoothing[0] > 0.9


def test_a_change_of_direction_takes_weight_from_the_line():
    steps = np.random.default_rng(0).normal(size=(1, 200)) / 10
    up_and_down = np.repeat([[1.0, -1.0]], 100, axis=1)

    straight = parameters((steps + 1).cumsum(axis=1)).weight[0]
    turning = parameters((steps + up_and_down).cumsum(axis=1)).weight[0]

    assert straight == pytest.approx(1, abs=0.05)
    assert turning < 0.7
