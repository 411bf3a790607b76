"""A small chart of lines in text, for terminals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

BRAILLE = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])  # dots of a cell
BLANK = 0x2800  # the cell without dots
DENSE = 64  # points for each dot from left to right, so that steep lines have no gaps
NARROWEST = 8  # cells of the lines, however narrow the terminal


class Curve(NamedTuple):
    """A line of a chart.

    Attributes:
        name: written where the line ends, if that is at the right.
        values: (T,), NaN where missing.
    """

    name: str
    values: np.ndarray


class Frame(NamedTuple):
    """What stands around the lines: corners and edges, and how lines are told apart."""

    edge: str
    tick: str
    corner: str
    floor: str
    marks: str  # of the lines, in turn; none where they are of dots


FINE = Frame("│", "┤", "└", "─", "")
PLAIN = Frame("|", "+", "+", "-", "o*x#@")


def chart(
    curves: Sequence[Curve],
    ends: tuple[str, str],
    divide: float | None = None,
    width: int = 80,
    height: int = 12,
    plain: bool = False,
) -> list[str]:
    """Draw lines over the same T steps.

    Args:
        curves: the lines.
        ends: what the first and the last step are called.
        divide: a step, counted from 0, at which an upright line is drawn.
        width, height: in characters; two lines more are for the steps.
        plain: whether to keep to ASCII.

    Returns:
        The lines of text, without blanks at their ends.

    Example:
        >>> print("\\n".join(chart([Curve("", np.arange(5.0))], ("a", "e"), None, 12, 3, True)))
        4 +      ooo
          |  ooooo
        0 +ooo
          +---------
           a       e
    """
    frame = PLAIN if plain else FINE
    known = np.concatenate([curve.values[np.isfinite(curve.values)] for curve in curves])
    low, high = (known.min(), known.max()) if len(known) else (0.0, 1.0)
    names = _names(curves, (low, high), frame, width, height)
    labels = [f"{high:.4g}", *[""] * (height - 2), f"{low:.4g}"]
    left = max(map(len, labels))
    columns = max(width - left - 2 - max(map(len, names)), NARROWEST)
    cells = _cells(curves, (low, high), frame, columns, height)
    if divide is not None:
        at = round(divide / max(len(curves[0].values) - 1, 1) * (columns - 1))
        cells[:, at] = np.where(np.isin(cells[:, at], [" ", chr(BLANK)]), frame.edge, cells[:, at])
    rows = [
        f"{label:>{left}} {frame.tick if label else frame.edge}{''.join(row)}{name}"
        for label, row, name in zip(labels, cells, names, strict=True)
    ]
    gap = max(columns - len(ends[0]) - len(ends[1]), 1)
    rows.append(f"{'':>{left}} {frame.corner}{frame.floor * columns}")
    rows.append(f"{'':>{left}}  {ends[0]}{'':>{gap}}{ends[1]}")
    return [row.replace(chr(BLANK), " ").rstrip() for row in rows]


def _cells(
    curves: Sequence[Curve], span: tuple[float, float], frame: Frame, columns: int, height: int
) -> np.ndarray:
    """The characters of the lines, (height, columns)."""
    if frame.marks:
        cells = np.full((height, columns), " ")
        for place, curve in reversed([*enumerate(curves)]):  # the first one on top
            rows, across = _dots(curve.values, span, columns, height)
            cells[rows, across] = frame.marks[place % len(frame.marks)]
        return cells
    down, right = BRAILLE.shape
    dots = np.zeros((height * down, columns * right), np.int64)
    for curve in curves:
        rows, across = _dots(curve.values, span, columns * right, height * down)
        dots[rows, across] = 1
    parts = dots.reshape(height, down, columns, right) * BRAILLE[:, None, :]
    return np.asarray(np.vectorize(chr)(BLANK + parts.sum(axis=(1, 3))))


def _dots(
    values: np.ndarray, span: tuple[float, float], across: int, down: int
) -> tuple[np.ndarray, np.ndarray]:
    """The rows and the columns that a line goes through, of so many across and down."""
    own = np.linspace(0, across - 1, len(values)) if len(values) > 1 else np.zeros(1)
    between = np.linspace(0, across - 1, DENSE * across * (len(values) > 1))
    x = np.concatenate([own, between])
    y = np.concatenate([values, np.interp(between, own, values)])
    x, y = x[np.isfinite(y)], y[np.isfinite(y)]
    return _row(y, span, down), x.round().astype(int)


def _row(y: np.ndarray, span: tuple[float, float], down: int) -> np.ndarray:
    """The rows of values, counted from the top; the middle one where all are alike."""
    low, high = span
    share = (high - y) / (high - low) if high > low else np.full(y.shape, 0.5)
    return np.asarray((share * (down - 1)).round().astype(int))


def _names(
    curves: Sequence[Curve], span: tuple[float, float], frame: Frame, width: int, height: int
) -> list[str]:
    """For each row the name of the line that ends there at the right, or in a free row near it."""
    names = [""] * height
    for place, curve in enumerate(curves):
        if not curve.name or not np.isfinite(curve.values[-1]):
            continue
        mark = f"{frame.marks[place % len(frame.marks)]} " if frame.marks else ""
        at = int(_row(curve.values[-1:], span, height)[0])
        free = [row for row in range(height) if not names[row]]
        if free:
            nearest = min(free, key=lambda row: abs(row - at))
            names[nearest] = f" {mark}{curve.name}"[: width // 3]
    return names
