"""A trained network on rows that it has not seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from forecast import scaling
from forecast.ahead import Ahead
from forecast.config import Config
from forecast.encoding import encode
from forecast.errors import DataError
from forecast.evaluation import COMPARED, Comparison, Exposure, compare, exposure
from forecast.model import Model, fingerprint
from forecast.panel import Panel
from forecast.projection import Projector, make_cell

T = TypeVar("T")


def with_values(panel: Panel) -> Panel:
    """The panel without the series that were never observed.

    Raises:
        DataError: if none is left.
    """
    seen = np.add.reduceat(~np.isnan(panel.target).all(axis=1), panel.indptr[:-1]) > 0
    if not seen.any():
        raise DataError("no series has an observed value")
    return panel if seen.all() else panel.select(panel.ids[seen].tolist())


def model_after(
    panel: Panel, config: Config, weights: dict[str, np.ndarray], record: dict[str, Any]
) -> Model:
    """A model whose state is that of the panel after its last rows."""
    cell = make_cell(config, weights)
    state = encode(panel, config, cell, fingerprint(config, weights))
    return Model(config, weights, state, record)


def on_tail(
    panel: Panel,
    config: Config,
    weights: dict[str, np.ndarray],
    steps: int,
    judge: Callable[[Model, Panel, np.ndarray, Ahead | None], T | None],
) -> T | None:
    """What a judge says of a model on the last steps of each series, or of a sample of them.

    Args:
        panel: the series.
        config, weights: of the model, which is given the rows before those steps.
        steps: how many, H.
        judge: takes the model, the rows before, what came (S, H, D), and the covariates of those
            steps; see `comparison_of`.

    Returns:
        None where nothing is held out, or nothing was observed before.
    """
    before = panel.until(steps)
    if not steps or np.isnan(before.target).all():
        return None
    panel = with_values(panel.select(panel.ids[before.lengths > 0].tolist()))
    if len(panel.ids) > COMPARED:
        rng = np.random.default_rng(0)
        panel = panel.select(rng.choice(panel.ids, COMPARED, replace=False).tolist())
    history = with_values(panel.until(steps))
    panel = panel.select(history.ids.tolist())
    last = panel.indptr[1:, None] - steps + np.arange(steps)
    ahead = Ahead.of(panel, config) if config.known else None
    return judge(model_after(history, config, weights, {}), history, panel.target[last], ahead)


def comparison_of(
    model: Model, history: Panel, actual: np.ndarray, ahead: Ahead | None = None
) -> Comparison | None:
    """Forecast what came after a history, next to the seasonal naive forecast.

    Args:
        model: whose state is that after the history.
        history: the rows before.
        actual: what came, (S, H, 1); NaN where missing.
        ahead: the covariates of that time, for a model that takes some.
    """
    forecast = _rollout(model, actual, ahead)
    return compare(history, actual, forecast, model.config.season)


def exposure_of(
    model: Model, history: Panel, actual: np.ndarray, ahead: Ahead | None = None
) -> Exposure | None:
    """Forecast what came after a history, fed with true values, and fed with its own.

    Args:
        model, history, actual, ahead: see `comparison_of`.
    """
    rollout = _rollout(model, actual, ahead)
    fed_true = _teacher_forced(model, actual, ahead)
    return exposure(history, actual, fed_true, rollout, model.config.season)


def _rollout(model: Model, actual: np.ndarray, ahead: Ahead | None) -> np.ndarray:
    """The forecast of what came, (S, H, 1)."""
    table = model.predict(actual.shape[1], future=ahead)
    return table["forecast"].to_numpy().reshape(actual.shape)


def _teacher_forced(model: Model, actual: np.ndarray, ahead: Ahead | None) -> np.ndarray:
    """The steps of a forecast, each fed with the true value before it, (S, H, 1)."""
    config, state, found = model.config, model.state, []
    projector = Projector(config, model.weights, config.bounds, ahead=ahead)
    scaled = scaling.forward(scaling.transform(actual, config.power), state.scale)
    for true in scaled.astype(np.float32).transpose(1, 0, 2):
        step = projector.run(state, 1)
        found.append(step.values)
        state = replace(step.after, value=true)
    return np.concatenate(found, axis=1)
