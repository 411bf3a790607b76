"""`forecast train`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from forecast.errors import ArtifactError

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
    quiet_libraries,
    refuse_overwriting,
    waits_for,
)

if TYPE_CHECKING:
    pass


@click.command(short_help="Train a model on a table of time series.")
@click.argument("table", type=click.Path(allow_dash=True), nargs=-1, required=True)
@model_option("Where to write the model.")
@training_choices
@click.option("--json", "as_json", is_flag=True, help="Print the training record as JSON.")
@click.option(
    "--plot", type=click.Path(), help="Draw the training curves: a .png, .svg or .pdf file."
)
@command
def train(
    table: tuple[str, ...], model: str, as_json: bool, plot: str | None, say: Say, **choices: Any
) -> None:
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
      forecast train sales.csv --plot training.png
    """
    from forecast.data.io.atomic_write import locked
    from forecast.data.io.multi_file import files_of
    from forecast.data.io.tables import read_table
    from forecast.data.to_panel import to_panel
    from forecast.forecaster import Forecaster
    from forecast.model import training_curves
    from forecast.plotting import picture_kind, plot_training, write_figure
    from forecast.report.text_summary import summary

    places = {"--model": model, "--plot": plot}
    if plot is not None:
        picture_kind(plot)
    for option, place in places.items():
        check_place(place, option)
    refuse_overwriting({"the table itself": files_of(*table)}, places)
    forecaster = Forecaster(**choices)
    forecaster.check()
    read = read_table(*table)
    names = {name: choices[name] for name in COLUMNS}
    panel = to_panel(read.frame, read.origin, **names)
    say(f"Read {read.origin.source}: {count_series(len(panel.ids))}, {len(read.frame):,} rows.")
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
    if plot is not None:
        with quiet_libraries():
            write_figure(plot_training(training_curves(fitted.record)), plot)
        say(f"Drew {plot}.")
    if as_json:
        print_json(fitted.record)
