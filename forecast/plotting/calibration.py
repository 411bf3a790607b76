"""The picture of calibration: empirical coverage of prediction intervals against nominal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecast.errors import OptionError
from forecast.evaluation.cutoff_forecasts import CutoffForecasts
from forecast.evaluation.metrics import mean_observed
from forecast.plotting.style import (
    BLUE,
    GREY,
    draw_line,
    make_grid,
    set_figure_title,
    share_legend,
    tint,
)
from forecast.plotting.ticks import LineEnd, label_line_ends, set_integer_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


MIN_CLUSTERS = 5  # series or cutoffs needed for a confidence interval
MIN_FORECASTS_BY_STEP = 20  # forecasts needed to draw the coverage of each step
Z_95 = 1.96  # standard errors of a 95 % confidence interval


def plot_calibration(backtest: CutoffForecasts) -> Figure:
    """Draw the empirical coverage of intervals against the nominal one, and by forecast step.

    Args:
        backtest: of a model with intervals.

    Returns:
        The figure. The coverage by step is drawn from 20 forecasts on. Error bars are 95 %
        confidence intervals of the coverage, drawn where there are at least five series or five
        cutoffs.

    Raises:
        OptionError: if there are no intervals.
    """
    if not backtest.ends:
        raise OptionError(
            "the backtest has no intervals, since the model has none; train with a larger "
            "--holdout, or with a probabilistic head, such as --head student_t"
        )
    n_forecasts, n_series = len(backtest.ids), len(set(backtest.ids.tolist()))
    columns = 2 if n_forecasts >= MIN_FORECASTS_BY_STEP else 1
    figure, (level_axes, *step_axes), _ = make_grid(columns, columns)
    _draw_by_level(level_axes, backtest)
    for axes in step_axes:
        _draw_by_step(axes, backtest)
    forecasts = "1 forecast" if n_forecasts == 1 else f"{n_forecasts:,} forecasts"
    series = "1 series" if n_series == 1 else f"{n_series:,} series"
    set_figure_title(figure, f"Coverage of prediction intervals: {forecasts} of {series}")
    share_legend(figure, level_axes)
    return figure


def _draw_by_level(axes: Axes, backtest: CutoffForecasts) -> None:
    """Draw the empirical coverage against the nominal one."""
    levels = sorted(backtest.ends)
    coverage = np.array(
        [100 * mean_observed(is_covered(backtest, level).ravel(), axis=0) for level in levels]
    )
    margins = np.array([100 * Z_95 * coverage_error(backtest, level) for level in levels])
    axes.plot([0, 100], [0, 100], ls="--", c=GREY, lw=1, label="nominal coverage")
    room = np.stack([coverage, 100 - coverage])  # error bars end at 0 and at 100
    has_margins = not np.isnan(margins).any()
    axes.errorbar(
        levels,
        coverage,
        yerr=np.minimum(margins, room) if has_margins else None,
        fmt="o-",
        ms=4,
        c=BLUE,
        lw=1.5,
        capsize=3,
        label="empirical coverage" + (" (95 % confidence)" if has_margins else ""),
    )
    axes.set(xlim=(0, 100), ylim=(0, 102), xlabel="nominal coverage (%)")
    axes.set_ylabel("empirical coverage (%)")
    axes.set_aspect("equal")


def _draw_by_step(axes: Axes, backtest: CutoffForecasts) -> None:
    """Draw the empirical coverage of every level by forecast step."""
    steps, ends = np.arange(1, backtest.horizon + 1), {}
    levels = sorted(backtest.ends)
    for level, strength in zip(levels, np.linspace(0.5, 1.0, len(levels)), strict=True):
        coverage = 100 * mean_observed(is_covered(backtest, level), axis=0)
        colour = tint(BLUE, float(strength))
        axes.axhline(level, ls="--", c=GREY, lw=0.8)
        draw_line(axes, steps, coverage, colour, f"{level:g} %")
        known = np.flatnonzero(~np.isnan(coverage))
        if len(known):
            ends[f"{level:g} %"] = LineEnd(float(steps[-1]), float(coverage[known[-1]]), colour)
    axes.set(ylim=(0, 102), xlabel=f"forecast step ({backtest.frequency.label})")
    set_integer_ticks(axes, 6)
    label_line_ends(axes, ends)


def is_covered(backtest: CutoffForecasts, level: float) -> np.ndarray:
    """Whether the interval of a level covers the actual values, (M, H): 1.0, 0.0, or NaN."""
    low, high = backtest.ends[level]
    covered = (low <= backtest.actual) & (backtest.actual <= high)
    return np.where(np.isnan(backtest.actual), np.nan, covered)


def coverage_error(backtest: CutoffForecasts, level: float) -> float:
    """The standard error of the empirical coverage of a level; NaN if there are few clusters.

    The values of one series are not independent, nor are those of one cutoff where series are
    few. It is the standard error of a ratio of sums over such clusters (Cochran 1977, 6.3).
    """
    covered = is_covered(backtest, level)
    n_series = len(set(backtest.ids.tolist()))
    cluster_keys = backtest.ids if n_series >= MIN_CLUSTERS else backtest.cutoffs
    sums = pd.DataFrame(
        {"covered": np.nansum(covered, axis=1), "count": (~np.isnan(covered)).sum(axis=1)}
    )
    clusters = sums.groupby(pd.factorize(cluster_keys)[0]).sum().to_numpy(float)
    clusters = clusters[clusters[:, 1] > 0]
    if len(clusters) < MIN_CLUSTERS:
        return float("nan")
    total = clusters.sum(axis=0)
    residuals = clusters[:, 0] - clusters[:, 1] * total[0] / total[1]
    variance = (residuals**2).sum() * len(clusters) / (len(clusters) - 1)
    return float(np.sqrt(variance) / total[1])
