"""The picture of a forecast that follows its history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from forecast.data import scaling
from forecast.data.dataframes import to_pandas
from forecast.data.panel import Panel
from forecast.inference.state import State
from forecast.plotting.series_choice import MOST, choose
from forecast.plotting.style import (
    BLUE,
    GREY,
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
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from forecast.inference.forecast import Forecast
    from forecast.model import Model

LOOK_BACK = 4  # forecasts' lengths of history
FEWEST = 24  # rows of history, however short the forecast
SIDE_BY_SIDE = 3  # targets


class Course(NamedTuple):
    """One series before and after the end of its rows.

    Attributes:
        times, values: of its last rows, (T,) and (T, D).
        future: the times of the forecast (H,).
        table: the rows of the forecast's table.
    """

    times: np.ndarray
    values: np.ndarray
    future: np.ndarray
    table: pd.DataFrame


def plot_forecast(
    model: Model,
    forecast: Forecast,
    history: Panel | None = None,
    errors: Mapping[Any, float] | None = None,
) -> Figure:
    """Draw what came before and the forecast with its intervals, a picture per series and target.

    Args:
        model: that has made the forecast.
        forecast: of `Model.rollout`.
        history: what the forecast continues; by default the last values that its state keeps.
        errors: by id, if they are known, such as those of a backtest; they tell which of many
            series are drawn.

    Returns:
        The figure, of up to 12 pictures: of many series it shows the best, the median and the
        worst, or the first ones if no errors are known.
    """
    targets, ids = model.config.schema.forecasts, forecast.start.ids
    most = max(MOST // len(targets), 1)
    known = None if errors is None else np.array([errors.get(one, np.nan) for one in ids.tolist()])
    choice = choose(len(ids), known, most=most, each=max(most // 3, 1))
    across = len(targets) if 1 < len(targets) <= SIDE_BY_SIDE else None
    small = grid(len(choice.places) * len(targets), across)
    for row, place in enumerate(choice.places.tolist()):
        course = course_of(model, forecast, place, history)
        for d, target in enumerate(targets):
            axis = small.axes[row * len(targets) + d]
            _draw(axis, course, d, target)
            shown = np.concatenate([course.times, course.future])
            time_axis(axis, shown, 12 // small.across)
            whose = [str(ids[place])] if model.config.schema.id or len(ids) > 1 else []
            title = ": ".join([*whose, *([target] if len(targets) > 1 else [])])
            name(axis, small.across, title, choice.ranks[row])
    schema = model.config.schema
    steps = int(forecast.steps.max())
    ahead = "1 step" if steps == 1 else f"{steps:,} steps"
    head(small.figure, f"Forecast of {ahead} ({model.config.frequency.label})", choice.words)
    name_axes(small, schema.time, schema.targets[0] if len(targets) == 1 else "")
    share_legend(small.figure, small.axes[0])
    return small.figure


def course_of(model: Model, forecast: Forecast, place: int, history: Panel | None) -> Course:
    """What there is to draw of the series at a place.

    Args:
        model, forecast, history: see `plot_forecast`.
        place: of the series in the forecast.
    """
    start, steps = forecast.start, int(forecast.steps[place])
    if history is None:
        times, values = _kept(model, start.take(np.array([place])))
    else:
        times, values = _panel_tail(history, start.ids[place], max(LOOK_BACK * steps, FEWEST))
    end = int(forecast.steps[: place + 1].sum())
    future = _times(model, forecast.state.time[place], steps)
    return Course(times, values, future, to_pandas(forecast.table).iloc[end - steps : end])


def _draw(axis: Axes, course: Course, d: int, target: str) -> None:
    """One series: the past, the intervals from wide to narrow, and the forecast."""
    past, table = course.values[:, d], course.table
    curve(axis, course.times, past, GREY, "observed", 1.0)
    names = [name for name in table.columns if name.startswith(f"{target}-lo-")]
    levels = [name.rsplit("-", 1)[1] for name in names]
    ends = {
        float(level): [table[f"{target}-{side}-{level}"].to_numpy() for side in ("lo", "hi")]
        for level in levels
    }
    fan(axis, course.future, ends)
    times = np.concatenate([course.times[-1:], course.future])
    values = np.concatenate([past[-1:], table[target].to_numpy()])
    curve(axis, times, values, BLUE, "forecast")
    value_axis(axis)


def _times(model: Model, last: int, count: int) -> np.ndarray:
    """The times of so many steps, the last of which has the given ordinal."""
    frequency = model.config.frequency
    return np.asarray(frequency.times(last + np.arange(1 - count, 1) * frequency.step))


def _panel_tail(panel: Panel, name: Any, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Times and values (T, D) of the last rows of a series."""
    series = panel.select([name])
    times = panel.frequency.times(series.ordinals[-rows:])
    return np.asarray(times), series.target[-rows:]


def _kept(model: Model, state: State) -> tuple[np.ndarray, np.ndarray]:
    """Times and values (T, D) of the last rows that the state of one series keeps for the lags."""
    scaled = np.concatenate([state.memory.recent, state.value[:, None]], axis=1)
    values = scaling.backward(scaled, state.scale, model.config.powers)[0]
    return _times(model, state.time[0], len(values)), values
