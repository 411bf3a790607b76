"""`forecast train`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

import click

from forecast.errors import ArtifactError
from forecast.network import HEADS, NETWORKS
from forecast.network.parts import CELLS, SCORES
from forecast.training.regimes import MIX_BY, MIXING, REGIMES, regimes_of
from forecast.training.schedule import SCHEDULES

from .output import (
    Limits,
    Say,
    check_place,
    command,
    count_series,
    model_given,
    model_option,
    print_json,
    quiet_libraries,
    refuse_overwriting,
    waits_for,
)

if TYPE_CHECKING:
    from forecast.model import Model
    from forecast.training.callbacks import Progress


class Shares(click.ParamType[tuple[float, ...]]):
    """A share at the end, or one at the start and one at the end, as in 1,0.5."""

    name = "shares"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[float, ...]:
        """One or two numbers from 0 to 1."""
        if isinstance(value, tuple):
            return value
        try:
            shares = tuple(float(part) for part in value.split(","))
        except ValueError:
            shares = ()
        if not 1 <= len(shares) <= 2 or not all(0 <= share <= 1 for share in shares):
            self.fail(f"{value!r} is no share from 0 to 1, and no pair such as 1,0.5", param, ctx)
        return shares


ENDED = {
    "planned": "",
    "early": " (ended early: the validation loss no longer fell)",
    "budget": " (shortened by --budget)",
    "interrupted": " (interrupted: the best weights so far are kept)",
}


@click.command(short_help="Train a model on a table of time series.")
@click.argument("table", type=click.Path(allow_dash=True), nargs=-1, required=True)
@model_option("Where to write the model.")
@click.option("--id", help="Column that names the series.")
@click.option("--time", help="Column of the times.")
@click.option("--target", help="Column to forecast.")
@click.option(
    "--also",
    multiple=True,
    help="Column to forecast beside the target, as it is known of the past only; may be repeated.",
)
@click.option(
    "--known",
    multiple=True,
    help="Column that is known for the future too, such as a price; may be repeated.",
)
@click.option(
    "--static",
    multiple=True,
    help="Column that has one value per series, such as a region; may be repeated.",
)
@click.option(
    "--holidays",
    help='Country, or part of one, whose public holidays are an input, such as "DE" or "US-CA"; '
    "for steps of a day or less. Needs the extra forecast-rollout[holidays].",
)
@click.option("--frequency", help='Spacing of the steps, such as "h", "D", "MS", "15min".')
@click.option("--season", type=click.IntRange(min=1), help="Steps in a season.")
@click.option(
    "--network",
    type=click.Choice([*NETWORKS]),
    default="lstm",
    show_default=True,
    help="How it is put together, see docs/training.md.",
)
@click.option(
    "--cell",
    type=click.Choice([*CELLS]),
    default="lstm",
    show_default=True,
    help="Of the recurrent layers.",
)
@click.option(
    "--attention-score",
    type=click.Choice(SCORES),
    show_default=SCORES[0],
    help="Of attention: scaled dot product, or additive.",
)
@click.option(
    "--head",
    type=click.Choice([*HEADS]),
    default="point",
    show_default=True,
    help="What to forecast: a single value, or a distribution, with sample paths.",
)
@click.option("--layers", type=click.IntRange(min=1), help="Recurrent layers.")
@click.option("--units", type=click.IntRange(min=1), help="Units of each layer.")
@click.option(
    "--residual", is_flag=True, help="Let layers above the first add their input to their output."
)
@click.option(
    "--dropout",
    type=click.FloatRange(0, 1, max_open=True),
    help="Share of what a layer hands to the next blanked out in training.",
)
@click.option(
    "--context",
    type=click.IntRange(min=2),
    help="Steps that set a series' scale and lead each training window.",
)
@click.option(
    "--train-horizon",
    type=click.IntRange(min=1),
    help="Steps of a training window after its context, in which the network may be fed its own "
    "values; by default as many as are held out, at least 8. It limits no forecast.",
)
@click.option(
    "--holdout",
    type=click.IntRange(min=0),
    help="Steps kept for the final comparison, and as many for early stopping.",
)
@click.option(
    "--transform",
    type=click.Choice(["auto", "none", "sqrt", "log"]),
    default="auto",
    show_default=True,
    help="Applied to the values before they are scaled.",
)
@click.option(
    "--bounds",
    type=Limits("auto", "none", "non_negative"),
    default="auto",
    show_default=True,
    help='Limits of forecasts: non_negative, "0,100", none; auto: non-negative as the data are.',
)
@click.option(
    "--windows",
    type=click.Choice(["random", "contiguous"]),
    default="random",
    show_default=True,
    help="Where training windows lie: anywhere, each from an empty memory; or one after another "
    "along a series, with the memory carried on.",
)
@click.option(
    "--feedback",
    show_default="teacher,free for lstm and point",
    help=f"What the network is fed in training: {', '.join(REGIMES)}; or one after another, as in "
    "teacher,free.",
)
@click.option(
    "--schedule",
    type=click.Choice([*SCHEDULES]),
    show_default="linear",
    help="How the share of true values changes under scheduled feedback.",
)
@click.option(
    "--teacher-forcing-ratio",
    type=Shares(),
    show_default="1,0",
    help="That share at the start and at the end of its turn; a single one is that at the end.",
)
@click.option(
    "--mixing",
    type=click.Choice(MIXING),
    show_default=MIXING[0],
    help="Scheduled feedback exactly, step by step, or in two fused passes.",
)
@click.option(
    "--mix-by",
    type=click.Choice(MIX_BY),
    show_default=MIX_BY[0],
    help="Under scheduled feedback, for what it is drawn whether values are true.",
)
@click.option("--batch-size", type=click.IntRange(min=1), help="Windows in a gradient step.")
@click.option("--steps", type=click.IntRange(min=1), help="Gradient steps.")
@click.option(
    "--learning-rate",
    type=click.FloatRange(min=0, min_open=True),
    help="At the start; it falls to 0 along a cosine.",
)
@click.option(
    "--budget",
    default="5m",
    show_default=True,
    help='Longest time that training may take, such as "90s", "5m", "1h"; one step is always made.',
)
@click.option(
    "--seed",
    type=click.IntRange(min=0, max=2**32 - 1),
    default=0,
    show_default=True,
    help="Same seed, same data: same model.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the training record as JSON.")
@command
def train(table: tuple[str, ...], model: str, as_json: bool, say: Say, **choices: Any) -> None:
    """Train a model on TABLE: a CSV, Parquet or Excel file, or - for standard input.

    The table is long (a column of times, one of values, perhaps one that names the series) or
    wide (a column per series). What is not given is chosen from the data, and told.

    Several files, or a pattern in quotes, are one table; they have the same columns. Where no
    column tells their series apart, the names of the files do, as a column "file".

    \b
    Examples:
      forecast train sales.csv
      forecast train sales.csv --id store --time day --target units --budget 2m
      forecast train "stores/*.csv"
      forecast train sales.csv --head student_t --model stores.forecast
      forecast train sales.csv --target units --known price --model priced.forecast
      forecast train sales.csv --target units --also visitors --model both.forecast
    """
    from forecast.files import locked
    from forecast.forecaster import Forecaster
    from forecast.panel import to_panel
    from forecast.stacking import files_of
    from forecast.tables import read_table

    check_place(model, "--model")
    refuse_overwriting({"the table itself": files_of(*table)}, {"--model": model})
    forecaster = Forecaster(**choices)
    forecaster.check()
    read = read_table(*table)
    columns = ("id", "time", "target", "also", "known", "static", "frequency")
    names = {name: choices[name] for name in columns}
    panel = to_panel(read.frame, **read.place, **names)
    say(f"Read {read.source}: {count_series(len(panel.ids))}, {len(read.frame):,} rows.")
    for note in panel.notes:
        say(f"  {note}")
    with locked(model, ArtifactError, waits_for(model, say)):
        pass  # a lock that cannot be had is told before time goes into training
    say(f"Training, for at most {choices['budget']}; Ctrl-C ends it and keeps the best weights.")
    with progress_bar(say.quiet) as progress:
        forecaster.fit(panel, progress=progress)  # imports TensorFlow once all is checked
    fitted = forecaster.model_
    with locked(model, ArtifactError, waits_for(model, say)):
        fitted.save(model)
    for line in summary(fitted):
        say(line)
    horizon = max(fitted.record["plan"]["holdout"], 1)
    future = " --future FILE" if fitted.config.known else ""
    more = f"--horizon {horizon}{future}{model_given(model)}"
    say(f"Wrote {model}. Forecast with: forecast predict {more}")
    if as_json:
        print_json(fitted.record)


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Callable[[Progress], None] | None]:
    """A bar on standard error, if that is a terminal; the libraries write nothing there."""
    is_terminal = sys.stderr is not None and sys.stderr.isatty()
    with quiet_libraries() as stderr:
        if quiet or not is_terminal:
            yield None
            return
        with bar_on(stderr) as show:
            yield show


@contextmanager
def bar_on(terminal: TextIO) -> Iterator[Callable[[Progress], None]]:
    """A bar that shows the steps done, the loss and the time left."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(file=terminal)) as bar:
        task = bar.add_task("preparing", total=None)

        def show(now: Any) -> None:
            loss = now.loss if now.validation_loss is None else now.validation_loss
            bar.update(
                task,
                completed=now.step,
                total=now.steps,
                description=f"step {now.step:,} of {now.steps:,}, loss {loss:.4g}",
            )

        yield show


