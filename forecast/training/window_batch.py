"""A batch of windows as a feedback regime sees it, and the two ways through it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from forecast.nn import step_inputs
from forecast.nn import tensorflow_namespace as tensors
from forecast.nn.layers import NetworkState, Run
from forecast.nn.step import ModelStep, StepMemory

Tensor = Any


Regime = Callable[["WindowBatch"], tuple[Tensor, NetworkState]]
"""From a batch of windows to the raw parameters of their last steps, and the memory after them."""


@dataclass(frozen=True)
class WindowBatch:
    """B windows of T steps, the first of them fed with true values under every regime.

    Attributes:
        cell: the step of the network in training.
        run: its recurrent layers, many steps at once.
        run_plainly: the same without dropout.
        values: scaled (B, L + T, D), see `step_inputs.window_input`.
        step_features: of the steps (B, T, K).
        memory: of the network before the windows.
        warm: how many steps are fed true values, W; T - W others are left to the regime.
        steps: T.
        ratio: share of true values that the regime is to feed now, ().
        seed: of what is drawn for this batch, (2,).
    """

    cell: ModelStep
    run: Run
    run_plainly: Run
    values: Tensor
    step_features: Tensor
    memory: NetworkState
    warm: int
    steps: int
    ratio: Tensor
    seed: Tensor

    @property
    def asked(self) -> Tensor:
        """The values that the steps after the first W are to predict, (B, T - W, D)."""
        return self.values[:, step_inputs.lead(self.cell.lags) + self.warm :]

    def fused(self, values: Tensor, run: Run) -> tuple[Tensor, NetworkState]:
        """Feed the given values in one pass of the fused layers.

        Args:
            values: as `self.values`.
            run: the layers, with dropout or without.

        Returns:
            Raw parameters of all T steps, or of the last T - W where an encoder takes the first
            ones; and the memory after the windows.
        """
        network = self.cell.network
        inputs = step_inputs.window_input(tensors, values, self.step_features, self.cell.lags)
        if network.ENCODES:
            memory = network.absorb(run, inputs[:, : self.warm], self.memory)
            inputs, step_features = inputs[:, self.warm :], self.step_features[:, self.warm :]
        else:
            memory, step_features = self.memory, self.step_features
        params, memory = network.unroll(run, inputs, memory)
        return self.cell.for_head(params, step_features), memory

    def stepwise(self, keep: Tensor) -> tuple[Tensor, NetworkState]:
        """Feed true values for W steps, then step by step true or own ones, as a rollout does.

        Args:
            keep: where a value that is fed after that is the true one, bool (B, T - W, 1).

        Returns:
            As `fused`.
        """
        params, state = self._warmed_up()
        value, recent = step_inputs.memory_at(self.values, self.cell.lags, self.warm)
        memory, asked = StepMemory(recent, state), self.asked
        path = tf.TensorArray(tf.float32, size=self.steps - self.warm)

        def body(t: Tensor, value: Tensor, memory: StepMemory, path: Any) -> tuple[Any, ...]:
            params, memory = self.cell.advance(value, memory, self.step_features[:, self.warm + t])
            own = self.cell.head.center(tensors, params)
            value = tf.ensure_shape(tf.where(keep[:, t], asked[:, t], own), value.shape)
            return t + 1, value, memory, path.write(t, params)

        _, _, memory, path = tf.while_loop(
            lambda t, *_: t < self.steps - self.warm,
            body,
            (tf.constant(0), value, memory, path),
        )
        later = tf.transpose(path.stack(), (1, 0, 2))
        params = later if params is None else tf.concat([params, later], 1)
        return params, memory.network

    def _warmed_up(self) -> tuple[Tensor | None, NetworkState]:
        """Parameters of the first W steps, None where they have none, and the memory after."""
        if not self.warm:
            return None, self.memory
        network, before = self.cell.network, step_inputs.lead(self.cell.lags)
        inputs = step_inputs.window_input(
            tensors,
            self.values[:, : before + self.warm],
            self.step_features[:, : self.warm],
            self.cell.lags,
        )
        if network.ENCODES:
            return None, network.absorb(self.run, inputs, self.memory)
        params, memory = network.unroll(self.run, inputs, self.memory)
        return self.cell.for_head(params, self.step_features[:, : self.warm]), memory
