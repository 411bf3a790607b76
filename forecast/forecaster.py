"""`Forecaster`: the options of a training, as a scikit-learn estimator."""

from __future__ import annotations

import gc
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from forecast._version import __version__
from forecast.backtest import Backtest
from forecast.data import covariates
from forecast.data.panel import Panel
from forecast.data.to_panel import to_panel
from forecast.errors import ForecastError, ForecastWarning, first_few, require_whole
from forecast.evaluation.combination import combined
from forecast.evaluation.cutoff_forecasts import CutoffForecasts
from forecast.evaluation.holdout import HoldoutResults, evaluate_holdout
from forecast.evaluation.rolling_origin import (
    DEFAULT_CUTOFFS,
    history_before,
    missing_notes,
    place_cutoffs,
    refuse_too_short,
    roll,
)
from forecast.evaluation.scoring import score
from forecast.inference.config import Config
from forecast.inference.forecast import Forecast
from forecast.inference.members import Core
from forecast.inference.plausibility import unpractised_steps
from forecast.inference.predictor import Predictor
from forecast.inference.preprocess import step_features, transformed
from forecast.inference.theta_member import ThetaMember
from forecast.model import Model
from forecast.pretrained.fine_tuning import choose_fine_tuning, first_weights, histories
from forecast.pretrained.zero_shot import pretrained_member
from forecast.training.histories import Histories
from forecast.training.options import (
    ColumnOptions,
    TrainingOptions,
    check_options,
    column_names,
    seconds,
    with_option_docs,
)
from forecast.training.plan import Choices, Plan, choose
from forecast.training.windows import Windows
from forecast.training_record import TrainingRecord
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

if TYPE_CHECKING:
    import pandas as pd

    from forecast.training.fit import Fitted
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
        self.model_ = _fit(self, panel, seconds(self.budget), progress)
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
            return _candidate(chosen, rows.history, limit, progress, at_round)

        self.tuning_ = find_best_options(self, panel, request, train, rows, on_trial)
        self.set_params(**self.tuning_.options)
        if on_search:
            on_search(self.tuning_)
        left = seconds(budget) - (time.monotonic() - started)
        limit = min(max(left, request.share), seconds(self.budget))
        self.model_ = _fit(self, panel, limit, progress)
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


def _fit(
    options: Forecaster,
    panel: Panel,
    budget: float,
    progress: Callable[[Progress], None] | None,
) -> Model:
    """A model trained with some options on all rows of a panel, for at most so many seconds."""
    config, plan = settled = _settled(options, panel)
    fitted = _train(options, panel, settled, budget, progress)
    core = _with_members(panel, Core(config, fitted.weights), plan)
    results = evaluate_holdout(panel, core, plan.holdout)
    predictor = Predictor.after(panel, core)
    return Model(
        *core.parts,
        state=predictor.state,
        calibration=results.calibration,
        record=_record(panel, plan, fitted, results),
    )


def _settled(options: Forecaster, panel: Panel) -> Choices:
    """All that the options leave open, by what the training starts from."""
    is_tuned = options.start == "pretrained"
    return choose_fine_tuning(options, panel) if is_tuned else choose(options, panel)


def _candidate(
    options: Forecaster,
    panel: Panel,
    budget: float,
    progress: Callable[[Progress], None] | None,
    at_round: AtRound,
) -> Predictor:
    """A network trained with some options, whose errors are all that is wanted of it.

    Raises:
        KeyboardInterrupt: if the training was interrupted.
    """
    settled = _settled(options, panel)

    def inspect(now: Progress, weights: Callable[[], dict[str, np.ndarray]]) -> None:
        network = lambda: Predictor.after(panel, Core(settled.config, weights()))  # noqa: E731
        at_round(now.step / now.steps, network)

    fitted = _train(options, panel, settled, budget, progress, inspect)
    if fitted.ended == "interrupted":
        raise KeyboardInterrupt
    core = Core(settled.config, fitted.weights)
    return Predictor.after(panel, _with_members(panel, core, settled.plan))


def _train(
    options: Forecaster,
    panel: Panel,
    settled: Choices,
    budget: float,
    progress: Callable[[Progress], None] | None,
    inspect: Callable[[Progress, Callable[[], dict[str, np.ndarray]]], None] | None = None,
) -> Fitted:
    """One training; see `training.fit.fit`."""
    from forecast.training.fit import fit  # TensorFlow is imported here and not before

    config, plan = settled
    windows, start = _windows(panel, config, plan), None
    source: Windows | Histories = windows
    if plan.starts_pretrained:
        source, start = histories(windows, config, plan), first_weights(config)
    try:
        fitted = fit(config, plan, source, int(options.seed), budget, progress, inspect, start)
    finally:
        gc.collect()  # Keras leaves its model and its open iterator over the batches in a cycle
    _refuse_useless(fitted)
    return fitted


def _with_members(panel: Panel, core: Core, plan: Plan) -> Core:
    """A trained network with the further members that are asked for and worth their time."""
    if plan.members == 1:
        return core
    season = core.config.season
    others = (pretrained_member(panel, season), ThetaMember(season))[: plan.members - 1]
    return combined(panel, core, others, plan.holdout)


def _windows(panel: Panel, config: Config, plan: Plan) -> Windows:
    """The training windows of a panel."""
    static = covariates.encode(panel.static, config.static, len(panel.ids))
    return Windows(
        target=transformed(panel, config.powers),
        step_features=step_features(panel, config, static),
        indptr=panel.indptr,
        lags=config.lags,
        context=config.context,
        window_length=plan.window_length,
        counts=config.counts,
        measure=config.measure,
    )


def _record(panel: Panel, plan: Plan, fitted: Fitted, results: HoldoutResults) -> TrainingRecord:
    """How a training went."""
    comparisons = results.comparisons or {}
    target, *also = panel.schema.targets
    return TrainingRecord(
        library=__version__,
        series=len(panel.ids),
        rows=int(panel.indptr[-1]),
        last=int(panel.ordinals.max()),
        plan=plan,
        rounds=fitted.rounds,
        ended=fitted.ended,
        kept_step=fitted.kept_step,
        phases=fitted.phases,
        phase_starts=fitted.phase_starts,
        comparison=comparisons.get(target),
        also={name: comparisons.get(name) for name in also},
        exposure=results.exposure,
        coverage=results.coverage,
        notes=panel.notes,
        changes=fitted.changes,
    )


def _refuse_useless(fitted: Fitted) -> None:
    """Raise where training has not led to weights that can be used."""
    if not fitted.rounds:  # interrupted before the first step was done
        raise KeyboardInterrupt
    if not all(np.isfinite(part).all() for part in fitted.weights.values()):
        raise ForecastError(
            "training diverged: the weights are not finite; choose a smaller --learning-rate, or "
            "correct values that lie far outside the others"
        )
