"""`forecast report`."""

from __future__ import annotations

from pathlib import Path

import click

from forecast.errors import OptionError

from .output import (
    MODEL,
    Say,
    check_place,
    command,
    quiet_libraries,
    refuse_overwriting,
)

PAGES = (".html", ".htm")


@click.command(short_help="Show forecasts, and how good they are, as one page of HTML.")
@click.argument("model", type=click.Path(), default=MODEL)
@click.argument("table", type=click.Path(allow_dash=True), nargs=-1)
@click.option("--out", "-o", type=click.Path(), required=True, help="Where to write the page.")
@click.option(
    "--horizon",
    "-n",
    type=click.IntRange(min=1),
    help="Steps to forecast; by default as many as training has held out.",
)
@click.option(
    "--cutoffs",
    type=click.IntRange(min=1),
    help="Of the backtest over TABLE; by default up to 10, as there is room for them.",
)
@click.option(
    "--stride",
    type=click.IntRange(min=1),
    help="Rows from one cutoff to the next; by default the horizon, or fewer to keep the cutoffs "
    "behind what the model was trained on.",
)
@click.option(
    "--future",
    type=click.Path(allow_dash=True),
    help="The known columns of the steps to come, as for predict.",
)
@command
def report(
    model: str,
    table: tuple[str, ...],
    out: str,
    horizon: int | None,
    cutoffs: int | None,
    stride: int | None,
    future: str | None,
    say: Say,
) -> None:
    """Write one page of HTML: the data, forecasts of each series, how good they are, the training.

    The page needs no network and no other file. With TABLE, one file or several, forecasts follow
    its last rows, charts show the rows before them, and the page holds a backtest over them.

    \b
    Examples:
      forecast report --out report.html
      forecast report model.forecast newer.csv --out report.html
      forecast report stores.forecast "stores/*.csv" --out stores.html --horizon 14 --cutoffs 3
    """
    from forecast.data.io.multi_file import files_of
    from forecast.data.io.tables import read_table
    from forecast.model import Model
    from forecast.report import write_report

    inputs = {
        "the table itself": files_of(*table),
        "the future": [] if future is None else files_of(future),
        "the model": [model],
    }
    refuse_overwriting(inputs, {"--out": out})
    refuse_useless(table, out, cutoffs, stride, future)
    check_place(out, "--out")
    fitted = Model.load(model)
    ahead = panel = None
    if future is not None:
        read = read_table(future)
        ahead = fitted.ahead(read.frame, read.origin)
    if table:
        read = read_table(*table)
        panel = fitted.panel(read.frame, read.origin)
        for note in panel.notes:
            say(f"  {note}")
    with quiet_libraries():  # a huge panel is forecast by TensorFlow
        write_report(
            fitted,
            out,
            panel,
            horizon,
            cutoffs=cutoffs,
            stride=stride,
            future=ahead,
            name=model,
        )
    size = Path(out).stat().st_size
    say(f"Wrote {out}: {size / 1000:,.0f} kB. Open it with a browser.")


def refuse_useless(
    table: tuple[str, ...], out: str, cutoffs: int | None, stride: int | None, future: str | None
) -> None:
    """Refuse options that would have no effect, and a place that no browser would open."""
    if Path(out).exists() and not Path(out).is_file() and not Path(out).is_dir():
        return  # a pipe or a device has no name to go by
    if Path(out).suffix.lower() not in PAGES:
        raise OptionError(f"--out {out}: a page's name must end in {' or '.join(PAGES)}")
    for option, value in (("--cutoffs", cutoffs), ("--stride", stride)):
        if value is not None and not table:
            raise OptionError(f"{option} is of the backtest, which needs a TABLE to go over")
    if future == "-" and "-" in table:
        raise OptionError("TABLE and --future cannot both be standard input; name a file for one")
