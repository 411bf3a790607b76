"""One number for how good a model is on the rows that follow what it has seen."""

from __future__ import annotations

from typing import Any

import numpy as np

from forecast.data.future_covariates import FutureCovariates
from forecast.data.panel import Panel
from forecast.errors import DataError
from forecast.evaluation.metrics import mean_observed
from forecast.inference.predictor import Predictor
from forecast.inference.state import ObservedRange, State


def score(predictor: Predictor, rows: Any) -> float:
    """Minus the error of a rollout over the next rows, as a share of the range of each series.

    The unit is the distance between the lowest and the highest value that the model has seen of a
    series. It is the same for all models that have seen the same rows, whatever their transform,
    their context or their head, so their scores can be compared; and it is that of the data, so
    series of different units can be averaged. A constant series has its level as unit.

    Args:
        predictor: whose state the rows follow.
        rows: a table of the layout that it was trained on, or a `Panel`. It is rolled out to the
            last row of each series and never sees their targets; it takes their known columns.

    Returns:
        At most 0, which is perfect; -0.1 is a mean absolute error of a tenth of the range. It is
        the mean over series, each of which has the mean over its observed values; of several
        targets the first one counts.

    Raises:
        DataError: if the table does not fit, rows are not later than those that the model has seen,
            known columns are missing for a step, or nothing is observed.
    """
    panel = rows if isinstance(rows, Panel) else predictor.panel(rows)
    config, start = predictor.config, predictor.state.select(panel.ids.tolist())
    first = _steps_to(panel, start) - 1
    ends = first + panel.lengths
    known = FutureCovariates.of(panel, config.known) if config.known else None
    engine = predictor.engine()
    errors = np.full(len(ends), np.nan)
    for end in np.unique(ends):
        chosen = np.flatnonzero(ends == end)
        group = start.take(chosen)
        times = group.times_after(int(end))
        future = known.at(group.ids, times) if known else None
        values = engine.run(group, int(end), future).values
        for s, path in zip(chosen, values, strict=True):
            actual = panel.target[panel.indptr[s] : panel.indptr[s + 1]]
            errors[s] = mean_observed(np.abs(path[first[s] :] - actual)[:, 0])
    shares = errors / _units(start.extent)
    if np.isnan(shares).all():
        raise DataError(f"{panel.source}: no value is observed, so there is nothing to score")
    return -float(np.nanmean(shares))


def _steps_to(panel: Panel, start: State) -> np.ndarray:
    """How many steps after the state the first row of each series is, (S,), at least 1."""
    steps, rest = np.divmod(panel.start - start.time, panel.frequency.step)
    wrong = (steps < 1) | (rest != 0)
    if wrong.any():
        s = int(np.argmax(wrong))
        text, last = panel.schema.text, int(start.time[s])
        raise DataError(
            f"{panel.source}: the rows of series '{panel.ids[s]}' begin at "
            f"{text(panel.frequency, int(panel.start[s]))}, but the model has seen those up to "
            f"{text(panel.frequency, last)}; score it on later ones, the next is that of "
            f"{text(panel.frequency, last + panel.frequency.step)}"
        )
    return np.asarray(steps)


def _units(extent: ObservedRange) -> np.ndarray:
    """What errors of each series are measured in, (S,)."""
    low, high = extent.low[:, 0], extent.high[:, 0]
    width, level = high - low, np.maximum(np.abs(low), np.abs(high))
    units: np.ndarray = np.where(width > 0, width, np.where(level > 0, level, 1.0))
    return units
