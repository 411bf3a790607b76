"""The point head: one number per target, trained on the absolute error, so a median."""

from __future__ import annotations

from typing import Any

PARAMETERS = 1  # raw outputs per target
RANDOM = False  # has no distribution to draw from
COUNTS = False


def loss(xp: Any, params: Any, value: Any) -> Any:
    """Absolute error, elementwise (..., D)."""
    return xp.abs(value - params)


def center(xp: Any, params: Any) -> Any:  # noqa: ARG001 - every head takes the namespace
    """The value that a deterministic rollout feeds back: (..., D)."""
    return params
