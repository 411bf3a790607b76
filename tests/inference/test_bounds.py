"""Limits of forecasts: what is inferred, what is fed back, and what goes far beyond the data."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast import Forecaster, ForecastWarning, between, non_negative
from forecast.data.scaling import Scale
from forecast.errors import OptionError
from forecast.inference.bounds import Bounds, infer, limits, to_bounds

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


@pytest.mark.slow
def test_both_runtimes_keep_the_bounds_alike(model):
    limits = (6.0, 9.0)

    tables = [model.predict(6, levels=80, bounds=limits, runtime=r) for r in ("numpy", "compiled")]

    np.testing.assert_allclose(
        tables[0].filter(like="forecast"), tables[1].filter(like="forecast"), rtol=1e-5
    )


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
