"""Free running: after the true values of a context the network is fed its own, as in a rollout.

The loss over the whole horizon is back-propagated through the rollout, fed-back values included.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from forecast.network.parts import State
from forecast.training.lesson import Lesson, Regime
from forecast.training.plan import Plan


def regime(_: Plan) -> Regime:
    """The regime of a plan."""
    return parameters


def parameters(lesson: Lesson) -> tuple[Any, State]:
    """Raw parameters of the windows' steps, and the memory after them."""
    return lesson.stepwise(tf.zeros_like(lesson.asked[..., :1], tf.bool))
