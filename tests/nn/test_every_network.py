"""Invariants of state and rollout, for every network and cell."""

import copy
import itertools
from dataclasses import replace

import numpy as np
import pytest

from forecast import load
from forecast.inference import encoding
from forecast.inference.encoding import history_scale
from forecast.nn import NETWORKS
from forecast.nn.layers import CELLS

CLOSE = {"rtol": 1e-5, "atol": 1e-5}  # of values of about ten, in single precision
pytestmark = pytest.mark.filterwarnings("ignore:the network .repeat. was trained for")
RESIDUAL = [("lstm", "gru", "residual"), ("attention", "lstm", "residual")]
EVERY = [*itertools.product(NETWORKS, CELLS), *RESIDUAL]
COMPILED = [*((network, "lstm") for network in NETWORKS), *RESIDUAL]  # each cell, each network


@pytest.fixture(params=EVERY, ids="-".join, scope="module")
def model(request, make_model, make_random_panel):
    """A model of random weights; four daily series of different lengths, with missing values."""
    network, cell, *residual = request.param
    panel = make_random_panel([12, 5, 9, 3], missing=0.2, frequency="D", first=19_800)
    return make_model(
        panel,
        **{"network": network, "cell": cell, "head": "student_t", "layers": 2, "units": 3},
        **{"lags": (2, 4), "cycles": ("week",), "context": 6, "size": 0.8},
        residual=bool(residual),
    )


@pytest.fixture(scope="module")
def new():
    """Three new rows of each of the four series; one value is missing."""
    values = np.random.default_rng(3).gamma(4.0, 2.5, (4, 3))
    values[1, 1] = np.nan
    return values


def assert_close(state, expected):
    assert state.ids.tolist() == expected.ids.tolist()
    for name, array in expected.arrays().items():
        np.testing.assert_allclose(state.arrays()[name], array, **CLOSE, err_msg=name)


def test_observing_rows_one_by_one_equals_observing_all_at_once(model, new, assert_equal_states):
    at_once, one_by_one = model.observe(model.state, new), model.state
    for row in new.T:
        one_by_one = model.observe(one_by_one, row)

    assert_equal_states(one_by_one, at_once)
    assert at_once != model.state


def test_observing_a_history_in_two_parts_equals_encoding_it_under_the_same_scale(
    monkeypatch, model, make_panel, assert_equal_states
):
    values = np.random.default_rng(4).gamma(4.0, 2.5, 14)
    whole = make_panel(values, frequency="D", first=19_800)
    scale = history_scale(whole, whole.target, 6)
    monkeypatch.setattr(encoding, "history_scale", lambda *_: scale)

    parts = model.observe(model.encode(whole.until(5)), values[None, -5:])

    assert_equal_states(parts, model.encode(whole))


def test_split_rollout_a_rollout_in_two_parts_equals_a_whole_one(model):
    whole, first = model.rollout(7), model.rollout(3)
    rest = model.rollout(4, state=first.state)

    path = whole.table["forecast"].to_numpy().reshape(4, 7)
    parts = [part.table["forecast"].to_numpy().reshape(4, -1) for part in (first, rest)]
    np.testing.assert_allclose(np.concatenate(parts, 1), path, **CLOSE)
    assert_close(rest.state, whole.state)


def test_split_rollout_sample_paths_in_two_parts_are_the_same(model):
    whole, first = model.rollout(7, paths=3), model.rollout(3, paths=3)
    rest = model.rollout(4, state=first.branches, paths=1)

    parts = [first.paths, rest.paths.reshape(4, 3, 4, 1)]
    np.testing.assert_allclose(np.concatenate(parts, 2), whole.paths, **CLOSE)


def test_a_series_is_forecast_the_same_alone_and_among_others(model):
    together = model.rollout(6, paths=2)

    for s, name in enumerate("abcd"):
        alone = model.rollout(6, series=[name], paths=2)

        np.testing.assert_allclose(alone.paths[0], together.paths[s], **CLOSE)
        np.testing.assert_allclose(
            alone.table["forecast"], together.table.query("store == @name")["forecast"], **CLOSE
        )
        assert_close(alone.state, together.state.select([name]))


def test_purity_forecasts_and_forks_change_nothing(model, new):
    before, weights = copy.deepcopy(model.state), copy.deepcopy(model.weights)
    state, other = (model.observe(model.state, rows) for rows in (new, new + 1.0))
    first = model.predict(3, state=state)

    model.predict(3, state=other)
    model.rollout(5, state=state, paths=2)

    assert model.predict(3, state=state).equals(first)
    assert not np.allclose(model.predict(3, state=other)["forecast"], first["forecast"])
    assert model.state == before
    assert all(np.array_equal(model.weights[name], part) for name, part in weights.items())


def test_round_trip_a_saved_model_and_state_forecast_bit_for_bit_the_same(model, tmp_path):
    forecast = model.rollout(5, paths=2)
    model.save(tmp_path / "model.forecast")
    forecast.state.save(tmp_path / "later.state")

    again = load(tmp_path / "model.forecast")
    later = type(forecast.state).load(tmp_path / "later.state")

    assert again.config == model.config
    assert again.rollout(5, paths=2).paths.tobytes() == forecast.paths.tobytes()
    assert again.predict(3, state=later).equals(model.predict(3, state=forecast.state))


@pytest.mark.slow
@pytest.mark.parametrize("model", COMPILED, ids="-".join, indirect=True)
def test_both_runtimes_give_the_same_values_and_the_same_state(model):
    numpy, compiled = (model.rollout(6, paths=2, runtime=name) for name in ("numpy", "compiled"))

    np.testing.assert_allclose(compiled.paths, numpy.paths, **CLOSE)
    np.testing.assert_allclose(compiled.table["forecast"], numpy.table["forecast"], **CLOSE)
    assert_close(compiled.state, numpy.state)
    assert_close(compiled.branches, numpy.branches)


def test_a_stream_equals_the_rollout_or_observes_true_values(model, new, assert_equal_states):
    left_alone, fed = model.stream(), model.stream()

    steps = [next(left_alone) for _ in range(6)]
    next(fed)
    for row in new.T:
        step = fed.send(row)

    path = np.stack([step.value for step in steps], 1)
    np.testing.assert_allclose(path, model.predict(6)["forecast"].to_numpy().reshape(4, 6), **CLOSE)
    assert_equal_states(step.state, model.observe(model.state, new))
    np.testing.assert_allclose(step.value, model.predict(1, state=step.state)["forecast"], **CLOSE)


def test_true_values_can_be_observed_after_a_forecast(model, new):
    after = model.rollout(3).state

    state = model.observe(after, new)

    assert (state.time - after.time == 3 * state.frequency.step).all()
    assert np.isfinite(model.predict(5, state=state)["forecast"]).all()


def test_every_trained_weight_affects_the_forecast(model, make_panel):
    history = make_panel(np.random.default_rng(4).gamma(4.0, 2.5, 9), frequency="D", first=19_800)
    before = forecast_with(model, model.weights, history)

    for name, array in model.weights.items():
        after = forecast_with(model, {**model.weights, name: array + np.float32(0.25)}, history)

        # the scale and the degrees of freedom of the head move the sample paths alone
        assert (np.abs(after - before) > 1e-4).any(), name


def forecast_with(model, weights, history):
    """Values and sample paths of six steps after a history, with other weights."""
    other = replace(model, weights=weights)
    forecast = other.rollout(6, state=other.encode(history), paths=2)
    return np.concatenate([forecast.table["forecast"], forecast.paths.ravel()])
