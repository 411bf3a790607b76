"""From the options of a training to a model: train, add members, look at held-out rows."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from forecast._version import __version__
from forecast.data import covariates
from forecast.data.panel import Panel
from forecast.errors import ForecastError
from forecast.evaluation.combination import combined
from forecast.evaluation.holdout import HoldoutResults, evaluate_holdout
from forecast.inference.config import Config
from forecast.inference.conformal import Calibration
from forecast.inference.members import Core
from forecast.inference.predictor import Predictor
from forecast.inference.preprocess import step_features, transformed
from forecast.inference.theta_member import ThetaMember
from forecast.model import Model
from forecast.pretrained.fine_tuning import choose_fine_tuning, histories, starts_pretrained
from forecast.pretrained.first_weights import first_start
from forecast.pretrained.zero_shot import pretrained_member, shipped, with_theta
from forecast.training.histories import Histories
from forecast.training.options import TrainingOptions
from forecast.training.plan import Choices, Plan, choose
from forecast.training.windows import Windows
from forecast.training_record import TrainingRecord

if TYPE_CHECKING:
    from forecast.training.fit import Fitted
    from forecast.training.progress import Progress
    from forecast.tuning.search import AtRound

LARGEST_WEIGHT = 1e6  # of a network that can be used: beyond it every gate is open or shut

Listener = Callable[["Progress"], None] | None
Inspect = Callable[["Progress", Callable[[], dict[str, np.ndarray]]], None]  # and the weights


class Trained(NamedTuple):
    """A training that is done.

    Attributes:
        settled: what the options left open.
        fitted: how it went.
        judged: the model that has not seen the held-out rows.
        core: the model that is kept; the same, or trained again on all rows.
        steps_on_all_rows: gradient steps of the latter training; 0 if there was none.
    """

    settled: Choices
    fitted: Fitted
    judged: Core
    core: Core
    steps_on_all_rows: int = 0


def fit(options: TrainingOptions, panel: Panel, budget: float, progress: Listener) -> Model:
    """A model trained with some options on all rows of a panel, for at most so many seconds.

    Held-out rows choose and calibrate. A training from the pretrained network, which is short,
    is then repeated on all rows, for as many steps.

    Args:
        options: of the training.
        panel: its rows.
        budget: seconds.
        progress: called after each round of gradient steps.
    """
    started = time.monotonic()
    trained = _train_first(options, panel, settle(options, panel), budget, progress)
    left = budget - (time.monotonic() - started)
    with suppress(KeyboardInterrupt):  # the first training is worth more than nothing
        trained = _repeated(options, panel, trained, left, progress)
    plan, fitted = trained.settled.plan, trained.fitted
    expected = _expected_errors(trained.settled.config)
    results = evaluate_holdout(panel, trained.judged, plan.holdout, expected)
    predictor = Predictor.after(panel, trained.core)
    return Model(
        *trained.core.parts,
        state=predictor.state,
        calibration=results.calibration,
        record=_record(panel, plan, fitted, results, trained.steps_on_all_rows),
    )


def candidate(
    options: TrainingOptions, panel: Panel, budget: float, progress: Listener, at_round: AtRound
) -> Predictor:
    """A network trained with some options, whose errors are all that is wanted of it.

    Raises:
        KeyboardInterrupt: if the training was interrupted.
    """
    settled, started = settle(options, panel), time.monotonic()

    def inspect(now: Progress, weights: Callable[[], dict[str, np.ndarray]]) -> None:
        network = lambda: Predictor.after(panel, Core(settled.config, weights()))  # noqa: E731
        at_round(now.step / now.steps, network)

    trained = _train_first(options, panel, settled, budget, progress, inspect)
    if trained.fitted.ended == "interrupted":
        raise KeyboardInterrupt
    left = budget - (time.monotonic() - started)
    return Predictor.after(panel, _repeated(options, panel, trained, left, progress).core)


def settle(options: TrainingOptions, panel: Panel) -> Choices:
    """All that the options leave open, by what the training starts from."""
    is_tuned = starts_pretrained(options, panel)
    return choose_fine_tuning(options, panel) if is_tuned else choose(options, panel)


def windows_of(panel: Panel, config: Config, plan: Plan) -> Windows | Histories:
    """The training windows of a panel."""
    static = covariates.encode(panel.static, config.static, len(panel.ids))
    windows = Windows(
        target=transformed(panel, config.powers),
        step_features=step_features(panel, config, static),
        indptr=panel.indptr,
        lags=config.lags,
        context=config.context,
        window_length=plan.window_length,
        counts=config.counts,
        measure=config.measure,
    )
    return histories(windows, config, plan) if plan.starts_pretrained else windows


def _train_first(
    options: TrainingOptions,
    panel: Panel,
    settled: Choices,
    budget: float,
    progress: Listener,
    inspect: Inspect | None = None,
) -> Trained:
    """The training that leaves the held-out rows alone; a repetition needs half of the time."""
    config, plan = settled
    share = 2 if _is_repeated(plan) else 1
    fitted = _train(options, panel, settled, budget / share, progress, inspect)
    core = _with_members(panel, Core(config, fitted.weights), plan)
    return Trained(settled, fitted, core, core)


def _is_repeated(plan: Plan) -> bool:
    """Whether a training is to be repeated on all rows."""
    return plan.starts_pretrained and plan.holdout > 0


def _repeated(
    options: TrainingOptions, panel: Panel, trained: Trained, budget: float, progress: Listener
) -> Trained:
    """The same training on all rows, where that is planned and there is time for all steps."""
    (config, plan), fitted = trained.settled, trained.fitted
    if not _is_repeated(plan) or not fitted.kept_step or fitted.ended != "planned":
        return trained
    again = Choices(config, replace(plan, holdout=0, steps=fitted.kept_step))
    last = _train(options, panel, again, budget, progress)
    if last.ended == "interrupted":
        raise KeyboardInterrupt
    if last.ended != "planned":
        return trained
    core = replace(trained.core, weights=last.weights)
    return trained._replace(core=core, steps_on_all_rows=fitted.kept_step)


def _train(
    options: TrainingOptions,
    panel: Panel,
    settled: Choices,
    budget: float,
    progress: Listener,
    inspect: Inspect | None = None,
) -> Fitted:
    """One training; see `training.fit.fit`."""
    from forecast.training.fit import fit as train  # TensorFlow is imported here and not before

    config, plan = settled
    windows = windows_of(panel, config, plan)
    start = first_start(config) if plan.starts_pretrained else None
    seed = int(options.seed)
    try:
        fitted = train(config, plan, windows, seed, budget, progress, inspect, start)
    finally:
        gc.collect()  # Keras leaves its model and its open iterator over the batches in a cycle
    _refuse_useless(fitted)
    return fitted


def _with_members(panel: Panel, core: Core, plan: Plan) -> Core:
    """A trained network with the further members that are asked for and worth their time."""
    if plan.members == 1:
        return core
    if plan.starts_pretrained and plan.members == 2:
        return with_theta(core)
    season = core.config.season
    others = (pretrained_member(panel, season), ThetaMember(season))[: plan.members - 1]
    return combined(panel, core, others, plan.holdout)


def _expected_errors(config: Config) -> Calibration | None:
    """What a network that started from the pretrained one may be expected to err by."""
    is_like_it = config.direct and config.targets == 1
    return shipped().calibration if is_like_it else None


def _record(
    panel: Panel, plan: Plan, fitted: Fitted, results: HoldoutResults, steps_on_all_rows: int
) -> TrainingRecord:
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
        steps_on_all_rows=steps_on_all_rows,
    )


def _refuse_useless(fitted: Fitted) -> None:
    """Raise where training has not led to weights that can be used."""
    if not fitted.rounds:  # interrupted before the first step was done
        raise KeyboardInterrupt
    if not all((np.abs(part) < LARGEST_WEIGHT).all() for part in fitted.weights.values()):
        raise ForecastError(
            f"training diverged: weights are beyond {LARGEST_WEIGHT:,.0f} or not finite; choose a "
            "smaller --learning-rate, or correct values that lie far outside the others"
        )
