"""`Model`: a trained network in one file, which forecasts without TensorFlow."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from forecast.backtest import Backtest
from forecast.data.dataframes import is_of_engine
from forecast.data.io.archive import WRONG_CONTENT
from forecast.data.panel import Panel
from forecast.errors import ArtifactError, ForecastWarning, OptionError, require_whole
from forecast.evaluation.occlusion import DEFAULT_DRAWS, Subject, effects_of
from forecast.evaluation.rolling_origin import (
    DEFAULT_CUTOFFS,
    history_before,
    place_cutoffs,
    refuse_too_short,
    roll,
    target_index,
)
from forecast.explanation import Explanation
from forecast.inference import serialization
from forecast.inference.forecast import Forecast
from forecast.inference.predictor import Predictor, engines
from forecast.inference.request import RolloutRequest, check_size
from forecast.pretrained.zero_shot import as_of, shortcomings, zero_shot
from forecast.training_record import TrainingRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from forecast.monitoring.monitoring import Monitoring

PICTURES = ("forecast", "training", "attention")


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Model(Predictor):
    """A trained network with the state of the series it was trained on.

    Attributes:
        config: what the model is made of.
        weights: named arrays.
        state: of the training series after their last row.
        calibration: errors of rollouts on held-out rows, by which intervals are made; None where
            there were too few.
        record: how training went; None for a network that was not trained.
    """

    record: TrainingRecord | None = None

    @classmethod
    def untrained(
        cls,
        panel: Panel,
        season: int | None = None,
        bounds: Any = "auto",
        *,
        calibrated: bool = True,
        members: int | None = None,
    ) -> Self:
        """The pretrained network, with the state of a panel's series and no training on them.

        Args:
            panel: of one target.
            season: steps in a season; by default that of the frequency.
            bounds: of forecasts, see `rollout`; by default inferred.
            calibrated: whether intervals will be wanted: to calibrate them takes longer than a
                forecast.
            members: 1 for the network alone; by default the theta method takes part in forecasts
                of monthly and longer steps.

        Raises:
            OptionError: if the panel has several targets or covariates.
            DataError: if a series has no observed value.

        Warns:
            ForecastWarning: if the panel is not of the kind that the network was pretrained on.
        """
        model = cls.of(zero_shot(panel, season, bounds, calibrated, members))
        if notes := [*shortcomings(panel, model.config)]:
            warnings.warn("; ".join(notes), ForecastWarning, stacklevel=2)
        return model

    @classmethod
    def of(cls, parts: Predictor) -> Self:
        """The model of a predictor, without a record of a training."""
        return cls(*parts.parts, state=parts.state, calibration=parts.calibration)

    @property
    def is_zero_shot(self) -> bool:
        """Whether it is the pretrained network as it is, with no training on a table."""
        return self.record is None and self.config.direct

    @property
    def trained(self) -> TrainingRecord:
        """The record of the training.

        Raises:
            OptionError: if there was none.
        """
        if self.is_zero_shot:
            raise OptionError(
                "the pretrained network was not trained on a table, so there is no training record"
            )
        if self.record is None:
            raise OptionError("the model has no training record")
        return self.record

    def backtest(
        self,
        history: Any,
        horizon: int,
        cutoffs: int = DEFAULT_CUTOFFS,
        *,
        stride: int | None = None,
        levels: float | Sequence[float] | None = None,
        baselines: Sequence[str] | None = None,
        target: str | None = None,
        carry: bool = False,
        bad_series: str = "raise",
    ) -> Backtest:
        """Forecast from many cutoffs of a table, next to the actuals and to baselines.

        Nothing is trained, and a forecast is what `predict` returns for the rows up to its cutoff.
        Forecasts from cutoffs before the end of the training data are in-sample, hence optimistic;
        the notes say so. `Forecaster.backtest` trains on the rows before the first cutoff. Of the
        pretrained network no forecast is in-sample; its intervals are calibrated on the rows before
        the first cutoff.

        Args:
            history: a table with the columns that the model was trained on, or a `Panel`; the
                forecasts of the last cutoff end with its last row.
            horizon: steps of each forecast H.
            cutoffs: how many.
            stride: rows from one cutoff to the next. By default the horizon, or fewer to keep the
                cutoffs behind what the model was trained on, or of the pretrained network within
                the last third of the rows.
            levels: widths of intervals in percent; by default 20, 40, 60, 80 and 95, where it has
                some; the first four make the quantile losses.
            baselines: of "naive", "seasonal_naive", "drift", "naive2", "auto_ets" and "auto_theta"
                (of statsforecast); by default all, but "naive2" for up to 5,000 forecasts, and the
                last two, where they are installed, for up to 100.
            target: which of several targets, by default the first.
            carry: whether the history is encoded once and the state is reused from one cutoff to
                the next, as `update` does: far faster, but the scale of each series stays that at
                the first cutoff.
            bad_series: see `rollout`.

        Of a frame of Spark, Dask or Ray the result has a `table` and `by_forecast`, the measures
        of each forecast, as such frames, computed when they are asked for. Cutoffs are counted
        from the end of each series, one horizon apart, baselines are by default "naive",
        "seasonal_naive" and "drift", and there are no notes.

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
        asked: dict[str, Any] = {"levels": levels, "baselines": baselines}
        asked |= {"target": target, "carry": carry}
        if is_of_engine(history):
            self._refuse_zero_shot_on_engine()
            asked |= {"stride": stride, "bad_series": bad_series}
            on_engine: Backtest = engines().backtest(self, history, horizon, cutoffs, **asked)
            return on_engine
        panel = history if isinstance(history, Panel) else self.panel(history)
        trained_until = self.record.last if self.record else None
        rows_after = place_cutoffs(self._unseen(panel), horizon, cutoffs, stride)
        predictor: Predictor = self
        if self.is_zero_shot:
            refuse_too_short(panel, rows_after)
            predictor = as_of(self, panel, history_before(panel, int(rows_after[0])))
        forecasts = roll(
            predictor, panel, horizon, rows_after, trained_until=trained_until, **asked
        )
        return Backtest.join([forecasts], forecasts.notes)

    def _refuse_zero_shot_on_engine(self) -> None:
        """Raise OptionError for the pretrained network."""
        if self.is_zero_shot:
            raise OptionError(
                "intervals of the pretrained network are those of one table; on an engine backtest "
                "a model that was trained, on some of the series say"
            )

    def _unseen(self, panel: Panel) -> int:
        """How many rows of a panel are better than others to be forecast in a backtest."""
        if self.is_zero_shot:
            return int(panel.lengths.max()) // 3
        if self.record is None:
            return 0
        return (int(panel.ordinals.max()) - self.record.last) // panel.frequency.step

    def monitor(
        self,
        new_rows: Any,
        *,
        since: Any = None,
        horizon: int | None = None,
        window: int | None = None,
        target: str | None = None,
        rows_between: int = 10_000,
        fill_gaps: bool = False,
    ) -> Monitoring:
        """Whether the model still fits: forecast each new row before it is seen, and compare.

        The rows follow the model's state as in `update`; those that it has seen are passed over,
        and give the seasonal naive forecast its past. Neither the model nor its state changes.

        Args:
            new_rows: a table with the columns that the model was trained on, or a `Panel`, of any
                of its series; it may begin earlier.
            since: the first time to monitor, as text or a timestamp, or a whole number where times
                are such; the state then is that after the rows before it in the table, instead of
                the model's own. Where the pretrained network has seen the whole table, it is by
                default the beginning of the last third.
            horizon: steps H of the forecasts behind `ahead_mase`; by default as many as a window
                of training had.
            window: rows of rolling measures; by default whole seasons of at least 50 rows, but
                400 rows at most.
            target: which of several targets, by default the first.
            rows_between: rows between two false alarms of the whole panel, on average, while all
                is well; a smaller number finds changes sooner.
            fill_gaps: whether rows may be missing before the new ones.

        Raises:
            DataError: if the table does not fit, the rows do not follow, or no series is known.
            OptionError: if an argument is out of range.

        Example:
            >>> from forecast import Forecaster
            >>> from forecast.datasets import load
            >>> air = load("air_passengers")
            >>> model = Forecaster(steps=2).fit(air[:108]).model_
            >>> model.monitor(air).verdict
            'No alarm on 36 rows: update is enough.'
        """
        from forecast.monitoring.monitoring import history_until, monitor_rows

        panel = new_rows if isinstance(new_rows, Panel) else self.panel(new_rows, all_missing=True)
        predictor: Predictor = self
        has_new = (panel.ordinals > self.state.time.min()).any()
        if since is not None or (self.is_zero_shot and not has_new):
            history = history_until(panel, since)
            predictor = replace(self, state=self.encode(history))
            if self.is_zero_shot:
                predictor = as_of(self, panel, history)
        return monitor_rows(
            predictor,
            panel,
            horizon=horizon,
            window=window,
            target=target,
            rows_between=rows_between,
            fill_gaps=fill_gaps,
            is_trained=not self.is_zero_shot,
            trained_until=self.record.last if self.record else None,
        )

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
                "attention", the attention weights of each step of a forecast.
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
            >>> model.plot("forecast", horizon=12, levels=80).get_suptitle()
            'Forecast of 12 steps (monthly)'
        """
        from forecast import plotting

        if kind not in PICTURES:
            raise OptionError(f"kind is {kind!r}; it must be one of {', '.join(PICTURES)}")
        if kind == "training":
            if horizon is not None or history is not None or options:
                raise OptionError(
                    "the picture of the training takes no horizon, history or options"
                )
            return plotting.plot_training(self.trained.curves())
        horizon = self.config.horizon if horizon is None else horizon
        panel = history if history is None or isinstance(history, Panel) else self.panel(history)
        forecast = self.rollout(horizon, panel, **options)
        if kind == "forecast":
            return plotting.plot_forecast(self.config, forecast, panel)
        given = {name: options.get(name) for name in ("bounds", "future")}
        return plotting.plot_attention(forecast, attention_weights(self, forecast, **given))

    def explain(
        self,
        horizon: int,
        history: Any,
        *,
        series: Sequence[Any] | None = None,
        future: Any = None,
        bounds: Any = None,
        target: str | None = None,
        draws: int = DEFAULT_DRAWS,
        seed: int = 0,
    ) -> Explanation:
        """Which inputs have moved a forecast: it is made again without each of them.

        Left out are the values of each known column, in the future and in the history, each static
        column, the lagged inputs, and stretches of the history, see `Explanation` and
        `evaluation.occlusion`.

        Args:
            horizon: how many steps H.
            history: a table with the columns that the model was trained on, or a `Panel`.
            series: ids to explain; by default all. Static columns take the values of all series.
            future, bounds: see `rollout`.
            target: which of several targets, by default the first.
            draws: of each future covariate, from its history.
            seed: of the draws.

        Raises:
            DataError: if the history does not fit, or a series is unknown.
            OptionError: if an argument is out of range or does not fit the model.

        Example:
            >>> from forecast import Forecaster
            >>> from forecast.datasets import load
            >>> air = load("air_passengers")
            >>> model = Forecaster(steps=2).fit(air).model_
            >>> model.explain(12, air).summary.columns.tolist()
            ['kind', 'factor', 'absolute', 'signed', 'relative']
        """
        RolloutRequest(horizon, seed=seed).check(self.config)
        require_whole("draws", draws, 1)
        if is_of_engine(history):
            raise OptionError(
                "an explanation takes a table in memory; give the rows of some series"
            )
        panel = history if isinstance(history, Panel) else self.panel(history)
        start = self.encode(panel)
        check_size(start, horizon, len(start.ids) * draws)
        subject = Subject(
            predictor=self,
            panel=panel,
            start=start,
            horizon=horizon,
            future=self._covariates(start, horizon, future),
            engine=self.engine(self._bounds(bounds)),
            pool=panel.static,
            target=target_index(self, target),
            draws=draws,
            seed=seed,
        )
        schema = self.config.schema
        effects = effects_of(subject if series is None else subject.of(series))
        return Explanation(effects, schema, self.config.frequency, schema.targets[subject.target])

    def save(self, path: str | Path) -> None:
        """Write the model to one file, under a temporary name first.

        Raises:
            ArtifactError: if the place cannot be written.
        """
        record = self.record.to_json() if self.record else {}
        serialization.save(path, self, self.state, record, self.calibration)

    def export(self, folder: str | Path, to: str = "onnx") -> list[Path]:
        """Write the model as graphs of ONNX, which programs in other languages run.

        The graphs forecast in the units of the data, as `predict` does: with all members, bounds,
        and the states of the model's series, which lie beside them. See docs/export.md.

        Args:
            folder: made where there is none; files of an earlier export are replaced.
            to: "onnx".

        Returns:
            The files: graphs, their description `model.json`, and the states.

        Raises:
            OptionError: if the package onnx is not installed, or a part of the model has no
                counterpart in ONNX.
            ArtifactError: if the folder holds other files, or cannot be written.

        Example:
            >>> from tempfile import mkdtemp
            >>> from forecast import Forecaster
            >>> from forecast.datasets import load
            >>> model = Forecaster(steps=2).fit(load("air_passengers")).model_
            >>> [file.name for file in model.export(mkdtemp())][:2]
            ['rollout.onnx', 'observe.onnx']
        """
        from forecast.export import export

        return export(self, folder, to)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a model that `save` has written.

        Raises:
            ArtifactError: if the file is missing, damaged, foreign, or of a newer format.
        """
        parts = serialization.load(path)
        if parts.state.fingerprint != parts.core.fingerprint:
            raise ArtifactError(f"{path}: its parts do not belong together; train again")
        try:
            record = TrainingRecord.from_json(parts.record) if parts.record else None
        except WRONG_CONTENT:
            raise ArtifactError(f"{path}: its training record is damaged; train again") from None
        return cls(
            *parts.core.parts, state=parts.state, calibration=parts.calibration, record=record
        )


def attention_weights(
    model: Predictor, forecast: Forecast, bounds: Any = None, future: Any = None
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


def load(path: str | Path) -> Model:
    """Read a model from the file that `Model.save` or `forecast train` has written.

    Raises:
        ArtifactError: if the file is missing, damaged, foreign, or of a newer format.
    """
    return Model.load(path)
