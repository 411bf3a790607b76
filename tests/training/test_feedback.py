"""What each feedback regime feeds the network in training."""

from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.inference.loop import rollout
from forecast.inference.network_rollout import make_step
from forecast.nn import HEADS, NETWORKS
from forecast.nn.step import LoopCarry, ModelStep, StepMemory
from forecast.training.windows import Windows

pytestmark = pytest.mark.slow

NAN = np.nan
CONTEXT, HORIZON = 4, 3
STEPS = CONTEXT + HORIZON


def lesson_for(learner, batch, ratio=1.0, draw=0):
    """What a regime is given for a batch."""
    seen = []
    validated, learner.validation_regime = (
        learner.validation_regime,
        lambda window_batch: (seen.append(window_batch), None),
    )
    learner.ratio.assign(ratio)
    learner.gradient_step.assign(draw)
    learner((batch.values, batch.step_features, batch.resets))
    learner.validation_regime = validated
    return seen[0]


@pytest.fixture
def window_batch(make_random_panel, make_config, make_weights, make_learner):
    """Makes a lesson on six windows of two series, for a network with random weights.

    The same step on NumPy is then `window_batch.cell`.
    """

    def make(ratio=1.0, seed=0, draw=0, missing=0.2, context=CONTEXT, windows=6, **choices):
        panel = make_random_panel([30, 30], seed, missing, frequency="D")
        choices = {"layers": 2, "units": 3, "lags": (2, 5), "cycles": ("week",), **choices}
        config = make_config(panel, context=CONTEXT, horizon=HORIZON, **choices)
        weights = make_weights(config, seed)
        learner = make_learner(config, weights, window_length=STEPS, context=context)
        make.cell = make_step(config, weights)
        known = config.calendar(panel.ordinals)
        data = Windows(panel.target, known, panel.indptr, config.lags, CONTEXT, STEPS)
        series, first = np.arange(windows) % 2, 6 + np.arange(windows) % 15
        return lesson_for(learner, data.gather(series, first), ratio, draw)

    return make


def params_of(outcome):
    return np.asarray(outcome[0])


FED_BACK = [name for name in NETWORKS if NETWORKS[name].FEEDS_BACK]
NOT_TOLD = [name for name in FED_BACK if name != "seasonal"]  # how far ahead a step is


