import numpy as np
import pytest

from forecast.pretrained.prior import locally_periodic as family
from forecast.pretrained.prior.locally_periodic import locally_periodic
from forecast.pretrained.prior.seasons import Seasons


def relative_change(values, lag):
    """Mean change over a lag, in units of the standard deviation of each series."""
    change = np.abs(values[:, lag:] - values[:, :-lag]).mean(axis=1)
    return change / values.std(axis=1)


@pytest.fixture
def in_tune(monkeypatch):
    """Series whose season is exactly the one that is assumed, next to free of noise."""
    monkeypatch.setattr(family, "DETUNED", 0.0)
    monkeypatch.setattr(family, "QUIET", 1.0)


@pytest.mark.usefixtures("in_tune")
def test_neighbouring_seasons_are_alike_and_distant_ones_differ():
    values = locally_periodic(np.random.default_rng(0), 400, 24 * 40, Seasons(24))

    near, far, within = (relative_change(values, lag) for lag in (24, 24 * 20, 12))
    assert np.median(near) < 0.15
    assert (near < far).all()
    assert np.median(far) > 4 * np.median(near)
    assert np.median(within) > 4 * np.median(near)


@pytest.mark.parametrize(("detuned", "low", "high"), [(0.0, 0.0, 0.1), (1.0, 0.7, 0.9)])
@pytest.mark.usefixtures("in_tune")
def test_a_season_that_is_not_the_assumed_one_drifts_against_it(monkeypatch, detuned, low, high):
    monkeypatch.setattr(family, "DETUNED", detuned)

    values = locally_periodic(np.random.default_rng(0), 400, 12 * 100, Seasons(12))

    power = np.abs(np.fft.rfft(values - values.mean(axis=1, keepdims=True))) ** 2
    cycles = power[:, 80:121].argmax(axis=1) + 80
    assert low <= (cycles != 100).mean() <= high  # N(0, 2): 80 % are off by more than a half


@pytest.mark.usefixtures("in_tune")
def test_some_series_have_the_longer_season_if_there_is_one():
    for seasons, low, high in ((Seasons(24), 0.0, 0.02), (Seasons(24, 168), 0.15, 0.5)):
        values = locally_periodic(np.random.default_rng(0), 400, 168 * 8, seasons)

        by_day, by_week = relative_change(values, 24), relative_change(values, 168)
        assert low <= (by_week < by_day).mean() <= high


def test_a_slow_process_has_the_smoothness_that_was_asked_for():
    length = np.full((2_000, 1), 12.0)

    values = family._slow(np.random.default_rng(0), 200, length)

    assert values.shape == (2_000, 200)
    similar = [np.corrcoef(values[:, 0], values[:, lag])[0, 1] for lag in (3, 12, 36)]
    # exp(-lag² / 2L²) of the squared-exponential kernel; at knots, lines between do not matter
    np.testing.assert_allclose(similar, np.exp([-1 / 32, -1 / 2, -9 / 2]), atol=0.06)
