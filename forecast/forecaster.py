"""`Forecaster`: the options of a training, as a scikit-learn estimator."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from forecast.backtest import Backtest
from forecast.data.panel import Panel
from forecast.data.to_panel import to_panel
from forecast.errors import TRAINING_NEEDS, ForecastWarning, first_few, require_whole
from forecast.evaluation.cutoff_forecasts import CutoffForecasts
from forecast.evaluation.rolling_origin import (
    DEFAULT_CUTOFFS,
    history_before,
    missing_notes,
    place_cutoffs,
    refuse_too_short,
    roll,
)
from forecast.evaluation.scoring import score
from forecast.fitting import candidate, fit
from forecast.inference.forecast import Forecast
from forecast.inference.plausibility import unpractised_steps
from forecast.inference.predictor import Predictor
from forecast.model import Model
from forecast.training.options import (
    ColumnOptions,
    TrainingOptions,
    check_options,
    column_names,
    seconds,
    with_option_docs,
)
from forecast.tuning.best_options import (
    DEFAULT_BUDGET as DEFAULT_TUNING_BUDGET,
)
from forecast.tuning.best_options import (
    DEFAULT_TRIALS,
    TuningRequest,
    divide,
    find_best_options,
)
from forecast.tuning.rolling_error import DEFAULT_CUTOFFS as DEFAULT_TUNING_CUTOFFS

try:
    from sklearn.base import BaseEstimator, clone
    from sklearn.utils.validation import check_is_fitted
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        f"a Forecaster trains, and {TRAINING_NEEDS}", name="sklearn"
    ) from missing

if TYPE_CHECKING:
    import pandas as pd

    from forecast.training.progress import Progress
    from forecast.tuning.search import AtRound
    from forecast.tuning.tuning_result import Trial, Tuning


@dataclass(kw_only=True, repr=False, eq=False)
class Forecaster(TrainingOptions, ColumnOptions, BaseEstimator):  # type: ignore[misc]  # untyped
    """Trains a recurrent network on a table of time series, and forecasts any number of steps.

    The arguments are the fields of `ColumnOptions` and `TrainingOptions`. Every argument that is
    None is chosen from the data; `model_.record` says what was chosen.

    Attributes:
        model_: the fitted `Model`.
        tuning_: after `tune`, the `Tuning`.

    Example:
        >>> from forecast import Forecaster
        >>> from forecast.datasets import load
        >>> table = load("air_passengers")
        >>> forecaster = Forecaster(steps=20, seed=1).fit(table)
        >>> forecaster.predict(2).columns.tolist()
        ['ds', 'forecast']
    """

    __doc__ = with_option_docs(__doc__, ColumnOptions, TrainingOptions)

    def fit(
        self,
        X: Any,  # noqa: N803 - scikit-learn's name
        y: None = None,  # noqa: ARG002 - scikit-learn's signature; the target is in the table
        *,
        progress: Callable[[Progress], None] | None = None,
    ) -> Forecaster:
        """Train on a table: long, wide, a Series, or indexed by (id, time); of pandas or Polars.

        Args:
            X: the table, or a `Panel` made of one.
            y: not used.
            progress: called after each round of gradient steps.

        Returns:
            The forecaster, with `model_`.

        Raises:
            DataError: if the table cannot be used.
            OptionError: if an option is out of range, or does not fit the data.
            ForecastError: if training diverged.
            KeyboardInterrupt: if interrupted before the first step was done; later an interrupt
                keeps the best weights so far.
        """
        self.check()
        panel = X.drop_unobserved() if isinstance(X, Panel) else self._panel(X)
        if not self.is_trained:
            self.model_ = Model.untrained(panel, self.season, self.bounds, members=self.members)
            return self
        self.model_ = fit(self, panel, seconds(self.budget), progress)
        return self

    def tune(
        self,
        X: Any,  # noqa: N803 - scikit-learn's name
        trials: int = DEFAULT_TRIALS,
        *,
        space: Mapping[str, Any] | None = None,
        horizon: int | None = None,
        cutoffs: int = DEFAULT_TUNING_CUTOFFS,
        stride: int | None = None,
        budget: str | float = DEFAULT_TUNING_BUDGET,
        storage: str | Path | None = None,
        prune: bool = True,
        progress: Callable[[Progress], None] | None = None,
        on_trial: Callable[[Trial, Tuning], None] | None = None,
        on_search: Callable[[Tuning], None] | None = None,
    ) -> Forecaster:
        """Choose options by the error of forecasts, set them, and train with them on all rows.

        Every trial is trained on the rows before the first cutoff, and forecasts from some of the
        last cutoffs, the same for all; the first trial has the default options. The last rows, as
        many as a forecast has steps, choose nothing: they show what the choice is worth. Options
        that are set stay as they are. Needs the extra forecast-rollout[tune].

        Args:
            X: a table as `fit` takes it.
            trials: how many at most.
            space: what to try, instead of a choice that suits the table: by the name of an option
                a list of values, or a pair (low, high) of numbers.
            horizon: steps of each forecast H; by default the holdout of the default options.
            cutoffs: how many choose.
            stride: rows from one cutoff to the next; by default the horizon, or fewer where more
                than a third of the rows would lie behind the first cutoff.
            budget: time limit of all, such as "20m". Each trial may take an equal part, at most
                the option `budget`, and what is left goes into the training on all rows.
            storage: file that keeps the trials, and from which a later call goes on.
            prune: end trials early whose error is above the median of the others'.
            progress: called after each round of gradient steps.
            on_trial: called after each trial, with all there are by then.
            on_search: called before the training on all rows.

        Returns:
            The forecaster, with the chosen options, `tuning_` and `model_`.

        Raises:
            DataError: if the table cannot be used, or is too short.
            OptionError: if an option is out of range, or does not fit the data.
            ArtifactError: if the storage cannot be used.
            ForecastError: if Optuna is not installed, or training diverged.
            KeyboardInterrupt: if interrupted before the first trial was complete; later an
                interrupt ends the trials, and another one the training on all rows.

        Example:
            >>> from forecast import Forecaster
            >>> from forecast.datasets import load
            >>> forecaster = Forecaster(steps=2, seed=1)
            >>> forecaster = forecaster.tune(load("air_passengers"), space={"units": [4, 8]})
            >>> len(forecaster.tuning_.trials), forecaster.predict(2).columns.tolist()
            (3, ['ds', 'forecast'])
        """
        started = time.monotonic()
        self.check()
        request = TuningRequest(trials, space, horizon, cutoffs, stride, budget, storage, prune)
        request.check(self)
        panel = X.drop_unobserved() if isinstance(X, Panel) else self._panel(X)
        rows = divide(self, panel, request)

        def train(options: Mapping[str, Any], limit: float, at_round: AtRound) -> Predictor:
            chosen = clone(self).set_params(**options)
            chosen.check()
            return candidate(chosen, rows.history, limit, progress, at_round)

        self.tuning_ = find_best_options(self, panel, request, train, rows, on_trial)
        self.set_params(**self.tuning_.options)
        if on_search:
            on_search(self.tuning_)
        left = seconds(budget) - (time.monotonic() - started)
        limit = min(max(left, request.share), seconds(self.budget))
        self.model_ = fit(self, panel, limit, progress)
        return self

    def predict(self, *given: Any, **options: Any) -> pd.DataFrame:
        """Forecast the next steps; horizon, history and options are those of `Model.predict`."""
        check_is_fitted(self)
        return self.model_.predict(*given, **options)

    def rollout(self, horizon: int, history: Any = None, **options: Any) -> Forecast:
        """Forecast with sample paths and the state after, see `Model.rollout`."""
        check_is_fitted(self)
        return self.model_.rollout(horizon, history, **options)

    def score(self, X: Any, y: None = None) -> float:  # noqa: ARG002, N803 - scikit-learn's names
        """How good the rollout over the next rows is, at most 0; see `evaluation.scoring.score`.

        Args:
            X: the rows that follow those of the fit, with their targets, which the rollout does
                not see, and their known columns, which it does.
            y: not used.

        Returns:
            Minus the mean absolute error as a share of the range of each series.
        """
        check_is_fitted(self)
        return score(self.model_, X)

    def backtest(
        self,
        X: Any,  # noqa: N803 - scikit-learn's name
        horizon: int,
        cutoffs: int = DEFAULT_CUTOFFS,
        *,
        stride: int | None = None,
        refit: int | None = None,
        levels: float | Sequence[float] | None = None,
        baselines: Sequence[str] | None = None,
        target: str | None = None,
        carry: bool = False,
        progress: Callable[[Progress], None] | None = None,
    ) -> Backtest:
        """Train on the rows before the first cutoff, and forecast from each, next to the actuals.

        With 0 steps nothing is trained: these rows then calibrate the intervals of the pretrained
        network. `model_` is afterwards that of the last training.

        Args:
            X: a table as `fit` takes it.
            horizon, cutoffs, levels, baselines, target, carry: see `Model.backtest`.
            stride: rows from one cutoff to the next; by default the horizon, or fewer where more
                than a third of the rows would lie behind the first cutoff.
            refit: refit every N cutoffs; by default at the first one only.
            progress: called after each round of gradient steps.

        Raises:
            DataError: if the table cannot be used, or is too short.
            OptionError: if an option is out of range, or does not fit the data.
            ForecastError: if training diverged, or values are not finite.

        Example:
            >>> from forecast import Forecaster
            >>> from forecast.datasets import load
            >>> Forecaster(steps=2).backtest(load("air_passengers"), horizon=12, cutoffs=3)
            Backtest(3 forecasts of 12 steps: 3 cutoffs, 1 series; forecast, naive, ...)
        """
        self.check()
        panel = X.drop_unobserved() if isinstance(X, Panel) else self._panel(X)
        longest = int(panel.lengths.max())
        rows_after = place_cutoffs(longest // 3, horizon, cutoffs, stride)
        refuse_too_short(panel, rows_after)
        if refit is not None:
            require_whole("refit", refit, 1)
        parts: list[CutoffForecasts] = []
        for first in range(0, len(rows_after), refit or len(rows_after)):
            group = rows_after[first : first + (refit or len(rows_after))]
            self.fit(history_before(panel, int(group[0])), progress=progress)
            part = roll(
                self.model_,
                panel,
                horizon,
                group,
                levels=levels,
                baselines=baselines,
                target=target,
                carry=carry,
                n_cutoffs=len(rows_after),
            )
            parts.append(part)
        backtest = Backtest.join(parts)
        notes = unpractised_steps(self.model_.config, horizon)
        missing = missing_notes(backtest, panel, len(rows_after))
        return Backtest.join([backtest], (*notes, *missing))

    def update(self, new_rows: Any, *, fill_gaps: bool = False) -> Forecaster:
        """Take the next rows in without training: `model_` keeps the state after them.

        Args:
            new_rows: see `Model.observe`.
            fill_gaps: whether rows may be missing.

        Returns:
            The forecaster.

        Raises:
            DataError: if the rows are not the next ones, or cannot be used.
        """
        check_is_fitted(self)
        self.model_ = self.model_.update(new_rows, fill_gaps=fill_gaps)
        return self

    def check(self) -> None:
        """Raise OptionError for the first option that is out of range."""
        check_options(self)

    def _panel(self, table: Any) -> Panel:
        """The series of a table that have values; a warning names the others."""
        panel = to_panel(
            table,
            id=self.id,
            time=self.time,
            target=self.target,
            also=column_names(self.also, "also"),
            known=column_names(self.known),
            static=column_names(self.static),
            frequency=self.frequency,
            decimal=self.decimal,
            date_format=self.date_format,
        )
        kept = panel.drop_unobserved()
        empty = np.setdiff1d(panel.ids, kept.ids)
        if len(empty):
            warnings.warn(
                f"series without any value are left out: {first_few(empty)}",
                ForecastWarning,
                stacklevel=3,
            )
        return kept
