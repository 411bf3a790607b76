"""Training on a stream of batches that differ in seasons, lengths and numbers of series."""

from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file

from forecast.inference.network_rollout import make_step
from forecast.nn import seasonal, step_inputs
from forecast.nn.heads import quantiles
from forecast.nn.step import StepMemory
from forecast.pretrained.generated_windows import windows_of
from forecast.pretrained.pretraining import Stage, pretraining_config, pretraining_plan

pytestmark = pytest.mark.slow

KINDS = [((1, 0), 4, 2), ((4, 0), 7, 3), ((3, 6), 8, 2), ((12, 0), 5, 2)]  # seasons, rows, steps


def batch_of(number):
    """A batch of a few series, from its number alone; each kind follows the one before it."""
    from forecast.training.keras_model import VariedInputs
    from forecast.training.stream_fit import WeightedBatch

    seasons, rows, horizon = KINDS[number % len(KINDS)]
    rng = np.random.default_rng(number)
    drawn = rng.gamma(4.0, 2.5, (3 + number % 2, rows + horizon))
    drawn[0, rng.integers(1, rows)] = np.nan
    windows = windows_of(drawn, rows, seasons, rng)
    inputs = VariedInputs(
        windows.values,
        windows.step_features,
        np.ones(len(drawn), bool),
        np.int32(windows.context),
        np.array(windows.lags, np.int32),
    )
    return WeightedBatch(inputs, windows.targets, windows.weights)


def batches(first):
    """Batches without end, from a number on."""
    while True:
        yield batch_of(first)
        first += 1


@pytest.fixture(scope="module")
def config():
    return pretraining_config(units=3, layers=1, cell="lstm")


@pytest.fixture(scope="module")
def plan(config):
    """Six steps in three rounds."""
    return replace(pretraining_plan(config, Stage(6, 0.01)), rounds=3)


@pytest.mark.usefixtures("eager")
def test_a_run_that_was_stopped_goes_on_to_the_same_weights(config, plan, tmp_path):
    from forecast.training.stream_fit import fit_stream

    firsts = []

    def noted(first):
        firsts.append(first)
        return batches(first)

    def stop(progress):
        if progress.step == 4:
            raise KeyboardInterrupt

    rounds, progress = [], []
    whole = fit_stream(config, plan, batches, tmp_path / "whole", 5, rounds.append)
    with pytest.raises(KeyboardInterrupt):
        fit_stream(config, plan, noted, tmp_path / "kept", 5, stop)
    weights = fit_stream(config, plan, noted, tmp_path / "kept", 5, progress.append)
    finished = fit_stream(config, plan, noted, tmp_path / "kept", 5, progress.append)

    assert firsts[:2] == [0, 2]  # the round that was cut short is made again
    assert [one.step for one in rounds] == [2, 4, 6]
    assert [(one.step, one.loss) for one in progress] == [
        (one.step, one.loss) for one in rounds[1:]
    ]
    for name, array in whole.items():
        assert weights[name].tobytes() == array.tobytes(), name
        assert finished[name].tobytes() == array.tobytes(), name


@pytest.mark.usefixtures("eager")
def test_a_run_begins_with_the_weights_and_the_optimizer_of_another(config, plan, tmp_path):
    """Without learning, and with a constant rate, two runs are one of as many steps."""
    from forecast.training.stream_fit import fit_stream

    still = replace(plan, learning_rate=0.0, steps=2, rounds=1)
    first, second = tmp_path / "first", tmp_path / "second"

    weights = fit_stream(config, plan, batches, first, 5)
    kept = fit_stream(config, still, batches, second, 6, start=first)

    for name, array in weights.items():
        assert kept[name].tobytes() == array.tobytes(), name
    before, after = load_file(first), load_file(second)
    assert (before.pop("steps")[0], after.pop("steps")[0]) == (6, 2)
    numbers = [int(after[key]) - int(part) for key, part in before.items() if part.shape == ()]
    assert sorted(numbers) == [0, 2]  # the optimizer goes on counting its steps


