"""One step of a model, from the values seen so far to the head's parameters.

The same code runs on NumPy arrays and on tensors; features, network and head meet here only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from forecast import features

Array = Any


class Memory(NamedTuple):
    """All that a step needs besides the last value.

    Attributes:
        recent: the values before the last one that lags reach back to, (B, R, D).
        network: the network's own memory, a NamedTuple of arrays with leading axis B.
    """

    recent: Array
    network: Any


class Carry(NamedTuple):
    """What a rollout carries from step to step."""

    step: Any  # () how many steps of the rollout are done
    memory: Memory


@dataclass(frozen=True)
class Cell:
    """A network and its head behind one function of a step.

    Attributes:
        xp: the array namespace.
        network: answers to initial_state, observe and advance.
        head: gives a value for the network's raw parameters.
        lags: past steps that are inputs.
    """

    xp: Any
    network: Any
    head: Any
    lags: tuple[int, ...]

    def observe(self, value: Array, memory: Memory, calendar: Array) -> tuple[Array, Memory]:
        """A step whose last value is true: (B, D), memory, (B, C) to raw parameters, memory."""
        return self._step(self.network.observe, value, memory, calendar)

    def advance(self, value: Array, memory: Memory, calendar: Array) -> tuple[Array, Memory]:
        """A step of the forecast: (B, D), memory, (B, C) to raw parameters, memory."""
        return self._step(self.network.advance, value, memory, calendar)

    def _step(
        self, network: Callable[..., Any], value: Array, memory: Memory, calendar: Array
    ) -> tuple[Array, Memory]:
        lagged = features.lagged_values(memory.recent, self.lags)
        inputs = features.step_input(self.xp, value, lagged, calendar)
        params, state = network(inputs, memory.network)
        return params, Memory(features.push(self.xp, memory.recent, value), state)

    def rollout_step(
        self, calendar: Array, limits: tuple[Array, Array], uniforms: Array | None
    ) -> Callable[[Array, Carry], tuple[Array, Carry]]:
        """The step that the rollout engine repeats.

        Args:
            calendar: of the steps to come, (H, B, C).
            limits: the least and the greatest scaled value, each (B, D).
            uniforms: for sample paths the randomness of each step, (H, B, D, 2); None feeds
                back the centre of the distribution.
        """

        def step(value: Array, carry: Carry) -> tuple[Array, Carry]:
            params, memory = self.advance(value, carry.memory, calendar[carry.step])
            if uniforms is None:
                value = self.head.center(self.xp, params)
            else:
                value = self.head.sample(self.xp, params, uniforms[carry.step])
            value = self.xp.minimum(self.xp.maximum(value, limits[0]), limits[1])
            return value, Carry(carry.step + 1, memory)

        return step
