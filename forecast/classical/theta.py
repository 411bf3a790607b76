"""The theta method as a recurrence whose state is open: fit, observe, forecast.

The dynamic optimised theta model (Fiorucci, Pellegrini, Louzada, Petropoulos & Koehler 2016) of
seasonally adjusted series, for many series at once. A missing value changes nothing but the place
in the season. How its settings were chosen, and how good it is: docs/EXPERIMENTS.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import NamedTuple

import numpy as np

from forecast.classical.normal_quantile import normal_quantile
from forecast.classical.seasonal_adjustment import (
    adjusted,
    in_units,
    seasonality,
    with_season,
)
from forecast.classical.theta_parameters import Scan, over_columns, parameters
from forecast.classical.theta_step import Line, line_after, line_term

MAX_CELLS = 2**20  # of a table of series that are fitted together
DISCOUNT = 0.95  # of the weight of an error with each later one
PARAMETERS = 2  # that are fitted to the errors: smoothing and weight


class Moving(NamedTuple):
    """What a value changes of a state, but for the place in the season."""

    level: np.ndarray
    line: Line


@dataclass(frozen=True, eq=False)
class ThetaState:
    """All that is needed to continue S series; plain arrays, one row per series, read-only.

    Level, mean, slope and spread are of the seasonally adjusted series, in the units of the data.

    Attributes:
        level: smoothed values (S,).
        mean: of all values so far (S,).
        slope: of the least-squares line through them, per value (S,).
        count: values so far (S,); 0 for a series without any, whose forecast is NaN.
        smoothing: share of an error that enters the level (S,).
        weight: of the line, 1 - 1/theta (S,).
        spread: standard deviation of the one-step errors (S,).
        factors: seasonal factors of the m steps of a season (S, m).
        multiplicative: whether they multiply the adjusted values or are added to them (S,).
        phase: which of them belongs to the next row (S,).
    """

    level: np.ndarray
    mean: np.ndarray
    slope: np.ndarray
    count: np.ndarray
    smoothing: np.ndarray
    weight: np.ndarray
    spread: np.ndarray
    factors: np.ndarray
    multiplicative: np.ndarray
    phase: np.ndarray

    def __post_init__(self) -> None:
        """Make the arrays read-only, so that states can share them."""
        for array in self.arrays().values():
            array.flags.writeable = False

    def arrays(self) -> dict[str, np.ndarray]:
        """Every array by name; `ThetaState(**arrays)` is the same state."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def moving(self) -> Moving:
        """What the next value changes."""
        return Moving(self.level, Line(self.mean, self.slope, self.count))

    def after(self, moving: Moving, steps: int) -> ThetaState:
        """The state so many steps later."""
        level, (mean, slope, count) = moving
        phase = (self.phase + steps) % self.factors.shape[1]
        return replace(self, level=level, mean=mean, slope=slope, count=count, phase=phase)

    def next_factors(self, steps: int) -> np.ndarray:
        """The seasonal factors of the next steps, (S, steps)."""
        phases = (self.phase[:, None] + np.arange(steps)) % self.factors.shape[1]
        return np.take_along_axis(self.factors, phases, axis=1)

    def take(self, rows: np.ndarray) -> ThetaState:
        """The series at the given places, in that order; a place may come more than once."""
        return ThetaState(**{name: array[rows] for name, array in self.arrays().items()})


def fit(values: np.ndarray, indptr: np.ndarray, season: int) -> ThetaState:
    """Fit the theta method to each of S series.

    Args:
        values: of all series one after the other, (N,), NaN where missing.
        indptr: series s has the rows indptr[s] to indptr[s + 1] - 1, one at least, (S+1,).
        season: steps m in a season; 1 for none.

    Returns:
        The state after the last row of each series, whatever the other series are.

    Example:
        >>> state = fit(np.array([1.0, 2, 3, 4, 7, 7, 7]), np.array([0, 4, 7]), season=1)
        >>> forecast(state, horizon=3)[0].round(6).tolist()
        [[5.0, 6.0, 7.0], [7.0, 7.0, 7.0]]
    """
    groups = list(_groups(np.diff(indptr)))
    fitted = [fit_table(_aligned(values, indptr, group), season).arrays() for group in groups]
    joined = {name: np.concatenate([part[name] for part in fitted]) for name in fitted[0]}
    return ThetaState(**joined).take(np.argsort(np.concatenate(groups)))


def observe(state: ThetaState, values: np.ndarray) -> ThetaState:
    """The state after one more row.

    Args:
        state: of S series.
        values: of their next rows (S,), NaN where missing.
    """
    value = adjusted(values, state.next_factors(1)[:, 0], state.multiplicative)
    return state.after(_after(state, state.moving, value), 1)


