"""Trainings as a whole: what they keep, when they end, and that they can be repeated."""

import functools
import gc
from itertools import islice

import numpy as np
import pandas as pd
import pytest

from forecast import Forecaster
from forecast.nn import NETWORKS
from forecast.training.windows import SAMPLERS, Windows

pytestmark = pytest.mark.slow


def windows_of(panel, plan, lags=(2,)):
    nothing = np.empty((len(panel.target), 0), np.float32)
    return Windows(panel.target, nothing, panel.indptr, lags, plan.context, plan.window_length)


SMALL = {"units": 4, "steps": 8, "batch_size": 4, "rounds": 4}


@pytest.fixture(scope="module")
def wave(make_panel):
    """A noisy wave of 80 steps."""
    noise = np.random.default_rng(0).normal(0, 0.3, 80)
    return make_panel(10 + 3 * np.sin(np.arange(80) / 3) + noise)


@pytest.fixture(scope="module")
def run(wave, make_config, plan_of):
    """Train on the wave; the outcome, and the validation loss of its weights by NumPy."""
    from forecast.training.fit import fit, validation_batch

    def train(seed=0, budget=1e9, listener=None, network="lstm", **given):
        plan = plan_of(wave, **{**SMALL, **given})
        config = make_config(
            wave,
            **{"network": network, "units": 4, "layers": plan.layers, "lags": (2,)},
            **{"context": plan.context, "horizon": plan.train_horizon},
        )
        windows = windows_of(wave, plan)
        fitted = fit(config, plan, windows, seed, budget, listener)
        batch = validation_batch(windows, wave.lengths - plan.holdout, plan.holdout, seed)
        return fitted, batch and validation_loss(config, fitted.weights, batch)

    return train


@pytest.fixture(scope="module")
def shared(run):
    """The same, but each training once: treat the outcome as read-only."""
    return functools.cache(run)


def validation_loss(config, weights, batch):
    network = NETWORKS["lstm"].of(np, config.blueprint.sizes, weights)
    state, errors = network.initial_state(len(batch.inputs)), []
    for t in range(batch.inputs.shape[1]):
        params, state = network.advance(batch.inputs[:, t], state)
        errors.append(np.abs(params - batch.targets[:, t]))
    return np.nanmean(errors)


def test_a_planned_run_reports_every_round_and_keeps_the_best_weights(shared):
    fitted, loss = shared()

    assert fitted.ended == "planned"
    assert [(r.step, r.steps) for r in fitted.rounds] == [(2, 8), (4, 8), (6, 8), (8, 8)]
    best = min(r.validation_loss for r in fitted.rounds)
    assert loss == pytest.approx(best, rel=1e-5)


@pytest.mark.parametrize("kind", SAMPLERS)
def test_training_brings_the_loss_down(run, kind):
    fitted, _ = run(steps=200, batch_size=8, windows=kind)

    assert fitted.rounds[-1].loss < 0.8 * fitted.rounds[0].loss
    assert fitted.rounds[-1].validation_loss < 0.8 * fitted.rounds[0].validation_loss


def test_a_run_whose_validation_no_longer_improves_ends_early_with_the_best_weights(run):
    fitted, loss = run(steps=400, rounds=200, patience=2, learning_rate=0.3)

    assert fitted.ended == "early"
    losses = [r.validation_loss for r in fitted.rounds]
    assert np.argmin(losses) == len(losses) - 3  # then two rounds without anything better
    assert loss == pytest.approx(min(losses), rel=1e-5)


def test_an_interrupt_keeps_the_best_weights_so_far(run):
    losses = []

    def control_c(progress):
        losses.append(progress.validation_loss)
        if losses[-1] > min(losses):  # the present weights are not the best
            raise KeyboardInterrupt

    fitted, loss = run(steps=400, rounds=200, learning_rate=0.3, listener=control_c)

    assert fitted.ended == "interrupted"
    assert len(losses) == len(fitted.rounds) < 200
    assert loss == pytest.approx(min(losses), rel=1e-5)
    assert loss < losses[-1]


@pytest.mark.usefixtures("eager")
def test_an_interrupt_in_the_first_round_keeps_the_weights_as_they_are(run):
    def control_c(_):
        raise KeyboardInterrupt

    fitted, loss = run(listener=control_c)

    assert (fitted.ended, len(fitted.rounds)) == ("interrupted", 1)
    assert loss == pytest.approx(fitted.rounds[0].validation_loss, rel=1e-5)


@pytest.mark.usefixtures("eager")
def test_an_interrupt_within_the_first_round_keeps_what_was_learned(run, monkeypatch):
    from forecast.training.callbacks import TimeBudget

    def control_c(self, *_, **__):
        if self.decay.step == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(TimeBudget, "on_train_batch_end", control_c)
    fitted, _ = run(rounds=1)
    later, _ = run(rounds=4, holdout=0)
    monkeypatch.undo()
    whole, _ = run(rounds=1)

    assert (fitted.ended, fitted.kept_step) == ("interrupted", 3)
    assert [(r.step, r.validation_loss) for r in fitted.rounds] == [(3, None)]
    assert ([r.step for r in later.rounds], later.kept_step) == ([2, 3], 3)
    kernel = "decoder_0.kernel"
    assert np.isfinite(fitted.weights[kernel]).all()
    assert not np.array_equal(fitted.weights[kernel], whole.weights[kernel])


