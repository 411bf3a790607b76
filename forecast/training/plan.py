"""Sizes and lengths of a training run, chosen from the data unless given."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from forecast.data.panel import Panel
from forecast.errors import DataError
from forecast.training.feedback import feeds_back, regimes_of

LAST_PHASE = 0.25  # of the steps, where one regime follows another
SHORTEST = 12  # rows that at least one series must have to train anything
LONGEST_SEASON = 200  # a longer season is left to the lags: windows would be too slow
ASKED = 8  # steps that a window asks for at least, since a shorter one teaches no memory
CONTEXT = 96  # steps of context worth having, made a whole number of seasons
SMALL = 5_000  # rows below which a smaller network forecasts better and trains in seconds


@dataclass(frozen=True)
class Plan:
    """How one training run goes; a field given by the user is taken as it is.

    Attributes:
        layers, units: sizes of the network.
        dropout: share of a layer's inputs blanked out in training.
        context: steps at the start of a window that set its scale.
        windows: "random", or "contiguous" with the memory carried from batch to batch.
        feedback: what the network is fed: an entry of REGIMES, or several joined by ">".
        schedule: how the share of true values changes, an entry of SCHEDULES.
        first_ratio, last_ratio: that share at the start and at the end of scheduled sampling.
        mixing: "exact" or "parallel" scheduled sampling.
        mix_by: "step" or "sequence": for what it is drawn whether values are true.
        horizon: steps of a window after its context, in which own values may be fed.
        holdout: steps at the end of each series kept for the final comparison, and as many
            before them for the validation; 0 for none.
        batch: windows in a step.
        steps: gradient steps.
        rounds: parts of the training after each of which the validation loss is taken.
        patience: rounds without a better validation loss before training ends early.
        rate: learning rate at the start.
        clip: largest norm of the gradient of all weights.
    """

    layers: int
    units: int
    dropout: float
    context: int
    windows: str
    feedback: str
    schedule: str
    first_ratio: float
    last_ratio: float
    mixing: str
    mix_by: str
    horizon: int
    holdout: int
    batch: int
    steps: int
    rounds: int
    patience: int
    rate: float
    clip: float

    @property
    def length(self) -> int:
        """Steps of a window, T."""
        return self.context + self.horizon

    @property
    def least_rows(self) -> int:
        """Rows that a window must at least cover."""
        return min(self.length, max(self.context // 2, 2) + 1)

    @property
    def needed(self) -> int:
        """Rows that a series must have to fill a horizon behind half a context to scale by."""
        return 2 * self.holdout + self.horizon + min(self.context, max(self.context // 2, 2))

    @property
    def feeds_back(self) -> bool:
        """Whether the network is fed its own values at any time."""
        return feeds_back(self.regimes)

    @property
    def regimes(self) -> tuple[str, ...]:
        """The entries of REGIMES that follow one another."""
        return regimes_of(self.feedback)

    def phase(self, done: float) -> tuple[int, float]:
        """Which of the regimes it is the turn of, and how much of its turn is done.

        The last one takes LAST_PHASE of the steps, those before it share the others.

        Args:
            done: share of the training that is done, 0 to 1.
        """
        before = len(self.regimes) - 1
        if not before:
            return 0, done
        if done >= 1.0 - LAST_PHASE:
            return before, (done - 1.0 + LAST_PHASE) / LAST_PHASE
        turn = done / (1.0 - LAST_PHASE) * before
        return int(turn), turn % 1.0

    @property
    def steps_per_round(self) -> int:
        """Gradient steps between two looks at the validation loss."""
        return max(self.steps // self.rounds, 1)


def make_plan(panel: Panel, season: int, given: dict[str, Any]) -> Plan:
    """Choose what is not given, from the number of rows, the lengths and the seasons.

    Args:
        panel: the training data.
        season: steps in a season.
        given: fields of Plan set by the user; None stands for "choose".

    Raises:
        DataError: if no series is long enough to train on.
    """
    longest = int(panel.lengths.max())
    if longest < SHORTEST:
        raise DataError(
            f"the longest series has {longest} rows; training needs one with at least {SHORTEST}"
        )
    small = int(panel.lengths.sum()) < SMALL
    typical = typical_length(panel)
    context = given.get("context") or _context(panel, season, typical)
    tail = given.get("holdout") or _tail(season, typical)
    asked = max(tail, min(ASKED, typical - 2 * tail - context))
    feedback = given.get("feedback") or "teacher"
    is_fed_back = feeds_back(regimes_of(feedback))
    chosen = Plan(
        layers=1 if small else 2,
        units=32 if small else 64,
        dropout=0.0,
        context=context,
        windows="random",
        feedback="teacher",
        schedule="linear",
        first_ratio=1.0,
        last_ratio=0.0,
        mixing="exact",
        mix_by="step",
        horizon=max(asked, 2) if is_fed_back else asked,  # its first step is fed a true value
        holdout=tail,
        batch=32 if small else 128,
        steps=400 if small else 1600,
        rounds=20,
        patience=8,
        rate=5e-3 if small else 1e-2,
        clip=1.0,
    )
    return replace(chosen, **{name: value for name, value in given.items() if value is not None})


def typical_length(panel: Panel) -> int:
    """The median number of rows of the series that are long enough to train on."""
    return int(np.median(panel.lengths[panel.lengths >= SHORTEST]))


def _context(panel: Panel, season: int, typical: int) -> int:
    """A whole number of the longest affordable season, at most a quarter of a series."""
    seasons = [season, *panel.frequency.seasons]
    base = max(s for s in seasons if s <= LONGEST_SEASON or s == min(seasons))
    wanted = base * max(round(CONTEXT / base), 1)
    return max(_whole(min(wanted, typical // 4), base), 2)


def _tail(season: int, typical: int) -> int:
    """Steps to hold out: two seasons, at least 6 steps, at most an eighth of a series."""
    wanted = max(2 * season, 6) if season <= LONGEST_SEASON else season
    return max(_whole(min(wanted, typical // 8), season), 1)


def _whole(steps: int, season: int) -> int:
    """The steps in whole seasons, if there is at least one."""
    return steps // season * season or steps
