"""The GRU cell: Cho et al. (2014), with the reset gate after the product, as Keras has it."""

from __future__ import annotations

from typing import Any, NamedTuple

Array = Any  # an array of whichever namespace `xp` evaluates the step
STATE = ("hidden",)  # what one layer remembers, (B, U)


class Weights(NamedTuple):
    """Weights of one layer; gates z (update), r (reset) and the candidate, halved as needed."""

    kernel: Array  # (inputs, 3U)
    recurrent: Array  # (U, 3U)
    bias: Array  # (2, 3U), of the two products


def shapes(inputs: int, units: int) -> dict[str, tuple[int, ...]]:
    """The shape of each array of a layer, as Keras has them and our files."""
    return {
        "kernel": (inputs, 3 * units),
        "recurrent": (units, 3 * units),
        "bias": (2, 3 * units),
    }


def prepare(xp: Any, kernel: Array, recurrent: Array, bias: Array) -> Weights:
    """Halve the columns of the two gates, since the logistic function is computed as a tanh.

    Args:
        xp: the array namespace.
        kernel: (inputs, 3U), in Keras's order of gates, as are the others.
        recurrent: (U, 3U).
        bias: (2, 3U).
    """
    u = recurrent.shape[0]

    def halved(array: Array) -> Array:
        return xp.concatenate([0.5 * array[:, : 2 * u], array[:, 2 * u :]], 1)

    return Weights(halved(kernel), halved(recurrent), halved(bias))


def step(xp: Any, weights: Weights, x: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
    """One step of one layer.

    Args:
        xp: the array namespace.
        weights: the layer's, from `prepare`.
        x: (B, inputs).
        state: the layer's hidden values before the step, (B, U).

    Returns:
        The same after the step.
    """
    (hidden,) = state
    u = hidden.shape[1]
    new = x @ weights.kernel + weights.bias[0]  # (B, 3U)
    old = hidden @ weights.recurrent + weights.bias[1]
    gates = 0.5 + 0.5 * xp.tanh(new[:, : 2 * u] + old[:, : 2 * u])
    z, r = gates[:, :u], gates[:, u:]
    candidate = xp.tanh(new[:, 2 * u :] + r * old[:, 2 * u :])
    return (z * hidden + (1 - z) * candidate,)
