"""Scheduled sampling: true values give way to the network's own (Bengio et al. 2015).

In the exact form each own value is that of the step before, so steps follow one another. The
parallel form (Mihaylova & Martins 2019; Duckworth et al. 2019) takes own values from a first pass
that is fed true ones, mixes them in, and runs a second pass: both are passes of fused layers.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import tensorflow as tf

from forecast.nn import step_inputs
from forecast.nn import tensorflow_namespace as tensors
from forecast.nn.layers import NetworkState
from forecast.training.plan import Plan
from forecast.training.window_batch import Regime, WindowBatch


def regime(plan: Plan) -> Regime:
    """The regime of a plan."""
    return partial(parallel if plan.mixing == "parallel" else exact, by=plan.mix_by)


def exact(batch: WindowBatch, by: str = "step") -> tuple[Any, NetworkState]:
    """Raw parameters of the windows' steps, one after another; and the memory after them."""
    return batch.stepwise(kept(batch, by))


def parallel(batch: WindowBatch, by: str = "step", passes: int = 1) -> tuple[Any, NetworkState]:
    """Raw parameters of the windows' steps, in two passes or more; and the memory after them.

    Args:
        lesson: the windows.
        by: "step" or "sequence": for what it is drawn whether values are true.
        passes: before the last one; as many as there are steps make the form exact.
    """
    keep, asked, values = kept(batch, by), batch.asked, batch.values
    before = batch.values[:, : step_inputs.lead(batch.cell.lags) + batch.warm]
    for _ in range(passes):
        params, _ = batch.fused(values, batch.run_plainly)
        own = batch.cell.head.center(tensors, params)[:, -(batch.steps - batch.warm) :]
        mixed = tf.where(keep, asked, tf.stop_gradient(own))
        values = tf.concat([before, mixed], 1)
    return batch.fused(values, batch.run)


def kept(batch: WindowBatch, by: str) -> Any:
    """Where a true value stays, bool (B, T - W, 1), drawn with the ratio of the lesson."""
    shape = tf.shape(batch.asked[..., :1])
    one_draw = shape if by == "step" else [shape[0], 1, 1]
    drawn = tf.random.stateless_uniform(one_draw, batch.seed) < batch.ratio
    return tf.broadcast_to(drawn, shape)
