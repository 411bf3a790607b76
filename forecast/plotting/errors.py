"""The picture of errors by step of the horizon, beside the baselines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecast.evaluation.metrics import FORECAST
from forecast.plotting.scaled import mean, scaled_errors
from forecast.plotting.style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PALEST,
    PURPLE,
    SKY,
    VERMILION,
    curve,
    grid,
    head,
    label_ends,
    name_axes,
    tint,
    whole_steps,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from forecast.backtest import Backtest

COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK)  # the model's, then baselines'
STYLES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)), (0, (3, 1, 1, 1)))
BAND = [0.1, 0.9]  # shares of the series between which most lie
FEWEST = 10  # series that have such a band


def plot_errors(backtest: Backtest) -> Figure:
    """Draw the error of each step of the horizon: of the model and of each baseline.

    Args:
        backtest: of a model.

    Returns:
        The figure: MASE, or MAE where no series has a scale; from ten series on with the band that
        holds the errors of the middle 80 % of them.
    """
    small = grid(1)
    figure, axis = small.figure, small.axes[0]
    steps = np.arange(1, backtest.horizon + 1)
    band = ""
    ids = list(dict.fromkeys(backtest.ids.tolist()))
    if len(ids) >= FEWEST:
        errors = pd.DataFrame(scaled_errors(backtest, FORECAST).values)
        own = errors.groupby(pd.factorize(backtest.ids)[0]).mean()
        low, high = own.quantile(BAND).to_numpy()
        axis.fill_between(steps, low, high, color=tint(BLUE, PALEST), linewidth=0)
        band = f"shaded: the model's for the middle {BAND[1] - BAND[0]:.0%} of the series"
    ends = {}
    looks = [*zip(COLOURS, STYLES, strict=True)]
    for row, (label, line) in enumerate(errors_by_step(backtest).items()):
        colour, style = looks[row]
        width = 2.0 if colour == BLUE else 1.2
        curve(axis, steps, line, colour, label, width, style)
        last = np.flatnonzero(~np.isnan(line))[-1:]
        if len(last):
            ends[label] = (float(steps[last[0]]), float(line[last[0]]), colour)
    whole_steps(axis, 12)
    axis.set_ylim(bottom=0)
    measure = scaled_errors(backtest, FORECAST).measure
    count = len(backtest.ids)
    of = "1 series" if len(ids) == 1 else f"{len(ids):,} series"
    many = "1 forecast" if count == 1 else f"the mean of {count:,} forecasts"
    head(figure, f"Error by step of the horizon: {many} of {of}", band)
    y = "mean absolute scaled error (MASE)"
    if measure == "MAE":
        y = f"mean absolute error (MAE) of {backtest.target}"
    name_axes(small, f"step of the horizon ({backtest.frequency.label})", y)
    label_ends(axis, ends)
    return figure


def errors_by_step(backtest: Backtest) -> dict[str, np.ndarray]:
    """The mean error of each step (H,), by name: "model", and those of the baselines."""
    return {
        "model" if name == FORECAST else name.replace("_", " "): mean(
            scaled_errors(backtest, name).values, axis=0
        )
        for name in backtest.forecasts
    }
