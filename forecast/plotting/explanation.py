"""The picture of an explanation: how much each input moves a forecast, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from forecast.evaluation.occlusion import Effects
from forecast.plotting.style import (
    BLUE,
    GREEN,
    GREY,
    PURPLE,
    VERMILION,
    draw_line,
    make_grid,
    set_figure_title,
    share_legend,
    shorten,
    tint,
)
from forecast.plotting.ticks import set_integer_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = (BLUE, VERMILION, GREEN, PURPLE)  # of the factors that are also drawn step by step
MAX_BARS = 12
MAX_NAME_LENGTH = 28


def plot_explanation(effects: Effects, target: str) -> Figure:
    """Draw the mean absolute effect of each factor, and the signed ones by step of the strongest.

    Args:
        effects: of the factors of a forecast.
        target: that is forecast.

    Returns:
        The figure; of several series it shows the means.
    """
    sizes = np.array([_mean(np.abs(effect)) for effect in effects.effects])
    order = np.argsort(-np.nan_to_num(sizes), kind="stable")
    grid = make_grid(2, 2)
    grid.figure.set_figheight(1.9 + 0.26 * max(min(len(order), MAX_BARS), 6))
    _draw_bars(grid.axes[0], effects, sizes, order[:MAX_BARS])
    _draw_steps(grid.axes[1], effects, order[: len(COLOURS)])
    share_legend(grid.figure, grid.axes[1], len(COLOURS))
    series = len(effects.ids)
    of = "1 series" if series == 1 else f"the mean of {series:,} series"
    left_out = f"the {MAX_BARS} largest of {len(order)} effects" if len(order) > MAX_BARS else ""
    set_figure_title(grid.figure, f"What moves the forecast of {target}: {of}", left_out)
    return grid.figure


def _draw_bars(axes: Axes, effects: Effects, sizes: np.ndarray, order: np.ndarray) -> None:
    """A bar for each factor, the largest on top."""
    names = [shorten(effects.factors[k].name, MAX_NAME_LENGTH) for k in order]
    rest = tint(GREY, 0.5)
    colours = [COLOURS[k] if k < len(COLOURS) else rest for k in range(len(order))]
    places = np.arange(len(order))
    axes.barh(places, np.nan_to_num(sizes[order]), color=colours, height=0.7)
    axes.set_yticks(places, names, parse_math=False)
    axes.invert_yaxis()
    axes.set_xlabel("mean absolute effect")


def _draw_steps(axes: Axes, effects: Effects, order: np.ndarray) -> None:
    """A line for each of the strongest factors."""
    steps = np.arange(1, effects.forecast.shape[1] + 1)
    axes.axhline(0.0, color=GREY, linewidth=0.8)
    for k, colour in zip(order.tolist(), COLOURS, strict=False):
        effect = effects.effects[k]
        known = effect[~np.isnan(effect).any(axis=1)]
        if len(known):
            name = shorten(effects.factors[k].name, MAX_NAME_LENGTH)
            draw_line(axes, steps, known.mean(axis=0), colour, name)
    set_integer_ticks(axes, 8)
    axes.set_xlabel("step of the horizon")
    axes.set_ylabel("effect")


def _mean(values: np.ndarray) -> float:
    """The mean of those values that are known; NaN for none."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
