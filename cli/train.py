"""`forecast train`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from forecast.errors import ArtifactError
from forecast.training.regimes import regimes_of

from .choosing import COLUMNS, training_choices
from .output import (
    Say,
    check_place,
    command,
    count_series,
    model_given,
    model_option,
    print_json,
    progress_bar,
    refuse_overwriting,
    waits_for,
)

if TYPE_CHECKING:
    from forecast.model import Model


ENDED = {
    "planned": "",
    "early": " (ended early: the validation loss no longer fell)",
    "budget": " (shortened by --budget)",
    "interrupted": " (interrupted: the best weights so far are kept)",
}


@click.command(short_help="Train a model on a table of time series.")
@click.argument("table", type=click.Path(allow_dash=True), nargs=-1, required=True)
@model_option("Where to write the model.")
@training_choices
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
    names = {name: choices[name] for name in COLUMNS}
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
