"""A trained network on the held-out rows: comparison, exposure gap, calibration of intervals."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from forecast.data import scaling
from forecast.data.future_covariates import FutureCovariates
from forecast.data.panel import Panel
from forecast.errors import OptionError
from forecast.evaluation.comparison import Comparison, Exposure, compare, exposure
from forecast.inference.config import Config
from forecast.inference.conformal import Calibration
from forecast.inference.intervals import (
    Ends,
    calibrated_intervals,
    min_paths,
    own_spread,
    prediction_intervals,
)
from forecast.inference.members import Core
from forecast.inference.predictor import Predictor
from forecast.inference.rollout import Rollout, RolloutEngine, Spread
from forecast.inference.state import State
from forecast.nn import HEADS

MAX_COMPARED_SERIES = 1_000  # drawn once when there are more
MAX_CALIBRATION_ROLLOUTS = 1_000
MAX_CUTOFFS = 200  # of a series, whose rollouts overlap more the more there are
MAX_COUNT_ROLLOUTS = 250  # of counts: of each there are as many paths as an interval needs
MIN_CALIBRATION_ROLLOUTS = 50  # also where histories are long
MAX_CALIBRATION_ROWS = 5_000_000  # that all those rollouts encode
CALIBRATION_PATHS = 50  # sample paths of each, where the head has a distribution
REPORTED_LEVELS = (80.0, 95.0)  # whose empirical coverage is recorded


class HoldoutResults(NamedTuple):
    """What the held-out rows show of a trained network; None for what they do not show.

    Attributes:
        comparisons: with the seasonal naive forecast on the last rows, by target.
        exposure: the exposure gap on the rows before them.
        calibration: of intervals, on both.
        coverage: of intervals calibrated on the first half, on the second one: percent by level.
    """

    comparisons: dict[str, Comparison | None] | None = None
    exposure: Exposure | None = None
    calibration: Calibration | None = None
    coverage: dict[str, float] | None = None


class HeldOutRollouts(NamedTuple):
    """M rollouts over held-out rows.

    Attributes:
        centre: the rollouts.
        spread: the model's own, see `own_spread`.
        actual: the actuals (M, H, D), NaN where missing.
        scores: distances of the actuals from the rollouts, in units of the spread.
        by_paths: the ends of intervals by level, of a head whose intervals are percentiles.
    """

    centre: Rollout
    spread: Spread
    actual: np.ndarray
    scores: np.ndarray
    by_paths: Mapping[float, Ends] = MappingProxyType({})


class HeldOut(NamedTuple):
    """Held-out steps of some series, and a network that has seen the rows before them.

    Attributes:
        predictor: its state is that after the history.
        history: the rows before.
        actual: the actuals (S, H, D); NaN where missing.
        future: the covariates of the steps (S, H, V), for a model that takes some.
    """

    predictor: Predictor
    history: Panel
    actual: np.ndarray
    future: np.ndarray | None = None

    @property
    def horizon(self) -> int:
        """How many steps H."""
        return int(self.actual.shape[1])


def evaluate_holdout(
    panel: Panel, core: Core, holdout: int, expected: Calibration | None = None
) -> HoldoutResults:
    """All that the last 2 * holdout rows of each series show.

    An interrupt leaves out what is not done yet: the training is worth more.

    Args:
        panel: all rows, held-out ones included.
        core: of the model.
        holdout: steps H; 0 where nothing was held out.
        expected: errors that are expected without these rows, see `calibrate`.
    """
    results = HoldoutResults(calibration=expected)
    with suppress(KeyboardInterrupt):
        if last := hold_out(panel, core, holdout):
            results = results._replace(comparisons=comparisons_of(last))
        if before := hold_out(panel.until(holdout), core, holdout):
            results = results._replace(exposure=exposure_of(before))
        calibration, coverage = calibrate(panel, core, holdout, expected=expected)
        results = results._replace(calibration=calibration, coverage=coverage)
    return results


def comparisons_of(held_out: HeldOut) -> dict[str, Comparison | None]:
    """Compare forecasts of held-out steps with the seasonal naive ones, by target."""
    config, forecast, comparisons = held_out.predictor.config, _forecast(held_out), {}
    for d, name in enumerate(config.schema.targets):
        history = replace(held_out.history, target=held_out.history.target[:, [d]])
        actual, path = held_out.actual[..., [d]], forecast[..., [d]]
        comparisons[name] = compare(history, actual, path, config.season)
    return comparisons


def exposure_of(held_out: HeldOut) -> Exposure | None:
    """The exposure gap on held-out steps; None where nothing can be compared."""
    one_step, rollout = _teacher_forced(held_out), _forecast(held_out)
    season = held_out.predictor.config.season
    return exposure(held_out.history, held_out.actual, one_step, rollout, season)


def hold_out(panel: Panel, core: Core, steps: int) -> HeldOut | None:
    """The last steps of each series, or of a sample of them, and a network before them.

    Returns:
        None where nothing is held out, or nothing was observed before.
    """
    before = panel.until(steps)
    if not steps or np.isnan(before.target).all():
        return None
    panel = panel.select(panel.ids[before.lengths > 0].tolist()).drop_unobserved()
    if len(panel.ids) > MAX_COMPARED_SERIES:
        rng = np.random.default_rng(0)
        panel = panel.select(rng.choice(panel.ids, MAX_COMPARED_SERIES, replace=False).tolist())
    history = panel.until(steps).drop_unobserved()
    panel = panel.select(history.ids.tolist())
    rows = panel.indptr[1:, None] - steps + np.arange(steps)
    predictor = Predictor.after(history, core)
    future = _own_covariates(panel, predictor.state, core.config, steps)
    return HeldOut(predictor, history, panel.target[rows], future)


def _own_covariates(panel: Panel, start: State, config: Config, steps: int) -> np.ndarray | None:
    """The panel's own covariates in the steps after a state, (H, S, V)."""
    if not config.known:
        return None
    future = FutureCovariates.of(panel, config.known)
    return future.at(start.ids, start.times_after(steps))


