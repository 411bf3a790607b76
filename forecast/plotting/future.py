"""Pictures: a forecast that follows its history, and where attention looks."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from forecast import scaling
from forecast.errors import DataError, OptionError
from forecast.files import replace_file
from forecast.frames import to_pandas
from forecast.panel import Panel
from forecast.state import State

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from forecast.model import Model
    from forecast.outcome import Forecast

DRAWN = 6  # series of a panel that are drawn, the first ones
KINDS = (".png", ".svg", ".pdf")
LAST_DATE = np.datetime64("9000-01-01")  # those of matplotlib end with the year 9999
PAST, FUTURE = "#4d4d4d", "#0072b2"  # told apart by the colour-blind too (Okabe & Ito 2008)


def plot_forecast(model: Model, forecast: Forecast, history: Panel | None = None) -> Figure:
    """Draw what came before and the forecast with its intervals, a row per series and target.

    Args:
        model: that has made the forecast.
        forecast: of `Model.rollout`.
        history: what the forecast continues; by default the last values that its state keeps.

    Returns:
        The figure; of a panel of many series it shows the first ones, in six rows.
    """
    from matplotlib.figure import Figure

    targets = model.config.schema.forecasts
    drawn = max(DRAWN // len(targets), 1)
    start, ids = forecast.start, forecast.start.ids[:drawn]
    rows = len(ids) * len(targets)
    figure = Figure(figsize=(9, 1.2 + 2.3 * rows), layout="constrained")
    axes = figure.subplots(rows, squeeze=False, sharex=False)[:, 0].reshape(len(ids), -1)
    steps, end = forecast.steps, np.cumsum(forecast.steps)
    table = to_pandas(forecast.table)
    for row, name in enumerate(ids):
        kept = _kept(model, start.take(np.array([row])))
        times, values = _panel_tail(history, name, 4 * steps[row]) if history else kept
        future = _times(model, forecast.state.time[row], steps[row])
        coming = table.iloc[end[row] - steps[row] : end[row]]
        for d, (target, axis) in enumerate(zip(targets, axes[row], strict=True)):
            _draw(axis, (times, values[:, d]), future, coming, target)
            title = str(name) if len(targets) == 1 else f"{name}: {target}"
            axis.set_title(title, loc="left", fontsize="medium", parse_math=False)
    axes[0, 0].legend(loc="upper left", frameon=False, ncols=4)
    if len(start.ids) > drawn:
        figure.suptitle(f"the first {drawn} of {len(start.ids):,} series")
    return figure


def plot_attention(
    model: Model, forecast: Forecast, bounds: Any = None, future: Any = None
) -> Figure:
    """Draw where each step of a forecast looks, a square of weights per series.

    Args:
        model: with attention, that has made the forecast.
        forecast: of `Model.rollout`.
        bounds, future: that it was made with, see `Model.rollout`.

    Returns:
        The figure; of a panel of many series it shows the first six.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    count = len(forecast.start.ids)
    start = forecast.start.take(np.arange(min(count, DRAWN)))
    figure = Figure(figsize=(9, 1.0 + 2.6 * len(start.ids)), layout="constrained")
    axes = figure.subplots(len(start.ids), squeeze=False)[:, 0]
    for row, (steps, axis) in enumerate(zip(forecast.steps, axes, strict=False)):
        one = start.take(np.array([row]))
        looks = model.attention(int(steps), state=one, bounds=bounds, future=future)
        weights = looks["weight"].to_numpy().reshape(steps, -1)  # (H, M)
        image = axis.imshow(
            weights,
            aspect="auto",
            cmap="viridis",
            vmin=0.0,
            origin="lower",
            extent=(-weights.shape[1] + 0.5, 0.5, 0.5, steps + 0.5),
        )
        axis.set(
            xlabel="row, counted back from the last observed one", ylabel="step of the forecast"
        )
        for side in (axis.xaxis, axis.yaxis):
            side.set_major_locator(MaxNLocator(integer=True))
        axis.set_title(str(start.ids[row]), loc="left", fontsize="medium", parse_math=False)
        figure.colorbar(image, ax=axis, label="weight")
    if count > DRAWN:
        figure.suptitle(f"the first {DRAWN} of {count:,} series")
    return figure


def _draw(
    axis: Axes,
    past: tuple[np.ndarray, np.ndarray],
    future: np.ndarray,
    table: pd.DataFrame,
    target: str,
) -> None:
    """One series: the past, the intervals from wide to narrow, and the forecast."""
    axis.plot(*past, color=PAST, linewidth=1, label="past")
    names = [name for name in table.columns if name.startswith(f"{target}-lo-")]
    levels = sorted((name.rsplit("-", 1)[1] for name in names), key=float, reverse=True)
    for place, level in enumerate(levels, start=1):
        low, high = table[f"{target}-lo-{level}"], table[f"{target}-hi-{level}"]
        band = axis.fill_between(future, low, high, color=FUTURE, linewidth=0, label=f"{level} %")
        band.set_alpha(0.15 * place)
    times = np.concatenate([past[0][-1:], future])
    values = np.concatenate([past[1][-1:], table[target].to_numpy()])
    axis.plot(times, values, color=FUTURE, linewidth=1.5, label="forecast")
    if future.dtype.kind == "M":
        if future[-1] > LAST_DATE:
            raise OptionError(
                f"a picture shows dates up to {LAST_DATE}, the forecast ends "
                f"{np.datetime_as_string(future[-1], 'D')}; "
                "draw fewer steps"
            )
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        axis.xaxis.set_major_locator(locator := AutoDateLocator(maxticks=8))  # type: ignore[no-untyped-call]
        axis.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axis.spines[["top", "right"]].set_visible(False)
    axis.margins(x=0.01)


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


def write_figure(figure: Figure, path: str | Path, option: str = "--plot") -> None:
    """Write a figure as PNG, SVG or PDF, by the name's ending.

    Args:
        figure: to draw.
        path: where to.
        option: of the command line that names another place.

    Raises:
        OptionError: if the ending is none of these.
        DataError: if the place cannot be written.
    """
    drawn = io.BytesIO()
    figure.savefig(drawn, format=picture_kind(path), dpi=150)
    replace_file(path, lambda stream: stream.write(drawn.getvalue()), DataError, option)


def picture_kind(path: str | Path) -> str:
    """The kind of picture that a name stands for: "png", "svg" or "pdf".

    Raises:
        OptionError: if the ending is none of these.
    """
    kind = Path(path).suffix.lower()
    if kind not in KINDS:
        raise OptionError(f"{path}: a picture's name must end in {', '.join(KINDS)}")
    return kind.removeprefix(".")
