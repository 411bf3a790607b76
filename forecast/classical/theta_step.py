"""The dynamic optimised theta model: the line through all values so far, and its part in a step.

In the notation of Fiorucci, Pellegrini, Louzada, Petropoulos & Koehler (2016), y[t] is expected at

    mu[t] = l[t-1] + (1 - 1/theta) ((1 - alpha)^(t-1) A[t-1] + (1 - (1 - alpha)^t) / alpha B[t-1])

with l the level, smoothed by alpha, and A and B the intercept and the slope of the least-squares
line through y[1] … y[t-1]. All functions work on arrays of any shapes that broadcast.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Line(NamedTuple):
    """The least-squares line through all values so far.

    Attributes:
        mean: of the values.
        slope: per value, 0 after the first one.
        number: of values t.
    """

    mean: np.ndarray
    slope: np.ndarray
    number: np.ndarray


def line_term(line: Line, smoothing: np.ndarray) -> np.ndarray:
    """The part of the line in the forecast of the next value, before its weight 1 - 1/theta."""
    initial = (1 - smoothing) ** line.number  # weight of what the level began with
    intercept = line.mean - (line.number + 1) / 2 * line.slope
    steps = (1 - initial * (1 - smoothing)) / smoothing
    term: np.ndarray = initial * intercept + steps * line.slope
    return term


def line_after(line: Line, value: np.ndarray, known: np.ndarray) -> Line:
    """The line through one more value, where it is known.

    Args:
        line: so far; before the first value its mean is that value, and its slope 0.
        value: the next one.
        known: whether there is one.
    """
    number = line.number + 1
    change = value - line.mean
    slope = (number - 2) / (number + 1) * line.slope + 6 / (number * (number + 1)) * change
    return Line(
        np.where(known, line.mean + change / number, line.mean),
        np.where(known, slope, line.slope),
        np.where(known, number, line.number),
    )
