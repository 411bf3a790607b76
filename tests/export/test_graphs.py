import itertools
from dataclasses import replace

import numpy as np
import pytest

from forecast.errors import OptionError
from forecast.export import graphs
from forecast.inference import random_streams
from forecast.inference.bounds import Bounds
from forecast.inference.members import NetworkMember
from forecast.inference.network_rollout import Draws, uniforms_of
from forecast.inference.theta_member import ThetaMember
from forecast.model import Model
from forecast.nn import HEADS, NETWORKS

PATHS = 3
LAYERS = {"layers": 2, "residual": True, "lags": (7,), "cycles": ("week",), "reads": 12}
KINDS = [
    (network, head, ("lstm", "gru")[(i + k) % 2])  # each cell with each network and each head
    for (i, network), (k, head) in itertools.product(enumerate(NETWORKS), enumerate(HEADS))
]
ALL_KINDS = [
    (*kind, score)
    for kind in itertools.product(NETWORKS, HEADS, ("lstm", "gru"))
    for score in (("dot", "additive") if kind[0] == "attention" else ("dot",))
]


@pytest.fixture(scope="module")
def make_case(make_random_panel, make_model):
    """Makes a panel of two targets, with gaps, and a model of it with random weights."""

    def make(network, head, cell="lstm", *, lengths=(30, 20, 25), **choices):
        counts = head == "negative_binomial"
        panel = make_random_panel(lengths, frequency="D", targets=2, missing=0.1)
        if counts:
            panel = replace(panel, target=np.rint(panel.target))
        chosen = {**LAYERS, "power": 1.0 if counts else 0.0, "bounds": Bounds(0.0, 30.0), **choices}
        return panel, make_model(panel, network=network, head=head, cell=cell, **chosen)

    return make


def assert_values(values, expected):
    """Equal to 1e-5 of the size of the values."""
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).mean())


def padded(panel):
    """The rows of each series, the last ones of an array (S, T, D), and the times of all (T, S)."""
    steps = int(panel.lengths.max())
    rows = np.zeros((len(panel.ids), steps, panel.target.shape[1]))  # whatever stands before
    for s, (begin, end) in enumerate(itertools.pairwise(panel.indptr)):
        rows[s, steps - (end - begin) :] = panel.target[begin:end]
    ends = panel.start + (panel.lengths - 1) * panel.frequency.step
    return rows, ends - panel.frequency.step * np.arange(steps)[::-1, None]


def assert_rollouts(onnx, model, state, horizon):
    outputs = onnx.rollout(model, state, horizon)
    expected = model.engine().run(state, horizon)

    assert_values(outputs["forecast"], expected.values)
    onnx.assert_state(outputs, expected.after)


@pytest.mark.parametrize(("network", "head", "cell"), KINDS)
def test_a_rollout_is_that_of_numpy(onnx, make_case, network, head, cell):
    _, model = make_case(network, head, cell)
    graph = onnx.session(graphs.rollout(model, model.state).model)

    for horizon, rows in ((1, [1]), (9, [0, 1, 2])):
        state = model.state.take(np.array(rows))
        given = onnx.arrays(state) | onnx.calendars(model, state.times_after(horizon))
        values = graph.run(["forecast"], {**given, "horizon": np.array(horizon)})[0]
        assert_values(values, model.engine().run(state, horizon).values)


@pytest.mark.slow
@pytest.mark.parametrize(("network", "head", "cell", "score"), ALL_KINDS)
def test_every_graph_of_every_model_is_that_of_numpy(onnx, make_case, network, head, cell, score):
    panel, model = make_case(network, head, cell, score=score)

    assert_rollouts(onnx, model, model.state, 40)
    for check in (assert_observing, assert_encoding, assert_sampling):
        check(onnx, panel, model)


def assert_observing(onnx, panel, model):
    new = np.random.default_rng(1).poisson(9.0, (len(panel.ids), 5, 2)) + 1.0
    new[0, 1, 0] = new[1, 4] = np.nan
    given = {**onnx.arrays(model.state), "rows": new}
    given |= onnx.calendars(model, model.state.times_after(5))

    outputs = onnx.run(graphs.observe(model, model.state), given)

    onnx.assert_state(outputs, model.observe(model.state, new))


def assert_encoding(onnx, panel, model):
    rows, times = padded(panel)
    given = {"rows": rows, "lengths": panel.lengths, "time": times[-1]}
    given |= onnx.calendars(model, times)

    outputs = onnx.run(graphs.encode(model, model.state), given)

    onnx.assert_state(outputs, model.encode(panel))


def assert_sampling(onnx, panel, model):
    graph = graphs.sample(model, model.state)
    head = HEADS[model.config.head]
    assert (graph is not None) == (head.RANDOM and not head.COUNTS)
    if graph is None:
        return
    state, horizon = model.state, 6
    draws = Draws(PATHS, random_streams.branches(state.ids.tolist()))
    uniforms = uniforms_of(state, draws, horizon, panel.target.shape[1], seed=3)
    branches = state.repeat(PATHS)
    given = {**onnx.arrays(branches), "horizon": np.array(horizon)}
    given |= {"uniforms": np.ascontiguousarray(uniforms.transpose(1, 0, 2, 3))}
    given |= onnx.calendars(model, branches.times_after(horizon))

    outputs = onnx.run(graph, given)

    expected = model.engine(seed=3).sample(state, np.full(len(state.ids), horizon), PATHS)
    assert_values(outputs["paths"], expected.values)
    onnx.assert_state(outputs, expected.after)


