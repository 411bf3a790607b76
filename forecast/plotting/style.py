"""How pictures look: colours, grids of small pictures, axes of time, names that fit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from forecast.errors import OptionError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# told apart by the colour-blind too (Okabe & Ito 2008)
GREY, BLUE, VERMILION, GREEN = "#4d4d4d", "#0072b2", "#d55e00", "#009e73"
PURPLE, ORANGE, SKY, BLACK = "#cc79a7", "#e69f00", "#56b4e9", "#000000"
WIDTH = 8.0  # inches
ALONE, ROW = 3.2, 1.9  # inches that a row of pictures is high, if it is the only one or not
FURNITURE = 1.0  # inches for titles and the legend
LONGEST = 84  # characters of a name, over all columns of a grid
LAST_DATE = np.datetime64("9000-01-01")  # those of matplotlib end with the year 9999
MODEST = (0.01, 1e5)  # values that are written out
LINE = 0.07  # of the height of a picture that is alone is a line of text
PALEST, DARKEST = 0.18, 0.6  # how much of its colour the widest and the narrowest interval has


class Grid(NamedTuple):
    """A figure of small pictures.

    Attributes:
        figure: that holds them.
        axes: of each, row by row.
        across: columns.
    """

    figure: Figure
    axes: list[Axes]
    across: int


def grid(count: int, across: int | None = None) -> Grid:
    """A figure of so many small pictures; by default in up to three columns."""
    from matplotlib.figure import Figure

    across = across or (1 if count <= 3 else 2 if count <= 6 else 3)
    down = math.ceil(count / across)
    height = FURNITURE + (ALONE if down == 1 else ROW * down)
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    cells = list(figure.subplots(down, across, squeeze=False).ravel())
    for cell in cells[count:]:
        cell.remove()
    for cell in cells[:count]:
        cell.spines[["top", "right"]].set_visible(False)
        cell.tick_params(labelsize="small")
        cell.margins(x=0.01)
    return Grid(figure, cells[:count], across)


def name_axes(grid: Grid, x: str, y: str) -> None:
    """Say what pictures show from left to right, below the lowest ones, and from bottom to top.

    Where all show the same times, ticks have labels below the lowest ones alone.
    """
    lowest = grid.axes[-grid.across :]
    is_shared = len({axis.get_xlim() for axis in grid.axes}) == 1
    for axis in grid.axes:
        if axis in lowest:
            text = shorten(x, LONGEST * 2 // 3 // grid.across)
            axis.set_xlabel(text, fontsize="medium", parse_math=False)
        elif is_shared:
            axis.tick_params(labelbottom=False)
            axis.xaxis.get_offset_text().set_visible(False)
    grid.figure.supylabel(shorten(y, LONGEST // 2), fontsize="medium", parse_math=False)


def head(figure: Figure, *lines: str) -> None:
    """Give a figure its title, of lines that are not empty."""
    figure.suptitle("\n".join(line for line in lines if line), fontsize=11, parse_math=False)


def name(axis: Axes, across: int, title: str, remark: str = "") -> None:
    """Give one of so many pictures side by side its title, and a remark in brackets."""
    remark = f" ({remark})" if remark else ""
    text = shorten(title, LONGEST // across - len(remark)) + remark
    axis.set_title(text, loc="left", fontsize="medium", parse_math=False)


def shorten(name: str, most: int) -> str:
    """A name in one line of at most so many characters; beginning and end are kept.

    Example:
        >>> shorten("a name that is far too long for a title", 21)
        'a name that i…a title'
    """
    line = " ".join("".join(char if char.isprintable() else " " for char in name).split())
    if len(line) <= most:
        return line
    end = most // 3
    return f"{line[: most - end - 1]}…{line[len(line) - end :]}"


def share_legend(figure: Figure, axis: Axes) -> None:
    """One legend below all pictures, with what one of them holds; two colours share a name."""
    from matplotlib.legend_handler import HandlerTuple

    held: dict[str, list[Any]] = {}
    for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
        held.setdefault(label, []).append(handle)
    pairs: list[Any] = [tuple(found[:2]) if found[1:] else found[0] for found in held.values()]
    figure.legend(
        pairs,
        [*held],
        handler_map={tuple: HandlerTuple(ndivide=None)},
        loc="outside lower center",
        frameon=False,
        ncols=8,
        fontsize="small",
    )


def tint(colour: str, strength: float) -> str:
    """A colour mixed with white, opaque: it looks the same in every kind of file."""
    from matplotlib.colors import to_hex, to_rgb

    red, green, blue = (1 - strength * (1 - part) for part in to_rgb(colour))
    return to_hex((red, green, blue))


def fan(
    axis: Axes, times: np.ndarray, ends: Mapping[float, Sequence[np.ndarray]], colour: str = BLUE
) -> None:
    """Intervals as bands, the wider ones paler and behind.

    Args:
        axis: to draw on.
        times: (H,).
        ends: by level in percent: the lower and the upper end, (H,) each.
        colour: of the forecast.
    """
    strengths = np.linspace(PALEST, DARKEST if len(ends) > 2 else DARKEST / 1.6, max(len(ends), 1))
    for strength, level in zip(strengths, sorted(ends, reverse=True), strict=False):
        low, high = ends[level]
        face = tint(colour, float(strength))
        label = f"{level:g} % interval"
        if len(times) == 1:
            axis.vlines(times, low, high, color=face, linewidth=6, label=label, zorder=1)
        else:
            axis.fill_between(times, low, high, color=face, linewidth=0, label=label, zorder=1)


def curve(
    axis: Axes,
    x: np.ndarray,
    y: np.ndarray,
    colour: str,
    label: str,
    width: float = 1.5,
    style: Any = "-",
) -> None:
    """A line, with dots at values whose neighbours are missing: no line would show them.

    Args:
        axis: to draw on.
        x, y: (T,), NaN where missing.
        colour, label, width, style: of the line.
    """
    known = np.concatenate([[False], ~np.isnan(y), [False]])
    alone = np.flatnonzero(known[1:-1] & ~known[:-2] & ~known[2:])
    axis.plot(
        x,
        y,
        color=colour,
        label=label,
        linewidth=width,
        linestyle=style,
        marker="o" if len(alone) else "",
        markersize=3,
        markevery=alone.tolist(),
    )


def time_axis(axis: Axes, times: np.ndarray, ticks: int) -> None:
    """From the first to the last of the times (T,): few ticks, concise dates or whole numbers.

    Raises:
        OptionError: if the times go further than dates can be drawn.
    """
    if len(times) > 1:
        margin = (times[-1] - times[0]) / 100
        axis.set_xlim(times[0] - margin, times[-1] + margin)
    if times.dtype.kind != "M":
        whole_steps(axis, ticks)
        return
    if times[-1] > LAST_DATE:
        raise OptionError(
            f"a picture shows dates up to {LAST_DATE}, the forecast ends "
            f"{np.datetime_as_string(times[-1], 'D')}; "
            "draw fewer steps"
        )
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=ticks)  # type: ignore[no-untyped-call]
    axis.xaxis.set_major_locator(locator)
    axis.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axis.xaxis.get_offset_text().set_fontsize("small")


def whole_steps(axis: Axes, ticks: int) -> None:
    """Ticks at whole numbers, of which there is at least one."""
    from matplotlib.ticker import MaxNLocator

    low, high = axis.get_xlim()
    if high - low < 1:
        axis.set_xlim(round(low) - 0.5, round(high) + 0.5)
    axis.xaxis.set_major_locator(MaxNLocator(ticks, integer=True, min_n_ticks=1))


def value_axis(axis: Axes) -> None:
    """Ticks without an offset or a factor: 1.2M for large values, 3m for small ones."""
    from matplotlib.ticker import EngFormatter

    largest = max(map(abs, axis.get_ylim()))
    if MODEST[0] <= largest < MODEST[1]:
        axis.ticklabel_format(axis="y", useOffset=False)
    else:
        axis.yaxis.set_major_formatter(EngFormatter(sep=""))


def label_ends(axis: Axes, ends: Mapping[str, tuple[float, float, str]]) -> None:
    """Write names beside the ends of lines, apart from each other; a stroke leads to one moved.

    Args:
        axis: with all its lines; its limits are final.
        ends: by name: where the line ends, x and y, and its colour.
    """
    from scipy.optimize import isotonic_regression

    if not ends:
        return
    names = sorted(ends, key=lambda text: ends[text][1])
    low, high = axis.get_ylim()
    apart = LINE * (high - low) * np.arange(len(names))
    wanted = np.array([ends[text][1] for text in names])
    places = isotonic_regression(wanted - apart).x + apart  # as near as can be
    places = np.maximum(places, low + LINE / 2 * (high - low) + apart)
    moved = np.abs(places - wanted) > LINE / 2 * (high - low)
    for text, place, is_moved in zip(names, places, moved, strict=True):
        x, y, colour = ends[text]
        stroke = {"arrowstyle": "-", "color": colour, "linewidth": 0.6, "relpos": (0, 0.5)}
        axis.annotate(
            text,
            (x, y),
            (20 if moved.any() else 6, place),
            textcoords=("offset points", "data"),
            color=colour,
            fontsize="small",
            va="center",
            annotation_clip=False,
            arrowprops=stroke if is_moved else None,
        )
