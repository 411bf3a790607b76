"""Exponential smoothing and the theta method, by statsforecast where that is installed."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np

from forecast.data.panel import Panel
from forecast.errors import OptionError, pip_install

FEWEST = 8  # values that a series must have to fit a model to
UNFITTED = "no model able to be fitted"  # as statsforecast says it


def is_installed() -> bool:
    """Whether statsforecast is there."""
    return find_spec("statsforecast") is not None


def fitted(name: str, panel: Panel, season: int, horizon: int) -> np.ndarray:
    """Forecasts of a model that is fitted to each series.

    Args:
        name: of a class in `statsforecast.models`, such as "AutoETS".
        panel: histories. A missing value is taken as the one before it: these models know none.
        season: steps in a season.
        horizon: steps H.

    Returns:
        (S, H, D). A series of few values, or one that no model can be fitted to, repeats the last
        one; NaN for one without any.

    Raises:
        OptionError: if statsforecast is not installed.
    """
    if not is_installed():
        raise OptionError(
            f"{name} needs statsforecast; install it with: {pip_install('statistics')}"
        )
    from statsforecast import models

    model = getattr(models, name)(season_length=season)
    forecast = np.full((len(panel.ids), horizon, panel.target.shape[1]), np.nan)
    for s, (begin, end) in enumerate(zip(panel.indptr[:-1], panel.indptr[1:], strict=True)):
        for d, values in enumerate(panel.target[begin:end].T):
            known = filled(values)
            if len(known):
                forecast[s, :, d] = known[-1]
            if len(known) >= FEWEST:
                path = _fitted(model, known, horizon)
                forecast[s, :, d] = np.where(np.isfinite(path).all(), path, known[-1])
    return forecast


def _fitted(model: Any, values: np.ndarray, horizon: int) -> np.ndarray:
    """The forecast of a model of statsforecast; NaN where none can be fitted."""
    try:
        with np.errstate(all="ignore"):  # of perfect fits
            path: np.ndarray = model.forecast(values, horizon)["mean"]
    except Exception as error:
        if UNFITTED not in str(error):  # it has no class of its own
            raise
        return np.full(horizon, np.nan)
    return path


def filled(values: np.ndarray) -> np.ndarray:
    """A series from its first value on, with the one before in place of a missing one."""
    rows = np.where(np.isnan(values), -1, np.arange(len(values)))
    last = np.maximum.accumulate(rows)
    filled: np.ndarray = values[last[last >= 0]]
    return filled


auto_ets = partial(fitted, "AutoETS")
auto_theta = partial(fitted, "AutoTheta")
