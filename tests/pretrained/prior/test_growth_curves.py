import numpy as np
import pytest

from forecast.pretrained.prior.growth_curves import growth_curve, life_cycle
from forecast.pretrained.prior.seasons import Seasons

MODULE = "forecast.pretrained.prior.growth_curves"


@pytest.fixture
def exact(monkeypatch):
    """Curves without season and noise."""
    monkeypatch.setattr(f"{MODULE}._factor", lambda _, series, steps, __: np.ones((series, steps)))


@pytest.mark.usefixtures("exact")
def test_growth_goes_one_way_to_its_limit():
    values = growth_curve(np.random.default_rng(0), 800, 60, Seasons(1))

    changes = np.diff(values, axis=1)
    rises = (changes >= -1e-9 * values[:, 1:]).all(axis=1)
    falls = (changes <= 1e-9 * values[:, 1:]).all(axis=1)
    assert (rises | falls).all()
    assert rises.mean() == pytest.approx(0.75, abs=0.06)
    assert (values > 0).all()


@pytest.mark.usefixtures("exact")
def test_a_life_cycle_has_one_peak_after_its_launch():
    values = life_cycle(np.random.default_rng(0), 800, 80, Seasons(1))

    peak = values.argmax(axis=1)[:, None]
    changes, step = np.diff(values, axis=1), np.arange(79)
    tiny = 1e-9 * values.max(axis=1, keepdims=True)
    assert ((changes >= -tiny) | (step >= peak)).all()
    assert ((changes <= tiny) | (step < peak)).all()
    launched_within = values[:, 0] < 0.01 * values.max(axis=1)
    assert 0.2 < launched_within.mean() < 0.6


def test_season_and_noise_are_factors_so_that_values_stay_positive():
    for family in (growth_curve, life_cycle):
        assert (family(np.random.default_rng(0), 500, 90, Seasons(12)) > 0).all()
