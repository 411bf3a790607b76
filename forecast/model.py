"""The fitted model: it encodes histories and rolls forecasts out, without TensorFlow."""

from __future__ import annotations

import hashlib
import itertools
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from forecast.backtest import CUTOFFS, Backtest
from forecast.data.dataframes import alike, is_table
from forecast.data.future_covariates import FutureCovariates
from forecast.data.panel import Panel
from forecast.errors import ArtifactError, DataError, ForecastWarning, OptionError
from forecast.evaluation.rolling_origin import cutoffs_within, roll
from forecast.inference import encoding, serialization
from forecast.inference import intervals as interval
from forecast.inference.aggregation import totals
from forecast.inference.bounds import Bounds, to_bounds
from forecast.inference.config import Config
from forecast.inference.conformal import Calibration
from forecast.inference.forecast import Forecast, attended, tabulate
from forecast.inference.inputs import match, match_ahead, next_rows
from forecast.inference.rollout import (
    RolloutEngine,
    make_cell,
    outside,
    runtime_for,
    strays,
    times_after,
)
from forecast.inference.state import State
from forecast.inference.stopping import Condition, to_condition
from forecast.inference.streaming import Stream
from forecast.inference.validation import (
    check_levels,
    check_quantiles,
    check_reach,
    check_rollout,
    check_state,
)
from forecast.nn import HEADS, NETWORKS
from forecast.nn.step import ModelStep

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from forecast.plotting import TrainingCurves

QUANTILES = (0.1, 0.5, 0.9)
PICTURES = ("forecast", "training", "attention")
NOTED = 3  # series that a warning names


