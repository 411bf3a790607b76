"""Limits of forecasts: what is inferred, what is fed back, and what goes far beyond the data."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast import Forecaster, ForecastWarning, between, non_negative
from forecast.data import scaling
from forecast.data.scaling import Scale, UsualSpread
from forecast.errors import OptionError
from forecast.inference import plausibility
from forecast.inference.bounds import Bounds, infer, limits, to_bounds
from forecast.inference.conformal import Calibration
from forecast.inference.plausibility import too_large, too_small

INF = np.inf


def scale_of(location, scale):
    return Scale(np.array([[location]]), np.array([[scale]]))


# What they are


@pytest.mark.parametrize(
    ("given", "bounds", "words"),
    [
        ("none", Bounds(None, None), "without limits"),
        ("non_negative", Bounds(0.0, None), "at 0 or above"),
        ((0, 100), Bounds(0.0, 100.0), "from 0 to 100"),
        ([-1.5, None], Bounds(-1.5, None), "at -1.5 or above"),
        ((None, 7), Bounds(None, 7.0), "at 7 or below"),
        (non_negative, Bounds(0.0, None), "at 0 or above"),
        (between(1, 2), Bounds(1.0, 2.0), "from 1 to 2"),
    ],
)
def test_bounds_are_given_by_name_or_by_their_ends(given, bounds, words):
    assert to_bounds(given) == bounds
    assert str(to_bounds(given)) == words


@pytest.mark.parametrize(
    "given", ["positive", 5, (1,), (1, 2, 3), (2, 1), (1, 1), (0, INF), ("a", 1), (np.nan, 1), None]
)
def test_what_are_no_bounds_is_refused(given):
    with pytest.raises(OptionError, match=r"bounds are .*; give 'none', 'non_negative' or a pair"):
        to_bounds(given)


# What is inferred


@pytest.mark.parametrize(
    ("values", "power", "bounds"),
    [
        (np.arange(1, 41), 1.0, non_negative),  # counts
        (np.arange(40) + 0.5, 1.0, Bounds()),  # positive, perhaps by chance
        (np.append(np.arange(40) + 0.5, 0.0), 1.0, non_negative),  # 0 is among them
        (np.arange(40) + 0.5, 0.0, non_negative),  # they vary in proportion to their level
        (np.arange(40) + 0.5, 0.5, non_negative),
        (np.arange(-1, 40), 1.0, Bounds()),  # not all are
        (np.arange(1, 30), 1.0, Bounds()),  # too few to tell
        (np.append(np.arange(1, 31), np.nan), 1.0, non_negative),
        (np.append(np.arange(1, 30), np.nan), 1.0, Bounds()),
    ],
)
def test_forecasts_are_kept_non_negative_where_the_data_say_so_clearly(
    make_panel, values, power, bounds
):
    assert infer(make_panel(values), power) == bounds


def test_one_series_that_may_fall_below_zero_is_enough_for_no_limit(make_panel):
    power, degrees = np.zeros(40), np.full(40, 12.5)

    assert infer(make_panel(power), 1.0) == non_negative
    assert infer(make_panel(power, degrees), 1.0) == Bounds()
    assert infer(make_panel(power, np.full(40, 12.0)), 1.0) == non_negative  # counts


def counts(low):
    days = pd.date_range("2024-01-01", periods=40, freq="D")
    return pd.DataFrame({"ds": days, "y": [low + day % 7 for day in range(40)]})


@pytest.mark.parametrize(
    ("choice", "bounds"),
    [
        *[("auto", non_negative), ("none", Bounds()), ((1, 50), Bounds(1.0, 50.0))],
        (np.array([1.0, 50.0]), Bounds(1.0, 50.0)),
    ],
)
@pytest.mark.usefixtures("untrained")
def test_a_forecaster_infers_bounds_or_takes_them(choice, bounds, tmp_path):
    model = Forecaster(bounds=choice, steps=1, units=2).fit(counts(0)).model_
    model.save(tmp_path / "model.forecast")

    assert model.config.bounds == (bounds,)
    assert type(model).load(tmp_path / "model.forecast").config == model.config


def test_a_forecaster_refuses_what_are_no_bounds_before_it_trains():
    with pytest.raises(OptionError, match="bounds are 'low'"):
        Forecaster(bounds="low").fit(counts(0))


# In the units of a series


@pytest.mark.parametrize(
    ("bounds", "power", "low", "high"),
    [
        (Bounds(), 1.0, -INF, INF),
        (Bounds(0.0, 10.0), 1.0, -2.0, 3.0),  # location 4, scale 2
        (Bounds(0.0, 36.0), 0.5, -2.0, 1.0),  # 0 and 6 under the root
        (Bounds(-5.0, 36.0), 0.5, -INF, 1.0),
        (Bounds(0.0, np.exp(10.0)), 0.0, -INF, 3.0),
        (Bounds(np.exp(2.0), None), 0.0, -1.0, INF),
    ],
)
def test_bounds_are_scaled_as_values_are(bounds, power, low, high):
    scaled = limits((bounds,), scale_of(4.0, 2.0), (power,))

    np.testing.assert_allclose([scaled.low.item(), scaled.high.item()], [low, high], rtol=1e-6)
    assert scaled.low.dtype == scaled.high.dtype == np.float32


@pytest.mark.parametrize("power", [0.0, 0.5])
def test_bounds_below_what_the_transform_gives_are_refused(power):
    with pytest.raises(OptionError, match=r"bounds end at -1, but .* positive values only"):
        limits((Bounds(None, -1.0),), scale_of(0.0, 1.0), (power,))


# Rollouts


@pytest.fixture(scope="module")
def model(make_model, make_random_panel):
    return make_model(make_random_panel([12, 9]), 2, head="student_t", lags=(2,), size=1.5)


@pytest.mark.filterwarnings("ignore:the bounds:forecast.ForecastWarning")
@given(low=st.floats(-5, 10), width=st.floats(0.1, 10))
@settings(deadline=None, max_examples=30)
def test_no_value_and_no_sample_path_leaves_the_bounds(model, low, width):
    forecast = model.rollout(8, levels=90, bounds=(low, low + width))

    numbers = forecast.table.filter(like="forecast").to_numpy()
    for values in (numbers, forecast.paths):
        assert values.min() >= low
        assert values.max() <= low + width


def test_bounds_that_leave_out_all_data_are_reported(make_model, make_panel):
    model = make_model(make_panel([1.0, 3.0], [5.0, 7.0]))

    with pytest.warns(ForecastWarning, match="the bounds, at 4 or above, leave out all data of"):
        forecast = model.rollout(2, bounds=(4, None))

    assert forecast.notes == (
        "the bounds, at 4 or above, leave out all data of series 'a' (between 1 and 3)",
    )
    assert model.rollout(2, bounds=(None, 5)).notes == ()


@pytest.mark.parametrize("pair", [(2, 50), [2, 50], np.array([2.0, 50.0])])
def test_a_pair_of_bounds_may_be_a_tuple_a_list_or_an_array(pair):
    assert to_bounds(pair) == Bounds(2.0, 50.0)


@pytest.mark.parametrize("value", [{0, 600}, {"low": 0, "high": 1}, b"ab", 5, None])
def test_other_things_are_no_bounds(value):
    with pytest.raises(OptionError, match="bounds are"):
        to_bounds(value)


def test_a_bounded_value_is_what_is_fed_back(model):
    free = model.predict(2)
    (first, second) = free.query("store == 'a'")["forecast"]
    bound = first - 1.0

    clipped = model.predict(2, bounds=(None, bound)).query("store == 'a'")["forecast"].to_numpy()

    state = model.observe(model.state.select(["a"]), [bound])
    after = model.predict(1, state=state)["forecast"].item()
    np.testing.assert_allclose(clipped[0], bound, rtol=1e-6)
    np.testing.assert_allclose(clipped[1], min(after, bound), rtol=1e-5)
    assert not np.isclose(after, second)


def test_the_bounds_of_the_model_hold_unless_others_are_given(make_model, make_random_panel):
    panel = make_random_panel([12], seed=1)
    free = make_model(panel, 2, size=1.5)
    middle = float(free.predict(9)["forecast"].median())
    model = make_model(panel, 2, size=1.5, bounds=Bounds(None, middle))

    assert model.predict(9)["forecast"].max() == middle
    np.testing.assert_array_equal(model.predict(9, bounds="none"), free.predict(9))


def is_exact(values, low, high, unit):
    """Whether values are a bound, or further from it than rounding goes."""
    at_bound = (values == low) | (values == high)
    inside = (values - low > 1e-9 * unit) & (high - values > 1e-9 * unit)
    return at_bound | inside


@pytest.mark.filterwarnings("ignore::forecast.ForecastWarning")
@pytest.mark.parametrize("runtime", ["numpy", pytest.param("compiled", marks=pytest.mark.slow)])
@pytest.mark.parametrize("power", [1.0, 0.5, 0.0])
def test_what_is_at_a_bound_is_the_bound_to_the_last_bit(
    make_model, make_random_panel, power, runtime
):
    panel = make_random_panel([12, 9], seed=3)
    model = make_model(panel, 2, head="student_t", lags=(2,), size=1.5, power=power)
    for low, high in ((7.1, 12.3), (0.1, 9.7), (1 / 3, 1e4)):
        options = {"levels": (80, 95), "bounds": (low, high), "runtime": runtime}
        forecast = model.rollout(12, **options)
        calibrated = replace(model, calibration=Calibration(np.full((1, 19, 1), 2.0, np.float32)))
        numbers = calibrated.rollout(12, **options).table.filter(like="forecast").to_numpy()

        for values in (numbers, forecast.table.filter(like="forecast").to_numpy(), forecast.paths):
            assert is_exact(values, low, high, 10.0).all()
        assert (forecast.paths == (low if high == 1e4 else high)).any()


def test_a_bound_is_exact_in_a_stream_and_in_totals_too(model):
    low, high = 7.1, 9.3
    steps = [step for step, _ in zip(model.stream(bounds=(low, high)), range(9), strict=False)]
    forecast = model.rollout(9, paths=20, bounds=(low, low + 1e-6))

    for step in steps:
        assert is_exact(step.value, low, high, 10.0).all()
        assert is_exact(step.quantiles, low, high, 10.0).all()
    assert (np.array([step.quantiles for step in steps]) == low).any()
    assert model.totals(forecast, levels=80)["forecast-lo-80"].min() == low


def test_zero_is_zero_in_a_series_of_mostly_zeros(make_model, make_panel):
    values = np.zeros(40)
    values[[3, 11, 17, 30, 38]] = [1, 2, 1, 3, 1]
    model = make_model(make_panel(values), bounds=non_negative)
    model.weights["head.bias"][:] = -9.0
    model = replace(model, calibration=Calibration(np.zeros((5, 19, 1), np.float32)))

    table = model.predict(5, levels=80)

    assert (table.filter(like="forecast").to_numpy() == 0.0).all()  # and not 6e-17


@pytest.mark.slow
def test_both_runtimes_keep_the_bounds_alike(model):
    limits = (6.0, 9.0)

    tables = [model.predict(6, levels=80, bounds=limits, runtime=r) for r in ("numpy", "compiled")]

    np.testing.assert_allclose(
        tables[0].filter(like="forecast"), tables[1].filter(like="forecast"), rtol=1e-5
    )


# A panel of constants alone


def constants(make_model, make_panel, **choices):
    """A model of series that never varied, whose network makes large values."""
    panel = make_panel([0.1] * 12, [-1e7] * 12, [0.0] * 12)
    usual = scaling.usual_spreads(panel.target, panel.indptr, 8, (1.0,))
    return make_model(panel, 3, size=1.5, usual_spreads=usual, **choices)


@pytest.mark.parametrize("runtime", ["numpy", pytest.param("compiled", marks=pytest.mark.slow)])
@pytest.mark.parametrize("head", ["point", "student_t"])
def test_where_nothing_ever_varied_a_constant_stays_as_it_is_to_the_last_bit(
    make_model, make_panel, head, runtime
):
    model = constants(make_model, make_panel, head=head)
    paths = 10 if head == "student_t" else 0

    forecast = model.rollout(9, paths=paths, levels=(80,) if paths else (), runtime=runtime)

    expected = np.repeat([0.1, -1e7, 0.0], 9)
    for column in forecast.table.filter(like="forecast"):
        assert forecast.table[column].tolist() == expected.tolist()
    if paths:
        assert (forecast.paths[..., 0] == expected.reshape(3, 1, 9)).all()
    assert next(model.stream()).value.tolist() == [0.1, -1e7, 0.0]


def test_a_constant_that_has_changed_is_no_constant_any_more(make_model, make_panel):
    model = constants(make_model, make_panel)

    after = model.observe(model.state, [0.2, -1e7, 0.0])

    first, *others = model.predict(1, state=after)["forecast"]
    assert first not in (0.1, 0.2)
    assert others == [-1e7, 0.0]


def test_bounds_hold_for_a_constant_too(make_model, make_panel):
    model = constants(make_model, make_panel)

    with pytest.warns(ForecastWarning, match="leave out all data"):
        assert model.predict(1, bounds=(0.15, 1))["forecast"].tolist() == [0.15] * 3


# Far beyond the data


def exploding(make_model, make_panel, **choices):
    """A model whose rollout adds about 40 deviations in every step."""
    model = make_model(make_panel([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]), **choices)
    for name, part in model.weights.items():
        part[:] = 0.0 if name != "head.bias" else 40.0
    return model


def test_a_forecast_far_beyond_its_data_is_reported_by_series_and_step(make_model, make_panel):
    model = exploding(make_model, make_panel)

    with pytest.warns(ForecastWarning, match=r"series 'a' goes far beyond its data from step 1"):
        forecast = model.rollout(2)

    # 2 + 40 * 0.8165 = 34.66, more than ten times 3 above 3
    assert forecast.notes == tuple(
        f"the forecast of series '{name}' goes far beyond its data from step 1 (34.66, where the "
        "data lie between 1 and 3)"
        for name in "ab"
    )


def test_a_forecast_near_its_data_is_returned_without_a_word(model):
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        assert model.rollout(20).notes == ()


def test_a_warning_names_three_series_and_counts_the_others(make_model, make_panel):
    model = exploding(make_model, make_panel)
    branches = model.state.repeat(3)

    with pytest.warns(ForecastWarning, match="and 3 more series") as caught:
        forecast = model.rollout(1, state=branches)

    assert str(caught[0].message).count("goes far beyond") == 3
    assert len(forecast.notes) == 6


def reported(model, new_values):
    """Which new values of one series are called large, and which small."""
    width = plausibility.ranges(model.state, model.config)
    args = np.array(new_values)[:, None], model.state.extent, width
    return [is_far(*args)[:, 0].tolist() for is_far in (too_large, too_small)]


@pytest.mark.parametrize(
    ("shift", "power"),
    [*[(shift, 1.0) for shift in (0.0, 283.0, -283.0, 1e7, 1e12)], (283.0, 0.0), (1e7, 0.5)],
)
def test_far_is_more_than_ten_ranges_beyond_the_data_at_any_level(
    make_model, make_panel, shift, power
):
    values = shift + np.array([4.0, 0.0, 14.0, 7.0] * 3)  # the range is 14
    model = make_model(make_panel(values), power=power, usual_spreads=(UsualSpread(1.0, 0.5),))

    large, small = reported(model, shift + np.array([153.9, 154.1, -139.9, -140.1]))

    assert large == [False, True, False, False]
    assert small == [False, False, False, True]


@pytest.mark.parametrize("values", [[288.0], [288.0] * 12])
@pytest.mark.parametrize("usual", [(UsualSpread(1.0, 0.01),), (UsualSpread(),)])
def test_a_slipped_decimal_sign_is_far_from_a_constant(make_model, make_panel, values, usual):
    model = make_model(make_panel(values), usual_spreads=usual)

    assert reported(model, [2880.0, 28.8, 290.0]) == [
        [True, False, False],
        [False, True, False],
    ]


def test_counts_spread_at_least_as_poissons_do(make_model, make_panel):
    values = [99.0] * 12
    model = make_model(make_panel(values), head="negative_binomial")

    large, _ = reported(model, [99 + 200, 99 + 201])  # 10 * 2 * sqrt(1 + 99)

    assert large == [False, True]


def test_a_message_has_the_digits_that_tell_its_numbers_apart(make_model, make_panel):
    values = 1e7 + np.array([0.001, 0.004, 0.002, 0.003] * 3)
    model = make_model(make_panel(values))
    model.weights["head.bias"][:] = 1e3

    with pytest.warns(ForecastWarning, match=r"between 10000000\.001 and 10000000\.004"):
        model.predict(1)
