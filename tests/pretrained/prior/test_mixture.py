import numpy as np
import pytest

from forecast.errors import OptionError
from forecast.pretrained.prior.mixture import DISTURBANCES, FAMILIES, draw
from forecast.pretrained.prior.seasons import Seasons

ALL_SEASONS = [
    *(Seasons(1), Seasons(2), Seasons(4), Seasons(12), Seasons(400)),
    *(Seasons(24, 168), Seasons(7, 364), Seasons(7, 365.25), Seasons(96, 672), Seasons(5, 260)),
]


@pytest.mark.parametrize("seasons", ALL_SEASONS)
@pytest.mark.parametrize("steps", [2, 9, 100])
def test_series_are_finite_where_known_not_constant_and_of_moderate_size(seasons, steps):
    series = draw(np.random.default_rng(1), 300, steps, seasons)

    assert series.shape == (300, steps)
    assert series.dtype == np.float32
    assert not np.isinf(series).any()
    assert (np.nanmax(np.abs(series), axis=1) < 1e6).all()
    assert (np.nanmax(series, axis=1) > np.nanmin(series, axis=1)).all()
    assert np.isnan(series).mean() < 0.05


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("seasons", ALL_SEASONS)
def test_every_family_draws_for_any_seasons_and_length(name, seasons):
    for steps in (1, 2, 50):
        values = FAMILIES[name].draw(np.random.default_rng(2), 7, steps, seasons)

        assert values.shape == (7, steps)
        assert values.dtype == np.float64
        assert np.isfinite(values).all()


def test_the_same_seed_gives_the_same_series_and_another_seed_others():
    first, again, other = (
        draw(np.random.default_rng(seed), 50, 40, Seasons(12)) for seed in (3, 3, 4)
    )

    np.testing.assert_array_equal(first, again)
    assert not np.isclose(first, other).any(axis=1).all()


def test_families_are_drawn_by_their_shares_in_random_order(monkeypatch):
    flat = {
        "ones": FAMILIES["structural"]._replace(share=3.0, draw=around(100.0)),
        "twos": FAMILIES["structural"]._replace(share=1.0, draw=around(200.0)),
    }
    monkeypatch.setattr("forecast.pretrained.prior.mixture.FAMILIES", flat)

    levels = draw(np.random.default_rng(0), 4000, 4, Seasons(1), without=DISTURBANCES)[:, 0]

    is_first = levels < 150
    assert is_first.mean() == pytest.approx(0.75, abs=0.03)
    assert is_first[:1000].mean() == pytest.approx(0.75, abs=0.06)  # interleaved, not in blocks


def around(level):
    return lambda rng, series, steps, _: level + rng.random((series, steps))


def test_a_series_that_is_constant_is_drawn_again(monkeypatch):
    calls = []

    def rarely_sound(rng, series, steps, _):
        calls.append(series)
        return rng.random((series, steps)) * (rng.random((series, 1)) < 0.5)

    family = {"some": FAMILIES["structural"]._replace(draw=rarely_sound)}
    monkeypatch.setattr("forecast.pretrained.prior.mixture.FAMILIES", family)

    series = draw(np.random.default_rng(0), 64, 4, Seasons(1), without=DISTURBANCES)

    assert (np.ptp(series, axis=1) > 0).all()
    assert calls[0] == 64
    assert calls[1] < 64


def test_what_is_left_out_is_not_drawn(monkeypatch):
    def refuse(*_):
        raise AssertionError

    families = {**FAMILIES, "counts": FAMILIES["counts"]._replace(draw=refuse)}
    monkeypatch.setattr("forecast.pretrained.prior.mixture.FAMILIES", families)
    missing = [name for name in DISTURBANCES if name.startswith("missing")]

    series = draw(np.random.default_rng(0), 200, 30, Seasons(4), without=["counts", *missing])

    assert not np.isnan(series).any()


def test_an_unknown_name_is_refused_with_the_names_that_there_are():
    with pytest.raises(OptionError, match=r"without: \['cuonts'\] is neither .* 'counts'"):
        draw(np.random.default_rng(0), 3, 9, Seasons(1), without=["cuonts"])


def test_leaving_out_every_family_is_refused():
    with pytest.raises(OptionError, match="leaves out every family"):
        draw(np.random.default_rng(0), 3, 9, Seasons(1), without=FAMILIES)
