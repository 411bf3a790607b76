import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.data import scaling
from forecast.data.scaling import Scale, UsualSpread

NAN = np.nan


def measured(*values):
    """Location and scale of one series."""
    location, scale = scaling.measure(np.array(values, dtype=float)[None, :, None])
    return location.item(), scale.item()


# Location and scale


def test_location_and_scale_are_mean_and_standard_deviation_of_the_observed_values():
    location, scale = measured(1, 2, NAN, 3, 6)

    assert location == 3
    assert scale == pytest.approx(math.sqrt(3.5), rel=1e-15)  # (4 + 1 + 0 + 9) / 4


def test_a_constant_series_is_scaled_by_its_own_level():
    assert measured(5, 5, 5) == (5, 5)
    assert measured(-4, -4) == (-4, 4)
    assert measured(7) == (7, 7)


def test_a_series_of_zeros_or_of_nothing_is_left_in_its_own_units():
    assert measured(0, 0, 0) == (0, 1)
    assert measured(NAN, NAN) == (0, 1)


@pytest.mark.parametrize("level", [0.3, -7.25, 1e9, 1e15, 1e-12, 1e-300])
def test_what_differs_by_rounding_alone_is_constant(level):
    location, scale = measured(level, level + 2 * np.spacing(level), level)

    assert (location, scale) == (min(level, level + 2 * np.spacing(level)), abs(location))


def test_a_logarithm_makes_the_rounding_of_a_value_near_1_an_absolute_one():
    values = np.log(np.array([1.0, np.nextafter(1.0, 2.0), 1.0]))[None, :, None]

    assert scaling.measure(values, (0.0,)).scale.item() == 1.0  # level 0
    assert scaling.measure(values, (1.0,)).scale.item() < 1e-15


@pytest.mark.parametrize("level", [1.0, -1e7, 1e15, 1e-12, 1e-300])
def test_nothing_is_constant_that_float64_can_tell_apart(level):
    step = 100 * np.spacing(abs(level))

    location, scale = measured(level - step, level + step, level - step, level + step)

    assert scale == pytest.approx(step, rel=0.05)
    assert abs(location - level) < step


@pytest.mark.parametrize("size", [1e-320, 1e-200, 1e200, 1e300])
def test_squares_of_very_small_and_very_large_values_stay_within_float64(size):
    location, scale = measured(-size, size, -size, size)

    assert (location, scale) == (0.0, pytest.approx(size, rel=1e-3))


def test_variation_is_kept_when_it_is_small_but_real():
    assert measured(1e6 - 1, 1e6 + 1) == (1e6, 1)


def test_every_series_and_target_has_its_own_scale():
    values = np.array([[[0.0, 10.0], [2.0, 30.0]], [[5.0, 5.0], [5.0, 9.0]]])  # (B, T, D)

    location, scale = scaling.measure(values)

    assert location.tolist() == [[1.0, 20.0], [5.0, 7.0]]
    assert scale.tolist() == [[1.0, 10.0], [5.0, 2.0]]


@given(
    values=st.lists(st.floats(-100, 100), min_size=3, max_size=20),
    factor=st.floats(0.01, 100),
    shift=st.floats(-100, 100),
)
@settings(deadline=None, max_examples=50)
def test_a_change_of_units_changes_location_and_scale_with_it(values, factor, shift):
    values = [*values, min(values) - 1.0, max(values) + 1.0]  # a series that varies
    location, scale = measured(*values)

    changed = measured(*(factor * value + shift for value in values))

    assert changed == pytest.approx((factor * location + shift, factor * scale), rel=1e-9, abs=1e-9)


# What is usual in a panel


def usual_of(*series, context=4, power=1.0):
    """What is usual of series of one target."""
    values = np.concatenate([np.asarray(one, float) for one in series])[:, None]
    indptr = np.cumsum([0, *map(len, series)])
    (usual,) = scaling.usual_spreads(scaling.transform(values, (power,)), indptr, context, (power,))
    return usual


def test_spreads_are_in_proportion_to_levels_where_all_values_have_one_sign():
    usual = usual_of([9, 11] * 4, [-180, -220] * 2, [2700, 3300] * 2)

    assert usual.ratio == pytest.approx(0.1)  # every stretch spreads a tenth of its level
    assert usual.spread == pytest.approx(1.0)  # one of the small spreads, for level 0


def test_spreads_that_do_not_grow_with_levels_about_0_are_taken_as_they_are():
    usual = usual_of([-2, 2.5] * 2, [-9, -5] * 2, [30, 34] * 2, [3, 7] * 2)

    assert usual == UsualSpread(2.0)


