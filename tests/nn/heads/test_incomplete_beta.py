"""The incomplete beta function and Student's quantiles, next to SciPy and closed forms."""

import numpy as np
import pytest
from scipy.special import betainc, stdtrit

from forecast.nn import HEADS
from forecast.nn.heads import negative_binomial, student_t
from forecast.nn.heads.incomplete_beta import incomplete_beta, student_t_quantile

LEVELS = [1e-6, 0.025, 0.1, 0.4, 0.5, 0.75, 0.9, 0.999]


def test_the_beta_distribution_is_that_of_scipy():
    rng = np.random.default_rng(0)
    a, b = np.exp(rng.uniform(np.log([1e-4, 0.5]), np.log(1e5), (2000, 2))).T
    mean = a / (a + b)
    x = mean + rng.normal(0, 2, 2000) * np.sqrt(mean * (1 - mean) / (a + b + 1))
    x = np.clip(x, 1e-12, 1 - 1e-12)

    np.testing.assert_allclose(incomplete_beta(a, b, x), betainc(a, b, x), rtol=1e-12)


def test_the_beta_distribution_has_its_closed_forms():
    x = np.array([0.1, 0.5, 0.99])

    np.testing.assert_allclose(incomplete_beta(3.0, 1.0, x), x**3, rtol=1e-14)
    np.testing.assert_allclose(incomplete_beta(1.0, 2.5, x), 1 - (1 - x) ** 2.5, rtol=1e-14)


@pytest.mark.parametrize("level", LEVELS)
def test_students_quantiles_are_those_of_scipy(level):
    freedom = 2 + np.exp(np.linspace(-8, 13, 200))

    found = student_t_quantile(freedom, level)

    np.testing.assert_allclose(found, stdtrit(freedom, level), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("level", [0.1, 0.75])
def test_students_quantiles_have_the_closed_form_of_two_degrees_of_freedom(level):
    expected = (2 * level - 1) / np.sqrt(2 * level * (1 - level))

    assert student_t_quantile(np.array([2.0]), level)[0] == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(("name", "size"), [("normal", 4), ("student_t", 6)])
@pytest.mark.parametrize("level", LEVELS)
def test_quantiles_of_heads_do_not_depend_on_scipy(name, size, level, monkeypatch):
    params = np.random.default_rng(0).normal(size=(50, size)).astype(np.float32)
    with_scipy = HEADS[name].quantile(np, params, level)
    monkeypatch.setattr(student_t, "is_scipy_installed", lambda: False)

    found = HEADS[name].quantile(np, params, level)

    assert found.dtype == with_scipy.dtype
    np.testing.assert_allclose(found, with_scipy, rtol=3e-7, atol=1e-6)


def test_counts_do_not_depend_on_scipy(monkeypatch):
    rng = np.random.default_rng(0)
    params = np.concatenate([rng.normal(0, 2, (500, 2)), rng.uniform(0, 8, (500, 1))], axis=1)
    levels = rng.uniform(size=(500, 1))
    with_scipy = negative_binomial.quantile(np, params, levels)
    monkeypatch.setattr(negative_binomial, "is_scipy_installed", lambda: False)

    np.testing.assert_array_equal(negative_binomial.quantile(np, params, levels), with_scipy)
