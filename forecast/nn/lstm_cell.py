"""The LSTM cell: Hochreiter & Schmidhuber (1997) with forget gates (Gers et al. 2000).

With input x_t, hidden state h_{t-1} and cell state c_{t-1}, and Keras's order of gates i, f, g, o:

    i_t = sigma(W_i x_t + R_i h_{t-1} + b_i)        input gate
    f_t = sigma(W_f x_t + R_f h_{t-1} + b_f)        forget gate
    g_t =  tanh(W_g x_t + R_g h_{t-1} + b_g)        candidate
    o_t = sigma(W_o x_t + R_o h_{t-1} + b_o)        output gate
    c_t = f_t * c_{t-1} + i_t * g_t
    h_t = o_t * tanh(c_t)

where * is elementwise and sigma is the logistic function. Since

    sigma(a) = 0.5 + 0.5 tanh(a / 2) = 0.5 (1 + tanh(a / 2)),

`prepare` halves the columns of i, f and o once, and moves those of g behind them. Then one tanh of
all four columns serves all gates, which cannot overflow, and what becomes of three of them is one
stretch of memory.
"""

from __future__ import annotations

from typing import Any, NamedTuple

Array = Any  # an array of whichever namespace `xp` evaluates the step
STATE = ("hidden", "cell")  # state arrays of one layer, each (B, U); the first is its output


class Weights(NamedTuple):
    """Weights of one layer as `step` uses them: order i, f, o, g, the columns of i, f, o halved."""

    kernel: Array  # (inputs, 4U)
    recurrent: Array  # (U, 4U)
    bias: Array  # (4U,)


def shapes(inputs: int, units: int) -> dict[str, tuple[int, ...]]:
    """The shape of each array of a layer, in Keras and in our files."""
    return {
        "kernel": (inputs, 4 * units),
        "recurrent": (units, 4 * units),
        "bias": (4 * units,),
    }


def prepare(xp: Any, kernel: Array, recurrent: Array, bias: Array) -> Weights:
    """Halve the columns of the gates i, f and o, and move those of g to the end.

    Args:
        xp: the array namespace.
        kernel: W, (inputs, 4U), in Keras's order of gates i, f, g, o, as are the others.
        recurrent: R, (U, 4U).
        bias: b, (4U,).
    """
    u = recurrent.shape[0]
    rows = xp.concatenate([kernel, recurrent, bias[None]], 0)
    i, f, g, o = (rows[:, k * u : (k + 1) * u] for k in range(4))
    rows = xp.concatenate([0.5 * i, 0.5 * f, 0.5 * o, g], 1)
    return Weights(kernel=rows[: -u - 1], recurrent=rows[-u - 1 : -1], bias=rows[-1])


def project(weights: Weights, x: Array) -> Array:
    """What inputs add to the gates, (N, inputs) to (N, 4U): of one step, or of many at once."""
    projected = x @ weights.kernel
    projected += weights.bias
    return projected


def recur(
    xp: Any, weights: Weights, projected: Array, state: tuple[Array, ...]
) -> tuple[Array, ...]:
    """`step`, given what `project` makes of its input, (B, 4U)."""
    hidden, cell = state
    u = hidden.shape[1]
    summed = hidden @ weights.recurrent  # (B, 4U)
    summed += projected
    activations = xp.tanh(summed)
    gates = 0.5 * activations[:, : 3 * u]
    gates += 0.5
    i, f, o = (gates[:, k * u : (k + 1) * u] for k in range(3))
    cell = f * cell
    cell += i * activations[:, 3 * u :]
    hidden = xp.tanh(cell)
    hidden *= o
    return hidden, cell


def step(xp: Any, weights: Weights, x: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
    """One step of one layer.

    Args:
        xp: the array namespace.
        weights: the layer's, from `prepare`.
        x: (B, inputs).
        state: hidden and cell state before the step, each (B, U).

    Returns:
        Hidden and cell state after the step.
    """
    return recur(xp, weights, project(weights, x), state)
