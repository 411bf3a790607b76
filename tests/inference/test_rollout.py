from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast import between
from forecast.inference import random_streams
from forecast.inference.bounds import Bounds
from forecast.inference.loop import rollout
from forecast.inference.network_rollout import Draws, uniforms_of
from forecast.inference.random_streams import branches
from forecast.inference.rollout import RolloutEngine
from forecast.nn import NETWORKS
from forecast.nn.heads import point
from forecast.nn.step import LoopCarry, ModelStep, StepMemory

CLOSE = {"rtol": 1e-5, "atol": 1e-5}
NO_LIMITS = (np.float32(-np.inf), np.float32(np.inf))


def fibonacci(value, previous):
    return value + previous, value


def test_a_rollout_feeds_its_own_values_back():
    path, state = rollout(fibonacci, value=1, state=0, horizon=5)

    assert path.tolist() == [1, 2, 3, 5, 8]
    assert state == 5


def test_a_path_has_the_shape_of_its_values_behind_the_horizon():
    def add_one(value, state):
        return value + 1, state

    path, _ = rollout(add_one, value=np.zeros((2, 3)), state=None, horizon=4)

    assert path.shape == (4, 2, 3)
    assert path[:, 0, 0].tolist() == [1, 2, 3, 4]


def test_a_rollout_leaves_the_value_and_state_it_began_with_alone():
    value, state = np.array([1]), np.array([0])

    rollout(fibonacci, value, state, horizon=3)

    assert (value.item(), state.item()) == (1, 0)


def test_the_step_is_called_once_per_step_of_the_horizon():
    calls = []

    def counted(value, state):
        calls.append(value)
        return value, state

    rollout(counted, value=7, state=None, horizon=3)

    assert calls == [7, 7, 7]


@given(first=st.integers(1, 8), second=st.integers(1, 8))
@settings(deadline=None, max_examples=20)
def test_split_rollout_the_second_half_continues_from_the_state_of_the_first(first, second):
    whole, end = rollout(fibonacci, 1, 0, first + second)

    begin, state = rollout(fibonacci, 1, 0, first)
    rest, after = rollout(fibonacci, begin[-1], state, second)

    assert [*begin, *rest] == whole.tolist()
    assert after == end


# A network's step under the engine


@pytest.mark.parametrize("head", ["point", "student_t"])
def test_a_model_is_fed_the_centre_of_its_own_distribution(make_model, make_panel, head):
    history = [4.0, 6.0, 5.0, 8.0, 7.0]
    panel = make_panel(history, frequency="D", first=19_800)
    model = make_model(panel, head=head, lags=(3,), cycles=("week",), units=3, context=5)

    path = model.rollout(4).table["forecast"]

    network = NETWORKS["lstm"].of(np, model.config.blueprint.sizes, model.weights)
    memory = network.initial_state(1)
    values = list((np.array(history) - 6) / np.sqrt(2))  # scaled by their mean and deviation
    days = panel.frequency.calendar(panel.start + np.arange(9) * panel.frequency.step, ("week",))
    for t in range(9):
        before = [values[t - lag] if t >= lag else 0.0 for lag in (1, 3)]
        inputs = np.array([[*before, float(t > 0), *days[t]]], np.float32)
        params, memory = network.advance(inputs, memory)
        if t >= 5:
            values.append(float(params[0, 0]))  # the location comes first
    np.testing.assert_allclose(path, np.array(values[5:]) * np.sqrt(2) + 6, rtol=1e-5)


class AddOne(NamedTuple):
    """A network that only forecasts: it adds 1 to the last value."""

    def advance(self, x, state):
        return x[:, :1] + 1, state


def test_a_rollout_advances_a_network_and_observes_nothing():
    cell = ModelStep(np, AddOne(), point, lags=())
    step = cell.rollout_step(np.empty((3, 2, 0)), NO_LIMITS, uniforms=None)
    value, memory = np.array([[5.0], [7.0]]), StepMemory(np.empty((2, 0, 1)), None)

    path, carry = rollout(step, value, LoopCarry(0, memory), horizon=3)

    assert path[..., 0].tolist() == [[6.0, 8.0], [7.0, 9.0], [8.0, 10.0]]
    assert carry.step == 3


def test_a_value_at_its_limit_is_what_is_fed_back():
    class Double(NamedTuple):
        def advance(self, x, state):
            return x[:, :1] * 2, state

    limits = np.array([[-3.0], [-np.inf]]), np.array([[np.inf], [5.0]])
    cell = ModelStep(np, Double(), point, lags=())
    step = cell.rollout_step(np.empty((3, 2, 0)), limits, uniforms=None)
    value, memory = np.array([[-1.0], [1.0]]), StepMemory(np.empty((2, 0, 1)), None)

    path, _ = rollout(step, value, LoopCarry(0, memory), horizon=3)

    assert path[..., 0].tolist() == [[-2.0, 2.0], [-3.0, 4.0], [-3.0, 5.0]]


