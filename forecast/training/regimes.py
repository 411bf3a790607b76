"""The feedback regimes by name. A new one is a file beside this one, and an entry here."""

from __future__ import annotations

REGIMES = {  # where each lives; TensorFlow is imported when one is needed
    "teacher": "forecast.training.teacher",
    "scheduled": "forecast.training.scheduled",
    "free": "forecast.training.free",
}
MIXING = ("parallel", "exact")  # forms of scheduled sampling
MIX_BY = ("step", "sequence")  # for what it is drawn whether values are true


def regimes_of(feedback: str) -> tuple[str, ...]:
    """The regimes that follow one another.

    Example:
        >>> regimes_of("teacher>free")
        ('teacher', 'free')
    """
    return tuple(name.strip() for name in str(feedback).split(">"))
