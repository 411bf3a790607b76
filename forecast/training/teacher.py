"""Teacher forcing: every value that is fed is the true one (Williams & Zipser 1989)."""

from __future__ import annotations

from typing import Any

from forecast.network.parts import State
from forecast.training.lesson import Lesson, Regime
from forecast.training.plan import Plan


def regime(_: Plan) -> Regime:
    """The regime of a plan."""
    return parameters


def parameters(lesson: Lesson) -> tuple[Any, State]:
    """Raw parameters of the windows' steps, in one pass; and the memory after them."""
    return lesson.fused(lesson.values, lesson.run)
