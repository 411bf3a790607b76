"""What rollouts, streams and observations may be asked for: checks with a line that says so."""

from __future__ import annotations

import math

import numpy as np

from forecast.data.dataframes import is_table
from forecast.errors import OptionError, require_whole
from forecast.inference import state as states
from forecast.inference.config import Config
from forecast.inference.state import State
from forecast.nn import HEADS

RUNTIMES = ("auto", "numpy", "compiled")
INTERVALS = ("auto", "calibrated", "paths")
MOST_VALUES = 1_000_000_000  # of a rollout, 16 bytes each and more


def check_rollout(
    config: Config,
    horizon: int,
    levels: tuple[float, ...] = (),
    paths: int = 0,
    seed: int = 0,
    runtime: str = "numpy",
    intervals: str = "auto",
    is_calibrated: bool = False,
) -> None:
    """Raise OptionError for the first argument of `Model.rollout` that is out of range."""
    if is_table(horizon):
        raise OptionError(
            "horizon is a table; say how many steps, as in predict(12, history), or in a chain of "
            "pandas df.pipe(model.predict, horizon=12)"
        )
    for name, value, least in (("horizon", horizon, 1), ("paths", paths, 0), ("seed", seed, 0)):
        require_whole(name, value, least)
    if seed >= 2**64:
        raise OptionError(f"seed is {seed}; it must be below 2**64")
    check_levels(levels)
    if intervals not in INTERVALS:
        raise OptionError(f"intervals is {intervals!r}; it must be one of {', '.join(INTERVALS)}")
    is_random = HEADS[config.head].RANDOM
    if (paths or (levels and intervals == "paths")) and not is_random:
        raise OptionError(_no_distribution(config, "sample paths"))
    if levels and not is_calibrated and (intervals == "calibrated" or not is_random):
        raise OptionError(
            "the model has no calibrated intervals, since nothing was held out in its training; "
            "train with a --holdout, or with --head student_t for those of sample paths"
        )
    if runtime not in RUNTIMES:
        raise OptionError(f"runtime is {runtime!r}; it must be one of {', '.join(RUNTIMES)}")


def check_levels(levels: tuple[float, ...]) -> None:
    """Raise OptionError unless levels are percents."""
    numbers = all(isinstance(level, int | float | np.number) for level in levels)
    if not numbers or not all(1 <= level < 100 for level in levels):
        raise OptionError(
            f"levels are {list(levels)}; each must lie from 1 to below 100 percent, such as 80"
        )


def check_quantiles(config: Config, quantiles: tuple[float, ...]) -> None:
    """Raise OptionError unless the head has quantiles, and they are probabilities."""
    if quantiles and not HEADS[config.head].RANDOM:
        raise OptionError(_no_distribution(config, "quantiles"))
    numbers = all(isinstance(level, int | float) for level in quantiles)
    if not numbers or not all(0 < level < 1 for level in quantiles):
        raise OptionError(f"quantiles are {list(quantiles)}; each must lie between 0 and 1")


def _no_distribution(config: Config, wanted: str) -> str:
    return (
        f"the model's head {config.head!r} gives no distribution; train with "
        f"--head student_t, or for counts negative_binomial (head= in Python), for {wanted}"
    )


def check_state(state: State, config: Config, fingerprint: str) -> None:
    """Raise OptionError unless a state is one of a model's, told by its fingerprint."""
    if not isinstance(state, State):
        raise OptionError(
            f"state is {state!r:.60}; give a State, such as that of an earlier forecast, or "
            "State.load(path)"
        )
    if state.fingerprint != fingerprint:
        raise OptionError(
            f"the state belongs to model {state.fingerprint[:8]}, this is model "
            f"{fingerprint[:8]}; encode the history with this model"
        )
    try:
        states.check(state, config)
    except ValueError as error:
        raise OptionError(f"the state does not fit the model: {error}") from None


def check_reach(start: State, horizon: int, rows: int, values: int = 1) -> None:
    """Raise OptionError where a rollout leaves the time that can be counted, or the memory.

    Args:
        start: the state of which each row has a copy.
        horizon: steps.
        rows: series, or sample paths.
        values: of each step of each row.
    """
    last = int(start.time.max(initial=0))
    room = (np.iinfo(np.int64).max - last) // start.frequency.step
    if horizon > room:
        raise OptionError(f"horizon is {horizon}; time can be counted for {room} more steps")
    memory = (start.memory.recent, *start.memory.network.values())
    each = horizon * values + sum(math.prod(part.shape[1:]) for part in memory)
    if rows * each > MOST_VALUES:
        raise OptionError(
            f"a horizon of {horizon:,} steps for {rows:,} series or sample paths, with the state "
            f"of each, is more than memory takes, {MOST_VALUES:,} values; forecast fewer at a time"
        )
