"""The rollout engine's compiled twin: the whole rollout is one call of TensorFlow's XLA."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import tensorflow as tf

from forecast.inference.parallel import cores
from forecast.nn import tensorflow_namespace as tensors
from forecast.nn.step import Blueprint, LoopCarry, ModelStep, StepMemory

CORES = cores()
MIN_PIECE = 64  # rows of a batch that are worth a thread of their own
_THREADS = ThreadPoolExecutor(CORES)


def rollout(
    step: Callable[[Any, Any], tuple[Any, Any]], value: Any, state: Any, horizon: Any, longest: int
) -> tuple[Any, Any]:
    """Feed a step its own values back, as `forecast.inference.loop.rollout` does, on tensors.

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
def _compiled(blueprint: Blueprint) -> Any:
    """The compiled rollout of one kind of model; weights are arguments, never baked in."""

    @tf.function(jit_compile=True)  # type: ignore[untyped-decorator]  # TensorFlow has no hints
    def run(
        arrays: Any,
        value: Any,
        memory: Any,
        step_features: Any,
        limits: Any,
        uniforms: Any,
        horizon: Any,
    ) -> Any:
        cell = ModelStep.of(tensors, blueprint, arrays)
        carry = LoopCarry(tf.constant(0), memory)
        step = cell.rollout_step(step_features, limits, uniforms)
        if not blueprint.direct or uniforms is not None:
            path, carry = rollout(step, value, carry, horizon, step_features.shape[0])
            return path, carry.memory
        value = tf.concat([value] * (1 + cell.head.PARAMETERS), -1)  # as many as the step returns
        path, carry = rollout(step, value, carry, horizon, step_features.shape[0])
        return cell.with_spread(path), carry.memory

    return run


def run(
    blueprint: Blueprint,
    arrays: Mapping[str, np.ndarray],
    value: np.ndarray,
    memory: StepMemory,
    step_features: np.ndarray,
    limits: tuple[np.ndarray, np.ndarray],
    uniforms: np.ndarray | None,
) -> tuple[np.ndarray, StepMemory]:
    """Roll a batch out on the compiled runtime.

    Series are independent, so the batch is cut into pieces that run side by side, one for each
    core: within one rollout a second core is of little use. Each shape is compiled separately, so
    a piece is padded to one of a few sizes and the horizon to a power of two; steps beyond the
    horizon are not run.

    Args:
        blueprint: of the model's step.
        arrays: the weights.
        value: the last values (B, D).
        memory: after the last observed step, leading axis B.
        step_features: of the steps of the forecast horizon, (H, B, K).
        limits: the smallest and the largest scaled value, each (B, D).
        uniforms: (H, B, D, 2) for sample paths, or None.

    Returns:
        The path (H, B, D), of a direct model (H, B, 3D), and the memory after it, as NumPy arrays.
    """
    horizon, batch = step_features.shape[:2]
    size, longest = _padded(-(-batch // _pieces(batch))), 1 << (horizon - 1).bit_length()
    compiled = _compiled(blueprint)

    def piece(first: int) -> tuple[np.ndarray, StepMemory]:
        rows = functools.partial(_window, first=first, size=size)
        steps = functools.partial(_window, first=0, size=longest)
        path, after = compiled(
            dict(arrays),
            *tf.nest.map_structure(rows, (value, memory)),
            steps(rows(step_features, axis=1)),
            tf.nest.map_structure(rows, limits),
            None if uniforms is None else steps(rows(uniforms, axis=1)),
            tf.constant(horizon),
        )
        count = min(size, batch - first)
        after = tf.nest.map_structure(lambda part: part.numpy()[:count], after)
        return path.numpy()[:horizon, :count], after

    paths, memories = zip(*_THREADS.map(piece, range(0, batch, size)), strict=True)
    memory = tf.nest.map_structure(lambda *parts: np.concatenate(parts), *memories)
    return np.concatenate(paths, 1), memory


def _pieces(batch: int) -> int:
    """Into how many pieces a batch is cut: small ones cost more than another core gives."""
    return max(min(CORES, batch // MIN_PIECE), 1)


def _padded(batch: int) -> int:
    """The next of a few sizes, eight between a power of two and the next: rows cost time."""
    unit = 1 << max((batch - 1).bit_length() - 4, 0)
    return -(-batch // unit) * unit


def _window(array: np.ndarray, axis: int = 0, *, first: int, size: int) -> np.ndarray:
    """So many entries along an axis, its last one repeated beyond the end."""
    places = np.minimum(np.arange(first, first + size), array.shape[axis] - 1)
    window: np.ndarray = np.take(array, places, axis)
    return window
