"""`forecast train`."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.errors import ArtifactError, OptionError

from .kept_results import kept_unless_written
from .mlflow_run import mlflow_run
from .output import (
    Say,
    check_inputs,
    command,
    count_series,
    max_rows_option,
    model_given,
    model_option,
    plot_option,
    print_json,
    print_notes,
    refuse_pretrained,
    waits_for,
)
from .progress import progress_bar, quiet_libraries
from .training_options import column_roles, training_options

if TYPE_CHECKING:
    from forecast.data.io.tables import Table
    from forecast.data.panel import Panel
    from forecast.forecaster import Forecaster


@click.command(short_help="Train a model on a table of time series.")
@click.argument("table", type=click.Path(allow_dash=True), nargs=-1, required=True)
@model_option("Where to write the model.")
@training_options
@max_rows_option
@click.option("--json", "as_json", is_flag=True, help="Print the training record as JSON.")
@plot_option("the training curves")
@click.option(
    "--mlflow",
    "to_mlflow",
    is_flag=True,
    help="Log the training and its model to MLflow, where MLFLOW_TRACKING_URI says.",
)
@command
def train(
    table: tuple[str, ...],
    model: str,
    max_rows: int | None,
    as_json: bool,
    plot: str | None,
    to_mlflow: bool,
    say: Say,
    **options: Any,
) -> None:
    """Train a model on TABLE: a CSV, Parquet or Excel file, or - for standard input.

    The table is long (a column of times, one of values, perhaps one that names the series) or
    wide (a column per series). What is not given is chosen from the data and reported. SIGTERM ends
    the training as Ctrl-C does: the best weights so far are kept.

    Several files, or a pattern in quotes, are one table; they have the same columns. Where no
    column distinguishes their series, the names of the files do, as a column "file".

    \b
    Examples:
      forecast train sales.csv
      forecast train sales.csv --id store --time day --target units --budget 2m
      forecast train "stores/*.csv"
      forecast train sales.csv --head student_t --model stores.forecast
      forecast train sales.csv --target units --known price --model priced.forecast
      forecast train sales.csv --target units --also visitors --model both.forecast
      forecast train sales.csv --plot training.png
      forecast train "lake/*.parquet" --max-rows 2000000
      forecast train sales.csv --mlflow
      forecast train sales.csv --steps 0

    The last one trains nothing: its model is the pretrained network with the state of the table's
    series, for forecast update.
    """
    from forecast.data.io.multi_file import files_of
    from forecast.forecaster import Forecaster
    from forecast.plotting import picture_kind

    if plot is not None:
        picture_kind(plot)
    check_inputs({"the table itself": files_of(*table)}, {"--model": model, "--plot": plot})
    refuse_pretrained(model)
    forecaster = Forecaster(**options)
    forecaster.check()
    if not forecaster.is_trained:
        refuse_training_results(as_json, plot)
    panel, drawn_from = read_to_train(table, model, options, say, max_rows)
    if forecaster.is_trained:
        limit = options["budget"]
        say(f"Training, for at most {limit}; Ctrl-C ends it and keeps the best weights.")
    with mlflow_run(to_mlflow) as run:
        with progress_bar(say.quiet) as progress, sigterm_as_control_c():
            forecaster.fit(panel, progress=progress)  # imports TensorFlow once all is checked
            save_trained(forecaster, model, say)
        tell_trained(forecaster, model, drawn_from, say)
        run.log(forecaster, say)
    if plot is not None:
        with quiet_libraries():
            write_curves(forecaster, plot)
        say(f"Drew {plot}.")
    if as_json:
        print_json(forecaster.model_.trained.to_json())


def read_to_train(
    table: tuple[str, ...], model: str, options: dict[str, Any], say: Say, max_rows: int | None
) -> tuple[Panel, tuple[str, ...]]:
    """Read a table, say what was read, and see that the model can be written later.

    Args:
        table: its paths.
        model: where the model will go.
        options: of the training.
        say: prints a line.
        max_rows: that are read, of Parquet files.

    Returns:
        The panel; and the paths, where only some of their series were read.
    """
    from forecast.data.io.atomic_write import locked
    from forecast.data.to_panel import to_panel

    read, note = read_some(table, options, max_rows)
    panel = to_panel(read.frame, read.origin, **column_roles(options))
    say(f"Read {panel.source}: {count_series(len(panel.ids))}, {len(read.frame):,} rows.")
    print_notes([*([note] if note else []), *panel.notes], say)
    with locked(model, ArtifactError, waits_for(model, say)):
        pass  # a lock that cannot be had is reported before time goes into training
    return panel, table if note else ()


def read_some(
    table: tuple[str, ...], options: dict[str, Any], max_rows: int | None
) -> tuple[Table, str | None]:
    """Read a table: of large Parquet files some of the series, and then a note that says so."""
    from forecast.data.io.multi_file import files_of
    from forecast.data.io.tables import Table, read_table
    from forecast.data.origin import TableOrigin

    paths = [*map(Path, files_of(*table))]
    is_parquet = all(path.suffix == ".parquet" and path.is_file() for path in paths)
    are_there = all(path.is_file() for path in paths)  # reading says what is wrong with others
    if max_rows is not None and are_there and not is_parquet:
        raise OptionError(
            "--max-rows draws series from Parquet files, whose names end so; other tables are read "
            "whole: leave it out"
        )
    if is_parquet:
        from forecast.engines.sampling import MAX_ROWS, draw  # PyArrow, which CSV does without

        names = ("id", "time", "target", "date_format", "frequency")
        how = {name: options[name] for name in names}
        if sample := draw(table, max_rows or MAX_ROWS, int(options["seed"]), **how):
            return Table(sample.table, TableOrigin(sample.source)), sample.note
    return read_table(*table, id=options["id"]), None


def save_trained(forecaster: Forecaster, model: str, say: Say) -> None:
    """Write a model that took long to train; it is kept where that fails."""
    from forecast.data.io.atomic_write import locked

    save = forecaster.model_.save
    with (
        kept_unless_written(model, save, "the trained model"),
        locked(model, ArtifactError, waits_for(model, say)),
    ):
        save(model)


def tell_trained(forecaster: Forecaster, model: str, drawn_from: tuple[str, ...], say: Say) -> None:
    """Say how a training went, and how to forecast with its model.

    Args:
        forecaster: that was fitted.
        model: its file.
        drawn_from: paths of the series that it was trained on some of.
        say: prints a line.
    """
    from forecast.report.text_summary import summary

    for line in summary(forecaster.model_):
        say(line)
    options = predict_options(forecaster, model)
    if drawn_from:
        say(f"{model} knows the series that were drawn; the others are forecast from their rows.")
        options = f"{shlex.join(drawn_from)} {options} --out FOLDER/"
    say(f"Wrote {model}. Forecast with: forecast predict {options}")


def refuse_training_results(as_json: bool, plot: str | None) -> None:
    """Refuse what shows a training where there is none."""
    for option, is_given in (("--json", as_json), ("--plot", plot is not None)):
        if is_given:
            raise OptionError(
                f"{option} shows how the training went, and with --steps 0 there is none; leave "
                f"{option} out"
            )


@contextmanager
def sigterm_as_control_c() -> Iterator[None]:
    """SIGTERM, which batch systems send at a time limit, acts like Ctrl-C unless it is handled."""
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def predict_options(forecaster: Forecaster, path: str) -> str:
    """The options with which the model of a forecaster forecasts."""
    model = forecaster.model_
    steps = model.config.horizon if model.is_zero_shot else model.trained.plan.holdout
    horizon = max(steps, 1)
    future = " --future FILE" if model.config.known else ""
    return f"--horizon {horizon}{future}{model_given(path)}"


def write_curves(forecaster: Forecaster, path: str) -> None:
    """Draw the losses of the training."""
    from forecast.plotting import plot_training, write_figure

    write_figure(plot_training(forecaster.model_.trained.curves()), path)
