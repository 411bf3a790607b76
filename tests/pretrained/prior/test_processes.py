import numpy as np
import pytest
from scipy.signal import lfilter

from forecast.pretrained.prior import processes
from forecast.pretrained.prior.seasons import Seasons


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_noise_has_scale_1_and_heavy_tails_in_half_of_the_series(rng):
    values = processes.noise(rng, 400, 2000)

    assert np.abs(values).max() == 12
    assert np.median(np.abs(values)) == pytest.approx(0.7, abs=0.03)  # normal 0.674, t(4) 0.741
    assert (np.abs(values).max(axis=1) > 5.5).mean() == pytest.approx(0.5, abs=0.08)


def test_an_autoregression_is_the_linear_filter_of_its_coefficients(rng):
    coefficients, shocks = rng.uniform(-0.4, 0.4, (5, 3)), rng.standard_normal((5, 60))

    values = processes.autoregression(coefficients, shocks)

    for k in range(5):
        np.testing.assert_allclose(values[k], lfilter([1], [1, *-coefficients[k]], shocks[k]))


def test_level_shifts_are_as_many_as_expected(rng):
    levels = processes.level_shifts(rng, 2000, 50, expected=1.5)

    assert (np.diff(levels, prepend=0) != 0).sum(axis=1).mean() == pytest.approx(1.5, abs=0.1)


def test_a_line_without_bends_is_straight_and_mostly_rises(rng):
    lines = processes.bent_line(rng, 2000, 30, expected=0.0)

    np.testing.assert_allclose(np.diff(lines, 2), 0, atol=1e-12)
    assert lines[:, -1].mean() == pytest.approx(0.7, abs=0.1)


def test_growth_lies_between_its_bounds_and_is_mostly_upwards(rng):
    for seasons in (Seasons(1), Seasons(12), Seasons(24, 168)):
        total = processes.total_growth(rng, 5000, 240, seasons)

        assert total.min() >= -0.8
        assert total.max() <= 6
        assert (total == 0).mean() == pytest.approx(0.2, abs=0.03)
        assert (total > 0).mean() == pytest.approx(0.7, abs=0.03)


def test_the_growth_of_a_year_does_not_depend_on_the_steps_in_it(rng):
    yearly, monthly = (
        np.median(processes.total_growth(rng, 20_000, years * steps, Seasons(steps)))
        for years, steps in [(10, 1), (10, 12)]
    )

    assert yearly == pytest.approx(monthly, rel=0.1)


def test_deviations_are_terms_or_factors_around_a_line(rng):
    line = np.broadcast_to(np.array([0.0, 1.0, 3.0]), (400, 3))
    deviations = np.broadcast_to(np.array([0.1, -0.1, 0.2]), (400, 3))

    values = processes.around_line(rng, deviations, line)

    is_term = np.isclose(values, [1.1, 1.9, 4.2]).all(axis=1)
    is_factor = np.isclose(values, np.exp([0.1, -0.1, 0.2]) * [1, 2, 4]).all(axis=1)
    assert (is_term | is_factor).all()
    assert is_term.mean() == pytest.approx(0.5, abs=0.08)


def test_large_deviations_are_mostly_factors(rng):
    deviations = 2 * rng.standard_normal((1000, 40))

    values = processes.around_line(rng, deviations, np.zeros((1000, 40)))

    assert (values > 0).all(axis=1).mean() == pytest.approx(0.95, abs=0.03)


@pytest.mark.parametrize(
    ("process", "kernel"),
    [
        (processes.smooth_process, lambda h: np.exp(-(h**2) / 2)),
        (processes.rough_process, lambda h: (1 + np.sqrt(3) * h) * np.exp(-np.sqrt(3) * h)),
    ],
)
def test_a_gaussian_process_has_the_covariance_of_its_kernel(rng, process, kernel):
    scale = 5.0
    values = process(rng, 300, np.full((4000, 1), scale))

    for lag in (0, 2, 5, 10):
        covariance = (values[:, 100] * values[:, 100 + lag]).mean()
        assert covariance == pytest.approx(kernel(lag / scale), abs=0.06)
