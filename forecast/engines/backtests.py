"""Backtests of whole series in Arrow tables, see `batches`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import pyarrow as pa

from forecast.data.origin import TableOrigin
from forecast.engines.batches import HISTORY, Tables, Task, kind, labels, make_task
from forecast.evaluation.cutoff_forecasts import CUTOFF, FORECAST, CutoffForecasts
from forecast.evaluation.metrics import by_forecast, measure_names
from forecast.evaluation.rolling_origin import (
    cutoff_request,
    forecast_from_cutoffs,
    place_cutoffs,
    reach_a_cutoff,
)
from forecast.inference.predictor import Predictor

BASELINES = ("naive", "seasonal_naive", "drift")  # by default: those that cost little
MODEL = "model"  # the column that names the forecast that is measured


@dataclass(frozen=True, repr=False)
class DistributedBacktest:
    """A backtest that an engine computes when it is asked for.

    Attributes:
        table: a frame of the engine with the columns of `Backtest.table`.
        make_measures: of the measures of each forecast, as such a frame.
    """

    table: Any
    make_measures: Callable[[], Any]

    def __repr__(self) -> str:
        """Say what computes it."""
        return f"{type(self).__name__}(table, by_forecast: {kind(self.table)}, not computed yet)"

    @property
    def by_forecast(self) -> Any:
        """A frame of the id, the cutoff, the model or baseline, and its measures there.

        Their means by model are those of `Backtest.overall`, but for `wql` and `owa`.
        """
        return self.make_measures()


def backtesting(
    model: Predictor,
    tables: Mapping[str, Any],
    horizon: int,
    cutoffs: int,
    *,
    stride: int | None = None,
    levels: float | Sequence[float] | None = None,
    baselines: Sequence[str] | None = None,
    target: str | None = None,
    carry: bool = False,
    reports: bool = False,
    measures: bool = False,
) -> Task:
    """Forecast from many cutoffs of histories, counted from the end of each series.

    Args:
        model: which forecasts.
        tables: the histories by role, or their schema.
        horizon, cutoffs, levels, target, carry: see `Model.backtest`.
        stride: rows from one cutoff to the next; by default the horizon.
        baselines: by default BASELINES.
        reports: see `Task`.
        measures: whether the outcome is the measures of each forecast, instead of its steps.

    Raises:
        OptionError: if an argument is out of range or does not fit the model.
        DataError: if the table lacks a column.
    """
    rows_after = place_cutoffs(0, horizon, cutoffs, horizon if stride is None else stride)
    names = BASELINES if baselines is None else baselines
    request = cutoff_request(model, horizon, levels, names, target)
    *names_series, time = labels(model, tables)
    cutoff = time.with_name(CUTOFF)
    if measures:
        fields = [*names_series, cutoff, pa.field(MODEL, pa.string())]
        numbers = measure_names(request.levels)
    else:
        fields = [*names_series, time, cutoff]
        ends = [f"{FORECAST}-{side}-{level:g}" for level in request.levels for side in ("lo", "hi")]
        actual = model.config.schema.targets[request.target_index]
        numbers = [actual, FORECAST, *ends, *request.baselines]
    fields += [pa.field(name, pa.float64()) for name in numbers]
    options = {"rows_after": rows_after, "request": request, "carry": carry, "measures": measures}
    return make_task(model, _backtest, tables, fields, options=options, reports=reports)


def _backtest(
    model: Predictor, tables: Tables, options: Mapping[str, Any], source: str
) -> pa.Table:
    panel = model.panel(tables[HISTORY], TableOrigin(source), all_missing=True)
    rows_after = options["rows_after"]
    if not reach_a_cutoff(panel, rows_after).any():
        return tables[HISTORY].slice(0, 0)
    found = forecast_from_cutoffs(model, panel, rows_after, options["request"], options["carry"])
    frame = _measures(found) if options["measures"] else found.table
    return pa.Table.from_pandas(frame, preserve_index=False)


def _measures(found: CutoffForecasts) -> pd.DataFrame:
    """The measures of each forecast, with what it is of."""
    measures = by_forecast(found).reset_index()
    rollout = measures.pop("forecast").to_numpy()
    schema = replace(found.schema, time=CUTOFF, index=())
    columns = {str(name): measures[name] for name in measures}
    return schema.table(found.frequency, found.ids[rollout], found.cutoffs[rollout], columns)
