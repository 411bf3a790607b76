"""A network in training: its weights in Keras's fused layers, and the regimes that feed it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from forecast.nn import HEADS, NETWORKS, step_inputs
from forecast.nn import tensorflow_namespace as tensors
from forecast.nn.layers import LAYER_WEIGHTS, NetworkState, layer_state
from forecast.nn.step import Blueprint, ModelStep
from forecast.training import block_lstm
from forecast.training.window_batch import RegimeFunction, WindowBatch

LAYERS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}  # as CELLS
Tensor = Any


class ModelInputs(NamedTuple):
    """What the Keras model is given for a batch of windows, see `training.windows.Batch`."""

    values: Tensor  # (B, L + T, D)
    step_features: Tensor  # (B, T, K)
    resets: Tensor  # (B,) bool


class RaggedInputs(NamedTuple):
    """The same for windows whose histories begin at different steps."""

    values: Tensor  # (B, L + T, D)
    step_features: Tensor  # (B, T, K)
    begins: Tensor  # (B,) the first step of each history; those before are no part of it


class VariedInputs(NamedTuple):
    """The same for windows whose context and lags vary from batch to batch."""

    values: Tensor  # (B, L + T, D)
    step_features: Tensor  # (B, T, K)
    resets: Tensor  # (B,) bool
    context: Tensor  # ()
    lags: Tensor  # (number of lags,)


Inputs = ModelInputs | RaggedInputs | VariedInputs


class TrainableNetwork(keras.Model):  # type: ignore[misc]  # Keras has no type hints
    """A network that Keras can fit to windows, under one feedback regime after another.

    The state of a network can be carried from one training batch to the next: row b of a batch is
    lane b, and starts from the state in which the previous batch left the lane, or from zeros
    where the lane is reset. Gradients end where the batch starts: back-propagation through time is
    truncated (Williams & Peng 1990). Outside training a batch of any size starts from a state of
    zeros, and the lanes keep theirs.
    """

    def __init__(
        self,
        blueprint: Blueprint,
        regimes: list[RegimeFunction],
        validation_regime: RegimeFunction,
        *,
        window_length: int,
        context: int,
        lanes: int = 0,
        dropout: float = 0.0,
        covariates: range = range(0),
        seed: int = 0,
    ) -> None:
        """Make the layers, with initial weights.

        Args:
            blueprint: of the network's step.
            regimes: one for each feedback phase of the training.
            validation_regime: computes the parameters outside training.
            window_length: steps of a window.
            context: its first steps, which are fed true values under every regime.
            lanes: rows of a batch whose state is carried to the next one; 0 to carry none.
            dropout: share of a layer's inputs that is dropped in training, between layers.
            covariates: which of the step features come from covariates; the rows of kernels that
                take them begin at zero, the other weights as those of a network without them.
            seed: of the initial weights, the dropout and the regimes.
        """
        super().__init__()
        self.blueprint, self.regimes, self.validation_regime = blueprint, regimes, validation_regime
        self.window_length, self.context, self.seed = window_length, context, seed
        self.phase, self.gradient_step = (
            self.add_weight((), "zeros", "int32", trainable=False) for _ in range(2)
        )
        self.ratio = self.add_weight((), "ones", trainable=False)
        network, sizes = NETWORKS[blueprint.network], blueprint.sizes
        self.is_block = sizes.cell == "lstm" and block_lstm.is_faster()
        shapes = network.shapes(sizes)
        names = [name.removesuffix(".recurrent") for name in shapes if name.endswith(".recurrent")]
        zero_rows = {
            name: range(first + covariates.start, first + covariates.stop)
            for name, first in network.feature_rows(sizes).items()
        }
        self.recurrent = {
            name: self._recurrent_layer(
                shapes[kernel][0], seed + 10 * k, zero_rows.get(kernel, range(0))
            )
            for k, name in enumerate(names)
            for kernel in [f"{name}.kernel"]
        }
        dense_names = [name for name in shapes if name.rsplit(".", 1)[0] not in self.recurrent]
        self.dense = {name: self.add_weight(shapes[name], "zeros") for name in dense_names}
        kernels = [name for name in reversed(dense_names) if len(shapes[name]) > 1]  # head first
        for k, name in enumerate(kernels):
            glorot = keras.initializers.GlorotUniform(seed + 100 * k)
            self.dense[name].assign(glorot(shapes[name]))
        self.dropouts = [keras.layers.Dropout(dropout, seed=seed + k) for k in range(sizes.layers)]
        self.lanes = {
            name: self.add_weight(shape, "zeros", trainable=False)
            for name, shape in network.state_shapes(sizes, lanes).items()
            if lanes
        }

    def _recurrent_layer(self, inputs: int, seed: int, zero_rows: range) -> Any:
        """A recurrent layer with weights for the given number of inputs."""
        layer = LAYERS[self.blueprint.sizes.cell](
            self.blueprint.sizes.units,
            return_sequences=True,
            return_state=True,
            kernel_initializer=_with_zeros(keras.initializers.GlorotUniform(seed + 1), zero_rows),
            recurrent_initializer=keras.initializers.Orthogonal(seed=seed + 2),
        )
        layer.build((None, None, inputs))
        return layer

    def variables_by_name(self) -> dict[str, Any]:
        """The network's weights, by the names that its step uses: `decoder_0.kernel` …"""
        variables = dict(self.dense)
        for name, layer in self.recurrent.items():
            arrays = (layer.cell.kernel, layer.cell.recurrent_kernel, layer.cell.bias)
            variables |= zip((f"{name}.{part}" for part in LAYER_WEIGHTS), arrays, strict=True)
        shapes = NETWORKS[self.blueprint.network].shapes(self.blueprint.sizes)
        return {name: variables[name] for name in shapes}

    def export(self) -> dict[str, np.ndarray]:
        """The network's weights as arrays."""
        return {name: variable.value.numpy() for name, variable in self.variables_by_name().items()}

    def assign(self, weights: dict[str, np.ndarray]) -> None:
        """Set the network's weights."""
        for name, variable in self.variables_by_name().items():
            variable.assign(weights[name])

    def call(self, inputs: Inputs, training: bool = False) -> Tensor:
        """The head's parameters of the last steps of windows.

        Args:
            inputs: the windows.
            training: whether the active regime feeds the network, or that of the validation.
        """
        values, step_features, *more = inputs
        context, window_length, blueprint = self.context, self.window_length, self.blueprint
        begins = more.pop() if isinstance(inputs, RaggedInputs) else None
        if isinstance(inputs, VariedInputs):
            context, lags = more[1:]
            window_length = step_inputs.length(tensors, step_features)
            blueprint = blueprint._replace(lags=tuple(tf.unstack(lags, len(blueprint.lags))))
        weights = {name: variable.value for name, variable in self.variables_by_name().items()}
        model_step = ModelStep.of(tensors, blueprint, weights)
        state = model_step.network.initial_state(tf.shape(values)[0])
        if training and self.lanes:
            state = {name: _reset(lane.value, more[0]) for name, lane in self.lanes.items()}
        batch = WindowBatch(
            model_step=model_step,
            run=partial(self._run, begins=begins, training=training),
            run_without_dropout=partial(self._run, begins=begins),
            values=values,
            step_features=step_features,
            state=state,
            context=context,
            window_length=window_length,
            ratio=self.ratio.value,
            seed=tf.stack([self.seed, self.gradient_step.value]),
        )
        if not training:
            return self.validation_regime(batch)[0]
        params, after = self._run_active_regime(batch)
        for name, lane in self.lanes.items():
            lane.assign(after[name])
        return params

    def _run_active_regime(self, batch: WindowBatch) -> tuple[Tensor, NetworkState]:
        if len(self.regimes) == 1:
            return self.regimes[0](batch)
        branches = [partial(regime, batch) for regime in self.regimes]
        params, after = tf.switch_case(tf.identity(self.phase.value), branches)
        return params, after

    def _run(
        self,
        stack: str,
        x: Tensor,
        state: NetworkState,
        begins: Tensor | None = None,
        training: bool = False,
    ) -> tuple[Tensor, NetworkState]:
        """Many steps of a stack at once, see `nn.layers.Run`.

        TensorFlow runs the block operation of a layer on one core: so two halves of the rows run
        side by side.
        """
        mask = None if begins is None else tf.range(tf.shape(x)[1]) >= begins[:, None]
        rows = x.shape[0] or 1  # known in training
        if not self.is_block or rows < 2:
            return self._run_rows(stack, x, state, mask, training)
        parts = [
            self._run_rows(
                stack,
                x[half],
                {name: array[half] for name, array in state.items()},
                None if mask is None else mask[half],
                training,
            )
            for half in (slice(rows // 2), slice(rows // 2, None))
        ]
        (first, state_after), (second, other) = parts
        after = {name: tf.concat([state_after[name], other[name]], 0) for name in state_after}
        return tf.concat([first, second], 0), after

    def _run_rows(
        self, stack: str, x: Tensor, state: NetworkState, mask: Tensor | None, training: bool
    ) -> tuple[Tensor, NetworkState]:
        """The same, one layer after the other."""
        after: NetworkState = {}
        for k in range(self.blueprint.sizes.layers):
            inputs = self.dropouts[k](x, training=training) if k else x
            names = layer_state(self.blueprint.sizes.cell, k)
            layer, before = self.recurrent[f"{stack}_{k}"], [state[name] for name in names]
            if self.is_block:
                weights = [variable.value for variable in layer.trainable_variables]
                output, arrays = block_lstm.block_lstm(inputs, before, weights, mask)
            else:
                output, *arrays = layer(inputs, initial_state=before, mask=mask)
            x = output + x if self.blueprint.sizes.residual and k else output
            after |= zip(names, arrays, strict=True)
        return x, after


def _with_zeros(initializer: Any, rows: range) -> Callable[..., Tensor]:
    """Initial weights (inputs, outputs): zeros in some rows, the others as if alone."""

    def initial(shape: tuple[int, int], dtype: Any = None) -> Tensor:
        inputs, outputs = shape
        drawn = initializer((inputs - len(rows), outputs), dtype)
        zeros = tf.zeros((len(rows), outputs), drawn.dtype)
        return tf.concat([drawn[: rows.start], zeros, drawn[rows.start :]], 0)

    return initial


def _reset(lane: Tensor, resets: Tensor) -> Tensor:
    """The state of lanes (B, U), zeros where they are reset (B,)."""
    return tf.where(resets[:, None], 0.0, lane)


def masked_loss(head: str) -> Callable[[Any, Any], Any]:
    """The mean of a head's loss over the observed targets; a missing target costs nothing.

    Where there are parameters for the last steps only, only their targets count.
    """

    def loss(targets: Any, params: Any) -> Any:
        targets = targets[:, tf.shape(targets)[1] - tf.shape(params)[1] :]
        is_observed = ~tf.math.is_nan(targets)
        filled = tf.where(is_observed, targets, 0.0)
        losses = tf.where(is_observed, HEADS[head].loss(tensors, params, filled), 0.0)
        count = tf.reduce_sum(tf.cast(is_observed, losses.dtype))
        return tf.reduce_sum(losses) / tf.maximum(count, 1.0)

    return loss


def weighted_loss(head: str) -> Callable[[Any, Any], Any]:
    """The loss of a head at each step (B, T), averaged over targets; Keras weighs it.

    A missing target costs nothing.
    """

    def loss(targets: Any, params: Any) -> Any:
        is_observed = ~tf.math.is_nan(targets)
        filled = tf.where(is_observed, targets, 0.0)
        losses = tf.where(is_observed, HEADS[head].loss(tensors, params, filled), 0.0)
        return tf.reduce_mean(losses, axis=-1)

    return loss
