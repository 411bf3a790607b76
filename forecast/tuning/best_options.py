"""From a request to the best options: rows, space, storage and time limits of a search."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from forecast.data.panel import Panel
from forecast.errors import DataError, OptionError, require_whole
from forecast.training.options import TrainingOptions, seconds
from forecast.training.plan import choose
from forecast.tuning.default_space import default_space, default_values
from forecast.tuning.rolling_error import DEFAULT_CUTOFFS, TuningRows, tuning_rows
from forecast.tuning.search import OnTrial, Search, TimeLimits, Train
from forecast.tuning.space import Space, as_json, to_space
from forecast.tuning.study import Study, opened, package
from forecast.tuning.tuning_result import Tuning

DEFAULT_TRIALS = 30
DEFAULT_BUDGET = "20m"
MIN_SECONDS = 5.0  # of a training: in less time most of it goes into preparing


@dataclass(frozen=True)
class TuningRequest:
    """What is asked of a tuning.

    Attributes:
        trials: how many at most, those of an earlier run in the same storage included.
        space: by the name of an option what to try of it, see `space.to_space`; None for
            `default_space`.
        horizon: steps of each forecast; None for the holdout of the default options.
        cutoffs: how many choose.
        stride: rows from one to the next; None for the horizon, or fewer where rows are few.
        budget: time of all, the training on all rows included, in seconds or as text.
        storage: a file that keeps the trials; None for memory.
        prune: whether trials end early where others are better.
    """

    trials: int = DEFAULT_TRIALS
    space: Mapping[str, Any] | None = None
    horizon: int | None = None
    cutoffs: int = DEFAULT_CUTOFFS
    stride: int | None = None
    budget: str | float = DEFAULT_BUDGET
    storage: str | Path | None = None
    prune: bool = True

    def check(self, options: TrainingOptions) -> None:
        """Raise for what cannot be done, before anything is read or trained.

        Raises:
            OptionError: for the first entry that is out of range.
            ForecastError: if Optuna is not installed.
        """
        package()
        require_whole("trials", self.trials, 1)
        share = self.share
        if share < MIN_SECONDS:
            raise OptionError(
                f"budget is {self.budget!r}: {share:.3g} s for each of {self.trials} trials and "
                f"the training after them, which need at least {MIN_SECONDS:.0f} s each; give a "
                "longer --budget or fewer --trials"
            )
        if not options.is_trained:
            raise OptionError(
                "steps is 0: the pretrained network forecasts as it is, so there is nothing to "
                "tune; leave --steps out"
            )
        if self.space is not None:
            to_space(self.space, options)

    @property
    def share(self) -> float:
        """Seconds of each trial and of the training on all rows."""
        return seconds(self.budget) / (self.trials + 1)


def find_best_options(
    options: TrainingOptions,
    panel: Panel,
    request: TuningRequest,
    train: Train,
    rows: TuningRows,
    on_trial: OnTrial | None = None,
) -> Tuning:
    """Search for the options of the smallest rolling-origin error.

    Args:
        options: of the training; those that are set stay.
        panel: all rows.
        request: what is asked, already checked.
        train: trains a candidate on `rows.history`.
        rows: see `divide`.
        on_trial: called after each trial, with all there are by then.

    Raises:
        DataError, OptionError, ForecastError: if the default options cannot be used on the rows.
        ArtifactError: if the storage cannot be used, or has trials of something else.
        KeyboardInterrupt: if interrupted before the first trial was complete.
    """
    settled = choose(options, rows.history)
    if request.space is None:
        space = default_space(options, rows.history, settled)
    else:
        space = to_space(request.space, options)
    setup = _setup(options, panel, space, rows)
    with opened(request.storage, setup, space, int(options.seed)) as study:
        limits = _limits(options, request, study)
        search = Search(train, rows, study, request.trials, limits, request.prune)
        return search.run(default_values(options, settled, space), on_trial)


def divide(options: TrainingOptions, panel: Panel, request: TuningRequest) -> TuningRows:
    """Divide the rows of a panel, and see that the default options can be trained on the first.

    Raises:
        DataError: if there are too few.
        OptionError: if a number is out of range, or an option does not fit the data.
    """
    horizon = request.horizon
    if horizon is None:
        plan = choose(options, panel).plan
        horizon = plan.holdout or plan.train_horizon
    rows = tuning_rows(panel, horizon, request.cutoffs, request.stride, int(options.seed))
    try:
        choose(options, rows.history)
    except DataError as problem:
        raise DataError(
            f"{problem}; the last {rows.rows_after[0]} rows of each series are needed for the "
            "choice: ask for fewer --cutoffs, or a smaller --stride or --horizon"
        ) from None
    return rows


def _limits(options: TrainingOptions, request: TuningRequest, study: Study) -> TimeLimits:
    """How the time is shared: the same for the training of every trial, now and in later runs."""
    training = study.limit(min(request.share, seconds(options.budget)))
    return TimeLimits(seconds(request.budget), training)


def _setup(
    options: TrainingOptions, panel: Panel, space: Space, rows: TuningRows
) -> dict[str, Any]:
    """What must be the same for all trials, by what a message calls it."""
    fixed = {
        entry.name: str(getattr(options, entry.name))
        for entry in fields(options)
        if entry.name not in ("seed", "budget") and entry.name not in space
    }
    return {
        "table": _digest(panel),
        "options": fixed,
        "space": as_json(space),
        "horizon": rows.horizon,
        "cutoffs": rows.rows_after.tolist(),
        "seed": int(options.seed),
    }


def _digest(panel: Panel) -> str:
    """A hash of the rows of a panel."""
    digest = hashlib.blake2b(repr((panel.ids.tolist(), panel.frequency)).encode(), digest_size=16)
    covariates = (panel.known.values, panel.static.values)
    for part in (panel.indptr, panel.start, panel.target, *covariates):
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()
