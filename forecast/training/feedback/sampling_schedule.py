"""How the share of true values changes in the course of training (Bengio et al. 2015)."""

from __future__ import annotations

import math
from collections.abc import Callable

SIGMOID_STEEPNESS = 5.0  # the inverse sigmoid is taken from -SIGMOID_STEEPNESS to SIGMOID_STEEPNESS
EXPONENTIAL_REMAINDER = 0.01  # what the exponential decay leaves, before it is stretched to 0


def constant(_: float) -> float:
    """The final share from the start."""
    return 0.0


def linear(progress: float) -> float:
    """Decreases by the same amount in every step."""
    return 1.0 - progress


def exponential(progress: float) -> float:
    """Fast at first, then ever slower."""
    remainder = EXPONENTIAL_REMAINDER
    return float((remainder**progress - remainder) / (1.0 - remainder))


def sigmoid(progress: float) -> float:
    """Slow at both ends, fast in the middle."""
    low, high = (1.0 / (1.0 + math.exp(sign * SIGMOID_STEEPNESS)) for sign in (1, -1))
    falling = 1.0 / (1.0 + math.exp(SIGMOID_STEEPNESS * (2.0 * progress - 1.0)))
    return (falling - low) / (high - low)


SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": constant,
    "linear": linear,
    "exponential": exponential,
    "sigmoid": sigmoid,
}


def ratio(schedule: str, ends: tuple[float, float], progress: float) -> float:
    """The share of true values.

    Args:
        schedule: an entry of SCHEDULES.
        ends: the share at the start and at the end of the phase.
        progress: how much of the phase is done, 0 to 1.

    Example:
        >>> [ratio("linear", (1.0, 0.5), progress) for progress in (0.0, 0.5, 1.0)]
        [1.0, 0.75, 0.5]
    """
    start, end = ends
    return end + (start - end) * SCHEDULES[schedule](progress)
