"""The picture of how many values intervals hold, beside how many they should."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecast.errors import OptionError
from forecast.plotting.scaled import mean
from forecast.plotting.style import (
    BLUE,
    GREY,
    curve,
    grid,
    head,
    label_ends,
    share_legend,
    tint,
    whole_steps,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from forecast.backtest import Backtest

FEWEST = 5  # series or cutoffs from which chance can be told
FEWEST_BY_STEP = 20  # forecasts from which the share that was held at a step says something
SURE = 1.96  # standard errors of a 95 % interval


def plot_calibration(backtest: Backtest) -> Figure:
    """Draw the share of values that intervals held against their level, and step by step.

    Args:
        backtest: of a model with intervals.

    Returns:
        The figure: step by step only where there are at least 20 forecasts. On the left, whiskers
        tell how far chance may have moved a share, 95 %; they are left out where there are fewer
        than five series and fewer than five cutoffs.

    Raises:
        OptionError: if there are no intervals.
    """
    if not backtest.ends:
        raise OptionError(
            "the backtest has no intervals, since the model has none; train with a larger "
            "--holdout, or with a head that has a distribution, such as --head student_t"
        )
    has_steps = len(backtest.ids) >= FEWEST_BY_STEP
    figure, (left, *right), _ = grid(1 + has_steps, across=1 + has_steps)
    _draw_levels(left, backtest)
    for axis in right:
        _draw_steps(axis, backtest)
    count = len(set(backtest.ids.tolist()))
    of = "1 series" if count == 1 else f"{count:,} series"
    many = "1 forecast" if len(backtest.ids) == 1 else f"{len(backtest.ids):,} forecasts"
    head(figure, f"Values that intervals held: {many} of {of}")
    share_legend(figure, left)
    return figure


def _draw_levels(axis: Axes, backtest: Backtest) -> None:
    """The share held against the level."""
    levels = sorted(backtest.ends)
    shares = np.array([100 * mean(held(backtest, level).ravel(), axis=0) for level in levels])
    chance = np.array([100 * SURE * chance_of(backtest, level) for level in levels])
    axis.plot([0, 100], [0, 100], ls="--", c=GREY, lw=1, label="as many as they should")
    within = np.stack([shares, 100 - shares])  # what is left down to 0 and up to 100
    bars = None if np.isnan(chance).any() else np.minimum(chance, within)
    axis.errorbar(
        levels,
        shares,
        yerr=bars,
        fmt="o-",
        ms=4,
        c=BLUE,
        lw=1.5,
        capsize=3,
        label="held (95 % confidence)" if bars is not None else "held",
    )
    axis.set(xlim=(0, 100), ylim=(0, 102), xlabel="level of the interval (%)")
    axis.set_ylabel("values held (%)")
    axis.set_aspect("equal")


def _draw_steps(axis: Axes, backtest: Backtest) -> None:
    """The share held at each step, of every level."""
    steps, ends = np.arange(1, backtest.horizon + 1), {}
    levels = sorted(backtest.ends)
    for level, strength in zip(levels, np.linspace(0.5, 1.0, len(levels)), strict=True):
        shares = 100 * mean(held(backtest, level), axis=0)
        colour = tint(BLUE, float(strength))
        axis.axhline(level, ls="--", c=GREY, lw=0.8)
        curve(axis, steps, shares, colour, f"{level:g} %")
        last = np.flatnonzero(~np.isnan(shares))[-1:]
        if len(last):
            ends[f"{level:g} %"] = (float(steps[-1]), float(shares[last[0]]), colour)
    axis.set(ylim=(0, 102), xlabel=f"step of the horizon ({backtest.frequency.label})")
    whole_steps(axis, 6)
    label_ends(axis, ends)


def held(backtest: Backtest, level: float) -> np.ndarray:
    """Whether the interval of a level held what came, (M, H): 1.0, 0.0, or NaN where missing."""
    low, high = backtest.ends[level]
    is_held = (low <= backtest.actual) & (backtest.actual <= high)
    return np.where(np.isnan(backtest.actual), np.nan, is_held)


def chance_of(backtest: Backtest, level: float) -> float:
    """The standard error of the share that a level held; NaN where there are too few units.

    Values of one series stand or fall together, as do those of one cutoff where series are few:
    it is that of a ratio of sums over such clusters (Cochran 1977, 6.3).
    """
    found = held(backtest, level)
    by = backtest.ids if len(set(backtest.ids.tolist())) >= FEWEST else backtest.cutoffs
    sums = pd.DataFrame({"held": np.nansum(found, axis=1), "count": (~np.isnan(found)).sum(axis=1)})
    units = sums.groupby(pd.factorize(by)[0]).sum().to_numpy(float)
    units = units[units[:, 1] > 0]
    if len(units) < FEWEST:
        return float("nan")
    total = units.sum(axis=0)
    residuals = units[:, 0] - units[:, 1] * total[0] / total[1]
    spread = (residuals**2).sum() * len(units) / (len(units) - 1)
    return float(np.sqrt(spread) / total[1])
