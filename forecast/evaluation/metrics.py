"""How far forecasts are from what came: utilsforecast's measures of a backtest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from forecast.backtest import Backtest

FORECAST = "forecast"  # what the model is called beside the baselines
PERCENT = 200  # utilsforecast gives half of sMAPE, as a fraction
NAIVE2 = "naive2"
EVEN = (20.0, 40.0, 60.0, 80.0)  # levels whose ends and middle are the quantiles 0.1 … 0.9
GROUP = "unique_id"  # as utilsforecast calls what it groups by


def overall(backtest: Backtest) -> pd.DataFrame:
    """The measures of the model and of each baseline, a row each: every forecast counts alike.

    They are the means of `by_forecast`, but `wql` is the loss of all forecasts together relative to
    all values. `owa`, where there is naive2, is the mean of sMAPE and MASE relative to its own, as
    in M4; NaN where naive2 is without error, or no series has a scale.
    """
    each = by_forecast(backtest)
    found = each.groupby(level="model", sort=False).mean()
    together = measure(backtest, np.zeros(backtest.actual.shape, np.int64))
    if "wql" in together:
        found["wql"] = together.xs(0)["wql"]
    if NAIVE2 in found.index:
        relative = found[["smape", "mase"]] / found.loc[NAIVE2, ["smape", "mase"]]
        found["owa"] = relative.mean(axis=1, skipna=False).replace(np.inf, np.nan)
    return found


def by_forecast(backtest: Backtest) -> pd.DataFrame:
    """The measures of each forecast: index `forecast`, its place in the backtest, and `model`."""
    return _by(backtest, "forecast", np.arange(len(backtest.ids))[:, None])


def by_step(backtest: Backtest) -> pd.DataFrame:
    """The measures of each step of the horizon: index `step`, from 1, and `model`."""
    return _by(backtest, "step", np.arange(1, backtest.horizon + 1))


def by_series(backtest: Backtest) -> pd.DataFrame:
    """The measures of each series: index by the user's id column, and `model`."""
    names = list(dict.fromkeys(backtest.ids.tolist()))
    places = {name: place for place, name in enumerate(names)}
    codes = np.array([places[name] for name in backtest.ids.tolist()])
    found = _by(backtest, backtest.names[0], codes[:, None])
    return found.rename(index=dict(enumerate(names)), level=0)


def by_cutoff(backtest: Backtest) -> pd.DataFrame:
    """The measures of each cutoff: index `cutoff`, and `model`."""
    found = _by(backtest, "cutoff", backtest.cutoffs[:, None])
    cutoffs = np.unique(backtest.cutoffs)
    times = backtest.schema.times(backtest.frequency, cutoffs)
    return found.rename(index=dict(zip(cutoffs, times, strict=True)), level=0)


def _by(backtest: Backtest, name: str, groups: np.ndarray) -> pd.DataFrame:
    found = measure(backtest, np.broadcast_to(groups, backtest.actual.shape))
    return found.rename_axis([name, "model"])


def measure(backtest: Backtest, groups: np.ndarray) -> pd.DataFrame:
    """The measures of groups of values; those that are missing are left out.

    Args:
        backtest: of M rollouts.
        groups: whole numbers (M, H).

    Returns:
        Index: the group and the model. Columns: `mae`, `rmse`, `smape` in percent, `mase` and
        `rmsse` (scaled by the changes from season to season before each cutoff; a series without
        any, such as a constant one, is left out), `bias` (forecast minus actual), where there are
        intervals of 20, 40, 60 and 80 % `crps` (twice the mean loss of the quantiles 0.1 … 0.9,
        of which a naive forecast is all) and `wql` (the same relative to the values), and
        `coverage-80` …, the share of values in the interval in percent.
    """
    from utilsforecast import losses

    names = list(backtest.forecasts)
    table = _table(backtest, groups, np.ones(len(backtest.ids)))
    scaled = _table(backtest, groups, backtest.past.change)
    squared = _table(backtest, groups, np.sqrt(backtest.past.square))
    found = {
        "mae": losses.mae(table, names),
        "rmse": losses.rmse(table, names),
        "smape": PERCENT * losses.smape(table, names).set_index(GROUP),
        "mase": losses.mae(scaled, names),
        "rmsse": losses.rmse(squared, names),
        "bias": losses.bias(table, names),
    }
    if {*EVEN} <= {*backtest.ends}:
        columns, quantiles = _quantiles(backtest)
        crps = losses.mqloss(table, columns, quantiles).set_index(GROUP).sort_index()
        found |= {"crps": 2 * crps, "wql": losses.scaled_crps(table, columns, quantiles)}
    for level in backtest.ends:
        held = losses.coverage(table, [FORECAST], level=cast(Any, f"{level:g}")).set_index(GROUP)
        found[f"coverage-{level:g}"] = 100 * held
    return pd.DataFrame({name: _stacked(each, names) for name, each in found.items()})


def _table(backtest: Backtest, groups: np.ndarray, scale: np.ndarray) -> pd.DataFrame:
    """All rows with an actual value, in units of a scale for each rollout (M,)."""
    usable = np.isfinite(scale) & (scale > 0)
    unit = np.where(usable, scale, np.nan)[:, None]
    parts = {"y": backtest.actual, **backtest.forecasts}
    for level, (low, high) in backtest.ends.items():
        parts |= {f"{FORECAST}-lo-{level:g}": low, f"{FORECAST}-hi-{level:g}": high}
    columns = {name: (part / unit).ravel() for name, part in parts.items()}
    table = pd.DataFrame({GROUP: groups.ravel(), **columns})
    kept: pd.DataFrame = table[~np.isnan(backtest.actual).ravel()]
    return kept


def _quantiles(backtest: Backtest) -> tuple[dict[str, list[str]], np.ndarray]:
    """The columns that are the quantiles 0.1 … 0.9 of each model, and those numbers."""
    own = [f"{FORECAST}-lo-{level:g}" for level in reversed(EVEN)]
    own += [FORECAST, *(f"{FORECAST}-hi-{level:g}" for level in EVEN)]
    columns = {name: [name] * len(own) for name in backtest.forecasts}
    return columns | {FORECAST: own}, np.arange(1, 10) / 10


def _stacked(found: pd.DataFrame, names: list[str]) -> pd.Series[float]:
    """One measure of each group and model as one column; NaN for models that have none."""
    wide = found.set_index(GROUP) if GROUP in found else found
    stacked = wide.reindex(columns=names).rename_axis(columns="model").stack()
    return cast("pd.Series[float]", stacked)
