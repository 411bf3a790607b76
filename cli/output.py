"""What all commands share: common options, friendly errors, and words for people."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import click

from forecast.errors import ForecastError

MODEL = "model.forecast"


@dataclass(frozen=True)
class Say:
    """Prints a line for people on standard error, unless --quiet was given."""

    quiet: bool

    def __call__(self, line: str) -> None:
        """Print the line."""
        if not self.quiet:
            click.echo(line, err=True)


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command --quiet and --debug, and one line for every error.

    The command takes a `Say` to print lines for people with.
    """

    @click.option("--quiet", "-q", is_flag=True, help="Print nothing for people but errors.")
    @click.option("--debug", is_flag=True, help="Show the traceback of an error.")
    @functools.wraps(function)
    def wrapped(*args: Any, quiet: bool, debug: bool, **options: Any) -> None:
        try:
            function(*args, say=Say(quiet), **options)
        except ForecastError as error:
            _fail(str(error), debug)
        except (OSError, MemoryError) as error:
            if isinstance(error, BrokenPipeError):
                raise  # whoever read our output has enough; click ends quietly
            _fail(_system(error), debug)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            _fail(
                f"unexpected {type(error).__name__}: {error}; this is a bug, please report it with "
                "what --debug shows",
                debug,
            )

    return wrapped


def _system(error: OSError | MemoryError) -> str:
    """What the operating system has refused, in one line."""
    if isinstance(error, MemoryError):
        return "not enough memory; forecast fewer series, steps or paths at a time"
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error}"


def _fail(message: str, debug: bool) -> NoReturn:
    if debug:
        traceback.print_exc()
    click.echo(f"Error: {' '.join(message.split())}", err=True)
    raise click.exceptions.Exit(1)


def model_option(help: str) -> Callable[..., Any]:
    """The --model option."""
    return click.option(
        "--model", "-m", type=click.Path(), default=MODEL, show_default=True, help=help
    )
