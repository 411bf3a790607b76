"""The decoder-only LSTM: its step as a pure function of (weights, x, state)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

Array = Any  # an array of whichever namespace `xp` evaluates the step


class LSTMState(NamedTuple):
    """Memory of one layer, each (B, U); or of the whole network, each (B, layers, U)."""

    hidden: Array
    cell: Array


class LSTMWeights(NamedTuple):
    """Weights of one layer in Keras's layout, gates in the order i, f, g, o."""

    kernel: Array  # (inputs, 4U)
    recurrent: Array  # (U, 4U)
    bias: Array  # (4U,)


class DenseWeights(NamedTuple):
    """Weights of the linear map from the last hidden layer to the head's parameters."""

    kernel: Array  # (U, outputs)
    bias: Array  # (outputs,)


def sigmoid(xp: Any, x: Array) -> Array:
    """The logistic function through tanh, which cannot overflow."""
    return 0.5 * xp.tanh(0.5 * x) + 0.5


def lstm_step(xp: Any, weights: LSTMWeights, x: Array, state: LSTMState) -> LSTMState:
    """One step of one layer: Hochreiter & Schmidhuber (1997) with forget gates.

    Args:
        xp: the array namespace.
        weights: the layer's weights.
        x: (B, inputs).
        state: the layer's memory before the step, each (B, U).

    Returns:
        The layer's memory after the step; its `hidden` is also the layer's output.
    """
    u = weights.recurrent.shape[0]
    gates = x @ weights.kernel + state.hidden @ weights.recurrent + weights.bias  # (B, 4U)
    i, f, g, o = (gates[:, k * u : (k + 1) * u] for k in range(4))
    cell = sigmoid(xp, f) * state.cell + sigmoid(xp, i) * xp.tanh(g)
    return LSTMState(hidden=sigmoid(xp, o) * xp.tanh(cell), cell=cell)


@dataclass(frozen=True)
class LSTM:
    """Stacked LSTM layers and a linear read-out, on the contract that all networks share.

    Attributes:
        xp: the array namespace that evaluates the step.
        layers: the weights of each layer, from the input up.
        head: the weights of the read-out.
    """

    xp: Any
    layers: tuple[LSTMWeights, ...]
    head: DenseWeights

    State = LSTMState

    @classmethod
    def of(cls, xp: Any, arrays: Mapping[str, Array]) -> LSTM:
        """The network made of named arrays: `lstm_0.kernel` …, `head.kernel`, `head.bias`."""
        count = sum(name.endswith(".recurrent") for name in arrays)
        layers = tuple(
            LSTMWeights(*(arrays[f"lstm_{k}.{part}"] for part in LSTMWeights._fields))
            for k in range(count)
        )
        return cls(xp, layers, DenseWeights(arrays["head.kernel"], arrays["head.bias"]))

    @staticmethod
    def shapes(inputs: int, units: int, layers: int, outputs: int) -> dict[str, tuple[int, ...]]:
        """The shape of each of the named arrays."""
        shapes: dict[str, tuple[int, ...]] = {}
        for k in range(layers):
            shapes[f"lstm_{k}.kernel"] = (units if k else inputs, 4 * units)
            shapes[f"lstm_{k}.recurrent"] = (units, 4 * units)
            shapes[f"lstm_{k}.bias"] = (4 * units,)
        return {**shapes, "head.kernel": (units, outputs), "head.bias": (outputs,)}

    @staticmethod
    def state_shapes(batch: int, units: int, layers: int) -> dict[str, tuple[int, ...]]:
        """The shape of each array of the memory of `batch` series."""
        return dict.fromkeys(LSTMState._fields, (batch, layers, units))

    def initial_state(self, batch: int) -> LSTMState:
        """The empty memory of `batch` series, each (B, layers, U)."""
        shape = (batch, len(self.layers), self.layers[0].recurrent.shape[0])
        zeros = self.xp.zeros(shape, "float32")
        return LSTMState(hidden=zeros, cell=zeros)

    def observe(self, x: Array, state: LSTMState) -> tuple[Array, LSTMState]:
        """Consume one step.

        Args:
            x: (B, inputs).
            state: the memory before the step, each (B, layers, U).

        Returns:
            The head's raw parameters (B, outputs) and the memory after the step.
        """
        after = []
        for k, weights in enumerate(self.layers):
            layer = lstm_step(self.xp, weights, x, LSTMState(*(part[:, k] for part in state)))
            after.append(layer)
            x = layer.hidden
        params = x @ self.head.kernel + self.head.bias
        return params, LSTMState(*(self.xp.stack(part, 1) for part in zip(*after, strict=True)))

    advance = observe  # a decoder-only network forecasts the way it observes
