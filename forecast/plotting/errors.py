"""The picture of errors by forecast step, of the model and of the baselines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecast.evaluation.cutoff_forecasts import FORECAST, CutoffForecasts
from forecast.evaluation.metrics import mean_observed, scaled_errors
from forecast.plotting.style import (
    BLACK,
    BLUE,
    GREEN,
    MIN_TINT,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    draw_line,
    label_axes,
    make_grid,
    set_figure_title,
    tint,
)
from forecast.plotting.ticks import LineEnd, label_line_ends, set_integer_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK)  # of the model, then baselines
LINE_STYLES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)), (0, (3, 1, 1, 1)))
BAND_QUANTILES = [0.1, 0.9]  # of the errors of the series
MIN_SERIES_FOR_BAND = 10


def plot_errors(backtest: CutoffForecasts) -> Figure:
    """Draw the error of each forecast step, of the model and of each baseline.

    Args:
        backtest: of a model.

    Returns:
        The figure: MASE, or MAE if no series has a scale; from ten series on with a band of the
        model's errors on the middle 80 % of them.
    """
    grid = make_grid(1)
    axes = grid.axes[0]
    n_forecasts, n_series = len(backtest.ids), len(set(backtest.ids.tolist()))
    band_note = ""
    if n_series >= MIN_SERIES_FOR_BAND:
        _draw_band(axes, backtest)
        share = f"{BAND_QUANTILES[1] - BAND_QUANTILES[0]:.0%}"
        band_note = f"shaded: the model's error on the middle {share} of the series"
    line_ends = _draw_lines(axes, backtest)
    set_integer_ticks(axes, 12)
    axes.set_ylim(bottom=0)
    forecasts = "1 forecast" if n_forecasts == 1 else f"the mean of {n_forecasts:,} forecasts"
    series = "1 series" if n_series == 1 else f"{n_series:,} series"
    title = f"Error by step of the horizon: {forecasts} of {series}"
    set_figure_title(grid.figure, title, band_note)
    y_label = "mean absolute scaled error (MASE)"
    if scaled_errors(backtest, FORECAST).measure == "MAE":
        y_label = f"mean absolute error (MAE) of {backtest.target}"
    label_axes(grid, f"step of the horizon ({backtest.frequency.label})", y_label)
    label_line_ends(axes, line_ends)
    return grid.figure


def errors_by_step(backtest: CutoffForecasts) -> dict[str, np.ndarray]:
    """The mean error of each step (H,), by name: "model", and those of the baselines."""
    return {
        "model" if name == FORECAST else name.replace("_", " "): mean_observed(
            scaled_errors(backtest, name).values, axis=0
        )
        for name in backtest.forecasts
    }


def _draw_band(axes: Axes, backtest: CutoffForecasts) -> None:
    """Shade the range of the model's errors on most of the series."""
    errors = pd.DataFrame(scaled_errors(backtest, FORECAST).values)
    by_series = errors.groupby(pd.factorize(backtest.ids)[0]).mean()
    low, high = by_series.quantile(BAND_QUANTILES).to_numpy()
    steps = np.arange(1, backtest.horizon + 1)
    axes.fill_between(steps, low, high, color=tint(BLUE, MIN_TINT), linewidth=0)


def _draw_lines(axes: Axes, backtest: CutoffForecasts) -> dict[str, LineEnd]:
    """Draw the errors of the model and of the baselines; return where the lines end."""
    steps, ends = np.arange(1, backtest.horizon + 1), {}
    for row, (label, errors) in enumerate(errors_by_step(backtest).items()):
        colour, width = COLOURS[row], 1.2 if row else 2.0
        draw_line(axes, steps, errors, colour, label, width, LINE_STYLES[row])
        known = np.flatnonzero(~np.isnan(errors))
        if len(known):
            ends[label] = LineEnd(float(steps[known[-1]]), float(errors[known[-1]]), colour)
    return ends
