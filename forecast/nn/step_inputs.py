"""The input vector of a step, by the same code for whole windows and for one rollout step.

The input of the step that predicts y[t] is, in this order: the last value z[t-1], the lagged
values, whether the last value was observed, and the step features of t, the numbers known in
advance: its calendar and its covariates. Values are scaled; NaN stands for a missing value and
enters as 0.
"""

from __future__ import annotations

from typing import Any

Array = Any


def step_input(xp: Any, value: Array, lagged: list[Array], step_features: Array) -> Array:
    """Assemble the input of a step, or of every step of a window.

    Args:
        xp: the array namespace.
        value: the value before the predicted one, (..., D); NaN where missing.
        lagged: for each lag the values that many steps before the predicted one, (..., D).
        step_features: of the predicted time, (..., K).

    Returns:
        The input, (..., 2D + L * D + K).
    """
    values = xp.concatenate([value, *lagged], -1)
    observed = xp.where(xp.isnan(value), 0.0, xp.ones_like(value))
    return xp.concatenate([xp.where(xp.isnan(values), 0.0, values), observed, step_features], -1)


def window_input(xp: Any, values: Array, step_features: Array, lags: tuple[int, ...]) -> Array:
    """Assemble the inputs of every step of windows.

    Args:
        xp: the array namespace.
        values: from `lead(lags)` rows before the first target to the last one (B, L + T, D).
        step_features: of the targets (B, T, K).
        lags: each > 1.

    Returns:
        The inputs, (B, T, F).
    """
    before = lead(lags)
    last, *lagged = (values[:, before - lag : -lag] for lag in (1, *lags))
    return step_input(xp, last, lagged, step_features)


def memory_at(values: Array, lags: tuple[int, ...], step: int) -> tuple[Array, Array]:
    """What a step of a window is fed: the value before its target, and the memory of lags.

    Args:
        values: see `window_input`.
        lags: each > 1.
        step: index of the step in the window.

    Returns:
        The value (B, D), and the values before it (B, R, D).
    """
    last = lead(lags) + step - 1
    return values[:, last], values[:, last - memory_length(lags) : last]


def lagged_values(recent: Array, lags: tuple[int, ...]) -> list[Array]:
    """The values at the lags, taken from a memory of recent ones.

    Args:
        recent: (B, R, D) with R = memory_length(lags); the newest is the one before `value`,
            that is, two steps before the predicted time.
        lags: each > 1.

    Returns:
        For each lag (B, D).
    """
    newest = recent.shape[1] - 1
    return [recent[:, newest - (lag - 2)] for lag in lags]


def push(xp: Any, recent: Array, value: Array) -> Array:
    """The memory (B, R, D) once `value` (B, D) is no longer the last value."""
    if not recent.shape[1]:
        return recent
    return xp.concatenate([recent[:, 1:], value[:, None]], 1)


def memory_length(lags: tuple[int, ...]) -> int:
    """How many values before the last one the lags need."""
    return max(lags, default=1) - 1


def lead(lags: tuple[int, ...]) -> int:
    """How many values before the first target of a window its inputs reach back to."""
    return memory_length(lags) + 1


def width(targets: int, lags: tuple[int, ...], step_features: int) -> int:
    """The number of inputs of a step: D targets, L lags, K step features."""
    return 2 * targets + len(lags) * targets + step_features
