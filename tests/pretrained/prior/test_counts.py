import numpy as np
import pytest

from forecast.pretrained.prior.counts import counts, intermittent, negative_binomial
from forecast.pretrained.prior.seasons import Seasons


@pytest.mark.parametrize("family", [counts, intermittent])
@pytest.mark.parametrize("seasons", [Seasons(1), Seasons(7, 365.25), Seasons(12)])
def test_counts_are_whole_and_not_negative(family, seasons):
    values = family(np.random.default_rng(0), 300, 80, seasons)

    assert (values == np.round(values)).all()
    assert (values >= 0).all()


def test_counts_have_means_from_less_than_one_to_hundreds():
    means = counts(np.random.default_rng(0), 2000, 60, Seasons(12)).mean(axis=1)

    assert (means < 1).mean() > 0.08
    assert (means > 200).mean() > 0.08


def test_intermittent_demand_has_orders_of_one_or_more_in_between_zeros():
    values = intermittent(np.random.default_rng(0), 2000, 60, Seasons(12))

    assert np.median((values == 0).mean(axis=1)) > 0.5
    assert values[values > 0].min() == 1


@pytest.mark.parametrize(("shape", "variance"), [(np.inf, 6.0), (3.0, 6.0 + 36.0 / 3.0)])
def test_the_negative_binomial_has_its_mean_and_variance(shape, variance):
    values = negative_binomial(np.random.default_rng(0), np.full((10, 20_000), 6.0), shape)

    assert values.mean() == pytest.approx(6.0, rel=0.02)
    assert values.var() == pytest.approx(variance, rel=0.03)


def test_counts_follow_their_season():
    values = counts(np.random.default_rng(0), 1000, 12 * 40, Seasons(12))

    profile = values.reshape(1000, 40, 12).mean(axis=1)
    expected = np.sqrt(values.var(axis=1) / 40)  # of a monthly mean without a season
    assert (profile.std(axis=1) > 3 * expected).mean() > 0.3
