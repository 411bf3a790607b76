"""Sums of gradients whose order does not depend on threads."""

from contextlib import suppress

import numpy as np
import pytest

from forecast.nn import HEADS

pytestmark = pytest.mark.slow


def gradient_of(loss):
    """A compiled function: the gradient of a loss, by its argument."""
    import tensorflow as tf

    @tf.function
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = loss(x)
        return tape.gradient(value, x)

    return gradient


def terms_of_sums(function, *args):
    """How many terms each AddN of a traced function has, those of inner functions included."""
    graph = function.get_concrete_function(*args).graph.as_graph_def()
    nodes = [*graph.node, *(node for inner in graph.library.function for node in inner.node_def)]
    return [node.attr["N"].i for node in nodes if node.op == "AddN"]


def example_of(head):
    """Parameters and targets of 32 windows of 60 steps, and the loss of a head."""
    import tensorflow as tf

    from forecast.training.keras_model import masked_loss

    rng = np.random.default_rng(0)
    width = HEADS[head].PARAMETERS + HEADS[head].COUNTS
    params = tf.constant(rng.normal(size=(32, 60, width)), tf.float32)
    targets = tf.constant(rng.poisson(3.0, (32, 60, 1)), tf.float32)
    loss = masked_loss(head)
    return params, lambda params: loss(targets, params)


def test_gradients_are_added_two_at_a_time_within_loops_too():
    import tensorflow as tf

    from forecast.training.ordered_sums import ordered_sums

    def loss(x):
        def step(k, y):
            return k + 1, tf.sin(y) * y + tf.cos(y) * x + tf.exp(y)

        _, end = tf.while_loop(lambda k, _: k < 3, step, (tf.constant(0), x))
        return tf.reduce_sum(end * x + end * tf.sin(x) + tf.exp(-x) * tf.sin(end))

    x = tf.constant([0.1, 0.2])
    plain = gradient_of(loss)
    assert max(terms_of_sums(plain, x)) > 2  # or else there is nothing to put in order

    with ordered_sums():
        ordered = gradient_of(loss)
        assert max(terms_of_sums(ordered, x)) == 2
        np.testing.assert_allclose(ordered(x), plain(x), rtol=1e-5)


@pytest.mark.parametrize("head", HEADS)
def test_the_gradient_of_each_head_is_the_same_each_time(head):
    from forecast.training.ordered_sums import ordered_sums

    params, loss = example_of(head)
    with ordered_sums():
        gradient = gradient_of(loss)
        results = {gradient(params).numpy().tobytes() for _ in range(300)}

    assert len(results) == 1


def test_afterwards_tensorflow_is_as_it_was():
    import tensorflow as tf
    from tensorflow.python.ops import gen_math_ops

    from forecast.training.ordered_sums import REWRITES, ordered_sums

    add = gen_math_ops.add_n
    with suppress(KeyboardInterrupt), ordered_sums():
        assert gen_math_ops.add_n is not add
        assert tf.config.optimizer.get_experimental_options()[REWRITES] is False
        raise KeyboardInterrupt

    assert gen_math_ops.add_n is add
    assert tf.config.optimizer.get_experimental_options()[REWRITES] is True
