"""The picture of a training: its losses, whose turn it was, and which weights were kept."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from forecast.errors import OptionError
from forecast.plotting.style import (
    BLUE,
    GREY,
    VERMILION,
    curve,
    grid,
    head,
    name_axes,
    share_legend,
    tint,
    whole_steps,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_training(record: dict[str, Any]) -> Figure:
    """Draw the loss and the validation loss over the steps of a training.

    Args:
        record: of the training, `Model.record`.

    Returns:
        The figure; the turns of feedback regimes are shaded, and the weights kept are marked.

    Raises:
        OptionError: if the record tells of no training.
    """
    steps, losses = curves(record)
    small = grid(1)
    figure, axis = small.figure, small.axes[0]
    for (label, line), colour, style in zip(
        losses.items(), (BLUE, VERMILION), ("-", "--"), strict=True
    ):
        if not np.isnan(line).all():
            curve(axis, steps, line, colour, label, style=style)
    _shade(axis, record, int(steps[-1]))
    kept = record.get("kept")
    if kept:
        axis.axvline(kept, ls=":", c=GREY, lw=1.5, label=f"weights kept (step {kept:,})")
    whole_steps(axis, 10)
    axis.set_xlim(0, steps[-1] * 1.02)
    seconds = record["rounds"][-1]["seconds"]
    many = "1 step" if steps[-1] == 1 else f"{steps[-1]:,} steps"
    head(figure, f"Training: {many} in {seconds:,.0f} s")
    name_axes(small, "gradient step", "loss")
    share_legend(figure, axis)
    return figure


def curves(record: dict[str, Any]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The steps after which losses were noted (R,), and the losses by name, (R,) each.

    Raises:
        OptionError: if the record tells of no training.
    """
    rounds = record.get("rounds")
    if not rounds:
        raise OptionError("the model's record tells of no training; there are no curves to draw")
    columns = {"training": "loss", "validation": "validation_loss"}
    losses = {
        label: np.array([each[key] for each in rounds], dtype=float)  # None becomes NaN
        for label, key in columns.items()
    }
    return np.array([each["step"] for each in rounds]), losses


def _shade(axis: Axes, record: dict[str, Any], last: int) -> None:
    """Every other turn of the regimes grey, with their names on top."""
    turns = record.get("turns", [0])
    names = record.get("regimes", [])
    for place, (begin, end) in enumerate(itertools.pairwise([*turns, last])):
        if begin == end or place >= len(names):
            continue
        if place % 2:
            axis.axvspan(begin, end, color=tint(GREY, 0.12), linewidth=0, zorder=0)
        axis.annotate(
            names[place] if place else f"feedback: {names[place]}",
            ((begin + end) / 2, 1.0),
            (0, 3),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="center",
            va="bottom",
            color=GREY,
            fontsize="small",
            annotation_clip=False,
        )
