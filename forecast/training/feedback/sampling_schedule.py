"""How the share of true values changes over a training (Bengio et al. 2015)."""

from __future__ import annotations

import math
from collections.abc import Callable

STEEP = 5.0  # the inverse sigmoid runs from -STEEP to STEEP
LEAST = 0.01  # share of the way that the exponential decay leaves, before it is stretched to 0


def constant(_: float) -> float:
    """The end from the beginning."""
    return 0.0


def linear(done: float) -> float:
    """The same less in every step."""
    return 1.0 - done


def exponential(done: float) -> float:
    """Fast at first, then ever slower."""
    return float((LEAST**done - LEAST) / (1.0 - LEAST))


def sigmoid(done: float) -> float:
    """Slow at both ends, fast in the middle."""
    low, high = (1.0 / (1.0 + math.exp(side * STEEP)) for side in (1, -1))
    return (1.0 / (1.0 + math.exp(STEEP * (2.0 * done - 1.0))) - low) / (high - low)


SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": constant,
    "linear": linear,
    "exponential": exponential,
    "sigmoid": sigmoid,
}


def ratio(schedule: str, ends: tuple[float, float], done: float) -> float:
    """The share of true values.

    Args:
        schedule: an entry of SCHEDULES.
        ends: the share at the start and at the end of training.
        done: how much of the training is done, 0 to 1.

    Example:
        >>> [ratio("linear", (1.0, 0.5), done) for done in (0.0, 0.5, 1.0)]
        [1.0, 0.75, 0.5]
    """
    start, end = ends
    return end + (start - end) * SCHEDULES[schedule](done)
