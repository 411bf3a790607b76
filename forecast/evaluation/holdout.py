"""A trained network on rows that it has not seen."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from forecast.data import scaling
from forecast.data.future_covariates import FutureCovariates
from forecast.data.panel import Panel
from forecast.errors import OptionError
from forecast.evaluation.comparison import COMPARED, Comparison, Exposure, compare, exposure
from forecast.inference.config import Config
from forecast.inference.conformal import Calibration, covered
from forecast.inference.encoding import encode
from forecast.inference.intervals import spread_of
from forecast.inference.rollout import RolloutEngine, make_cell
from forecast.inference.state import State
from forecast.model import Model, fingerprint
from forecast.nn import HEADS

T = TypeVar("T")
ROLLOUTS = 1_000  # that intervals are calibrated on
FEWEST_ROLLOUTS, MOST_ROWS = 50, 5_000_000  # fewer where histories are long, but not too few
PATHS = 50  # sample paths of each, where the head has a distribution
TOLD = (80.0, 95.0)  # levels whose measured coverage the record tells


def model_after(
    panel: Panel,
    config: Config,
    weights: dict[str, np.ndarray],
    record: dict[str, Any],
    calibration: Calibration | None = None,
) -> Model:
    """A model whose state is that of the panel after its last rows."""
    cell = make_cell(config, weights)
    state = encode(panel, config, cell, fingerprint(config, weights))
    return Model(config, weights, state, record, calibration)


def on_tail(
    panel: Panel,
    config: Config,
    weights: dict[str, np.ndarray],
    steps: int,
    judge: Callable[[Model, Panel, np.ndarray, FutureCovariates | None], T | None],
) -> T | None:
    """What a judge says of a model on the last steps of each series, or of a sample of them.

    Args:
        panel: the series.
        config, weights: of the model, which is given the rows before those steps.
        steps: how many, H.
        judge: takes the model, the rows before, what came (S, H, D), and the covariates of those
            steps; see `comparisons_of`.

    Returns:
        None where nothing is held out, or nothing was observed before.
    """
    before = panel.until(steps)
    if not steps or np.isnan(before.target).all():
        return None
    panel = panel.select(panel.ids[before.lengths > 0].tolist()).drop_unobserved()
    if len(panel.ids) > COMPARED:
        rng = np.random.default_rng(0)
        panel = panel.select(rng.choice(panel.ids, COMPARED, replace=False).tolist())
    history = panel.until(steps).drop_unobserved()
    panel = panel.select(history.ids.tolist())
    last = panel.indptr[1:, None] - steps + np.arange(steps)
    ahead = FutureCovariates.of(panel, config.known) if config.known else None
    return judge(model_after(history, config, weights, {}), history, panel.target[last], ahead)


def calibrate(
    panel: Panel, config: Config, weights: dict[str, np.ndarray], holdout: int
) -> tuple[Calibration | None, dict[str, float]]:
    """Learn from rollouts over the held-out rows how wide intervals have to be.

    Rollouts begin at several cutoffs within the last 2 * holdout rows. To see how good the
    intervals are, those that the first half of these rows calls for are held against the second.

    Args:
        panel: the series.
        config, weights: of the model.
        holdout: steps of a rollout, H; 0 for no calibration.

    Returns:
        The calibration on all of them, None where nothing was observed; and for each level the
        share of the values that intervals held, in percent.
    """
    most = int(np.clip(MOST_ROWS // max(panel.lengths.mean(), 1), FEWEST_ROLLOUTS, ROLLOUTS))
    if len(panel.ids) > most:
        rng = np.random.default_rng(0)
        panel = panel.select(rng.choice(panel.ids, most, replace=False).tolist())
    begun = _begun(panel, _cutoffs(holdout, most // len(panel.ids)))
    if begun is None:
        return None, {}
    series, cutoff = begun
    model = model_after(panel.cut(series, panel.lengths[series] - cutoff), config, weights, {})
    ahead = FutureCovariates.of(panel, config.known) if config.known else None
    scores = np.full((len(cutoff), holdout, config.targets), np.nan)
    for c in np.unique(cutoff):
        rows = np.flatnonzero(cutoff == c)
        steps = min(int(c), holdout)
        came = panel.target[panel.indptr[series[rows] + 1][:, None] - c + np.arange(steps)]
        scores[rows, :steps] = _scores_of(model, model.state.take(rows), came, ahead)
    in_first_half = np.arange(holdout) < (cutoff - holdout)[:, None]
    early = np.where(in_first_half[..., None], scores, np.nan)
    before, late = Calibration.of(early), scores[cutoff <= holdout]
    shares = _shares(before, late) if before and np.isfinite(late).any() else {}
    return Calibration.of(scores), shares


def _cutoffs(holdout: int, wanted: int) -> list[int]:
    """Rows before the end where rollouts begin: half of them before the last `holdout` rows."""
    count = min(max(wanted, 2), 2 * holdout)
    return sorted({int(cutoff) for cutoff in np.linspace(2 * holdout, 0, count, endpoint=False)})


def _begun(panel: Panel, cutoffs: list[int]) -> tuple[np.ndarray, np.ndarray] | None:
    """The series (M,) and the cutoffs (M,) of rollouts; None where nothing was observed before."""
    first = np.array(
        [
            np.argmax(seen) if (seen := ~np.isnan(part).all(axis=1)).any() else len(part)
            for part in np.split(panel.target, panel.indptr[1:-1])
        ]
    )
    series, cutoff = np.meshgrid(np.arange(len(first)), np.array(cutoffs, np.int64))
    has_seen = panel.lengths[series] - cutoff > first[series]
    return (series[has_seen], cutoff[has_seen]) if has_seen.any() else None


def _shares(calibration: Calibration, scores: np.ndarray) -> dict[str, float]:
    """Which percentage of the scores each interval holds, as far as it can be told."""
    shares = {}
    for level in TOLD:
        with suppress(OptionError):  # too few errors for that level
            widths = calibration.widths(level, scores.shape[1])
            shares[f"{level:g}"] = 100 * covered(scores, widths)
    return shares


def _scores_of(
    model: Model, start: State, came: np.ndarray, ahead: FutureCovariates | None
) -> np.ndarray:
    """Distances of what came (S, H, D) from the rollout, in spreads that the model tells.

    Args:
        model: whose network it is.
        start: the state before.
        came: NaN where missing.
        ahead: the covariates of that time, for a model that takes some.
    """
    config, steps = model.config, came.shape[1]
    engine = RolloutEngine(config, model.weights, config.bounds, ahead=ahead)
    centre = engine.run(start, steps)
    truth = scaling.forward(scaling.transform(came, config.powers), start.scale)
    distance = np.abs(truth - centre.scaled)
    if not HEADS[config.head].RANDOM:
        return np.asarray(distance)
    return np.asarray(distance / spread_of(engine.run(start, steps, PATHS), centre))


def comparisons_of(
    model: Model, history: Panel, actual: np.ndarray, ahead: FutureCovariates | None = None
) -> dict[str, Comparison | None]:
    """Forecast what came after a history, next to the seasonal naive forecast, by target.

    Args:
        model: whose state is that after the history.
        history: the rows before.
        actual: what came, (S, H, D); NaN where missing.
        ahead: the covariates of that time, for a model that takes some.
    """
    forecast, found = _rollout(model, actual, ahead), {}
    for d, name in enumerate(model.config.schema.targets):
        alone = replace(history, target=history.target[:, [d]])
        came, path = actual[..., [d]], forecast[..., [d]]
        found[name] = compare(alone, came, path, model.config.season)
    return found


def exposure_of(
    model: Model, history: Panel, actual: np.ndarray, ahead: FutureCovariates | None = None
) -> Exposure | None:
    """Forecast what came after a history, fed with true values, and fed with its own.

    Args:
        model, history, actual, ahead: see `comparisons_of`.
    """
    rollout = _rollout(model, actual, ahead)
    fed_true = _teacher_forced(model, actual, ahead)
    return exposure(history, actual, fed_true, rollout, model.config.season)


def _rollout(model: Model, actual: np.ndarray, ahead: FutureCovariates | None) -> np.ndarray:
    """The forecast of what came, (S, H, D)."""
    engine = RolloutEngine(model.config, model.weights, model.config.bounds, ahead=ahead)
    return engine.run(model.state, actual.shape[1]).values


def _teacher_forced(model: Model, actual: np.ndarray, ahead: FutureCovariates | None) -> np.ndarray:
    """The steps of a forecast, each fed with the true value before it, (S, H, D)."""
    config, state, found = model.config, model.state, []
    engine = RolloutEngine(config, model.weights, config.bounds, ahead=ahead)
    scaled = scaling.forward(scaling.transform(actual, config.powers), state.scale)
    for true in scaled.astype(np.float32).transpose(1, 0, 2):
        step = engine.run(state, 1)
        found.append(step.values)
        state = replace(step.after, value=true)
    return np.concatenate(found, axis=1)
