"""The options of a training on the command line, made from their declaration.

Some of them tell the pretrained network how to read a table, where nothing is trained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import click
from click.core import ParameterSource

from forecast.training.options import (
    Choice,
    ColumnNames,
    ColumnOptions,
    Flag,
    Limits,
    OptionField,
    Positive,
    Ratios,
    Share,
    TrainingOptions,
    Whole,
    option_fields,
)

from .output import BoundsType

OPTIONS = option_fields(ColumnOptions, TrainingOptions)
COLUMNS = (  # of a table, and how it is written
    *("id", "time", "target", "also", "known", "static"),
    *("decimal", "date_format", "frequency"),
)
READING = ("id", "time", "target", "frequency", "season", "decimal", "date_format")


class RatiosType(click.ParamType[tuple[float, ...]]):
    """A share at the end, or one at the start and one at the end, as in 1,0.5."""

    name = "ratios"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[float, ...]:
        """One or two numbers from 0 to 1."""
        if isinstance(value, tuple):
            return value
        try:
            shares = tuple(float(part) for part in value.split(","))
        except ValueError:
            shares = ()
        if not 1 <= len(shares) <= 2 or not all(0 <= share <= 1 for share in shares):
            self.fail(
                f"{value!r} is neither a share from 0 to 1 nor a pair such as 1,0.5", param, ctx
            )
        return shares


def click_type(check: Any) -> Any:
    """The type of an option on the command line, by its valid values."""
    match check:
        case Choice(words):
            return click.Choice(tuple(words))
        case Whole(least, most):
            return click.IntRange(least, most)
        case Share():
            return click.FloatRange(0, 1, max_open=True)
        case Positive():
            return click.FloatRange(0, min_open=True)
        case Limits(words):
            return BoundsType(*words)
        case Ratios():
            return RatiosType()
        case _:
            return str


def flag_of(name: str) -> str:
    """An option as it is written on the command line."""
    return "--" + name.replace("_", "-")


def flags_given(names: Iterable[str]) -> list[str]:
    """Which of some options the command line has, as they are written there."""
    source = click.get_current_context().get_parameter_source
    return [flag_of(name) for name in names if source(name) == ParameterSource.COMMANDLINE]


def click_option(option: OptionField, where: str = "") -> Callable[..., Any]:
    """An option of a training as one of the command line; `where` ends its help."""
    name, check = flag_of(option.name), option.spec.check
    text = option.description[:1].upper() + option.description[1:] + where
    if isinstance(check, Flag):
        return click.option(name, is_flag=True, default=option.default, help=text)
    if isinstance(check, ColumnNames):
        return click.option(name, multiple=True, help=f"{text} May be repeated.")
    default = option.spec.default_text or option.default is not None
    return click.option(
        name, type=click_type(check), default=option.default, show_default=default, help=text
    )


def training_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of `Forecaster`."""
    return training_options_except()(function)


def training_options_except(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the options of `Forecaster` but some, which it has in a form of its own."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(OPTIONS):
            if option.name not in names:
                function = click_option(option)(function)
        return function

    return decorate


def reading_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options by which the pretrained network reads a table."""
    for option in reversed(OPTIONS):
        if option.name in READING:
            function = click_option(option, " Only for the pretrained network.")(function)
    return function


def column_roles(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that say which column is what."""
    return {name: options[name] for name in COLUMNS}


def reading_roles(options: Mapping[str, Any]) -> dict[str, Any]:
    """The same of the options by which the pretrained network reads a table."""
    return {name: options[name] for name in READING if name in COLUMNS}