def test_spreads_may_be_in_proportion_to_levels_of_either_sign():
    usual = usual_of([9, 11] * 2, [-180, -220] * 2, [2700, 3300] * 2)

    assert usual.ratio == pytest.approx(0.1)


def test_under_a_logarithm_spreads_are_proportions_already():
    usual = usual_of([5, 20] * 2, [500, 2000] * 2, power=0.0)

    assert usual == UsualSpread(pytest.approx(math.log(2)))


def test_constant_stretches_and_short_series_do_not_count():
    usual = usual_of([7.0] * 12, [9, 11] * 4, [5, 500], [3], context=8)

    assert usual.ratio == pytest.approx(0.1)
    assert usual_of([7.0] * 12, [3.0]) == UsualSpread()


def test_of_many_stretches_evenly_spaced_ones_are_taken(monkeypatch):
    monkeypatch.setattr(scaling, "MAX_STRETCHES", 2)

    usual = usual_of([9, 11] * 2, [1, 99] * 2, [8, 12] * 2)

    assert usual.ratio == pytest.approx(0.15)  # of the first and the last


def measured_among(usual, *values, power=1.0):
    """The scale of one series in a panel."""
    return scaling.measure(np.array(values)[None, :, None], (power,), (usual,)).scale.item()


@pytest.mark.parametrize("values", [(788.0,), (788.0, 788.0, 788.0), (NAN, 788.0, NAN, NAN)])
def test_a_series_that_cannot_tell_its_scale_takes_what_is_usual(values):
    assert measured_among(UsualSpread(3.0, 0.1), *values) == pytest.approx(78.8)
    assert measured_among(UsualSpread(3.0), *values) == 3.0
    assert measured_among(UsualSpread(3.0, 0.1), *(0 * np.array(values))) == 3.0


def test_a_short_history_shares_its_scale_with_its_panel():
    usual = UsualSpread(1.0, 0.1)

    found = measured_among(usual, 90.0, 110.0, NAN, NAN, NAN, NAN, NAN, NAN)  # 2 of 8 rows
    assert found == pytest.approx(10.0)  # both say so
    found = measured_among(usual, 100.1, 99.9, NAN, NAN, NAN, NAN, NAN, NAN)
    assert found == pytest.approx(math.sqrt((0.1**2 + 2 * 10.0**2) / 3))  # 2 = 4 * (1 - 4 / 8)


@pytest.mark.parametrize("rows", [4, 8])
def test_a_history_of_half_a_context_tells_its_own_scale(rows):
    values = np.full(8, NAN)
    values[-rows:] = np.random.default_rng(0).normal(100.0, 0.001, rows)

    assert measured_among(UsualSpread(1.0, 0.1), *values) == measured(*values)[1]


# There and back


def test_transforms_are_the_identity_the_root_and_the_logarithm():
    values = np.array([1.0, 9.0, NAN])

    np.testing.assert_array_equal(scaling.transform(values, (scaling.POWERS["none"],)), values)
    np.testing.assert_array_equal(scaling.transform(values, (scaling.POWERS["sqrt"],)), [1, 3, NAN])
    np.testing.assert_array_equal(
        scaling.transform(values, (scaling.POWERS["log"],)), [0, math.log(9), NAN]
    )


def test_each_target_has_a_transform_of_its_own():
    values = np.array([[9.0, 9.0, 9.0], [NAN, 1.0, -4.0]])
    powers = (0.5, 0.0, 1.0)

    transformed = scaling.transform(values, powers)

    np.testing.assert_array_equal(transformed, [[3, math.log(9), 9], [NAN, 0, -4]])
    np.testing.assert_allclose(scaling.inverse(transformed, powers), values, rtol=1e-15)


def test_forward_gives_float32_in_units_of_the_scale():
    scale = Scale(location=np.array([[2.0]]), scale=np.array([[3.0]]))

    scaled = scaling.forward(np.array([[[8.0], [NAN]]]), scale)

    assert scaled.dtype == np.float32
    np.testing.assert_array_equal(scaled, [[[2.0], [NAN]]])


def test_backward_undoes_scale_and_transform_in_float64():
    scale = Scale(np.array([[2.0]]), np.array([[3.0]]))
    scaled = np.array([[[1.0]]], dtype=np.float32)

    assert scaling.backward(scaled, scale, (1.0,)).dtype == np.float64
    assert scaling.backward(scaled, scale, (1.0,)).item() == 5.0
    assert scaling.backward(scaled, scale, (0.5,)).item() == 25.0
    assert scaling.backward(scaled, scale, (0.0,)).item() == pytest.approx(math.exp(5), rel=1e-15)


