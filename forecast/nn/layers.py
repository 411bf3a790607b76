"""What networks are put together from: stacks of recurrent layers, and linear maps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NamedTuple, Protocol

import forecast.nn.gru_cell as gru_cell
import forecast.nn.lstm_cell as lstm_cell

Array = Any  # an array of whichever namespace `xp` evaluates the step
NetworkState = dict[str, Array]  # a network's memory by name, each with leading axis B
Shapes = dict[str, tuple[int, ...]]
Run = Callable[[str, Array, NetworkState], tuple[Array, NetworkState]]
"""Many steps of a stack at once: its name, inputs (B, T, F) and the memory before them, to the
outputs (B, T, U) and the memory after them."""

PARTS = ("kernel", "recurrent", "bias")  # of a layer in Keras, and in our files
SCORES = ("dot", "additive")
CELLS: dict[str, ModuleType] = {"lstm": lstm_cell, "gru": gru_cell}


class Network(Protocol):
    """What all networks answer to, so that nobody needs to ask which one it is."""

    ENCODES: bool  # observes in another way than it forecasts
    FEEDS_BACK: bool  # is fed its own values in every step of a forecast; where it is not, its
    # memory has `done` (B, 1): the steps of the forecast that it has made at one go

    @classmethod
    def of(cls, xp: Any, sizes: Sizes, arrays: Mapping[str, Array]) -> Network:
        """The network made of the arrays that `shapes` names."""

    @classmethod
    def shapes(cls, sizes: Sizes) -> Shapes:
        """The shape of each of its arrays, by name."""

    @staticmethod
    def state_shapes(sizes: Sizes, batch: int) -> Shapes:
        """The shape of each array of the memory of `batch` series, which is empty as zeros."""

    def initial_state(self, batch: int) -> NetworkState:
        """The empty memory of `batch` series."""

    def observe(self, x: Array, state: NetworkState) -> NetworkState:
        """The memory after a step (B, inputs) whose value is true."""

    def advance(self, x: Array, state: NetworkState) -> tuple[Array, NetworkState]:
        """A step of the forecast, (B, inputs): raw parameters (B, outputs), and the memory."""

    def absorb(self, run: Run, x: Array, state: NetworkState) -> NetworkState:
        """`observe`, many steps at once: (B, T, inputs)."""

    def unroll(self, run: Run, x: Array, state: NetworkState) -> tuple[Array, NetworkState]:
        """`advance`, many steps at once: (B, T, inputs) to (B, T, outputs), and the memory."""


class Sizes(NamedTuple):
    """What a network has to know about itself besides its weights.

    Attributes:
        inputs, outputs: numbers that a step takes and gives.
        step_features: how many of the inputs, the last ones, are known in advance, K.
        units: of each layer.
        layers: of each stack.
        cell: an entry of CELLS.
        context: steps before the forecast that training shows.
        horizon: steps of the forecast that training asks for.
        score: of attention, an entry of SCORES.
        residual: whether each layer above the first adds what it is given to what it puts out.
    """

    inputs: int
    outputs: int
    step_features: int
    units: int
    layers: int
    cell: str
    context: int
    horizon: int
    score: str = "dot"
    residual: bool = False


def zeros(xp: Any, shapes: Shapes) -> NetworkState:
    """An empty memory."""
    return {name: xp.zeros(shape, "float32") for name, shape in shapes.items()}


@dataclass(frozen=True)
class Stack:
    """Recurrent layers, each fed by the one below, perhaps with residual connections.

    Wu et al. (2016).
    """

    xp: Any
    cell: ModuleType
    layers: tuple[Any, ...]
    names: tuple[tuple[str, ...], ...]  # of each layer's memory
    residual: bool

    @classmethod
    def of(cls, xp: Any, sizes: Sizes, name: str, arrays: Mapping[str, Array]) -> Stack:
        """The stack made of the arrays `name_0.kernel`, `name_0.recurrent`, `name_0.bias` …"""
        cell = CELLS[sizes.cell]
        layers = (
            cell.prepare(xp, *(arrays[f"{name}_{k}.{part}"] for part in PARTS))
            for k in range(sizes.layers)
        )
        names = (layer_state(sizes.cell, k) for k in range(sizes.layers))
        return cls(xp, cell, tuple(layers), tuple(names), sizes.residual)

    @staticmethod
    def shapes(sizes: Sizes, name: str, inputs: int) -> Shapes:
        """The shape of each of the stack's arrays, by name."""
        return {
            f"{name}_{k}.{part}": shape
            for k in range(sizes.layers)
            for part, shape in CELLS[sizes.cell]
            .shapes(sizes.units if k else inputs, sizes.units)
            .items()
        }

    @staticmethod
    def state_shapes(sizes: Sizes, batch: int) -> Shapes:
        """The shape of each array of the stack's memory."""
        shape = (batch, sizes.units)
        return {name: shape for k in range(sizes.layers) for name in layer_state(sizes.cell, k)}

    def step(self, x: Array, state: NetworkState) -> tuple[Array, NetworkState]:
        """One step.

        Args:
            x: (B, inputs).
            state: the memory before the step, each (B, U); other entries are left aside.

        Returns:
            The output (B, U) and the stack's memory after the step.
        """
        after: NetworkState = {}
        for weights, names in zip(self.layers, self.names, strict=True):
            parts = self.cell.step(self.xp, weights, x, tuple(state[name] for name in names))
            x = parts[0] + x if self.residual and after else parts[0]
            after |= zip(names, parts, strict=True)
        return x, after


def layer_state(cell: str, layer: int) -> tuple[str, ...]:
    """What the memory of a layer is called: `hidden_0` …"""
    return tuple(f"{part}_{layer}" for part in CELLS[cell].STATE)


@dataclass(frozen=True)
class Linear:
    """A linear map of the last axis."""

    xp: Any
    kernel: Array  # (inputs, outputs)
    bias: Array  # (outputs,)

    @classmethod
    def of(cls, xp: Any, name: str, arrays: Mapping[str, Array]) -> Linear:
        """The map made of the arrays `name.kernel` and `name.bias`."""
        return cls(xp, arrays[f"{name}.kernel"], arrays[f"{name}.bias"])

    @staticmethod
    def shapes(name: str, inputs: int, outputs: int) -> Shapes:
        """The shape of each of the map's arrays, by name."""
        return {f"{name}.kernel": (inputs, outputs), f"{name}.bias": (outputs,)}

    def __call__(self, x: Array) -> Array:
        """(B, inputs) to (B, outputs), or (B, T, inputs) to (B, T, outputs)."""
        if len(x.shape) > 2:  # as one product: a product for each of B is slower
            return self.xp.tensordot(x, self.kernel, 1) + self.bias
        return x @ self.kernel + self.bias
