"""The picture of a backtest: forecasts from several cutoffs and the actual values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from forecast.evaluation.cutoff_forecasts import FORECAST, CutoffForecasts
from forecast.evaluation.metrics import scaled_errors, series_means
from forecast.plotting.series_choice import SeriesChoice, choose_series
from forecast.plotting.style import (
    BLUE,
    GREY,
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
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


MAX_FORECASTS = 12  # of one series over the columns of the grid; the last ones are drawn
PREFERRED_LEVELS = (80.0, 95.0)  # the levels that are drawn, if there are intervals of them
COLOURS = (BLUE, VERMILION)  # of forecasts, alternating


def plot_backtest(backtest: CutoffForecasts) -> Figure:
    """Draw forecasts from several cutoffs and the actual values, a plot per series.

    Of forecasts that overlap only some are drawn, counted back from the last one, so that each
    can be seen.

    Args:
        backtest: of a model.

    Returns:
        The figure, of up to 12 series; of more it shows the best, the median and the worst.
    """
    scaled = scaled_errors(backtest, FORECAST)
    means = series_means(backtest, scaled.values)
    ids, errors = means.index.to_numpy(), means.to_numpy()
    choice = choose_series(len(ids), errors, scaled.measure)
    grid = make_grid(len(choice.indices))
    max_cutoffs = 0
    for axes, index, rank in zip(grid.axes, choice.indices.tolist(), choice.ranks, strict=True):
        series = backtest.take(np.flatnonzero(backtest.ids == ids[index]))
        shown = series.take(non_overlapping(series)[-(MAX_FORECASTS // grid.columns) :])
        max_cutoffs = max(max_cutoffs, len(shown.ids))
        _draw_series(axes, shown)
        set_time_ticks(axes, _times(shown, _ordinals(shown).ravel()), 12 // grid.columns)
        is_known = not np.isnan(errors[index])
        error = f"{scaled.measure} {errors[index]:#.3g}" if is_known else "no error known"
        remark = f"{rank}, {error}" if rank else error
        set_plot_title(axes, grid.columns, str(ids[index]), remark)
    title = f"Forecasts of {_horizon_text(backtest)} and the actual values"
    set_figure_title(grid.figure, title, _selection_text(backtest, choice, max_cutoffs))
    label_axes(grid, backtest.schema.time, backtest.target)
    share_legend(grid.figure, grid.axes[0])
    return grid.figure


def non_overlapping(backtest: CutoffForecasts) -> np.ndarray:
    """Indices of the forecasts of one series that do not overlap, counted back from the last."""
    duration = backtest.horizon * backtest.frequency.step
    chosen: list[int] = []
    for index in np.argsort(backtest.cutoffs)[::-1].tolist():
        if not chosen or backtest.cutoffs[chosen[-1]] - backtest.cutoffs[index] >= duration:
            chosen.append(index)
    return np.array(chosen[::-1])


def _draw_series(axes: Axes, backtest: CutoffForecasts) -> None:
    """Draw the forecasts of one series, in alternating colours, and its actual values."""
    ordinals = _ordinals(backtest)  # (M, H)
    preferred = [level for level in backtest.ends if level in PREFERRED_LEVELS]
    levels = preferred or sorted(backtest.ends)[-2:]
    for row, path in enumerate(backtest.forecasts[FORECAST]):
        colour = COLOURS[row % len(COLOURS)]
        times = _times(backtest, ordinals[row])
        ends = {level: [end[row] for end in backtest.ends[level]] for level in levels}
        draw_intervals(axes, times, ends, colour)
        draw_line(axes, times, path, colour, "forecast")
    step = backtest.frequency.step
    all_ordinals = np.arange(ordinals.min(), ordinals.max() + 1, step)
    actual = np.full(len(all_ordinals), np.nan)
    actual[(ordinals - ordinals.min()) // step] = backtest.actual
    draw_line(axes, _times(backtest, all_ordinals), actual, GREY, "actual", 1.0)
    set_value_ticks(axes)


def _ordinals(backtest: CutoffForecasts) -> np.ndarray:
    """The ordinal of each forecast step, (M, H)."""
    offsets = backtest.frequency.step * np.arange(1, backtest.horizon + 1)
    ordinals: np.ndarray = backtest.cutoffs[:, None] + offsets
    return ordinals


def _times(backtest: CutoffForecasts, ordinals: np.ndarray) -> np.ndarray:
    return np.asarray(backtest.frequency.times(ordinals))


def _selection_text(backtest: CutoffForecasts, choice: SeriesChoice, max_cutoffs: int) -> str:
    """Which series and cutoffs are shown; empty if all are."""
    count = len(set(backtest.cutoffs.tolist()))
    cutoffs = f"{max_cutoffs} of {count:,} cutoffs" if max_cutoffs < count else ""
    return ", ".join(part for part in (choice.description, cutoffs) if part)


def _horizon_text(backtest: CutoffForecasts) -> str:
    steps = "1 step" if backtest.horizon == 1 else f"{backtest.horizon:,} steps"
    return f"{steps} ({backtest.frequency.label})"
