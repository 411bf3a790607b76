"""One step of a model, from the values seen so far to the head's parameters.

The same code runs on NumPy arrays and on tensors; features, network and head meet here only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from forecast.nn import HEADS, NETWORKS, step_inputs
from forecast.nn.layers import Network, Sizes

Array = Any


class Blueprint(NamedTuple):
    """All that a cell is made of besides the weights; it can be hashed.

    Attributes:
        network, head: entries of NETWORKS and HEADS.
        sizes: of the network.
        lags: past steps that are inputs.
    """

    network: str
    head: str
    sizes: Sizes
    lags: tuple[int, ...]


class StepMemory(NamedTuple):
    """All that a step needs besides the last value.

    Attributes:
        recent: the values before the last one that lags reach back to, (B, R, D).
        network: the network's own memory, arrays by name with leading axis B.
    """

    recent: Array
    network: dict[str, Array]


class LoopCarry(NamedTuple):
    """What a rollout carries from step to step."""

    step: Any  # () how many steps of the rollout are done
    memory: StepMemory


@dataclass(frozen=True)
class ModelStep:
    """A network and its head behind one function of a step.

    Attributes:
        xp: the array namespace.
        network: answers to observe and advance.
        head: gives a value for the network's raw parameters.
        lags: past steps that are inputs.
    """

    xp: Any
    network: Network
    head: Any
    lags: tuple[int, ...]

    @classmethod
    def of(cls, xp: Any, blueprint: Blueprint, arrays: Mapping[str, Array]) -> ModelStep:
        """The cell with the given weights."""
        network = NETWORKS[blueprint.network].of(xp, blueprint.sizes, arrays)
        return cls(xp, network, HEADS[blueprint.head], blueprint.lags)

    def observe(self, value: Array, memory: StepMemory, known: Array) -> StepMemory:
        """A step whose value is true: (B, D), memory, and what is known (B, K), to memory."""
        state = self.network.observe(self._inputs(value, memory, known), memory.network)
        return StepMemory(step_inputs.push(self.xp, memory.recent, value), state)

    def advance(self, value: Array, memory: StepMemory, known: Array) -> tuple[Array, StepMemory]:
        """A step of the forecast: the same, to raw parameters and memory."""
        inputs = self._inputs(value, memory, known)
        params, state = self.network.advance(inputs, memory.network)
        params = self.for_head(params, known)
        return params, StepMemory(step_inputs.push(self.xp, memory.recent, value), state)

    def for_head(self, params: Array, known: Array) -> Array:
        """What the head is given: raw parameters, and of counts the unit, which is known last.

        Args:
            params: (..., outputs).
            known: of the same steps (..., K).
        """
        if not self.head.COUNTS:
            return params
        d = params.shape[-1] // self.head.PARAMETERS
        return self.xp.concatenate([params, known[..., known.shape[-1] - d :]], -1)

    def _inputs(self, value: Array, memory: StepMemory, known: Array) -> Array:
        lagged = step_inputs.lagged_values(memory.recent, self.lags)
        return step_inputs.step_input(self.xp, value, lagged, known)

    def rollout_step(
        self, known: Array, limits: tuple[Array, Array], uniforms: Array | None
    ) -> Callable[[Array, LoopCarry], tuple[Array, LoopCarry]]:
        """The step that the rollout engine repeats.

        Args:
            known: what is known of the steps to come, (H, B, K).
            limits: the least and the greatest scaled value, each (B, D).
            uniforms: for sample paths the randomness of each step, (H, B, D, 2); None feeds
                back the centre of the distribution.
        """

        def step(value: Array, carry: LoopCarry) -> tuple[Array, LoopCarry]:
            params, memory = self.advance(value, carry.memory, known[carry.step])
            if uniforms is None:
                value = self.head.center(self.xp, params)
            else:
                value = self.head.sample(self.xp, params, uniforms[carry.step])
            value = self.xp.minimum(self.xp.maximum(value, limits[0]), limits[1])
            return value, LoopCarry(carry.step + 1, memory)

        return step