@pytest.mark.parametrize("check", [assert_observing, assert_encoding, assert_sampling])
@pytest.mark.parametrize("network", ["attention", "seasonal"])
def test_rows_are_observed_encoded_and_drawn_as_by_numpy(onnx, make_case, network, check):
    check(onnx, *make_case(network, "student_t"))


def test_steps_one_by_one_are_the_same_as_a_rollout(onnx, make_case):
    _, model = make_case("repeat", "point", horizon=4)  # a new block after four steps
    outputs, values = onnx.rollout(model, model.state, 1), []
    graph = onnx.session(graphs.rollout(model, model.state).model)
    for step in range(2, 8):
        values.append(outputs["forecast"])
        state = {n.removeprefix("after."): v for n, v in outputs.items() if n.startswith("after.")}
        times = model.state.times_after(step)[-1:]
        given = {**state, **onnx.calendars(model, times), "horizon": np.array(1)}
        names = [one.name for one in graph.get_outputs()]
        outputs = dict(zip(names, graph.run(names, given), strict=True))

    assert_values(np.concatenate(values, 1), model.engine().run(model.state, 6).values)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_values_stay_within_bounds_in_the_units_of_the_data(onnx, make_case, power):
    _, model = make_case("lstm", "normal", power=power, bounds=Bounds(7.2, 7.3))

    forecast = onnx.rollout(model, model.state, 20)["forecast"]

    assert forecast.min() == 7.2
    assert forecast.max() == 7.3


def test_series_that_never_vary_stay_as_they_are(onnx, make_panel, make_model):
    from forecast.data.scaling import UsualSpread

    panel = make_panel([5.0] * 12, [1.0, 2.0] * 6)
    model = make_model(panel, usual_spreads=(UsualSpread(),))
    given = {**onnx.arrays(model.state), "horizon": np.array(3)}

    forecast = onnx.run(graphs.rollout(model, model.state), given)["forecast"]

    assert forecast[0].ravel().tolist() == [5.0] * 3
    assert_values(forecast, model.engine().run(model.state, 3).values)


def test_a_history_is_scaled_by_what_is_usual_where_it_is_short_or_flat(
    onnx, make_panel, make_model
):
    from forecast.data.scaling import UsualSpread

    panel = make_panel([3.0, 4.0], [7.0] * 12, [1.0, np.nan, 9.0, 2.0] * 3, [0.0] * 5)
    model = make_model(panel, usual_spreads=(UsualSpread(2.0, 0.5),), lags=(3,))
    rows, times = padded(panel)
    given = {"rows": rows, "lengths": panel.lengths, "time": times[-1]}

    outputs = onnx.run(graphs.encode(model, model.state), given)

    onnx.assert_state(outputs, model.state, tolerance=1e-6)


@pytest.mark.parametrize("reads", [0, 3, 100])
@pytest.mark.parametrize("alone", [True, False])
def test_a_network_reads_the_rows_of_a_history_that_it_should(onnx, make_case, reads, alone):
    panel, model = make_case("lstm", "point", reads=reads, histories=alone, lags=(2, 5))

    assert_encoding(onnx, panel, model)


def members_of(make_case):
    """A model of three members: two networks with other inputs and scales, and theta."""
    panel, model = make_case("seq2seq", "quantiles", cycles=())
    _, other = make_case("seasonal", "quantiles", cycles=(), direct=True, bounds=Bounds())
    others = (NetworkMember(other.config, other.weights), ThetaMember(7))
    core = (model.config, model.weights, others, (0.5, 0.3, 0.2))
    three = Model(*core, state=model.state)
    return panel, replace(three, state=three.encode(panel))


def test_the_members_of_a_model_are_averaged(onnx, make_case):
    panel, model = members_of(make_case)

    assert_rollouts(onnx, model, model.state, 10)
    assert_observing(onnx, panel, model)
    assert_sampling(onnx, panel, model)
    assert_encoding(onnx, panel, model)


@pytest.mark.parametrize("season", [1, 4, 12])
def test_theta_is_fitted_to_histories_as_by_numpy(onnx, make_panel, make_model, season):
    rng, months = np.random.default_rng(0), np.arange(600)
    seasonal = 20 + 5 * np.sin(np.pi * months / 6) + rng.normal(size=600)
    panel = make_panel(
        seasonal,  # longer than what theta reads
        np.where(rng.random(60) < 0.2, np.nan, seasonal[:60] - 20),
        np.cumsum(rng.random(30)) * 1e-9,
        [7.0] * 9,
        [np.nan, 1e12, np.nan],
    )
    model = make_model(panel)
    model = replace(model, others=(ThetaMember(season),), shares=(0.5, 0.5))

    assert_encoding(onnx, panel, replace(model, state=model.encode(panel)))


def test_a_direct_model_tells_its_quantiles(onnx, make_case):
    _, model = make_case("seasonal", "quantiles", direct=True, bounds=Bounds())
    state = model.state

    quantiles = onnx.rollout(model, state, 1)["quantiles"]

    levels = graphs.levels_of(model)
    expected, _ = model.engine().step_of(state, None, levels)
    assert quantiles.shape == (3, 1, len(levels), 2)
    assert_values(quantiles[:, 0], expected[:, 1:])


def test_what_a_head_takes_from_scipy_is_refused_by_name(make_case):
    _, model = make_case("lstm", "student_t", direct=True)

    with pytest.raises(OptionError, match=r"numpy\.stdtrit .* cannot be exported to ONNX"):
        graphs.rollout(model, model.state)
