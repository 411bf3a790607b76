"""A trained network on rows that it has not seen."""

from __future__ import annotations

from typing import Any

import numpy as np

from forecast.config import Config
from forecast.encoding import encode
from forecast.errors import DataError
from forecast.evaluation import COMPARED, Comparison, Exposure, compare, exposure
from forecast.model import Model, fingerprint
from forecast.panel import Panel
from forecast.projection import make_cell


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


def _tail(panel: Panel, steps: int) -> tuple[Panel, np.ndarray] | None:
    """The rows before the last steps of each series, and those (S, H, D); of a sample of series.

    None where no series reaches that far.
    """
    reaches = panel.until(steps).lengths > 0
    if not steps or not reaches.any():
        return None
    if np.isnan(panel.until(steps).target).all():
        return None
    panel = with_values(panel.select(panel.ids[reaches].tolist()))
    if len(panel.ids) > COMPARED:
        rng = np.random.default_rng(0)
        panel = panel.select(rng.choice(panel.ids, COMPARED, replace=False).tolist())
    history = with_values(panel.until(steps))
    panel = panel.select(history.ids.tolist())
    last = panel.indptr[1:, None] - steps + np.arange(steps)
    return history, panel.target[last]


def comparison_on(
    panel: Panel, config: Config, weights: dict[str, np.ndarray], steps: int
) -> Comparison | None:
    """Forecast the last steps from all rows before them, next to the seasonal naive forecast."""
    tail = _tail(panel, steps)
    if tail is None:
        return None
    history, actual = tail
    forecast = model_after(history, config, weights, {}).predict(steps)["forecast"].to_numpy()
    return compare(history, actual, forecast.reshape(actual.shape), config.season)


def exposure_on(
    panel: Panel, config: Config, weights: dict[str, np.ndarray], steps: int
) -> Exposure | None:
    """Forecast the last steps one by one from true values, and all in one rollout."""
    tail = _tail(panel, steps)
    if tail is None:
        return None
    history, actual = tail
    return exposure_of(model_after(history, config, weights, {}), history, actual)


def exposure_of(model: Model, history: Panel, actual: np.ndarray) -> Exposure | None:
    """Forecast what came after a history, (S, H, 1), one by one and in one rollout.

    Args:
        model: whose state is that after the history.
        history: the rows before.
        actual: what came; NaN where missing.
    """
    steps = actual.shape[1]
    rollout = model.predict(steps)["forecast"].to_numpy().reshape(actual.shape)
    stream, one_step = model.stream(quantiles=()), []
    step = next(stream)
    for true in actual[..., 0].T:
        one_step.append(step.value)
        step = stream.send(true)
    return exposure(history, actual, np.stack(one_step, 1)[..., None], rollout, model.config.season)
