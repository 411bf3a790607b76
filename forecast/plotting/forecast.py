"""The picture of a forecast that follows its history."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from forecast.data.dataframes import to_pandas
from forecast.data.panel import Panel
from forecast.inference.config import Config
from forecast.inference.preprocess import recent_values
from forecast.plotting.series_choice import MAX_SHOWN_SERIES, SeriesChoice, choose_series
from forecast.plotting.style import (
    BLUE,
    GREEN,
    GREY,
    PURPLE,
    VERMILION,
    draw_intervals,
    draw_line,
    label_axes,
    make_grid,
    set_figure_title,
    set_plot_title,
    share_legend,
)
from forecast.plotting.ticks import set_time_ticks, set_value_ticks

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from forecast.inference.forecast import Forecast

HISTORY_PER_STEP = 4  # rows of history for each forecast step
MIN_HISTORY_ROWS = 24
OTHERS = (VERMILION, GREEN, PURPLE)  # colours of forecasts that are drawn for comparison
MAX_TARGET_COLUMNS = 3  # so many targets are drawn side by side, a series per row


class SeriesForecast(NamedTuple):
    """The end of the history of one series, and its forecast.

    Attributes:
        past_times, past_values: of the last rows, (T,) and (T, D).
        future_times: of the forecast (H,).
        table: the rows of the forecast's table.
    """

    past_times: np.ndarray
    past_values: np.ndarray
    future_times: np.ndarray
    table: pd.DataFrame


def plot_forecast(
    config: Config,
    forecast: Forecast,
    history: Panel | None = None,
    errors: Mapping[Any, float] | None = None,
    others: Mapping[str, Forecast] = MappingProxyType({}),
) -> Figure:
    """Draw the history and the forecast with its intervals, a plot per series and target.

    Args:
        config: of the model that made the forecast.
        forecast: of `Model.rollout`.
        history: that the forecast continues; by default the last values that its state keeps.
        errors: by id, if they are known, such as those of a backtest; of many series they choose
            the ones that are drawn.
        others: forecasts of the same series by other models, by their labels in the legend; they
            are dashed lines without intervals.

    Returns:
        The figure, of up to 12 plots: of many series it shows the best, the median and the
        worst, or the first ones if no errors are known.
    """
    targets, ids = config.schema.forecasts, forecast.start.ids
    choice = _choose_series(ids, errors, max(MAX_SHOWN_SERIES // len(targets), 1))
    columns = len(targets) if 1 < len(targets) <= MAX_TARGET_COLUMNS else None
    grid = make_grid(len(choice.indices) * len(targets), columns)
    for row, index in enumerate(choice.indices.tolist()):
        series = series_forecast(config, forecast, index, history)
        for d, target in enumerate(targets):
            axes = grid.axes[row * len(targets) + d]
            _draw_series(axes, series, d, target)
            _draw_others(axes, config, others, ids[index], config.schema.targets[d])
            times = np.concatenate([series.past_times, series.future_times])
            set_time_ticks(axes, times, 12 // grid.columns)
            has_id = config.schema.id or len(ids) > 1
            parts = [str(ids[index])] if has_id else []
            parts += [target] if len(targets) > 1 else []
            set_plot_title(axes, grid.columns, ": ".join(parts), choice.ranks[row])
    horizon = int(forecast.steps.max())
    steps = "1 step" if horizon == 1 else f"{horizon:,} steps"
    title = f"Forecast of {steps} ({config.frequency.label})"
    set_figure_title(grid.figure, title, choice.description)
    label_axes(grid, config.schema.time, config.schema.targets[0] if len(targets) == 1 else "")
    share_legend(grid.figure, max(grid.axes, key=_count_labels))
    return grid.figure


def _count_labels(axes: Axes) -> int:
    """How many labels a plot has: a forecast for comparison may lack some series."""
    return len(axes.get_legend_handles_labels()[1])


def series_forecast(
    config: Config, forecast: Forecast, index: int, history: Panel | None
) -> SeriesForecast:
    """The history and the forecast of one series.

    Args:
        config, forecast, history: see `plot_forecast`.
        index: of the series in the forecast.
    """
    start, horizon = forecast.start, int(forecast.steps[index])
    if history is None:
        state = start.take(np.array([index]))
        values = recent_values(state, config)[0]
        times = _times_until(config, state.time[0], len(values))
    else:
        series = history.select([start.ids[index]])
        rows = max(HISTORY_PER_STEP * horizon, MIN_HISTORY_ROWS)
        times = np.asarray(series.frequency.times(series.ordinals[-rows:]))
        values = series.target[-rows:]
    end = int(forecast.steps[: index + 1].sum())
    future_times = _times_until(config, forecast.state.time[index], horizon)
    table = to_pandas(forecast.table).iloc[end - horizon : end]
    return SeriesForecast(times, values, future_times, table)


def _choose_series(
    ids: np.ndarray, errors: Mapping[Any, float] | None, max_shown: int
) -> SeriesChoice:
    known = None
    if errors is not None:
        known = np.array([errors.get(series_id, np.nan) for series_id in ids.tolist()])
    return choose_series(len(ids), known, max_shown=max_shown, per_rank=max(max_shown // 3, 1))


def _draw_series(axes: Axes, series: SeriesForecast, d: int, target: str) -> None:
    """Draw the history, the intervals from wide to narrow, and the forecast of one target."""
    past, table = series.past_values[:, d], series.table
    draw_line(axes, series.past_times, past, GREY, "observed", 1.0)
    columns = [name for name in table.columns if name.startswith(f"{target}-lo-")]
    levels = [name.rsplit("-", 1)[1] for name in columns]
    ends = {
        float(level): [table[f"{target}-{side}-{level}"].to_numpy() for side in ("lo", "hi")]
        for level in levels
    }
    draw_intervals(axes, series.future_times, ends)
    times = np.concatenate([series.past_times[-1:], series.future_times])
    values = np.concatenate([past[-1:], table[target].to_numpy()])
    draw_line(axes, times, values, BLUE, "forecast")
    set_value_ticks(axes)


def _draw_others(
    axes: Axes, config: Config, others: Mapping[str, Forecast], series_id: Any, target: str
) -> None:
    """Draw the forecasts of a series by other models, as far as they have any."""
    for colour, (label, other) in zip(cycle(OTHERS), others.items(), strict=False):
        names = dict(zip(other.schema.targets, other.schema.forecasts, strict=True))
        for index in np.flatnonzero(other.start.ids == series_id).tolist():
            if target not in names:
                continue
            steps, end = int(other.steps[index]), int(other.steps[: index + 1].sum())
            values = to_pandas(other.table)[names[target]].to_numpy()[end - steps : end]
            times = _times_until(config, other.state.time[index], steps)
            draw_line(axes, times, values, colour, label, style="--")


def _times_until(config: Config, last: int, count: int) -> np.ndarray:
    """The times of `count` steps, the last of which has the given ordinal."""
    frequency = config.frequency
    return np.asarray(frequency.times(last + np.arange(1 - count, 1) * frequency.step))
