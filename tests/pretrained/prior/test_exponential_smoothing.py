import numpy as np
import pytest

from forecast.pretrained.prior.exponential_smoothing import (
    Smoothing,
    exponential_smoothing,
    simulate,
)
from forecast.pretrained.prior.seasons import Seasons


def model(pattern=(0.0,), **fields):
    """One model; all smoothing constants are zero unless given."""
    names = ("level", "trend", "season", "growth", "drift")
    values = {**dict.fromkeys(names, 0.0), "damping": 1.0, **fields}
    flags = dict.fromkeys(("season_is_factor", "error_is_relative"), False)
    arrays = {name: np.array([value]) for name, value in {**flags, **values}.items()}
    return Smoothing(pattern=np.array(pattern)[:, None], **arrays)


def test_simple_smoothing_follows_its_errors_in_part():
    values = simulate(model(level=0.5), np.array([[1.0, 0.0, 2.0, 0.0]]))

    assert values.tolist() == [[2.0, 1.5, 3.5, 2.5]]  # from a level of 1: 1.5, 1.5, 2.5


def test_a_trend_is_damped_down_to_the_drift():
    values = simulate(model(growth=0.5, damping=0.5, drift=0.1), np.zeros((1, 3)))

    np.testing.assert_allclose(values, [[1.3, 1.5, 1.65]])  # steps of 0.3, 0.2, 0.15


def test_holts_trend_learns_from_errors():
    values = simulate(model(level=0.5, trend=0.2), np.array([[1.0, 0.0, 0.0]]))

    np.testing.assert_allclose(values, [[2.0, 1.7, 1.9]])  # level 1.5, then a trend of 0.2


def test_seasons_are_terms_or_factors():
    growing = {"growth": 1.0, "drift": 1.0}
    terms = simulate(model(pattern=(-0.5, 0.5), **growing), np.zeros((1, 4)))
    factors = simulate(
        model(pattern=(0.5, 1.5), season_is_factor=True, **growing), np.zeros((1, 4))
    )

    assert terms.tolist() == [[1.5, 3.5, 3.5, 5.5]]
    assert factors.tolist() == [[1.0, 4.5, 2.0, 7.5]]


def test_a_season_learns_from_its_own_errors():
    values = simulate(model(pattern=(0.0, 0.0), season=0.5), np.array([[1.0, 0.0, 0.0, 0.0]]))

    assert values.tolist() == [[2.0, 1.0, 1.5, 1.0]]


def test_relative_errors_are_in_proportion_to_the_value_expected():
    of = model(pattern=(0.5, 2.0), season_is_factor=True, error_is_relative=True)

    assert simulate(of, np.array([[0.1, 0.1, -5.0]])).tolist() == [
        pytest.approx([0.55, 2.2, 0.05])  # an error never takes away more than 90 percent
    ]


def test_a_level_with_factors_stays_positive():
    factor = {"pattern": (1.0,), "season_is_factor": True, "error_is_relative": True}

    values = simulate(model(level=0.9, trend=0.9, growth=-0.5, **factor), -0.5 * np.ones((1, 60)))

    assert (values > 0).all()


def test_some_series_are_next_to_deterministic_and_others_very_noisy():
    values = exponential_smoothing(np.random.default_rng(0), 2000, 60, Seasons(1))

    unsteadiness = np.abs(np.diff(values, 2)).mean(axis=1) / np.abs(values).mean(axis=1)
    assert 0.04 < (unsteadiness < 1e-3).mean() < 0.15
    assert (unsteadiness > 0.3).mean() > 0.05


def test_seasons_are_seen_in_most_series_and_growth_in_most_others():
    values = exponential_smoothing(np.random.default_rng(0), 2000, 120, Seasons(12))

    seasonal = np.diff(values.reshape(2000, 10, 12), axis=1)  # from year to year
    monthly = np.diff(values, axis=1)
    assert (np.abs(seasonal).mean(axis=(1, 2)) < np.abs(monthly).mean(axis=1)).mean() > 0.25
    assert (values[:, -12:].mean(axis=1) > values[:, :12].mean(axis=1)).mean() > 0.6
