"""How far a training has come: plain values, for listeners and for the training record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Ending = Literal["planned", "early", "budget", "interrupted"]


@dataclass(frozen=True)
class Progress:
    """How far training has come, once per round of gradient steps.

    Attributes:
        step: gradient steps done.
        steps: planned, which a time budget may lower.
        seconds: since the start.
        loss: of the training, mean over the round.
        validation_loss: on the validation rows, None where there are none.
    """

    step: int
    steps: int
    seconds: float
    loss: float
    validation_loss: float | None


@dataclass(frozen=True)
class PlanChange:
    """That a time budget has lowered the planned steps.

    Attributes:
        step: gradient steps done when it was lowered.
        seconds: since the start.
        before: steps planned until then.
        after: steps planned from then on.
    """

    step: int
    seconds: float
    before: int
    after: int
