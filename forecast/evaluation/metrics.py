"""How far forecasts are from the actuals: utilsforecast's measures, and the scale of MASE."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd

from forecast.data.panel import Panel
from forecast.data.scaling import dust
from forecast.evaluation.cutoff_forecasts import FORECAST, CutoffForecasts

MEASURES = ("mae", "rmse", "smape", "mase", "rmsse", "bias")
PERCENT = 200  # utilsforecast gives half of sMAPE, as a fraction
NAIVE2 = "naive2"
QUANTILE_LEVELS = (20.0, 40.0, 60.0, 80.0)  # their ends and the median are the deciles
GROUP = "unique_id"  # utilsforecast's name for what it groups by


class SeasonalScale(NamedTuple):
    """Mean seasonal differences of M histories, (M,) each; NaN where none is observed."""

    absolute: np.ndarray  # of MASE (Hyndman & Koehler 2006)
    squared: np.ndarray  # of RMSSE


class ScaledErrors(NamedTuple):
    """Absolute errors.

    Attributes:
        values: (M, H), NaN where the actual is missing or the series has no scale.
        measure: what their mean is called: "MASE", or "MAE" where no series has a scale.
    """

    values: np.ndarray
    measure: str


def seasonal_differences(panel: Panel, season: int) -> np.ndarray:
    """The difference of every row of a panel from a season before, (N, D); NaN where unknown.

    Values that differ by rounding alone are equal.
    """
    differences = np.full_like(panel.target, np.nan)
    now, before = panel.target[season:], panel.target[:-season]
    change = now - before
    differences[season:] = np.where(np.abs(change) <= dust(now, before), 0.0, change)
    position = np.arange(len(differences)) - np.repeat(panel.indptr[:-1], panel.lengths)
    differences[position < season] = np.nan
    return differences


def seasonal_scale(differences: np.ndarray, begin: np.ndarray, end: np.ndarray) -> SeasonalScale:
    """The scale by which MASE and RMSSE divide errors.

    Args:
        differences: of the first target, (N,), NaN where unknown.
        begin, end: row ranges of M histories (M,), none of them empty.
    """
    count = _range_sums(~np.isnan(differences), begin, end)
    filled = np.nan_to_num(differences)
    with np.errstate(invalid="ignore"):
        absolute = _range_sums(np.abs(filled), begin, end) / count
        squared = _range_sums(filled**2, begin, end) / count
    return SeasonalScale(absolute, squared)


def _range_sums(values: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The sums of values (N,) over row ranges, none of them empty."""
    padded = np.append(values.astype(float), 0.0)  # a range may end with the last row
    sums: np.ndarray = np.add.reduceat(padded, np.column_stack([begin, end]).ravel())[::2]
    return sums


def valid_scale(scale: np.ndarray) -> np.ndarray:
    """The scale where errors can be divided by it, else NaN."""
    return np.where(np.isfinite(scale) & (scale > 0), scale, np.nan)


def scaled_errors(forecasts: CutoffForecasts, name: str) -> ScaledErrors:
    """The absolute errors of the forecast of a name, in units that all series share."""
    errors = np.abs(forecasts.forecasts[name] - forecasts.actual)
    scale = valid_scale(forecasts.past.change)[:, None]
    if (np.isnan(scale) | np.isnan(forecasts.actual)).all():
        return ScaledErrors(errors, "MAE")
    return ScaledErrors(errors / scale, "MASE")


def mean_observed(values: np.ndarray, axis: int = -1) -> np.ndarray:
    """The mean along an axis, missing values left out; NaN where all are missing."""
    observed = ~np.isnan(values)
    count = observed.sum(axis=axis)
    total = np.where(observed, values, 0.0).sum(axis=axis)
    mean: np.ndarray = np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
    return mean


def series_means(forecasts: CutoffForecasts, values: np.ndarray) -> pd.Series[float]:
    """The mean of all observed values (M, H) of each series, by id."""
    rows = pd.Series(np.repeat(forecasts.ids, values.shape[1]))
    means: pd.Series[float] = pd.Series(values.ravel()).groupby(rows, sort=False).mean()
    return means


def overall(forecasts: CutoffForecasts, measures_of_each: pd.DataFrame) -> pd.DataFrame:
    """The measures of the model and of each baseline, a row each: every forecast counts alike.

    They are the means over the forecasts, but `wql` is the loss of all forecasts together relative
    to all values. `owa`, where there is naive2, is the mean of sMAPE and MASE relative to its own,
    as in M4; NaN where naive2 is without error, or no series has a scale.

    Args:
        forecasts: M rollouts.
        measures_of_each: see `by_forecast`.
    """
    measures = measures_of_each.groupby(level="model", sort=False).mean()
    together = measure(forecasts, np.zeros(forecasts.actual.shape, np.int64))
    if "wql" in together:
        measures["wql"] = together.xs(0)["wql"]
    if NAIVE2 in measures.index:
        relative = measures[["smape", "mase"]] / measures.loc[NAIVE2, ["smape", "mase"]]
        measures["owa"] = relative.mean(axis=1, skipna=False).replace(np.inf, np.nan)
    return measures


def by_forecast(forecasts: CutoffForecasts) -> pd.DataFrame:
    """The measures of each forecast: index `forecast`, its place, and `model`."""
    return _by(forecasts, "forecast", np.arange(len(forecasts.ids))[:, None])


