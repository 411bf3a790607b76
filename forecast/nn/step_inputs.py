"""The input vector of a step, by the same code for whole windows and for one rollout step.

The input of the step that predicts y[t] is, in this order: the last value z[t-1], the lagged
values, whether the last value was observed (for some networks also whether each lagged one was),
and the step features of t, the numbers known in advance: its seasons, its calendar and its
covariates. Values are scaled; NaN stands for a missing value and enters as 0.

A lag of 1 is the last value once more; a lag of 0 stands for one that does not exist: its value
is always missing. The lags of a model are whole numbers; those of a batch of training windows may
be scalar tensors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Array = Any


def step_input(
    xp: Any, value: Array, lagged: list[Array], step_features: Array, lag_flags: bool = False
) -> Array:
    """Assemble the input of a step, or of every step of a window.

    Args:
        xp: the array namespace.
        value: the value before the predicted one, (..., D); NaN where missing.
        lagged: for each lag the values that many steps before the predicted one, (..., D).
        step_features: of the predicted time, (..., K).
        lag_flags: whether the input also says which lagged values were observed.

    Returns:
        The input, (..., 2D + L * D + K), and L * D more with `lag_flags`.
    """
    values = xp.concatenate([value, *lagged], -1)
    is_missing = xp.isnan(values)
    flagged = is_missing if lag_flags else is_missing[..., : value.shape[-1]]
    observed = 1.0 - xp.asarray(flagged, value.dtype)
    return xp.concatenate([xp.where(is_missing, 0.0, values), observed, step_features], -1)


def window_input(
    xp: Any, values: Array, step_features: Array, lags: Sequence[Any], lag_flags: bool = False
) -> Array:
    """Assemble the inputs of every step of windows.

    Args:
        xp: the array namespace.
        values: from `lead` rows before the first target to the last one (B, L + T, D).
        step_features: of the targets (B, T, K).
        lags: of the model, or of the batch.
        lag_flags: see `step_input`.

    Returns:
        The inputs, (B, T, F).
    """
    steps = length(xp, step_features)
    before = length(xp, values) - steps
    last, *lagged = (
        _existing(xp, values[:, before - lag : before - lag + steps], lag) for lag in (1, *lags)
    )
    return step_input(xp, last, lagged, step_features, lag_flags)


def memory_at(values: Array, lead: Any, step: int) -> tuple[Array, Array]:
    """What a step of a window is fed: the value before its target, and the memory of lags.

    Args:
        values: see `window_input`.
        lead: how many of them come before the first target, L.
        step: index of the step in the window.

    Returns:
        The value (B, D), and the values before it (B, L - 1, D).
    """
    last = lead + step - 1
    return values[:, last], values[:, step:last]


def lagged_values(xp: Any, recent: Array, value: Array, lags: Sequence[Any]) -> list[Array]:
    """The values at the lags, taken from a memory of recent ones.

    Args:
        xp: the array namespace.
        recent: (B, R, D) with R = memory_length(lags); the newest is the one before `value`.
        value: the value before the predicted one, (B, D).
        lags: of the model, or of the batch.

    Returns:
        For each lag (B, D).
    """
    newest = length(xp, recent) - 1

    def at(lag: Any) -> Array:
        if isinstance(lag, int):
            return recent[:, newest - (lag - 2)] if lag > 1 else _existing(xp, value, lag)
        earlier = recent[:, newest - xp.maximum(lag - 2, 0)]
        return _existing(xp, xp.where(lag > 1, earlier, value), lag)

    return [at(lag) for lag in lags]


def _existing(xp: Any, values: Array, lag: Any) -> Array:
    """Values at a lag; all are missing where the lag is 0."""
    if isinstance(lag, int):
        return values if lag else values + float("nan")
    return xp.where(lag > 0, values, float("nan"))


def length(xp: Any, array: Array) -> Any:
    """How many steps an array (B, T, ...) has; a scalar tensor where only the run can tell."""
    steps = array.shape[1]
    return xp.shape(array)[1] if steps is None else steps


def push(xp: Any, recent: Array, value: Array) -> Array:
    """The memory (B, R, D) once `value` (B, D) is no longer the last value."""
    if recent.shape[1] == 0:
        return recent
    return xp.concatenate([recent[:, 1:], value[:, None]], 1)


def memory_length(lags: Sequence[int]) -> int:
    """How many values before the last one the lags need."""
    return max((1, *lags)) - 1


def lead(lags: Sequence[int]) -> int:
    """How many values before the first target of a window its inputs reach back to."""
    return memory_length(lags) + 1


def width(targets: int, lags: Sequence[int], step_features: int, lag_flags: bool = False) -> int:
    """The number of inputs of a step: D targets, L lags, K step features."""
    flags = len(lags) if lag_flags else 0
    return (2 + len(lags) + flags) * targets + step_features
