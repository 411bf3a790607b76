"""`Predictor`: the part of a model that forecasts. It knows no file, picture or backtest."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from forecast.data.dataframes import alike, is_of_engine, is_table
from forecast.data.future_covariates import FutureCovariates
from forecast.data.origin import IN_MEMORY, TableOrigin
from forecast.data.panel import Panel
from forecast.errors import ForecastWarning, OptionError
from forecast.inference import encoding, plausibility
from forecast.inference.aggregation import totals
from forecast.inference.bounds import Bounds, to_bounds
from forecast.inference.conformal import Calibration
from forecast.inference.forecast import Forecast, attention_table, tabulate
from forecast.inference.inputs import (
    FUTURE_IN_MEMORY,
    next_rows,
    read_future,
    read_history,
)
from forecast.inference.intervals import interval_source, prediction_intervals
from forecast.inference.members import Core
from forecast.inference.new_rows import require_frequency_of
from forecast.inference.request import (
    RolloutRequest,
    as_levels,
    check_levels,
    check_quantiles,
    check_size,
)
from forecast.inference.rollout import (
    Rollout,
    RolloutEngine,
    faster_runtime,
)
from forecast.inference.state import State, require_state_of
from forecast.inference.stopping import Condition, to_condition
from forecast.inference.streaming import Stream
from forecast.nn import HEADS

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_QUANTILES = (0.1, 0.5, 0.9)
MAX_NOTES_IN_WARNING = 3


@dataclass(frozen=True, eq=False, kw_only=True)
class Predictor(Core):
    """A trained network, and perhaps further members, with the state of the series of a table.

    Attributes:
        config: what the model is made of.
        weights: named arrays.
        others, shares: further members, see `Core`.
        state: of the training series after their last row.
        calibration: errors of rollouts on held-out rows, by which intervals are made; None where
            there were too few.
    """

    state: State
    calibration: Calibration | None = None

    @classmethod
    def after(cls, panel: Panel, core: Core) -> Self:
        """A predictor whose state is that of the panel after its last rows."""
        state = encoding.encode(panel, core.config, core.step, core.fingerprint, core.others)
        return cls(*core.parts, state=state)

    def __repr__(self) -> str:
        """Say what kind of model it is, and which series its state holds."""
        kind = f"{self.config.network}, {self.config.head}, {self.size:,} weights"
        return f"{type(self).__name__}({kind}; {self.state})"

    def panel(
        self,
        table: Any,
        origin: TableOrigin = IN_MEMORY,
        *,
        fill_gaps: bool = True,
        all_missing: bool = False,
    ) -> Panel:
        """Validate a table with the columns of the training data.

        Args:
            table: of the layout that the model was trained on.
            origin: names its rows in messages.
            fill_gaps: whether rows may be missing.
            all_missing: whether every value may be missing.

        Raises:
            DataError: if the table does not fit.
        """
        ids = self.state.ids.tolist()
        return read_history(
            table, self.config, ids, origin, fill_gaps=fill_gaps, all_missing=all_missing
        )

    def future_covariates(
        self, table: Any, origin: TableOrigin = FUTURE_IN_MEMORY
    ) -> FutureCovariates:
        """Validate a table of future covariates.

        Args:
            table: with the time and the known columns of the training data; without the column
                that names the series its rows hold for all.
            origin: names its rows in messages.

        Raises:
            DataError: if the table does not fit.
            OptionError: if the model takes no covariates.
        """
        if not self.config.known:
            raise OptionError(
                "the model takes no future covariates; train with --known COLUMN (known=[...] in "
                "Python)"
            )
        return read_future(table, self.config, self.state.ids.tolist(), origin)

    def encode(self, history: Any) -> State:
        """The state of series after their history.

        Args:
            history: a table with the columns that the model was trained on, or a `Panel`. Of a
                frame of Spark, Dask or Ray the states are such a frame: a row for each series of
                its id, its last time and its `state` as bytes.

        Raises:
            DataError: if the table does not fit.
        """
        if is_of_engine(history):
            states: State = engines().encode(self, history)
            return states
        panel = history if isinstance(history, Panel) else self.panel(history)
        mark = self.state.fingerprint
        return encoding.encode(panel, self.config, self.step, mark, self.others)

    def observe(
        self, state: State, new_rows: Any, *, fill_gaps: bool = False, future: Any = None
    ) -> State:
        """Advance a state by new rows, in a time that does not grow with the history.

        Args:
            state: what the rows follow; it stays as it is.
            new_rows: the next rows of any of its series, as a table or a `Panel`, or their values
                as an array, (S,) for one row of each series of the state in its order, (S, k)
                for k rows, with several targets (S, D) or (S, k, D); NaN for a missing value. A
                series in a table that the state does not hold gets a state from its own rows,
                after the others.
            fill_gaps: whether rows may be missing before or among the new ones; they are then
                taken as missing values.
            future: known columns of the rows, where those are given as an array.

        A frame of states, see `encode`, is advanced by a frame of the same engine.

        Returns:
            The state after the rows. Observing rows one by one or all at once is the same.

        Raises:
            DataError: if the rows are not the next ones, or cannot be used.
            OptionError: if the state belongs to another model.

        Example:
            >>> from forecast import Forecaster
            >>> from forecast.datasets import load
            >>> air = load("air_passengers")
            >>> model = Forecaster(steps=2).fit(air[:140]).model_
            >>> model.observe(model.state, air[140:])
            State(1 series: 'y' at 1960-12-01; 392 bytes; model ...)
        """
        if is_of_engine(state) or is_of_engine(new_rows):
            if fill_gaps or future is not None:
                raise OptionError("fill_gaps= and future= do not go with frames of an engine")
            states: State = engines().observe(self, state, new_rows)
            return states
        require_state_of(state, self.config, self.state.fingerprint)
        panel = self._new_panel(state, new_rows, fill_gaps, future)
        return encoding.observe(state, panel, self.config, self.step, fill_gaps, self.others)

    def update(self, new_rows: Any, *, fill_gaps: bool = False) -> Self:
        """The model with its own state after new rows, see `observe`; weights stay the same."""
        return replace(self, state=self.observe(self.state, new_rows, fill_gaps=fill_gaps))

    def predict(self, *given: Any, horizon: int | None = None, **options: Any) -> pd.DataFrame:
        """Forecast the next steps; the table of `rollout`, which takes the same arguments.

        Args:
            given: the horizon, and perhaps a history; or a history alone, as in a chain of pandas,
                where the horizon is given by its name.
            horizon, options: see `rollout`.

        Example:
            >>> from forecast import Forecaster
            >>> from forecast.datasets import load
            >>> air = load("air_passengers")
            >>> model = Forecaster(steps=2).fit(air).model_
            >>> air[:100].pipe(model.predict, horizon=3)["ds"].dt.month.tolist()
            [5, 6, 7]
        """
        first = () if horizon is None else (horizon,)
        return self.rollout(*first, *given, **options).table

    def rollout(
        self,
        horizon: int,
        history: Any = None,
        *,
        state: State | None = None,
        series: Sequence[Any] | None = None,
        levels: float | Sequence[float] = (),
        paths: int = 0,
        seed: int = 0,
        runtime: str = "auto",
        bounds: Any = None,
        until: str | Condition | None = None,
        future: Any = None,
        intervals: str = "auto",
        bad_series: str = "raise",
    ) -> Forecast:
        """Forecast the next steps of each series by feeding the model its own values.

        Args:
            horizon: how many steps H; with `until` the most.
            history: a table to continue; by default the training data is continued. Tables are
                of pandas, or any that Narwhals knows, such as Polars; the forecast is of the same.
            state: what to continue instead, such as the state of an earlier forecast.
            series: ids to forecast; by default all.
            levels: widths of intervals in percent, such as 80 or (80, 95).
            paths: sample paths per series, n; for intervals at least 200, and as many as it takes
                for one to lie beyond either end.
            seed: chooses the sample paths.
            runtime: "numpy", "compiled" (TensorFlow), or "auto": compiled for huge panels.
            bounds: limits of every value, fed back too: `non_negative`, `between(low, high)`,
                a pair (low, high), or "none"; by default those of the model. Of several targets
                they are those of the first.
            until: ends a series early, such as "value<20", `below(20)` or `unchanged(5)`: a
                function of its values so far (t,) that is true for the last one wanted, with
                which its rows end.
            future: future covariates, for a model that takes some: a table with the times and the
                known columns; without the id column it applies to all series.
            intervals: "calibrated" on the errors of rollouts on held-out rows, with the spread of
                sample paths where the head has a distribution; "paths" for percentiles of the
                sample paths alone; "auto": calibrated where there were such rows, but for counts.
            bad_series: of a frame of Spark, Dask or Ray: "raise", or "report" a series that cannot
                be used as a row of its id and an `error`, beside the forecasts of the others.

        Returns:
            The table, the paths, the state after the rollout, and notes. The table is of pandas
            where neither a history nor a future of another library is given. Of a frame of Spark,
            Dask or Ray, or states in one, the table and the paths are such frames, computed when
            they are asked for.

        Raises:
            OptionError: if an argument is out of range or does not fit the model.
            DataError: if the history does not fit or a series is unknown.
            ForecastError: if values are not finite.

        Warns:
            ForecastWarning: if a forecast goes far beyond the data of its series, or further than
                training practised, see `Config.horizon`.
        """
        if is_of_engine(history) or is_of_engine(state):
            on_engine: Forecast = engines().rollout(
                self,
                horizon,
                {"history": history, "state": state, "future": future},
                paths=paths,
                bad_series=bad_series,
                series=series,
                levels=levels,
                seed=seed,
                runtime=runtime,
                bounds=bounds,
                until=until,
                intervals=intervals,
            )
            return on_engine
        request = RolloutRequest(horizon, as_levels(levels), paths, seed, runtime, intervals)
        request.check(self.config, self.calibration)
        start = self._start(history, state, series)
        condition = None if until is None else to_condition(until)
        source = interval_source(self.config, self.calibration, intervals, request.levels)
        request = replace(request, paths=max(paths, source.paths))
        engine = self._engine_for(start, request, bounds)
        covariates = self._covariates(start, horizon, future)
        centre = engine.run(start, horizon, covariates, condition)
        sampled = None
        if request.paths:
            sampled = engine.sample(start, centre.lengths, request.paths, covariates)
        ends = prediction_intervals(engine, centre, sampled, request.levels, source.calibration)
        calibration = source.calibration if request.levels else None
        notes = self._notes(centre, engine.bounds, calibration)
        if notes:
            warnings.warn(_warning(notes), ForecastWarning, stacklevel=2)
        schema = self.config.schema
        table = alike(tabulate(centre, ends, schema), history, future)
        return Forecast(
            table=table,
            paths=_by_series(sampled, request.paths),
            start=start,
            state=centre.after,
            branches=sampled.after if sampled else None,
            notes=tuple(notes),
            schema=schema,
        )

    def totals(
        self,
        forecast: Forecast,
        *,
        by: str | Mapping[Any, Any] | None = None,
        over: str | None = None,
        levels: float | Sequence[float] = (),
    ) -> pd.DataFrame:
        """Sums of a forecast's sample paths over series and time, with intervals of their own.

        Args:
            forecast: of `rollout`, with paths.
            by: a static column of categories, "all", or a group for each id.
            over: "day", "week", "month", "quarter", "year" or "all".
            levels: widths of intervals in percent.
        """
        percents = as_levels(levels)
        check_levels(percents)
        return alike(totals(forecast, self.config, by, over, percents), forecast.table)

    def attention(
        self,
        horizon: int,
        *,
        state: State | None = None,
        series: Sequence[Any] | None = None,
        bounds: Any = None,
        future: Any = None,
    ) -> pd.DataFrame:
        """The attention weights of each step of a forecast.

        Args:
            horizon: how many steps H.
            state: what to continue; by default the training data.
            series: ids to look at; by default all.
            bounds, future: see `rollout`.

        Returns:
            For each series and step a row for each of the last M rows that the encoder has read:
            the user's id and time columns, `attended` (the time of that row) and `weight`; the
            weights of a step add up to 1.

        Raises:
            OptionError: if the network has no attention, or an argument is out of range.
            DataError: if a series is unknown.
        """
        if "weights" not in self.state.memory.network:
            raise OptionError(
                f"the network {self.config.network!r} has no attention; train with --network "
                "attention (network='attention' in Python)"
            )
        RolloutRequest(horizon).check(self.config)
        start = self._start(None, state, series)
        check_size(start, horizon, len(start.ids), start.memory.network["weights"].shape[1])
        self._covariates(start, horizon, future)  # all of them are there
        stream = self.stream(start, quantiles=(), bounds=bounds, future=future)
        steps = itertools.islice(stream, 1, horizon + 1)
        weights = np.stack([step.state.memory.network["weights"] for step in steps], 1)
        return alike(attention_table(start, weights, self.config.schema), future)

    def stream(
        self,
        state: State | None = None,
        *,
        quantiles: float | Sequence[float] | None = None,
        bounds: Any = None,
        future: Any = None,
    ) -> Stream:
        """Forecast one step at a time, for as long as the caller wants.

        Each step is fed back, unless the caller sends the true values: they take its place.
        Values that are refused leave the stream where it was.

        Args:
            state: where to begin; by default after the training data.
            quantiles: probabilities whose values to give with each step, by default 0.1, 0.5
                and 0.9 for a head that has a distribution. They are those of the step alone,
                given the values before it.
            bounds, future: see `rollout`; a step whose covariates are missing ends in a DataError.

        Returns:
            An iterator of `Step`, whose `send(values)` takes the true values of the step (S,),
            or as `observe` takes them, and gives the next.

        Raises:
            OptionError: if an argument is out of range or does not fit the model.

        Example:
            >>> from forecast import Forecaster
            >>> from forecast.datasets import load
            >>> model = Forecaster(steps=2).fit(load("air_passengers")).model_
            >>> steps = model.stream()
            >>> first = next(steps)
            >>> second = steps.send([417])  # January's true value
            >>> [str(step.time[0].date()) for step in (first, second)]
            ['1961-01-01', '1961-02-01']
        """
        start = self._start(None, state, None)
        if quantiles is None:
            quantiles = DEFAULT_QUANTILES if HEADS[self.config.head].RANDOM else ()
        quantiles = tuple(np.atleast_1d(quantiles).tolist())
        check_quantiles(self.config, quantiles)
        covariates = self._future(future)
        self._covariates(start, 1, covariates)  # those of the first step are there
        engine = self.engine(self._bounds(bounds))
        observe = partial(self.observe, future=covariates)
        return Stream(engine, start, quantiles, observe, covariates)

    def _start(self, history: Any, state: State | None, series: Sequence[Any] | None) -> State:
        """The state that a rollout starts from."""
        if history is not None and state is not None:
            raise OptionError("give a history or a state to continue, not both")
        if state is not None:
            require_state_of(state, self.config, self.state.fingerprint)
        elif history is not None:
            state = self.encode(history)
        else:
            state = self.state
        return state if series is None else state.select(series)

    def _engine_for(self, start: State, request: RolloutRequest, bounds: Any) -> RolloutEngine:
        """What computes a rollout, on the runtime that is asked for or faster."""
        rows = len(start.ids) * max(request.paths, 1)
        check_size(start, request.horizon, rows)
        runtime = request.runtime
        if runtime == "auto":
            runtime = faster_runtime(self.config, rows, request.horizon)
        return self.engine(self._bounds(bounds), request.seed, runtime)

    def _bounds(self, bounds: Any) -> tuple[Bounds, ...]:
        """The bounds of each target: those of the first one as they are given, if they are."""
        chosen = self.config.bounds
        return chosen if bounds is None else (to_bounds(bounds), *chosen[1:])

    def _covariates(self, start: State, horizon: int, future: Any) -> np.ndarray | None:
        """The future covariates of the next steps, (H, S, V); None for a model without any."""
        covariates = self._future(future)
        if covariates is None:
            return None
        return covariates.at(start.ids, start.times_after(horizon))

    def _future(self, future: Any) -> FutureCovariates | None:
        """Future covariates from a table, or as they are; None for a model without any."""
        if future is not None and not isinstance(future, FutureCovariates):
            future = self.future_covariates(future)
        if not self.config.known:
            return None
        if future is None:
            names = [covariate.name for covariate in self.config.known]
            raise OptionError(
                f"the model takes the future covariates {names}; give them with --future FILE "
                "(future= in Python)"
            )
        covariates: FutureCovariates = future
        return covariates

    def _new_panel(self, state: State, new_rows: Any, fill_gaps: bool, future: Any) -> Panel:
        """New rows as a panel: a table is validated, an array is taken as the next values."""
        if isinstance(new_rows, Panel):
            require_frequency_of(state, new_rows)
            return new_rows
        if is_table(new_rows):
            return self.panel(new_rows, fill_gaps=fill_gaps, all_missing=True)
        is_read = future is None or isinstance(future, FutureCovariates)
        return next_rows(
            state, new_rows, self.config, future if is_read else self.future_covariates(future)
        )

    def _notes(
        self, centre: Rollout, bounds: tuple[Bounds, ...], calibration: Calibration | None
    ) -> list[str]:
        """What there is to say about a rollout, as sentences for people.

        Args:
            centre: the rollout.
            bounds: of it.
            calibration: what its intervals are made from; None where there are none, or where
                they are those of sample paths.
        """
        done = centre.start.memory.network.get("done", np.zeros((1, 1)))
        steps = int((done[:, 0] + centre.lengths).max())
        calibrated = calibration.steps if calibration else None
        return [
            *plausibility.bounds_without_data(bounds[0], centre.start),
            *plausibility.unpractised_steps(self.config, steps, calibrated),
            *plausibility.implausible_forecasts(centre, self.config),
        ]


def engines() -> Any:
    """What works on frames that Spark, Dask or Ray computes; it stands on top of this module."""
    return import_module("forecast.engines.frames")


def _by_series(sampled: Rollout | None, paths: int) -> np.ndarray | None:
    """The values of S * n sample paths as (S, n, H, D)."""
    if sampled is None:
        return None
    return sampled.values.reshape(-1, paths, *sampled.values.shape[1:])


def _warning(notes: list[str]) -> str:
    """The first few of many notes in one line."""
    others = len(notes) - MAX_NOTES_IN_WARNING
    more = [f"and {others:,} more series"] if others > 0 else []
    return "; ".join([*notes[:MAX_NOTES_IN_WARNING], *more])
