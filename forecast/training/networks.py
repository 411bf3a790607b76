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

    Returns:
        A model from the windows, and the hidden and cell memory (B, U) of each layer before them,
        to the head's parameters, and the memory after them.
    """
    inputs = keras.Input((None, config.inputs))
    before = [keras.Input((config.units,)) for _ in range(2 * config.layers)]
    hidden, after = inputs, []
    for layer in range(config.layers):
        if layer and dropout:
            hidden = keras.layers.Dropout(dropout, seed=seed + layer)(hidden)
        hidden, *memory = keras.layers.LSTM(
            config.units,
            return_sequences=True,
            return_state=True,
            kernel_initializer=keras.initializers.GlorotUniform(seed + 10 * layer + 1),
            recurrent_initializer=keras.initializers.Orthogonal(seed=seed + 10 * layer + 2),
            name=f"lstm_{layer}",
        )(hidden, initial_state=before[2 * layer : 2 * layer + 2])
        after += memory
    outputs = keras.layers.Dense(
        config.outputs, kernel_initializer=keras.initializers.GlorotUniform(seed), name="head"
    )(hidden)
    return keras.Model([inputs, *before], [outputs, *after])


KERAS_NETWORKS: dict[str, Callable[[Config, float, int], keras.Model]] = {"lstm": lstm}


def from_empty(network: keras.Model) -> keras.Model:
    """The network from windows (B, T, F) to parameters, with nothing in its memory before them."""
    inputs = keras.Input(network.inputs[0].shape[1:])
    nothing = keras.ops.zeros_like(inputs[:, 0, :1])  # (B, 1)
    memory = [keras.ops.repeat(nothing, part.shape[-1], axis=-1) for part in network.inputs[1:]]
    return keras.Model(inputs, network([inputs, *memory])[0])


class Carried(keras.Model):  # type: ignore[misc]  # Keras has no type hints
    """A network whose memory goes on from one training batch to the next.

    Row b of a training batch is lane b, and starts from the memory in which the batch before has
    left the lane, or from an empty one where it begins anew. Gradients end where the batch starts:
    back-propagation through time is truncated (Williams & Peng 1990). Outside training a batch of
    any size starts from an empty memory, and the lanes keep theirs.
    """

    def __init__(self, network: keras.Model, lanes: int) -> None:
        """Hold the memory of that many lanes for a network such as `lstm` makes."""
        super().__init__()
        self.network = network
        self.from_empty = from_empty(network)
        self.memory = [
            self.add_weight((lanes, *part.shape[1:]), "zeros", trainable=False)
            for part in network.inputs[1:]
        ]

    def call(self, batch: tuple[Any, Any], training: bool = False) -> Any:
        """The parameters for windows (B, T, F) and whether each begins anew (B,)."""
        inputs, begins = batch
        if not training:
            return self.from_empty(inputs)
        before = [tf.where(begins[:, None], 0.0, part) for part in self.memory]
        outputs, *after = self.network([inputs, *before], training=True)
        for part, value in zip(self.memory, after, strict=True):
            part.assign(value)
        return outputs


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