def forecast(
    state: ThetaState, horizon: int, uniforms: np.ndarray | None = None
) -> tuple[np.ndarray, ThetaState]:
    """Continue each series by its own forecasts, or by draws around them.

    Args:
        state: of S series.
        horizon: steps H.
        uniforms: inside (0, 1), (H, S), for one sample path of each series with normal errors;
            without them each value is the expected one.

    Returns:
        The values (S, H), and the state after them.
    """
    path, moving = np.empty((len(state.level), horizon)), state.moving
    for h in range(horizon):
        path[:, h] = value = _next(state, moving, None if uniforms is None else uniforms[h])
        moving = _after(state, moving, value)
    after = state.after(moving, horizon)
    return with_season(path, state.next_factors(horizon), state.multiplicative[:, None]), after


def advance(state: ThetaState, uniforms: np.ndarray | None = None) -> tuple[np.ndarray, ThetaState]:
    """One step of `forecast`: the values (S,), and the state after them.

    Args:
        state: of S series.
        uniforms: inside (0, 1), (S,), see `forecast`.
    """
    value = _next(state, state.moving, uniforms)
    after = state.after(_after(state, state.moving, value), 1)
    return with_season(value, state.next_factors(1)[:, 0], state.multiplicative), after


def _next(state: ThetaState, moving: Moving, uniforms: np.ndarray | None) -> np.ndarray:
    """The next value, seasonally adjusted: the expected one, or a draw around it."""
    value = _expected(state, moving)
    return value if uniforms is None else value + state.spread * normal_quantile(uniforms)


def _expected(state: ThetaState, moving: Moving) -> np.ndarray:
    """The forecast of the next value, seasonally adjusted; NaN for a series without values."""
    level, line = moving
    value = level + state.weight * line_term(line, state.smoothing)
    return np.where(line.number > 0, value, np.nan)


def _after(state: ThetaState, moving: Moving, value: np.ndarray) -> Moving:
    """What a seasonally adjusted value, NaN where missing, changes.

    Before its first value the level of a series is 1 - w times that value, w being the weight
    of the line, so that the forecast of the second one is the first (the paper fits this number).
    """
    level, line = moving
    known = ~np.isnan(value)
    is_first = known & (line.number == 0)
    level = np.where(is_first, (1 - state.weight) * value, level)
    line = line._replace(mean=np.where(is_first, value, line.mean))
    level = np.where(known, level + state.smoothing * (value - level), level)
    return Moving(level, line_after(line, value, known))


def _groups(lengths: np.ndarray) -> Iterator[np.ndarray]:
    """Places of series of similar length, so many that a table of their rows is not too large."""
    longest_first = np.argsort(-lengths, kind="stable")
    begin = 0
    while begin < len(lengths):
        end = begin + max(1, MAX_CELLS // int(lengths[longest_first[begin]]))
        yield longest_first[begin:end]
        begin = end


def _aligned(values: np.ndarray, indptr: np.ndarray, group: np.ndarray) -> np.ndarray:
    """The rows of some series as a table (S, T), in whose last column they all end."""
    lengths = np.diff(indptr)[group]
    ago = np.arange(lengths.max(), 0, -1)
    inside = ago <= lengths[:, None]
    return np.where(inside, values[np.where(inside, indptr[group + 1][:, None] - ago, 0)], np.nan)


def fit_table(rows: np.ndarray, season: int, scan: Scan = over_columns) -> ThetaState:
    """The state after the last column of a table, in which all series end.

    Args:
        rows: values (S, T), NaN before the first one of a series and where missing.
        season: steps m in a season; 1 for none.
        scan: goes through the columns of a table.
    """
    steps = rows.shape[1]
    factors, multiplicative = seasonality(rows, season)
    phases = np.arange(-steps, 0) % season
    rows = adjusted(rows, np.take(factors, phases, axis=1), multiplicative[:, None])
    smoothing, weight = parameters(rows, scan)
    zeros = np.zeros_like(smoothing)
    state = ThetaState(
        level=zeros,
        mean=zeros,
        slope=zeros,
        count=zeros.astype(np.int64),
        smoothing=smoothing,
        weight=weight,
        spread=zeros,
        factors=factors,
        multiplicative=multiplicative,
        phase=zeros.astype(np.int64) + phases[0],
    )

    def step(moving: Moving, column: np.ndarray) -> tuple[Moving, np.ndarray]:
        return _after(state, moving, column), column - _expected(state, moving)

    moving, errors = scan(step, state.moving, rows)
    return replace(state.after(moving, steps), spread=_spread(errors))


def _spread(errors: np.ndarray) -> np.ndarray:
    """The standard deviation of one-step errors (S, T), NaN where there is none, (S,).

    Later ones count more, since errors grow with the level of a series. It is 0 without errors.
    """
    units, exponent = in_units(errors)
    known = ~np.isnan(errors)
    later = known.sum(axis=1)[:, None] - np.cumsum(known, axis=1)  # errors after each
    share = known * DISCOUNT**later
    squares = (share * np.where(known, units, 0.0) ** 2).sum(axis=1)
    variance = squares / np.maximum(share.sum(axis=1) - PARAMETERS, 1.0)
    spread: np.ndarray = np.ldexp(np.sqrt(variance), exponent)
    return spread
