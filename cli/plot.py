"""`forecast plot`."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from forecast.errors import OptionError

from .inputs import Files, Inputs, read_inputs
from .output import (
    PRETRAINED,
    LevelsType,
    Say,
    check_inputs,
    command,
    future_option,
    horizon_option,
    model_option,
    print_data,
    stride_option,
)
from .progress import quiet_libraries
from .training_options import reading_options

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from forecast.backtest import Backtest
    from forecast.data.panel import Panel
    from forecast.inference.forecast import Forecast
    from forecast.model import Model
    from forecast.plotting import TrainingCurves

OF_MODEL = ("forecast", "training", "attention")
OF_BACKTEST = ("forecasts", "errors", "calibration")
WITH_TEXT_CHART = ("forecast", "training", "errors")
APPLICABLE = {  # options, besides the model and the place
    "training": (),
    "attention": ("TABLE", "--horizon", "--series", "--future"),
    "forecast": ("TABLE", "--horizon", "--series", "--future", "--levels", "--compare"),
} | dict.fromkeys(
    OF_BACKTEST, ("TABLE", "--horizon", "--series", "--levels", "--cutoffs", "--stride")
)
MAX_CHART_WIDTH = 100  # characters


class PictureRequest(NamedTuple):
    """What a picture shows.

    Attributes:
        kind: an entry of OF_MODEL or OF_BACKTEST.
        horizon: steps of a forecast.
        series: ids to draw; None for all.
        levels: widths of intervals in percent; None for the usual ones.
        cutoffs, stride: of a backtest.
    """

    kind: str
    horizon: int
    series: list[str] | None
    levels: tuple[float, ...] | None
    cutoffs: int | None
    stride: int | None


@click.command(short_help="Plot a forecast, training curves, or backtest errors.")
@click.argument("kind", type=click.Choice([*OF_MODEL, *OF_BACKTEST]), metavar="KIND")
@click.argument("table", type=click.Path(allow_dash=True), nargs=-1)
@model_option("The model to use.")
@click.option(
    "--out",
    "-o",
    type=click.Path(),
    help="Write the picture here, a .png, .svg or .pdf file, instead of a text chart.",
)
@horizon_option("Steps to forecast; by default the horizon of the training windows.")
@click.option("--series", multiple=True, help="Draw this series only; may be repeated.")
@click.option(
    "--levels", type=LevelsType(), help='Levels of intervals in percent, such as "80,95".'
)
@future_option()
@click.option(
    "--cutoffs", type=click.IntRange(min=1), help="Number of cutoffs of a backtest; by default 10."
)
@stride_option()
@click.option(
    "--compare",
    type=click.Path(),
    help="Draw the forecast of this model too, in the same picture: a file, or "
    '"pretrained", which forecasts TABLE without training.',
)
@reading_options
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
    compare: str | None,
    say: Say,
    **reading: Any,
) -> None:
    """Plot to the file --out, or without it as a text chart: forecast, training and errors only.

    \b
    KIND is one of
      forecast      of the steps after the training data, or after TABLE
      training      training and validation loss
      attention     attention weights of each step, for --network attention
      forecasts     of a backtest on TABLE, against the actuals
      errors        of that backtest by step, next to baselines
      calibration   of that backtest: empirical against nominal coverage

    \b
    Examples:
      forecast plot forecast --horizon 30
      forecast plot forecast sales.csv --model pretrained --horizon 30
      forecast plot forecast sales.csv --horizon 30 --compare pretrained --out both.png
      forecast plot training --out training.pdf
      forecast plot errors newer.csv --horizon 7 --cutoffs 3
      forecast plot forecasts newer.csv --horizon 7 --cutoffs 3 --out forecasts.png
    """
    given = {
        "TABLE": table,
        "--horizon": horizon,
        "--series": series,
        "--levels": levels,
        "--future": future,
        "--cutoffs": cutoffs,
        "--stride": stride,
        "--compare": compare,
    }
    check_given(kind, [name for name, value in given.items() if value], out)
    files = Files(model, table, future, reading)
    if kind == "training" and files.is_pretrained:
        raise OptionError(
            "the pretrained network was not trained here: there are no losses to draw"
        )
    check_compared(compare, table, out)
    check_picture(files, compare, out)
    wanted = list(dict.fromkeys(series)) or None
    inputs = read_inputs(files, wanted, calibrated=kind == "forecast" and bool(levels))
    steps = horizon or inputs.model.config.horizon
    request = PictureRequest(kind, steps, wanted, levels, cutoffs, stride)
    with quiet_libraries():  # a huge panel is forecast by TensorFlow
        if kind == "training":
            drawn = of_training(inputs, out)
        elif kind in OF_BACKTEST:
            drawn = of_backtest(inputs, request, out)
        else:
            other = None if compare is None else compared(files, compare, inputs, request)
            drawn = of_forecast(inputs, request, out, other or MappingProxyType({}))
    inputs.tell(say)
    if isinstance(drawn, list):
        for line in drawn:
            print_data(line)
    elif out is not None:
        from forecast.plotting import write_figure

        with quiet_libraries():
            write_figure(drawn, out, "--out")
        say(f"Drew {out}.")


def check_picture(files: Files, compare: str | None, out: str | None) -> None:
    """Refuse places that cannot be written, or stand for two things."""
    from forecast.plotting import picture_kind

    if out is not None:
        picture_kind(out)
    other = None if compare == PRETRAINED else compare
    check_inputs({**files.check(), "the other model": [other]}, {"--out": out})


def check_compared(compare: str | None, table: tuple[str, ...], out: str | None) -> None:
    """Refuse a second forecast where it cannot be made or drawn."""
    if compare is None:
        return
    if out is None:
        raise OptionError("--compare draws two forecasts; write the picture with --out FILE.png")
    if compare == PRETRAINED and not table:
        raise OptionError(f"--compare {PRETRAINED} forecasts a TABLE without training; give one")
    if compare != PRETRAINED and "-" in table:
        raise OptionError("--compare reads TABLE again; name a file instead of standard input")


def check_given(kind: str, names: list[str], out: str | None) -> None:
    """Refuse what does not belong to a kind, before anything is read."""
    for name in names:
        if name not in APPLICABLE[kind]:
            raise OptionError(f"{name} has no effect on the picture {kind!r}; leave it out")
    if kind in OF_BACKTEST and "TABLE" not in names:
        raise OptionError(f"the picture {kind!r} needs a TABLE whose last rows are forecast")
    if out is None and kind not in WITH_TEXT_CHART:
        raise OptionError(f"{kind!r} has no text chart; write a picture with --out FILE.png")


def of_backtest(inputs: Inputs, request: PictureRequest, out: str | None) -> Figure | list[str]:
    """A picture of forecasts from past cutoffs, or their errors in text."""
    from forecast.evaluation.rolling_origin import DEFAULT_CUTOFFS

    backtest = inputs.model.backtest(
        inputs.history,
        request.horizon,
        request.cutoffs or DEFAULT_CUTOFFS,
        stride=request.stride,
        levels=request.levels,
    )
    inputs.notes.extend(backtest.notes)
    return backtest.plot(request.kind) if out else errors_text(backtest)


def compared(
    files: Files, path: str, inputs: Inputs, request: PictureRequest
) -> Mapping[str, Forecast]:
    """The forecast of another model, by its name in the picture.

    Args:
        files: of the model that it is compared with.
        path: of the other model, or PRETRAINED.
        inputs: of the former.
        request: what the picture shows.
    """
    from forecast.model import Model

    if path == PRETRAINED and inputs.history is not None:
        forecast = Model.untrained(inputs.history, calibrated=False).rollout(request.horizon)
    else:
        other = read_inputs(files._replace(model=path, reading={}), request.series)
        forecast = other.model.rollout(
            request.horizon, other.history, series=request.series, future=other.future
        )
    return {Path(path).name: forecast}


def of_forecast(
    inputs: Inputs, request: PictureRequest, out: str | None, others: Mapping[str, Forecast]
) -> Figure | list[str]:
    """A picture of a forecast, or of its attention weights, or its first series in text."""
    from forecast.model import attention_weights
    from forecast.plotting import plot_attention, plot_forecast

    model = inputs.model
    forecast = model.rollout(
        request.horizon,
        inputs.to_encode,
        series=request.series,
        levels=request.levels or (),
        future=inputs.future,
    )
    inputs.notes.extend(forecast.notes)
    if request.kind == "attention":
        weights = attention_weights(model, forecast, future=inputs.future)
        return plot_attention(forecast, weights)
    if out:
        return plot_forecast(model.config, forecast, inputs.history, others=others)
    return forecast_text(model, forecast, inputs.history)


def of_training(inputs: Inputs, out: str | None) -> Figure | list[str]:
    """The curves of a training, as a picture or in text."""
    from forecast.plotting import plot_training

    curves = inputs.model.trained.curves()
    return plot_training(curves) if out else training_text(curves)


def training_text(curves: TrainingCurves) -> list[str]:
    """The losses of a training as a chart."""
    ends = (f"step {curves.steps[0]:,}", f"step {curves.steps[-1]:,}")
    return ["loss", *drawn_in_text(curves.losses, ends)]


def errors_text(backtest: Backtest) -> list[str]:
    """The errors of a backtest by step as a chart."""
    from forecast.evaluation.cutoff_forecasts import FORECAST
    from forecast.evaluation.metrics import scaled_errors
    from forecast.plotting.errors import errors_by_step

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
        title += f": {shorten(str(forecast.start.ids[0]), MAX_CHART_WIDTH // 2)}"
    if count > 1:
        title += f", the first of {count:,} series"
    lines = {"observed": past, "forecast": ahead}
    return [title, *drawn_in_text(lines, ends, before - 1)]


def drawn_in_text(
    lines: dict[str, Any], ends: tuple[str, str], divide: float | None = None
) -> list[str]:
    """A chart as wide as the terminal, of characters that it has; see `text_chart`."""
    from forecast.plotting.text_chart import UNICODE, Curve, text_chart

    width = min(shutil.get_terminal_size().columns, MAX_CHART_WIDTH)
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
