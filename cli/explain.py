"""`forecast explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from forecast.errors import OptionError

from .inputs import Files, or_pretrained, read_inputs
from .kept_results import write_result
from .output import (
    Say,
    check_inputs,
    check_tables,
    command,
    future_option,
    horizon_option,
    model_option,
    plot_option,
    print_data,
    print_json,
)
from .progress import quiet_libraries
from .training_options import reading_options

if TYPE_CHECKING:
    from forecast.explanation import Explanation


@click.command(short_help="Show which inputs move a forecast.")
@click.argument("table", type=click.Path(allow_dash=True), nargs=-1, required=True)
@model_option('The model to use, or "pretrained", as where there is no such file.')
@horizon_option("Steps to forecast.", required=True)
@future_option()
@click.option("--series", multiple=True, help="Explain this series only; may be repeated.")
@click.option("--of", help="Target to explain, if there are several; by default the first.")
@click.option(
    "--draws",
    type=click.IntRange(min=1),
    default=32,
    show_default=True,
    help="Draws of each future covariate from its history.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0, max=2**32 - 1),
    default=0,
    show_default=True,
    help="Random seed of the draws.",
)
@click.option("--out", "-o", type=click.Path(), help="Write the effects of each step here.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@plot_option("the effects")
@reading_options
@command
def explain(
    table: tuple[str, ...],
    model: str,
    horizon: int,
    future: str | None,
    series: tuple[str, ...],
    of: str | None,
    draws: int,
    seed: int,
    out: str | None,
    as_json: bool,
    plot: str | None,
    say: Say,
    **reading: Any,
) -> None:
    """Show which inputs move the forecast that follows TABLE, and how far.

    The forecast is made again without each of them: future covariates are drawn from their
    history, static columns from those of all series, and lagged values and stretches of the history
    are missing. Effects are signed, in the units of the data, and do not add up to the forecast.

    \b
    Examples:
      forecast explain sales.csv --horizon 14
      forecast explain sales.csv --model pretrained --horizon 14 --plot effects.png
      forecast explain priced.csv --model priced.forecast --horizon 14 --future prices.csv
      forecast explain sales.csv --horizon 14 --json > effects.json
      forecast explain sales.csv --horizon 14 --series north --out effects.csv
    """
    from forecast.plotting import picture_kind

    files = Files(or_pretrained(model, table), table, future, reading)
    if out == "-":
        raise OptionError("--out cannot be standard output, where the effects go; name a file")
    if plot is not None:
        picture_kind(plot)
    check_inputs(files.check(), {"--out": out, "--plot": plot})
    check_tables(out)
    inputs = read_inputs(files, calibrated=False)
    inputs.tell(say)
    wanted = list(dict.fromkeys(series)) or None
    explanation = inputs.model.explain(
        horizon,
        inputs.history,
        series=wanted,
        future=inputs.future,
        target=of,
        draws=draws,
        seed=seed,
    )
    if as_json:
        print_json(plain(explanation))
    else:
        for line in explanation.sentences():
            print_data(line)
    write(explanation, out, plot, say)


def plain(explanation: Explanation) -> dict[str, Any]:
    """The summary of an explanation as plain values."""
    return {
        "target": explanation.target,
        "factors": explanation.summary.to_dict("records"),
        "groups": explanation.groups.to_dict("records"),
    }


def write(explanation: Explanation, out: str | None, plot: str | None, say: Say) -> None:
    """Write the table and the picture that are asked for."""
    from forecast.plotting import write_figure

    if out is not None:
        write_result(explanation.table, out, "the effects", say)
    if plot is not None:
        with quiet_libraries():
            write_figure(explanation.plot(), plot)
        say(f"Drew {plot}.")