def _forecast(held_out: HeldOut) -> np.ndarray:
    """The rollout over the held-out steps, (S, H, D)."""
    predictor = held_out.predictor
    return predictor.engine().run(predictor.state, held_out.horizon, held_out.future).values


def _teacher_forced(held_out: HeldOut) -> np.ndarray:
    """The steps of a forecast, each fed with the true value before it, (S, H, D)."""
    predictor, future = held_out.predictor, held_out.future
    engine, state, steps = predictor.engine(), predictor.state, []
    for t, actual in enumerate(held_out.actual.transpose(1, 0, 2)):
        step = engine.run(state, 1, None if future is None else future[t : t + 1])
        steps.append(step.values)
        state = engine.corrected(state, step.after, actual)
    return np.concatenate(steps, axis=1)


def _scaled(values: np.ndarray, config: Config, state: State) -> np.ndarray:
    """Values in the units of the data (S, H, D) as the network sees them."""
    return scaling.forward(scaling.transform(values, config.powers), state.scale)


def calibrate(
    panel: Panel,
    core: Core,
    holdout: int,
    within: int | None = None,
    history: int | None = None,
    expected: Calibration | None = None,
) -> tuple[Calibration | None, dict[str, float]]:
    """Learn from rollouts over the held-out rows how wide intervals have to be.

    Rollouts begin at several cutoffs within the last 2 * holdout rows. For the empirical coverage,
    intervals calibrated on the first half of these rows are compared with the second half. They
    are those that `predict` gives by default: within the bounds, in the units of the data, and of
    counts percentiles of sample paths.

    Args:
        panel: the series.
        core: of the model.
        holdout: steps of a rollout, H; 0 for no calibration.
        within: the last rows in which rollouts begin, 2H by default; in the last H there is no
            first half, and nothing is known of the coverage.
        history: rows that each of them is made from; by default all before its cutoff.
        expected: errors that are expected without these rows, which count beside those on them.

    Returns:
        The calibration on all of them, None where nothing was observed or expected; and for each
        level the empirical coverage in percent.
    """
    config = core.config
    lengths = panel.lengths if history is None else np.minimum(panel.lengths, history)
    affordable = MAX_CALIBRATION_ROWS // max(lengths.mean(), 1)
    most = MAX_COUNT_ROLLOUTS if config.counts else MAX_CALIBRATION_ROLLOUTS
    rollouts = int(np.clip(affordable, MIN_CALIBRATION_ROLLOUTS, most))
    if len(panel.ids) > rollouts:
        rng = np.random.default_rng(0)
        panel = panel.select(rng.choice(panel.ids, rollouts, replace=False).tolist())
    cutoffs = _cutoffs(2 * holdout if within is None else within, rollouts // len(panel.ids))
    origins = _origins(panel, cutoffs, history)
    if origins is None:
        return expected, {}
    series, cutoff = origins
    known = panel.lengths[series] - cutoff
    rows = known if history is None else np.minimum(known, history)
    predictor = Predictor.after(panel.cut(series, rows, known - rows), core)
    scores = np.full((len(cutoff), holdout, config.targets), np.nan)
    second_half: list[HeldOutRollouts] = []
    is_second = cutoff <= holdout
    for own in np.unique(cutoff if config.known else is_second):  # covariates end with the rows
        group = np.flatnonzero((cutoff if config.known else is_second) == own)
        steps = min(int(cutoff[group].max()), holdout)
        actual, start = (
            _actuals(panel, series[group], cutoff[group], steps),
            predictor.state.take(group),
        )
        future = _own_covariates(panel, start, config, steps)
        rolled_out = _roll_out(predictor, start, actual, future)
        scores[group, :steps] = rolled_out.scores
        if is_second[group[0]]:
            second_half.append(rolled_out)
    in_first_half = np.arange(holdout) < (cutoff - holdout)[:, None]
    first_half = Calibration.of(np.where(in_first_half[..., None], scores, np.nan), expected)
    coverage = _coverage(predictor.engine(), first_half, second_half)
    return Calibration.of(scores, expected), coverage


def _actuals(panel: Panel, series: np.ndarray, cutoff: np.ndarray, steps: int) -> np.ndarray:
    """The rows of series (M,) after their cutoffs (M,), (M, steps, D); NaN beyond the last ones."""
    place = np.arange(steps)
    first = panel.indptr[series + 1] - cutoff
    rows = first[:, None] + np.minimum(place, cutoff[:, None] - 1)
    return np.where((place < cutoff[:, None])[..., None], panel.target[rows], np.nan)


def _cutoffs(within: int, count: int) -> list[int]:
    """Rows after the cutoffs of rollouts, evenly spaced: at least two of them if there are."""
    count = min(max(count, 2), within, MAX_CUTOFFS)
    return sorted({int(cutoff) for cutoff in np.linspace(within, 0, count, endpoint=False)})


def _origins(
    panel: Panel, cutoffs: list[int], history: int | None
) -> tuple[np.ndarray, np.ndarray] | None:
    """The series (M,) and the cutoffs (M,) of rollouts; None where nothing was observed before."""
    observed = np.concatenate([[0], np.cumsum(~np.isnan(panel.target).all(axis=1))])
    series, cutoff = np.meshgrid(np.arange(len(panel.ids)), np.array(cutoffs, np.int64))
    known = np.maximum(panel.lengths[series] - cutoff, 0)
    rows = known if history is None else np.minimum(known, history)
    end = panel.indptr[series] + known
    has_values = observed[end] > observed[end - rows]
    return (series[has_values], cutoff[has_values]) if has_values.any() else None


def _coverage(
    engine: RolloutEngine, calibration: Calibration | None, rollouts: list[HeldOutRollouts]
) -> dict[str, float]:
    """The percentage of the actuals within each interval, where enough is known to make it.

    Args:
        engine: of the model.
        calibration: on the rows before; None where nothing is known.
        rollouts: with their actuals.
    """
    coverage = {}
    for level in REPORTED_LEVELS:
        with suppress(OptionError):  # too few errors for that level
            inside = [_is_inside(engine, calibration, level, group) for group in rollouts]
            if len(observed := np.concatenate([*inside, np.zeros(0)])):
                coverage[f"{level:g}"] = 100 * float(observed.mean())
    return coverage


def _is_inside(
    engine: RolloutEngine, calibration: Calibration | None, level: float, group: HeldOutRollouts
) -> np.ndarray:
    """Which of the observed actuals lie within an interval; its ends are."""
    if level in group.by_paths:
        low, high = group.by_paths[level]
    elif calibration is None:
        return np.zeros(0)
    else:
        ends = calibrated_intervals(engine, group.centre, group.spread, (level,), calibration)
        low, high = ends[level]
    actual = group.actual
    return np.asarray(((low <= actual) & (actual <= high))[~np.isnan(actual)])


def _roll_out(
    predictor: Predictor, start: State, actual: np.ndarray, future: np.ndarray | None
) -> HeldOutRollouts:
    """Rollouts over rows that were held out.

    Args:
        predictor: whose network it is.
        start: the state before, of M rollouts.
        actual: the actuals (M, H, D), NaN where missing.
        future: the covariates of the steps.
    """
    engine, config = predictor.engine(), predictor.config
    centre = engine.run(start, actual.shape[1], future)
    sampled, by_paths = None, {}
    if HEADS[config.head].RANDOM and not config.direct:
        count = min_paths(REPORTED_LEVELS) if config.counts else CALIBRATION_PATHS
        sampled = engine.sample(start, centre.lengths, count, future)
        if config.counts:
            by_paths = prediction_intervals(engine, centre, sampled, REPORTED_LEVELS, None)
    spread = own_spread(centre, sampled)
    error = _scaled(actual, config, start) - centre.scaled
    scores = np.abs(error) / np.where(error < 0, spread.below, spread.above)
    return HeldOutRollouts(centre, spread, actual, scores, by_paths)
