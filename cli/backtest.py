"""`forecast backtest`."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from forecast.errors import OptionError

from .inputs import Files, load_model, no_training, untrained
from .kept_results import write_result
from .output import (
    PRETRAINED,
    LevelsType,
    Say,
    check_inputs,
    check_tables,
    command,
    count_series,
    counted,
    cutoffs_option,
    horizon_option,
    plot_option,
    print_data,
    print_json,
    print_notes,
    stride_option,
)
from .progress import progress_bar, quiet_libraries
from .training_options import READING, column_roles, flags_given, training_options

if TYPE_CHECKING:
    import pandas as pd

    from forecast.backtest import Backtest
    from forecast.data.io.tables import Table
    from forecast.data.panel import Panel
    from forecast.evaluation.diagnostics import Finding
    from forecast.model import Model

MEASURES = ("mase", "smape", "mae", "rmse", "bias", "wql", "owa", "coverage-80", "coverage-95")
TITLES = {
    "smape": "sMAPE %",
    "bias": "bias",
    "coverage-80": "coverage 80 %",
    "coverage-95": "coverage 95 %",
}
MAX_LISTED_SERIES = 20  # of --by series, the worst first
GROUPS = ("step", "series", "cutoff")
HEEDED = (*READING, "bounds")  # options of a training that the pretrained network heeds


class BacktestRequest(NamedTuple):
    """What is asked of a backtest, see `Model.backtest` and `Forecaster.backtest`."""

    horizon: int
    cutoffs: int
    stride: int | None
    levels: tuple[float, ...] | None
    baselines: tuple[str, ...] | None
    target: str | None
    carry: bool


class Scored(NamedTuple):
    """A backtest and the model behind it."""

    backtest: Backtest
    model: Model

    def findings(self) -> tuple[Finding, ...]:
        """What is wrong with the forecasts, and what to try."""
        record = self.model.record
        exposure = record.exposure if record else None
        return self.backtest.findings(exposure, trained=not self.model.is_zero_shot)


@click.command(short_help="Evaluate forecasts from past cutoffs against baselines.")
@click.argument("table", type=click.Path(allow_dash=True), nargs=-1, required=True)
@horizon_option("Steps to forecast.", required=True)
@cutoffs_option(10)
@stride_option()
@click.option(
    "--model",
    "-m",
    type=click.Path(),
    help="Evaluate this model, instead of training one on the rows before the first cutoff; "
    '"pretrained" needs no training at all.',
)
@click.option(
    "--refit",
    type=click.IntRange(min=1),
    help="Refit every N cutoffs, instead of at the first one only.",
)
@click.option(
    "--carry",
    is_flag=True,
    help="Encode the history once and reuse the state from cutoff to cutoff, as forecast update "
    "does: faster, with the scale of each series as it was at the first cutoff.",
)
@click.option(
    "--levels",
    type=LevelsType(),
    help='Levels of prediction intervals in percent, such as "80,95"; by default 20, 40, 60, 80 '
    "and 95.",
)
@click.option(
    "--baseline",
    multiple=True,
    help="naive, seasonal_naive, drift, naive2, auto_ets or auto_theta; may be repeated. By "
    "default all, but naive2 only up to 5,000 forecasts, and auto_ets and auto_theta, which need "
    "the extra forecast-rollout[statistics], only up to 100.",
)
@click.option("--of", help="Target to evaluate, if there are several; by default the first.")
@click.option("--by", type=click.Choice(GROUPS), help="Show metrics by step, series or cutoff.")
@click.option("--out", "-o", type=click.Path(), help="Write forecasts and actuals here.")
@plot_option("forecasts against the actuals")
@click.option("--json", "as_json", is_flag=True, help="Print the metrics as JSON.")
@training_options
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
    **options: Any,
) -> None:
    """Forecast the rows of TABLE from past cutoffs and compare the forecasts with the actuals.

    Without --model a model is trained on the rows before the first cutoff, with the options of
    forecast train. Baselines forecast from the same cutoffs. With --model pretrained nothing is
    trained; the rows before the first cutoff then calibrate the intervals.

    \b
    Examples:
      forecast backtest sales.csv --horizon 14 --model pretrained
      forecast backtest sales.csv --horizon 14
      forecast backtest sales.csv --horizon 14 --cutoffs 20 --stride 1 --carry
      forecast backtest sales.csv --horizon 14 --refit 5 --head student_t --budget 1m
      forecast backtest newer.csv --horizon 14 --model sales.forecast --by step
      forecast backtest sales.csv --horizon 14 --out backtest.csv --plot backtest.png
    """
    from forecast.data.io.multi_file import files_of
    from forecast.data.io.tables import read_table
    from forecast.plotting import picture_kind, write_figure

    refuse_training_options(model, refit, options)
    if out == "-":
        raise OptionError("--out cannot be standard output, where the measures go; name a file")
    if plot is not None:
        picture_kind(plot)
    inputs: dict[str, list[str | None]] = {
        "the table itself": [*files_of(*table)],
        "the model": [] if model == PRETRAINED else [model],
    }
    check_inputs(inputs, {"--out": out, "--plot": plot})
    check_tables(out)
    request = BacktestRequest(horizon, cutoffs, stride, levels, baseline or None, of, carry)
    if model is None:
        read = read_table(*table, id=options["id"])
        scored = train_and_score(read, request, refit, options, say)
    elif model == PRETRAINED:
        read = read_table(*table, id=options["id"])
        scored = score_pretrained(read, Files(model, table, reading=options), request, say)
    else:
        scored = score(model, table, request, say)
    backtest = scored.backtest
    try:
        show(scored, by, as_json)
    finally:  # neither is lost where the other cannot be written
        if out is not None:
            write_result(backtest.table, out, "the backtest", say)
    if plot is not None:
        with quiet_libraries():
            write_figure(backtest.plot(), plot)
        say(f"Drew {plot}.")


def show(scored: Scored, by: str | None, as_json: bool) -> None:
    """Print the measures."""
    if as_json:
        print_json(everything(scored))
        return
    for line in description(scored, by):
        print_data(line)


def refuse_training_options(model: str | None, refit: int | None, options: dict[str, Any]) -> None:
    """Refuse options of a training where a model is given that is trained already."""
    if model is None:
        return
    if refit is not None:
        raise OptionError("--refit trains models of its own; leave out --model")
    heeded = HEEDED if model == PRETRAINED else ()
    given = flags_given(name for name in options if name not in heeded)
    if given and model == PRETRAINED:
        raise OptionError(
            f"{given[0]} needs training, which --model {PRETRAINED} does without; leave one out"
        )
    if given:
        raise OptionError(
            f"{given[0]} is an option of the training, and --model {model} is trained "
            "already; leave one out"
        )


def train_and_score(
    table: Table, request: BacktestRequest, refit: int | None, options: dict[str, Any], say: Say
) -> Scored:
    """The backtest of a model that is trained for it."""
    from forecast.data.to_panel import to_panel
    from forecast.forecaster import Forecaster

    forecaster = Forecaster(**options)
    forecaster.check()
    panel = to_panel(table.frame, table.origin, **column_roles(options))
    tell(panel, len(table.frame), say)
    refits = ""
    if refit:
        refits = ", refitted at each cutoff" if refit == 1 else f", refitted every {refit} cutoffs"
    if forecaster.is_trained:
        limit = options["budget"]
        say(f"Training on the rows before the first cutoff{refits}, for at most {limit}.")
    else:
        say("No training: the pretrained network forecasts.")
    with progress_bar(say.quiet) as progress:
        backtest = forecaster.backtest(panel, **request._asdict(), refit=refit, progress=progress)
    return Scored(backtest, forecaster.model_)


def score_pretrained(table: Table, files: Files, request: BacktestRequest, say: Say) -> Scored:
    """The backtest of the pretrained network."""
    read = untrained(table, files.reading, False, files.reading["bounds"])
    tell(read.panel, len(table.frame), say, read.notes)
    say(no_training(read.model, files))
    return Scored(read.model.backtest(read.panel, **request._asdict()), read.model)


def score(path: str, table: tuple[str, ...], request: BacktestRequest, say: Say) -> Scored:
    """The backtest of a model that is trained already."""
    from forecast.data.io.tables import read_table

    model = load_model(path)
    read = read_table(*table, id=model.config.schema.id)
    panel = model.panel(read.frame, read.origin)
    tell(panel, len(read.frame), say)
    return Scored(model.backtest(panel, **request._asdict()), model)


def tell(panel: Panel, rows: int, say: Say, notes: Iterable[str] | None = None) -> None:
    """Say what was read, with the panel's notes or others."""
    say(f"Read {panel.source}: {count_series(len(panel.ids))}, {rows:,} rows.")
    print_notes(panel.notes if notes is None else notes, say)


