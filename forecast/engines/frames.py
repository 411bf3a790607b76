"""The verbs of a model on frames that an engine computes: Spark's, Dask's or Ray's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

from forecast.data.dataframes import is_of_engine
from forecast.engines import tasks
from forecast.engines.backtests import DistributedBacktest, backtesting
from forecast.engines.batches import HISTORY, NEW_ROWS, STATE, Task, by_use, kind
from forecast.errors import OptionError
from forecast.inference.predictor import Predictor

MODULES = {"pyspark": "spark", "dask": "dask", "ray": "ray"}  # by the package of a frame
BAD_SERIES = ("raise", "report")


@dataclass(frozen=True, repr=False)
class DistributedForecast:
    """A forecast that an engine computes when it is asked for.

    Attributes:
        table: a frame of the engine with the columns of `Forecast.table`.
        make_paths: of sample paths, as such a frame; None where none were asked for.
    """

    table: Any
    make_paths: Callable[[], Any] | None = None

    def __repr__(self) -> str:
        """Say what computes it."""
        paths = "" if self.make_paths is None else ", path_table"
        return f"{type(self).__name__}(table{paths}: {kind(self.table)}, not computed yet)"

    @property
    def path_table(self) -> Any:
        """A frame with the columns of `Forecast.path_table`.

        Raises:
            OptionError: if there are no sample paths.
        """
        if self.make_paths is None:
            raise OptionError("the forecast has no sample paths; ask for some with paths=")
        return self.make_paths()


def engine_of(frame: Any) -> Any:
    """The module that works on a frame; None for what is no frame of an engine."""
    package = type(frame).__module__.partition(".")[0]
    return import_module(f"forecast.engines.{MODULES[package]}") if is_of_engine(frame) else None


def rollout(
    model: Predictor,
    horizon: int,
    frames: Mapping[str, Any],
    *,
    paths: int,
    bad_series: str,
    series: Any,
    **options: Any,
) -> DistributedForecast:
    """Forecast on an engine, see `Predictor.rollout`.

    Args:
        model: which forecasts.
        horizon: steps H.
        frames: by role; None for those that are not there.
        paths: sample paths of each series.
        bad_series: "raise" or "report".
        series: None; frames have a way of their own to choose rows.
        options: others of `Predictor.rollout`.

    Raises:
        OptionError: if an argument is out of range or does not fit the model or the frames.
        DataError: if a frame lacks a column.
    """
    reports = _reports(bad_series)
    if series is not None:
        raise OptionError("series= does not go with a frame of an engine; filter the frame")
    if frames[HISTORY] is not None and frames[STATE] is not None:
        raise OptionError("give a history or a state to continue, not both")
    own, apart = by_use(frames, model.config.schema.id)
    engine = engine_of(next(iter(own.values())))
    shared = {
        role: engine.table(engine.prepared(frame, model)) if is_of_engine(frame) else frame
        for role, frame in apart.items()
    }

    def made(count: int) -> Any:
        def task(schemas: Mapping[str, Any]) -> Task:
            return tasks.forecasting(
                model,
                schemas,
                horizon,
                shared=shared,
                reports=reports,
                paths=count,
                **options,
            )

        return _run(model, own, task)

    return DistributedForecast(made(0), (lambda: made(paths)) if paths else None)


def encode(model: Predictor, history: Any) -> Any:
    """States of histories, see `Predictor.encode`."""
    return _run(model, {HISTORY: history}, partial(tasks.encoding, model))


def observe(model: Predictor, state: Any, new_rows: Any) -> Any:
    """States after new rows, see `Predictor.observe`."""
    return _run(model, {STATE: state, NEW_ROWS: new_rows}, partial(tasks.observing, model))


def backtest(
    model: Predictor, history: Any, horizon: int, cutoffs: int, *, bad_series: str, **options: Any
) -> DistributedBacktest:
    """Forecast from many cutoffs of each series on an engine, see `Model.backtest`.

    Args:
        model: which forecasts.
        history: a frame of an engine.
        horizon: steps H.
        cutoffs: how many, counted from the end of each series.
        bad_series: "raise" or "report".
        options: others of `Model.backtest`.

    Raises:
        OptionError: if an argument is out of range or does not fit the model.
        DataError: if the frame lacks a column.
    """
    task = partial(
        backtesting,
        model,
        horizon=horizon,
        cutoffs=cutoffs,
        reports=_reports(bad_series),
        **options,
    )
    own = {HISTORY: history}
    return DistributedBacktest(
        _run(model, own, task), lambda: _run(model, own, partial(task, measures=True))
    )


def _reports(bad_series: str) -> bool:
    """Whether series that cannot be used are reported."""
    if bad_series not in BAD_SERIES:
        allowed = ", ".join(BAD_SERIES)
        raise OptionError(f"bad_series is {bad_series!r}; it must be one of {allowed}")
    return bad_series == "report"


def _run(
    model: Predictor, frames: Mapping[str, Any], make_task: Callable[[Mapping[str, Any]], Task]
) -> Any:
    """The outcome of a task for the rows of some frames, by role."""
    parts = {role.replace("_", " "): frame for role, frame in frames.items()}
    (first, given), *more = parts.items()
    engine = engine_of(given)
    for role, frame in more:
        if engine_of(frame) is not engine or engine is None:
            kinds = [f"{part} is a {kind(parts[part])}" for part in (first, role)]
            raise OptionError(f"{', '.join(kinds)}; give both as frames of one engine")
    prepared = {role: engine.prepared(frame, model) for role, frame in frames.items()}
    task = make_task({role: engine.schema(frame) for role, frame in prepared.items()})
    return engine.run(task, prepared, given)
