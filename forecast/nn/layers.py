"""Building blocks of networks: stacks of recurrent layers, and linear maps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NamedTuple, Protocol

import forecast.nn.gru_cell as gru_cell
import forecast.nn.lstm_cell as lstm_cell

Array = Any  # an array of whichever namespace `xp` evaluates the step
NetworkState = dict[str, Array]  # a network's state by name, each with leading axis B
Shapes = dict[str, tuple[int, ...]]
Run = Callable[[str, Array, NetworkState], tuple[Array, NetworkState]]
"""Runs many steps of a stack at once: from its name, inputs (B, T, F) and the state before them to
the outputs (B, T, U) and the state after them."""

LAYER_WEIGHTS = ("kernel", "recurrent", "bias")  # of a layer, in Keras and in our files
SCORES = ("dot", "additive")
CELLS: dict[str, ModuleType] = {"lstm": lstm_cell, "gru": gru_cell}


class Network(Protocol):
    """The contract of all networks, so that no caller needs to know which one it has."""

    LAG_FLAGS: bool  # takes whether each lagged value was observed
    ENCODES: bool  # observes with other weights than it forecasts with
    FEEDS_BACK: bool  # takes its own values as inputs in every step of a forecast; otherwise its
    # state has `done` (B, 1): the steps made of the present block of a forecast

    @classmethod
    def of(cls, xp: Any, sizes: Sizes, arrays: Mapping[str, Array]) -> Network:
        """Build the network from the arrays that `shapes` names."""

    @classmethod
    def shapes(cls, sizes: Sizes) -> Shapes:
        """The shape of each of its arrays, by name."""

    @classmethod
    def feature_rows(cls, sizes: Sizes) -> dict[str, int]:
        """The row of the first step feature in each kernel that takes them, by name."""

    @staticmethod
    def state_shapes(sizes: Sizes, batch_size: int) -> Shapes:
        """The shape of each state array of `batch_size` series; the initial state is zeros."""

    def initial_state(self, batch_size: int) -> NetworkState:
        """The initial state of `batch_size` series."""

    def observe(self, x: Array, state: NetworkState) -> NetworkState:
        """The state after an observed step, (B, inputs)."""

    def advance(self, x: Array, state: NetworkState) -> tuple[Array, NetworkState]:
        """A step of the forecast, (B, inputs): raw parameters (B, outputs), and the state."""

    def absorb(self, run: Run, x: Array, state: NetworkState) -> NetworkState:
        """`observe`, many steps at once: (B, T, inputs)."""

    def unroll(self, run: Run, x: Array, state: NetworkState) -> tuple[Array, NetworkState]:
        """`advance`, many steps at once, whose values are all given.

        From (B, T, inputs) to (B, T, outputs), and the state.
        """


class Sizes(NamedTuple):
    """Sizes and options that define a network besides its weights.

    Attributes:
        inputs, outputs: numbers that a step takes and returns.
        step_features: how many of the inputs, the last ones, are known in advance, K.
        units: of each layer.
        layers: of each stack.
        cell: an entry of CELLS.
        context: observed steps at the start of a training window.
        horizon: forecast steps of a training window.
        score: of attention, an entry of SCORES.
        residual: whether each layer above the first adds its input to its output.
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
    """A state of zeros."""
    return {name: xp.zeros(shape, "float32") for name, shape in shapes.items()}


@dataclass(frozen=True)
class Stack:
    """Recurrent layers, each fed by the one below, optionally with residual connections.

    Residual connections as in Wu et al. (2016).
    """

    xp: Any
    cell: ModuleType
    layers: tuple[Any, ...]
    names: tuple[tuple[str, ...], ...]  # of each layer's state arrays
    residual: bool

    @classmethod
    def of(cls, xp: Any, sizes: Sizes, name: str, arrays: Mapping[str, Array]) -> Stack:
        """Build the stack from the arrays `name_0.kernel`, `name_0.recurrent`, `name_0.bias` …"""
        cell = CELLS[sizes.cell]
        layers = (
            cell.prepare(xp, *(arrays[f"{name}_{k}.{part}"] for part in LAYER_WEIGHTS))
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
    def state_shapes(sizes: Sizes, batch_size: int) -> Shapes:
        """The shape of each of the stack's state arrays."""
        shape = (batch_size, sizes.units)
        return {name: shape for k in range(sizes.layers) for name in layer_state(sizes.cell, k)}

    def step(self, x: Array, state: NetworkState) -> tuple[Array, NetworkState]:
        """One step.

        Args:
            x: (B, inputs).
            state: before the step, each (B, U); other entries are ignored.

        Returns:
            The output (B, U) and the stack's state after the step.
        """
        after: NetworkState = {}
        for weights, names in zip(self.layers, self.names, strict=True):
            parts = self.cell.step(self.xp, weights, x, tuple(state[name] for name in names))
            x = parts[0] + x if self.residual and after else parts[0]
            after |= zip(names, parts, strict=True)
        return x, after

    def run(self, x: Array, state: NetworkState) -> tuple[Array, NetworkState]:
        """Many steps at once, on NumPy: a `Run` but for the name.

        The inputs of a layer are known before its first step, so one product takes them all.

        Args:
            x: (B, T, inputs).
            state: before the first step, each (B, U); other entries are ignored.

        Returns:
            The outputs (B, T, U) and the stack's state after the last step.
        """
        after: NetworkState = {}
        x = x.swapaxes(0, 1)  # (T, B, inputs): each step lies in one stretch of memory
        for weights, names in zip(self.layers, self.names, strict=True):
            parts = tuple(state[name] for name in names)
            projected = self.cell.project(weights, x.reshape(-1, x.shape[2]))
            projected = projected.reshape(*x.shape[:2], -1)
            outputs = self.xp.empty((*x.shape[:2], parts[0].shape[1]), x.dtype)
            for t, of_step in enumerate(projected):
                parts = self.cell.recur(self.xp, weights, of_step, parts)
                outputs[t] = parts[0]
            x = outputs + x if self.residual and after else outputs
            after |= zip(names, parts, strict=True)
        return x.swapaxes(0, 1), after


def layer_state(cell: str, layer: int) -> tuple[str, ...]:
    """The names of a layer's state arrays: `hidden_0` …"""
    return tuple(f"{part}_{layer}" for part in CELLS[cell].STATE)


@dataclass(frozen=True)
class Linear:
    """A linear map of the last axis."""

    xp: Any
    kernel: Array  # (inputs, outputs)
    bias: Array  # (outputs,)

    @classmethod
    def of(cls, xp: Any, name: str, arrays: Mapping[str, Array]) -> Linear:
        """Build the map from the arrays `name.kernel` and `name.bias`."""
        return cls(xp, arrays[f"{name}.kernel"], arrays[f"{name}.bias"])

    @staticmethod
    def shapes(name: str, inputs: int, outputs: int) -> Shapes:
        """The shape of each of the map's arrays, by name."""
        return {f"{name}.kernel": (inputs, outputs), f"{name}.bias": (outputs,)}

    def __call__(self, x: Array) -> Array:
        """(B, inputs) to (B, outputs), or (B, T, inputs) to (B, T, outputs)."""
        if len(x.shape) > 2:  # one product: a product per row of B is slower
            return self.xp.tensordot(x, self.kernel, 1) + self.bias
        return x @ self.kernel + self.bias
