"""Notes on forecasts that go far beyond their data, or further than training practised."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from forecast.data import scaling
from forecast.inference.bounds import Bounds
from forecast.inference.config import Config
from forecast.inference.rollout import Rollout
from forecast.inference.state import ObservedRange, State
from forecast.nn import NETWORKS

MAX_RANGES_BEYOND = 10.0  # ranges of the data beyond the data, from which on a value is reported
RANGE_OF_CONSTANT = 0.05  # share of the level, where no series varied
ROUNDING = 1e-9  # relative, of a range and a spread
DIGITS = 4  # of a value in a message; more where the data vary little about their level


def ranges(state: State, config: Config) -> np.ndarray:
    """The range of the data of each series, (S, D); NaN where nothing was observed.

    Data that lie closer together than two of their standard deviations have been given the usual
    spread of their panel, since they are constant or few: their range is twice that spread. Counts
    have at least twice the spread of Poisson's. Where no series of the panel varied, the range of
    a constant is a share of its level; where it is not known whether some did, the level.

    Args:
        state: of S series.
        config: of the model.
    """
    low, high = (np.where(np.isfinite(end), end, np.nan) for end in state.extent)
    with np.errstate(over="ignore"):  # an infinite range is left by no value
        own = high - low
    location, scale = state.scale
    if config.counts:
        return np.asarray(np.maximum(own, 2 * np.sqrt(scale)))
    powers = config.powers
    below, above = (scaling.inverse(location + side * scale, powers) for side in (-1, 1))
    width = scaling.transform(high, powers) - scaling.transform(low, powers)
    usual = np.where(width < 2 * (1 - ROUNDING) * scale, above - below, own)
    share = RANGE_OF_CONSTANT if config.usual_spreads else 1.0
    varied = [usual.spread is not None for usual in config.usual_spreads] or False
    of_constant = np.where(own > 0, own, share * np.abs(high))
    return np.asarray(np.where(varied, usual, of_constant))


def too_large(values: np.ndarray, observed: ObservedRange, width: np.ndarray) -> np.ndarray:
    """Which values lie far above the largest observed; NaN never does.

    Args:
        values: (..., D).
        observed: the smallest and largest, each (..., D).
        width: the range of the data, see `ranges`.
    """
    with np.errstate(over="ignore"):
        distance = values - observed.high
    above: np.ndarray = (distance > MAX_RANGES_BEYOND * width) & (width > 0)
    return above


def too_small(values: np.ndarray, observed: ObservedRange, width: np.ndarray) -> np.ndarray:
    """Which values lie far below the smallest observed; see `too_large`."""
    return too_large(-values, ObservedRange(-observed.high, -observed.low), width)


def implausible_forecasts(rollout: Rollout, config: Config) -> list[str]:
    """Forecasts that go far beyond the data, in words: which series, from which step.

    Args:
        rollout: of S series.
        config: of the model.
    """
    start, targets = rollout.start, config.schema.targets
    observed = ObservedRange(*(part[:, None] for part in start.extent))
    width = ranges(start, config)[:, None]
    values, notes = rollout.values, []
    is_beyond = too_large(values, observed, width) | too_small(values, observed, width)
    for row in np.flatnonzero(is_beyond.any(axis=(1, 2))):
        step, d = np.argwhere(is_beyond[row])[0]
        target = f"'{targets[d]}' of " if len(targets) > 1 else ""
        low, high = (float(part[row, 0, d]) for part in observed)
        digits = _digits(low, high)
        notes.append(
            f"the forecast of {target}series '{start.ids[row]}' goes far beyond its data "
            f"from step {step + 1} ({values[row, step, d]:.{digits}g}, where the data lie between "
            f"{low:.{digits}g} and {high:.{digits}g})"
        )
    return notes


def bounds_without_data(bounds: Bounds, start: State) -> list[str]:
    """Bounds of the first target that leave out all that was observed, in words: which series."""
    low = -np.inf if bounds.low is None else bounds.low
    high = np.inf if bounds.high is None else bounds.high
    is_outside = (start.extent.high[:, 0] < low) | (start.extent.low[:, 0] > high)
    notes = []
    for row in np.flatnonzero(is_outside):
        least, most = (float(part[row, 0]) for part in start.extent)
        digits = _digits(least, most)
        notes.append(
            f"the bounds, {bounds}, leave out all data of series '{start.ids[row]}' (between "
            f"{least:.{digits}g} and {most:.{digits}g})"
        )
    return notes


def _digits(low: float, high: float) -> int:
    """How many digits distinguish the smallest value from the largest."""
    if not high > low:
        return DIGITS
    needed = math.log10(max(abs(low), abs(high))) - math.log10(high - low)
    return max(DIGITS, math.ceil(needed) + 2)


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
        training = "pretraining" if config.direct and not config.histories else "training"
        return (
            f"{training} practised {config.horizon} of the {steps} steps, later ones may be less "
            "accurate"
        )
    return (
        f"the network {config.network!r} was trained for {config.horizon} steps; further ones "
        "continue from its own output"
    )
