from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.classical.normal_quantile import normal_quantile

LEAST = 2.0**-1074  # the smallest positive number


@pytest.mark.parametrize("probability", [LEAST, 1e-300, 1e-20, 1e-11, 1.4e-11, 0.075, 0.5, 0.925])
def test_the_quantile_is_that_of_the_standard_library(probability):
    quantile = normal_quantile(np.array([probability]))[0]

    assert quantile == pytest.approx(NormalDist().inv_cdf(probability), rel=1e-14, abs=1e-16)


@settings(deadline=None, max_examples=30)
@given(st.floats(0, 1, exclude_min=True, exclude_max=True))
def test_the_distribution_function_leads_back_to_the_probability(probability):
    quantile = float(normal_quantile(np.array(probability)))

    assert NormalDist().cdf(quantile) == pytest.approx(probability, rel=1e-9, abs=1e-12)


@settings(deadline=None, max_examples=30)
@given(st.floats(1e-9, 0.5))
def test_the_upper_half_mirrors_the_lower_one(probability):
    low, high = normal_quantile(np.array([probability, 1 - probability]))

    assert high == pytest.approx(-low, rel=1e-6, abs=1e-15)


def test_quantiles_have_the_shape_of_their_probabilities():
    quantiles = normal_quantile(np.array([[0.025, 0.5], [0.975, 0.999]]))

    assert quantiles.shape == (2, 2)
    assert quantiles.round(4).tolist() == [[-1.96, 0.0], [1.96, 3.0902]]
