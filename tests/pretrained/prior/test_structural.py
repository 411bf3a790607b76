import numpy as np
import pytest

from forecast.pretrained.prior.columns import standardize
from forecast.pretrained.prior.seasons import Seasons
from forecast.pretrained.prior.structural import structural


def share_of_season(values, period):
    """Share of the variance, after a straight line, that lies at the season's frequencies."""
    steps = np.arange(values.shape[1])
    slope = (standardize(values) * standardize(steps[None])).mean(axis=1, keepdims=True)
    rest = standardize(values) - slope * standardize(steps[None])
    power = np.abs(np.fft.rfft(rest)) ** 2
    whole = power[:, 1:].sum(axis=1)
    return power[:, values.shape[1] // period :: values.shape[1] // period].sum(axis=1) / whole


@pytest.mark.parametrize(("seasons", "typical"), [(Seasons(12), 0.2), (Seasons(24), 0.6)])
def test_the_season_is_strong_in_some_series_and_absent_in_others(seasons, typical):
    values = structural(np.random.default_rng(0), 1500, 10 * seasons.first, seasons)

    shares = share_of_season(values, seasons.first)
    assert np.median(shares) == pytest.approx(typical, abs=0.15)
    assert (shares > 0.9).mean() > 0.02
    assert shares.min() < 0.1


def test_most_series_are_positive_and_more_grow_than_fall():
    values = structural(np.random.default_rng(0), 2000, 60, Seasons(1))

    assert (values > 0).all(axis=1).mean() > 0.8
    assert (values[:, -5:].mean(axis=1) > values[:, :5].mean(axis=1)).mean() > 0.6
