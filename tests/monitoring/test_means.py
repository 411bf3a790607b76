import numpy as np
import pytest

from forecast.monitoring.means import LARGEST_ERROR, Means


def after(errors, first=20):
    """The means of one series after some absolute errors, the same of both forecasts."""
    means = Means.start(np.zeros((1, 0)))
    for k, error in enumerate(errors):
        row = np.array([error])
        means = means.added(row, row, np.array([k < first]))
    return means


def test_the_usual_error_is_the_mean_of_those_that_are_known():
    means = after([1.0, np.nan, 3.0])

    assert (means.usual_error, means.naive_scale) == (2.0, 2.0)
    assert np.isnan(after([]).usual_error)


def test_a_later_error_counts_for_so_many_usual_ones_at_most():
    assert after([1.0] * 20 + [1e9]).error == 20 + LARGEST_ERROR
    assert after([0.0] * 20 + [5.0]).error == 5.0  # there is nothing to compare with


def test_outliers_among_the_first_errors_are_capped_by_their_median():
    errors = np.array([1e9, 1.0, 2.0, 2.0, np.nan])
    both = np.stack([errors, np.full(5, np.nan)], axis=-1)[None]
    means = after(errors).recounted(np.array([0]), both)

    assert means.error == pytest.approx(5 + LARGEST_ERROR * 2)
    assert means.naive == pytest.approx(1e9 + 5)  # of which nothing was given
