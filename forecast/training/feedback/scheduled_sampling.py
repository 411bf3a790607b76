"""Scheduled sampling: true values are gradually replaced by the network's own (Bengio et al. 2015).

In the exact form each own value is that of the step before, so steps run one after another. The
parallel form (Mihaylova & Martins 2019; Duckworth et al. 2019) takes own values from a first pass
that is fed true ones, mixes them in, and runs a second pass: both are passes of fused layers.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import tensorflow as tf

from forecast.nn import tensorflow_namespace as tensors
from forecast.nn.layers import NetworkState
from forecast.training.plan import Plan
from forecast.training.window_batch import RegimeFunction, WindowBatch


def regime(plan: Plan) -> RegimeFunction:
    """The regime function of a plan."""
    return partial(parallel if plan.mixing == "parallel" else exact, by=plan.mix_by)


def exact(batch: WindowBatch, by: str = "step") -> tuple[Any, NetworkState]:
    """The head's parameters of the windows' steps, one after another; and the state after them."""
    return batch.stepwise(draw_kept(batch, by))


def parallel(batch: WindowBatch, by: str = "step", passes: int = 1) -> tuple[Any, NetworkState]:
    """The head's parameters of the windows' steps, in two passes or more; and the state after them.

    Args:
        batch: the windows.
        by: "step" or "sequence": whether true values are drawn per step or per sequence.
        passes: before the last one; with as many passes as steps the form is exact, but for a
            network whose input says how far ahead a step is: here each counts as the first.
    """
    keep, true_values, values = draw_kept(batch, by), batch.horizon_values, batch.values
    context = batch.values[:, : batch.lead + batch.context]
    for _ in range(passes):
        params, _ = batch.fused(values, batch.run_without_dropout)
        own = batch.model_step.head.center(tensors, params)[:, -batch.horizon :]
        mixed = tf.where(keep, true_values, tf.stop_gradient(own))
        values = tf.concat([context, mixed], 1)
    return batch.fused(values, batch.run)


def draw_kept(batch: WindowBatch, by: str) -> Any:
    """Where the true value is kept, bool (B, H, 1), with the batch's ratio as probability."""
    shape = tf.shape(batch.horizon_values[..., :1])
    drawn_shape = shape if by == "step" else [shape[0], 1, 1]
    is_kept = tf.random.stateless_uniform(drawn_shape, batch.seed) < batch.ratio
    return tf.broadcast_to(is_kept, shape)
