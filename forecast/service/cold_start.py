"""Forecasts of series without any history: what is typical of the series that are most like them.

A new series is forecast by the median of the forecasts of similar series, step by step, so level
and season are those of series that exist. Similar are those that share the categories of its
static covariates and are nearest in the numbers, as far as they are given; where none are, all
series. Intervals reach from a low percentile of their lower ends to a high one of their upper ends:
they hold the uncertainty of each similar series, and how much these differ.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from forecast.data.covariates import Covariate
from forecast.errors import DataError, first_few, quote
from forecast.inference.config import Config
from forecast.inference.forecast import Forecast, value_columns
from forecast.inference.state import State

MOST = 200  # series that are forecast for a new one


def nearest(state: State, config: Config, given: Mapping[str, Any]) -> np.ndarray:
    """Places of the series whose static covariates are nearest to those of a new series.

    Args:
        state: of S series.
        config: of their model.
        given: some of its static covariates, by name.

    Returns:
        Places in increasing order, at most MOST.

    Raises:
        DataError: if a covariate is unknown to the model, or none of its values is.
    """
    own = {covariate.name: covariate for covariate in config.static}
    unknown = sorted(given.keys() - own.keys())
    if unknown:
        known = f"the static covariates of the model are {first_few(own)}"
        known = known if own else "the model has no static covariates"
        raise DataError(f"a new series has the column {quote(unknown[0])}, but {known}")
    unlike, distance, begin = np.zeros(len(state.ids)), np.zeros(len(state.ids)), 0
    for name, covariate in own.items():
        columns = state.static[:, begin : begin + covariate.width]
        begin += covariate.width
        if given.get(name) is not None:
            apart = ((columns - _encoded(covariate, given[name])) ** 2).sum(axis=1)
            unlike += (apart > 0) if covariate.categories else 0
            distance += 0 if covariate.categories else apart
    near = np.flatnonzero(unlike == unlike.min())  # that share most of the categories
    if distance.any():  # of n series the sqrt(n) with the nearest numbers, and those as near
        count = math.ceil(math.sqrt(len(near)))
        near = near[distance[near] <= np.sort(distance[near])[count - 1]]
    evenly = np.linspace(0, len(near) - 1, min(len(near), MOST)).round().astype(int)
    return np.asarray(near[evenly])


def _encoded(covariate: Covariate, cell: Any) -> np.ndarray:
    """The value of a new series as the network takes it, (1, width)."""
    if covariate.categories:
        if str(cell) not in covariate.categories:
            raise DataError(
                f"column {quote(covariate.name)} has {quote(cell)}, but training has seen only "
                f"{first_few(covariate.categories)}; spell categories as in training, or leave it "
                "out"
            )
        return covariate.encode(np.zeros(1), (str(cell),))
    if isinstance(cell, str) or not np.isfinite(cell):
        raise DataError(f"column {quote(covariate.name)} has {quote(cell)}, where a number belongs")
    return covariate.encode(np.array([float(cell)]), ())


def in_place_of(states: State, name: Any) -> State:
    """States under the id of a new series, whose covariates they then take.

    Of states that end at different times those of the most frequent one, or the later of two.
    """
    times, counts = np.unique(states.time, return_counts=True)
    end = times[len(counts) - 1 - np.argmax(counts[::-1])]
    usual = states.take(np.flatnonzero(states.time == end))
    return replace(usual, ids=np.array([name] * len(usual.ids), dtype=object))


def typical(forecast: Forecast, levels: Sequence[float]) -> pd.DataFrame:
    """What is typical of the forecasts of several series, as the forecast of one.

    Args:
        forecast: of A series under the same id.
        levels: widths of its intervals in percent.

    Returns:
        A table like that of one series: the median of the forecasts, and the ends of intervals.
    """
    table = forecast.table
    steps = int(forecast.steps[0])
    result = table[:steps].copy()
    for name in value_columns(forecast.schema, levels):
        values = table[name].to_numpy(np.float64).reshape(-1, steps)  # (A, H)
        result[name] = np.percentile(values, _percent(name, levels), axis=0)
    return result


def _percent(name: str, levels: Sequence[float]) -> float:
    """Which percentile stands for a column of a forecast: the median, or that of an end."""
    for level in levels:
        for side, sign in (("lo", -1), ("hi", 1)):
            if name.endswith(f"-{side}-{level:g}"):
                return 50 + sign * level / 2
    return 50.0