@pytest.mark.usefixtures("eager")
def test_a_budget_that_is_spent_ends_the_run(run):
    fitted, loss = run(steps=1000, budget=1e-3)

    assert fitted.ended == "budget"
    assert [(c.step, c.before, c.after) for c in fitted.changes] == [(1, 1000, 1)]
    assert [r.step for r in fitted.rounds] == [1]
    assert loss == pytest.approx(fitted.rounds[0].validation_loss, rel=1e-5)


def test_without_a_holdout_there_is_no_validation_and_the_last_weights_stay(run):
    fitted, _ = run(holdout=0)

    assert fitted.ended == "planned"
    assert [r.validation_loss for r in fitted.rounds] == [None] * 4


def test_a_look_at_the_validation_loss_does_not_disturb_the_memory_of_the_lanes(shared):
    often, seldom = (shared(windows="contiguous", rounds=rounds)[0].rounds for rounds in (4, 1))

    assert [len(often), len(seldom)] == [4, 1]
    assert np.mean([r.loss for r in often]) == pytest.approx(seldom[0].loss, rel=1e-5)
    assert often[-1].validation_loss == pytest.approx(seldom[0].validation_loss, rel=1e-5)


def test_the_memory_carried_along_makes_a_difference(run, shared, monkeypatch):
    from forecast.training import fit

    carried, _ = shared(windows="contiguous", rounds=4)
    parts = fit._parts
    monkeypatch.setattr(fit, "_parts", lambda b: parts(b._replace(resets=np.ones_like(b.resets))))
    forgotten, _ = run(windows="contiguous")

    losses = [[r.loss for r in fitted.rounds] for fitted in (carried, forgotten)]
    assert not np.allclose(*losses, rtol=1e-3)


def test_the_clock_makes_no_difference_where_the_budget_suffices(run, monkeypatch):
    from forecast.training import callbacks

    choices = {"steps": 12, "rounds": 3, "train_horizon": 4, "feedback": "teacher>free"}
    on_time, _ = run(**choices)
    limit = callbacks.TimeBudget.on_train_batch_end

    def slow(self, *args, **logs):
        if self.decay.step in (1, 3, 9):  # of twelve
            self.started -= 2000.0
            self.last -= 2000.0
        limit(self, *args, **logs)

    monkeypatch.setattr(callbacks.TimeBudget, "on_train_batch_end", slow)
    late, _ = run(budget=10_000.0, **choices)

    assert (late.ended, late.changes, late.phases) == ("planned", (), ("teacher", "free"))
    for name, array in on_time.weights.items():
        assert array.tobytes() == late.weights[name].tobytes(), name


@pytest.mark.parametrize("kind", SAMPLERS)
@pytest.mark.usefixtures("eager")
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(run, kind):
    choices = {"layers": 2, "dropout": 0.3, "steps": 2, "holdout": 0, "windows": kind}

    (first, _), (again, _), (other, _) = (run(seed, **choices) for seed in (3, 3, 4))

    for name, array in first.weights.items():
        assert array.tobytes() == again.weights[name].tobytes(), name
        assert array.tobytes() != other.weights[name].tobytes(), name
    assert [r.loss for r in first.rounds] == [r.loss for r in again.rounds]


def test_the_batches_are_handed_to_keras_as_they_are_and_none_waits_for_a_tuner(wave, plan_of):
    from forecast.training.fit import batches, stream

    plan = plan_of(wave, **SMALL)
    windows = windows_of(wave, plan)

    def make():
        return batches(windows, wave.lengths, plan, seed=1)

    dataset = stream(make)

    assert dataset.options().autotune.enabled is False
    for _ in range(2):  # it begins anew
        pairs = zip(dataset.as_numpy_iterator(), make(), strict=True)  # both without end
        for (inputs, targets), batch in islice(pairs, 3):
            for one, own in zip(
                inputs, (batch.values, batch.step_features, batch.resets), strict=True
            ):
                np.testing.assert_array_equal(one, own)
            np.testing.assert_array_equal(targets, batch.targets)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(("rows", "share"), [(4_000, 1.0), (6_000, 0.1)])
def test_covariates_begin_at_zero_and_learn_slowly_where_there_are_many_rows(rows, share):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "ds": pd.date_range("2020-01-01", periods=rows, freq="h"),
            "y": rng.normal(size=rows),
            "x": rng.normal(size=rows),
        }
    )
    small = {"units": 2, "layers": 1, "batch_size": 2, "context": 24, "feedback": "teacher"}

    model = Forecaster(known=["x"], target="y", steps=1, **small).fit(table).model_

    row = model.config.inputs - model.config.step_features + model.config.covariates.start
    moved = np.abs(model.weights["decoder_0.kernel"][row])
    rate = model.trained.plan.learning_rate  # the length of the first step of Adam
    assert model.trained.plan.covariate_rate == share
    np.testing.assert_allclose(np.median(moved), share * rate, rtol=0.01)


def test_a_training_leaves_no_graph_behind(run, shared):
    from tensorflow.python.framework.func_graph import FuncGraph

    def graphs():
        gc.collect()
        return sum(isinstance(one, FuncGraph) for one in gc.get_objects())

    shared()
    before = graphs()

    run()

    assert graphs() <= before
