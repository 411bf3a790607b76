"""Ticks of the axes, and labels at the ends of lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from forecast.errors import OptionError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_DATE = np.datetime64("9000-01-01")  # matplotlib's dates end with the year 9999
PLAIN_TICK_RANGE = (0.01, 1e5)  # largest values whose ticks have no unit prefix
TEXT_HEIGHT = 0.07  # of a line of text, as a share of the height of a single plot


class LineEnd(NamedTuple):
    """Where a line ends, and its colour."""

    x: float
    y: float
    colour: str


def set_time_ticks(axes: Axes, times: np.ndarray, max_ticks: int) -> None:
    """Limit the x axis to the times (T,), with few ticks: concise dates or whole numbers.

    Raises:
        OptionError: if the times go beyond the dates that can be drawn.
    """
    if len(times) > 1:
        margin = (times[-1] - times[0]) / 100
        axes.set_xlim(times[0] - margin, times[-1] + margin)
    if times.dtype.kind != "M":
        set_integer_ticks(axes, max_ticks)
        return
    if times[-1] > MAX_DATE:
        raise OptionError(
            f"a picture shows dates up to {MAX_DATE}, the forecast ends "
            f"{np.datetime_as_string(times[-1], 'D')}; draw fewer steps"
        )
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=max_ticks)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.xaxis.get_offset_text().set_fontsize("small")


def set_integer_ticks(axes: Axes, max_ticks: int) -> None:
    """Set x ticks at whole numbers, at least one."""
    from matplotlib.ticker import MaxNLocator

    low, high = axes.get_xlim()
    if high - low < 1:
        axes.set_xlim(round(low) - 0.5, round(high) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(max_ticks, integer=True, min_n_ticks=1))


def set_value_ticks(axes: Axes) -> None:
    """Set y ticks without an offset or a factor: 1.2M for large values, 3m for small ones."""
    from matplotlib.ticker import EngFormatter

    largest = max(map(abs, axes.get_ylim()))
    if PLAIN_TICK_RANGE[0] <= largest < PLAIN_TICK_RANGE[1]:
        axes.ticklabel_format(axis="y", useOffset=False)
    else:
        axes.yaxis.set_major_formatter(EngFormatter(sep=""))


def label_line_ends(axes: Axes, ends: Mapping[str, LineEnd]) -> None:
    """Write labels next to the ends of lines without overlap; a stroke leads to a moved label.

    Args:
        axes: with all its lines; its limits are final.
        ends: of the lines, by label.
    """
    if not ends:
        return
    labels = sorted(ends, key=lambda label: ends[label].y)
    text_height = TEXT_HEIGHT * float(np.ptp(axes.get_ylim()))
    line_heights = np.array([ends[label].y for label in labels])
    heights = _spread_out(line_heights, text_height, axes.get_ylim()[0])
    is_moved = np.abs(heights - line_heights) > text_height / 2
    for label, height, needs_stroke in zip(labels, heights, is_moved, strict=True):
        end = ends[label]
        stroke = {"arrowstyle": "-", "color": end.colour, "linewidth": 0.6, "relpos": (0, 0.5)}
        axes.annotate(
            label,
            (end.x, end.y),
            (20 if is_moved.any() else 6, height),
            textcoords=("offset points", "data"),
            color=end.colour,
            fontsize="small",
            va="center",
            annotation_clip=False,
            arrowprops=stroke if needs_stroke else None,
        )


def _spread_out(heights: np.ndarray, text_height: float, lowest: float) -> np.ndarray:
    """The nearest heights (L,), ascending as given, that are at least a text height apart."""
    offsets = text_height * np.arange(len(heights))
    spread = _nearest_ascending(heights - offsets) + offsets
    return np.asarray(np.maximum(spread, lowest + text_height / 2 + offsets))


def _nearest_ascending(values: np.ndarray) -> np.ndarray:
    """The nearest values (L,) that never fall: neighbours that do are pooled into their mean."""
    pools: list[list[float]] = []
    for value in values.tolist():
        pools.append([value])
        while len(pools) > 1 and np.mean(pools[-2]) > np.mean(pools[-1]):
            pools[-2:] = [pools[-2] + pools[-1]]
    return np.array([np.mean(pool) for pool in pools for _ in pool])
