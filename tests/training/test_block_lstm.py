"""The LSTM layer as one operation, beside Keras's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.slow


@given(
    seed=st.integers(0, 2**16),
    rows=st.integers(1, 4),
    steps=st.integers(1, 6),
    inputs=st.integers(1, 4),
    units=st.integers(1, 5),
    is_masked=st.booleans(),
)
@settings(deadline=None, max_examples=30)
def test_outputs_states_and_gradients_are_those_of_keras(
    seed, rows, steps, inputs, units, is_masked
):
    import keras
    import tensorflow as tf

    from forecast.training.block_lstm import block_lstm

    rng = np.random.default_rng(seed)
    layer = keras.layers.LSTM(units, return_sequences=True, return_state=True)
    layer.build((None, None, inputs))
    for variable in layer.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))
    x = tf.constant(rng.normal(size=(rows, steps, inputs)), tf.float32)
    values = np.zeros((2, rows, units)) if is_masked else rng.normal(size=(2, rows, units))
    state = [tf.constant(part, tf.float32) for part in values]
    begins = rng.integers(0, steps, rows)
    mask = tf.constant(np.arange(steps) >= begins[:, None]) if is_masked else None
    weights = [variable.value for variable in layer.trainable_variables]
    counts = tf.constant(rng.normal(size=(rows, steps, units)), tf.float32)
    if is_masked:  # what a layer gives for steps that do not count is of no use
        counts *= tf.cast(mask, tf.float32)[..., None]

    def results(call):
        with tf.GradientTape() as tape:
            tape.watch([x, *state])
            output, *after = call()
            loss = tf.reduce_sum(output * counts) + sum(map(tf.reduce_sum, after))
        return [output * abs(np.sign(counts)), *after, *tape.gradient(loss, [x, *weights])]

    def operation():
        output, after = block_lstm(x, state, weights, mask)
        return output, *after

    expected = results(lambda: layer(x, initial_state=state, mask=mask))
    for own, known in zip(results(operation), expected, strict=True):
        np.testing.assert_allclose(own, known, rtol=1e-4, atol=1e-5)
