"""From a request to forecasts: of series that have a state, with a history, or with neither."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pandas as pd

from forecast.data.future_covariates import FutureCovariates
from forecast.data.origin import TableOrigin
from forecast.engines.state_store import StateStore
from forecast.errors import OptionError
from forecast.inference.config import Config
from forecast.inference.forecast import Forecast
from forecast.inference.intervals import interval_source
from forecast.inference.predictor import Predictor
from forecast.inference.request import as_levels
from forecast.inference.state import State
from forecast.service import cold_start
from forecast.service.problems import RequestError
from forecast.service.records import frame, records
from forecast.service.requests import PredictRequest, Row
from forecast.service.served_model import ServedModel
from forecast.service.settings import Limits


class Part(NamedTuple):
    """The forecasts of some series of a request.

    Attributes:
        table: see `Forecast.table`.
        notes: on it.
        paths: see `Forecast.path_table`; None where none are wanted.
    """

    table: pd.DataFrame
    notes: tuple[str, ...]
    paths: pd.DataFrame | None = None


def predict(served: ServedModel, request: PredictRequest) -> dict[str, Any]:
    """Forecast, see `Forecasts`.

    Raises:
        RequestError: if a series is unknown, or too much is asked for.
        ForecastError: if the request does not fit the model.
    """
    parts = [*_parts(served, request)]
    frequency = served.model.config.frequency
    answer: dict[str, Any] = {
        "model": served.name,
        "forecast": [row for part in parts for row in records(part.table, frequency)],
        "notes": [note for part in parts for note in part.notes],
    }
    if request.paths:
        tables = [part.paths for part in parts if part.paths is not None]
        answer["paths"] = [row for table in tables for row in records(table, frequency)]
    return answer


def _parts(served: ServedModel, request: PredictRequest) -> Iterator[Part]:
    future = None
    if request.future is not None:
        future = served.model.future_covariates(frame(request.future))
    if request.series is not None or request.history is not None or not request.new_series:
        start = _start(served, request)
        forecast = rollout(served.model, served.limits, start.state, request, future)
        paths = forecast.path_table if request.paths else None
        apart = _apart(forecast.start, served.model.config)
        ahead = future.panel.notes if future else ()
        notes = (*start.notes, *ahead, *apart, *forecast.notes)
        yield Part(forecast.table, notes, paths)
    names = [row.get(str(served.model.config.schema.id)) for row in request.new_series or ()]
    if len({*names}) < len(names):
        raise OptionError("an id comes twice in new_series; name each series once")
    for row in request.new_series or ():
        yield _without_history(served, request, row, future)


def _apart(start: State, config: Config) -> list[str]:
    """Says where forecasts begin at different times."""
    last = int(start.time.max())
    behind = int((start.time < last).sum())
    if not behind:
        return []
    until = config.schema.text(config.frequency, last)
    return [
        f"{behind:,} of {len(start.ids):,} series end before {until}: their forecasts begin earlier"
    ]


class Start(NamedTuple):
    """The states that a forecast starts from, and notes on how their history was read."""

    state: State
    notes: tuple[str, ...] = ()


def _start(served: ServedModel, request: PredictRequest) -> Start:
    if request.history is None:
        return Start(served.states(request.series))
    panel = served.model.panel(frame(request.history), TableOrigin("history"))
    served.refuse_more(len(panel.ids))
    panel = panel if request.series is None else panel.select(request.series)
    return Start(served.model.encode(panel), panel.notes)


def rollout(
    model: Predictor,
    limits: Limits,
    start: State,
    request: PredictRequest,
    future: FutureCovariates | None = None,
    times: int = 1,
) -> Forecast:
    """The forecast from states.

    Args:
        model: that forecasts.
        limits: of the request.
        start: the states.
        request: what is asked for.
        future: covariates.
        times: how many such rollouts the request needs.

    Raises:
        RequestError: if they are too long or too large.
    """
    levels = as_levels(request.levels)
    needed = interval_source(model.config, model.calibration, "auto", levels).paths
    check_size(request.horizon, times * len(start.ids), max(request.paths, needed), limits)
    return model.rollout(
        request.horizon,
        state=start,
        levels=levels,
        paths=request.paths,
        seed=request.seed,
        runtime="numpy",
        future=future,
    )


def check_size(horizon: int, series: int, paths: int, limits: Limits) -> None:
    """Raise RequestError for more than a request may ask for.

    Args:
        horizon: steps.
        series: that are forecast.
        paths: sample paths of each.
        limits: of the request.
    """
    check_horizon(horizon, limits)
    values = horizon * series * max(paths, 1)
    if values > limits.values:
        each = f", {paths:,} sample paths of each," if paths else ""
        raise RequestError(
            413,
            f"{horizon:,} steps of {series:,} series{each} are {values:,} values; at most "
            f"{limits.values:,} in a request: ask for fewer series at a time",
        )


def check_horizon(horizon: int, limits: Limits) -> None:
    """Raise RequestError for more steps than a forecast may have."""
    if horizon > limits.horizon:
        raise RequestError(422, f"horizon is {horizon:,}; at most {limits.horizon:,} steps")


def _without_history(
    served: ServedModel, request: PredictRequest, row: Row, future: FutureCovariates | None
) -> Part:
    """The forecast of one of some series without a history, by those that are most like it."""
    if request.paths:
        raise OptionError("there are no sample paths of new_series; leave one of them out")
    column = served.model.config.schema.id
    if column is None:
        raise OptionError("the model knows one series, without an id; there are no new ones")
    static = {name: cell for name, cell in row.items() if name != column and cell is not None}
    if row.get(column) is None:
        raise OptionError(f"each of new_series needs an id in the column {column!r}")
    name = served.own_id(row[column])
    if not served.is_id(name):
        raise OptionError(f"the id {name!r} is not of the kind that the model's series have")
    with served.store() as store:
        if store.has([name]):
            raise OptionError(f"series {name!r} has a state; name it in series, not in new_series")
        states = _similar(served, store, static)
    start = cold_start.in_place_of(states, name)
    times = len(request.new_series or ())
    forecast = rollout(served.model, served.limits, start, request, future, times)
    others = f"{len(forecast.steps):,} series"
    like = f"{others} most like it in {', '.join(static)}" if static else f"{others} of the model"
    note = f"series {name!r} has no history: its forecast is the median of those of {like}"
    return Part(cold_start.typical(forecast, as_levels(request.levels)), (note, *forecast.notes))


def _similar(served: ServedModel, store: StateStore, static: dict[str, Any]) -> State:
    """The states of the series that are most like one with these static covariates."""
    config, known = served.model.config, served.model.state
    if static or config.static:
        ids = known.ids[cold_start.nearest(known, config, static)].tolist()
    else:
        every = [*store.last_times()]
        ids = every[:: -(-len(every) // cold_start.MOST)]
    return store.states(ids) or known
