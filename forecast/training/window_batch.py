"""A batch of windows as a feedback regime sees it, and the two ways through it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import tensorflow as tf

from forecast.nn import step_inputs
from forecast.nn import tensorflow_namespace as tensors
from forecast.nn.layers import NetworkState, Run
from forecast.nn.step import ModelStep, StepMemory

Tensor = Any


RegimeFunction = Callable[["WindowBatch"], tuple[Tensor, NetworkState]]
"""From a batch of windows to the head's parameters of their last steps, and the final state."""


class LoopState(NamedTuple):
    """What the loop over the steps of a window carries along."""

    step: Tensor  # () index after the context
    value: Tensor  # (B, D) fed to the next step
    memory: StepMemory
    params: Any  # TensorArray of the head's parameters of each step


@dataclass(frozen=True)
class WindowBatch:
    """B windows of T steps: C of context, fed with observed values, then a horizon of H.

    Attributes:
        model_step: the step of the network in training.
        run: its recurrent layers, many steps at once.
        run_without_dropout: the same without dropout.
        values: scaled (B, L + T, D), see `step_inputs.window_input`.
        step_features: of the steps (B, T, K).
        state: of the network before the windows.
        context: steps fed with true values under every regime, C; a number or a scalar tensor.
        window_length: T, likewise; the regime decides what is fed in the last T - C = H steps.
        ratio: share of true values that the regime feeds now, ().
        seed: of the random draws for this batch, (2,).
    """

    model_step: ModelStep
    run: Run
    run_without_dropout: Run
    values: Tensor
    step_features: Tensor
    state: NetworkState
    context: Any
    window_length: Any
    ratio: Tensor
    seed: Tensor

    @property
    def lead(self) -> Any:
        """Values before the first target, L."""
        steps = step_inputs.length(tensors, self.step_features)
        return step_inputs.length(tensors, self.values) - steps

    @property
    def horizon(self) -> Any:
        """Steps after the context, H."""
        return self.window_length - self.context

    @property
    def horizon_values(self) -> Tensor:
        """The true values of the steps after the context, (B, H, D)."""
        return self.values[:, self.lead + self.context :]

    def fused(self, values: Tensor, run: Run) -> tuple[Tensor, NetworkState]:
        """Feed the given values in one pass of the fused layers.

        "Fused": Keras runs all T steps of a layer in one operation, so every value that is fed
        has to be there before the pass. The network's own outputs cannot be fed back.

        Args:
            values: as `self.values`.
            run: the layers, with dropout or without.

        Returns:
            The head's parameters of all T steps, or of the last H for a network with an encoder,
            which reads the context; and the state after the windows.
        """
        network = self.model_step.network
        inputs = self._inputs(values, self.step_features)
        if network.ENCODES:
            state = network.absorb(run, inputs[:, : self.context], self.state)
            inputs = inputs[:, self.context :]
            step_features = self.step_features[:, self.context :]
        else:
            state, step_features = self.state, self.step_features
        params, state = network.unroll(run, inputs, state)
        return self.model_step.for_head(params, step_features), state

    def stepwise(self, keep: Tensor) -> tuple[Tensor, NetworkState]:
        """Feed the context in one pass, then go step by step, as a rollout does.

        Each step after the context runs `ModelStep.advance` once; the next step is fed this
        step's true value or the centre of the distribution that this step has predicted.

        Args:
            keep: whether the true value of a step is fed to the next, bool (B, H, 1).

        Returns:
            As `fused`.
        """
        params, state = self._after_context()
        value, recent = step_inputs.memory_at(self.values, self.lead, self.context)
        true_values = self.horizon_values

        def advance(loop: LoopState) -> tuple[LoopState]:
            t = loop.step
            params, memory = self.model_step.advance(
                loop.value, loop.memory, self.step_features[:, self.context + t]
            )
            own = self.model_step.head.center(tensors, params)
            value = tf.where(keep[:, t], true_values[:, t], own)
            value = tf.ensure_shape(value, loop.value.shape)
            memory = memory.as_observed(tf.cast(keep[:, t], tf.float32))
            return (LoopState(t + 1, value, memory, loop.params.write(t, params)),)

        start = LoopState(
            tf.constant(0),
            value,
            StepMemory(recent, state),
            tf.TensorArray(tf.float32, size=self.horizon),
        )
        (end,) = tf.while_loop(lambda loop: loop.step < self.horizon, advance, (start,))
        later = tf.transpose(end.params.stack(), (1, 0, 2))
        params = later if params is None else tf.concat([params, later], 1)
        return params, end.memory.network

    def _after_context(self) -> tuple[Tensor | None, NetworkState]:
        """Parameters of the context's steps, None where there are none, and the state after it."""
        if isinstance(self.context, int) and not self.context:
            return None, self.state
        network = self.model_step.network
        step_features = self.step_features[:, : self.context]
        inputs = self._inputs(self.values[:, : self.lead + self.context], step_features)
        if network.ENCODES:
            return None, network.absorb(self.run, inputs, self.state)
        params, state = network.unroll(self.run, inputs, self.state)
        return self.model_step.for_head(params, step_features), state

    def _inputs(self, values: Tensor, step_features: Tensor) -> Tensor:
        """The inputs (B, T, F) of steps fed with the given values."""
        lags, flags = self.model_step.lags, self.model_step.lag_flags
        return step_inputs.window_input(tensors, values, step_features, lags, flags)
