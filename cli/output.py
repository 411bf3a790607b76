"""What all commands share: common options, friendly errors, and words for people."""

from __future__ import annotations

import functools
import json
import math
import os
import shlex
import traceback
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import click

from forecast.errors import (
    TRAINING_NEEDS,
    ArtifactError,
    ForecastError,
    OptionError,
    pip_install,
)

MODEL = "model.forecast"
PRETRAINED = "pretrained"  # in place of a model file: the network that comes with the package
TRAINS = ("keras", "sklearn", "tensorflow")
EXTRAS = {  # that have the packages which an installation may lack
    "matplotlib": "plot",
    "pyarrow": "parquet",
    "scipy": "monitor",
    **dict.fromkeys(("fastapi", "prometheus_client", "pydantic", "starlette", "uvicorn"), "serve"),
}


@dataclass(frozen=True)
class Say:
    """Prints a line for people on standard error, unless --quiet was given."""

    quiet: bool

    def __call__(self, line: str) -> None:
        """Print the line."""
        if not self.quiet:
            click.echo(printable(line), err=True)


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command --quiet and --debug, and one line for every error.

    The command takes a `Say` to print lines for people with.
    """

    @click.option("--quiet", "-q", is_flag=True, help="Suppress all messages except errors.")
    @click.option("--debug", is_flag=True, help="Show the traceback of an error.")
    @functools.wraps(function)
    def wrapped(*args: Any, quiet: bool, debug: bool, **options: Any) -> None:
        try:
            with warnings.catch_warnings():
                if not debug:
                    warnings.simplefilter("ignore")  # they are for programmers
                function(*args, say=Say(quiet), **options)
        except OptionError as error:
            _fail(str(error), debug, status=2)
        except ForecastError as error:
            _fail(str(error), debug)
        except BrokenPipeError:
            raise  # whoever read our output has enough; click ends quietly
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            _fail("interrupted before it was finished", debug)
        except Exception as error:
            _fail(_unforeseen(error), debug)

    return wrapped


def _unforeseen(error: Exception) -> str:
    """What the operating system has refused, or what is a bug of ours, in one line."""
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        return "not enough memory; use fewer series or steps, or a smaller --units or --batch-size"
    package = str(getattr(error, "name", "")).partition(".")[0]
    if isinstance(error, ModuleNotFoundError) and package != "forecast":
        if package in TRAINS:
            return TRAINING_NEEDS
        command = pip_install(EXTRAS[package]) if package in EXTRAS else f"pip install {package}"
        return f"{package} is not installed; install it with: {command}"
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror or error}"
    return (
        f"unexpected {type(error).__name__}: {error}; this is a bug, please report it with the "
        "output of --debug"
    )


def _fail(message: str, debug: bool, status: int = 1) -> NoReturn:
    if debug:
        traceback.print_exc()
    click.echo(f"Error: {printable(' '.join(message.split()))}", err=True)
    raise click.exceptions.Exit(status)


def printable(line: str) -> str:
    """The line without what would move a terminal's cursor or colour it."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in line)


def print_data(line: str) -> None:
    """Print a line on standard output."""
    try:
        click.echo(line)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, "standard output") from None


def print_json(value: Any) -> None:
    """Print plain values as JSON on standard output; a number that is not finite becomes null."""
    print_data(json.dumps(_finite(value)))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def refuse_overwriting(
    inputs: Mapping[str, Sequence[str | None]], outputs: dict[str, str | None]
) -> None:
    """Refuse a place for a result where what it is made from stands, or another result.

    Args:
        inputs: paths by what stands there, such as "the table itself"; None where nothing does.
        outputs: paths by option.
    """
    read = [(what, path) for what, paths in inputs.items() for path in paths]
    taken = {Path(path).resolve(): what for what, path in read if path not in (None, "-")}
    for option, path in outputs.items():
        if path is None:
            continue
        place = Path(path).resolve()
        if place in taken:
            raise OptionError(f"{option} {path} would overwrite {taken[place]}; name another file")
        taken[place] = f"what {option} writes"


def check_inputs(
    inputs: Mapping[str, Sequence[str | None]], outputs: dict[str, str | None]
) -> None:
    """Refuse places for results that cannot be written, or that would overwrite something.

    Args:
        inputs, outputs: see `refuse_overwriting`.
    """
    refuse_overwriting(inputs, outputs)
    for option, path in outputs.items():
        check_place(path, option)


def check_tables(*paths: str | None) -> None:
    """Refuse tables of a file type that cannot be written, before time goes into them."""
    from forecast.data.io.tables import check_file_type

    for path in paths:
        if path is not None:
            check_file_type(path)


