"""The picture of a monitoring: forecasts one step ahead, rolling errors, coverage and charts."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from forecast.plotting.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    Grid,
    draw_line,
    make_grid,
    set_figure_title,
    set_plot_title,
    shorten,
)
from forecast.plotting.ticks import set_time_ticks

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLES = ("one step ahead", "rolling MASE", "coverage in percent", "CUSUM / threshold")
LINE_LENGTH = 95  # characters of a line of the figure's title
LEGEND_COLUMNS = 4


class MonitorTrace(NamedTuple):
    """The course of the statistics of one series, (T,) each, NaN where unknown.

    Attributes:
        name: of the series.
        times: of its rows.
        actual, forecast: values, and their forecasts one step ahead.
        mase, naive: rolling MASE of the model and of the seasonal naive forecast.
        coverage: rolling, by the level of the intervals in percent.
        level, scale: CUSUMs as shares of their threshold; below 0 for a downward change.
        alarm, change: times of the first alarm, and of the change behind it; None without one.
    """

    name: str
    times: np.ndarray
    actual: np.ndarray
    forecast: np.ndarray
    mase: np.ndarray
    naive: np.ndarray
    coverage: dict[float, np.ndarray]
    level: np.ndarray
    scale: np.ndarray
    alarm: Any
    change: Any


def plot_monitoring(traces: Sequence[MonitorTrace], title: str) -> Figure:
    """Draw the course of the statistics of some series, a column of plots each.

    Args:
        traces: of the series, at least one.
        title: of the figure.
    """
    columns = len(traces)
    grid = make_grid(len(TITLES) * columns, columns)
    for column, trace in enumerate(traces):
        top, errors, coverage, charts = grid.axes[column::columns]
        draw_line(top, trace.times, trace.actual, GREY, "actual", 1.0)
        draw_line(top, trace.times, trace.forecast, BLUE, "forecast", 1.0)
        draw_line(errors, trace.times, trace.mase, BLUE, "forecast")
        draw_line(errors, trace.times, trace.naive, GREY, "seasonal naive", 1.0, "--")
        _draw_coverage(coverage, trace)
        _draw_charts(charts, trace)
        for axes in (top, errors, coverage, charts):
            _mark_alarms(axes, trace)
            set_time_ticks(axes, trace.times, 9 // columns)
        remark = "no alarm" if trace.alarm is None else ""
        set_plot_title(top, columns, trace.name, remark)
    _finish(grid, title)
    return grid.figure


def _draw_coverage(axes: Axes, trace: MonitorTrace) -> None:
    """Draw the empirical coverage of each level beside the nominal one."""
    for colour, (level, course) in zip((GREEN, SKY), trace.coverage.items(), strict=False):
        draw_line(axes, trace.times, 100 * course, colour, f"{level:g} % intervals")
        axes.axhline(level, color=colour, linewidth=0.8, linestyle=":")
    axes.set_ylim(top=102)


def _draw_charts(axes: Axes, trace: MonitorTrace) -> None:
    """Draw the CUSUMs between their thresholds."""
    draw_line(axes, trace.times, trace.level, PURPLE, "level of errors")
    draw_line(axes, trace.times, trace.scale, ORANGE, "scale of errors")
    for threshold in (-1.0, 1.0):
        axes.axhline(threshold, color=VERMILION, linewidth=0.8, linestyle=":")
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, -1.2), max(high, 1.2))


def _mark_alarms(axes: Axes, trace: MonitorTrace) -> None:
    """Mark the first alarm of a series, and the change behind it."""
    if trace.alarm is not None:
        axes.axvline(trace.change, color=VERMILION, linewidth=0.8, linestyle="--")
        axes.axvline(trace.alarm, color=VERMILION, linewidth=1.2, label="alarm")


def _finish(grid: Grid, title: str) -> None:
    """Name the rows of plots, and label times below the lowest ones only."""
    lines = textwrap.wrap(shorten(title, 2 * LINE_LENGTH), LINE_LENGTH)
    set_figure_title(grid.figure, *lines)
    handles: dict[str, Artist] = {}
    for row, name in enumerate(TITLES):
        own = grid.axes[row * grid.columns : (row + 1) * grid.columns]
        own[0].set_ylabel(name, fontsize="small")
        for axes in own:
            axes.tick_params(labelbottom=row == len(TITLES) - 1)
            axes.xaxis.get_offset_text().set_visible(row == len(TITLES) - 1)
        drawn, labels = own[0].get_legend_handles_labels()
        handles |= dict(zip(labels, drawn, strict=True))
    grid.figure.legend(
        list(handles.values()),
        list(handles),
        loc="outside lower center",
        frameon=False,
        ncols=LEGEND_COLUMNS,
        fontsize="small",
    )
