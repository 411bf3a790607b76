"""What a Forecaster may be asked for, checked before any data are read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from forecast.data import scaling
from forecast.data.holidays import check_place
from forecast.errors import OptionError, require_whole
from forecast.inference.bounds import to_bounds
from forecast.nn import HEADS, NETWORKS
from forecast.nn.heads import point
from forecast.nn.layers import CELLS, SCORES
from forecast.training.feedback import MIX_BY, MIXING, REGIMES, feeds_back, regimes_of
from forecast.training.feedback.sampling_schedule import SCHEDULES
from forecast.training.windows import SAMPLERS

OF_SCHEDULED = ("schedule", "teacher_forcing_ratio", "mixing", "mix_by")
OPEN = (
    "attention_score",
    *OF_SCHEDULED,
)  # None where they have nothing to say, or are left to the plan
TRANSFORMS = ("auto", *scaling.POWERS)
LARGEST_SEED = 2**32 - 1


def check_choices(choices: Mapping[str, Any]) -> None:
    """Raise OptionError for the first choice that is out of range.

    Args:
        choices: the arguments of a Forecaster, by name.
    """
    for name in ("id", "time", "target", "holidays", "frequency"):
        if not isinstance(choices[name], str | None):
            raise OptionError(f"{name} is {choices[name]!r}; it must be text, or None")
    if choices["holidays"] is not None:
        check_place(choices["holidays"])
    if choices["transform"] not in ("auto", "none") and HEADS.get(choices["head"], point).COUNTS:
        raise OptionError(
            f"transform is {choices['transform']!r}, but the head {choices['head']!r} takes counts "
            "as they are; leave it out"
        )
    roles = ("also", "known", "static")
    beside = [name for role in roles for name in names_of(choices[role], role)]
    for name in beside:
        if beside.count(name) > 1:
            raise OptionError(
                f"column {name!r} is given twice among also, known and static; give it once"
            )
    for name, allowed in (
        ("network", tuple(NETWORKS)),
        ("cell", tuple(CELLS)),
        ("attention_score", SCORES),
        ("head", tuple(HEADS)),
        ("transform", TRANSFORMS),
        ("windows", tuple(SAMPLERS)),
        ("schedule", tuple(SCHEDULES)),
        ("mixing", MIXING),
        ("mix_by", MIX_BY),
    ):
        is_open = name in OPEN and choices[name] is None
        if not is_open and choices[name] not in allowed:
            raise OptionError(
                f"{name} is {choices[name]!r}; it must be one of {', '.join(allowed)}"
            )
    positive = dict.fromkeys(
        ("layers", "units", "train_horizon", "batch_size", "steps", "season"), 1
    )
    for name, least in {**positive, "context": 2, "holdout": 0}.items():
        if choices[name] is not None:  # None is chosen from the data
            require_whole(name, choices[name], least)
    seed, dropout, rate = (choices[name] for name in ("seed", "dropout", "learning_rate"))
    require_whole("seed", seed, 0)
    if seed > LARGEST_SEED:
        raise OptionError(f"seed is {seed}; it must be at most {LARGEST_SEED}")
    if dropout is not None and not (_is_number(dropout) and 0 <= dropout < 1):
        raise OptionError(f"dropout is {dropout!r}; it must lie from 0 to below 1")
    if rate is not None and not (_is_number(rate) and 0 < rate < math.inf):
        raise OptionError(f"learning_rate is {rate!r}; it must be a positive number")
    if not isinstance(choices["residual"], bool | np.bool_):
        raise OptionError(f"residual is {choices['residual']!r}; it must be True or False")
    if not is_auto(choices["bounds"]):
        to_bounds(choices["bounds"])
    seconds(choices["budget"])
    _check_feedback(choices)


def regimes_for(choices: Mapping[str, Any]) -> tuple[str, ...]:
    """The regimes asked for, or else those that suit the network, see docs/EXPERIMENTS.md.

    A head with a distribution learns that of one step, given the values before it, only from true
    values: sampling adds up what is unknown of the steps itself. Without one, a decoder behind an
    encoder is never fed true values in a forecast; the decoder-only network is, whenever rows are
    observed.
    """
    if choices["feedback"] is not None:
        return regimes_of(choices["feedback"])
    network = NETWORKS[choices["network"]]
    is_random = HEADS.get(choices["head"], point).RANDOM
    if is_random or not network.FEEDS_BACK or choices["windows"] == "contiguous":
        return ("teacher",)
    return ("free",) if network.ENCODES else ("teacher", "free")


def _check_feedback(choices: Mapping[str, Any]) -> None:
    """Raise OptionError unless the regimes exist and suit the network."""
    network, ratio = choices["network"], choices["teacher_forcing_ratio"]
    feedback, allowed = regimes_for(choices), ", ".join(REGIMES)
    if not feedback or not {*feedback} <= REGIMES.keys():
        raise OptionError(
            f"feedback is {choices['feedback']!r}; it must be one of {allowed}, or one after "
            "another as in 'teacher,free'"
        )
    ends = [] if ratio is None else np.atleast_1d(np.asarray(ratio, dtype=object)).tolist()
    shares = all(_is_number(end) and 0 <= end <= 1 for end in ends)
    if ratio is not None and (len(ends) not in (1, 2) or not shares):
        raise OptionError(
            f"teacher_forcing_ratio is {ratio!r}; give a share from 0 to 1, or that at the start "
            "and at the end"
        )
    for name in OF_SCHEDULED:
        if choices[name] is not None and "scheduled" not in feedback:
            raise OptionError(
                f"{name} is for scheduled sampling, but feedback is {','.join(feedback)!r}; use "
                "--feedback scheduled (feedback='scheduled' in Python)"
            )
    if choices["attention_score"] is not None and network != "attention":
        raise OptionError(
            f"attention_score is for attention, but network is {network!r}; use --network "
            "attention (network='attention' in Python)"
        )
    if choices["schedule"] == "constant" and len(ends) != 1:
        raise OptionError("a constant schedule needs one teacher_forcing_ratio, such as 0.5")
    is_fed_back = feeds_back(feedback)
    if is_fed_back and not NETWORKS[network].FEEDS_BACK:
        raise OptionError(
            f"network {network!r} is not fed its own values within the horizon of "
            "training; use --feedback teacher (feedback='teacher' in Python)"
        )
    if is_fed_back and choices["train_horizon"] == 1:
        raise OptionError(
            "train_horizon is 1, but the first step of a horizon is fed a true value; for "
            f"feedback {','.join(feedback)!r} it must be at least 2"
        )
    if choices["windows"] == "contiguous" and (NETWORKS[network].ENCODES or is_fed_back):
        raise OptionError(
            "contiguous windows carry the memory of true values from one to the next; they "
            "need network 'lstm' and a feedback of true values, as 'teacher'"
        )


def names_of(columns: Any, role: str = "known") -> tuple[str, ...]:
    """The names of columns, told as one or as several.

    Raises:
        OptionError: if they are no text.
    """
    names = (columns,) if isinstance(columns, str) else columns
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise OptionError(f"{role} is {columns!r}; it must be a list of the names of columns")
    return tuple(names)


def is_auto(bounds: Any) -> bool:
    """Whether bounds are left to be inferred from the data."""
    return isinstance(bounds, str) and bounds == "auto"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number)


def seconds(budget: str | float) -> float:
    """A length of time in seconds, from a number or text such as "90s", "5m", "1.5h", "1h 30min".

    Raises:
        OptionError: if it is neither, or not positive.
    """
    try:
        value = float(budget)
    except (TypeError, ValueError):
        value = _seconds_of(budget)
    if not 0 < value < math.inf:
        raise OptionError(f'budget is {budget!r}; give seconds, or text such as "90s", "5m", "1h"')
    return value


def _seconds_of(text: Any) -> float:
    """Text with units as pandas reads it; 0 where it does not."""
    try:
        return float(pd.Timedelta(text).total_seconds())
    except (TypeError, ValueError):
        return 0.0
