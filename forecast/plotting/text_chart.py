"""A small chart of lines in text, for terminals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

# the dots of a braille character, row by row
BRAILLE_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
EMPTY_BRAILLE = 0x2800  # the character without dots
POINTS_PER_DOT = 64  # interpolated points for each dot, so that steep lines have no gaps
MIN_COLUMNS = 8  # characters of the lines, however narrow the terminal


class Curve(NamedTuple):
    """A line of a chart.

    Attributes:
        name: written where the line ends, if that is at the right.
        values: (T,), NaN where missing.
    """

    name: str
    values: np.ndarray


class CharacterSet(NamedTuple):
    """The characters of the axes, and the marks of the lines, one each."""

    edge: str
    tick: str
    corner: str
    floor: str
    marks: str  # empty where lines are drawn as braille dots


UNICODE = CharacterSet("│", "┤", "└", "─", "")
ASCII = CharacterSet("|", "+", "+", "-", "o*x#@")


class ValueRange(NamedTuple):
    """The values at the bottom and at the top of a chart."""

    low: float
    high: float


def text_chart(
    curves: Sequence[Curve],
    x_labels: tuple[str, str],
    divider: float | None = None,
    width: int = 80,
    height: int = 12,
    ascii_only: bool = False,
) -> list[str]:
    """Draw lines over the same T steps.

    Args:
        curves: the lines.
        x_labels: of the first and the last step.
        divider: a step, counted from 0, at which a vertical line is drawn.
        width, height: in characters; two more lines are for the x axis.
        ascii_only: whether to use ASCII only.

    Returns:
        The lines of text, without trailing blanks.

    Example:
        >>> curve = Curve("", np.arange(5.0))
        >>> print("\\n".join(text_chart([curve], ("a", "e"), None, 12, 3, ascii_only=True)))
        4 +      ooo
          |  ooooo
        0 +ooo
          +---------
           a       e
    """
    characters = ASCII if ascii_only else UNICODE
    values = _value_range(curves)
    names = _names_by_row(curves, values, characters, width, height)
    y_labels = [f"{values.high:.4g}", *[""] * (height - 2), f"{values.low:.4g}"]
    margin = max(map(len, y_labels))
    columns = max(width - margin - 2 - max(map(len, names)), MIN_COLUMNS)
    cells = _cells(curves, values, characters, columns, height)
    if divider is not None:
        column = round(divider / max(len(curves[0].values) - 1, 1) * (columns - 1))
        is_free = np.isin(cells[:, column], [" ", chr(EMPTY_BRAILLE)])
        cells[:, column] = np.where(is_free, characters.edge, cells[:, column])
    rows = [
        f"{label:>{margin}} {characters.tick if label else characters.edge}{''.join(row)}{name}"
        for label, row, name in zip(y_labels, cells, names, strict=True)
    ]
    first, last = x_labels
    gap = max(columns - len(first) - len(last), 1)
    rows.append(f"{'':>{margin}} {characters.corner}{characters.floor * columns}")
    rows.append(f"{'':>{margin}}  {first}{'':>{gap}}{last}")
    return [row.replace(chr(EMPTY_BRAILLE), " ").rstrip() for row in rows]


def _value_range(curves: Sequence[Curve]) -> ValueRange:
    """The smallest and the largest value of all lines; 0 to 1 where there is none."""
    known = np.concatenate([curve.values[np.isfinite(curve.values)] for curve in curves])
    return ValueRange(known.min(), known.max()) if len(known) else ValueRange(0.0, 1.0)


def _cells(
    curves: Sequence[Curve],
    values: ValueRange,
    characters: CharacterSet,
    columns: int,
    height: int,
) -> np.ndarray:
    """The characters of the lines, (height, columns)."""
    if characters.marks:
        cells = np.full((height, columns), " ")
        for number, curve in reversed([*enumerate(curves)]):  # the first one on top
            rows, places = _dots(curve.values, values, columns, height)
            cells[rows, places] = characters.marks[number % len(characters.marks)]
        return cells
    dots_down, dots_across = BRAILLE_DOTS.shape
    dots = np.zeros((height * dots_down, columns * dots_across), np.int64)
    for curve in curves:
        rows, places = _dots(curve.values, values, columns * dots_across, height * dots_down)
        dots[rows, places] = 1
    codes = dots.reshape(height, dots_down, columns, dots_across) * BRAILLE_DOTS[:, None, :]
    return np.asarray(np.vectorize(chr)(EMPTY_BRAILLE + codes.sum(axis=(1, 3))))


def _dots(
    line: np.ndarray, values: ValueRange, columns: int, rows: int
) -> tuple[np.ndarray, np.ndarray]:
    """The rows and the columns of the dots of a line, on a raster of the given size."""
    x_known = np.linspace(0, columns - 1, len(line)) if len(line) > 1 else np.zeros(1)
    x_between = np.linspace(0, columns - 1, POINTS_PER_DOT * columns * (len(line) > 1))
    x = np.concatenate([x_known, x_between])
    y = np.concatenate([line, np.interp(x_between, x_known, line)])
    x, y = x[np.isfinite(y)], y[np.isfinite(y)]
    return _row_of(y, values, rows), x.round().astype(int)


def _row_of(y: np.ndarray, values: ValueRange, rows: int) -> np.ndarray:
    """The rows of values, counted from the top; the middle one where all values are equal."""
    low, high = values
    share = (high - y) / (high - low) if high > low else np.full(y.shape, 0.5)
    return np.asarray((share * (rows - 1)).round().astype(int))


def _names_by_row(
    curves: Sequence[Curve],
    values: ValueRange,
    characters: CharacterSet,
    width: int,
    height: int,
) -> list[str]:
    """For each row the name of the line that ends there at the right, or in a free row near it."""
    names = [""] * height
    for number, curve in enumerate(curves):
        if not curve.name or not np.isfinite(curve.values[-1]):
            continue
        marks = characters.marks
        mark = f"{marks[number % len(marks)]} " if marks else ""
        end_row = int(_row_of(curve.values[-1:], values, height)[0])
        free_rows = [row for row in range(height) if not names[row]]
        if free_rows:
            nearest = min(free_rows, key=lambda row: abs(row - end_row))
            names[nearest] = f" {mark}{curve.name}"[: width // 3]
    return names
