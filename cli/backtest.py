"""`forecast backtest`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from forecast.errors import OptionError

from .choosing import COLUMNS, training_choices
from .output import (
    Levels,
    Say,
    check_place,
    command,
    count_series,
    print_data,
    print_json,
    progress_bar,
    quiet_libraries,
    refuse_overwriting,
)

if TYPE_CHECKING:
    import pandas as pd

    from forecast.backtest import Backtest
    from forecast.data.panel import Panel
    from forecast.model import Model

SHOWN = ("mase", "smape", "mae", "rmse", "bias", "wql", "owa", "coverage-80", "coverage-95")
TITLES = {"smape": "sMAPE %", "bias": "bias", "coverage-80": "in 80 %", "coverage-95": "in 95 %"}
LISTED = 20  # series of --by series that are shown to people, the worst first
GROUPS = ("step", "series", "cutoff")


@click.command(short_help="Judge forecasts of the past, beside naive ones.")
@click.argument("table", type=click.Path(allow_dash=True), nargs=-1, required=True)
@click.option(
    "--horizon", "-n", type=click.IntRange(min=1), required=True, help="Steps to forecast."
)
@click.option(
    "--cutoffs",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="From how many times to forecast.",
)
@click.option(
    "--stride",
    type=click.IntRange(min=1),
    show_default="the horizon, or fewer",
    help="Steps from one cutoff to the next.",
)
@click.option(
    "--model",
    "-m",
    type=click.Path(),
    help="Judge this model, instead of training one on the rows before the first cutoff.",
)
@click.option(
    "--refit",
    type=click.IntRange(min=1),
    help="Train anew at every so-manieth cutoff, instead of at the first one only.",
)
@click.option(
    "--carry",
    is_flag=True,
    help="Read the history once and carry the state from cutoff to cutoff, as forecast update "
    "does: faster, with the scale of each series as it was at the first.",
)
@click.option(
    "--levels",
    type=Levels(),
    help='Intervals of so many percent, such as "80,95"; by default 20, 40, 60, 80 and 95.',
)
@click.option(
    "--baseline",
    multiple=True,
    help="naive, seasonal_naive, drift, naive2, auto_ets or auto_theta; may be repeated. By "
    "default all, but naive2 for up to 5,000 forecasts, and the last two, which need the extra "
    "forecast-rollout[statistics], for up to 100.",
)
@click.option("--of", help="Which of several targets to judge; by default the first.")
@click.option("--by", type=click.Choice(GROUPS), help="Show the measures of each of these.")
@click.option("--out", "-o", type=click.Path(), help="Write every forecast beside what came here.")
@click.option(
    "--plot", type=click.Path(), help="Draw forecasts against what came: a .png, .svg or .pdf file."
)
@click.option("--json", "as_json", is_flag=True, help="Print the measures as JSON.")
@training_choices
@command
def backtest(
    table: tuple[str, ...],
    horizon: int,
    cutoffs: int,
    stride: int | None,
    model: str | None,
    refit: int | None,
    carry: bool,
    levels: tuple[float, ...] | None,
    baseline: tuple[str, ...],
    of: str | None,
    by: str | None,
    out: str | None,
    plot: str | None,
    as_json: bool,
    say: Say,
    **choices: Any,
) -> None:
    """Forecast the rows of TABLE from many cutoffs, and hold that against what came.

    Without --model a model is trained on the rows before the first cutoff, with the choices of
    forecast train. Naive forecasts are made from the same cutoffs, and every figure stands beside
    theirs.

    \b
    Examples:
      forecast backtest sales.csv --horizon 14
      forecast backtest sales.csv --horizon 14 --cutoffs 20 --stride 1 --carry
      forecast backtest sales.csv --horizon 14 --refit 5 --head student_t --budget 1m
      forecast backtest newer.csv --horizon 14 --model sales.forecast --by step
      forecast backtest sales.csv --horizon 14 --out backtest.csv --plot backtest.png
    """
    from forecast.data.io.multi_file import files_of
    from forecast.data.io.tables import read_table, write_table
    from forecast.plotting import picture_kind, write_figure

    refuse_choices(model, refit, choices)
    places = {"--out": out, "--plot": plot}
    refuse_overwriting({"the table itself": files_of(*table), "the model": [model]}, places)
    if out == "-":
        raise OptionError("--out cannot be standard output, where the measures go; name a file")
    if plot is not None:
        picture_kind(plot)
    for option, place in places.items():
        check_place(place, option)
    asked: dict[str, Any] = {"stride": stride, "levels": levels, "target": of, "carry": carry}
    asked |= {"baselines": baseline or None}
    read = read_table(*table)
    if model is None:
        found, record = trained(read, (horizon, cutoffs), {**asked, "refit": refit}, choices, say)
    else:
        fitted, panel = loaded(model, read)
        tell(panel, len(read.frame), say)
        found, record = fitted.backtest(panel, horizon, cutoffs, **asked), fitted.record
    if out is not None:
        write_table(found.table, out)
        say(f"Wrote {out}: {len(found.table):,} rows.")
    if plot is not None:
        with quiet_libraries():
            write_figure(found.plot(), plot)
        say(f"Drew {plot}.")
    if as_json:
        print_json(everything(found, record))
        return
    for line in description(found, record, by):
        print_data(line)


def refuse_choices(model: str | None, refit: int | None, choices: dict[str, Any]) -> None:
    """Refuse choices of a training where a model is given that is trained already."""
    if model is None:
        return
    if refit is not None:
        raise OptionError("--refit trains models of its own; leave out --model")
    context = click.get_current_context()
    for option in context.command.params:
        source = context.get_parameter_source(option.name or "")
        if option.name in choices and source == ParameterSource.COMMANDLINE:
            raise OptionError(
                f"{option.opts[0]} is a choice of the training, and --model {model} is trained "
                "already; leave one out"
            )


def trained(
    read: Any,
    numbers: tuple[int, int],
    asked: dict[str, Any],
    choices: dict[str, Any],
    say: Say,
) -> tuple[Backtest, dict[str, Any]]:
    """The backtest of a model that is trained for it, and the record of its last training."""
    from forecast.data.to_panel import to_panel
    from forecast.forecaster import Forecaster

    forecaster = Forecaster(**choices)
    forecaster.check()
    names = {name: choices[name] for name in COLUMNS}
    panel = to_panel(read.frame, read.origin, **names)
    tell(panel, len(read.frame), say)
    refit = asked["refit"]
    often = "each" if refit == 1 else f"every {refit} of them"
    anew = f", and anew at {often}" if refit else ""
    say(f"Training on the rows before the first cutoff{anew}, for at most {choices['budget']}.")
    with progress_bar(say.quiet) as progress:
        found = forecaster.backtest(panel, *numbers, **asked, progress=progress)
    return found, forecaster.model_.record


def loaded(path: str, read: Any) -> tuple[Model, Panel]:
    """A model, and a table as it takes it."""
    from forecast.model import Model

    fitted = Model.load(path)
    return fitted, fitted.panel(read.frame, read.origin)


def tell(panel: Panel, rows: int, say: Say) -> None:
    """Say what was read."""
    say(f"Read {panel.source}: {count_series(len(panel.ids))}, {rows:,} rows.")
    for note in panel.notes:
        say(f"  {note}")


def everything(found: Backtest, record: dict[str, Any]) -> dict[str, Any]:
    """What a backtest says, as plain values."""
    verdict = found.verdict
    return {
        "forecasts": len(found.ids),
        "horizon": found.horizon,
        "notes": list(found.notes),
        "overall": found.overall.to_dict("index"),
        "by_step": plain(found.by_step),
        "by_series": plain(found.by_series),
        "by_cutoff": plain(found.by_cutoff),
        "verdict": verdict and {**vars(verdict), "gain": verdict.gain},
        "findings": [vars(finding) for finding in found.findings(record)],
    }


def plain(table: pd.DataFrame) -> list[dict[Any, Any]]:
    """A table of measures as a list of rows; times as text."""
    rows = table.reset_index()
    first = rows.columns[0]
    labels = rows[first].astype(str if first == "cutoff" else object)
    return rows.assign(**{str(first): labels}).to_dict("records")


def description(found: Backtest, record: dict[str, Any], by: str | None) -> Iterator[str]:
    """What a backtest says, in words and columns."""
    text = found.schema.text
    first, last = (text(found.frequency, int(end(found.cutoffs))) for end in (min, max))
    series = len(set(found.ids.tolist()))
    yield (
        f"{len(found.ids):,} forecasts of {found.horizon} steps: {count_series(series)}, cutoffs "
        f"from {first} to {last}."
    )
    yield from (f"  {note}" for note in found.notes)
    yield ""
    yield from columns(found.overall if by is None else grouped(found, by))
    yield ""
    if found.verdict:
        yield found.verdict.sentence()
    yield from (finding.sentence for finding in found.findings(record))


def grouped(found: Backtest, by: str) -> pd.DataFrame:
    """The measures of each step, series or cutoff; of many series those of the worst."""
    if by != "series":
        return found.by_step if by == "step" else found.by_cutoff
    table = found.by_series
    worst = table.xs("forecast", level="model")["mase"].sort_values(ascending=False)
    return table.loc[list(worst.index[:LISTED])]


def columns(table: pd.DataFrame) -> Iterator[str]:
    """The rows of a table of measures in columns, with three digits that count."""
    shown = [name for name in SHOWN if name in table and table[name].notna().any()]
    labels = [
        "  ".join(map(str, label)) if isinstance(label, tuple) else str(label)
        for label in table.index
    ]
    cells = [["", *(TITLES.get(name, name.upper()) for name in shown)]]
    for label, row in zip(labels, table[shown].to_numpy(), strict=True):
        cells.append([label, *("" if value != value else f"{value:,.3g}" for value in row)])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for first, *rest in cells:
        numbers = (cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))
        yield "  ".join([first.ljust(widths[0]), *numbers]).rstrip()