def test_no_scaled_value_gives_a_root_or_a_logarithm_a_value_below_zero():
    low = np.array([-3.0])

    assert scaling.inverse(low, (0.5,)).item() == 0.0
    assert scaling.inverse(low, (0.0,)).item() == pytest.approx(math.exp(-3))
    assert scaling.inverse(low, (1.0,)).item() == -3.0


@given(
    values=st.lists(st.floats(0.1, 1e4), min_size=2, max_size=20),
    power=st.sampled_from(list(scaling.POWERS.values())),
)
@settings(deadline=None, max_examples=50)
def test_scaling_forward_and_backward_gives_the_values_again(values, power):
    given_values = np.array(values)[None, :, None]
    transformed = scaling.transform(given_values, (power,))
    scale = scaling.measure(transformed)

    back = scaling.backward(scaling.forward(transformed, scale), scale, (power,))

    # float32 keeps 6e-8 of a scaled value; exp and squaring widen that by the logarithm's size
    np.testing.assert_allclose(back, given_values, rtol=2e-5, atol=2e-7 * given_values.max())


# The choice of the transform


def season_of(level, spread):
    """Twelve months around a level."""
    return level + spread * np.sin(2 * np.pi * np.arange(12) / 12)


LEVELS = (10.0, 20.0, 40.0, 80.0, 160.0)


@pytest.mark.parametrize(
    ("name", "spread"),
    [
        ("none", lambda level: 5.0 + 0 * level),
        ("sqrt", lambda level: 1.5 * level**0.5),
        ("log", lambda level: 0.5 * level),
    ],
)
def test_the_transform_is_the_one_under_which_seasons_spread_alike(make_panel, name, spread):
    values = np.concatenate([season_of(level, spread(level)) for level in LEVELS])

    assert scaling.choose_power(make_panel(values, frequency="MS")) == scaling.POWERS[name]


@pytest.mark.parametrize("unit", [1e-300, 1e300])
@pytest.mark.parametrize("name", ["none", "log"])
def test_the_transform_is_the_same_in_extreme_units(make_panel, name, unit):
    share = {"none": 0.0, "log": 0.5}[name]  # of the level, by which a season spreads
    values = np.concatenate([season_of(level, max(share * level, 5.0)) for level in LEVELS])

    with np.errstate(all="raise"):
        power = scaling.choose_power(make_panel(unit * values, frequency="MS"))

    assert power == scaling.POWERS[name]


def test_values_of_zero_rule_the_logarithm_out(make_panel):
    values = np.concatenate([season_of(level, 0.5 * level) for level in LEVELS])
    values[0] = 0.0

    assert scaling.choose_power(make_panel(values, frequency="MS")) == scaling.POWERS["sqrt"]


def test_values_below_zero_rule_every_transform_out(make_panel):
    values = np.concatenate([season_of(level, 0.5 * level) for level in LEVELS])
    values[0] = -0.1

    assert scaling.choose_power(make_panel(values, frequency="MS")) == scaling.POWERS["none"]


def test_too_few_seasons_to_judge_leave_the_values_alone(make_panel):
    values = np.concatenate([season_of(level, 0.5 * level) for level in LEVELS[:2]])

    assert scaling.choose_power(make_panel(values, frequency="MS")) == scaling.POWERS["none"]


def test_values_that_hardly_vary_about_their_level_are_left_alone(make_panel):
    values = [1e7 * (1 + 1e-10 * k * season_of(0.0, 1.0)) for k in range(1, 9)]

    panel = make_panel(np.concatenate(values), frequency="MS")

    assert scaling.choose_power(panel) == scaling.POWERS["none"]


def test_a_season_with_a_missing_value_is_left_out_of_the_choice(make_panel):
    steady = np.concatenate([season_of(level, 5.0) for level in LEVELS])
    broken = np.concatenate([[level, NAN] * 6 for level in (1e3, 1e4, 1e5, 1e6)])

    panel = make_panel(np.concatenate([steady, broken]), frequency="MS")

    assert scaling.choose_power(panel) == scaling.POWERS["none"]


def test_the_choice_is_that_of_the_median_series(make_panel):
    one = np.concatenate([season_of(level, 5.0) for level in LEVELS])  # strongly for "none"
    most = np.concatenate([season_of(level, 0.5 * level) for level in (10.0, 11.0, 12.0, 13.0)])

    panel = make_panel(one, most, most, frequency="MS")

    assert scaling.choose_power(make_panel(one, frequency="MS")) == scaling.POWERS["none"]
    assert scaling.choose_power(panel) == scaling.POWERS["log"]
