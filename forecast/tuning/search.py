"""The search: trial after trial, each a training and its error, within a time budget."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from forecast.errors import ForecastError
from forecast.inference.predictor import Predictor
from forecast.tuning.rolling_error import TuningRows
from forecast.tuning.study import RUNGS, RunningTrial, Study
from forecast.tuning.tuning_result import Trial, Tuning, TuningEnding

AtRound = Callable[[float, Callable[[], Predictor]], None]  # takes the share of the training that
# is done, and what gives the network by then; called after each round
Train = Callable[[Mapping[str, Any], float, AtRound], Predictor]  # takes options and seconds
OnTrial = Callable[[Trial, Tuning], None]


class Pruned(Exception):  # noqa: N818 - it is no error
    """Ends the training of a trial, since others were better by then."""


class TimeLimits(NamedTuple):
    """How the time is shared.

    Attributes:
        total: seconds of all trials and of the training after them.
        training: seconds that the training of one trial may take.
    """

    total: float
    training: float


@dataclass(frozen=True)
class Search:
    """A search for the options of the smallest error.

    Attributes:
        train: trains a candidate on the history; raises KeyboardInterrupt where it is interrupted.
        rows: that measure its error.
        study: the trials.
        trials: how many there may be in all, those of an earlier run included.
        limits: of time.
        prunes: whether trials may end early.
        clock: the time in seconds.
    """

    train: Train
    rows: TuningRows
    study: Study
    trials: int
    limits: TimeLimits
    prunes: bool = True
    clock: Callable[[], float] = time.monotonic

    def run(self, default: Mapping[str, Any], on_trial: OnTrial | None = None) -> Tuning:
        """Try the default options, and then others.

        Args:
            default: what the default options come to, for the first trial.
            on_trial: called after each trial, with all there are by then.

        Returns:
            The trials, those of an earlier run included.

        Raises:
            KeyboardInterrupt: if interrupted before the first trial was complete; later an
                interrupt ends the search.
            ForecastError: if the default options cannot be used.
        """
        try:
            ended = self._run(default, on_trial)
        except KeyboardInterrupt:
            if not self.study.trials:
                raise
            ended = "interrupted"
        finally:
            self.study.abandon()
        return self._result(ended)

    def _run(self, default: Mapping[str, Any], on_trial: OnTrial | None) -> TuningEnding:
        """All trials; returns why there are no more."""
        started = self.clock()
        if not self.study.trials:
            self._end(self.study.begin(default), {}, on_trial)
        while len(self.study.trials) < self.trials:
            spent = self.clock() - started
            if spent + 2 * self.limits.training > self.limits.total:  # this one and the last one
                return "budget"
            trial = self.study.propose(self.trials)
            if trial is None:
                return "combinations"
            self._end(trial, trial.options, on_trial)
        return "trials"

    def _end(
        self, trial: RunningTrial, options: Mapping[str, Any], on_trial: OnTrial | None
    ) -> None:
        """Bring a trial to its end, and report it; options are those to set for its training."""
        twins = [ended for ended in self.study.trials if ended.options == trial.options]
        if twins:
            trial.end_like(twins[0])
        else:
            self._train_and_measure(trial, options)
        if on_trial:
            tuning = self._result("trials")
            on_trial(tuning.trials[-1], tuning)

    def _train_and_measure(self, trial: RunningTrial, options: Mapping[str, Any]) -> None:
        """Train a candidate and note its errors, or why there are none."""
        started = self.clock()
        is_first = not self.study.trials
        try:
            predictor = self.train(options, self.limits.training, self._pruner(trial))
            error = self.rows.error(predictor)
            test_error = self.rows.test_error(predictor)
        except Pruned:
            trial.prune(self.clock() - started)
        except ForecastError as problem:
            if is_first:
                raise  # the table is at fault, or an option that all trials share
            trial.fail(str(problem), self.clock() - started)
        else:
            if is_first:
                self.study.note_reference(error.naive, error.measure)
            trial.complete(error.model, test_error, self.clock() - started)

    def _pruner(self, trial: RunningTrial) -> AtRound:
        """Measures the error of a network in training after each of the RUNGS."""
        passed = 0

        def look(share: float, network: Callable[[], Predictor]) -> None:
            nonlocal passed
            reached = sum(share >= rung for rung in RUNGS)
            if not self.prunes or reached == passed or share >= 1.0:
                return
            passed = reached
            if trial.is_worse(reached, self.rows.error(network()).model):
                raise Pruned

        return look

    def _result(self, ended: TuningEnding) -> Tuning:
        """All trials by now."""
        naive_error, measure = self.study.reference
        return Tuning(
            trials=self.study.trials,
            measure=measure,
            naive_error=naive_error,
            horizon=self.rows.horizon,
            cutoffs=len(self.rows.rows_after),
            ended=ended,
        )
