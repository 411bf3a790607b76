"""The feedback regimes by name. A new one is a file beside this one, and an entry here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Regime(NamedTuple):
    """Where a regime lives, since TensorFlow is imported when one is needed, and what it does."""

    module: str
    feeds_back: bool  # feeds the network its own values


REGIMES = {
    "teacher": Regime("forecast.training.feedback.teacher_forcing", feeds_back=False),
    "scheduled": Regime("forecast.training.feedback.scheduled_sampling", feeds_back=True),
    "free": Regime("forecast.training.feedback.free_running", feeds_back=True),
}
MIXING = ("exact", "parallel")  # forms of scheduled sampling
MIX_BY = ("step", "sequence")  # for what it is drawn whether values are true


def feeds_back(regimes: Sequence[str]) -> bool:
    """Whether one of the regimes feeds the network its own values."""
    return any(REGIMES[name].feeds_back for name in regimes)


def regimes_of(feedback: str | Sequence[str]) -> tuple[str, ...]:
    """The regimes that follow one another.

    Example:
        >>> regimes_of("teacher>free"), regimes_of("teacher,free"), regimes_of(["teacher", "free"])
        (('teacher', 'free'), ('teacher', 'free'), ('teacher', 'free'))
    """
    names = (
        feedback
        if isinstance(feedback, list | tuple)
        else str(feedback).replace(",", ">").split(">")
    )
    return tuple(str(name).strip() for name in names)
