"""One fused pass has the loss and gradients of a loop over steps and of growing prefixes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.nn import NETWORKS
from forecast.nn.layers import CELLS
from forecast.nn.step import ModelStep, StepMemory
from forecast.training.windows import Windows

pytestmark = pytest.mark.slow

CONTEXT, HORIZON = 4, 3
STEPS = CONTEXT + HORIZON


def window_of(panel, config, first):
    """A window of seven steps of a one-series panel, as a batch."""
    known = config.calendar(panel.ordinals)
    windows = Windows(panel.target, known, panel.indptr, config.lags, CONTEXT, STEPS)
    return windows.gather(np.array([0]), np.array([first]))


def with_gradients(learner, compute):
    """The loss, and its gradients by the names of the weights."""
    import tensorflow as tf

    variables = {name: part.value for name, part in learner.variables_by_name().items()}
    with tf.GradientTape() as tape:
        value = compute()
    gradients = tape.gradient(value, list(variables.values()))
    named = zip(variables, gradients, strict=True)
    return {"loss": value.numpy(), **{name: g.numpy() for name, g in named}}


def fused(learner, loss, batch):
    return with_gradients(
        learner,
        lambda: loss(batch.targets, learner((batch.values, batch.step_features, batch.resets))),
    )


def by_prefixes(learner, loss, batch, first):
    """[a] -> b, then [a, b] -> c, and so on, each from an empty memory; from a step on."""
    import tensorflow as tf

    lead = batch.values.shape[1] - STEPS

    def compute():
        ends = range(first + 1, STEPS + 1)
        cut = [(batch.values[:, : lead + end], batch.step_features[:, :end]) for end in ends]
        last = [learner((*window, batch.resets))[:, -1] for window in cut]
        return loss(batch.targets, tf.stack(last, 1))

    return with_gradients(learner, compute)


def by_steps(learner, loss, batch, first, tensors):
    """A loop over the steps of a cell that carries its memory; parameters from a step on."""
    import tensorflow as tf

    lead = batch.values.shape[1] - STEPS

    def compute():
        weights = {name: part.value for name, part in learner.variables_by_name().items()}
        cell = ModelStep.of(tensors, learner.blueprint, weights)
        memory = StepMemory(batch.values[:, : lead - 1], cell.network.initial_state(1))
        outputs = []
        for t in range(STEPS):
            value, known = batch.values[:, lead + t - 1], batch.step_features[:, t]
            if t < first:
                memory = cell.observe(value, memory, known)
            else:
                params, memory = cell.advance(value, memory, known)
                memory = memory.as_observed()
                outputs.append(params)
        return loss(batch.targets, tf.stack(outputs, 1))

    return with_gradients(learner, compute)


def assert_same_gradients(found, expected):
    assert found.keys() == expected.keys()
    largest = max(np.abs(array).max() for array in expected.values())
    assert largest > 0
    for name, array in expected.items():  # the signs of absolute errors may cancel in a bias
        np.testing.assert_allclose(found[name], array, rtol=1e-5, atol=1e-5 * largest, err_msg=name)


@pytest.mark.parametrize(
    ("name", "cell", "head"),
    [
        (name, cell, ("point", "student_t")[(n + c) % 2])  # both heads for each of both
        for n, name in enumerate(NETWORKS)
        for c, cell in enumerate(CELLS)
    ],
)
@given(
    seed=st.integers(0, 2**16),
    first=st.sampled_from([0, 1, 4, 9]),
    missing=st.sampled_from([0.0, 0.3]),
    residual=st.booleans(),
)
@settings(deadline=None, max_examples=2)
def test_loop_equals_one_shot_in_loss_and_gradients_step_by_step_and_by_growing_prefixes(
    make_random_panel,
    make_config,
    make_weights,
    make_learner,
    tensors,
    name,
    cell,
    head,
    seed,
    first,
    missing,
    residual,
):
    from forecast.training.keras_model import masked_loss

    panel = make_random_panel([16], seed, missing, frequency="D")
    panel.target[first : first + 2] = [[3.0], [5.0]]  # the context always has a scale
    panel.target[first + CONTEXT] = 4.0  # and there is a target in any case
    config = make_config(
        panel,
        **{"network": name, "cell": cell, "head": head, "layers": 2, "units": 3},
        **{"lags": (2, 5), "cycles": ("week",), "context": CONTEXT, "horizon": HORIZON},
        residual=residual,
    )
    learner, loss = make_learner(config, make_weights(config, seed)), masked_loss(head)
    batch = window_of(panel, config, first)
    asked = CONTEXT if NETWORKS[name].ENCODES else 0

    whole = fused(learner, loss, batch)

    assert_same_gradients(by_prefixes(learner, loss, batch, asked), whole)
    assert_same_gradients(by_steps(learner, loss, batch, asked, tensors), whole)
