"""Bounds of forecasts: applied at every step, before a value is fed back."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from forecast.data import scaling
from forecast.data.panel import Panel
from forecast.data.scaling import Powers, Scale
from forecast.errors import OptionError

MIN_OBSERVED = 30  # values before a limit is inferred from them
NAMES = ("none", "non_negative")


class Bounds(NamedTuple):
    """The smallest and the largest value that a forecast may take; None for no limit."""

    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        """In words: "at 0 or above", "at 100 or below", "from 0 to 100"."""
        if self.low is not None and self.high is not None:
            return f"from {self.low:g} to {self.high:g}"
        if self.low is not None:
            return f"at {self.low:g} or above"
        return "without limits" if self.high is None else f"at {self.high:g} or below"


class Limits(NamedTuple):
    """Bounds in the scaled units of each series, each (B, D) float32, infinite for no limit."""

    low: np.ndarray
    high: np.ndarray


non_negative = Bounds(low=0.0)


def between(low: float | None, high: float | None) -> Bounds:
    """Bounds on one side or on both.

    Args:
        low, high: in the units of the data; None for no limit.

    Raises:
        OptionError: if they are not numbers, or in the wrong order.

    Example:
        >>> between(0, 100)
        Bounds(low=0.0, high=100.0)
    """
    try:
        ends = [None if end is None else float(end) for end in (low, high)]
    except (TypeError, ValueError):
        raise _invalid_bounds((low, high)) from None
    finite = [end for end in ends if end is not None]
    if not np.isfinite(finite).all() or finite != sorted(set(finite)):
        raise _invalid_bounds((low, high))
    return Bounds(*ends)


def to_bounds(value: Any) -> Bounds:
    """Bounds from one of NAMES, or a pair of ends.

    Raises:
        OptionError: if it is neither.
    """
    if isinstance(value, str) and value in NAMES:
        return non_negative if value == "non_negative" else Bounds()
    ends = value.tolist() if isinstance(value, np.ndarray) else value
    if not isinstance(ends, tuple | list) or len(ends) != 2:
        raise _invalid_bounds(value)
    return between(*ends)


def _invalid_bounds(value: object) -> OptionError:
    return OptionError(
        f"bounds are {value!r}; give {', '.join(map(repr, NAMES))} or a pair of numbers, the "
        "lower one first, such as (0, 100)"
    )


def infer(panel: Panel, power: float, d: int = 0) -> Bounds:
    """Keep forecasts of a target non-negative where the data clearly suggest it; else no limits.

    All observed values, and no fewer than MIN_OBSERVED, are at 0 or above. And those of each series
    are counts (whole numbers), or 0 is among them; or all vary in proportion to their level (a
    power other than 1). Positive values that merely happen to lie above 0 set no limit.
    """
    target, begin = panel.target[:, d], panel.indptr[:-1]
    if (~np.isnan(target)).sum() < MIN_OBSERVED or np.nanmin(target) < 0:
        return Bounds()
    is_whole = np.isnan(target) | (target == np.rint(target))
    is_count = np.logical_and.reduceat(is_whole, begin)
    reaches_zero = np.fmin.reduceat(target, begin) == 0
    return non_negative if power != 1.0 or (is_count | reaches_zero).all() else Bounds()


def limits(bounds: tuple[Bounds, ...], scale: Scale, powers: Powers) -> Limits:
    """Bounds in the scaled units of series.

    Args:
        bounds: of each target, in the units of the data.
        scale: of B series.
        powers: of the model's transform.

    Raises:
        OptionError: if the transform cannot give values within the bounds.
    """
    ends = np.array(
        [_transformed(b, power) for b, power in zip(bounds, powers, strict=True)]
    )  # (D, 2)
    with np.errstate(over="ignore"):  # a limit that float32 cannot hold is none
        low, high = (((end - scale.location) / scale.scale).astype(np.float32) for end in ends.T)
    return Limits(low, high)


def _transformed(bounds: Bounds, power: float) -> tuple[float, float]:
    """The ends of a target's bounds, transformed; infinite for no limit."""
    if power != 1.0 and bounds.high is not None and bounds.high <= 0:
        raise OptionError(
            f"bounds end at {bounds.high:g}, but the model was trained on positive values only"
        )
    ends = []
    for end, without in ((bounds.low, -np.inf), (bounds.high, np.inf)):
        if end is None or (power != 1.0 and end <= 0):
            ends.append(0.0 if end == 0 and power > 0 else without)
        else:
            ends.append(float(scaling.transform(np.array([end]), (power,))[0]))
    return ends[0], ends[1]


def whole(bounds: tuple[Bounds, ...]) -> tuple[Bounds, ...]:
    """The smallest and the largest whole number within bounds, for draws of counts.

    Raises:
        OptionError: if there is none.
    """
    inner = []
    for low, high in bounds:
        ends = Bounds(
            None if low is None else float(math.ceil(low)),
            None if high is None else float(math.floor(high)),
        )
        if ends.low is not None and ends.high is not None and ends.low > ends.high:
            raise OptionError(
                f"there is no whole number {Bounds(low, high)}, but sample paths are of counts; "
                "give wider bounds"
            )
        inner.append(ends)
    return tuple(inner)


def within(
    values: np.ndarray, scaled: np.ndarray, limits: Limits, bounds: tuple[Bounds, ...]
) -> np.ndarray:
    """Values within the bounds to the last bit: where scaled ones are at a limit, the bound itself.

    Args:
        values: in the units of the data, (B, H, D).
        scaled: the same as the network sees them.
        limits: of the B series.
        bounds: of each target.
    """
    if set(bounds) == {Bounds()}:
        return values
    low, high = _ends(bounds)
    is_low = np.isfinite(low) & (scaled <= limits.low[:, None])
    is_high = np.isfinite(high) & (scaled >= limits.high[:, None])
    return np.where(is_low, low, np.where(is_high, high, np.clip(values, low, high)))


def clip(values: np.ndarray, bounds: tuple[Bounds, ...]) -> np.ndarray:
    """Values (..., D) in the units of the data, within the bounds."""
    inside: np.ndarray = np.clip(values, *_ends(bounds))
    return inside


def _ends(bounds: tuple[Bounds, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The smallest and the largest value of each target, (D,); infinite for no limit."""
    low = [-np.inf if b.low is None else b.low for b in bounds]
    high = [np.inf if b.high is None else b.high for b in bounds]
    return np.array(low), np.array(high)
