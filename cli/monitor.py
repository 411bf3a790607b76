"""`forecast monitor`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from .backtest import columns_of
from .inputs import Files, load_model, no_training, untrained
from .output import (
    Say,
    check_inputs,
    command,
    count_series,
    counted,
    horizon_option,
    model_option,
    plot_option,
    print_data,
    print_json,
    print_notes,
)
from .training_options import reading_options

if TYPE_CHECKING:
    import pandas as pd

    from forecast.monitoring.monitoring import Monitoring

ALARM = 3  # exit status of --fail-on-alarm; 1 and 2 are those of errors
MAX_LISTED = 20  # series and alarms; --json has all
TITLES = {
    "rows": "rows",
    "mase": "MASE",
    "mase_naive": "MASE naive",
    "coverage-80": "coverage 80 %",
    "coverage-95": "coverage 95 %",
    "mean_error": "mean error",
    "times_usual": "error / usual",
    "level_chart": "level chart",
    "scale_chart": "scale chart",
}


class MonitorRequest(NamedTuple):
    """What is asked of a monitoring, see `Model.monitor`."""

    since: str | None
    horizon: int | None
    window: int | None
    target: str | None
    rows_between: int
    fill_gaps: bool


@click.command(short_help="Say whether a model still fits new rows, or is to be trained again.")
@click.argument("table", type=click.Path(allow_dash=True), nargs=-1, required=True)
@model_option('The model; "pretrained" for the network that needs no training.')
@click.option(
    "--since",
    help="Monitor the rows of TABLE from this time on, as if the state were that after the rows "
    "before; by default those that the model has not seen, and with --model pretrained the last "
    "third.",
)
@horizon_option(
    "Steps of the forecasts from some of the rows, besides those one step ahead; by default as "
    "many as were practised."
)
@click.option(
    "--window",
    type=click.IntRange(min=2),
    show_default="whole seasons of at least 50 rows, but 400 rows at most",
    help="Rows of rolling measures.",
)
@click.option("--of", help="Target to monitor, if there are several; by default the first.")
@click.option(
    "--rows-between",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    help="Rows between two false alarms of all series together, on average; fewer find changes "
    "sooner.",
)
@click.option("--fill-gaps", is_flag=True, help="Treat skipped rows as missing values.")
@plot_option("errors, coverage and charts, of up to 3 series")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option(
    "--fail-on-alarm",
    is_flag=True,
    help=f"End with status {ALARM} if the model is to be trained again: an alarm persists after "
    "the last row, other than of smaller errors.",
)
@reading_options
@command
def monitor(
    table: tuple[str, ...],
    model: str,
    since: str | None,
    horizon: int | None,
    window: int | None,
    of: str | None,
    rows_between: int,
    fill_gaps: bool,
    plot: str | None,
    as_json: bool,
    fail_on_alarm: bool,
    say: Say,
    **reading: Any,
) -> None:
    """Say whether a model still fits the new rows of TABLE, or is to be trained again.

    Each row that the model has not seen is forecast one step ahead before it is seen, as after
    forecast update. An alarm is raised where the level or the scale of the errors has changed,
    where intervals no longer cover, or where the seasonal naive forecast is closer. TABLE may begin
    with rows that the model has seen. The model file is not changed.

    The status is 0 with or without alarms; with --fail-on-alarm it is 3 where one
    persists, other than of smaller errors.

    \b
    Examples:
      forecast monitor newer.csv
      forecast monitor newer.csv --model stores.forecast --json
      forecast monitor newer.csv --fail-on-alarm --quiet
      forecast monitor newer.csv --since 2024-02-01 --plot monitor.png
      forecast monitor sales.csv --model pretrained --since 2024-02-01
    """
    from forecast.plotting import picture_kind, write_figure

    files = Files(model, table, None, reading)
    check_inputs(files.check(), {"--plot": plot})
    if plot is not None:
        picture_kind(plot)
    request = MonitorRequest(since, horizon, window, of, rows_between, fill_gaps)
    result = followed(files, request, say)
    if as_json:
        print_json(everything(result))
    else:
        for line in description(result):
            print_data(line)
    if plot is not None:
        write_figure(result.plot(), plot)
        say(f"Drew {plot}.")
    if fail_on_alarm and result.needs_training:
        raise click.exceptions.Exit(ALARM)


def followed(files: Files, request: MonitorRequest, say: Say) -> Monitoring:
    """Read a model and a table, and follow its rows."""
    from forecast.data.io.tables import read_table

    if files.is_pretrained:
        table = read_table(*files.table, id=files.reading["id"])
        read = untrained(table, files.reading, False)
        model, panel, notes = read.model, read.panel, read.notes
        headline = no_training(model, files)
    else:
        model = load_model(files.model)
        table = read_table(*files.table, id=model.config.schema.id)
        panel = model.panel(table.frame, table.origin, all_missing=True)
        notes, headline = [*panel.notes], None
    say(f"Read {panel.source}: {count_series(len(panel.ids))}, {len(table.frame):,} rows.")
    if headline is not None:
        say(headline)
    result = model.monitor(panel, **request._asdict())
    print_notes([*notes, *result.notes], say)
    return result


def everything(result: Monitoring) -> dict[str, Any]:
    """All that was found, as plain values."""
    statistics = result.monitor.statistics
    return {
        "verdict": result.verdict,
        "needs_training": result.needs_training,
        "notes": list(result.notes),
        "window": int(statistics.window.error.shape[1]),
        "horizon": result.horizon,
        "rows_between": result.monitor.rows_between,
        "overall": result.overall,
        "series": plain(result.table),
        "alarms": [
            {**row, "sentence": text}
            for row, text in zip(plain(result.alarms), result.sentences(), strict=True)
        ],
    }


def plain(table: pd.DataFrame) -> list[dict[Any, Any]]:
    """The rows of a table as plain values; times as text."""
    dated = [name for name in table if table[name].dtype.kind == "M"]
    return table.assign(**{str(name): table[name].astype(str) for name in dated}).to_dict("records")


def description(result: Monitoring) -> Iterator[str]:
    """What was found, in words and columns."""
    from forecast.monitoring.findings import nearest_to_alarm

    measures, table = result.overall, result.table
    rows = counted(int(measures["rows"]), "row")
    yield f"Followed {rows} of {count_series(int(measures['series']))}."
    if not measures["rows"]:
        yield result.verdict
        return
    yield ""
    name = str(table.columns[0])
    nearest = table.iloc[nearest_to_alarm(table, MAX_LISTED)]
    yield from columns_of(nearest.set_index(name), TITLES)
    if len(table) > MAX_LISTED:
        yield f"and {len(table) - MAX_LISTED:,} more series, which are further from an alarm"
    yield ""
    for level in (80, 95):
        share, low, high = (measures[f"coverage-{level}{end}"] for end in ("", "-low", "-high"))
        if share == share:  # known
            yield (
                f"{share:.0%} of the last values lay within the {level} % intervals; "
                f"{low:.0%} to {high:.0%} are usual."
            )
    sentences = result.sentences()
    yield from sentences[:MAX_LISTED]
    if len(sentences) > MAX_LISTED:
        yield f"and {len(sentences) - MAX_LISTED:,} more alarms"
    yield result.verdict
