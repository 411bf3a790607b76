"""The Keras models of the networks, which train whole teacher-forced windows in one pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from forecast.config import Config
from forecast.network import HEADS, tensors


def lstm(config: Config, dropout: float, seed: int) -> keras.Model:
    """Stacked LSTM layers and the read-out of the head, for windows (B, T, F) of any B and T.

    Args:
        config: sizes and head.
        dropout: share of a layer's inputs that training blanks out, between layers.
        seed: of the initial weights and the dropout.
    """
    inputs = keras.Input((None, config.inputs))
    hidden = inputs
    for layer in range(config.layers):
        if layer and dropout:
            hidden = keras.layers.Dropout(dropout, seed=seed + layer)(hidden)
        hidden = keras.layers.LSTM(
            config.units,
            return_sequences=True,
            kernel_initializer=keras.initializers.GlorotUniform(seed + 10 * layer + 1),
            recurrent_initializer=keras.initializers.Orthogonal(seed=seed + 10 * layer + 2),
            name=f"lstm_{layer}",
        )(hidden)
    outputs = keras.layers.Dense(
        config.outputs, kernel_initializer=keras.initializers.GlorotUniform(seed), name="head"
    )(hidden)
    return keras.Model(inputs, outputs)


KERAS_NETWORKS: dict[str, Callable[[Config, float, int], keras.Model]] = {"lstm": lstm}


def export(model: keras.Model) -> dict[str, np.ndarray]:
    """The weights by the names that the network's step knows: `lstm_0.kernel` … `head.bias`."""
    arrays = {}
    for variable in model.trainable_variables:  # a path reads lstm_0/lstm_cell/recurrent_kernel
        layer, *_, part = variable.path.split("/")
        arrays[f"{layer}.{part.removesuffix('_kernel')}"] = variable.value.numpy()
    return arrays


def masked_loss(head: str) -> Callable[[Any, Any], Any]:
    """The mean of a head's loss over the observed targets; a missing target costs nothing."""

    def loss(targets: Any, params: Any) -> Any:
        observed = ~tf.math.is_nan(targets)
        known = tf.where(observed, targets, 0.0)
        each = tf.where(observed, HEADS[head].loss(tensors, params, known), 0.0)
        return tf.reduce_sum(each) / tf.maximum(tf.reduce_sum(tf.cast(observed, each.dtype)), 1.0)

    return loss
