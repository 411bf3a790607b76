"""What is done to whole series in Arrow tables: forecasts, states, states after new rows."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from forecast.data.origin import TableOrigin
from forecast.engines.batches import (
    FUTURE,
    HISTORY,
    NEW_ROWS,
    STATE,
    Tables,
    Task,
    by_use,
    labels,
    make_task,
    marked,
)
from forecast.engines.parts import ROWS
from forecast.errors import ForecastWarning
from forecast.inference.forecast import path_columns, value_columns
from forecast.inference.intervals import interval_source
from forecast.inference.plausibility import unpractised_steps
from forecast.inference.predictor import Predictor
from forecast.inference.request import RolloutRequest, as_levels
from forecast.inference.state import State
from forecast.inference.state_records import from_records, to_records

CHECKED = ("paths", "seed", "runtime", "intervals")  # options of a rollout, before it begins
MANY = 1_000  # notes that are remembered, so as not to be told again
RECORD = pa.field(STATE, pa.binary())


def forecast_batch(
    model: Predictor,
    history: pa.Table,
    horizon: int,
    *,
    future: pa.Table | None = None,
    rows: int = ROWS,
    reports: bool = False,
    **options: Any,
) -> pa.Table:
    """Forecast the series of an Arrow table, with no more of it at work than some rows at a time.

    Args:
        model: which forecasts.
        history: of whole series, in any order.
        horizon: steps H.
        future: covariates of the steps, for a model that takes some.
        rows: that are worked on together, or a single series.
        reports: whether a series that cannot be used becomes a row of its id and an `error`.
        options: levels, paths and others of `Model.rollout`.

    Returns:
        The forecast, or with `paths` the sample paths, of the series in the order of their ids; id
        and time are of the types that the history has.

    Raises:
        DataError: if a series cannot be used, unless that is reported.
        OptionError: if an option does not fit.

    Warns:
        ForecastWarning: see `Model.rollout`.
    """
    tables, shared = by_use({HISTORY: history, FUTURE: future}, model.config.schema.id)
    task = forecasting(model, tables, horizon, shared=shared, reports=reports, **options)
    found = task.run(marked(tables, task.id).to_batches(), rows)
    return pa.concat_tables([task.schema.empty_table(), *found])


def forecasting(
    model: Predictor,
    tables: Mapping[str, Any],
    horizon: int,
    *,
    shared: Tables | None = None,
    reports: bool = False,
    **options: Any,
) -> Task:
    """Forecast the steps after histories, or after states.

    Args:
        model: which forecasts.
        tables: the rows by role, or the schemas of such tables.
        horizon: steps H.
        shared: see `Task`.
        reports: see `Task`.
        options: of `Model.rollout`; with `paths` the outcome is those.
    """
    request = RolloutRequest(
        horizon,
        as_levels(options.get("levels", ())),
        **{name: options[name] for name in CHECKED if name in options},
    )
    request.check(model.config, model.calibration)
    source = interval_source(model.config, model.calibration, request.intervals, request.levels)
    calibrated = source.calibration.steps if request.levels and source.calibration else None
    said = tuple(unpractised_steps(model.config, horizon, calibrated))
    for note in said:
        warnings.warn(note, ForecastWarning, stacklevel=2)
    names = model.config.schema
    numbers = path_columns(names) if request.paths else value_columns(names, request.levels)
    fields = [pa.field(name, pa.int64() if name == "path" else pa.float64()) for name in numbers]
    return make_task(
        model,
        _forecast,
        tables,
        [*labels(model, tables), *fields],
        options={"rollout": {"horizon": horizon, **options}, "said": said},
        shared=shared,
        reports=reports,
    )


def encoding(model: Predictor, tables: Mapping[str, Any]) -> Task:
    """Turn histories into states: a row for each series of its id, last time and record."""
    return make_task(model, _encode, tables, [*labels(model, tables), RECORD])


def observing(model: Predictor, tables: Mapping[str, Any]) -> Task:
    """Advance states by new rows; a series without a state gets one from its rows alone."""
    return make_task(model, _observe, tables, [*labels(model, tables), RECORD])


def as_rows(model: Predictor, state: State) -> pa.Table:
    """A state as a table of records."""
    frame = model.config.schema.table(state.frequency, state.ids, state.time, {})
    table = pa.Table.from_pandas(frame, preserve_index=False)
    return table.append_column(STATE, pa.array(to_records(state), pa.binary()))


def _forecast(
    model: Predictor, tables: Tables, options: Mapping[str, Any], source: str
) -> pa.Table:
    first = STATE if STATE in tables else HISTORY
    if not tables[first].num_rows:  # covariates of series of which nothing else is known
        return tables[first]
    start = _states(model, tables[STATE]) if first == STATE else _encoded(model, tables, source)
    future = tables.get(FUTURE)
    future = None if future is None else model.future_covariates(future, TableOrigin(source))
    asked = options["rollout"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ForecastWarning)
        forecast = model.rollout(state=start, future=future, **asked)
    for note in forecast.notes:
        if note not in options["said"]:
            _warn_once(note)
    frame = forecast.path_table if asked.get("paths") else forecast.table
    return pa.Table.from_pandas(frame, preserve_index=False)


@functools.lru_cache(MANY)
def _warn_once(note: str) -> None:
    """Warn of what may hold for many parts, once in a process."""
    warnings.warn(note, ForecastWarning, stacklevel=3)


def _encode(model: Predictor, tables: Tables, _: Mapping[str, Any], source: str) -> pa.Table:
    return as_rows(model, _encoded(model, tables, source))


def _observe(model: Predictor, tables: Tables, _: Mapping[str, Any], source: str) -> pa.Table:
    if not tables[STATE].num_rows:
        return as_rows(model, _encoded(model, tables, source, NEW_ROWS))
    state = _states(model, tables[STATE])
    if not tables[NEW_ROWS].num_rows:
        return as_rows(model, state)
    new = model.panel(tables[NEW_ROWS], TableOrigin(source), all_missing=True)
    return as_rows(model, model.observe(state, new))


def _encoded(model: Predictor, tables: Tables, source: str, role: str = HISTORY) -> State:
    """The state after histories."""
    return model.encode(model.panel(tables[role], TableOrigin(source), all_missing=True))


def _states(model: Predictor, table: pa.Table) -> State:
    """The state of the series in a table of records."""
    id, records = model.config.schema.id, table[STATE].to_pylist()
    ids = model.state.ids.tolist() if id is None else table[id].to_pylist()
    return from_records(records, ids, model.state)