@dataclass(frozen=True, eq=False)
class Model:
    """A trained network with the state of the series it was trained on.

    Attributes:
        config: what the model is made of.
        weights: named arrays.
        state: of the training series after their last row.
        record: how training went, plain values.
        calibration: errors of rollouts on held-out rows, by which intervals are made; None where
            there were too few.
    """

    config: Config
    weights: dict[str, np.ndarray]
    state: State
    record: dict[str, Any]
    calibration: Calibration | None = None

    def __repr__(self) -> str:
        """Say what kind of model it is, and what its state knows."""
        size = sum(array.size for array in self.weights.values())
        return f"Model({self.config.network}, {self.config.head}, {size:,} weights; {self.state})"

    def panel(self, table: Any, **where: Any) -> Panel:
        """Pass a table with the columns of the training data through the gate.

        Args:
            table: of the layout that the model was trained on.
            where: `fill_gaps`, `all_missing`, `source`, `first_line` and `files` of `to_panel`.

        Raises:
            DataError: if the table does not fit.
        """
        ids = self.state.ids.tolist()
        return match(table, self.config, ids, **where)

    def ahead(self, future: Any, **where: Any) -> FutureCovariates:
        """The known covariates of rows to come.

        Args:
            future: a table with the time and the known columns of the training data; without the
                column that names the series its rows hold for all.
            where: `source`, `first_line` and `files` of `to_panel`.

        Raises:
            DataError: if the table does not fit.
            OptionError: if the model takes no covariates.
        """
        if not self.config.known:
            raise OptionError(
                "the model takes no columns that are known for the future; train with --known "
                "COLUMN (known=[...] in Python)"
            )
        return match_ahead(future, self.config, self.state.ids.tolist(), **where)

    def encode(self, history: Any) -> State:
        """The state of series after their history.

        Args:
            history: a table with the columns that the model was trained on, or a `Panel`.

        Raises:
            DataError: if the table does not fit.
        """
        panel = history if isinstance(history, Panel) else self.panel(history)
        return encoding.encode(panel, self.config, self.cell(), self.state.fingerprint)

    def observe(
        self, state: State, rows: Any, *, fill_gaps: bool = False, future: Any = None
    ) -> State:
        """Take new rows in: the state after them, in a time that does not grow with the history.

        Args:
            state: what the rows follow; it stays as it is.
            rows: the next rows of any of its series, as a table or a `Panel`, or their values
                as an array, (S,) for one row of each series of the state in its order, (S, k)
                for k rows, with several targets (S, D) or (S, k, D); NaN for a missing value. A
                series in a table that the state does not hold gets a state from its own rows,
                after the others.
            fill_gaps: whether rows may be missing before or among the new ones; they are then
                taken as missing values.
            future: known columns of the rows, where those are given as an array.

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
        check_state(state, self.config, self.state.fingerprint)
        panel = self._rows(state, rows, fill_gaps, future)
        return encoding.observe(state, panel, self.config, self.cell(), fill_gaps)

    def update(self, rows: Any, *, fill_gaps: bool = False) -> Model:
        """The model with its own state after new rows, see `observe`; weights stay the same."""
        return replace(self, state=self.observe(self.state, rows, fill_gaps=fill_gaps))

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
            future: the known columns of the steps to come, for a model that takes some: a table
                with their times; without the column that names the series it holds for all.
            intervals: "calibrated" on the errors of rollouts on held-out rows, with the spread of
                sample paths where the head has a distribution; "paths" for percentiles of the
                sample paths alone; "auto": calibrated where there were such rows, but for counts.

        Returns:
            The table, the paths, the state after the rollout, and notes. The table is of pandas
            where neither a history nor a future of another library is given.

        Raises:
            OptionError: if an argument is out of range or does not fit the model.
            DataError: if the history does not fit or a series is unknown.
            ForecastError: if the rollout leaves the finite numbers.

        Warns:
            ForecastWarning: if a forecast goes far beyond the data of its series.
        """
        if history is not None and state is not None:
            raise OptionError("give a history or a state to continue, not both")
        levels = tuple(np.atleast_1d(levels).tolist())
        is_calibrated = self.calibration is not None
        check_rollout(self.config, horizon, levels, paths, seed, runtime, intervals, is_calibrated)
        if state is not None:
            check_state(state, self.config, self.state.fingerprint)
            start = state
        else:
            start = self.state if history is None else self.encode(history)
        start = start if series is None else start.select(series)
        basis = interval.basis_of(self.config, self.calibration, intervals, levels)
        count = max(paths, basis.paths)
        rows = len(start.ids) * max(count, 1)
        check_reach(start, horizon, rows)
        if runtime == "auto":
            runtime = runtime_for(self.config, rows, horizon)
        limits = self._limits(bounds)
        ahead = self._upcoming(start, horizon, future)
        engine = RolloutEngine(self.config, self.weights, limits, seed, runtime, ahead)
        if until is None:
            centre = engine.run(start, horizon)
        else:
            centre = engine.run_until(start, horizon, to_condition(until))
        sampled = None
        if count:
            sampled = engine.run(start, centre.scaled.shape[1], count)
            sampled = engine.cut(sampled, np.repeat(centre.lengths, count))
        shape = (len(start.ids), count, *centre.scaled.shape[1:])
        drawn = sampled.values.reshape(shape) if sampled else None
        ends = interval.intervals(engine, centre, sampled, levels, basis.calibration)
        notes = [
            *outside(limits[0], start),
            *self._beyond_training(start, centre.lengths),
            *strays(centre, self.config.schema.targets),
        ]
        if notes:
            warnings.warn("; ".join(_some(notes)), ForecastWarning, stacklevel=2)
        branches = sampled.after if sampled else None
        schema = self.config.schema
        table = alike(tabulate(centre, ends, schema), history, future)
        return Forecast(table, drawn, start, centre.after, branches, tuple(notes), schema)

    def totals(
        self,
        forecast: Forecast,
        *,
        by: str | Mapping[Any, Any] | None = None,
        over: str | None = None,
        levels: float | Sequence[float] = (),
    ) -> pd.DataFrame:
        """Sums of a forecast's sample paths over series and time, see `forecast.inference.aggregation.totals`.

        Args:
            forecast: of `rollout`, with paths.
            by: a static column of categories, "all", or a group for each id.
            over: "day", "week", "month", "quarter", "year" or "all".
            levels: widths of intervals in percent.
        """
        levels = tuple(np.atleast_1d(levels).tolist())
        check_levels(levels)
        sums = totals(forecast, self.config, by, over, levels)
        return alike(sums, forecast.table)

    def backtest(
        self,
        history: Any,
        horizon: int,
        cutoffs: int = CUTOFFS,
        *,
        stride: int | None = None,
        levels: float | Sequence[float] | None = None,
        baselines: Sequence[str] | None = None,
        target: str | None = None,
        carry: bool = False,
    ) -> Backtest:
        """Forecast from many cutoffs of a table, beside what came and what naive forecasts say.

        Nothing is trained, and a forecast is what `predict` says of the rows up to its cutoff.
        Cutoffs that lie before the end of what the model was trained on flatter it; the notes say
        so. `Forecaster.backtest` trains on the rows before the first cutoff.

        Args:
            history: a table with the columns that the model was trained on, or a `Panel`; the
                forecasts of the last cutoff end with its last row.
            horizon: steps of each forecast H.
            cutoffs: how many.
            stride: rows from one cutoff to the next. By default the horizon, or fewer to keep the
                cutoffs behind what the model was trained on.
            levels: widths of intervals in percent; by default 20, 40, 60, 80 and 95, where it has
                some; the first four make the quantile losses.
            baselines: of "naive", "seasonal_naive", "drift", "naive2", "auto_ets" and "auto_theta"
                (of statsforecast); by default all, but "naive2" for up to 5,000 forecasts, and the
                last two, where they are installed, for up to 100.
            target: which of several targets, by default the first.
            carry: whether the history is read once and the state is carried from one cutoff to the
                next, as `update` does: far faster, but the scale of each series stays that at the
                first cutoff.

        Raises:
            DataError: if the table does not fit, or is too short.
            OptionError: if an argument is out of range or does not fit the model.

        Example:
            >>> from forecast import Forecaster
            >>> from forecast.datasets import load
            >>> air = load("air_passengers")
            >>> model = Forecaster(steps=2).fit(air[:108]).model_
            >>> model.backtest(air, horizon=12, cutoffs=3)
            Backtest(3 forecasts of 12 steps: 3 cutoffs, 1 series; forecast, naive, ...)
        """
        panel = history if isinstance(history, Panel) else self.panel(history)
        last = self.record.get("last")
        step = panel.frequency.step
        free = 0 if last is None else (int(panel.ordinals.max()) - last) // step
        backs = cutoffs_within(free, horizon, cutoffs, stride)
        return roll(self, panel, horizon, backs, levels, baselines, target, carry)

    def plot(
        self,
        kind: str = "forecast",
        horizon: int | None = None,
        history: Any = None,
        **options: Any,
    ) -> Figure:
        """Draw a picture, see `forecast.plotting`.

        Args:
            kind: "forecast" after its history; "training", the losses step by step; or
                "attention", the attention weights of each step.
            horizon: steps of the forecast H; by default as many as a window of training had.
            history, options: of `rollout`; without a history the last values that the state keeps
                are drawn.

        Returns:
            A figure of matplotlib, which a notebook shows; `savefig` writes it.

        Raises:
            OptionError: if there is no such kind, or an argument does not fit it or the model.
            DataError: if the history does not fit.

        Example:
            >>> from forecast import Forecaster
            >>> from forecast.datasets import load
            >>> model = Forecaster(steps=2).fit(load("air_passengers")).model_
            >>> model.plot("forecast", horizon=24, levels=80).get_suptitle()
            'Forecast of 24 steps (monthly)'
        """
        from forecast import plotting

        if kind not in PICTURES:
            raise OptionError(f"kind is {kind!r}; it must be one of {', '.join(PICTURES)}")
        if kind == "training":
            if horizon is not None or history is not None or options:
                raise OptionError(
                    "the picture of the training takes no horizon, history or options"
                )
            return plotting.plot_training(training_curves(self.record))
        horizon = self.config.horizon if horizon is None else horizon
        panel = history if history is None or isinstance(history, Panel) else self.panel(history)
        forecast = self.rollout(horizon, panel, **options)
        if kind == "forecast":
            return plotting.plot_forecast(self.config, forecast, panel)
        given = {name: options.get(name) for name in ("bounds", "future")}
        return plotting.plot_attention(forecast, attention_weights(self, forecast, **given))

    def attention(
        self,
        horizon: int,
        *,
        state: State | None = None,
        series: Sequence[Any] | None = None,
        bounds: Any = None,
        future: Any = None,
    ) -> pd.DataFrame:
        """Where each step of a forecast looks: a weight for every output that is kept.

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
        start = self.state if state is None else state
        check_rollout(self.config, horizon)
        check_state(start, self.config, self.state.fingerprint)
        start = start if series is None else start.select(series)
        check_reach(start, horizon, len(start.ids), start.memory.network["weights"].shape[1])
        ahead = self._upcoming(start, horizon, future)
        stream = self.stream(start, quantiles=(), bounds=bounds, future=ahead)
        steps = itertools.islice(stream, 1, horizon + 1)
        weights = np.stack([step.state.memory.network["weights"] for step in steps], 1)
        return alike(attended(start, weights, self.config.schema), future)

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
            bounds, future: see `rollout`; a step whose columns are not there ends in a DataError.

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
        start = self.state if state is None else state
        check_state(start, self.config, self.state.fingerprint)
        if quantiles is None:
            quantiles = QUANTILES if HEADS[self.config.head].RANDOM else ()
        quantiles = tuple(np.atleast_1d(quantiles).tolist())
        check_quantiles(self.config, quantiles)
        ahead = self._upcoming(start, 1, future)
        engine = RolloutEngine(self.config, self.weights, self._limits(bounds), ahead=ahead)
        return Stream(engine, start, quantiles, partial(self.observe, future=ahead))

    def cell(self) -> ModelStep:
        """The model's step on NumPy."""
        return make_cell(self.config, self.weights)

    def save(self, path: str | Path) -> None:
        """Write the model to one file, see `serialization.save`."""
        serialization.save(
            path, self.config, self.weights, self.state, self.record, self.calibration
        )

    @classmethod
    def load(cls, path: str | Path) -> Model:
        """Read a model that `save` has written, see `serialization.load`."""
        model = cls(*serialization.load(path))
        if model.state.fingerprint != fingerprint(model.config, model.weights):
            raise ArtifactError(f"{path}: its parts do not belong together; train again")
        return model

    def _beyond_training(self, start: State, steps: np.ndarray) -> list[str]:
        """Says where a network that is not fed its own values goes further than it was trained."""
        asked = self.config.horizon
        if NETWORKS[self.config.network].FEEDS_BACK:
            return []
        if not (start.memory.network["done"][:, 0] + steps > asked).any():
            return []
        return [
            f"the network {self.config.network!r} was trained for {asked} steps; further ones "
            "continue from its own output (train for more with --train-horizon)"
        ]

    def _limits(self, bounds: Any) -> tuple[Bounds, ...]:
        """The bounds of each target: the first one's as they are asked for, if they are."""
        chosen = self.config.bounds
        return chosen if bounds is None else (to_bounds(bounds), *chosen[1:])

    def _upcoming(self, start: State, horizon: int, future: Any) -> FutureCovariates | None:
        """The covariates of the next steps, all of which are there."""
        ahead = self._ahead(future)
        if not self.config.known:
            return None
        if ahead is None:
            names = [one.name for one in self.config.known]
            raise OptionError(
                f"the model takes the columns {names}, which must be known for the steps to come; "
                "give them with --future FILE (future= in Python)"
            )
        ahead.at(start, times_after(start, horizon))
        return ahead

    def _ahead(self, future: Any) -> FutureCovariates | None:
        """The covariates of the steps to come, told as a table or as they are taken."""
        return (
            future if future is None or isinstance(future, FutureCovariates) else self.ahead(future)
        )

    def _rows(self, state: State, rows: Any, fill_gaps: bool, future: Any) -> Panel:
        """New rows as a panel: a table passes the gate, an array is taken as the next values."""
        if isinstance(rows, Panel):
            if rows.frequency != state.frequency:
                raise DataError(
                    f"{rows.source}: its rows are {rows.frequency.label}, those of the state are "
                    f"{state.frequency.label}"
                )
            return rows
        if is_table(rows):
            return self.panel(rows, fill_gaps=fill_gaps, all_missing=True)
        return next_rows(state, rows, self.config, self._ahead(future))


