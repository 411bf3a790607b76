"""A network in training: its weights in Keras's fused layers, and a regime that feeds it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from forecast.nn import HEADS, NETWORKS
from forecast.nn import tensorflow_namespace as tensors
from forecast.nn.layers import PARTS, NetworkState, layer_state
from forecast.nn.step import Blueprint, ModelStep
from forecast.training.window_batch import Regime, WindowBatch

LAYERS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}  # as CELLS
Tensor = Any


class TrainableNetwork(keras.Model):  # type: ignore[misc]  # Keras has no type hints
    """A network that Keras can fit to windows, under one feedback regime after another.

    The memory of a network can go on from one training batch to the next: row b of a batch is
    lane b, and starts from the memory in which the batch before has left the lane, or from an
    empty one where it begins anew. Gradients end where the batch starts: back-propagation through
    time is truncated (Williams & Peng 1990). Outside training a batch of any size starts from an
    empty memory, and the lanes keep theirs.
    """

    def __init__(
        self,
        blueprint: Blueprint,
        regimes: list[Regime],
        validated: Regime,
        *,
        steps: int,
        warm: int,
        lanes: int = 0,
        dropout: float = 0.0,
        seed: int = 0,
    ) -> None:
        """Make the layers, with initial weights.

        Args:
            blueprint: of the network's step.
            regimes: that training goes through, one after another.
            validated: what is asked for parameters outside training.
            steps: of a window.
            warm: its first steps, which are fed true values in any case.
            lanes: rows of a batch whose memory is carried to the next one; 0 to carry none.
            dropout: share of a layer's inputs that training blanks out, between layers.
            seed: of the initial weights, the dropout and the regimes.
        """
        super().__init__()
        self.blueprint, self.regimes, self.validated = blueprint, regimes, validated
        self.window, self.warm, self.seed = steps, warm, seed
        self.phase, self.draw = (
            self.add_weight((), "zeros", "int32", trainable=False) for _ in range(2)
        )
        self.ratio = self.add_weight((), "ones", trainable=False)
        network, sizes = NETWORKS[blueprint.network], blueprint.sizes
        shapes = network.shapes(sizes)
        names = [name.removesuffix(".recurrent") for name in shapes if name.endswith(".recurrent")]
        self.recurrent = {
            name: self._layer(shapes[f"{name}.kernel"][0], seed + 10 * k)
            for k, name in enumerate(names)
        }
        maps = [name for name in shapes if name.rsplit(".", 1)[0] not in self.recurrent]
        kernels = [name for name in reversed(maps) if len(shapes[name]) > 1]  # the head's first
        self.maps = {name: self.add_weight(shapes[name], "zeros") for name in maps}
        for k, name in enumerate(kernels):
            glorot = keras.initializers.GlorotUniform(seed + 100 * k)
            self.maps[name].assign(glorot(shapes[name]))
        self.blanks = [keras.layers.Dropout(dropout, seed=seed + k) for k in range(sizes.layers)]
        self.lanes = {
            name: self.add_weight(shape, "zeros", trainable=False)
            for name, shape in network.state_shapes(sizes, lanes).items()
            if lanes
        }

    def _layer(self, inputs: int, seed: int) -> Any:
        """A recurrent layer with weights for so many inputs."""
        layer = LAYERS[self.blueprint.sizes.cell](
            self.blueprint.sizes.units,
            return_sequences=True,
            return_state=True,
            kernel_initializer=keras.initializers.GlorotUniform(seed + 1),
            recurrent_initializer=keras.initializers.Orthogonal(seed=seed + 2),
        )
        layer.build((None, None, inputs))
        return layer

    def variables_by_name(self) -> dict[str, Any]:
        """The network's weights, by the names that its step knows: `decoder_0.kernel` …"""
        found = dict(self.maps)
        for name, layer in self.recurrent.items():
            arrays = (layer.cell.kernel, layer.cell.recurrent_kernel, layer.cell.bias)
            found |= zip((f"{name}.{part}" for part in PARTS), arrays, strict=True)
        shapes = NETWORKS[self.blueprint.network].shapes(self.blueprint.sizes)
        return {name: found[name] for name in shapes}

    def export(self) -> dict[str, np.ndarray]:
        """The network's weights as arrays."""
        return {name: part.value.numpy() for name, part in self.variables_by_name().items()}

    def call(self, windows: tuple[Tensor, Tensor, Tensor], training: bool = False) -> Tensor:
        """Raw parameters of the last steps of windows.

        Args:
            windows: values (B, L + T, D), step features (B, T, K), and where the lane begins (B,).
            training: whether the regimes feed the network, or that of the validation.
        """
        values, step_features, begins = windows
        weights = {name: part.value for name, part in self.variables_by_name().items()}
        cell = ModelStep.of(tensors, self.blueprint, weights)
        memory = cell.network.initial_state(tf.shape(values)[0])
        if training and self.lanes:
            memory = {name: _kept(begins, lane.value) for name, lane in self.lanes.items()}
        batch = WindowBatch(
            cell=cell,
            run=partial(self._run, training=training),
            run_plainly=self._run,
            values=values,
            step_features=step_features,
            memory=memory,
            warm=self.warm,
            steps=self.window,
            ratio=self.ratio.value,
            seed=tf.stack([self.seed, self.draw.value]),
        )
        if not training:
            return self.validated(batch)[0]
        params, after = self._by_phase(batch)
        for name, lane in self.lanes.items():
            lane.assign(after[name])
        return params

    def _by_phase(self, batch: WindowBatch) -> tuple[Tensor, NetworkState]:
        if len(self.regimes) == 1:
            return self.regimes[0](batch)
        branches = [partial(regime, batch) for regime in self.regimes]
        params, after = tf.switch_case(tf.identity(self.phase.value), branches)
        return params, after

    def _run(
        self, stack: str, x: Tensor, state: NetworkState, training: bool = False
    ) -> tuple[Tensor, NetworkState]:
        """Many steps of a stack at once, see `nn.layers.Run`."""
        after: NetworkState = {}
        for k in range(self.blueprint.sizes.layers):
            given = self.blanks[k](x, training=training) if k else x
            names = layer_state(self.blueprint.sizes.cell, k)
            layer = self.recurrent[f"{stack}_{k}"]
            output, *memory = layer(given, initial_state=[state[name] for name in names])
            x = output + x if self.blueprint.sizes.residual and k else output
            after |= zip(names, memory, strict=True)
        return x, after


def _kept(begins: Tensor, lane: Tensor) -> Tensor:
    """The memory of lanes (B, U), empty where they begin anew (B,)."""
    return tf.where(begins[:, None], 0.0, lane)


def masked_loss(head: str) -> Callable[[Any, Any], Any]:
    """The mean of a head's loss over the observed targets; a missing target costs nothing.

    Where there are parameters for the last steps only, their targets count.
    """

    def loss(targets: Any, params: Any) -> Any:
        targets = targets[:, tf.shape(targets)[1] - tf.shape(params)[1] :]
        observed = ~tf.math.is_nan(targets)
        known = tf.where(observed, targets, 0.0)
        each = tf.where(observed, HEADS[head].loss(tensors, params, known), 0.0)
        return tf.reduce_sum(each) / tf.maximum(tf.reduce_sum(tf.cast(observed, each.dtype)), 1.0)

    return loss
