"""The look of pictures: colours, grids of small plots, titles that fit, lines and intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from forecast.plotting.files import require_matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# distinguishable for colour-blind readers too (Okabe & Ito 2008)
GREY, BLUE, VERMILION, GREEN = "#4d4d4d", "#0072b2", "#d55e00", "#009e73"
PURPLE, ORANGE, SKY, BLACK = "#cc79a7", "#e69f00", "#56b4e9", "#000000"
FIGURE_WIDTH = 8.0  # inches
SINGLE_ROW_HEIGHT, ROW_HEIGHT = 3.2, 1.9  # inches, of the only row of plots and of one of several
MARGIN_HEIGHT = 1.0  # inches for the title and the legend
MAX_TITLE_LENGTH = 84  # characters, over all columns of a grid
MIN_TINT, MAX_TINT = 0.18, 0.6  # strength of the colour of the widest and the narrowest interval


class Grid(NamedTuple):
    """A figure of small plots.

    Attributes:
        figure: the figure.
        axes: of each plot, row by row.
        columns: number of columns.
    """

    figure: Figure
    axes: list[Axes]
    columns: int


def make_grid(count: int, columns: int | None = None) -> Grid:
    """A figure with a number of small plots, by default in up to three columns."""
    require_matplotlib()
    from matplotlib.figure import Figure

    columns = columns or (1 if count <= 3 else 2 if count <= 6 else 3)
    rows = math.ceil(count / columns)
    height = MARGIN_HEIGHT + (SINGLE_ROW_HEIGHT if rows == 1 else ROW_HEIGHT * rows)
    figure = Figure(figsize=(FIGURE_WIDTH, height), layout="constrained")
    cells = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for unused in cells[count:]:
        unused.remove()
    for axes in cells[:count]:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize="small")
        axes.margins(x=0.01)
    return Grid(figure, cells[:count], columns)


def label_axes(grid: Grid, x_label: str, y_label: str) -> None:
    """Label the x axis below the lowest plots, and the y axis once for the whole figure.

    Where all plots have the same x limits, only the lowest ones have tick labels.
    """
    lowest = grid.axes[-grid.columns :]
    shares_x = len({axes.get_xlim() for axes in grid.axes}) == 1
    for axes in grid.axes:
        if axes in lowest:
            text = shorten(x_label, MAX_TITLE_LENGTH * 2 // 3 // grid.columns)
            axes.set_xlabel(text, fontsize="medium", parse_math=False)
        elif shares_x:
            axes.tick_params(labelbottom=False)
            axes.xaxis.get_offset_text().set_visible(False)
    y_text = shorten(y_label, MAX_TITLE_LENGTH // 2)
    grid.figure.supylabel(y_text, fontsize="medium", parse_math=False)


def set_figure_title(figure: Figure, *lines: str) -> None:
    """Give a figure a title of several lines; empty ones are left out."""
    figure.suptitle("\n".join(line for line in lines if line), fontsize=11, parse_math=False)


def set_plot_title(axes: Axes, columns: int, title: str, remark: str = "") -> None:
    """Give a plot in a grid of so many columns its title, with a remark in brackets."""
    suffix = f" ({remark})" if remark else ""
    text = shorten(title, MAX_TITLE_LENGTH // columns - len(suffix)) + suffix
    axes.set_title(text, loc="left", fontsize="medium", parse_math=False)


def shorten(name: str, max_length: int) -> str:
    """A name in one line of at most `max_length` characters; its middle is cut out.

    Example:
        >>> shorten("a name that is far too long for a title", 21)
        'a name that i…a title'
    """
    line = " ".join("".join(char if char.isprintable() else " " for char in name).split())
    if len(line) <= max_length:
        return line
    end = max_length // 3
    return f"{line[: max_length - end - 1]}…{line[len(line) - end :]}"


def share_legend(figure: Figure, axes: Axes, columns: int = 8) -> None:
    """One legend below all plots, from the labels of one; lines with the same label share it."""
    from matplotlib.legend_handler import HandlerTuple

    handles_by_label: dict[str, list[Any]] = {}
    for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
        handles_by_label.setdefault(label, []).append(handle)
    samples: list[Any] = [
        tuple(handles[:2]) if len(handles) > 1 else handles[0]
        for handles in handles_by_label.values()
    ]
    figure.legend(
        samples,
        [*handles_by_label],
        handler_map={tuple: HandlerTuple(ndivide=None)},
        loc="outside lower center",
        frameon=False,
        ncols=columns,
        fontsize="small",
    )


def tint(colour: str, strength: float) -> str:
    """A colour mixed with white, opaque: it looks the same in every file format."""
    from matplotlib.colors import to_hex, to_rgb

    red, green, blue = (1 - strength * (1 - part) for part in to_rgb(colour))
    return to_hex((red, green, blue))


def draw_intervals(
    axes: Axes,
    times: np.ndarray,
    ends: Mapping[float, Sequence[np.ndarray]],
    colour: str = BLUE,
) -> None:
    """Draw prediction intervals as bands, the wider ones paler and behind.

    Args:
        axes: to draw on.
        times: (H,).
        ends: by level in percent, the lower and the upper end, (H,) each.
        colour: of the forecast.
    """
    strongest = MAX_TINT if len(ends) > 2 else MAX_TINT / 1.6
    strengths = np.linspace(MIN_TINT, strongest, max(len(ends), 1))
    for strength, level in zip(strengths, sorted(ends, reverse=True), strict=False):
        low, high = ends[level]
        face = tint(colour, float(strength))
        label = f"{level:g} % interval"
        if len(times) == 1:
            axes.vlines(times, low, high, color=face, linewidth=6, label=label, zorder=1)
        else:
            axes.fill_between(times, low, high, color=face, linewidth=0, label=label, zorder=1)


def draw_line(
    axes: Axes,
    x: np.ndarray,
    y: np.ndarray,
    colour: str,
    label: str,
    width: float = 1.5,
    style: Any = "-",
) -> None:
    """Draw a line, with dots at values whose neighbours are missing: no line would show them.

    Args:
        axes: to draw on.
        x, y: (T,), y is NaN where missing.
        colour, label, width, style: of the line.
    """
    is_known = np.concatenate([[False], ~np.isnan(y), [False]])
    isolated = np.flatnonzero(is_known[1:-1] & ~is_known[:-2] & ~is_known[2:])
    axes.plot(
        x,
        y,
        color=colour,
        label=label,
        linewidth=width,
        linestyle=style,
        marker="o" if len(isolated) else "",
        markersize=3,
        markevery=isolated.tolist(),
    )
