"""From the rows of a panel to what a network is fed (transform, scale, step features), and back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from forecast.data import covariates, scaling
from forecast.data.panel import Panel
from forecast.data.scaling import Powers, Scale
from forecast.errors import DataError
from forecast.inference.config import Config
from forecast.inference.state import State


def series_features(state: State, config: Config) -> np.ndarray:
    """Step features that all rows of a series share, (S, P): static covariates, a count's unit."""
    if not config.counts:
        return state.static
    return np.concatenate([state.static, np.log(state.scale.scale)], 1, dtype=np.float32)


def step_features(panel: Panel, config: Config, shared: np.ndarray) -> np.ndarray:
    """What a network is fed besides values, of every row (N, K): calendar and covariates.

    Args:
        panel: the rows.
        config: of the model.
        shared: features that all rows of a series share, (S, P).
    """
    calendar = config.calendar(panel.ordinals)
    if not config.known and not shared.shape[1]:
        return calendar
    varying = covariates.encode(panel.known, config.known, len(calendar))
    return np.concatenate([calendar, varying, np.repeat(shared, panel.lengths, axis=0)], axis=1)


def transformed(panel: Panel, powers: Powers) -> np.ndarray:
    """The transformed targets (N, D).

    Raises:
        DataError: if there are values for which the model's transform is not defined.
    """
    for target, power in zip(panel.target.T, powers, strict=True):
        if not suits(power, target):
            row = int(np.nanargmin(target))
            series = panel.ids[np.searchsorted(panel.indptr, row, side="right") - 1]
            sign = "positive" if power == 0.0 else "non-negative"
            raise DataError(
                f"{panel.source}: series '{series}' has a value {target[row]:g}, but the model was "
                f"trained on {sign} values only; leave the value empty, or train with "
                "--transform none (transform='none' in Python)"
            )
    return scaling.transform(panel.target, powers)


def refuse_other_than_counts(panel: Panel, head: str) -> None:
    """Raise DataError where a value is not a count."""
    wrong = (panel.target < 0) | (panel.target != np.rint(panel.target)) & ~np.isnan(panel.target)
    if wrong.any():
        row, d = np.argwhere(wrong)[0]
        s = int(np.searchsorted(panel.indptr, row, side="right")) - 1
        time = panel.schema.text(panel.frequency, int(panel.ordinals[row]))
        raise DataError(
            f"{panel.source}: series '{panel.ids[s]}' has {panel.target[row, d]:g} at {time}, but "
            f"the head {head!r} is for counts, 0, 1, 2 …; choose --head student_t (head= in Python)"
        )


def suits(power: float, values: np.ndarray) -> bool:
    """Whether a transform is defined for all values of a target."""
    low = np.nanmin(values, initial=np.inf)
    return bool(power == 1.0 or low > 0 or (low == 0 and power > 0))


def history_scale(
    panel: Panel,
    values: np.ndarray,
    context: int,
    measure: Callable[[np.ndarray], Scale] = scaling.measure,
) -> Scale:
    """The scale of each series: of its last `context` rows, or of all where those are missing."""
    end = panel.indptr[1:, None]
    rows = end - context + np.arange(context)
    inside = rows >= panel.indptr[:-1, None]
    recent = np.where(inside[..., None], values[np.maximum(rows, 0)], np.nan)
    location, scale = measure(recent)
    for s, d in np.argwhere(np.isnan(recent).all(axis=1)):
        history = values[panel.indptr[s] : panel.indptr[s + 1]]
        if np.isnan(history).all():
            raise DataError(
                f"{panel.source}: series '{panel.ids[s]}' has no observed value; leave it out"
            )
        location[s, d], scale[s, d] = (part[0, d] for part in measure(history[None]))
    return Scale(location, scale)


def recent_values(state: State, config: Config) -> np.ndarray:
    """The last values that a state keeps for the lags, in the units of the data, (S, T, D)."""
    scaled = np.concatenate([state.memory.recent, state.value[:, None]], axis=1)
    values: np.ndarray = scaling.backward(scaled, state.scale, config.powers)
    return values
