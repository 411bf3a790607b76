"""`forecast plot`."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from forecast.errors import ArtifactError, OptionError

from .output import (
    Levels,
    Say,
    check_place,
    command,
    model_option,
    print_data,
    quiet_libraries,
    refuse_overwriting,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from forecast.backtest import Backtest
    from forecast.data.future_covariates import FutureCovariates
    from forecast.data.panel import Panel
    from forecast.inference.forecast import Forecast
    from forecast.model import Model
    from forecast.plotting import TrainingCurves

OF_MODEL = ("forecast", "training", "attention")
OF_BACKTEST = ("forecasts", "errors", "calibration")
IN_TEXT = ("forecast", "training", "errors")
TAKES = {  # besides the model and the place
    "training": (),
    "attention": ("TABLE", "--horizon", "--series", "--future"),
    "forecast": ("TABLE", "--horizon", "--series", "--future", "--levels"),
} | dict.fromkeys(
    OF_BACKTEST, ("TABLE", "--horizon", "--series", "--levels", "--cutoffs", "--stride")
)
WIDEST = 100  # characters of a chart in text


class Inputs(NamedTuple):
    """What the files hold: rows, known columns of the rows to come, and what is to be said."""

    history: Panel | None
    ahead: FutureCovariates | None
    notes: list[str]


@click.command(short_help="Draw a model, its forecast, or how good it is.")
@click.argument("kind", type=click.Choice([*OF_MODEL, *OF_BACKTEST]), metavar="KIND")
@click.argument("table", type=click.Path(allow_dash=True), nargs=-1)
@model_option("The model to use.")
@click.option(
    "--out",
    "-o",
    type=click.Path(),
    help="Draw here, a .png, .svg or .pdf file, instead of a small chart of text.",
)
@click.option(
    "--horizon",
    "-n",
    type=click.IntRange(min=1),
    help="Steps of a forecast; by default as many as a window of training had.",
)
@click.option("--series", multiple=True, help="Draw this series only; may be repeated.")
@click.option("--levels", type=Levels(), help='Intervals of so many percent, such as "80,95".')
@click.option(
    "--future", type=click.Path(allow_dash=True), help="The known columns of the steps to come."
)
@click.option("--cutoffs", type=click.IntRange(min=1), help="Forecasts of each series.")
@click.option("--stride", type=click.IntRange(min=1), help="Rows from one cutoff to the next.")
@command
def plot(
    kind: str,
    table: tuple[str, ...],
    model: str,
    out: str | None,
    horizon: int | None,
    series: tuple[str, ...],
    levels: tuple[float, ...] | None,
    future: str | None,
    cutoffs: int | None,
    stride: int | None,
    say: Say,
) -> None:
    """Draw a picture, or a small chart of text on standard output where --out is not given.

    \b
    KIND is one of
      forecast      the steps that follow the training data, or TABLE
      training      the losses, step by step
      attention     where each step of a forecast looks, for --network attention
      forecasts     of the last rows of TABLE, against what came
      errors        of those forecasts by step, beside naive forecasts
      calibration   how many values their intervals held

    \b
    Examples:
      forecast plot forecast --horizon 30
      forecast plot training --out training.pdf
      forecast plot errors newer.csv --horizon 7 --cutoffs 3
      forecast plot forecasts newer.csv --horizon 7 --cutoffs 3 --out forecasts.png
    """
    from forecast.model import Model
    from forecast.plotting import write_figure

    given = {
        "TABLE": table,
        "--horizon": horizon,
        "--series": series,
        "--levels": levels,
        "--future": future,
        "--cutoffs": cutoffs,
        "--stride": stride,
    }
    check_given(kind, [name for name, value in given.items() if value], out)
    check_files(table, future, model, out)
    fitted = Model.load(model)
    wanted = list(dict.fromkeys(series)) or None
    read = inputs_of(fitted, table, future, wanted)
    steps = horizon or fitted.config.horizon
    with quiet_libraries():  # a huge panel is forecast by TensorFlow
        if kind == "training":
            drawn = of_training(fitted.record, model, out)
        elif kind in OF_BACKTEST:
            drawn = of_backtest(fitted, read, kind, out, (steps, cutoffs, stride, levels))
        else:
            choices = {"series": wanted, "levels": levels or (), "future": read.ahead}
            drawn = of_forecast(fitted, read, kind, out, steps, choices)
    for note in read.notes:
        say(f"  {note}")
    if isinstance(drawn, list):
        for line in drawn:
            print_data(line)
    elif out is not None:
        with quiet_libraries():
            write_figure(drawn, out, "--out")
        say(f"Drew {out}.")


def check_files(table: tuple[str, ...], future: str | None, model: str, out: str | None) -> None:
    """Refuse places that cannot be written, or stand for two things."""
    from forecast.data.io.multi_file import files_of
    from forecast.plotting import picture_kind

    inputs = {
        "the table itself": files_of(*table),
        "the future": [] if future is None else files_of(future),
        "the model": [model],
    }
    refuse_overwriting(inputs, {"--out": out})
    if out is not None:
        picture_kind(out)
    check_place(out, "--out")
    if future == "-" and "-" in table:
        raise OptionError("TABLE and --future cannot both be standard input; name a file for one")


def inputs_of(
    model: Model, table: tuple[str, ...], future: str | None, wanted: list[str] | None
) -> Inputs:
    """What is read from the files."""
    from forecast.data.io.tables import read_table

    history = ahead = None
    notes: list[str] = []
    if table:
        read = read_table(*table)
        history = model.panel(read.frame, read.origin)
        history = history if wanted is None else history.select(wanted)
        notes += history.notes
    if future is not None:
        read = read_table(future)
        ahead = model.ahead(read.frame, read.origin)
        notes += ahead.panel.notes
    return Inputs(history, ahead, notes)


def check_given(kind: str, names: list[str], out: str | None) -> None:
    """Refuse what does not belong to a kind, before anything is read."""
    for name in names:
        if name not in TAKES[kind]:
            raise OptionError(f"{name} says nothing about the picture {kind!r}; leave it out")
    if kind in OF_BACKTEST and "TABLE" not in names:
        raise OptionError(f"the picture {kind!r} needs a TABLE whose last rows are forecast")
    if out is None and kind not in IN_TEXT:
        raise OptionError(f"there is no chart of text for {kind!r}; name a picture with --out")


def of_backtest(
    model: Model,
    read: Inputs,
    kind: str,
    out: str | None,
    numbers: tuple[int, int | None, int | None, Any],
) -> Figure | list[str]:
    """A picture of forecasts of the past, or their errors in text; `numbers` as `plot` has them."""
    from forecast.backtest import CUTOFFS

    steps, cutoffs, stride, levels = numbers
    found = model.backtest(read.history, steps, cutoffs or CUTOFFS, stride=stride, levels=levels)
    read.notes.extend(found.notes)
    return found.plot(kind) if out else errors_text(found)


def of_forecast(
    model: Model,
    read: Inputs,
    kind: str,
    out: str | None,
    steps: int,
    choices: dict[str, Any],
) -> Figure | list[str]:
    """A picture of a forecast, or of where it looks, or its first series in text."""
    from forecast.model import attention_weights
    from forecast.plotting import plot_attention, plot_forecast

    forecast = model.rollout(steps, read.history, **choices)
    read.notes.extend(forecast.notes)
    if kind == "attention":
        return plot_attention(forecast, attention_weights(model, forecast, future=read.ahead))
    if out:
        return plot_forecast(model.config, forecast, read.history)
    return forecast_text(model, forecast, read.history)


def of_training(record: dict[str, Any], model: str, out: str | None) -> Figure | list[str]:
    """The curves of a training, as a picture or in text."""
    from forecast.model import training_curves
    from forecast.plotting import plot_training

    try:
        curves = training_curves(record)
        return plot_training(curves) if out else training_text(curves)
    except OptionError:
        raise
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        raise ArtifactError(f"{model}: its training record is damaged; train again") from None


def training_text(curves: TrainingCurves) -> list[str]:
    """The losses of a training as a chart."""
    ends = (f"step {curves.steps[0]:,}", f"step {curves.steps[-1]:,}")
    return ["loss", *drawn_in_text(curves.losses, ends)]


def errors_text(backtest: Backtest) -> list[str]:
    """The errors of a backtest by step as a chart."""
    from forecast.evaluation.metrics import FORECAST
    from forecast.plotting.errors import errors_by_step
    from forecast.plotting.scaled import scaled_errors

    measure = scaled_errors(backtest, FORECAST).measure
    ends = ("step 1", f"step {backtest.horizon:,}")
    return [f"{measure} by step of the horizon", *drawn_in_text(errors_by_step(backtest), ends)]


def forecast_text(model: Model, forecast: Forecast, history: Panel | None) -> list[str]:
    """The first series of a forecast as a chart, with its history."""
    import numpy as np

    from forecast.data.dataframes import to_pandas
    from forecast.plotting.forecast import series_forecast
    from forecast.plotting.style import shorten

    config, count = model.config, len(forecast.start.ids)
    course = series_forecast(config, forecast, 0, history)
    future = to_pandas(course.table)[config.schema.forecasts[0]].to_numpy()
    before, after = len(course.past_times), len(future)
    past = np.concatenate([course.past_values[:, 0], np.full(after, np.nan)])
    ahead = np.concatenate([np.full(before, np.nan), future])
    ahead[before - 1] = past[before - 1]  # the two lines meet
    last = int(forecast.state.time[0])
    first = last - (before + after - 1) * config.frequency.step
    ends = (config.schema.text(config.frequency, first), config.schema.text(config.frequency, last))
    title = config.schema.targets[0]
    if config.schema.id or count > 1:
        title += f": {shorten(str(forecast.start.ids[0]), WIDEST // 2)}"
    if count > 1:
        title += f", the first of {count:,} series"
    lines = {"observed": past, "forecast": ahead}
    return [title, *drawn_in_text(lines, ends, before - 1)]


def drawn_in_text(
    lines: dict[str, Any], ends: tuple[str, str], divide: float | None = None
) -> list[str]:
    """A chart as wide as the terminal, of characters that it has; see `text_chart`."""
    from forecast.plotting.text_chart import UNICODE, Curve, text_chart

    width = min(shutil.get_terminal_size().columns, WIDEST)
    curves = [Curve(name, values) for name, values in lines.items()]
    ascii_only = not can_print("".join(UNICODE) + "\u28ff")
    return text_chart(curves, ends, divide, width, ascii_only=ascii_only)


def can_print(text: str) -> bool:
    """Whether standard output has these characters."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return False
    return True
