"""`forecast predict`."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.errors import OptionError

from .output import (
    Levels,
    Limits,
    Say,
    check_place,
    command,
    count_series,
    model_given,
    model_option,
    quiet_libraries,
    refuse_overwriting,
)

if TYPE_CHECKING:
    from forecast.data.panel import Panel
    from forecast.inference.forecast import Forecast
    from forecast.model import Model


class Until(click.ParamType[Any]):
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
@model_option("The model to use.")
@click.option(
    "--horizon", "-n", type=click.IntRange(min=1), required=True, help="Steps to forecast."
)
@click.option("--out", "-o", type=click.Path(), help="Write here instead of standard output.")
@click.option(
    "--future",
    type=click.Path(allow_dash=True),
    help="The known columns of the steps to come: a table with their times; without the column "
    "that names the series it holds for all.",
)
@click.option("--series", multiple=True, help="Forecast this series only; may be repeated.")
@click.option(
    "--levels",
    type=Levels(),
    default=(),
    help='Intervals of so many percent, such as "80,95".',
)
@click.option(
    "--intervals",
    type=click.Choice(["auto", "calibrated", "paths"]),
    default="auto",
    show_default=True,
    help="Calibrated on the errors of rollouts on held-out rows, where there were enough, or "
    "percentiles of sample paths alone, for a head that has a distribution.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0, max=2**32 - 1),
    default=0,
    show_default=True,
    help="Of sample paths.",
)
@click.option(
    "--runtime",
    type=click.Choice(["auto", "numpy", "compiled"]),
    default="auto",
    show_default=True,
    help="What computes; compiled is TensorFlow, which pays for huge panels.",
)
@click.option(
    "--until",
    type=Until(),
    help='End a series early, with the first row for which "value<20", "value>20" or '
    '"unchanged 5" holds; --horizon is the most.',
)
@click.option(
    "--bounds",
    type=Limits("none", "non_negative"),
    help='Limits of forecasts, such as "0,100"; by default those chosen in training.',
)
@click.option("--state", type=click.Path(), help="Continue the state in this file.")
@click.option(
    "--keep-state",
    type=click.Path(),
    help="Write the state after the forecast here; intervals begin anew from it.",
)
@click.option(
    "--paths",
    type=click.IntRange(min=1),
    help="Sample paths of each series; intervals rest on at least 200, sums on 200 if not given.",
)
@click.option("--paths-out", type=click.Path(), help="Write the sample paths here.")
@click.option(
    "--sum-by",
    help='Add up the series with the same category of this static column, or "all", path by path.',
)
@click.option(
    "--sum-over",
    type=click.Choice(["day", "week", "month", "quarter", "year", "all"]),
    help="Add up the steps of so long a time, path by path.",
)
@click.option("--plot", type=click.Path(), help="Draw the forecast: a .png, .svg or .pdf file.")
@click.option(
    "--attention",
    type=click.Path(),
    help="Draw where each step looks, for a model trained with --network attention.",
)
@command
def predict(
    table: tuple[str, ...],
    model: str,
    horizon: int,
    out: str | None,
    future: str | None,
    series: tuple[str, ...],
    levels: tuple[float, ...],
    intervals: str,
    seed: int,
    runtime: str,
    until: Any,
    bounds: Any,
    state: str | None,
    keep_state: str | None,
    paths: int | None,
    paths_out: str | None,
    sum_by: str | None,
    sum_over: str | None,
    plot: str | None,
    attention: str | None,
    say: Say,
) -> None:
    """Forecast the steps that follow the training data and its updates, or those after TABLE.

    TABLE, one file or several, has the columns that the model was trained on; its series may be
    new ones.

    \b
    Examples:
      forecast predict --horizon 30 > next-month.csv
      forecast predict --horizon 48 --series north --plot north.png --out north.csv
      forecast predict --horizon 365 --until "value<20" --keep-state sold-out.state
      forecast predict --horizon 30 --state sold-out.state
      forecast predict --model priced.forecast --horizon 30 --future prices.csv > sales.csv
      forecast predict newer.csv --model stores.forecast --horizon 30 --levels 80,95 > stores.csv
      forecast predict "stores/*.csv" --model stores.forecast --horizon 30 > stores.csv
      forecast predict --model stores.forecast -n 28 --levels 80 --sum-by all --sum-over week
      forecast predict --model stores.forecast -n 28 --paths 100 --paths-out paths.parquet
    """
    from forecast.data.io.multi_file import files_of
    from forecast.data.io.tables import read_table, write_table
    from forecast.inference.intervals import PATHS
    from forecast.inference.state import State
    from forecast.model import Model, attention_weights
    from forecast.plotting import picture_kind, plot_attention, plot_forecast, write_figure

    inputs = {
        "the table itself": files_of(*table),
        "the future": [] if future is None else files_of(future),
        "the model": [model],
    }
    pictures = {"--plot": plot, "--attention": attention}
    places = {"--out": out, "--keep-state": keep_state, "--paths-out": paths_out, **pictures}
    refuse_overwriting(inputs, places)
    kept = {"--out": out, "--paths-out": paths_out, **pictures}
    refuse_overwriting({"the state itself": [state]}, kept)
    if future == "-" and "-" in table:
        raise OptionError("TABLE and --future cannot both be standard input; name a file for one")
    if paths_out == "-" and out in (None, "-"):
        raise OptionError("--out and --paths-out cannot both be standard output; name a file")
    if until and (sum_by or sum_over):
        raise OptionError("--until ends series early, and their sums with them; leave one out")
    if table and state is not None:
        raise OptionError("give a TABLE or a --state to continue, not both")
    for picture in pictures.values():
        if picture is not None:
            picture_kind(picture)
    for option, place in places.items():
        check_place(place, option)
    refuse_other_file(keep_state)
    wanted = list(dict.fromkeys(series)) or None
    fitted = Model.load(model)
    history = ahead = None
    if future is not None:
        read = read_table(future)
        ahead = fitted.ahead(read.frame, read.origin)
        for note in ahead.panel.notes:
            say(f"  {note}")
    if table:
        read = read_table(*table)
        history = fitted.panel(read.frame, read.origin)
        history = history if wanted is None else history.select(wanted)
        for note in [*history.notes, *short(history, fitted)]:
            say(f"  {note}")
    with quiet_libraries():  # a huge panel is forecast by TensorFlow
        forecast = fitted.rollout(
            horizon,
            history,
            state=None if state is None else State.load(state),
            series=wanted,
            levels=levels,
            paths=paths or (PATHS if paths_out or sum_by or sum_over else 0),
            intervals=intervals,
            seed=seed,
            runtime=runtime,
            bounds=bounds,
            until=until,
            future=ahead,
        )
    for note in [*forecast.notes, *(stopped(forecast, horizon) if until else [])]:
        say(f"  {note}")
    looks = None
    if attention is not None:
        with quiet_libraries():
            weights = attention_weights(fitted, forecast, bounds, ahead)
            looks = plot_attention(forecast, weights)
    result = forecast.table
    if sum_by or sum_over:
        result = fitted.totals(forecast, by=sum_by, over=sum_over, levels=levels)
    write_table(result, out)
    if paths_out is not None:
        futures = forecast.path_table
        write_table(futures, paths_out)
        say(f"Wrote {paths_out}: {len(futures):,} rows.")
    if keep_state is not None:
        forecast.state.save(keep_state)
        more = f"--state {shlex.quote(keep_state)} --horizon {horizon}{model_given(model)}"
        say(f"Wrote {keep_state}. Continue it with: forecast predict {more}")
    if plot is not None:
        with quiet_libraries():
            write_figure(plot_forecast(fitted.config, forecast, history), plot)
        say(f"Drew {plot}.")
    if attention is not None and looks is not None:
        with quiet_libraries():
            write_figure(looks, attention, "--attention")
        say(f"Drew {attention}.")
    if out is not None:
        say(f"Wrote {out}: {len(result):,} rows.")


def refuse_other_file(keep_state: str | None) -> None:
    """Refuse to write a state over a file that is no state."""
    from forecast.data.io.archive import is_packed
    from forecast.inference.state import PARTS

    if keep_state is None or not Path(keep_state).is_file() or is_packed(keep_state, PARTS):
        return
    raise OptionError(
        f"--keep-state {keep_state} would overwrite a file that is no state; name another file"
    )


def short(history: Panel, model: Model) -> Iterator[str]:
    """Says where a table has fewer rows than a forecast from it should look back over."""
    context = model.config.context
    few = history.lengths < context
    if few.any():
        yield (
            f"{history.source} has fewer rows of {count_series(int(few.sum()))} than the "
            f"{context} that a forecast is scaled by; if they follow what the model has seen, use "
            "forecast update"
        )


def stopped(forecast: Forecast, horizon: int) -> Iterator[str]:
    """Says how many series have met the condition before the horizon."""
    early = int((forecast.steps < horizon).sum())
    yield f"ended before {horizon} steps: {early:,} of {count_series(len(forecast.steps))}"
