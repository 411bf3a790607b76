"""The seasonal network: what its output is made of, worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.nn import HEADS, seasonal
from forecast.nn.layers import Sizes
from forecast.nn.seasonal import ANCHORS, CHANGES, ROLES, Roles, Seasonal, as_observed, lags, pair
from forecast.nn.step import ModelStep, StepMemory
from forecast.nn.step_inputs import memory_length

HALF = np.arctanh(0.5)  # the coefficient of half a change
VALUES = Roles(8.0, 7.0, 4.0, 3.0, 2.0, 6.0, 16.0)


def network_of(logits=(0.0,) * ANCHORS, coefficients=(0.0,) * CHANGES, offset=0.0, targets=1):
    """A network whose read-out does not depend on its layers, the same for each target."""
    sizes = Sizes(
        **{"inputs": 2 * ROLES * targets, "outputs": targets, "step_features": 0, "units": 2},
        **{"layers": 1, "cell": "lstm", "context": 4, "horizon": 3},
    )
    arrays = {name: np.zeros(shape, "f4") for name, shape in Seasonal.shapes(sizes).items()}
    arrays["head.bias"] = np.repeat([offset, *logits, *coefficients], targets).astype("f4")
    return Seasonal.of(np, sizes, arrays)


def inputs_of(**changed):
    """The input (1, 14) of a step; a value that is None is missing."""
    values = VALUES._replace(**changed)
    flags = [value is not None for value in values]
    return np.array([[*(value or 0.0 for value in values), *flags]], np.float32)


def forecast_of(network, x):
    return network.advance(x, network.initial_state(len(x)))[0]


# Anchors and changes


def test_with_equal_logits_the_forecast_is_the_mean_of_the_anchors():
    assert forecast_of(network_of(), inputs_of()) == pytest.approx((8 + 4 + 2 + 6) / 4)


def test_the_weights_of_the_anchors_are_the_softmax_of_their_logits():
    network = network_of(logits=np.log([1.0, 2.0, 4.0, 1.0]))

    assert forecast_of(network, inputs_of()) == pytest.approx((8 + 2 * 4 + 4 * 2 + 6) / 8)


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        (("long_season",), (8 + 4 + 2) / 3),
        (("long_season", "two_seasons"), (8 + 4) / 2),
        (("season",), (8 + 2 + 6) / 3),
        (("long_season", "two_seasons", "season"), 8),
        (("second_last", "before_season", "before_long_season"), (8 + 4 + 2 + 6) / 4),
    ],
)
def test_an_anchor_that_is_missing_has_no_weight(missing, expected):
    x = inputs_of(**dict.fromkeys(missing))

    assert forecast_of(network_of(), x) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("missing", "last"),
    [(("last",), 7), (("last", "second_last"), 4), (("last", "second_last", "season"), 0)],
)
def test_a_missing_last_value_is_replaced_by_the_next_best_one(missing, last):
    only_last = network_of(logits=(60.0, 0.0, 0.0, 0.0))

    assert forecast_of(only_last, inputs_of(**dict.fromkeys(missing))) == pytest.approx(last)


@pytest.mark.parametrize(
    ("place", "before", "change"),
    [
        (0, "second_last", 8 - 7),
        (1, "before_season", 8 - 3),
        (2, "before_long_season", 8 - 16),
    ],
)
def test_a_change_adds_its_share_unless_the_value_before_it_is_missing(place, before, change):
    network = network_of(coefficients=np.eye(CHANGES)[place] * HALF)

    assert forecast_of(network, inputs_of()) == pytest.approx(5 + change / 2)
    assert forecast_of(network, inputs_of(**{before: None})) == pytest.approx(5)


def test_a_change_that_begins_with_a_missing_last_value_is_that_of_its_replacement():
    network = network_of(logits=(60.0, 0, 0, 0), coefficients=(HALF, HALF, 0.0))

    forecast = forecast_of(network, inputs_of(last=None))

    assert forecast == pytest.approx(7 + (7 - 7) / 2 + (7 - 3) / 2)


def test_with_nothing_known_only_the_offset_is_left():
    x = inputs_of(**dict.fromkeys(Roles._fields))

    assert forecast_of(network_of(offset=0.25, coefficients=(1.0, 1.0, 1.0)), x) == 0.25


def test_each_target_has_anchors_of_its_own():
    network = network_of(offset=0.5, coefficients=(HALF, 0.0, 0.0), targets=2)
    first, second = inputs_of(), inputs_of(last=10.0, long_season=None)
    x = np.stack([first, second], axis=-1).reshape(1, 4 * ROLES)  # values of both, then flags

    np.testing.assert_allclose(
        forecast_of(network, x), [[5 + 0.5 + (8 - 7) / 2, 16 / 3 + 0.5 + (10 - 7) / 2]], rtol=1e-6
    )


def test_further_parameters_of_the_head_are_the_read_outs_own():
    sizes = network_of().sizes._replace(outputs=3)
    arrays = {name: np.zeros(shape, "f4") for name, shape in Seasonal.shapes(sizes).items()}
    arrays["head.bias"][:3] = 1.0, 2.0, 3.0

    params = forecast_of(Seasonal.of(np, sizes, arrays), inputs_of())

    assert params.tolist() == [[5 + 1, 2, 3]]


finite = st.floats(-100, 100, width=32)


@given(
    logits=st.tuples(*[finite] * ANCHORS),
    values=st.tuples(*[finite] * ROLES),
    known=st.tuples(*[st.booleans()] * (ROLES - 1)),
)
@settings(deadline=None, max_examples=60)
def test_a_forecast_without_changes_lies_among_the_anchors_that_exist(logits, values, known):
    z = Roles(
        values[0], *(v if is_known else None for v, is_known in zip(values[1:], known, strict=True))
    )
    anchors = [v for v in (z.last, z.season, z.two_seasons, z.long_season) if v is not None]

    forecast = float(forecast_of(network_of(logits), inputs_of(**z._asdict()))[0, 0])

    assert min(anchors) - 1e-3 <= forecast <= max(anchors) + 1e-3


@given(
    weights=st.tuples(*[st.floats(-3, 3)] * (ANCHORS + CHANGES)),
    missing=st.sets(st.sampled_from(Roles._fields[1:])),
    a=st.floats(-5, 5),
    b=st.floats(-20, 20),
)
@settings(deadline=None, max_examples=60)
def test_the_way_from_values_to_the_forecast_keeps_affine_maps(weights, missing, a, b):
    network = network_of(weights[:ANCHORS], weights[ANCHORS:])
    moved = {name: a * value + b for name, value in VALUES._asdict().items()}

    forecast, of_moved = (
        float(forecast_of(network, inputs_of(**{**x, **dict.fromkeys(missing)}))[0, 0])
        for x in (VALUES._asdict(), moved)
    )

    assert of_moved == pytest.approx(a * forecast + b, abs=1e-3)


# From values to roles


def step_of(seasons):
    """The step of a network that forecasts the mean of the anchors that exist."""
    network = network_of()
    return ModelStep(np, network, HEADS["point"], lags(seasons), lag_flags=True)


def forecast_after(step, values):
    """The forecast of the value after some, all of which are observed."""
    memory = StepMemory(
        np.full((1, memory_length(step.lags), 1), np.nan, "f4"), step.network.initial_state(1)
    )
    fed, nothing = np.full((1, 1), np.nan, np.float32), np.empty((1, 0), np.float32)
    for value in values:
        memory = step.observe(fed, memory, nothing)
        fed = np.array([[value]], np.float32)
    return float(step.advance(fed, memory, nothing)[0][0, 0])


def test_two_seasons_the_anchors_are_the_values_that_many_steps_before():
    assert forecast_after(step_of((3, 6)), range(10)) == pytest.approx((9 + 7 + 4 + 4) / 4)
    assert forecast_after(step_of((3, 9)), range(10)) == pytest.approx((9 + 7 + 4 + 1) / 4)


def test_without_a_season_the_anchors_are_the_last_two_values():
    assert forecast_after(step_of((1, 0)), [1.0, 4.0, 10.0]) == pytest.approx((10 + 10 + 4) / 3)


def test_a_short_history_has_the_last_value_alone():
    assert forecast_after(step_of((4, 12)), [5.0]) == 5.0
    assert forecast_after(step_of((4, 12)), [5.0, 6.0, 7.0, 9.0]) == pytest.approx((9 + 5) / 2)


def test_a_missing_row_is_an_anchor_that_is_missing():
    values = [np.nan if t == 7 else t for t in range(10)]

    assert forecast_after(step_of((3, 6)), values) == pytest.approx((9 + 4 + 4) / 3)


# The state


def test_seen_counts_the_values_fed_and_ahead_the_steps_since_the_last_observed_one():
    network = network_of()
    given_value, missing = inputs_of(), inputs_of(last=None)

    state = network.observe(missing, network.initial_state(1))
    counts = [(state["seen"].item(), state["ahead"].item())]
    for is_observed, x in [(1, given_value), (1, missing), (0, given_value), (0, given_value)]:
        state = network.observe(x, state) if is_observed else network.advance(x, state)[1]
        counts.append((state["seen"].item(), state["ahead"].item()))
    counts.append(network.observe(given_value, state)["ahead"].item())

    assert counts == [(0, 0), (1, 0), (1, 0), (2, 1), (3, 2), 0]


def test_of_several_targets_each_counts_its_share():
    network = network_of(targets=2)
    x = np.stack([inputs_of(), inputs_of(last=None)], axis=-1).reshape(1, 4 * ROLES)

    assert network.observe(x, network.initial_state(1))["seen"].tolist() == [[0.5]]


def test_the_layers_are_told_how_many_values_were_seen_and_how_far_ahead_the_forecast_is():
    network = network_of()
    fed = []

    class Layers:
        def step(self, x, state):
            fed.append(x)
            return network.decoder.step(x, state)

    watched = replace(network, decoder=Layers())
    state = watched.observe(inputs_of(), watched.initial_state(1))
    state = watched.advance(inputs_of(), state)[1]
    watched.advance(inputs_of(), state)

    told = [
        (np.log(seen + 1) / 3 - 1, np.log(ahead + 1) / 3)
        for seen, ahead in [(1, 0), (2, 0), (3, 1)]
    ]
    np.testing.assert_allclose([x[0, -2:] for x in fed], told, rtol=1e-6)
    np.testing.assert_array_equal(fed[0][:, :-2], inputs_of())


def test_a_value_counts_as_true_once_it_is_said_to_be_observed():
    network = network_of()
    state = network.advance(inputs_of(), network.initial_state(1))[1]

    again = as_observed(state)

    assert state["ahead"].item() == 1  # left alone
    assert again["ahead"].item() == 0
    assert all(again[name] is part for name, part in state.items() if name != "ahead")
    assert as_observed(without := {"hidden_0": state["hidden_0"]}) is without


# Seasons and lags


@pytest.mark.parametrize(
    ("season", "known", "rows", "expected"),
    [
        (24, (24, 168), 169, (24, 168)),
        (24, (24, 168), 168, (24, 0)),  # nothing of it would repeat
        (24, (24, 168, 8_760), 20_000, (24, 168)),  # the shorter of two longer ones
        (7, (7, 365), 400, (7, 364)),  # whole weeks
        (5, (5, 8), 400, (5, 0)),  # less than two of the shorter season
        (1, (1,), 400, (1, 0)),
        (1, (7, 365), 400, (1, 0)),
        (168, (24, 168), 400, (168, 0)),  # the longer season was asked for
    ],
)
def test_a_longer_season_is_looked_at_where_the_series_repeat_it(season, known, rows, expected):
    assert pair(season, known, rows) == expected


@given(season=st.integers(1, 400), many=st.integers(0, 9))
def test_lags_are_those_of_the_roles(season, many):
    longer = many * season if many > 1 and season > 1 else 0
    expected = Roles(1, 2, season, season + 1, 2 * season, longer, longer and longer + 1)

    assert (1, *lags((season, longer))) == expected
    assert len(Roles._fields) == seasonal.ROLES
