"""The decoder-only LSTM: its step as a pure function of (weights, x, state)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

Array = Any  # an array of whichever namespace `xp` evaluates the step
PARTS = ("kernel", "recurrent", "bias")  # of a layer in Keras, and in our files


class LSTMState(NamedTuple):
    """Memory of one layer, each (B, U); or of the whole network, each (B, layers, U)."""

    hidden: Array
    cell: Array


class LSTMWeights(NamedTuple):
    """Weights of one layer, made for one product and one tanh a step; gates i, f, g, o."""

    kernel: Array  # (inputs + U, 4U), of the input and the hidden values behind it
    bias: Array  # (4U,)


class DenseWeights(NamedTuple):
    """Weights of the linear map from the last hidden layer to the head's parameters."""

    kernel: Array  # (U, outputs)
    bias: Array  # (outputs,)


def layer_weights(xp: Any, kernel: Array, recurrent: Array, bias: Array) -> LSTMWeights:
    """Join a layer's weights and halve the columns of the gates that open and close.

    The logistic function is 0.5 + 0.5 tanh(x / 2), so that one tanh serves all four gates, and
    it cannot overflow.

    Args:
        xp: the array namespace.
        kernel: (inputs, 4U), in Keras's order of gates, as are the others.
        recurrent: (U, 4U).
        bias: (4U,).
    """
    u = recurrent.shape[0]
    rows = xp.concatenate([kernel, recurrent, bias[None]], 0)
    i, f, g, o = (rows[:, k * u : (k + 1) * u] for k in range(4))
    rows = xp.concatenate([0.5 * i, 0.5 * f, g, 0.5 * o], 1)
    return LSTMWeights(kernel=rows[:-1], bias=rows[-1])


def lstm_step(xp: Any, weights: LSTMWeights, x: Array, state: LSTMState) -> LSTMState:
    """One step of one layer: Hochreiter & Schmidhuber (1997) with forget gates.

    Args:
        xp: the array namespace.
        weights: the layer's, from `layer_weights`.
        x: (B, inputs).
        state: the layer's memory before the step, each (B, U).

    Returns:
        The layer's memory after the step; its `hidden` is also the layer's output.
    """
    u = state.hidden.shape[1]
    joined = xp.concatenate([x, state.hidden], 1)  # (B, inputs + U)
    gates = xp.tanh(joined @ weights.kernel + weights.bias)  # (B, 4U)
    i, f, g, o = (gates[:, k * u : (k + 1) * u] for k in range(4))
    cell = 0.5 * ((1 + f) * state.cell + (1 + i) * g)
    return LSTMState(hidden=0.5 * (1 + o) * xp.tanh(cell), cell=cell)


def stacked(xp: Any, layers: Sequence[Array]) -> Array:
    """The layers' (B, U) as one (B, layers, U); for one series faster than `stack`."""
    return xp.concatenate([layer[:, None] for layer in layers], 1)


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
            layer_weights(xp, *(arrays[f"lstm_{k}.{part}"] for part in PARTS)) for k in range(count)
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
        shape = (batch, len(self.layers), self.head.kernel.shape[0])
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
        return params, LSTMState(*(stacked(self.xp, part) for part in zip(*after, strict=True)))

    advance = observe  # a decoder-only network forecasts the way it observes
