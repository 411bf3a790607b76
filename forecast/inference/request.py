"""What a rollout is asked for, checked before anything is computed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecast.data.dataframes import is_table
from forecast.errors import OptionError, require_whole
from forecast.inference.config import Config
from forecast.inference.conformal import Calibration
from forecast.inference.state import State
from forecast.nn import HEADS

RUNTIMES = ("auto", "numpy", "compiled")
INTERVALS = ("auto", "calibrated", "paths")
MAX_VALUES = 1_000_000_000  # of a rollout, 16 bytes each and more


@dataclass(frozen=True)
class RolloutRequest:
    """What a rollout is asked for, apart from where it starts.

    Attributes:
        horizon: how many steps H.
        levels: widths of intervals in percent.
        paths: sample paths per series.
        seed: of the sample paths.
        runtime: an entry of RUNTIMES.
        intervals: an entry of INTERVALS.
    """

    horizon: int
    levels: tuple[float, ...] = ()
    paths: int = 0
    seed: int = 0
    runtime: str = "numpy"
    intervals: str = "auto"

    def check(self, config: Config, calibration: Calibration | None = None) -> None:
        """Raise OptionError for the first field that is out of range or does not fit a model."""
        if is_table(self.horizon):
            raise OptionError(
                "horizon is a table; say how many steps, as in predict(12, history), or in a chain "
                "of pandas df.pipe(model.predict, horizon=12)"
            )
        for name, least in (("horizon", 1), ("paths", 0), ("seed", 0)):
            require_whole(name, getattr(self, name), least)
        if self.seed >= 2**64:
            raise OptionError(f"seed is {self.seed}; it must be below 2**64")
        check_levels(self.levels)
        for name, allowed in (("intervals", INTERVALS), ("runtime", RUNTIMES)):
            value = getattr(self, name)
            if value not in allowed:
                raise OptionError(f"{name} is {value!r}; it must be one of {', '.join(allowed)}")
        self._check_intervals(config, calibration)

    def _check_intervals(self, config: Config, calibration: Calibration | None) -> None:
        """Raise OptionError where the model has no such intervals or paths."""
        is_random = HEADS[config.head].RANDOM
        if (self.paths or (self.levels and self.intervals == "paths")) and not is_random:
            raise OptionError(_no_distribution(config, "sample paths"))
        needs_calibration = self.intervals == "calibrated" or not is_random
        if self.levels and calibration is None and needs_calibration:
            raise OptionError(
                "the model has no calibrated intervals, since nothing was held out in its "
                "training; train with a --holdout, or with --head student_t for those of sample "
                "paths"
            )


def as_levels(levels: float | Sequence[float]) -> tuple[float, ...]:
    """One or several levels as a tuple."""
    return tuple(np.atleast_1d(levels).tolist())


def check_levels(levels: tuple[float, ...]) -> None:
    """Raise OptionError unless levels are percents."""
    are_numbers = all(isinstance(level, int | float | np.number) for level in levels)
    if not are_numbers or not all(1 <= level < 100 for level in levels):
        raise OptionError(
            f"levels are {list(levels)}; each must lie from 1 to below 100 percent, such as 80"
        )


def check_quantiles(config: Config, quantiles: tuple[float, ...]) -> None:
    """Raise OptionError unless the head has quantiles, and they are probabilities."""
    if quantiles and not HEADS[config.head].RANDOM:
        raise OptionError(_no_distribution(config, "quantiles"))
    are_numbers = all(isinstance(level, int | float) for level in quantiles)
    if not are_numbers or not all(0 < level < 1 for level in quantiles):
        raise OptionError(f"quantiles are {list(quantiles)}; each must lie between 0 and 1")


def _no_distribution(config: Config, purpose: str) -> str:
    return (
        f"the model's head {config.head!r} gives no distribution; train with "
        f"--head student_t, or for counts negative_binomial (head= in Python), for {purpose}"
    )


def check_size(start: State, horizon: int, rows: int, values: int = 1) -> None:
    """Raise OptionError where a rollout exceeds the time that can be counted, or the memory.

    Args:
        start: the state of which each row has a copy.
        horizon: steps.
        rows: series, or sample paths.
        values: of each step of each row.
    """
    last = int(start.time.max(initial=0))
    max_steps = (np.iinfo(np.int64).max - last) // start.frequency.step
    if horizon > max_steps:
        raise OptionError(f"horizon is {horizon}; time can be counted for {max_steps} more steps")
    memory = (start.memory.recent, *start.memory.network.values())
    per_row = horizon * values + sum(math.prod(part.shape[1:]) for part in memory)
    if rows * per_row > MAX_VALUES:
        raise OptionError(
            f"a horizon of {horizon:,} steps for {rows:,} series or sample paths, with the state "
            f"of each, is more than memory takes, {MAX_VALUES:,} values; forecast fewer at a time"
        )
