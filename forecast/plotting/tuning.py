"""The picture of a tuning: the error of each trial, and the smallest one so far."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from forecast.plotting.style import (
    BLUE,
    GREY,
    SKY,
    VERMILION,
    label_axes,
    make_grid,
    set_figure_title,
    share_legend,
)
from forecast.plotting.ticks import set_integer_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEGEND_COLUMNS = 4
MAX_RATIO = 3.0  # of errors drawn to the smallest one; larger ones are marked at the upper edge


class TrialErrors(NamedTuple):
    """The errors of the trials of a tuning, in their order.

    Attributes:
        numbers: of the trials (M,), from 1.
        errors: (M,), NaN where a trial was not complete.
        best: the smallest error so far (M,), NaN where there is none.
        pruned: which trials were ended early (M,).
        failed: which could not be trained (M,).
        naive: the error of the seasonal naive forecast.
        measure: what the errors are called.
        horizon: steps of the forecasts.
    """

    numbers: np.ndarray
    errors: np.ndarray
    best: np.ndarray
    pruned: np.ndarray
    failed: np.ndarray
    naive: float
    measure: str
    horizon: int


def plot_tuning(trials: TrialErrors) -> Figure:
    """Draw the error of each trial, and the smallest one so far.

    Args:
        trials: at least one of which is complete.

    Returns:
        The figure; trials that were not complete are marked at its lower edge, errors beyond
        three times the smallest one at its upper edge, and the seasonal naive forecast is a line.
    """
    grid = make_grid(1)
    axes = grid.axes[0]
    least = float(np.nanmin(trials.errors))
    top = _top(trials, least)
    _draw_errors(axes, trials, top)
    axes.step(
        trials.numbers,
        trials.best,
        where="post",
        color=BLUE,
        linewidth=2.0,
        label="best so far",
        zorder=2,
    )
    if trials.naive <= top:
        axes.axhline(trials.naive, ls="--", c=GREY, lw=1.2, label="seasonal naive")
    low = least - 0.15 * (top - least)
    edge = low + 0.03 * (top - least)  # above the axis, whose ticks are there
    axes.set_ylim(low, top + 0.05 * (top - least))
    _mark(axes, trials.numbers[trials.pruned], edge, GREY, "1", "pruned")
    _mark(axes, trials.numbers[trials.failed], edge, VERMILION, "x", "failed")
    axes.set_xlim(0.5, len(trials.numbers) + 0.5)
    set_integer_ticks(axes, 12)
    set_figure_title(grid.figure, _title(trials, least))
    label_axes(grid, "trial", _label(trials.measure))
    share_legend(grid.figure, axes, columns=LEGEND_COLUMNS)
    return grid.figure


def _top(trials: TrialErrors, least: float) -> float:
    """The largest error that is drawn at its place; above the smallest one in any case."""
    limit = MAX_RATIO * least
    drawn = np.append(trials.errors[~np.isnan(trials.errors)], trials.naive)
    top = float(drawn[drawn <= limit].max(initial=least))
    return top if top > least else least + max(abs(least), 1e-9)


def _draw_errors(axes: Axes, trials: TrialErrors, top: float) -> None:
    """Draw the trials that were complete; the default options stand out."""
    beyond = trials.errors > top
    known = ~np.isnan(trials.errors) & ~beyond
    axes.plot(
        trials.numbers[known], trials.errors[known], "o", color=SKY, ms=5, label="trial", zorder=3
    )
    _mark(axes, trials.numbers[beyond], top, SKY, "^", "above the scale")
    if not np.isnan(trials.errors[0]):
        place = min(trials.errors[0], top)
        _mark(axes, trials.numbers[:1], place, VERMILION, "D", "default options")


def _mark(
    axes: Axes, numbers: np.ndarray, height: float, colour: str, marker: str, label: str
) -> None:
    """Mark some trials at one height, if there are any."""
    if len(numbers):
        axes.plot(
            numbers,
            np.full(len(numbers), height),
            marker,
            color=colour,
            label=label,
            markersize=6,
            clip_on=False,
            zorder=3,
        )


def _title(trials: TrialErrors, least: float) -> str:
    """How many trials there are, and how good the best one is."""
    count = len(trials.numbers)
    number = int(trials.numbers[np.nanargmin(trials.errors)])
    tried = "1 trial" if count == 1 else f"{count:,} trials"
    steps = "1 step" if trials.horizon == 1 else f"{trials.horizon:,} steps"
    return f"Tuning: {tried} of forecasts of {steps}; best {least:.3g} in trial {number:,}"


def _label(measure: str) -> str:
    return "mean absolute scaled error (MASE)" if measure == "MASE" else "mean absolute error (MAE)"