def summary(model: Model) -> list[str]:
    """How training went, and how good the model is, in words."""
    from forecast.evaluation import Comparison

    record, config, plan = model.record, model.config, model.record["plan"]
    last, kept, had_turn = record["rounds"][-1], record["kept"], record["regimes"]
    names = {0.0: "logarithm", 0.5: "square root", 1.0: "none"}
    transform = ", ".join(names[power] for power in config.powers)
    beside = [one.name for one in (*config.known, *config.static)]
    columns = f", columns {beside}" if beside else ""
    holidays = f", holidays of {config.holidays}" if config.holidays else ""
    lines = [
        f"Trained {config.network} ({config.layers} x {config.units} {config.cell.upper()} units, "
        f"feedback {' then '.join(had_turn)}) on {last['step']:,} "
        f"batch{'' if last['step'] == 1 else 'es'} in {last['seconds']:,.0f} s"
        f"{ENDED[record['ended']]}.",
        f"  inputs: last value, lags {list(config.lags)}, calendar {list(config.cycles)}"
        f"{holidays}{columns}; "
        f"transform: {transform}; scale: last {config.context} steps",
    ]
    if kept < last["step"]:
        lines.append(f"  weights: those after {kept:,} batches, the best on the validation")
    if plan["holdout"] and last["validation_loss"] is None and record["ended"] != "interrupted":
        lines.append("  no value is observed where the validation lies: the last weights are kept")
    missed = regimes_of(plan["feedback"])[len(had_turn) :]
    if missed:
        lines.append(f"  training ended before the turn of {' and '.join(missed)}")
    for name, bounds in zip(config.schema.forecasts, config.bounds, strict=True):
        if bounds != (None, None):
            whose = "forecasts" if name == "forecast" else f"forecasts of '{name}'"
            is_first = name == config.schema.forecasts[0]
            otherwise = "; --bounds says otherwise" if is_first else ""
            lines.append(f"  {whose} are kept {bounds}{otherwise}")
    if record["comparison"] is None:
        why = "Nothing was held out"
        if plan["holdout"]:
            why = "The held-out rows were not looked at"
        return [*lines, f"{why}, so there is no comparison with a naive forecast."]
    lines.append(Comparison(**record["comparison"]).sentence())
    for name, also in record["also"].items():
        if also:
            lines.append(f"Of '{name}': {Comparison(**also).sentence()}")
    return [*lines, *coverage(model)]


def coverage(model: Model) -> Iterator[str]:
    """Says how many of the held-out values intervals of 80 % … have held."""
    shares = model.record["coverage"]
    if shares:
        held = ", ".join(f"{share:.0f}% (of {level}%)" for level, share in shares.items())
        yield f"Intervals held {held} of those values; predict --levels gives them."
