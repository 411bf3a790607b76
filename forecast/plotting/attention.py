"""The picture of where each step of a forecast looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from forecast.plotting.series_choice import choose
from forecast.plotting.style import grid, head, name, name_axes, whole_steps

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from forecast.inference.forecast import Forecast
    from forecast.model import Model


def plot_attention(
    model: Model, forecast: Forecast, bounds: Any = None, future: Any = None
) -> Figure:
    """Draw where each step of a forecast looks, a square of weights per series.

    Args:
        model: with attention, that has made the forecast.
        forecast: of `Model.rollout`.
        bounds, future: that it was made with, see `Model.rollout`.

    Returns:
        The figure, with one scale of colours; of a panel of many series it shows the first 12.
    """
    from matplotlib.ticker import MaxNLocator

    choice = choose(len(forecast.start.ids))
    start = forecast.start.take(choice.places)
    weights = []  # (H, M) of each series
    for row, steps in enumerate(forecast.steps[choice.places].tolist()):
        one = start.take(np.array([row]))
        looks = model.attention(steps, state=one, bounds=bounds, future=future)
        weights.append(looks["weight"].to_numpy().reshape(steps, -1))
    small = grid(len(weights))
    strongest = max(float(each.max()) for each in weights)
    for axis, series, each in zip(small.axes, start.ids, weights, strict=True):
        steps, rows = each.shape
        image = axis.imshow(
            each,
            aspect="auto",
            cmap="viridis",
            vmin=0.0,
            vmax=strongest,
            origin="lower",
            extent=(-rows + 0.5, 0.5, 0.5, steps + 0.5),
        )
        whole_steps(axis, 12 // small.across)
        axis.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        name(axis, small.across, str(series))
    name_axes(small, "row (0: last)", "step of the forecast")
    head(small.figure, "Where each step of the forecast looks", choice.words)
    thin = 25 * len(small.axes) // small.across
    small.figure.colorbar(image, ax=small.axes, label="weight", pad=0.01, aspect=thin)
    return small.figure
