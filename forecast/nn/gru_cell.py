"""The GRU cell: Cho et al. (2014), with the reset gate after the product, as in Keras.

With input x_t and hidden state h_{t-1}, and Keras's order of gates z, r and candidate g:

    z_t = sigma(W_z x_t + b_z + R_z h_{t-1} + d_z)              update gate
    r_t = sigma(W_r x_t + b_r + R_r h_{t-1} + d_r)              reset gate
    g_t =  tanh(W_g x_t + b_g + r_t * (R_g h_{t-1} + d_g))      candidate
    h_t = z_t * h_{t-1} + (1 - z_t) * g_t

where * is elementwise, b and d are the two rows of the bias, and sigma is the logistic function.
Since

    sigma(a) = 0.5 + 0.5 tanh(a / 2),

`prepare` halves the columns of z and r once, and `step` computes both gates as 0.5 + 0.5 tanh of
what these columns give, which cannot overflow. The columns of g are left as they are.
"""

from __future__ import annotations

from typing import Any, NamedTuple

Array = Any  # an array of whichever namespace `xp` evaluates the step
STATE = ("hidden",)  # state arrays of one layer, (B, U); the first is its output


class Weights(NamedTuple):
    """Weights of one layer as `step` uses them: order z, r, g, the columns of z and r halved."""

    kernel: Array  # (inputs, 3U)
    recurrent: Array  # (U, 3U)
    bias: Array  # (2, 3U), of the input's product and of the hidden state's


def shapes(inputs: int, units: int) -> dict[str, tuple[int, ...]]:
    """The shape of each array of a layer, in Keras and in our files."""
    return {
        "kernel": (inputs, 3 * units),
        "recurrent": (units, 3 * units),
        "bias": (2, 3 * units),
    }


def prepare(xp: Any, kernel: Array, recurrent: Array, bias: Array) -> Weights:
    """Halve the columns of the gates z and r.

    Args:
        xp: the array namespace.
        kernel: W, (inputs, 3U), in Keras's order of gates z, r, g, as are the others.
        recurrent: R, (U, 3U).
        bias: b and d, (2, 3U).
    """
    u = recurrent.shape[0]

    def halve_gates(array: Array) -> Array:
        return xp.concatenate([0.5 * array[:, : 2 * u], array[:, 2 * u :]], 1)

    return Weights(halve_gates(kernel), halve_gates(recurrent), halve_gates(bias))


def project(weights: Weights, x: Array) -> Array:
    """What inputs add to the gates, (N, inputs) to (N, 3U): of one step, or of many at once."""
    projected = x @ weights.kernel
    projected += weights.bias[0]
    return projected


def recur(
    xp: Any, weights: Weights, projected: Array, state: tuple[Array, ...]
) -> tuple[Array, ...]:
    """`step`, given what `project` makes of its input, (B, 3U)."""
    (hidden,) = state
    u = hidden.shape[1]
    from_hidden = hidden @ weights.recurrent + weights.bias[1]  # (B, 3U)
    gates = 0.5 + 0.5 * xp.tanh(projected[:, : 2 * u] + from_hidden[:, : 2 * u])
    z, r = gates[:, :u], gates[:, u:]
    candidate = xp.tanh(projected[:, 2 * u :] + r * from_hidden[:, 2 * u :])
    return (z * hidden + (1 - z) * candidate,)


def step(xp: Any, weights: Weights, x: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
    """One step of one layer.

    Args:
        xp: the array namespace.
        weights: the layer's, from `prepare`.
        x: (B, inputs).
        state: hidden state before the step, (B, U), in a tuple.

    Returns:
        The same after the step.
    """
    return recur(xp, weights, project(weights, x), state)
