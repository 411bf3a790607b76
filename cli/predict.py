"""`forecast predict`."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from forecast.errors import OptionError

from .inputs import Files, or_pretrained, read_inputs
from .kept_results import kept_unless_written
from .lakes import is_folder, predict_lake, predict_on_engine, predict_states
from .output import (
    BoundsType,
    LevelsType,
    Say,
    check_inputs,
    check_tables,
    command,
    count_series,
    future_option,
    horizon_option,
    model_given,
    model_option,
    plot_option,
    print_notes,
    refuse_overwriting,
)
from .progress import quiet_libraries
from .training_options import flags_given, reading_options

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from forecast.inference.forecast import Forecast
    from forecast.inference.state import State

    from .inputs import Inputs

NOT_IN_PARTS = (  # options of a forecast that is whole in memory
    *("series", "state", "keep_state", "plot", "attention", "until"),
    *("paths", "paths_out", "sum_by", "sum_over"),
)
NOT_OF_STATES = ("bad_series", "future", "engine", "engine_option")
TOTALS_PATHS = 200  # sample paths behind totals, where no number is given


class Outputs(NamedTuple):
    """Where the results of a forecast go; None for what is not asked for."""

    out: str | None = None
    keep_state: str | None = None
    paths_out: str | None = None
    plot: str | None = None
    attention: str | None = None

    def check(self, files: Files, state: str | None) -> None:
        """Refuse places that cannot be written, or would overwrite something."""
        from forecast.plotting import picture_kind

        places = {f"--{name.replace('_', '-')}": place for name, place in self._asdict().items()}
        inputs = files.check()
        refuse_overwriting(inputs, places)
        kept = {option: place for option, place in places.items() if option != "--keep-state"}
        refuse_overwriting({"the state itself": [state]}, kept)
        if self.paths_out == "-" and self.out in (None, "-"):
            raise OptionError("--out and --paths-out cannot both be standard output; name a file")
        for picture in (self.plot, self.attention):
            if picture is not None:
                picture_kind(picture)
        check_inputs(inputs, places)
        check_tables(self.out, self.paths_out)
        refuse_other_file(self.keep_state)


class SettingType(click.ParamType[Any]):
    """A setting of an engine, as in master=local[2]."""

    name = "name=value"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """Name and value."""
        if isinstance(value, tuple):
            return value
        name, sign, setting = value.partition("=")
        if not (name and sign):
            self.fail(f"{value!r} is not NAME=VALUE, such as master=local[2]", param, ctx)
        return name, setting


class Picture(NamedTuple):
    """A picture, and where it goes by which option."""

    option: str
    place: str
    figure: Figure


class UntilType(click.ParamType[Any]):
    """A condition that ends a series early, as in value<20."""

    name = "condition"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """A function of the values so far."""
        from forecast.inference.stopping import parse

        if callable(value):
            return value
        try:
            return parse(value)
        except OptionError as error:
            self.fail(str(error), param, ctx)


@click.command(short_help="Forecast the next steps.")
@click.argument("table", type=click.Path(allow_dash=True), nargs=-1)
@model_option('The model to use, or "pretrained"; see above where there is no such file.')
@horizon_option("Steps to forecast.", required=True)
@click.option(
    "--out",
    "-o",
    type=click.Path(),
    help="Write here instead of standard output; a FOLDER/ takes Parquet files, part by part.",
)
@click.option(
    "--bad-series",
    type=click.Choice(["raise", "report"]),
    default="raise",
    show_default=True,
    help="With --out FOLDER/: end at a series that cannot be used, or report it in a row.",
)
@click.option(
    "--engine",
    type=click.Choice(["spark", "dask", "ray"]),
    help="With --out FOLDER/: forecast there instead of on this machine, part by part.",
)
@click.option(
    "--engine-option",
    type=SettingType(),
    multiple=True,
    help="A setting of the engine, such as master=local[2]; may be repeated.",
)
@future_option()
@click.option("--series", multiple=True, help="Forecast this series only; may be repeated.")
@click.option(
    "--levels",
    type=LevelsType(),
    default=(),
    help='Levels of prediction intervals in percent, such as "80,95".',
)
@click.option(
    "--intervals",
    type=click.Choice(["auto", "calibrated", "paths"]),
    default="auto",
    show_default=True,
    help="calibrated: from the errors of rollouts on held-out rows (conformal); paths: quantiles "
    "of sample paths, for a head with a distribution; auto: calibrated if enough rows were held "
    "out.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0, max=2**32 - 1),
    default=0,
    show_default=True,
    help="Random seed of sample paths.",
)
@click.option(
    "--runtime",
    type=click.Choice(["auto", "numpy", "compiled"]),
    default="auto",
    show_default=True,
    help="Backend of the rollout; compiled uses TensorFlow, faster for very large panels.",
)
@click.option(
    "--until",
    type=UntilType(),
    help='Stop each series after the first step that meets a condition: "value<20", "value>20" '
    'or "unchanged 5"; --horizon is the maximum.',
)
@click.option(
    "--bounds",
    type=BoundsType("none", "non_negative"),
    help='Limits of forecasts, such as "0,100"; by default those chosen in training.',
)
@click.option("--state", type=click.Path(), help="Continue the state in this file.")
@click.option(
    "--states",
    type=click.Path(),
    help="With --out FOLDER/: forecast all series of this file, see forecast update --states.",
)
@click.option(
    "--keep-state",
    type=click.Path(),
    help="Write the state after the forecast here; when it is continued, intervals start narrow "
    "again.",
)
@click.option(
    "--paths",
    type=click.IntRange(min=1),
    help="Sample paths of each series; at least 200 for intervals, by default 200 for totals.",
)
@click.option("--paths-out", type=click.Path(), help="Write the sample paths here.")
@click.option(
    "--sum-by",
    help="Aggregate sample paths over the series with the same category of this static column, "
    'or "all".',
)
@click.option(
    "--sum-over",
    type=click.Choice(["day", "week", "month", "quarter", "year", "all"]),
    help="Aggregate sample paths over the steps of each of these periods.",
)
@plot_option("the forecast")
@click.option(
    "--attention",
    type=click.Path(),
    help="Draw the attention weights, for a model trained with --network attention.",
)
@reading_options
@command
def predict(
    table: tuple[str, ...],
    model: str,
    horizon: int,
    out: str | None,
    bad_series: str,
    engine: str | None,
    engine_option: tuple[tuple[str, str], ...],
    future: str | None,
    series: tuple[str, ...],
    levels: tuple[float, ...],
    intervals: str,
    seed: int,
    runtime: str,
    until: Any,
    bounds: Any,
    state: str | None,
    states: str | None,
    keep_state: str | None,
    paths: int | None,
    paths_out: str | None,
    sum_by: str | None,
    sum_over: str | None,
    plot: str | None,
    attention: str | None,
    say: Say,
    **reading: Any,
) -> None:
    """Forecast the steps that follow the training data and its updates, or those after TABLE.

    TABLE, one file or several, has the columns that the model was trained on; its series may be
    new ones.

    Where there is no model file, or with --model pretrained, TABLE is forecast without training, by
    a network that was pretrained on generated series. Its columns are then inferred as forecast
    train infers them, or named by --id, --time and --target.

    \b
    Examples:
      forecast predict sales.csv --horizon 30 > untrained.csv
      forecast predict sales.csv --model pretrained --horizon 30 --levels 80,95 > untrained.csv
      forecast predict --horizon 30 > next-month.csv
      forecast predict --horizon 48 --series north --plot north.png --out north.csv
      forecast predict --horizon 365 --until "value<20" --keep-state sold-out.state
      forecast predict --horizon 30 --state sold-out.state
      forecast predict --model priced.forecast --horizon 30 --future prices.csv > sales.csv
      forecast predict newer.csv --model stores.forecast --horizon 30 --levels 80,95 > stores.csv
      forecast predict "stores/*.csv" --model stores.forecast --horizon 30 > stores.csv
      forecast predict --model stores.forecast -n 28 --levels 80 --sum-by all --sum-over week
      forecast predict --model stores.forecast -n 28 --paths 100 --paths-out paths.parquet
      forecast predict "lake/*.parquet" --model stores.forecast -n 28 --out lake-forecast/
      forecast predict "lake/*.parquet" --model stores.forecast -n 28 --out on-spark/ --engine spark
      forecast predict --states all.states --model stores.forecast -n 28 --out tonight/
    """
    files = Files(or_pretrained(model, table), table, future, reading)
    options: dict[str, Any] = {"levels": levels, "intervals": intervals, "seed": seed}
    options |= {"runtime": runtime, "bounds": bounds}
    if is_folder(out):
        refused = {"--out FOLDER/": NOT_IN_PARTS, "--states": NOT_OF_STATES if states else ()}
        for other, names in refused.items():
            if given := flags_given(names):
                raise OptionError(f"{given[0]} does not go with {other}; leave one of them out")
        if states is not None and table:
            raise OptionError("give a TABLE or --states to continue, not both")
        if engine_option and not engine:
            raise OptionError("--engine-option sets an engine; name one with --engine")
        if engine:
            options["bad_series"] = bad_series
            settings = dict(engine_option)
            predict_on_engine(files, engine, settings, str(out), horizon, options, say)
        elif states is not None:
            predict_states(files.model, states, str(out), horizon, options, say)
        else:
            predict_lake(files, str(out), horizon, bad_series, options, say)
        return
    if given := flags_given(["bad_series", "states", "engine", "engine_option"]):
        raise OptionError(f"{given[0]} goes with --out FOLDER/; end the place of --out with /")
    outputs = Outputs(out, keep_state, paths_out, plot, attention)
    outputs.check(files, state)
    if until and (sum_by or sum_over):
        raise OptionError("--until ends series early, and their totals with them; leave one out")
    if table and state is not None and not files.is_pretrained:
        raise OptionError("give a TABLE or a --state to continue, not both")
    wanted = list(dict.fromkeys(series)) or None
    inputs = read_inputs(files, wanted, calibrated=bool(levels) and intervals != "paths")
    inputs.tell(say)
    print_notes(short_histories(inputs), say)
    is_drawn = paths_out or sum_by or sum_over
    with quiet_libraries():  # a huge panel is forecast by TensorFlow
        forecast = inputs.model.rollout(
            horizon,
            inputs.to_encode,
            state=read_state(state),
            series=wanted,
            paths=paths or (TOTALS_PATHS if is_drawn else 0),
            until=until,
            future=inputs.future,
            **options,
        )
    print_notes([*forecast.notes, *(stopped(forecast, horizon) if until else [])], say)
    result = forecast.table
    if sum_by or sum_over:
        result = inputs.model.totals(forecast, by=sum_by, over=sum_over, levels=levels)
    pictures = draw(inputs, forecast, outputs, bounds)  # before anything is written
    write(result, forecast, outputs, horizon, files, say)
    for picture in pictures:
        write_picture(picture, say)
    if out is not None:
        say(f"Wrote {out}: {len(result):,} rows.")


def read_state(path: str | None) -> State | None:
    """The state in a file, if one is named."""
    from forecast.inference.state import State

    return None if path is None else State.load(path)


def draw(inputs: Inputs, forecast: Forecast, outputs: Outputs, bounds: Any) -> list[Picture]:
    """The pictures that are asked for."""
    from forecast.model import attention_weights
    from forecast.plotting import plot_attention, plot_forecast

    model, pictures = inputs.model, []
    with quiet_libraries():
        if outputs.plot is not None:
            figure = plot_forecast(model.config, forecast, inputs.history)
            pictures.append(Picture("--plot", outputs.plot, figure))
        if outputs.attention is not None:
            weights = attention_weights(model, forecast, bounds, inputs.future)
            figure = plot_attention(forecast, weights)
            pictures.append(Picture("--attention", outputs.attention, figure))
    return pictures


def write(
    result: pd.DataFrame,
    forecast: Forecast,
    outputs: Outputs,
    horizon: int,
    files: Files,
    say: Say,
) -> None:
    """Write the table, the sample paths and the state."""
    from forecast.data.io.tables import write_table

    if outputs.out is None or outputs.out == "-":
        write_table(result, outputs.out)
    else:
        with kept_unless_written(outputs.out, partial(write_table, result), "the forecast"):
            write_table(result, outputs.out)
    if outputs.paths_out is not None:
        paths = forecast.path_table
        write_table(paths, outputs.paths_out)
        say(f"Wrote {outputs.paths_out}: {len(paths):,} rows.")
    if outputs.keep_state is not None:
        state = outputs.keep_state
        forecast.state.save(state)
        table = f"{files.words} " if files.is_pretrained else ""
        more = f"--state {shlex.quote(state)} --horizon {horizon}{model_given(files.model)}"
        say(f"Wrote {state}. Continue it with: forecast predict {table}{more}")


def write_picture(picture: Picture, say: Say) -> None:
    """Write a picture."""
    from forecast.plotting import write_figure

    with quiet_libraries():
        write_figure(picture.figure, picture.place, picture.option)
    say(f"Drew {picture.place}.")


def refuse_other_file(keep_state: str | None) -> None:
    """Refuse to write a state over a file that is not a state."""
    from forecast.data.io.archive import is_packed
    from forecast.inference.state import PARTS

    if keep_state is None or not Path(keep_state).is_file() or is_packed(keep_state, PARTS):
        return
    raise OptionError(
        f"--keep-state {keep_state} would overwrite a file that is not a state; name another file"
    )


def short_histories(inputs: Inputs) -> Iterator[str]:
    """Says where a table has fewer rows than the context of the model."""
    if inputs.to_encode is None:
        return
    context = inputs.model.config.context
    is_short = inputs.to_encode.lengths < context
    if is_short.any():
        yield (
            f"{inputs.to_encode.source} has fewer rows of {count_series(int(is_short.sum()))} than "
            f"the {context} that a forecast is scaled by; if they follow what the model has seen, "
            "use forecast update"
        )


def stopped(forecast: Forecast, horizon: int) -> Iterator[str]:
    """Says how many series have met the condition before the horizon."""
    early = int((forecast.steps < horizon).sum())
    yield f"ended before {horizon} steps: {early:,} of {count_series(len(forecast.steps))}"
