"""The picture of a backtest: actual values against the forecasts from several cutoffs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from forecast.evaluation.metrics import FORECAST
from forecast.plotting.scaled import mean_of_each, scaled_errors
from forecast.plotting.series_choice import Choice, choose
from forecast.plotting.style import (
    BLUE,
    GREY,
    VERMILION,
    curve,
    fan,
    grid,
    head,
    name,
    name_axes,
    share_legend,
    time_axis,
    value_axis,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from forecast.backtest import Backtest

SHOWN = 12  # forecasts side by side, the last ones of each series
SPREAD = (80.0, 95.0)  # levels that are drawn, where there are more than two


def plot_backtest(backtest: Backtest) -> Figure:
    """Draw what came against the forecasts from several cutoffs, a picture per series.

    Forecasts that overlap are left out, from the last one back, so that each can be seen.

    Args:
        backtest: of a model.

    Returns:
        The figure: up to 12 series, of more the best, the median and the worst.
    """
    found = scaled_errors(backtest, FORECAST)
    ids, errors = mean_of_each(backtest, found.values)
    choice = choose(len(ids), errors, found.measure)
    small = grid(len(choice.places))
    most = 0
    for axis, place, rank in zip(small.axes, choice.places.tolist(), choice.ranks, strict=True):
        one = backtest.take(np.flatnonzero(backtest.ids == ids[place]))
        shown = one.take(apart(one)[-(SHOWN // small.across) :])
        most = max(most, len(shown.ids))
        _draw(axis, shown)
        time_axis(axis, _times(shown, _ordinals(shown).ravel()), 12 // small.across)
        error = "no error" if np.isnan(errors[place]) else f"{found.measure} {errors[place]:#.3g}"
        name(axis, small.across, str(ids[place]), f"{rank}, {error}" if rank else error)
    head(
        small.figure,
        f"Forecasts of {_steps(backtest)} and what came",
        _which(backtest, choice, most),
    )
    name_axes(small, backtest.schema.time, backtest.target)
    share_legend(small.figure, small.axes[0])
    return small.figure


def apart(backtest: Backtest) -> np.ndarray:
    """The places of rollouts of one series that do not overlap, from the last one back."""
    reach = backtest.horizon * backtest.frequency.step
    found: list[int] = []
    for place in np.argsort(backtest.cutoffs)[::-1].tolist():
        if not found or backtest.cutoffs[found[-1]] - backtest.cutoffs[place] >= reach:
            found.append(place)
    return np.array(found[::-1])


def _draw(axis: Axes, backtest: Backtest) -> None:
    """The rollouts of one series, in two colours by turns, on what came."""
    ordinals = _ordinals(backtest)  # (M, H)
    levels = [one for one in backtest.ends if one in SPREAD] or sorted(backtest.ends)[-2:]
    for row, path in enumerate(backtest.forecasts[FORECAST]):
        colour = (BLUE, VERMILION)[row % 2]
        times = _times(backtest, ordinals[row])
        ends = {level: [end[row] for end in backtest.ends[level]] for level in levels}
        fan(axis, times, ends, colour)
        curve(axis, times, path, colour, "forecast")
    steps = np.arange(ordinals.min(), ordinals.max() + 1, backtest.frequency.step)
    came = np.full(len(steps), np.nan)
    came[(ordinals - ordinals.min()) // backtest.frequency.step] = backtest.actual
    curve(axis, _times(backtest, steps), came, GREY, "observed", 1.0)
    value_axis(axis)


def _ordinals(backtest: Backtest) -> np.ndarray:
    """The time of each step, (M, H)."""
    steps = backtest.frequency.step * np.arange(1, backtest.horizon + 1)
    found: np.ndarray = backtest.cutoffs[:, None] + steps
    return found


def _times(backtest: Backtest, ordinals: np.ndarray) -> np.ndarray:
    return np.asarray(backtest.frequency.times(ordinals))


def _which(backtest: Backtest, choice: Choice, most: int) -> str:
    """Which series and cutoffs are drawn; nothing where they are all."""
    count = len(set(backtest.cutoffs.tolist()))
    cutoffs = f"{most} of {count:,} cutoffs" if most < count else ""
    return ", ".join(part for part in (choice.words, cutoffs) if part)


def _steps(backtest: Backtest) -> str:
    count = "1 step" if backtest.horizon == 1 else f"{backtest.horizon:,} steps"
    return f"{count} ({backtest.frequency.label})"
