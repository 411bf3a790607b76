import numpy as np
import pytest

from forecast.pretrained.prior import disturbances
from forecast.pretrained.prior.mixture import DISTURBANCES
from forecast.pretrained.prior.seasons import Seasons

MONTHS = Seasons(12)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def values(rng):
    """Positive series with a season, (300, 120)."""
    wave = np.sin(np.arange(120) * 2 * np.pi / 12)
    return 50 + 10 * wave + rng.standard_normal((300, 120))


@pytest.mark.parametrize("name", DISTURBANCES)
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_short_series_keep_their_shape(rng, name, steps):
    values = np.arange(4.0 * steps).reshape(4, steps)

    assert DISTURBANCES[name].apply(rng, values, Seasons(7, 365.25)).shape == (4, steps)


@pytest.mark.parametrize("name", DISTURBANCES)
def test_what_was_given_is_left_as_it_is(rng, values, name):
    before = values.copy()

    DISTURBANCES[name].apply(rng, values, MONTHS)

    np.testing.assert_array_equal(values, before)


def test_promotions_raise_some_steps_and_lower_those_after_them(rng):
    values = disturbances.promotions(rng, np.ones((500, 120)), MONTHS)

    raised, lowered = values > 1, values < 1
    assert 0.02 < raised.mean() < 0.2
    assert values.max() <= 3
    assert values.min() >= 0.4
    starts = lowered[:, 1:] & ~lowered[:, :-1]
    assert lowered.any()
    assert raised[:, :-1][starts].all()  # each dip follows a promotion at once


def test_stock_outs_are_stretches_of_zeros(rng, values):
    empty = disturbances.stock_outs(rng, values, MONTHS) == 0

    begins = (np.diff(empty, axis=1, prepend=False) & empty).sum(axis=1)
    assert begins.max() == 2
    assert empty.sum(axis=1).max() <= 24
    assert empty.any(axis=1).mean() > 0.8


def test_a_shifted_level_remains(rng):
    values = rng.standard_normal((300, 80))

    shift = disturbances.shifted_levels(rng, values, MONTHS) - values

    np.testing.assert_allclose(shift[:, 0] * (shift[:, 0] - shift[:, -1]), 0, atol=1e-9)
    size = np.abs(shift[:, -1]) / values.std(axis=1)
    assert size.min() >= 0.5 - 1e-9
    assert size.max() <= 4 + 1e-9
    assert (np.diff(np.round(shift, 9), axis=1) != 0).sum(axis=1).max() == 1


def test_outliers_are_few_and_far_away(rng, values):
    apart = np.abs(disturbances.outliers(rng, values, MONTHS) - values) / values.std(
        axis=1, keepdims=True
    )

    assert 0.005 < (apart > 0).mean() < 0.06
    assert apart[apart > 0].min() >= 1 - 1e-9
    assert apart.max() <= 10


def test_the_amplitude_of_a_season_changes_by_the_factor_drawn(rng):
    wave = np.sin(np.arange(240) * 2 * np.pi / 12)
    values = np.broadcast_to(100 + wave, (200, 240))

    changed = disturbances.changing_season(rng, values, MONTHS)

    first, last = (np.ptp(changed[:, part], axis=1) for part in (slice(0, 12), slice(-12, None)))
    assert (last / first).min() > 0.28
    assert (last / first).max() < 3.2
    assert np.ptp(last / first) > 1.5
    np.testing.assert_allclose(changed[:, 12:24].mean(axis=1), 100, atol=0.2)


def test_series_without_a_season_have_no_season_to_change(rng, values):
    assert disturbances.changing_season(rng, values, Seasons(1)) is values
    assert disturbances.changing_season(rng, values, Seasons(61)) is values


def test_noise_grows_somewhere(rng, values):
    added = disturbances.changing_noise(rng, values, MONTHS) - values

    halves = added[:, :60].std(axis=1) / added[:, 60:].std(axis=1)
    assert (halves > 1.5).mean() > 0.15
    assert (halves < 1 / 1.5).mean() > 0.15


def test_warped_time_reads_the_same_values_a_little_earlier_or_later(rng):
    values = np.broadcast_to(np.arange(120.0), (100, 120))

    shift = disturbances.warped_time(rng, values, MONTHS) - values

    assert np.abs(shift).max() <= 1.2 + 1e-9  # a tenth of the season
    assert np.abs(shift).max(axis=1).min() > 0.01


def test_rounded_values_are_multiples_of_a_power_of_ten(rng, values):
    found = disturbances.rounded(rng, values, MONTHS)

    for row in found:
        smallest = np.diff(np.unique(row)).min()
        units = 10 ** np.round(np.log10(smallest) - 0.45)
        np.testing.assert_allclose(row / units, np.round(row / units), atol=1e-6)


def test_whole_values_are_whole_and_narrow_series_are_rescaled_first(rng, values):
    narrow = values / 1e4

    for given in (values, narrow):
        found = disturbances.whole(rng, given, MONTHS)

        assert (found == np.round(found)).all()
        assert (np.ptp(found, axis=1) >= 4).all()
    small = np.round(values / 20)
    np.testing.assert_array_equal(disturbances.whole(rng, small, MONTHS), small)


def test_a_limit_is_reached_often(rng, values):
    found = disturbances.censored(rng, values, MONTHS)

    at_limit = np.maximum(
        (found == found.max(axis=1, keepdims=True)).mean(axis=1), (found == 0).mean(axis=1)
    )
    assert at_limit.min() >= 0.01
    assert at_limit.max() <= 0.52
    assert np.median(at_limit) > 0.1


def test_flipped_is_upside_down(rng):
    assert disturbances.flipped(rng, np.array([[1.0, -2.0]]), MONTHS).tolist() == [[-1.0, 2.0]]


def test_missing_at_random_takes_up_to_a_third(rng, values):
    share = np.isnan(disturbances.missing_at_random(rng, values, MONTHS)).mean(axis=1)

    assert share.max() < 0.45
    assert 0.02 < np.median(share) < 0.12


def test_missing_stretches_are_one_or_two(rng, values):
    missing = np.isnan(disturbances.missing_stretches(rng, values, MONTHS))

    begins = (np.diff(missing, axis=1, prepend=False) & missing).sum(axis=1)
    assert begins.max() == 2
    assert missing.sum(axis=1).max() <= 2 * 18  # 15 percent of 120 steps each