def check_place(path: str | None, option: str) -> None:
    """Refuse a place that cannot be written to, before time goes into what shall stand there."""
    if path is None or (
        Path(path).exists() and not Path(path).is_file() and not Path(path).is_dir()
    ):
        return  # a pipe or a device is no entry of its folder
    folder = Path(path).resolve().parent
    if not path or Path(path).is_dir():
        raise ArtifactError(f"cannot write {path!r}: it is a folder; name a file with {option}")
    if not folder.is_dir():
        raise ArtifactError(f"cannot write {path}: there is no folder {folder}; make it first")
    if not os.access(folder, os.W_OK):
        raise ArtifactError(f"cannot write {path}: no permission to write into {folder}")


def counted(count: int, what: str) -> str:
    """So many of something, in words."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def count_series(count: int) -> str:
    """So many series, in words."""
    return "1 series" if count == 1 else f"{count:,} series"


def waits_for(path: str, say: Say) -> Callable[[], None]:
    """Says that another process has a file."""
    return lambda: say(f"Waiting for another process that is changing {path}.")


class LevelsType(click.ParamType[tuple[float, ...]]):
    """Interval widths in percent, as in 80,95."""

    name = "percents"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[float, ...]:
        """Numbers from 1 to below 100, separated by commas."""
        if isinstance(value, tuple):
            return value
        try:
            levels = tuple(float(part) for part in value.split(","))
        except ValueError:
            levels = (0.0,)
        if not all(1 <= level < 100 for level in levels):
            self.fail(
                f"{value!r} is not a list of percents such as 80,95, from 1 to below 100",
                param,
                ctx,
            )
        return levels


class BoundsType(click.ParamType[Any]):
    """Bounds of forecasts: a name, or two ends as in 0,100; an end left out is no limit."""

    name = "bounds"

    def __init__(self, *names: str) -> None:
        """Know the names that stand for themselves."""
        self.names = names

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """A name, or a pair of numbers."""
        if value in self.names or isinstance(value, tuple):
            return value
        ends = value.split(",")
        try:
            pair = tuple(float(end) if end.strip() else None for end in ends)
        except ValueError:
            pair = ()
        if len(pair) != 2:
            names = ", ".join(self.names)
            self.fail(f"{value!r} is neither one of {names} nor a pair such as 0,100", param, ctx)
        return pair


def model_option(help: str) -> Callable[..., Any]:
    """The --model option."""
    return click.option(
        "--model", "-m", type=click.Path(), default=MODEL, show_default=True, help=help
    )


def refuse_pretrained(model: str) -> None:
    """Refuse to write a model in place of the network that comes with the package."""
    if model == PRETRAINED:
        raise OptionError(
            f"--model {PRETRAINED} is the network that comes with this program, which never "
            f"changes; name another file, or ./{PRETRAINED}"
        )


def model_given(model: str) -> str:
    """The option that names a model again, if it is not the usual one."""
    return "" if model == MODEL else f" --model {shlex.quote(model)}"


def print_notes(notes: Iterable[str], say: Say) -> None:
    """Print notes for people, indented."""
    for note in notes:
        say(f"  {note}")


def horizon_option(help: str, required: bool = False) -> Callable[..., Any]:
    """The --horizon option."""
    return click.option("--horizon", "-n", type=click.IntRange(min=1), required=required, help=help)


def future_option() -> Callable[..., Any]:
    """The --future option."""
    return click.option(
        "--future",
        type=click.Path(allow_dash=True),
        help="Future covariates: a table with the times of the horizon and the known columns; "
        "without the id column it applies to all series.",
    )


def cutoffs_option(default: int) -> Callable[..., Any]:
    """The --cutoffs option."""
    return click.option(
        "--cutoffs",
        type=click.IntRange(min=1),
        default=default,
        show_default=True,
        help="Number of cutoffs to forecast from.",
    )


def stride_option() -> Callable[..., Any]:
    """The --stride option."""
    return click.option(
        "--stride",
        type=click.IntRange(min=1),
        show_default="the horizon, or fewer",
        help="Rows between consecutive cutoffs.",
    )


max_rows_option = click.option(
    "--max-rows",
    type=click.IntRange(min=1_000),
    help="Of Parquet files that have more rows, 5 million by default, draw series at random.",
)


def plot_option(what: str) -> Callable[..., Any]:
    """The --plot option."""
    return click.option(
        "--plot", type=click.Path(), help=f"Draw {what}: a .png, .svg or .pdf file."
    )
