"""`forecast report`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from forecast.errors import OptionError

from .inputs import Files, read_inputs
from .kept_results import kept_unless_written
from .output import MODEL, Say, check_inputs, command, future_option, horizon_option, stride_option
from .progress import quiet_libraries
from .training_options import reading_options

PAGES = (".html", ".htm")


@click.command(short_help="Write forecasts and their accuracy as an HTML report.")
@click.argument("paths", type=click.Path(allow_dash=True), nargs=-1, metavar="[MODEL] [TABLE]...")
@click.option("--model", "-m", type=click.Path(), help="The model, instead of the first argument.")
@click.option("--out", "-o", type=click.Path(), required=True, help="Where to write the page.")
@horizon_option("Steps to forecast; by default the holdout of the training.")
@click.option(
    "--cutoffs",
    type=click.IntRange(min=1),
    help="Number of cutoffs of the backtest over TABLE; by default up to 10.",
)
@stride_option()
@future_option()
@reading_options
@command
def report(
    paths: tuple[str, ...],
    model: str | None,
    out: str,
    horizon: int | None,
    cutoffs: int | None,
    stride: int | None,
    future: str | None,
    say: Say,
    **reading: Any,
) -> None:
    """Write an HTML report: the data, forecasts of each series, their accuracy, the training.

    The page is a single file and works offline. With TABLE, one file or several, forecasts follow
    its last rows, charts show the rows before them, and the page holds a backtest over them. MODEL
    may be "pretrained": the network that needs no training, but a TABLE.

    \b
    Examples:
      forecast report --out report.html
      forecast report model.forecast newer.csv --out report.html
      forecast report pretrained sales.csv --out report.html
      forecast report stores.forecast "stores/*.csv" --out stores.html --horizon 14 --cutoffs 3
    """
    from forecast.report import ReportRequest, render, write_page

    model, table = (model, paths) if model else ([*paths[:1], MODEL][0], paths[1:])
    files = Files(model, table, future, reading)
    check_inputs(files.check(), {"--out": out})
    refuse_unused(table, out, cutoffs, stride)
    inputs = read_inputs(files)
    inputs.tell(say)
    with quiet_libraries():  # a huge panel is forecast by TensorFlow
        request = ReportRequest(
            inputs.model, inputs.history, horizon, cutoffs, stride, inputs.future, model
        )
        page = render(request)
    with kept_unless_written(out, partial(write_page, page), "the page"):
        write_page(page, out)
    size = Path(out).stat().st_size
    say(f"Wrote {out}: {size / 1000:,.0f} kB. Open it with a browser.")


def refuse_unused(
    table: tuple[str, ...], out: str, cutoffs: int | None, stride: int | None
) -> None:
    """Refuse options that would have no effect, and a place that no browser would open."""
    place = Path(out)
    if place.exists() and not place.is_file() and not place.is_dir():
        return  # a pipe or a device has no name to go by
    if place.suffix.lower() not in PAGES:
        raise OptionError(f"--out {out}: a page's name must end in {' or '.join(PAGES)}")
    for option, value in (("--cutoffs", cutoffs), ("--stride", stride)):
        if value is not None and not table:
            raise OptionError(f"{option} is for the backtest, which needs a TABLE")
