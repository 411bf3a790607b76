from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.classical import theta
from forecast.classical.theta import ThetaState

NAN = np.nan
PLACES = {"level", "mean", "slope", "count", "phase"}  # what moves on; the rest is fitted once


def fitted(*series, season=1):
    values = [np.asarray(one, float) for one in series]
    indptr = np.concatenate([[0], np.cumsum([len(one) for one in values])])
    return theta.fit(np.concatenate(values), indptr, season)


def forecast(state, horizon):
    return theta.forecast(state, horizon)[0]


def unobserved(state, steps):
    """The state before the first of some rows, with the same parameters."""
    zeros = {name: getattr(state, name) * 0 for name in PLACES}
    phase = (state.phase - steps) % state.factors.shape[1]
    return replace(state, **{**zeros, "phase": phase})


def observed(state, values):
    for value in values:
        state = theta.observe(state, np.atleast_1d(np.asarray(value, float)))
    return state


def of(smoothing, weight, spread=0.0):
    """A state of one series without a season that has seen nothing."""
    return ThetaState(
        *np.zeros((3, 1)),
        count=np.zeros(1, np.int64),
        smoothing=np.array([smoothing]),
        weight=np.array([weight]),
        spread=np.array([spread]),
        factors=np.zeros((1, 1)),
        multiplicative=np.array([False]),
        phase=np.zeros(1, np.int64),
    )


def assert_same(one, other, **tolerance):
    for name, array in one.arrays().items():
        np.testing.assert_allclose(other.arrays()[name], array, err_msg=name, **tolerance)


@st.composite
def one_series(draw, least=1, positive=None):
    """A random walk with a season of 4 and noise, a trend or none, and missing values or none."""
    rng = np.random.default_rng(draw(st.integers(0, 100_000)))
    length = draw(st.integers(least, 40))
    values = rng.normal(size=length).cumsum() * draw(st.sampled_from([0, 1]))
    values += np.resize(rng.normal(size=4), length) * draw(st.sampled_from([0, 3]))
    values += np.arange(length) * draw(st.sampled_from([0, 0.5, -0.5]))
    values += rng.normal(size=length) * draw(st.sampled_from([0.1, 1]))
    if draw(st.booleans()) if positive is None else positive:
        values += 1 - values.min()
    missing = rng.uniform(size=length) < draw(st.sampled_from([0, 0, 0.2]))
    return np.where(missing, NAN, values)


UNIFORMS = np.random.default_rng(0).uniform(size=(12, 1))
SERIES = one_series()
SEASONS = st.sampled_from([1, 4])
POSITIVE, SIGNED = one_series(least=2, positive=True), one_series(least=2, positive=False)


# The model


def test_three_values_by_hand():
    state = observed(of(smoothing=0.5, weight=0.5), [1, 3, 2])

    # levels 0.5 + (1 - 0.5) / 2 = 0.75, 1.875, 1.9375; the line through 1, 3, 2 has slope 1/2
    assert (state.level[0], state.mean[0], state.slope[0], state.count[0]) == (1.9375, 2, 0.5, 3)
    # 1.9375 + (1/8 * (2 - 2 * 0.5) + (1 - 1/16) / 0.5 * 0.5) / 2, which then is the fourth value
    assert forecast(state, 2).tolist() == [pytest.approx([2.46875, 2.57265625], rel=1e-15)]


def test_the_forecast_of_the_second_value_is_the_first():
    assert forecast(observed(of(0.3, 0.8), [5]), 1).tolist() == [pytest.approx([5])]


@settings(deadline=None, max_examples=20)
@given(SIGNED)
def test_mean_and_slope_are_those_of_the_least_squares_line(values):
    state = observed(of(0.5, 0.5), values)

    known = values[~np.isnan(values)]
    assert state.count.tolist() == [len(known)]
    if len(known) > 1:
        slope = np.polyfit(np.arange(len(known)), known, 1)[0]
        np.testing.assert_allclose(
            [state.mean[0], state.slope[0]], [known.mean(), slope], atol=1e-9
        )


