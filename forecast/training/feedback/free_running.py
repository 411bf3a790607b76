"""Free running: after the context the network is fed its own values, as in a rollout.

The loss over the whole horizon is back-propagated through the rollout, fed-back values included.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from forecast.nn.layers import NetworkState
from forecast.training.plan import Plan
from forecast.training.window_batch import RegimeFunction, WindowBatch


def regime(_: Plan) -> RegimeFunction:
    """The regime function of a plan."""
    return parameters


def parameters(batch: WindowBatch) -> tuple[Any, NetworkState]:
    """The head's parameters of the windows' steps, and the network's state after them."""
    return batch.stepwise(tf.zeros_like(batch.horizon_values[..., :1], tf.bool))
