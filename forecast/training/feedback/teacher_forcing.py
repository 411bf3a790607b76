"""Teacher forcing: every value that is fed is the true one (Williams & Zipser 1989)."""

from __future__ import annotations

from typing import Any

from forecast.nn.layers import NetworkState
from forecast.training.plan import Plan
from forecast.training.window_batch import Regime, WindowBatch


def regime(_: Plan) -> Regime:
    """The regime of a plan."""
    return parameters


def parameters(batch: WindowBatch) -> tuple[Any, NetworkState]:
    """Raw parameters of the windows' steps, in one pass; and the memory after them."""
    return batch.fused(batch.values, batch.run)
