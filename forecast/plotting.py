"""Pictures: the end of the history with the forecast that follows it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from forecast import scaling
from forecast.errors import OptionError
from forecast.panel import Panel
from forecast.state import State

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from forecast.model import Forecast, Model

DRAWN = 6  # series of a panel that are drawn, the first ones
KINDS = (".png", ".svg", ".pdf")
PAST, FUTURE = "#4d4d4d", "#0072b2"  # told apart by the colour-blind too (Okabe & Ito 2008)


def plot_forecast(model: Model, forecast: Forecast, history: Panel | None = None) -> Figure:
    """Draw what came before and the forecast with its intervals, a row per series.

    Args:
        model: that has made the forecast.
        forecast: of `Model.rollout`.
        history: what the forecast continues; by default the last values that the model keeps.

    Returns:
        The figure; of a panel of many series it shows the first six.
    """
    from matplotlib.figure import Figure

    ids = forecast.state.ids[:DRAWN]
    figure = Figure(figsize=(9, 1.2 + 2.3 * len(ids)), layout="constrained")
    axes = figure.subplots(len(ids), squeeze=False, sharex=False)[:, 0]
    horizon = len(forecast.table) // len(forecast.state.ids)
    for row, (name, axis) in enumerate(zip(ids, axes, strict=True)):
        past = _panel_tail(history, name, 4 * horizon) if history else _kept(model, name)
        _draw(axis, model, forecast, slice(row * horizon, (row + 1) * horizon), past)
        axis.set_title(str(name), loc="left", fontsize="medium", parse_math=False)
    axes[0].legend(loc="upper left", frameon=False, ncols=4)
    if len(forecast.state.ids) > DRAWN:
        figure.suptitle(f"the first {DRAWN} of {len(forecast.state.ids):,} series")
    return figure


def _draw(
    axis: Axes, model: Model, forecast: Forecast, rows: slice, past: tuple[Any, np.ndarray]
) -> None:
    """One series: the past, the intervals from wide to narrow, and the forecast."""
    table = forecast.table.iloc[rows]
    future = table[model.config.schema.time]
    future = future.dt.to_timestamp() if future.dtype.kind == "O" else future
    axis.plot(*past, color=PAST, linewidth=1, label="observed")
    names = [name for name in table.columns if name.startswith("forecast-lo-")]
    for name in sorted(names, key=lambda name: -float(name.rsplit("-", 1)[1])):
        level = name.rsplit("-", 1)[1]
        low, high = table[name], table[f"forecast-hi-{level}"]
        axis.fill_between(
            future, low, high, color=FUTURE, alpha=0.18, linewidth=0, label=f"{level} %"
        )
    joined = [past[0][-1:], past[1][-1:]]
    times = np.concatenate([np.asarray(joined[0]), np.asarray(future)])
    values = np.concatenate([joined[1], table["forecast"].to_numpy()])
    axis.plot(times, values, color=FUTURE, linewidth=1.5, label="forecast")
    axis.spines[["top", "right"]].set_visible(False)
    axis.margins(x=0.01)


def _panel_tail(panel: Panel, name: Any, rows: int) -> tuple[Any, np.ndarray]:
    """Times and values of the last rows of a series."""
    series = panel.select([name])
    times = panel.frequency.times(series.ordinals[-rows:])
    return np.asarray(times), series.target[-rows:, 0]


def _kept(model: Model, name: Any) -> tuple[Any, np.ndarray]:
    """Times and values of the last rows that the state of a series keeps for the lags."""
    state: State = model.state.select([name])
    scaled = np.concatenate([state.memory.recent, state.value[:, None]], axis=1)
    values = scaling.backward(scaled, state.scale, model.config.power)[0, :, 0]
    steps = np.arange(1 - len(values), 1) * model.config.frequency.step
    return np.asarray(model.config.frequency.times(state.time + steps)), values


def write_figure(figure: Figure, path: str | Path) -> None:
    """Write a figure as PNG, SVG or PDF, by the name's ending.

    Raises:
        OptionError: if the ending is none of these.
    """
    if Path(path).suffix.lower() not in KINDS:
        raise OptionError(f"{path}: a picture's name must end in {', '.join(KINDS)}")
    figure.savefig(path, dpi=150)