@pytest.mark.parametrize("name", FED_BACK)
def test_true_values_step_by_step_are_teacher_forcing(window_batch, name):
    import tensorflow as tf

    from forecast.training.feedback import teacher_forcing

    one = window_batch(network=name)

    steps, after = one.stepwise(tf.ones_like(one.horizon_values, tf.bool))
    whole, expected = teacher_forcing.parameters(one)

    np.testing.assert_allclose(steps, whole, rtol=1e-5, atol=1e-6)
    for part, array in expected.items():
        np.testing.assert_allclose(after[part], array, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", FED_BACK)
@pytest.mark.parametrize("head", ["point", "student_t"])
def test_free_running_feeds_back_what_the_rollout_engine_does(window_batch, name, head):
    from forecast.training.feedback import free_running

    one = window_batch(network=name, head=head)

    params = params_of(free_running.parameters(one))[:, -HORIZON:]

    values, known = np.asarray(one.values), np.asarray(one.step_features).transpose(1, 0, 2)
    lead = values.shape[1] - STEPS
    memory = StepMemory(values[:, : lead - 1], window_batch.cell.network.initial_state(6))
    for t in range(CONTEXT):
        memory = window_batch.cell.observe(values[:, lead + t - 1], memory, known[t])
    far = np.full((6, 1), 1e9, np.float32)
    step = window_batch.cell.rollout_step(known[CONTEXT:], (-far, far), None)
    path, _ = rollout(step, values[:, lead + CONTEXT - 1], LoopCarry(0, memory), HORIZON)
    centre = HEADS[head].center(np, params)
    np.testing.assert_allclose(centre.transpose(1, 0, 2), path, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", FED_BACK)
@pytest.mark.parametrize("form", ["exact", "parallel"])
@pytest.mark.parametrize("by", ["step", "sequence"])
def test_a_ratio_of_one_is_teacher_forcing(window_batch, name, form, by):
    from forecast.training.feedback import scheduled_sampling, teacher_forcing

    one = window_batch(ratio=1.0, network=name)

    mixed = params_of(getattr(scheduled_sampling, form)(one, by))

    if form == "parallel":
        assert mixed.tobytes() == params_of(teacher_forcing.parameters(one)).tobytes()
    else:
        np.testing.assert_allclose(
            mixed, params_of(teacher_forcing.parameters(one)), rtol=1e-5, atol=1e-6
        )


@pytest.mark.parametrize("context", [0, CONTEXT])
@pytest.mark.parametrize("by", ["step", "sequence"])
def test_a_ratio_of_zero_in_the_exact_form_is_free_running(window_batch, context, by):
    from forecast.training.feedback import free_running, scheduled_sampling

    one = window_batch(ratio=0.0, context=context)

    assert (
        params_of(scheduled_sampling.exact(one, by)).tobytes()
        == params_of(free_running.parameters(one)).tobytes()
    )


@pytest.mark.parametrize("name", NOT_TOLD)
@pytest.mark.parametrize("ratio", [0.0, 0.5])
def test_as_many_passes_as_steps_make_the_parallel_form_exact(window_batch, name, ratio):
    from forecast.training.feedback import scheduled_sampling

    one = window_batch(ratio=ratio, draw=3, network=name)

    exact, parallel = (
        scheduled_sampling.exact(one, "step"),
        scheduled_sampling.parallel(one, "step", HORIZON),
    )

    np.testing.assert_allclose(params_of(parallel), params_of(exact), rtol=1e-4, atol=1e-5)


def test_one_pass_before_mixes_in_what_the_network_says_to_true_values(window_batch):
    import tensorflow as tf

    from forecast.training.feedback import scheduled_sampling, teacher_forcing

    one = window_batch(ratio=0.0, context=0, missing=0.0)

    params = params_of(scheduled_sampling.parallel(one, "step"))

    own = params_of(teacher_forcing.parameters(one))[..., :1]  # of the point head
    mixed = np.concatenate([np.asarray(one.values)[:, :5], own], 1)
    np.testing.assert_array_equal(params, one.fused(tf.constant(mixed), one.run)[0])


@given(ratio=st.floats(0.0, 1.0), seed=st.integers(0, 2**16))
@settings(deadline=None, max_examples=10)
def test_the_share_of_true_values_is_the_ratio(ratio, seed):
    from forecast.training.feedback import scheduled_sampling

    one = SimpleNamespace(
        horizon_values=np.zeros((4000, 5, 2)), seed=[seed, 1], ratio=np.float32(ratio)
    )

    steps, sequences = (
        np.asarray(scheduled_sampling.draw_kept(one, by)) for by in ("step", "sequence")
    )

    assert steps.shape == sequences.shape == (4000, 5, 1)
    assert steps.mean() == pytest.approx(ratio, abs=0.02)
    assert sequences.mean() == pytest.approx(ratio, abs=0.05)
    assert (sequences == sequences[:, :1]).all()
    other = scheduled_sampling.draw_kept(
        SimpleNamespace(horizon_values=one.horizon_values, seed=[seed, 2], ratio=0.5), "step"
    )
    assert not np.array_equal(steps, other)


class Double(NamedTuple):
    """A network without memory whose value is twice the one that it is fed."""

    ENCODES = False

    def initial_state(self, _):
        return {}

    def advance(self, x, state):
        return 2.0 * x[:, :1], state

    def unroll(self, _, x, state):
        return 2.0 * x[..., :1], state


def test_exact_and_parallel_forms_agree_in_expectation_where_it_can_be_worked_out(tensors):
    from forecast.training.feedback import scheduled_sampling
    from forecast.training.window_batch import WindowBatch

    ratio, rows = 0.25, 40_000
    values = np.broadcast_to(np.float32([3.0, 1.0, 5.0])[:, None], (rows, 3, 1))
    one = WindowBatch(
        model_step=ModelStep(tensors, Double(), HEADS["point"], ()),
        run=None,
        run_without_dropout=None,
        values=values,
        step_features=np.empty((rows, 2, 0), np.float32),
        state={},
        context=0,
        window_length=2,
        ratio=np.float32(ratio),
        seed=np.array([5, 7]),
    )

    exact, parallel = (
        params_of(form(one, "step"))
        for form in (scheduled_sampling.exact, scheduled_sampling.parallel)
    )

    # from 3 it says 6; then it is fed the true 1 or its own 6, and says 2 or 12
    for params in (exact, parallel):
        assert (params[:, 0] == 6.0).all()
        assert set(np.unique(params[:, 1])) == {2.0, 12.0}
        expected = ratio * 2.0 + (1 - ratio) * 12.0
        assert params[:, 1].mean() == pytest.approx(expected, abs=0.1)
    np.testing.assert_array_equal(exact, parallel)


def test_a_missing_value_that_is_fed_back_counts_as_observed(tensors):
    from forecast.training.feedback import free_running
    from forecast.training.window_batch import WindowBatch

    class Flag(NamedTuple):
        """A network whose value is 10, or 20 where it is told that the last one was observed."""

        ENCODES = False

        def advance(self, x, state):
            return 10.0 + 10.0 * x[:, 1:2], state

    one = WindowBatch(
        model_step=ModelStep(tensors, Flag(), HEADS["point"], ()),
        run=None,
        run_without_dropout=None,
        values=np.full((1, 4, 1), NAN, np.float32),
        step_features=np.empty((1, 3, 0), np.float32),
        state={},
        context=0,
        window_length=3,
        ratio=0.0,
        seed=np.array([0, 0]),
    )

    assert params_of(free_running.parameters(one)).ravel().tolist() == [10.0, 20.0, 20.0]


@pytest.mark.parametrize("name", FED_BACK)
def test_the_loss_is_back_propagated_through_the_rollout(window_batch, name):
    import tensorflow as tf

    from forecast.training.feedback import free_running

    one = window_batch(network=name, missing=0.0)
    with tf.GradientTape() as tape:
        tape.watch(one.values)
        last = tf.reduce_sum(free_running.parameters(one)[0][:, -1])
    through = np.abs(tape.gradient(last, one.values)).sum(axis=(0, 2))

    lead = one.values.shape[1] - STEPS
    assert through[lead + CONTEXT - 1] > 0  # the last true value, by way of the fed-back ones
    assert not through[lead + CONTEXT :].any()  # no later one is fed