@settings(deadline=None, max_examples=20)
@given(SIGNED, st.floats(0.05, 0.95), st.sampled_from([1.25, 2.0, 5.0]))
def test_the_forecast_is_the_mean_of_the_line_and_of_a_smoothed_theta_line(values, alpha, strength):
    # as Assimakopoulos & Nikolopoulos (2000) have it
    known = values[~np.isnan(values)]
    if len(known) < 2:
        return
    slope, intercept = np.polyfit(np.arange(len(known)), known, 1)
    line = intercept + slope * np.arange(len(known) + 1)
    theta_line = strength * known + (1 - strength) * line[:-1]
    smooth = known[0]
    for value in theta_line:
        smooth += alpha * (value - smooth)
    expected = line[-1] * (1 - 1 / strength) + smooth / strength

    state = observed(of(alpha, 1 - 1 / strength), known)

    assert forecast(state, 1)[0, 0] == pytest.approx(expected, rel=1e-8, abs=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize(("smoothing", "strength"), [(0.2, 1.0), (0.5, 2.0), (0.9, 8.0)])
def test_forecasts_are_those_of_statsforecast_with_the_same_parameters(smoothing, strength):
    from statsforecast.theta import auto_theta, forecast_theta

    values = np.random.default_rng(1).normal(0.3, 1, 30).cumsum() + 10
    start = values[0] / strength
    model = auto_theta(values, 1, "DOTM", start, smoothing, strength)

    state = observed(of(smoothing, 1 - 1 / strength), values)

    np.testing.assert_allclose(forecast(state, 20)[0], forecast_theta(model, 20)["mean"], rtol=1e-9)


# The fit


@settings(deadline=None, max_examples=20)
@given(st.floats(-100, 100), st.floats(-10, 10), st.integers(2, 30), SEASONS)
def test_a_straight_line_goes_on(start, slope, length, season):
    line = start + slope * np.arange(length + 6)

    path = forecast(fitted(line[:length], season=season), 6)

    np.testing.assert_allclose(path[0], line[length:], atol=1e-6)


@pytest.mark.parametrize("pattern", [[1, 2, 3, 6], [-5, 0, 5, 12]])
@pytest.mark.parametrize("length", [8, 9, 15, 22])
def test_a_pattern_repeats(pattern, length):
    pattern = np.resize(np.array(pattern, float), 40)

    path = forecast(fitted(pattern[:length], season=4), 10)

    np.testing.assert_allclose(path[0], pattern[length : length + 10], atol=1e-9)


def test_growth_carries_a_multiplicative_season_along():
    values = np.arange(10.0, 50.0) * np.resize([0.5, 1.5], 40)

    path = forecast(fitted(values[:36], season=2), 4)

    np.testing.assert_allclose(path[0], values[36:], rtol=0.01)


def test_the_spread_is_the_standard_deviation_of_one_step_errors():
    noise = np.random.default_rng(0).normal(0, 3, size=(400, 60)).cumsum(axis=1)

    state = fitted(*noise)

    assert np.median(state.spread) == pytest.approx(3, rel=0.05)


def test_the_spread_follows_errors_that_grow():
    noise = np.random.default_rng(0).normal(size=(100, 80)) * np.repeat([1, 5], 40)

    state = fitted(*noise.cumsum(axis=1))

    assert np.median(state.spread) == pytest.approx(5, rel=0.15)


ODD = {
    "one value": [3.0],
    "nothing": [NAN, NAN],
    "a constant": [0.1] * 20,
    "zeros": [0.0] * 20,
    "huge": [1e300, 3e300, -2e300, 5e300] * 5,
    "tiny": [1e-300, 3e-300, 2e-300, 7e-300] * 5,
    "subnormal": [5e-324, 1e-323, 0.0, 2e-323] * 5,
    "of all magnitudes": [1e300, 1e-300, 1.0, 1e-200] * 5,
    "a jump": [1e-9] * 15 + [1e9],
    "mostly missing": [NAN, 4.0, NAN, NAN, NAN, 5.0, *[NAN] * 20],
    "missing at the end": [1.0, 5.0, 2.0, 6.0] * 4 + [NAN] * 9,
    "counts": [0.0, 0.0, 3.0, 0.0, 1.0, 0.0, 0.0, 0.0, 2.0],
}


@pytest.mark.parametrize("season", [1, 2, 4, 12])
@pytest.mark.parametrize("kind", ODD)
def test_odd_series_are_forecast_without_a_warning(kind, season):
    state = fitted(ODD[kind], season=season)
    path, after = theta.forecast(state, 12, UNIFORMS)

    assert np.isfinite(path).all() == (kind != "nothing")
    for array in (*state.arrays().values(), *after.arrays().values()):
        assert np.isfinite(array).all()


def test_a_series_without_values_begins_with_its_first_one():
    state = fitted([NAN, NAN, NAN], season=2)

    assert np.isnan(forecast(state, 3)).all()
    assert forecast(theta.observe(state, np.array([7.0])), 3).tolist() == [pytest.approx([7, 7, 7])]


# Streaming, forking


@settings(deadline=None, max_examples=20)
@given(SERIES, SEASONS)
def test_rows_one_by_one_lead_to_the_state_of_the_fit(values, season):
    state = fitted(values, season=season)

    one_by_one = observed(unobserved(state, len(values)), values)

    assert_same(one_by_one, state, rtol=0)


@settings(deadline=None, max_examples=20)
@given(SERIES, SEASONS)
def test_a_missing_row_moves_nothing_but_the_season(values, season):
    before = fitted(values, season=season)

    after = theta.observe(before, np.array([NAN]))

    assert_same(replace(before, phase=(before.phase + 1) % season), after, rtol=0)


@settings(deadline=None, max_examples=20)
@given(SERIES, SEASONS, st.integers(0, 12), st.booleans())
def test_a_forecast_can_be_continued_from_its_state(values, season, first, draws):
    state = fitted(values, season=season)
    uniforms = UNIFORMS if draws else None
    whole, end = theta.forecast(state, 12, uniforms)

    begin, between = theta.forecast(state, first, UNIFORMS[:first] if draws else None)
    rest, after = theta.forecast(between, 12 - first, UNIFORMS[first:] if draws else None)

    np.testing.assert_array_equal(np.concatenate([begin, rest], axis=1), whole)
    assert_same(after, end, rtol=0)


@settings(deadline=None, max_examples=20)
@given(SERIES, SEASONS)
def test_a_forecast_is_what_observing_it_gives(values, season):
    state = fitted(values, season=season)
    path, after = theta.forecast(state, 6)

    assert_same(observed(state, path[0]), after, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("drawn", [False, True])
def test_steps_one_by_one_are_the_forecast(drawn):
    values = np.array([3.0, 8, 4, 9, 5, 10, 6, 11, 2, 1, 4, 3])
    state = theta.fit(values, np.array([0, 8, 12]), season=2)
    uniforms = np.random.default_rng(0).random((5, 2)) if drawn else None
    path, after = theta.forecast(state, 5, uniforms)

    for h in range(5):
        value, state = theta.advance(state, None if uniforms is None else uniforms[h])
        assert value.tolist() == path[:, h].tolist()

    for name, array in after.arrays().items():
        np.testing.assert_array_equal(state.arrays()[name], array)


def test_draws_have_the_one_step_spread_and_are_fed_back():
    state = observed(of(smoothing=1.0, weight=0.0, spread=2.0), [10])  # a random walk
    uniforms = np.array([[0.5, 0.975], [0.975, 0.5]])

    path = theta.forecast(state.take(np.array([0, 0])), 2, uniforms)[0]

    assert path.round(3).tolist() == [[10, 13.92], [13.92, 13.92]]


def test_a_multiplicative_season_multiplies_the_draws_too():
    state = replace(fitted([5, 15] * 8, season=2), spread=np.array([1.0]))

    path = theta.forecast(state, 1, np.array([[0.975]]))[0]

    assert path[0, 0] == pytest.approx(0.5 * (10 + 1.959964))


def test_a_state_does_not_change():
    state = fitted([1, 3, 2, 5, 4, 4], season=2)
    before = {name: array.copy() for name, array in state.arrays().items()}

    theta.observe(state, np.array([9.0]))
    theta.forecast(state, 5, UNIFORMS)

    for name, array in state.arrays().items():
        np.testing.assert_array_equal(array, before[name])
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0


def test_a_state_is_its_arrays():
    state = fitted([1, 3, 2, 5, 4, 4], [7, 8, 9], season=2)

    assert_same(ThetaState(**state.arrays()), state, rtol=0)
    assert state.arrays().keys() == {field.name for field in fields(ThetaState)}
    assert {len(array) for array in state.arrays().values()} == {2}


def test_series_can_be_chosen_and_repeated():
    state = fitted([1, 3, 2, 5, 4, 4], [7, 8, 9], season=2)

    paths = forecast(state, 4)

    np.testing.assert_array_equal(forecast(state.take(np.array([1, 0, 1])), 4), paths[[1, 0, 1]])


# Company, units


@settings(deadline=None, max_examples=20)
@given(st.lists(SERIES, min_size=2, max_size=4), SEASONS, st.sampled_from([1, 60, 2**20]))
def test_a_series_is_fitted_as_if_it_was_alone(series, season, cells):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(theta, "MAX_CELLS", cells)
        together = fitted(*series, season=season)

    for s, values in enumerate(series):
        alone = fitted(values, season=season)
        assert_same(together.take(np.array([s])), alone, rtol=1e-7, atol=1e-9)


@settings(deadline=None, max_examples=20)
@given(SERIES, SEASONS, st.sampled_from([1e-200, 0.1, 3.7, 1e200]))
def test_other_units_give_the_same_forecast_in_them(values, season, scale):
    path = theta.forecast(fitted(values, season=season), 12, UNIFORMS)[0]

    scaled = theta.forecast(fitted(values * scale, season=season), 12, UNIFORMS)[0]

    np.testing.assert_allclose(scaled / scale, path, rtol=1e-7, atol=1e-7)


@settings(deadline=None, max_examples=20)
@given(SIGNED, SEASONS, st.sampled_from([-1000.0, -0.3]))
def test_additive_series_that_are_moved_are_forecast_as_much_higher_or_lower(values, season, shift):
    values = values - np.nanmax(np.append(values, 0)) - 1  # none is positive, here or there
    path = theta.forecast(fitted(values, season=season), 12, UNIFORMS)[0]

    moved = theta.forecast(fitted(values + shift, season=season), 12, UNIFORMS)[0]

    np.testing.assert_allclose(moved - shift, path, rtol=1e-6, atol=1e-6)
