import numpy as np
import pytest

from forecast.pretrained.prior.seasonal_arima import seasonal_arima, seasonal_part, two_poles
from forecast.pretrained.prior.seasons import Seasons


def test_the_poles_lie_inside_the_unit_circle():
    coefficients = two_poles(np.random.default_rng(0), 500)

    radii = [np.abs(np.roots([1, *-row])).max() for row in coefficients]
    assert max(radii) < 0.981
    assert np.median(radii) > 0.5
    is_pair = coefficients[:, 0] ** 2 + 4 * coefficients[:, 1] < 0
    assert is_pair.mean() == pytest.approx(0.3, abs=0.08)


def test_the_seasonal_part_is_a_recursion_over_whole_seasons():
    values = np.zeros((400, 12))
    values[:, 1] = 1.0

    found = seasonal_part(np.random.default_rng(0), values, 4)

    first, second, third = found[:, 1], found[:, 5], found[:, 9]
    assert (first == 1).all()
    is_integrated = np.isclose(third, second) & (second > 0)  # goes on for ever
    np.testing.assert_allclose(third[~is_integrated], second[~is_integrated] ** 2)
    assert is_integrated.mean() == pytest.approx(0.4, abs=0.08)
    assert not found[:, [0, 2, 3, 4, 6]].any()


def test_series_without_a_season_have_no_seasonal_part():
    values = np.random.default_rng(0).standard_normal((3, 9))

    assert seasonal_part(np.random.default_rng(1), values, 1) is values


def test_some_series_are_integrated_and_some_stationary():
    values = seasonal_arima(np.random.default_rng(0), 2000, 400, Seasons(1))

    halves = np.stack([values[:, :200].mean(axis=1), values[:, 200:].mean(axis=1)])
    moved = np.abs(np.diff(halves, axis=0)[0]) / values.std(axis=1)
    assert (moved > 1.2).mean() > 0.2
    assert (moved < 0.3).mean() > 0.1
