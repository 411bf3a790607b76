"""The point head: one number per target, a median, since it is trained on the absolute error."""

from __future__ import annotations

from typing import Any

PARAMETERS = 1  # raw outputs per target
RANDOM = False  # there is no distribution to draw from
COUNTS = False


def loss(xp: Any, params: Any, value: Any) -> Any:
    """Absolute error, elementwise (..., D)."""
    return xp.abs(value - params)


def center(xp: Any, params: Any) -> Any:  # noqa: ARG001 - every head takes the namespace
    """The value that a deterministic rollout feeds back: (..., D)."""
    return params
