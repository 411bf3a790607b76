"""`forecast predict`."""

from __future__ import annotations

from typing import Any

import click

from .output import Say, command, model_option, quiet_libraries, refuse_overwriting


class Levels(click.ParamType[tuple[float, ...]]):
    """Interval widths in percent, as in 80,95."""

    name = "percents"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[float, ...]:
        """Numbers between 0 and 100, separated by commas."""
        if isinstance(value, tuple):
            return value
        try:
            levels = tuple(float(part) for part in value.split(","))
        except ValueError:
            levels = (0.0,)
        if not all(0 < level < 100 for level in levels):
            self.fail(f"{value!r} is not a list of percents such as 80,95", param, ctx)
        return levels


@click.command(short_help="Forecast the next steps.")
@click.argument("table", type=click.Path(allow_dash=True), required=False)
@model_option("The model to use.")
@click.option(
    "--horizon", "-n", type=click.IntRange(min=1), required=True, help="Steps to forecast."
)
@click.option("--out", "-o", type=click.Path(), help="Write here instead of standard output.")
@click.option("--series", multiple=True, help="Forecast this series only; may be repeated.")
@click.option(
    "--levels",
    type=Levels(),
    default=(),
    help='Intervals, such as "80,95"; needs a model trained with --head student_t.',
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
@click.option("--plot", type=click.Path(), help="Draw the forecast: a .png, .svg or .pdf file.")
@command
def predict(
    table: str | None,
    model: str,
    horizon: int,
    out: str | None,
    series: tuple[str, ...],
    levels: tuple[float, ...],
    seed: int,
    runtime: str,
    plot: str | None,
    say: Say,
) -> None:
    """Forecast the steps that follow the training data, or those that follow TABLE.

    TABLE has the columns that the model was trained on; its series may be new ones.

    \b
    Examples:
      forecast predict --horizon 30 > next-month.csv
      forecast predict --horizon 48 --series north --plot north.png --out north.csv
      forecast predict newer.csv --model stores.forecast --horizon 30 --levels 80,95 > stores.csv
    """
    from forecast.model import Model
    from forecast.plotting import picture_kind, plot_forecast, write_figure
    from forecast.tables import read_table, write_table

    refuse_overwriting(table, "--out", out)
    if plot is not None:
        picture_kind(plot)
    wanted = list(dict.fromkeys(series)) or None
    fitted = Model.load(model)
    history = None
    if table is not None:
        frame, source, first_line = read_table(table)
        history = fitted.panel(frame, source=source, first_line=first_line)
        history = history if wanted is None else history.select(wanted)
        for note in history.notes:
            say(f"  {note}")
    with quiet_libraries():  # a huge panel is forecast by TensorFlow
        forecast = fitted.rollout(
            horizon, history, series=wanted, levels=levels, seed=seed, runtime=runtime
        )
    write_table(forecast.table, out)
    if plot is not None:
        with quiet_libraries():
            write_figure(plot_forecast(fitted, forecast, history), plot)
        say(f"Drew {plot}.")
    if out is not None:
        say(f"Wrote {out}: {len(forecast.table):,} rows.")