def by_step(forecasts: CutoffForecasts) -> pd.DataFrame:
    """The measures of each step of the horizon: index `step`, from 1, and `model`."""
    return _by(forecasts, "step", np.arange(1, forecasts.horizon + 1))


def by_series(forecasts: CutoffForecasts) -> pd.DataFrame:
    """The measures of each series: index by the user's id column, and `model`."""
    names = list(dict.fromkeys(forecasts.ids.tolist()))
    places = {name: place for place, name in enumerate(names)}
    codes = np.array([places[name] for name in forecasts.ids.tolist()])
    measures = _by(forecasts, forecasts.names[0], codes[:, None])
    return measures.rename(index=dict(enumerate(names)), level=0)


def by_cutoff(forecasts: CutoffForecasts) -> pd.DataFrame:
    """The measures of each cutoff: index `cutoff`, and `model`."""
    measures = _by(forecasts, "cutoff", forecasts.cutoffs[:, None])
    cutoffs = np.unique(forecasts.cutoffs)
    times = forecasts.schema.times(forecasts.frequency, cutoffs)
    return measures.rename(index=dict(zip(cutoffs, times, strict=True)), level=0)


def _by(forecasts: CutoffForecasts, name: str, groups: np.ndarray) -> pd.DataFrame:
    measures = measure(forecasts, np.broadcast_to(groups, forecasts.actual.shape))
    return measures.rename_axis([name, "model"])


def measure_names(levels: Collection[float]) -> list[str]:
    """The names of the measures of forecasts with intervals of some levels, see `measure`."""
    of_quantiles = ["crps", "wql"] if {*QUANTILE_LEVELS} <= {*levels} else []
    return [*MEASURES, *of_quantiles, *(f"coverage-{level:g}" for level in levels)]


def measure(forecasts: CutoffForecasts, groups: np.ndarray) -> pd.DataFrame:
    """The measures of groups of values; those that are missing are left out.

    Args:
        forecasts: M rollouts.
        groups: whole numbers (M, H).

    Returns:
        Index: the group and the model. Columns: `mae`, `rmse`, `smape` in percent, `mase` and
        `rmsse` (scaled by the seasonal differences before each cutoff; a series without any, such
        as a constant one, is left out), `bias` (forecast minus actual), where there are
        intervals of 20, 40, 60 and 80 % `crps` (twice the mean loss of the quantiles 0.1 … 0.9,
        of which a naive forecast is all) and `wql` (the same relative to the values), and
        `coverage-80` …, the empirical coverage in percent.
    """
    from utilsforecast import losses

    names = list(forecasts.forecasts)
    table = _table(forecasts, groups, np.ones(len(forecasts.ids)))
    scaled = _table(forecasts, groups, forecasts.past.change)
    squared = _table(forecasts, groups, np.sqrt(forecasts.past.square))
    measures = {
        "mae": losses.mae(table, names),
        "rmse": losses.rmse(table, names),
        "smape": PERCENT * losses.smape(table, names).set_index(GROUP),
        "mase": losses.mae(scaled, names),
        "rmsse": losses.rmse(squared, names),
        "bias": losses.bias(table, names),
    }
    if {*QUANTILE_LEVELS} <= {*forecasts.ends}:
        columns, quantiles = _quantiles(forecasts)
        crps = losses.mqloss(table, columns, quantiles).set_index(GROUP).sort_index()
        measures |= {"crps": 2 * crps, "wql": losses.scaled_crps(table, columns, quantiles)}
    for level in forecasts.ends:
        coverage = losses.coverage(table, [FORECAST], level=cast(Any, f"{level:g}")).set_index(
            GROUP
        )
        measures[f"coverage-{level:g}"] = 100 * coverage
    return pd.DataFrame({name: _stacked(values, names) for name, values in measures.items()})


def _table(forecasts: CutoffForecasts, groups: np.ndarray, scale: np.ndarray) -> pd.DataFrame:
    """All rows with an actual value, in units of a scale for each rollout (M,)."""
    unit = valid_scale(scale)[:, None]
    parts = {"y": forecasts.actual, **forecasts.forecasts}
    for level, (low, high) in forecasts.ends.items():
        parts |= {f"{FORECAST}-lo-{level:g}": low, f"{FORECAST}-hi-{level:g}": high}
    columns = {name: (part / unit).ravel() for name, part in parts.items()}
    table = pd.DataFrame({GROUP: groups.ravel(), **columns})
    kept: pd.DataFrame = table[~np.isnan(forecasts.actual).ravel()]
    return kept


def _quantiles(forecasts: CutoffForecasts) -> tuple[dict[str, list[str]], np.ndarray]:
    """The columns that are the quantiles 0.1 … 0.9 of each model, and those numbers."""
    own = [f"{FORECAST}-lo-{level:g}" for level in reversed(QUANTILE_LEVELS)]
    own += [FORECAST, *(f"{FORECAST}-hi-{level:g}" for level in QUANTILE_LEVELS)]
    columns = {name: [name] * len(own) for name in forecasts.forecasts}
    return columns | {FORECAST: own}, np.arange(1, 10) / 10


def _stacked(measure: pd.DataFrame, names: list[str]) -> pd.Series[float]:
    """One measure of each group and model as one column; NaN for models that have none."""
    wide = measure.set_index(GROUP) if GROUP in measure else measure
    stacked = wide.reindex(columns=names).rename_axis(columns="model").stack()
    return cast("pd.Series[float]", stacked)
