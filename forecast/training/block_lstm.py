"""An LSTM layer as one operation: on a CPU two side by side are faster than Keras's loop."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

CLOSED = -1e4  # added to the logit of a gate, which is 0 then

Tensor = Any


def is_faster() -> bool:
    """Whether the operation is to be preferred: on a GPU Keras has cuDNN."""
    return not tf.config.list_physical_devices("GPU")


def block_lstm(
    x: Tensor,
    state: list[Tensor],
    weights: list[Tensor],
    mask: Tensor | None = None,
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """All steps of a layer, as `keras.layers.LSTM` computes them.

    Where a row begins with steps that are masked, its input gates are closed there: from a state of
    zeros no value and no gradient comes of these steps.

    TensorFlow's second version of the operation would take the weights in Keras's order, but its
    gradient is that of the first one, and wrong.

    Args:
        x: inputs (B, T, F).
        state: hidden values and memory before, each (B, U); zeros where there is a mask.
        weights: kernel (F, 4U), recurrent kernel (U, 4U) and bias (4U,), of gates i, f, g, o.
        mask: which steps count (B, T), the last ones of each row; all by default.

    Returns:
        The outputs (B, T, U), and the state after the last step.
    """
    kernel, recurrent, bias = weights
    none = tf.zeros_like(bias[: bias.shape[0] // 4])
    if mask is not None:
        closed = tf.concat([none + CLOSED, none, none, none], 0)
        x, kernel = _with_input(x, kernel, tf.cast(~mask, x.dtype), closed)
    if x.shape[-1] % 2:  # the operation complains of odd numbers of inputs, as slow ones
        x, kernel = _with_input(x, kernel, tf.zeros_like(x[..., 0]), tf.zeros_like(bias))
    steps = tf.transpose(x, (1, 0, 2))
    layer = tf.raw_ops.BlockLSTM(
        seq_len_max=tf.shape(steps, tf.int64)[0],
        x=steps,
        h_prev=state[0],
        cs_prev=state[1],
        w=_reordered(tf.concat([kernel, recurrent], 0)),
        b=_reordered(bias),
        wci=none,
        wcf=none,
        wco=none,
        use_peephole=False,
        forget_bias=0.0,
        cell_clip=-1.0,  # none
    )
    return tf.transpose(layer.h, (1, 0, 2)), (layer.h[-1], layer.cs[-1])


def _with_input(x: Tensor, kernel: Tensor, column: Tensor, row: Tensor) -> tuple[Tensor, Tensor]:
    """Inputs with one more of values (B, T), and the kernel with its weights (4U,)."""
    return tf.concat([x, column[..., None]], -1), tf.concat([kernel, row[None]], 0)


def _reordered(weights: Tensor) -> Tensor:
    """From Keras's order of gates i, f, g, o to i, g, f, o."""
    i, f, g, o = tf.split(weights, 4, -1)
    return tf.concat([i, g, f, o], -1)
