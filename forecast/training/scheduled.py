"""Scheduled sampling: true values give way to the network's own (Bengio et al. 2015).

In the exact form each own value is that of the step before, so steps follow one another. The
parallel form (Mihaylova & Martins 2019; Duckworth et al. 2019) takes own values from a first pass
that is fed true ones, mixes them in, and runs a second pass: both are passes of fused layers.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import tensorflow as tf

from forecast import features
from forecast.network import tensors
from forecast.network.parts import State
from forecast.training.lesson import Lesson, Regime
from forecast.training.plan import Plan


def regime(plan: Plan) -> Regime:
    """The regime of a plan."""
    return partial(parallel if plan.mixing == "parallel" else exact, by=plan.mix_by)


def exact(lesson: Lesson, by: str = "step") -> tuple[Any, State]:
    """Raw parameters of the windows' steps, one after another; and the memory after them."""
    return lesson.stepwise(kept(lesson, by))


def parallel(lesson: Lesson, by: str = "step", passes: int = 1) -> tuple[Any, State]:
    """Raw parameters of the windows' steps, in two passes or more; and the memory after them.

    Args:
        lesson: the windows.
        by: "step" or "sequence": for what it is drawn whether values are true.
        passes: before the last one; as many as there are steps make the form exact.
    """
    keep, asked, values = kept(lesson, by), lesson.asked, lesson.values
    before = lesson.values[:, : features.lead(lesson.cell.lags) + lesson.warm]
    for _ in range(passes):
        params, _ = lesson.fused(values, lesson.run_plainly)
        own = lesson.cell.head.center(tensors, params)[:, -(lesson.steps - lesson.warm) :]
        mixed = tf.where(keep, asked, tf.stop_gradient(own))
        values = tf.concat([before, mixed], 1)
    return lesson.fused(values, lesson.run)


def kept(lesson: Lesson, by: str) -> Any:
    """Where a true value stays, bool (B, T - W, 1), drawn with the ratio of the lesson."""
    shape = tf.shape(lesson.asked[..., :1])
    one_draw = shape if by == "step" else [shape[0], 1, 1]
    drawn = tf.random.stateless_uniform(one_draw, lesson.seed) < lesson.ratio
    return tf.broadcast_to(drawn, shape)
