"""What a report shows: the rows, the forecasts, the backtest, and notes on what is left out."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from forecast.backtest import Backtest
from forecast.data.future_covariates import FutureCovariates
from forecast.data.panel import Panel
from forecast.errors import ForecastWarning, require_whole
from forecast.evaluation.cutoff_forecasts import FORECAST
from forecast.evaluation.rolling_origin import DEFAULT_CUTOFFS
from forecast.inference.forecast import Forecast
from forecast.inference.intervals import MIN_PATHS, has_level
from forecast.inference.state import State
from forecast.nn import HEADS

if TYPE_CHECKING:
    from forecast.model import Model

MAX_CHARTS = 500  # series with a chart; more would make the page slow to open
LEVELS = (80.0, 95.0)  # of the intervals in the charts
MAX_BACKTEST_STEPS = 10_000_000  # network steps; a longer backtest uses fewer series
MIN_PAST_ROWS, MAX_PAST_ROWS = 24, 200  # rows before a forecast that its chart shows
MAX_FORECAST_NOTES = 3


@dataclass(frozen=True, eq=False)
class ReportRequest:
    """What a report is asked to show; the fields are the arguments of `write_report`."""

    model: Model
    history: Any = None
    horizon: int | None = None
    cutoffs: int | None = None
    stride: int | None = None
    future: Any = None
    name: str = "model.forecast"

    def __post_init__(self) -> None:
        """Raise OptionError unless the counts are whole and positive."""
        for field in ("horizon", "cutoffs", "stride"):
            if getattr(self, field) is not None:
                require_whole(field, getattr(self, field), 1)

    def panel(self) -> Panel | None:
        """The history as a panel."""
        if self.history is None or isinstance(self.history, Panel):
            return self.history
        return self.model.panel(self.history)

    def future_covariates(self) -> FutureCovariates | None:
        """The future values of the known columns."""
        if self.future is None or isinstance(self.future, FutureCovariates):
            return self.future
        return self.model.future_covariates(self.future)


@dataclass(frozen=True, eq=False)
class Contents:
    """All that the sections of a page show.

    Attributes:
        model: the model.
        name: of its file, as commands name it.
        horizon: forecast steps H.
        panel: the rows that were given, or None.
        backtest: over those rows, or None.
        series_errors: of each series in the backtest, see `errors_by_series`; or None.
        forecast: of the series with a chart, in the order of the page; or None.
        past: the rows of those series in that order; or None.
        series_count: number of series S, with a chart or not.
        notes: what was left out, and what is unusual about the forecasts, as sentences.
    """

    model: Model
    name: str
    horizon: int
    panel: Panel | None
    backtest: Backtest | None
    series_errors: pd.DataFrame | None
    forecast: Forecast | None
    past: Panel | None
    series_count: int
    notes: tuple[str, ...]

    @property
    def past_rows(self) -> int:
        """How many rows before a forecast its chart shows at most."""
        return int(np.clip(3 * self.horizon, MIN_PAST_ROWS, MAX_PAST_ROWS))


class BacktestPlan(NamedTuple):
    """The cutoffs of a backtest, 0 if there are no rows for any, and the rows between them."""

    cutoffs: int
    stride: int | None  # None for the default of `Model.backtest`


class CutoffSpacing(NamedTuple):
    """How many cutoffs a series has, and the rows from one to the next; 0 for a single one."""

    cutoffs: int
    stride: int


def gather_contents(request: ReportRequest) -> Contents:
    """Make the forecasts and the backtest that a page shows."""
    model, panel, future = request.model, request.panel(), request.future_covariates()
    horizon = request.horizon or default_horizon(model)
    backtest, notes = _backtest(request, panel, horizon)
    series_errors = None if backtest is None else errors_by_series(backtest)
    ids = model.state.ids if panel is None else panel.ids
    indices = chart_indices(ids, series_errors)
    if len(indices) < len(ids):
        which = "those with the largest errors in the backtest"
        which = "the first" if series_errors is None else which
        notes.append(f"Charts show {len(indices):,} of {len(ids):,} series, {which}.")
    past = None if panel is None else panel.take(indices)
    forecast = None
    if model.config.known and future is None:
        columns = ", ".join(repr(covariate.name) for covariate in model.config.known)
        notes.append(
            f"There are no forecasts: the model needs the future values of the columns {columns}; "
            "give them with --future (future= in Python)."
        )
    else:
        start = model.state.take(indices) if past is None else model.encode(past)
        forecast = _forecast(model, start, horizon, future)
        notes += _first_notes(forecast.notes)
    return Contents(
        model=model,
        name=request.name,
        horizon=horizon,
        panel=panel,
        backtest=backtest,
        series_errors=series_errors,
        forecast=forecast,
        past=past,
        series_count=len(ids),
        notes=tuple(notes),
    )


def default_horizon(model: Model) -> int:
    """As many steps as training held out, or else its horizon."""
    holdout = model.record.plan.holdout if model.record else 0
    return holdout or model.config.horizon


def plan_backtest(
    model: Model, panel: Panel, horizon: int, cutoffs: int | None, stride: int | None
) -> BacktestPlan:
    """The cutoffs and the stride of a backtest, as far as they are not given.

    Where there are enough rows, all cutoffs lie after the rows that the model was trained on.
    Otherwise none can, and forecasts that do not overlap are more informative.
    """
    longest, last = int(panel.lengths.max()), model.record.last if model.record else None
    if cutoffs is None and longest <= horizon:
        return BacktestPlan(0, None)
    unseen = 0 if last is None else (int(panel.ordinals.max()) - last) // panel.frequency.step
    if unseen >= horizon:
        return BacktestPlan(cutoffs or min(unseen - horizon + 1, DEFAULT_CUTOFFS), stride)
    count = cutoffs or int(np.clip(longest // 2 // (stride or horizon), 1, DEFAULT_CUTOFFS))
    available = (longest - 1 - horizon) // max(count - 1, 1)
    return BacktestPlan(count, stride or int(np.clip(available, 1, horizon)))


def affordable_series(model: Model, panel: Panel, horizon: int, cutoffs: int) -> Panel:
    """Every N-th series, and the longest one, where a backtest of all would take minutes."""
    paths = MIN_PATHS if HEADS[model.config.head].RANDOM else 1
    steps = cutoffs * (len(panel.target) + len(panel.ids) * horizon * paths)
    if steps <= MAX_BACKTEST_STEPS:
        return panel
    every = np.arange(0, len(panel.ids), math.ceil(steps / MAX_BACKTEST_STEPS))
    return panel.take(np.union1d(every, panel.lengths.argmax()))


def errors_by_series(backtest: Backtest) -> pd.DataFrame:
    """Errors of each series, the largest first: index by id; `ours`, `baseline`, `theirs`.

    They are MASE, or MAE if no series has a scale; the baseline is the best one on the series.
    Series whose error is unknown come last.
    """
    errors = backtest.by_series[error_measure(backtest)].unstack("model")
    baselines = errors.drop(columns=FORECAST)
    is_known = baselines.notna().any(axis=1)
    best = baselines[is_known].idxmin(axis=1).reindex(errors.index)
    table = pd.DataFrame(
        {"ours": errors[FORECAST], "baseline": best, "theirs": baselines.min(axis=1)}
    )
    return table.sort_values("ours", ascending=False, kind="stable")


def error_measure(backtest: Backtest) -> str:
    """The measure by which series are compared: "mase", or "mae" if no series has a scale."""
    return "mase" if backtest.overall["mase"].notna().any() else "mae"


def cutoff_spacing(backtest: Backtest) -> CutoffSpacing:
    """The cutoffs of the series that has most, and the rows between them."""
    ids, counts = np.unique(backtest.ids, return_counts=True)
    cutoffs = np.sort(backtest.cutoffs[backtest.ids == ids[counts.argmax()]])
    if len(cutoffs) == 1:
        return CutoffSpacing(1, 0)
    return CutoffSpacing(len(cutoffs), int(cutoffs[1] - cutoffs[0]) // backtest.frequency.step)


def chart_indices(ids: np.ndarray, series_errors: pd.DataFrame | None) -> np.ndarray:
    """Indices of the series with a chart, in the order of the page.

    All series in their order if they are few, else those with the largest errors, or the first.
    """
    if len(ids) <= MAX_CHARTS or series_errors is None:
        return np.arange(min(len(ids), MAX_CHARTS))
    index_of = {series_id: index for index, series_id in enumerate(ids.tolist())}
    worst_ids = series_errors.index[:MAX_CHARTS].tolist()
    return np.array([index_of[series_id] for series_id in worst_ids])


def _backtest(
    request: ReportRequest, panel: Panel | None, horizon: int
) -> tuple[Backtest | None, list[str]]:
    """The backtest of a page, and notes on what it leaves out."""
    if panel is None:
        return None, []
    model = request.model
    plan = plan_backtest(model, panel, horizon, request.cutoffs, request.stride)
    if not plan.cutoffs:
        return None, ["There is no backtest: no series has more rows than the horizon."]
    chosen = affordable_series(model, panel, horizon, plan.cutoffs)
    backtest = model.backtest(chosen, horizon, plan.cutoffs, stride=plan.stride)
    if len(chosen.ids) == len(panel.ids):
        return backtest, []
    note = (
        f"The backtest uses {len(chosen.ids):,} of {len(panel.ids):,} series, evenly chosen, so "
        "that it takes seconds; Model.backtest in Python uses all."
    )
    return backtest, [note]


def _forecast(
    model: Model, start: State, horizon: int, future: FutureCovariates | None
) -> Forecast:
    config, calibration = model.config, model.calibration
    levels = [level for level in LEVELS if has_level(config, calibration, level, horizon)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ForecastWarning)  # the page shows the notes
        return model.rollout(horizon, state=start, levels=levels, future=future)


def _first_notes(notes: tuple[str, ...]) -> list[str]:
    n_more = len(notes) - MAX_FORECAST_NOTES
    more = [f"… and {n_more:,} more notes of this kind."] if n_more > 0 else []
    return [*notes[:MAX_FORECAST_NOTES], *more]
