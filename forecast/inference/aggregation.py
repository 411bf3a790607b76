"""Aggregation of sample paths over series and over time: intervals of totals.

The ends of intervals cannot be added up. Sample paths can, since each keeps the dependence between
its steps. Paths of different series are drawn independently of each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from forecast.errors import DataError, OptionError
from forecast.inference.config import Config
from forecast.inference.forecast import Forecast
from forecast.inference.intervals import percentiles

SPANS = {"day": "D", "week": "W", "month": "M", "quarter": "Q", "year": "Y"}
ALL = "all"


def totals(
    forecast: Forecast,
    config: Config,
    by: str | Mapping[Any, Any] | None = None,
    over: str | None = None,
    levels: tuple[float, ...] = (),
) -> pd.DataFrame:
    """Aggregate the sample paths of a forecast by sums.

    Args:
        forecast: of S series, with n sample paths.
        config: of the model.
        by: which series are added up: those with the same category of a static column, "all", or
            a group for each id; None leaves series apart.
        over: which steps are added up: those of a "day", "week", "month", "quarter" or "year", or
            "all"; None leaves steps apart.
        levels: widths of intervals in percent.

    Returns:
        For each group of series and span of time: its name, when it begins, how many values were
        added up, the centre of the sums (for counts the mean, as in their forecast, else the
        median), and the ends of each interval; for several targets those of each, by name.

    Raises:
        OptionError: if the forecast has no paths, or an argument does not fit the model.
        DataError: if a series has no group.
    """
    if not isinstance(forecast, Forecast) or forecast.paths is None:
        raise OptionError("totals add up sample paths; give a forecast of rollout(..., paths=200)")
    names, group = _groups(forecast, config, by)
    series, _, horizon = forecast.paths.shape[:3]
    begins, span = _spans(forecast.start.times_after(horizon), config, over)
    code = (group[:, None] * len(begins) + span.T).ravel()  # (S * H,)
    values = forecast.paths.transpose(0, 2, 1, 3).reshape(series * horizon, -1, config.targets)
    code, values = code[(is_there := ~np.isnan(values).any(axis=(1, 2)))], values[is_there]
    order = np.argsort(code, kind="stable")
    cell, first, count = np.unique(code[order], return_index=True, return_counts=True)
    sums = np.add.reduceat(values[order], first, axis=0)  # (groups * spans, n, D)
    centre = np.mean(sums, axis=1) if config.counts else np.median(sums, axis=1)  # as forecasts
    columns = {"values": count}
    for d, name in enumerate(config.schema.forecasts):
        columns[name] = centre[:, d]
        for level, ends in percentiles(sums[..., d], levels, config.counts).items():
            named_ends = zip(("lo", "hi"), ends, strict=True)
            columns |= {f"{name}-{side}-{level:g}": end for side, end in named_ends}
    label = config.schema.id if by is None else by if isinstance(by, str) else "group"
    named = {} if label is None else {label: [names[k] for k in cell // len(begins)]}
    when = begins.iloc[cell % len(begins)].reset_index(drop=True)
    return pd.DataFrame({**named, config.schema.time: when, **columns})


def _groups(
    forecast: Forecast, config: Config, by: str | Mapping[Any, Any] | None
) -> tuple[list[Any], np.ndarray]:
    """The names of groups, and which of them each series belongs to (S,)."""
    ids = forecast.start.ids.tolist()
    if by is None:
        return ids, np.arange(len(ids))
    if isinstance(by, Mapping | pd.Series):
        absent = [name for name in ids if name not in by]
        if absent:
            raise DataError(f"series '{absent[0]}' has no group; give one for every id")
        own = [by[name] for name in ids]
    elif not isinstance(by, str):
        raise OptionError(f"by is {by!r}; give a static column, 'all', or a group for each id")
    elif by == ALL:
        own = [ALL] * len(ids)
    else:
        own = _categories(forecast, config, by)
    names = sorted(set(own), key=str)
    position = {name: k for k, name in enumerate(names)}
    return names, np.array([position[name] for name in own])


def _categories(forecast: Forecast, config: Config, column: str) -> list[str]:
    """The category that each series has in a static column."""
    first = 0
    for covariate in config.static:
        if covariate.name == column and covariate.categories:
            inputs = forecast.start.static[:, first : first + len(covariate.categories)]
            names = [*covariate.categories, "other"]
            return [names[int(row.argmax()) if row.any() else -1] for row in inputs]
        first += covariate.width
    available = [covariate.name for covariate in config.static if covariate.categories]
    raise OptionError(
        f"no static column of categories {column!r} to add up by; the model has "
        f"{available or 'none'}: train with --static COLUMN (static=[...] in Python), or add up "
        "'all'"
    )


def _spans(
    times: np.ndarray, config: Config, over: str | None
) -> tuple[pd.Series[Any], np.ndarray]:
    """When spans of time begin, and in which of them each step lies, (H, S)."""
    if over is not None and over not in (*SPANS, ALL):
        raise OptionError(f"over is {over!r}; it must be one of {', '.join((*SPANS, ALL))}")
    ordinals, step = np.unique(times, return_inverse=True)
    step = step.reshape(times.shape)
    if over is None:
        return config.schema.column(config.frequency, ordinals), step
    if over == ALL:
        return config.schema.column(config.frequency, ordinals[:1]), np.zeros_like(step)
    when = config.frequency.times(ordinals)
    if not isinstance(when, pd.DatetimeIndex):
        raise OptionError(f"over is {over!r}, but time is counted in whole numbers; use 'all'")
    begins = when.to_period(SPANS[over]).start_time
    span, places = np.unique(begins, return_inverse=True)
    return pd.Series(pd.DatetimeIndex(span)), places[step]
