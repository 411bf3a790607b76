"""The LSTM cell: Hochreiter & Schmidhuber (1997) with forget gates (Gers et al. 2000)."""

from __future__ import annotations

from typing import Any, NamedTuple

Array = Any  # an array of whichever namespace `xp` evaluates the step
STATE = ("hidden", "cell")  # what one layer remembers, each (B, U); the first is its output


class Weights(NamedTuple):
    """Weights of one layer, made for one product and one tanh a step; gates i, f, g, o."""

    kernel: Array  # (inputs + U, 4U), of the input and the hidden values behind it
    bias: Array  # (4U,)


def shapes(inputs: int, units: int) -> dict[str, tuple[int, ...]]:
    """The shape of each array of a layer, as Keras has them and our files."""
    return {
        "kernel": (inputs, 4 * units),
        "recurrent": (units, 4 * units),
        "bias": (4 * units,),
    }


def prepare(xp: Any, kernel: Array, recurrent: Array, bias: Array) -> Weights:
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
    return Weights(kernel=rows[:-1], bias=rows[-1])


def step(xp: Any, weights: Weights, x: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
    """One step of one layer.

    Args:
        xp: the array namespace.
        weights: the layer's, from `prepare`.
        x: (B, inputs).
        state: the layer's hidden values and cell before the step, each (B, U).

    Returns:
        The same after the step.
    """
    hidden, cell = state
    u = hidden.shape[1]
    joined = xp.concatenate([x, hidden], 1)  # (B, inputs + U)
    gates = xp.tanh(joined @ weights.kernel + weights.bias)  # (B, 4U)
    i, f, g, o = (gates[:, k * u : (k + 1) * u] for k in range(4))
    cell = 0.5 * ((1 + f) * cell + (1 + i) * g)
    return 0.5 * (1 + o) * xp.tanh(cell), cell