def _some(notes: list[str]) -> list[str]:
    """The first few of many notes."""
    more = [f"and {len(notes) - NOTED:,} more series"] if len(notes) > NOTED else []
    return [*notes[:NOTED], *more]


def attention_weights(
    model: Model, forecast: Forecast, bounds: Any = None, future: Any = None
) -> list[np.ndarray]:
    """The attention weights of a forecast, for `plotting.plot_attention`.

    Args:
        model: with attention, that made the forecast.
        forecast: of `Model.rollout`.
        bounds, future: of that rollout.

    Returns:
        For each of `plotting.attention_series(forecast)` the weights of its H steps over the last
        M rows, (H, M).
    """
    from forecast.plotting import attention_series

    weights = []
    for index in attention_series(forecast).tolist():
        state, steps = forecast.start.take(np.array([index])), int(forecast.steps[index])
        table = model.attention(steps, state=state, bounds=bounds, future=future)
        weights.append(table["weight"].to_numpy().reshape(steps, -1))
    return weights


def training_curves(record: dict[str, Any]) -> TrainingCurves:
    """The course of the training of `Model.record`, for `plotting.plot_training`.

    Raises:
        OptionError: if the record has no training.
    """
    from forecast.plotting import FeedbackPhase, TrainingCurves

    rounds = record.get("rounds")
    if not rounds:
        raise OptionError("the model has no training record, so there are no curves to draw")
    columns = {"training": "loss", "validation": "validation_loss"}
    phases = zip(record.get("regimes", []), record.get("turns", [0]), strict=False)
    return TrainingCurves(
        steps=np.array([entry["step"] for entry in rounds]),
        losses={  # None becomes NaN
            label: np.array([entry[key] for entry in rounds], dtype=float)
            for label, key in columns.items()
        },
        seconds=rounds[-1]["seconds"],
        kept_step=record.get("kept"),
        phases=tuple(FeedbackPhase(name, start) for name, start in phases),
    )


def fingerprint(config: Config, weights: dict[str, np.ndarray]) -> str:
    """A name for the model that a state belongs to: a hash of all that shapes its steps."""
    digest = hashlib.blake2b(json.dumps(config.to_json(), sort_keys=True).encode(), digest_size=16)
    for name in sorted(weights):
        digest.update(name.encode() + weights[name].tobytes())
    return digest.hexdigest()


def load(path: str | Path) -> Model:
    """Read a model from the file that `Model.save` or `forecast train` has written.

    Raises:
        ArtifactError: if the file is missing, damaged, foreign, or of a newer format.
    """
    return Model.load(path)
