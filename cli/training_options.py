"""The options of a training on the command line, made from their declaration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

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


def click_option(option: OptionField) -> Callable[..., Any]:
    """An option of a training as one of the command line."""
    name, check = "--" + option.name.replace("_", "-"), option.spec.check
    text = option.description[:1].upper() + option.description[1:]
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
    for option in reversed(OPTIONS):
        function = click_option(option)(function)
    return function


def column_roles(options: dict[str, Any]) -> dict[str, Any]:
    """The options that say which column is what."""
    return {name: options[name] for name in COLUMNS}
