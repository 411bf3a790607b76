"""The feedback regimes: what a network is fed in training. A new one is a file and an entry here.

- `teacher_forcing`: true values only.
- `free_running`: after the context, the network's own values.
- `scheduled_sampling`: true values gradually replaced by own ones, exactly or in parallel.
- `sampling_schedule`: the share of true values in the course of training.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Regime(NamedTuple):
    """An entry of REGIMES."""

    module: str  # by name, so that TensorFlow is imported only when a regime is used
    feeds_back: bool  # whether it feeds the network its own values


REGIMES = {
    "teacher": Regime("forecast.training.feedback.teacher_forcing", feeds_back=False),
    "scheduled": Regime("forecast.training.feedback.scheduled_sampling", feeds_back=True),
    "free": Regime("forecast.training.feedback.free_running", feeds_back=True),
}
MIXING = ("exact", "parallel")  # forms of scheduled sampling
MIX_BY = ("step", "sequence")  # draw true values per step or per sequence


def feeds_back(regimes: Sequence[str]) -> bool:
    """Whether any of the regimes feeds the network its own values."""
    return any(REGIMES[name].feeds_back for name in regimes)


def regimes_of(feedback: str | Sequence[str]) -> tuple[str, ...]:
    """The names of the regimes, in the order of their phases.

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