@given(
    first=st.integers(1, 6),
    second=st.integers(1, 6),
    lags=st.sampled_from([(), (2, 5)]),
    seed=st.integers(0, 2**16),
)
@settings(deadline=None, max_examples=20)
def test_split_rollout_the_sample_paths_of_a_network_continue_from_the_carried_state(
    make_model, make_random_panel, first, second, lags, seed
):
    model = make_model(make_random_panel([20, 9], seed), head="student_t", lags=lags, seed=seed)
    start = model.state.repeat(3)  # three paths for each of two series
    halfway = model.rollout(first).state  # knows its time, by which the randomness is keyed
    draws = Draws(3, branches(model.state.ids))
    uniforms = uniforms_of(model.state, draws, first + second, 1, seed)  # (H, S * n, D, 2)
    later = uniforms_of(halfway, draws, second, 1, seed)
    known = np.empty((first + second, 6, 0), np.float32)
    cell = model.step

    whole, end = rollout(
        cell.rollout_step(known, NO_LIMITS, uniforms),
        start.value,
        LoopCarry(0, start.memory),
        first + second,
    )
    begin, carry = rollout(
        cell.rollout_step(known[:first], NO_LIMITS, uniforms[:first]),
        start.value,
        LoopCarry(0, start.memory),
        first,
    )
    rest, after = rollout(
        cell.rollout_step(known[first:], NO_LIMITS, later),
        begin[-1],
        LoopCarry(0, carry.memory),
        second,
    )

    assert np.concatenate([begin, rest]).tobytes() == whole.tobytes()
    assert after.memory.recent.tobytes() == end.memory.recent.tobytes()
    assert after.memory.network["hidden_0"].tobytes() == end.memory.network["hidden_0"].tobytes()
    assert (whole[:, 0] != whole[:, 1]).all()  # the paths of one series differ


@given(
    first=st.integers(1, 6),
    second=st.integers(1, 6),
    count=st.integers(1, 9),
    steps=st.lists(st.integers(-50, 50), min_size=1, max_size=3),
    copies=st.integers(1, 3),
)
@settings(deadline=None, max_examples=20)
def test_split_rollout_the_uniforms_of_both_halves_are_those_of_the_whole(
    first, second, count, steps, copies
):
    ids, steps = np.repeat(list("abc"[: len(steps)]), copies), np.repeat(steps, copies)
    rows = branches(ids)

    whole = random_streams.uniforms(7, ids, rows, steps, first + second, count)
    halves = [
        random_streams.uniforms(7, ids, rows, steps, first, count),
        random_streams.uniforms(7, ids, rows, steps + first, second, count),
    ]

    assert np.concatenate(halves).tolist() == whole.tolist()


# The compiled twin


@pytest.mark.slow
def test_the_compiled_rollout_gives_the_same_path_and_stops_at_the_horizon():
    import tensorflow as tf

    from forecast.inference import loop_xla

    path, state = loop_xla.rollout(
        fibonacci, tf.constant(1), tf.constant(0), horizon=tf.constant(5), longest=8
    )

    assert path.numpy()[:5].tolist() == [1, 2, 3, 5, 8]
    assert state.numpy() == 5


def both(model, start, horizon, paths=0, bounds=None):
    """The rollout on NumPy, and on the compiled runtime."""
    parts = (model.config, model.weights, (bounds or Bounds(),), 0)
    engines = (RolloutEngine(*parts, name) for name in ("numpy", "compiled"))
    return [rolled_out(engine, start, horizon, paths) for engine in engines]


def rolled_out(engine, start, horizon, paths):
    """The centre of each series, or so many sample paths."""
    if not paths:
        return engine.run(start, horizon)
    return engine.sample(start, np.full(len(start.ids), horizon), paths)


