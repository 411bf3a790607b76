"""Free running: after the true values of a context the network is fed its own, as in a rollout.

The loss over the whole horizon is back-propagated through the rollout, fed-back values included.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from forecast.nn.layers import NetworkState
from forecast.training.plan import Plan
from forecast.training.window_batch import Regime, WindowBatch


def regime(_: Plan) -> Regime:
    """The regime of a plan."""
    return parameters


def parameters(batch: WindowBatch) -> tuple[Any, NetworkState]:
    """Raw parameters of the windows' steps, and the memory after them."""
    return batch.stepwise(tf.zeros_like(batch.asked[..., :1], tf.bool))
