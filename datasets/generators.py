"""Chaotic series, computed from their equations."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from forecast.errors import OptionError

if TYPE_CHECKING:
    import pandas as pd

_SUBSTEPS = 10  # Runge-Kutta steps between two rows
_WARMUP_ROWS = 1000  # dropped, so that the first row lies on the attractor


class _Point(NamedTuple):
    """A point in Lorenz's phase space."""

    x: float
    y: float
    z: float


def mackey_glass(
    steps: int,
    tau: int = 17,
    seed: int = 0,
    *,
    beta: float = 0.2,
    gamma: float = 0.1,
    exponent: float = 10.0,
    start: float | None = None,
) -> pd.DataFrame:
    """Sample the Mackey-Glass delay equation once per unit of time.

    The equation is dy/dt = beta y(t-tau) / (1 + y(t-tau)^exponent) - gamma y(t); with the
    defaults it is periodic up to about tau 16.8 and chaotic from there on. It is integrated
    by the classical Runge-Kutta method in steps of 0.1; the delayed value between two steps
    comes from the cubic Hermite polynomial through both, which is of the same order.

    Args:
        steps: Rows to return, T.
        tau: Delay, in units of time: a whole number, which keeps the kinks of the solution on
            the integration grid.
        seed: Chooses the trajectory where `start` is not given.
        beta: Rate of production, per unit of time.
        gamma: Rate of decay, per unit of time.
        exponent: How sharply production falls once y exceeds 1.
        start: Constant value of y up to time 0, which is then the first row. Without it the
            start is drawn from 0.5 to 1.3 by `seed`, and 1,000 rows of transient are dropped.

    Returns:
        Columns `ds` (0, 1, ..., T-1) and `y`, without unit.

    Raises:
        OptionError: `steps` or `tau` is below 1.

    Examples:
        >>> mackey_glass(3, start=1.0)["y"].tolist()
        [1.0, 1.0, 1.0]

    Source:
        Mackey & Glass (1977), Oscillation and chaos in physiological control systems,
        Science 197, 287-289.
    """
    _require_at_least_one("steps", steps)
    _require_at_least_one("tau", tau)

    def slope(now: float, delayed: float) -> float:
        return beta * delayed / (1.0 + math.pow(delayed, exponent)) - gamma * now

    first = random.Random(seed).uniform(0.5, 1.3) if start is None else start
    dropped = _WARMUP_ROWS if start is None else 0
    path = _delayed_runge_kutta(slope, first, lag=tau * _SUBSTEPS, steps=dropped + steps - 1)
    return _table(path[dropped:])


def lorenz(
    steps: int,
    seed: int = 0,
    *,
    dt: float = 0.02,
    sigma: float = 10.0,
    rho: float = 28.0,
    beta: float = 8.0 / 3.0,
    coordinate: Literal["x", "y", "z"] = "x",
    start: Sequence[float] | None = None,
) -> pd.DataFrame:
    """Sample one coordinate of Lorenz's convection equations.

    The equations are dx/dt = sigma (y - x), dy/dt = x (rho - z) - y, dz/dt = x y - beta z,
    integrated by the classical Runge-Kutta method in ten steps per row.

    Args:
        steps: Rows to return, T.
        seed: Chooses the trajectory where `start` is not given.
        dt: Time from row to row, in the equations' own unit of time.
        sigma: Prandtl number.
        rho: Rayleigh number over its critical value.
        beta: Geometry of the convection roll.
        coordinate: Which of the three becomes the target.
        start: The point (x, y, z) of the first row. Without it the start is drawn from the
            cube of half width 1 around (0, 0, 25) by `seed`, and 1,000 rows are dropped.

    Returns:
        Columns `ds` (0, 1, ..., T-1) and `y`, the chosen coordinate, without unit.

    Raises:
        OptionError: `steps` is below 1, `dt` is not above 0, `coordinate` is none of the
            three, or `start` has not three numbers.

    Examples:
        >>> lorenz(3, start=[0.0, 0.0, 0.0])["y"].tolist()
        [0.0, 0.0, 0.0]

    Source:
        Lorenz (1963), Deterministic nonperiodic flow, J. Atmos. Sci. 20, 130-141.
    """
    _require_at_least_one("steps", steps)
    if not dt > 0:
        raise OptionError(f"dt is {dt}; it must be above 0")
    if coordinate not in _Point._fields:
        raise OptionError(f"coordinate is {coordinate!r}; it must be 'x', 'y' or 'z'")

    def slope(p: _Point) -> _Point:
        return _Point(sigma * (p.y - p.x), p.x * (rho - p.z) - p.y, p.x * p.y - beta * p.z)

    point = _lorenz_start(seed, start)
    values = []
    dropped = _WARMUP_ROWS if start is None else 0
    for _ in range(dropped + steps):
        values.append(float(getattr(point, coordinate)))
        for _ in range(_SUBSTEPS):
            point = _runge_kutta(slope, point, dt / _SUBSTEPS)
    return _table(values[dropped:])


def _require_at_least_one(name: str, value: int) -> None:
    if value < 1:
        raise OptionError(f"{name} is {value}; it must be at least 1")


def _lorenz_start(seed: int, start: Sequence[float] | None) -> _Point:
    if start is None:
        draw = random.Random(seed)
        return _Point(draw.uniform(-1, 1), draw.uniform(-1, 1), draw.uniform(24, 26))
    if len(start) != 3:
        raise OptionError(f"start has {len(start)} numbers; it must have x, y and z")
    x, y, z = start
    return _Point(float(x), float(y), float(z))


def _runge_kutta(slope: Callable[[_Point], _Point], p: _Point, h: float) -> _Point:
    """Advance by `h` with the classical fourth-order method (Kutta, 1901)."""
    k1 = slope(p)
    k2 = slope(_moved(p, k1, h / 2))
    k3 = slope(_moved(p, k2, h / 2))
    k4 = slope(_moved(p, k3, h))
    for k, share in ((k1, h / 6), (k2, h / 3), (k3, h / 3), (k4, h / 6)):
        p = _moved(p, k, share)
    return p


def _moved(p: _Point, by: _Point, h: float) -> _Point:
    return _Point(p.x + h * by.x, p.y + h * by.y, p.z + h * by.z)


def _delayed_runge_kutta(
    slope: Callable[[float, float], float], start: float, lag: int, steps: int
) -> list[float]:
    """Integrate dy/dt = slope(y(t), y(t - tau)) from a constant past.

    Args:
        slope: Takes the present and the delayed value.
        start: Value of y up to time 0.
        lag: The delay tau as a number of integration steps.
        steps: Units of time to advance, each of `_SUBSTEPS` integration steps.

    Returns:
        y at times 0, 1, ..., `steps`.
    """
    h = 1.0 / _SUBSTEPS
    past = [start] * (lag + 1)  # y at the steps from time -tau on
    halfway = [start] * lag  # y between each of them and the next
    y, k1 = start, slope(start, start)
    for i in range(steps * _SUBSTEPS):
        k2 = slope(y + h / 2 * k1, halfway[i])
        k3 = slope(y + h / 2 * k2, halfway[i])
        k4 = slope(y + h * k3, past[i + 1])
        following = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        next_k1 = slope(following, past[i + 1])
        halfway.append((y + following) / 2 + h / 8 * (k1 - next_k1))
        past.append(following)
        y, k1 = following, next_k1
    return past[lag::_SUBSTEPS]


def _table(values: list[float]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({"ds": range(len(values)), "y": values})