CHOICES = [
    pytest.param({"head": "point"}, 0, id="point"),
    pytest.param({"head": "student_t", "lags": (2, 7), "layers": 2}, 0, id="student_t-centre"),
    pytest.param({"head": "student_t", "lags": (3,)}, 3, id="student_t-paths"),
    pytest.param({"head": "student_t", "cycles": ("week", "year")}, 5, id="calendar-paths"),
    pytest.param({"head": "student_t", "bounds": between(9.5, 11)}, 3, id="bounds-paths"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("choices", "count"), CHOICES)
def test_the_compiled_runtime_equals_numpy(make_model, make_random_panel, choices, count):
    compare_runtimes(make_model, make_random_panel, choices, count, series=35, horizon=13)


@pytest.mark.slow
@pytest.mark.parametrize(("series", "horizon"), [(1, 1), (3, 5)])
def test_the_compiled_runtime_equals_numpy_for_any_size(
    make_model, make_random_panel, series, horizon
):
    choices = {"head": "student_t", "lags": (3,), "cycles": ("week", "year")}
    compare_runtimes(make_model, make_random_panel, choices, 3, series, horizon)


def compare_runtimes(make_model, make_random_panel, choices, count, series, horizon):
    """Compare values and states of a rollout on both runtimes."""
    panel = make_random_panel(range(5, 5 + 2 * series, 2), missing=0.2, frequency="D")
    model = make_model(panel, **choices)

    ours, compiled = both(model, model.state, horizon, count, *model.config.bounds)

    assert compiled.values.shape == (series * max(count, 1), horizon, 1)
    np.testing.assert_allclose(compiled.values, ours.values, **CLOSE)
    np.testing.assert_allclose(compiled.scaled, ours.scaled, **CLOSE)
    for name, array in ours.after.arrays().items():
        np.testing.assert_allclose(
            compiled.after.arrays()[name], array, **CLOSE, err_msg=f"state: {name}"
        )


@pytest.mark.slow
def test_the_compiled_runtime_equals_numpy_at_any_degrees_of_freedom(make_model, make_random_panel):
    model = make_model(make_random_panel([20, 9, 12]), head="student_t")
    for freedom in (-9.0, 0.0, 30.0, 1e3):
        model.weights["head.bias"][2] = freedom

        values, compiled = (one.values for one in both(model, model.state, 12, 40))

        np.testing.assert_allclose(compiled, values, rtol=1e-5, atol=1e-5 * np.abs(values).max())


@pytest.mark.slow
def test_one_compilation_serves_batches_and_horizons_of_similar_size(make_model, make_random_panel):
    from forecast.inference import loop_xla

    lags = (2, 11)  # of no other test, so that the count begins at zero
    model = make_model(make_random_panel([9] * 36, ids=list(range(36))), lags=lags)
    engine = RolloutEngine(model.config, model.weights, (Bounds(),), runtime="compiled")
    run = loop_xla._compiled(model.config.blueprint)
    assert run.experimental_get_tracing_count() == 0

    for series, horizon in [(33, 9), (34, 12), (36, 16), (35, 10)]:
        engine.run(model.state.take(np.arange(series)), horizon)

    assert run.experimental_get_tracing_count() == 1
    engine.run(model.state, 17)  # the next power of two
    assert run.experimental_get_tracing_count() == 2


@pytest.mark.slow
@pytest.mark.parametrize(("series", "count"), [(1, 0), (3, 2), (4, 0), (5, 2), (11, 0), (11, 2)])
def test_a_batch_cut_into_pieces_gives_the_same(
    monkeypatch, make_model, make_random_panel, series, count
):

    from forecast.inference import loop_xla

    monkeypatch.setattr(loop_xla, "CORES", 3)
    monkeypatch.setattr(loop_xla, "MIN_PIECE", 2)
    model = make_model(make_random_panel(range(5, 5 + series)), head="student_t", lags=(2, 3))

    numpy, pieces = (
        rolled_out(
            RolloutEngine(model.config, model.weights, (Bounds(),), runtime=name),
            model.state,
            6,
            count,
        )
        for name in ("numpy", "compiled")
    )

    np.testing.assert_allclose(pieces.scaled, numpy.scaled, **CLOSE)
    for name, array in numpy.after.arrays().items():
        np.testing.assert_allclose(pieces.after.arrays()[name], array, **CLOSE, err_msg=name)


@pytest.mark.slow
def test_every_core_gets_a_piece_unless_the_pieces_become_small(monkeypatch):
    from forecast.inference import loop_xla

    monkeypatch.setattr(loop_xla, "CORES", 4)
    smallest = loop_xla.MIN_PIECE

    batches = [1, smallest, 2 * smallest - 1, 2 * smallest, 4 * smallest, 9 * smallest]

    assert [loop_xla._pieces(batch) for batch in batches] == [1, 1, 1, 2, 4, 4]


@pytest.mark.slow
def test_the_pieces_of_a_batch_share_one_compilation(monkeypatch, make_model, make_random_panel):
    from forecast.inference import loop_xla

    monkeypatch.setattr(loop_xla, "CORES", 4)
    monkeypatch.setattr(loop_xla, "MIN_PIECE", 2)
    lags = (2, 13)  # of no other test, so that the count begins at zero
    model = make_model(make_random_panel([9] * 11, ids=list(range(11))), lags=lags)

    engine = RolloutEngine(model.config, model.weights, (Bounds(),), runtime="compiled")
    engine.run(model.state, 4)  # 3 + 3 + 3 + 2 rows at once

    assert loop_xla._compiled(model.config.blueprint).experimental_get_tracing_count() == 1


@pytest.mark.slow
def test_other_weights_of_the_same_shapes_need_no_other_compilation(make_model, make_random_panel):
    from forecast.inference import loop_xla

    lags = (2, 12)
    panel = make_random_panel([9])
    models = [make_model(panel, lags=lags, seed=seed) for seed in (0, 1)]

    pairs = [[one.values for one in both(model, model.state, 4)] for model in models]

    assert loop_xla._compiled(models[0].config.blueprint).experimental_get_tracing_count() == 1
    for expected, path in pairs:
        np.testing.assert_allclose(path, expected, **CLOSE)
    assert (pairs[0][1] != pairs[1][1]).all()  # and the weights are not those of the first
