"""What a Forecaster may be asked for, checked before any data are read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from forecast import scaling
from forecast.arguments import require_whole
from forecast.bounds import to_bounds
from forecast.errors import OptionError
from forecast.network import HEADS, NETWORKS
from forecast.network.parts import CELLS, SCORES
from forecast.training.regimes import MIX_BY, MIXING, REGIMES, regimes_of
from forecast.training.schedule import SCHEDULES
from forecast.windows import KINDS

TRANSFORMS = ("auto", *scaling.POWERS)
LARGEST_SEED = 2**32 - 1
UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def check_choices(choices: Mapping[str, Any]) -> None:
    """Raise OptionError for the first choice that is out of range.

    Args:
        choices: the arguments of a Forecaster, by name.
    """
    for name in ("id", "time", "target", "frequency"):
        if not isinstance(choices[name], str | None):
            raise OptionError(f"{name} is {choices[name]!r}; it must be text, or None")
    for name, allowed in (
        ("network", tuple(NETWORKS)),
        ("cell", tuple(CELLS)),
        ("score", SCORES),
        ("head", tuple(HEADS)),
        ("transform", TRANSFORMS),
        ("windows", tuple(KINDS)),
        ("schedule", tuple(SCHEDULES)),
        ("mixing", MIXING),
        ("mix_by", MIX_BY),
    ):
        if choices[name] not in allowed:
            raise OptionError(
                f"{name} is {choices[name]!r}; it must be one of {', '.join(allowed)}"
            )
    whole = {"layers": 1, "units": 1, "context": 2, "holdout": 0, "batch_size": 1, "steps": 1}
    for name, least in {**whole, "season": 1}.items():
        if choices[name] is not None:  # None is chosen from the data
            require_whole(name, choices[name], least)
    seed, dropout, rate = (choices[name] for name in ("seed", "dropout", "learning_rate"))
    require_whole("seed", seed, 0)
    if seed > LARGEST_SEED:
        raise OptionError(f"seed is {seed}; it must be at most {LARGEST_SEED}")
    if dropout is not None and not (_is_number(dropout) and 0 <= dropout < 1):
        raise OptionError(f"dropout is {dropout!r}; it must lie from 0 to below 1")
    if rate is not None and not (_is_number(rate) and rate > 0):
        raise OptionError(f"learning_rate is {rate!r}; it must be positive")
    if not is_auto(choices["bounds"]):
        to_bounds(choices["bounds"])
    seconds(choices["budget"])
    _check_feedback(choices)


def _check_feedback(choices: Mapping[str, Any]) -> None:
    """Raise OptionError unless the regimes exist and suit the network."""
    network, ratio = choices["network"], choices["teacher_forcing_ratio"]
    feedback, allowed = regimes_of(choices["feedback"]), ", ".join(REGIMES)
    if not {*feedback} <= REGIMES.keys():
        raise OptionError(
            f"feedback is {choices['feedback']!r}; it must be one of {allowed}, or one after "
            "another as in 'teacher>free'"
        )
    ends = np.atleast_1d(np.asarray(ratio, dtype=object)).tolist()
    shares = all(_is_number(end) and 0 <= end <= 1 for end in ends)
    if len(ends) not in (1, 2) or not shares:
        raise OptionError(
            f"teacher_forcing_ratio is {ratio!r}; give a share from 0 to 1, or that at the start "
            "and at the end"
        )
    is_fed_back = any(REGIMES[name].feeds_back for name in feedback)
    if is_fed_back and not NETWORKS[network].FEEDS_BACK:
        raise OptionError(
            f"network {network!r} is not fed its own values within the horizon of "
            "training; use --feedback teacher (feedback='teacher' in Python)"
        )
    if choices["windows"] == "contiguous" and (NETWORKS[network].ENCODES or is_fed_back):
        raise OptionError(
            "contiguous windows carry the memory of true values from one to the next; they "
            "need network 'lstm' and a feedback of true values, as 'teacher'"
        )


def is_auto(bounds: Any) -> bool:
    """Whether bounds are left to be inferred from the data."""
    return isinstance(bounds, str) and bounds == "auto"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number)


def seconds(budget: str | float) -> float:
    """A length of time in seconds, from a number or text such as "90s", "5m", "1.5h".

    Raises:
        OptionError: if it is neither, or not positive.
    """
    found = re.fullmatch(r"\s*([0-9.]+)\s*([smh]?)\s*", str(budget))
    try:
        value = float(found[1]) * UNITS[found[2] or "s"] if found else 0.0
    except ValueError:
        value = 0.0
    if not value > 0:
        raise OptionError(f'budget is {budget!r}; give seconds, or text such as "90s", "5m", "1h"')
    return value
