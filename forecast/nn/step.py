"""One step of a model, from the values seen so far to the head's parameters.

The same code runs on NumPy arrays and on tensors; step inputs, network and head meet only here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from forecast.nn import HEADS, NETWORKS, step_inputs
from forecast.nn.layers import Network, NetworkState, Sizes, Stack
from forecast.nn.seasonal import as_observed

Array = Any
SPREAD = (0.1, 0.9)  # probabilities of the quantiles that a rollout gives beside its values


class Blueprint(NamedTuple):
    """Everything that defines a model's step except the weights; hashable.

    Attributes:
        network, head: entries of NETWORKS and HEADS.
        sizes: of the network.
        lags: past steps that are inputs.
        direct: whether the quantiles of a forecast step are those of its value, however many
            steps the forecast has made; so a rollout gives the quantiles at SPREAD too.
    """

    network: str
    head: str
    sizes: Sizes
    lags: tuple[int, ...]
    direct: bool = False


class StepMemory(NamedTuple):
    """What a step needs besides the last value.

    Attributes:
        recent: the values before the last one that lags reach back to, (B, R, D).
        network: the network's own state, arrays by name with leading axis B.
    """

    recent: Array
    network: NetworkState

    def as_observed(self, is_true: Array | float = 1.0) -> StepMemory:
        """The memory in which the value that is fed next counts as true, see `as_observed`."""
        return self._replace(network=as_observed(self.network, is_true))


class LoopCarry(NamedTuple):
    """What a rollout carries from step to step."""

    step: Any  # () number of steps already done
    memory: StepMemory


@dataclass(frozen=True)
class ModelStep:
    """A network and its head behind one step function.

    Attributes:
        xp: the array namespace.
        network: observes and advances.
        head: turns the network's raw parameters into a value.
        lags: past steps that are inputs.
        lag_flags: whether the network takes whether each lagged value was observed.
        direct: see `Blueprint`.
        stack: a stack of recurrent layers by its name, for many steps at once.
    """

    xp: Any
    network: Network
    head: Any
    lags: tuple[Any, ...]
    lag_flags: bool = False
    direct: bool = False
    stack: Callable[[str], Stack] = dict[str, Stack]().__getitem__  # a network may have none

    @classmethod
    def of(cls, xp: Any, blueprint: Blueprint, arrays: Mapping[str, Array]) -> ModelStep:
        """The step of a blueprint with the given weights."""
        kind, sizes, lags = NETWORKS[blueprint.network], blueprint.sizes, blueprint.lags
        network, head = kind.of(xp, sizes, arrays), HEADS[blueprint.head]
        stack = functools.cache(lambda name: Stack.of(xp, sizes, name, arrays))
        return cls(xp, network, head, lags, kind.LAG_FLAGS, blueprint.direct, stack)

    def observe(self, value: Array, memory: StepMemory, step_features: Array) -> StepMemory:
        """The memory after a step whose value was observed.

        Args:
            value: the value before this step, (B, D).
            memory: before this step.
            step_features: of this step, (B, K).
        """
        inputs = self._inputs(value, memory, step_features)
        state = self.network.observe(inputs, memory.network)
        return StepMemory(step_inputs.push(self.xp, memory.recent, value), state)

    def absorb(
        self, value: Array, memory: StepMemory, values: Array, step_features: Array
    ) -> StepMemory:
        """`observe`, many steps at once, on NumPy.

        Args:
            value: the value before the first step, (B, D).
            memory: before the first step.
            values: of the steps, (B, T, D); the last one is the value before the next step.
            step_features: of the steps, (B, T, K).
        """
        steps = values.shape[1]
        if steps == 1:  # nothing to gain: the step alone is faster
            return self.observe(value, memory, step_features[:, 0])
        known = self.xp.concatenate([memory.recent, value[:, None], values], 1)
        inputs = step_inputs.window_input(self.xp, known, step_features, self.lags, self.lag_flags)
        state = self.network.absorb(self._run, inputs, memory.network)
        lead = known.shape[1] - steps
        return StepMemory(step_inputs.memory_at(known, lead, steps)[1], state)

    def _run(self, stack: str, x: Array, state: NetworkState) -> tuple[Array, NetworkState]:
        return self.stack(stack).run(x, state)

    def advance(
        self, value: Array, memory: StepMemory, step_features: Array
    ) -> tuple[Array, StepMemory]:
        """A step of the forecast: parameters for the head, and the memory after it.

        Args:
            value, memory, step_features: see `observe`.
        """
        inputs = self._inputs(value, memory, step_features)
        params, state = self.network.advance(inputs, memory.network)
        params = self.for_head(params, step_features)
        return params, StepMemory(step_inputs.push(self.xp, memory.recent, value), state)

    def for_head(self, params: Array, step_features: Array) -> Array:
        """The head's input: raw parameters and, for counts, the log unit.

        Args:
            params: (..., outputs).
            step_features: of the same steps (..., K); of counts, the log unit comes last.
        """
        if not self.head.COUNTS:
            return params
        d = params.shape[-1] // self.head.PARAMETERS
        log_unit = step_features[..., step_features.shape[-1] - d :]
        return self.xp.concatenate([params, log_unit], -1)

    def _inputs(self, value: Array, memory: StepMemory, step_features: Array) -> Array:
        lagged = step_inputs.lagged_values(self.xp, memory.recent, value, self.lags)
        return step_inputs.step_input(self.xp, value, lagged, step_features, self.lag_flags)

    def rollout_step(
        self, step_features: Array, limits: tuple[Array, Array], uniforms: Array | None
    ) -> Callable[[Array, LoopCarry], tuple[Array, LoopCarry]]:
        """The step that the rollout engine repeats.

        Args:
            step_features: of the forecast horizon, (H, B, K).
            limits: the smallest and the largest scaled value, each (B, D).
            uniforms: for sample paths the random numbers of each step, (H, B, D, 2); None feeds
                back the centre of the distribution.

        Returns:
            The step: from what it is fed (B, D), and what it carries, to the next value (B, D). A
            direct model's centre is followed by the head's parameters, which the next step ignores
            and `with_spread` takes.
        """

        def step(fed: Array, carry: LoopCarry) -> tuple[Array, LoopCarry]:
            d = carry.memory.recent.shape[-1]
            params, memory = self.advance(fed[..., :d], carry.memory, step_features[carry.step])
            if uniforms is None:
                value = self.head.center(self.xp, params)
            else:
                value = self.head.sample(self.xp, params, uniforms[carry.step])
                memory = memory.as_observed()
            value = self.xp.minimum(self.xp.maximum(value, limits[0]), limits[1])
            if self.direct and uniforms is None:
                value = self.xp.concatenate([value, params], -1)
            return value, LoopCarry(carry.step + 1, memory)

        return step

    def with_spread(self, path: Array, levels: tuple[float, ...] = SPREAD) -> Array:
        """The steps of a direct model's centre, each followed by its quantiles.

        Args:
            path: what `rollout_step` has returned at each step, (H, B, .).
            levels: of the Q quantiles, by default SPREAD.

        Returns:
            (H, B, (1 + Q) D).
        """
        d = path.shape[-1] // (1 + self.head.PARAMETERS)
        ends = [self.head.quantile(self.xp, path[..., d:], level) for level in levels]
        return self.xp.concatenate([path[..., :d], *ends], -1)
