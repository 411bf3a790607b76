"""The picture of the attention weights of a forecast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from forecast.plotting.series_choice import choose_series
from forecast.plotting.style import label_axes, make_grid, set_figure_title, set_plot_title
from forecast.plotting.ticks import set_integer_ticks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from forecast.inference.forecast import Forecast

COLORBAR_ASPECT = 25  # length of the colour bar over its width, for each row of plots


def attention_series(forecast: Forecast) -> np.ndarray:
    """Indices of the series whose weights `plot_attention` shows (P,): the first 12."""
    return choose_series(len(forecast.start.ids)).indices


def plot_attention(forecast: Forecast, weights: Sequence[np.ndarray]) -> Figure:
    """Draw the attention weights of each step of a forecast, a heat map per series.

    Args:
        forecast: of `Model.rollout`.
        weights: of each series of `attention_series(forecast)`, (H, M) over its last M rows.

    Returns:
        The figure, with one colour scale for all series.
    """
    from matplotlib.ticker import MaxNLocator

    choice = choose_series(len(forecast.start.ids))
    grid = make_grid(len(weights))
    largest = max(float(matrix.max()) for matrix in weights)
    shown_ids = forecast.start.ids[choice.indices]
    for axes, series_id, matrix in zip(grid.axes, shown_ids, weights, strict=True):
        steps, rows = matrix.shape
        image = axes.imshow(
            matrix,
            aspect="auto",
            cmap="viridis",
            vmin=0.0,
            vmax=largest,
            origin="lower",
            extent=(-rows + 0.5, 0.5, 0.5, steps + 0.5),
        )
        set_integer_ticks(axes, 12 // grid.columns)
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        set_plot_title(axes, grid.columns, str(series_id))
    label_axes(grid, "row (0 = last)", "forecast step")
    set_figure_title(grid.figure, "Attention weights of each forecast step", choice.description)
    aspect = COLORBAR_ASPECT * len(grid.axes) // grid.columns
    grid.figure.colorbar(image, ax=grid.axes, label="attention weight", pad=0.01, aspect=aspect)
    return grid.figure
