"""The picture of a training: its losses, its feedback phases, and which weights were kept."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from forecast.plotting.style import (
    BLUE,
    GREY,
    VERMILION,
    draw_line,
    label_axes,
    make_grid,
    set_figure_title,
    share_legend,
    tint,
)
from forecast.plotting.ticks import set_integer_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = (BLUE, VERMILION)  # of the losses
LINE_STYLES = ("-", "--")


class FeedbackPhase(NamedTuple):
    """A part of a training under one feedback regime, and the gradient steps before it."""

    name: str
    start: int


class TrainingCurves(NamedTuple):
    """The course of a training.

    Attributes:
        steps: gradient steps after which the losses were measured (R,), ascending, R > 0.
        losses: by name, (R,) each, NaN where there is none: "training" and "validation".
        seconds: that the training took.
        kept_step: the gradient step after which the weights were kept; None if unknown.
        phases: of the feedback, in their order.
    """

    steps: np.ndarray
    losses: dict[str, np.ndarray]
    seconds: float
    kept_step: int | None = None
    phases: Sequence[FeedbackPhase] = ()


def plot_training(curves: TrainingCurves) -> Figure:
    """Draw the training loss and the validation loss over the gradient steps.

    Args:
        curves: the course of the training.

    Returns:
        The figure; feedback phases are shaded, and the step of the kept weights is marked.
    """
    grid = make_grid(1)
    axes, last_step = grid.axes[0], int(curves.steps[-1])
    for row, (label, loss) in enumerate(curves.losses.items()):
        if not np.isnan(loss).all():
            draw_line(axes, curves.steps, loss, COLOURS[row], label, style=LINE_STYLES[row])
    _shade_phases(axes, curves.phases, last_step)
    if curves.kept_step:
        label = f"weights kept (step {curves.kept_step:,})"
        axes.axvline(curves.kept_step, ls=":", c=GREY, lw=1.5, label=label)
    set_integer_ticks(axes, 10)
    axes.set_xlim(0, last_step * 1.02)
    steps = "1 gradient step" if last_step == 1 else f"{last_step:,} gradient steps"
    set_figure_title(grid.figure, f"Training: {steps} in {curves.seconds:,.0f} s")
    label_axes(grid, "gradient step", "loss")
    share_legend(grid.figure, axes)
    return grid.figure


def _shade_phases(axes: Axes, phases: Sequence[FeedbackPhase], last_step: int) -> None:
    """Shade every other feedback phase grey, with the names on top; empty ones are left out."""
    limits = itertools.pairwise([*(phase.start for phase in phases), last_step])
    for number, (phase, (start, end)) in enumerate(zip(phases, limits, strict=True)):
        if start == end:
            continue
        if number % 2:
            axes.axvspan(start, end, color=tint(GREY, 0.12), linewidth=0, zorder=0)
        axes.annotate(
            phase.name if number else f"feedback: {phase.name}",
            ((start + end) / 2, 1.0),
            (0, 3),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="center",
            va="bottom",
            color=GREY,
            fontsize="small",
            annotation_clip=False,
        )
