"""The rollout engine's compiled twin: the whole rollout is one call of TensorFlow's XLA."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from forecast.cell import Carry, Cell, Memory
from forecast.network import HEADS, NETWORKS, tensors


def rollout(
    step: Callable[[Any, Any], tuple[Any, Any]], value: Any, state: Any, horizon: Any, longest: int
) -> tuple[Any, Any]:
    """Feed a step its own values back, as `forecast.rollout.rollout` does, on tensors.

    Args:
        step: from (value, state) to the next value and the state after it.
        value: the value before the first step, a tensor.
        state: a tensor, or tensors in tuples.
        horizon: how many steps H, a scalar tensor, so that another H is no new compilation.
        longest: the most steps this compilation can do, H <= longest.

    Returns:
        The path of values (longest, ...), of which the first H count, and the state after H.
    """
    path = tf.TensorArray(value.dtype, size=longest, element_shape=value.shape)

    def body(t: Any, value: Any, state: Any, path: Any) -> tuple[Any, Any, Any, Any]:
        value, state = step(value, state)
        return t + 1, value, state, path.write(t, value)

    _, _, state, path = tf.while_loop(
        lambda t, *_: t < horizon, body, (tf.constant(0), value, state, path)
    )
    return path.stack(), state


@functools.cache
def _compiled(network: str, head: str, lags: tuple[int, ...]) -> Any:
    """The compiled rollout of one kind of model; weights are arguments, never baked in."""

    @tf.function(jit_compile=True)  # type: ignore[untyped-decorator]  # TensorFlow has no hints
    def run(
        arrays: Any,
        value: Any,
        memory: Any,
        calendar: Any,
        limits: Any,
        uniforms: Any,
        horizon: Any,
    ) -> Any:
        cell = Cell(tensors, NETWORKS[network].of(tensors, arrays), HEADS[head], lags)
        carry = Carry(tf.constant(0), memory)
        step = cell.rollout_step(calendar, limits, uniforms)
        path, carry = rollout(step, value, carry, horizon, calendar.shape[0])
        return path, carry.memory

    return run


def run(
    names: tuple[str, str, tuple[int, ...]],
    arrays: Mapping[str, np.ndarray],
    value: np.ndarray,
    memory: Memory,
    calendar: np.ndarray,
    limits: tuple[np.ndarray, np.ndarray],
    uniforms: np.ndarray | None,
) -> tuple[np.ndarray, Memory]:
    """Roll a batch out on the compiled runtime.

    Each shape compiles anew, so the batch is padded to one of a few sizes and the horizon to a
    power of two; steps beyond the horizon are not run.

    Args:
        names: the network, the head and the lags of the model.
        arrays: the weights.
        value: the last values (B, D).
        memory: what the steps before have left, leading axis B.
        calendar: of the H steps to come, (H, B, C).
        limits: the least and the greatest scaled value, each (B, D).
        uniforms: (H, B, D, 2) for sample paths, or None.

    Returns:
        The path (H, B, D) and the memory after it, as NumPy arrays.
    """
    horizon, batch = calendar.shape[:2]
    rows = functools.partial(_pad, size=_padded(batch))
    steps = functools.partial(_pad, size=1 << (horizon - 1).bit_length())
    path, after = _compiled(*names)(
        dict(arrays),
        rows(value),
        Memory(rows(memory.recent), type(memory.network)(*map(rows, memory.network))),
        steps(rows(calendar, axis=1)),
        (rows(limits[0]), rows(limits[1])),
        None if uniforms is None else steps(rows(uniforms, axis=1)),
        tf.constant(horizon),
    )
    network = type(memory.network)(*(part.numpy()[:batch] for part in after.network))
    return path.numpy()[:horizon, :batch], Memory(after.recent.numpy()[:batch], network)


def _padded(batch: int) -> int:
    """The next of a few sizes, eight between a power of two and the next: rows cost time."""
    unit = 1 << max((batch - 1).bit_length() - 4, 0)
    return -(-batch // unit) * unit


def _pad(array: np.ndarray, axis: int = 0, *, size: int) -> np.ndarray:
    """The array with its last entry repeated along an axis up to a size."""
    extra = np.repeat(array.take([-1], axis), size - array.shape[axis], axis)
    return np.concatenate([array, extra], axis)
