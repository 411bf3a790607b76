"""`forecast update`."""

from __future__ import annotations

import shlex

import click

from forecast.errors import ArtifactError

from .output import MODEL, Say, command, model_option, waits_for


@click.command(short_help="Take new rows into a model, without training.")
@click.argument("table", type=click.Path(allow_dash=True))
@model_option("The model to update.")
@click.option("--fill-gaps", is_flag=True, help="Take rows that are not there as missing.")
@command
def update(table: str, model: str, fill_gaps: bool, say: Say) -> None:
    """Take the rows of TABLE, which follow those the model has seen, into its state.

    The weights stay; the next forecast continues from the new rows. Each series must begin
    with the row after its last one. A series that is new gets a state from its own rows. If a
    single row is out of place nothing is changed.

    \b
    Examples:
      forecast update today.csv
      forecast update since-monday.csv --model stores.forecast --fill-gaps
    """
    from forecast.files import locked
    from forecast.model import Model
    from forecast.tables import read_table

    frame, source, first_line = read_table(table)
    Model.load(model)  # refuses what is no model before a lock is left beside it
    with locked(model, ArtifactError, waits_for(model, say)):
        before = Model.load(model)
        place = {"source": source, "first_line": first_line}
        panel = before.panel(frame, fill_gaps=fill_gaps, all_missing=True, **place)
        after = before.update(panel, fill_gaps=fill_gaps)
        after.save(model)
    many = "1 series" if len(panel.ids) == 1 else f"{len(panel.ids):,} series"
    say(f"Read {source}: {many}, {panel.indptr[-1]:,} rows.")
    for note in panel.notes:
        say(f"  {note}")
    added = after.state.ids[len(before.state.ids) :].tolist()
    if added:
        shown = ", ".join(map(str, added[:3])) + (" …" if len(added) > 3 else "")
        say(f"  new series: {len(added):,} ({shown})")
    last = after.config.frequency.text(int(after.state.time.max()))
    option = "" if model == MODEL else f" --model {shlex.quote(model)}"
    say(f"Updated {model}, until {last}. Forecast with: forecast predict --horizon N{option}")
