"""The smoothing constant and the weight of the line of each series, from its one-step errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from forecast.classical.seasonal_adjustment import in_units, ratio
from forecast.classical.theta_step import Line, line_after, line_term

SMOOTHING = (np.arange(10) + 0.5) / 10  # constants that are tried
WEIGHTS = (0.0, 1.5)  # limits; 1 - 1/theta is below 1, but more is better where growth speeds up
USUAL_WEIGHT = 1.0  # of a series without errors
PRIOR_COUNT = 8.0  # errors that the usual weight counts as
FIRST_VALUES = 3  # whose errors do not count, since their line is of two points at most
LEAST_ERROR = 1e-10  # root mean squared, relative to the range of the series


class Parameters(NamedTuple):
    """How each of S series is forecast.

    Attributes:
        smoothing: share of an error that enters the level, (S,).
        weight: of the line, 1 - 1/theta, (S,).
    """

    smoothing: np.ndarray
    weight: np.ndarray


class ErrorSums(NamedTuple):
    """Sums over one-step errors e - w d, as functions of the weight w of the line, each (G, S).

    Attributes:
        errors: of e², e being the error of the level alone.
        products: of e d, d being the part of the line.
        lines: of d².
        number: of errors in the sums, (S,).
    """

    errors: np.ndarray
    products: np.ndarray
    lines: np.ndarray
    number: np.ndarray

    def weight(self) -> np.ndarray:
        """The weight of least squared error within its limits, shrunk to the usual one, (G, S)."""
        prior = PRIOR_COUNT * self.lines / np.maximum(self.number, 1)
        known = ratio(self.products + prior * USUAL_WEIGHT, self.lines + prior)
        within: np.ndarray = np.clip(np.where(np.isnan(known), USUAL_WEIGHT, known), *WEIGHTS)
        return within

    def squared_error(self, weight: np.ndarray) -> np.ndarray:
        """The sum of squared errors with a weight, (G, S)."""
        lines = weight**2 * self.lines
        squared: np.ndarray = np.maximum(self.errors - 2 * weight * self.products + lines, 0.0)
        return squared


def over_columns(
    step: Callable[[Any, np.ndarray], tuple[Any, np.ndarray]], carry: Any, rows: np.ndarray
) -> tuple[Any, np.ndarray]:
    """Take a step for each column of a table (S, T): what it carries on, and its results (S, T).

    Args:
        step: from what it carries and a column (S,) to what it carries on, and a result (S,).
        carry: before the first column.
        rows: the table.
    """
    results = np.empty_like(rows)
    for t, column in enumerate(rows.T):
        carry, results[:, t] = step(carry, column)
    return carry, results


Scan = Callable[..., tuple[Any, np.ndarray]]  # such as `over_columns`


def parameters(rows: np.ndarray, scan: Scan = over_columns) -> Parameters:
    """The parameters of each series.

    One-step errors are linear in the weight of the line, so for each smoothing constant the best
    weight is in closed form: least squares with a normal prior. The constant is the mean of those
    that are tried, each counting as likely as normal errors make it.

    Args:
        rows: seasonally adjusted values (S, T), NaN where missing.
        scan: goes through the columns of a table.
    """
    rows = _from_zero(rows)
    tried = SMOOTHING[:, None] + np.zeros_like(rows[:, 0])  # (G, S)
    sums = error_sums(rows, tried, scan)
    least = (LEAST_ERROR**2) * sums.number
    squared = sums.squared_error(sums.weight()) + np.where(sums.number > 0, least, 1.0)
    likelihood = (squared.min(axis=0) / squared) ** (sums.number / 2)
    smoothing = (likelihood * tried).sum(axis=0) / likelihood.sum(axis=0)
    return Parameters(smoothing, error_sums(rows, smoothing[None], scan).weight()[0])


def error_sums(rows: np.ndarray, smoothing: np.ndarray, scan: Scan = over_columns) -> ErrorSums:
    """The sums for some smoothing constants of each series.

    Args:
        rows: values that begin with 0, (S, T), NaN where missing.
        smoothing: constants (G, S).
        scan: goes through the columns of a table.
    """

    def step(carry: Any, column: np.ndarray) -> tuple[Any, np.ndarray]:
        level, line, (errors, products, lines, used) = carry
        known = ~np.isnan(column)
        value = np.where(known, column, 0.0)
        counts = known & (line.number >= FIRST_VALUES)
        error, part = known * (value - level), line_term(line, smoothing)
        errors += counts * error**2
        products += counts * error * part
        lines += counts * part**2
        used += counts
        level += smoothing * error
        return (
            level,
            line_after(line, value, known),
            ErrorSums(errors, products, lines, used),
        ), used

    level, errors, products, lines = (np.zeros_like(smoothing) for _ in range(4))
    mean, slope, number, used = (np.zeros_like(rows[:, 0]) for _ in range(4))
    sums = ErrorSums(errors, products, lines, used)
    (_, _, after), _ = scan(step, (level, Line(mean, slope, number), sums), rows)
    return ErrorSums(*after)


def _from_zero(rows: np.ndarray) -> np.ndarray:
    """Each series less its first value, in units of about its range."""
    place = (~np.isnan(rows)).argmax(axis=1)
    return in_units(rows - np.take_along_axis(rows, place[:, None], axis=1))[0]
