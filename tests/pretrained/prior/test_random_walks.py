import numpy as np
import pytest

from forecast.pretrained.prior.random_walks import clustered_noise, random_walk, regimes
from forecast.pretrained.prior.seasons import Seasons


def test_volatility_clusters_in_two_thirds_of_the_series():
    values = clustered_noise(np.random.default_rng(0), 600, 3000)

    squares = np.minimum(values**2, 16)
    squares -= squares.mean(axis=1, keepdims=True)
    correlation = (squares[:, 1:] * squares[:, :-1]).mean(axis=1) / squares.var(axis=1)
    assert (correlation > 0.04).mean() == pytest.approx(0.6, abs=0.12)
    assert np.median(values.var(axis=1)) == pytest.approx(1.0, abs=0.35)


def test_a_random_walks_variance_grows_with_time():
    values = random_walk(np.random.default_rng(0), 4000, 101, Seasons(1))

    relative = values / values[:, :1]
    early, late = (np.log(np.abs(relative[:, step])) for step in (25, 100))
    assert np.median(np.abs(late)) > 1.6 * np.median(np.abs(early))
    assert (values > 0).all(axis=1).mean() > 0.85


def test_regimes_return_to_their_means():
    values = regimes(np.random.default_rng(0), 2000, 600, Seasons(1))

    apart = np.abs(values[:, 599] - values[:, 300]) / np.abs(values[:, 330] - values[:, 300])
    assert np.median(apart) < 1.5  # a random walk's distances grow by a factor of three
