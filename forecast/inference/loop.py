"""The rollout engine: a step's value is the next step's input. It knows no network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

S = TypeVar("S")


def rollout(
    step: Callable[[Any, S], tuple[Any, S]], value: Any, state: S, horizon: int
) -> tuple[np.ndarray, S]:
    """Feed a step its own values back.

    Args:
        step: from (value, state) to the next value and the state after it.
        value: the value before the first step, of any shape.
        state: whatever the step carries along.
        horizon: how many steps H.

    Returns:
        The path of values (H, ...) and the state after the last step.

    Example:
        >>> path, state = rollout(lambda v, s: (v + s, v), value=1, state=0, horizon=5)
        >>> path.tolist(), state
        ([1, 2, 3, 5, 8], 5)
    """
    path = []
    for _ in range(horizon):
        value, state = step(value, state)
        path.append(value)
    return np.asarray(path), state
