"""What tuning tries of each option: some choices, or all numbers between two."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from forecast.errors import OptionError, first_few
from forecast.training.options import (
    OptionSpec,
    Positive,
    Ratios,
    Regimes,
    Share,
    TrainingOptions,
    Whole,
    option_fields,
)

FIXED = (  # options that are the same for all trials, or their errors could not be compared
    *("start", "frequency", "season", "budget", "seed"),
)
SPECS: dict[str, OptionSpec] = {
    entry.name: entry.spec for entry in option_fields(TrainingOptions) if entry.name not in FIXED
}
DEFAULTS = {entry.name: entry.default for entry in option_fields(TrainingOptions)}


@dataclass(frozen=True)
class Choices:
    """Some values of an option: text, numbers, True, False, or None for the default."""

    values: tuple[Any, ...]

    def __contains__(self, value: Any) -> bool:
        """Whether a value is one of them."""
        return value in self.values


@dataclass(frozen=True)
class Range:
    """All numbers between two.

    Attributes:
        low, high: both included.
        whole: whether only whole numbers.
        log: whether their logarithms are equally likely, instead of the numbers.
    """

    low: float
    high: float
    whole: bool
    log: bool

    def __contains__(self, value: Any) -> bool:
        """Whether a value lies between the ends."""
        return _is_number(value) and self.low <= value <= self.high


Space = dict[str, Choices | Range]


def to_space(given: Mapping[str, Any], options: TrainingOptions) -> Space:
    """The space of options that a user asks for.

    Args:
        given: by the name of an option a list of choices, or a pair (low, high) of numbers. Within
            a range of positive whole numbers, and of learning rates, logarithms are equally likely.
        options: of the training; those that are tried must not be set.

    Returns:
        The space, in the order of `given`.

    Raises:
        OptionError: for the first entry that is not an option, has a wrong value, or is empty.

    Example:
        >>> space = to_space({"units": [16, 32], "dropout": (0, 0.3)}, TrainingOptions())
        >>> space["units"], space["dropout"].log
        (Choices(values=(16, 32)), False)
    """
    if not given:
        raise OptionError("there is nothing to try; name at least one option and its values")
    for name in given:
        _refuse_unusable(name, options)
    return {name: _entry(name, value) for name, value in given.items()}


def combinations(space: Space) -> float:
    """How many combinations of values a space has; infinite with a range in it."""
    if any(isinstance(entry, Range) for entry in space.values()):
        return math.inf
    return math.prod(len(entry.values) for entry in space.values() if isinstance(entry, Choices))


def as_json(space: Space) -> dict[str, Any]:
    """A space as plain values: lists of choices, and the ends of ranges."""
    return {
        name: list(entry.values)
        if isinstance(entry, Choices)
        else {"low": entry.low, "high": entry.high}
        for name, entry in space.items()
    }


def _refuse_unusable(name: str, options: TrainingOptions) -> None:
    """Raise OptionError unless an option can be tried and is left open."""
    if name in FIXED:
        raise OptionError(f"{name} must be the same in all trials; leave it out of those to try")
    if name not in SPECS:
        raise OptionError(f"{name!r} is not an option of the training; there are {_names()}")
    if getattr(options, name) != DEFAULTS[name]:
        raise OptionError(
            f"{name} is set to {getattr(options, name)!r}, and is to be tried too; leave one out"
        )


def _names() -> str:
    return first_few(SPECS, shown=len(SPECS), quoted=False)


def _entry(name: str, value: Any) -> Choices | Range:
    if isinstance(value, Choices | Range):
        return value
    if isinstance(value, tuple):
        return _range(name, value)
    if not isinstance(value, list):
        raise OptionError(
            f"{name} to try is {value!r}; give a list of choices, or a pair (low, high) of numbers"
        )
    if not value:
        raise OptionError(f"{name} has no choices; give at least one")
    return Choices(tuple(dict.fromkeys(_choice(name, one) for one in value)))


def _choice(name: str, value: Any) -> Any:
    """One choice as a plain value that a file can hold."""
    plain = value.item() if hasattr(value, "item") else value
    spec = SPECS[name]
    if plain is None and DEFAULTS[name] is None:
        return None
    if isinstance(spec.check, Regimes) and isinstance(plain, list | tuple):
        plain = ",".join(map(str, plain))
    if not isinstance(plain, str | bool | int | float):
        raise OptionError(f"{name} to try is {plain!r}; a choice is text, a number, True or False")
    spec.check(name, plain)
    return plain


def _range(name: str, ends: tuple[Any, ...]) -> Range:
    """All numbers between two ends."""
    check = SPECS[name].check
    if not isinstance(check, Whole | Positive | Share | Ratios):
        raise OptionError(f"{name} is not a number, so there is no range of it; list the choices")
    if len(ends) != 2 or not all(map(_is_number, ends)):
        raise OptionError(f"{name} to try is {ends!r}; a range is a pair (low, high) of numbers")
    for end in ends:
        check(name, end)
    low, high = ends
    if not low < high:
        raise OptionError(
            f"{name} from {low} to {high} is an empty range; the first end must be the smaller one"
        )
    whole = isinstance(check, Whole)
    log = isinstance(check, Whole | Positive) and low > 0
    return Range(int(low), int(high), whole, log) if whole else Range(low, high, whole, log)


def _is_number(value: Any) -> bool:
    return isinstance(value, Real | Integral) and not isinstance(value, bool)