def everything(scored: Scored) -> dict[str, Any]:
    """The results of a backtest, as plain values."""
    backtest = scored.backtest
    verdict = backtest.verdict
    return {
        "forecasts": len(backtest.ids),
        "horizon": backtest.horizon,
        "notes": list(backtest.notes),
        "overall": backtest.overall.to_dict("index"),
        "by_step": plain(backtest.by_step),
        "by_series": plain(backtest.by_series),
        "by_cutoff": plain(backtest.by_cutoff),
        "verdict": verdict and {**vars(verdict), "gain": verdict.gain},
        "findings": [vars(finding) for finding in scored.findings()],
    }


def plain(table: pd.DataFrame) -> list[dict[Any, Any]]:
    """A table of measures as a list of rows; times as text."""
    rows = table.reset_index()
    first = rows.columns[0]
    labels = rows[first].astype(str if first == "cutoff" else object)
    return rows.assign(**{str(first): labels}).to_dict("records")


def description(scored: Scored, by: str | None) -> Iterator[str]:
    """The results of a backtest, in words and columns."""
    backtest = scored.backtest
    text, cutoffs = backtest.schema.text, backtest.cutoffs
    first, last = (text(backtest.frequency, int(end(cutoffs))) for end in (min, max))
    series = len(set(backtest.ids.tolist()))
    of_first = sorted(cutoffs[backtest.ids == backtest.ids[0]].tolist())
    apart = [(b - a) // backtest.frequency.step for a, b in itertools.pairwise(of_first)]
    between = counted(min(apart, default=0), "row")
    yield (
        f"{len(backtest.ids):,} forecasts of {backtest.horizon} steps: {count_series(series)}, "
        f"cutoffs from {first} to {last}{f', {between} apart' if apart else ''}."
    )
    yield from (f"  {note}" for note in backtest.notes)
    yield ""
    yield from columns(backtest.overall if by is None else grouped(backtest, by))
    yield ""
    if backtest.verdict:
        yield backtest.verdict.sentence()
    yield from (finding.sentence for finding in scored.findings())


def grouped(backtest: Backtest, by: str) -> pd.DataFrame:
    """The measures of each step, series or cutoff; of many series those of the worst."""
    if by != "series":
        return backtest.by_step if by == "step" else backtest.by_cutoff
    table = backtest.by_series
    worst = table.xs("forecast", level="model")["mase"].sort_values(ascending=False)
    return table.loc[list(worst.index[:MAX_LISTED_SERIES])]


def columns(table: pd.DataFrame) -> Iterator[str]:
    """The rows of a table of measures in columns."""
    titles = {name: TITLES.get(name, name.upper()) for name in MEASURES}
    return columns_of(table, titles)


def columns_of(table: pd.DataFrame, titles: Mapping[str, str]) -> Iterator[str]:
    """The rows of a table in columns, with three significant digits or whole.

    Args:
        table: of numbers; its index labels the rows.
        titles: of the columns that are shown, where the table has any known number in them.
    """
    from forecast.evaluation.number_text import number_text

    shown = [name for name in titles if name in table and table[name].notna().any()]
    labels = [
        "  ".join(map(str, label)) if isinstance(label, tuple) else str(label)
        for label in table.index
    ]
    cells = [["", *(titles[name] for name in shown)]]
    for label, row in zip(labels, table[shown].to_numpy(), strict=True):
        cells.append([label, *("" if value != value else number_text(value) for value in row)])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for first, *rest in cells:
        numbers = (cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))
        yield "  ".join([first.ljust(widths[0]), *numbers]).rstrip()
