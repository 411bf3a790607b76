"""`Tuning`: what was tried, how good each was, and which options were chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TrialState = Literal["complete", "pruned", "failed"]
TuningEnding = Literal["trials", "combinations", "budget", "interrupted"]
ENDINGS: dict[TuningEnding, str] = {
    "trials": "",
    "combinations": ": all combinations there are",
    "budget": ", as many as the time budget allowed",
    "interrupted": " before it was interrupted",
}
MIN_RELATIVE_GAIN = 0.005  # a smaller one would be printed as 0%


@dataclass(frozen=True)
class Trial:
    """One choice of options, and how good it is.

    Attributes:
        number: from 1, which is that of the default options.
        options: the value of each option that is tried; of the default options what they come to
            on the rows of the training.
        state: "complete"; "pruned", ended early since others were better; or "failed".
        error: from the cutoffs by which options are chosen; None unless complete.
        test_error: on the last rows, which choose nothing; None unless complete.
        seconds: that it took.
        problem: why it failed, "" otherwise.
    """

    number: int
    options: dict[str, Any]
    state: TrialState
    error: float | None = None
    test_error: float | None = None
    seconds: float = 0.0
    problem: str = ""

    @property
    def is_default(self) -> bool:
        """Whether its options are the default ones."""
        return self.number == 1


@dataclass(frozen=True, eq=False)
class Tuning:
    """What was tried to choose the options of a training.

    Attributes:
        trials: in their order; the first one has the default options.
        measure: of the errors, means over all forecasts: "MASE", or "MAE" where no series has a
            scale.
        naive_error: of the seasonal naive forecast from the same cutoffs.
        horizon: steps of each forecast H.
        cutoffs: how many chose, the same in all trials.
        ended: after all "trials" or "combinations" there are, by the "budget", or "interrupted".
    """

    trials: tuple[Trial, ...]
    measure: str
    naive_error: float
    horizon: int
    cutoffs: int
    ended: TuningEnding

    def __repr__(self) -> str:
        """Say how many trials there are, and how good the best one is."""
        return f"Tuning({count_trials(len(self.trials))}; {self.measure} {self.best.error:.3g})"

    @cached_property
    def best(self) -> Trial:
        """The complete trial of the smallest error, the earliest of several."""
        complete = [trial for trial in self.trials if trial.error is not None]
        return min(complete, key=lambda trial: (trial.error, trial.number))

    @property
    def default(self) -> Trial:
        """The trial of the default options."""
        return self.trials[0]

    @property
    def options(self) -> dict[str, Any]:
        """The options that were chosen; none where the default ones are best."""
        return {} if self.best.is_default else dict(self.best.options)

    @cached_property
    def table(self) -> pd.DataFrame:
        """The trials, a row each.

        Columns: `trial`, `state`, `error`, `best`, the smallest error so far, `seconds`, the
        options that were tried, and `problem`, why a trial failed.
        """
        errors = np.array([trial.error for trial in self.trials], dtype=float)
        columns = {
            "trial": [trial.number for trial in self.trials],
            "state": [trial.state for trial in self.trials],
            "error": errors,
            "best": np.fmin.accumulate(errors),
            "seconds": [trial.seconds for trial in self.trials],
        }
        for name in self.default.options:
            columns[name] = [trial.options[name] for trial in self.trials]
        return pd.DataFrame({**columns, "problem": [trial.problem for trial in self.trials]})

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "measure": self.measure,
            "naive_error": self.naive_error,
            "horizon": self.horizon,
            "cutoffs": self.cutoffs,
            "ended": self.ended,
            "best": self.best.number,
            "options": self.options,
            "trials": [asdict(trial) for trial in self.trials],
        }

    def sentences(self) -> Iterator[str]:
        """What was chosen, and what it is worth, in words."""
        best, default = self.best, self.default
        tried = f"{count_trials(len(self.trials))}{ENDINGS[self.ended]}"
        if best.is_default:
            yield (
                f"The default options are the best of {tried}: {self.measure} {best.error:.3g} "
                f"(seasonal naive {self.naive_error:.3g})."
            )
        else:
            yield (
                f"The best of {tried}: trial {best.number}, {self.measure} {best.error:.3g} "
                f"(default options {default.error:.3g}, seasonal naive {self.naive_error:.3g})."
            )
            yield f"  {in_words(best.options)}"
        if counts := self._others():
            yield f"  {counts}"
        yield self._test()

    def _others(self) -> str:
        """How many trials were not complete, in words."""
        states = [trial.state for trial in self.trials]
        pruned, failed = states.count("pruned"), states.count("failed")
        parts = [f"{pruned} pruned, since others were better by then"] if pruned else []
        if failed:
            problem = next(trial.problem for trial in self.trials if trial.problem)
            parts.append(f"{failed} failed (the first: {problem})")
        return "; ".join(parts)

    def _test(self) -> str:
        """What the choice is worth on rows that have chosen nothing."""
        best, default = self.best.test_error, self.default.test_error
        steps = "last step" if self.horizon == 1 else f"last {self.horizon} steps"
        if best is None or default is None:
            return (
                f"No value is observed in the {steps}: the error of the best of several trials is "
                "optimistic, and nothing is left to check it."
            )
        rows = f"On the {steps}, by which nothing was chosen"
        if self.best.is_default:
            return f"{rows}, the {self.measure} is {best:.3g}."
        errors = f"({best:.3g} against {default:.3g})"
        if best < (1 - MIN_RELATIVE_GAIN) * default:
            change = f"{1 - best / default:.0%} below that of the default options {errors}"
            return f"{rows}, the {self.measure} is {change}."
        relation = "no better than"
        if best > (1 + MIN_RELATIVE_GAIN) * default > 0:
            relation = f"{best / default - 1:.0%} above"
        return (
            f"{rows}, the {self.measure} is {relation} that of the default options {errors}: the "
            "gain in the trials may be chance."
        )

    def plot(self) -> Figure:
        """Draw the error of each trial, and the smallest one so far, see `forecast.plotting`.

        Returns:
            A figure of matplotlib, which a notebook shows; `savefig` writes it.
        """
        from forecast.plotting import TrialErrors, plot_tuning

        return plot_tuning(
            TrialErrors(
                numbers=self.table["trial"].to_numpy(),
                errors=self.table["error"].to_numpy(),
                best=self.table["best"].to_numpy(),
                pruned=(self.table["state"] == "pruned").to_numpy(),
                failed=(self.table["state"] == "failed").to_numpy(),
                naive=self.naive_error,
                measure=self.measure,
                horizon=self.horizon,
            )
        )


def count_trials(count: int) -> str:
    """So many trials, in words."""
    return "1 trial" if count == 1 else f"{count:,} trials"


def in_words(options: Mapping[str, Any]) -> str:
    """Options with their values; numbers with three significant digits."""
    return ", ".join(f"{name}={_shown(value)}" for name, value in options.items())


def _shown(value: Any) -> str:
    if value is None:
        return "default"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
