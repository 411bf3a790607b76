"""Conditions that end the rollout of a series.

A condition is any function of the values forecast so far, (t,) with the newest last (with
several targets (t, D)), that returns whether to stop after the newest. Those defined here look at
the first target.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from forecast.errors import OptionError, require_whole

Condition = Callable[[np.ndarray], Any]  # its result is taken as true or false
DEFAULT_TOLERANCE = 1e-6  # largest relative change that counts as none


def below(limit: float) -> Condition:
    """Ends with the first value below a limit, a finite number.

    Example:
        >>> below(20)(np.array([25.0, 19.5]))
        True
    """
    bound = _number("limit", limit)
    return lambda path: bool(_first(path)[-1] < bound)


def above(limit: float) -> Condition:
    """Ends with the first value above a limit, a finite number."""
    bound = _number("limit", limit)
    return lambda path: bool(_first(path)[-1] > bound)


def unchanged(steps: int = 1, tolerance: float = DEFAULT_TOLERANCE) -> Condition:
    """Ends when the value has not changed for some steps.

    Args:
        steps: how many steps, at least 1.
        tolerance: largest change from step to step, relative to the value, that counts as none.

    Raises:
        OptionError: if the steps are fewer than 1, or the tolerance is not a number.

    Example:
        >>> unchanged(2)(np.array([3.0, 5.0, 5.0])), unchanged(2)(np.array([3.0, 5.0, 5.0, 5.0]))
        (False, True)
    """
    require_whole("steps", steps, 1)
    least = _number("tolerance", tolerance)

    def condition(path: np.ndarray) -> bool:
        tail = _first(path)[-steps - 1 :]
        return len(tail) > steps and np.allclose(tail[1:], tail[:-1], rtol=least, atol=0.0)

    return condition


def _first(path: np.ndarray) -> np.ndarray:
    """The values of the first target, (t,)."""
    return path if path.ndim == 1 else path[:, 0]


def _number(name: str, value: Any) -> float:
    if not isinstance(value, int | float | np.number) or not math.isfinite(value):
        raise OptionError(f"{name} is {value!r}; it must be a finite number")
    return float(value)


def parse(text: str) -> Condition:
    """A condition from text: "value<20", "value > 3.5", "unchanged", "unchanged 5".

    Raises:
        OptionError: if it is not a condition.

    Example:
        >>> parse("value<20")(np.array([19.5]))
        True
    """
    compared = re.fullmatch(r"\s*value\s*([<>])\s*(\S+)\s*", text)
    steady = re.fullmatch(r"\s*unchanged(?:\s+([1-9]\d{0,8}))?\s*", text)
    with suppress(ValueError):  # not a number: refused below
        limit = float(compared[2]) if compared else 0.0
        if compared and math.isfinite(limit):
            return below(limit) if compared[1] == "<" else above(limit)
    if steady:
        return unchanged(int(steady[1] or 1))
    raise OptionError(
        f'the condition {text!r} is not understood; write "value<20", "value>20", "unchanged", '
        'or "unchanged 5" for five steps without a change'
    )


def to_condition(value: str | Condition) -> Condition:
    """A condition from text or a function.

    Raises:
        OptionError: if it is neither.
    """
    if isinstance(value, str):
        return parse(value)
    if not callable(value):
        raise OptionError(f'until is {value!r}; give a function, or text such as "value<20"')
    return value


def steps_until(condition: Condition, path: np.ndarray, known: int) -> int | None:
    """How many values a path has when the condition first holds.

    Args:
        condition: to be met.
        path: values (t, D).
        known: values at the start of the path for which it did not hold.

    Returns:
        Between known + 1 and t; None where it never holds.

    Raises:
        OptionError: if the condition returns anything but true or false.
    """
    shown = path[:, 0] if path.shape[1] == 1 else path
    return next((t for t in range(known + 1, len(path) + 1) if _holds(condition, shown[:t])), None)


def _holds(condition: Condition, path: np.ndarray) -> bool:
    answer = condition(path)
    if callable(answer) or np.ndim(answer):
        raise OptionError(
            f"the condition has returned {answer!r:.60}; it must return true or false for the "
            "values so far, as below(20) does"
        )
    return bool(answer)