def test_batches_of_other_lags_and_lengths_need_no_other_graph(config, plan, tmp_path, monkeypatch):
    from forecast.training.keras_model import TrainableNetwork
    from forecast.training.stream_fit import fit_stream

    traced = []
    call = TrainableNetwork.call

    def counted(self, inputs, training=False):
        traced.append(training)
        return call(self, inputs, training)

    monkeypatch.setattr(TrainableNetwork, "call", counted)

    fit_stream(config, plan, batches, tmp_path / "kept", 5)

    assert len(traced) <= 2  # once by Keras, once for the graph; there are four kinds of batches


@pytest.mark.usefixtures("eager")
def test_the_seed_is_that_of_the_first_weights_and_the_read_out_begins_small(
    config, plan, tmp_path
):
    from forecast.training.fit import make_network
    from forecast.training.stream_fit import CALM_START, fit_stream

    still = replace(plan, learning_rate=0.0, steps=1, rounds=1)

    weights = fit_stream(config, still, batches, tmp_path / "kept", 5)

    initial = make_network(config, still, 5).export()
    for name, array in weights.items():
        factor = CALM_START if name == "head.kernel" else 1.0
        np.testing.assert_allclose(array, factor * initial[name], rtol=1e-6)


@pytest.mark.usefixtures("eager")
def test_the_loss_of_a_round_is_the_weighted_mean_of_those_of_its_steps(config, plan, tmp_path):
    """Without learning, the loss is that of the NumPy step with the same weights."""
    from forecast.training.stream_fit import fit_stream

    progress, still = [], replace(plan, learning_rate=0.0, steps=4, rounds=4)

    weights = fit_stream(config, still, batches, tmp_path / "kept", 5, progress.append)

    for number, one in enumerate(progress):
        batch = batch_of(number)
        params = free_running(config, weights, batch, KINDS[number % len(KINDS)])
        losses = quantiles.loss(np, params, batch.targets)[..., 0]
        expected = (losses * batch.weights).sum() / batch.weights.size
        assert one.loss == pytest.approx(expected, rel=1e-4)


def free_running(config, weights, batch, kind):
    """Parameters of each step (B, T, 11): of the history's, fed with true values, then fed back."""
    seasons, rows, horizon = kind
    values, features = batch.inputs.values, batch.inputs.step_features
    own = replace(config, seasons=seasons, lags=seasonal.lags(seasons))
    step = make_step(own, weights)
    lead = step_inputs.lead(own.lags)
    empty = np.full((len(values), lead - 1, 1), np.nan, np.float32)
    memory, found = StepMemory(empty, step.network.initial_state(len(values))), []
    for t in range(rows + horizon):
        value = values[:, lead - 1 + t] if t <= rows else quantiles.center(np, found[-1])
        params, memory = step.advance(value, memory, features[:, t])
        memory = memory.as_observed() if t < rows else memory
        found.append(params)
    return np.stack(found, axis=1)


# Windows whose context and lags vary


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind[0][0]}-{kind[0][1]}")
@pytest.mark.parametrize("regime", ["teacher", "free"])
def test_varied_windows_have_the_parameters_of_the_numpy_step(
    config, make_weights, make_learner, kind, regime
):
    from forecast.training.feedback import free_running as free
    from forecast.training.feedback import teacher_forcing

    weights = make_weights(config, size=0.3)
    regimes = {"teacher": teacher_forcing.parameters, "free": free.parameters}
    learner = make_learner(config, weights, [regimes[regime]], validation_regime=regimes[regime])
    batch = batch_of(KINDS.index(kind))

    found = learner(batch.inputs).numpy()

    expected = free_running(config, weights, batch, kind)
    if regime == "teacher":
        seasons, rows, horizon = kind
        all_true = (seasons, rows + horizon, 0)
        expected = free_running(config, weights, batch, all_true)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
