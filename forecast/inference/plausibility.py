"""Notes on forecasts that go far beyond their data, or further than training practised."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from forecast.inference.bounds import Bounds
from forecast.inference.config import Config
from forecast.inference.rollout import Rollout
from forecast.inference.state import ObservedRange, State
from forecast.nn import NETWORKS

MAX_RANGES_BEYOND = 10.0  # ranges of the data beyond the data, from which on a value is reported


def implausible(values: np.ndarray, observed: ObservedRange) -> np.ndarray:
    """Which values, (..., D), lie far beyond the smallest and largest observed; NaN never does."""
    low, high = observed
    width = np.maximum(high - low, np.maximum(np.abs(low), np.abs(high)))
    reach = MAX_RANGES_BEYOND * width
    is_beyond: np.ndarray = ((values > high + reach) | (values < low - reach)) & (reach > 0)
    return is_beyond


def implausible_forecasts(rollout: Rollout, targets: tuple[str, ...]) -> list[str]:
    """Forecasts that go far beyond the data, in words: which series, from which step.

    Args:
        rollout: of S series.
        targets: their names, D.
    """
    low, high = (part[:, None] for part in rollout.start.extent)
    values, notes = rollout.values, []
    is_beyond = implausible(values, ObservedRange(low, high))
    for row in np.flatnonzero(is_beyond.any(axis=(1, 2))):
        step, d = np.argwhere(is_beyond[row])[0]
        target = f"'{targets[d]}' of " if len(targets) > 1 else ""
        notes.append(
            f"the forecast of {target}series '{rollout.start.ids[row]}' goes far beyond its data "
            f"from step {step + 1} ({values[row, step, d]:.4g}, where the data lie between "
            f"{low[row, 0, d]:.4g} and {high[row, 0, d]:.4g})"
        )
    return notes


def bounds_without_data(bounds: Bounds, start: State) -> list[str]:
    """Bounds of the first target that leave out all that was observed, in words: which series."""
    low = -np.inf if bounds.low is None else bounds.low
    high = np.inf if bounds.high is None else bounds.high
    is_outside = (start.extent.high[:, 0] < low) | (start.extent.low[:, 0] > high)
    return [
        f"the bounds, {bounds}, leave out all data of series '{start.ids[row]}' (between "
        f"{start.extent.low[row, 0]:.4g} and {start.extent.high[row, 0]:.4g})"
        for row in np.flatnonzero(is_outside)
    ]


def unpractised_steps(config: Config, steps: int, calibrated: int | None = None) -> Iterator[str]:
    """Says where a forecast goes further than training practised, or its calibration reaches.

    Args:
        config: of the model.
        steps: of the forecast.
        calibrated: steps that its intervals are calibrated for; None where they are not, or where
            there are none.
    """
    told, option = [], "holdout"
    if steps > config.horizon:
        told.append(_unpractised(config, steps))
    if calibrated is not None and steps > calibrated:
        told.append(f"intervals beyond step {calibrated} are extrapolated")
    else:
        option = "train-horizon"
    if told:
        python = option.replace("-", "_")
        less = f", or with --train-horizon {steps} if that takes too many rows"
        yield (
            f"{', and '.join(told)}; train with --{option} {steps} ({python}={steps} in Python)"
            f"{less if len(told) > 1 else ''}"
        )


def _unpractised(config: Config, steps: int) -> str:
    if NETWORKS[config.network].FEEDS_BACK:
        return (
            f"training practised {config.horizon} of the {steps} steps, later ones may be less "
            "accurate"
        )
    return (
        f"the network {config.network!r} was trained for {config.horizon} steps; further ones "
        "continue from its own output"
    )
