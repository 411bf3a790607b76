"""Teacher forcing: every value that is fed is the true one (Williams & Zipser 1989)."""

from __future__ import annotations

from typing import Any

from forecast.nn.layers import NetworkState
from forecast.training.plan import Plan
from forecast.training.window_batch import RegimeFunction, WindowBatch


def regime(_: Plan) -> RegimeFunction:
    """The regime function of a plan."""
    return parameters


def parameters(batch: WindowBatch) -> tuple[Any, NetworkState]:
    """The head's parameters of the windows' steps, in one pass; and the state after them."""
    return batch.fused(batch.values, batch.run)
