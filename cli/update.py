"""`forecast update`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from forecast.errors import ArtifactError, first_few

from .lakes import update_states
from .output import (
    Say,
    command,
    count_series,
    model_given,
    model_option,
    print_notes,
    refuse_pretrained,
    waits_for,
)

if TYPE_CHECKING:
    from forecast.data.panel import Panel
    from forecast.inference.predictor import Predictor


@click.command(short_help="Update the state of a model with new rows, without training.")
@click.argument("table", type=click.Path(allow_dash=True), nargs=-1, required=True)
@model_option("The model to update.")
@click.option("--fill-gaps", is_flag=True, help="Treat skipped rows as missing values.")
@click.option(
    "--states",
    type=click.Path(),
    help="Update the states in this file, of any number of series, instead of those in the model; "
    "made where there is none.",
)
@command
def update(
    table: tuple[str, ...], model: str, fill_gaps: bool, states: str | None, say: Say
) -> None:
    """Update the state of a model with the rows of TABLE, which follow those it has seen.

    The weights stay the same; the next forecast continues from the new rows. Each series must begin
    with the row after its last one. A new series gets a state from its own rows. If any row is
    rejected, nothing is changed. TABLE may be several files.

    With --states, rows that were seen before are passed over; Parquet files may be larger than
    memory and are taken in part by part, of which those before a rejected row stay.

    \b
    Examples:
      forecast update today.csv
      forecast update since-monday.csv --model stores.forecast --fill-gaps
      forecast update "today/*.parquet" --model stores.forecast --states all.states
    """
    from forecast.data.io.atomic_write import locked
    from forecast.data.io.tables import read_table
    from forecast.model import Model

    refuse_pretrained(model)
    if states is not None:
        update_states(table, model, states, fill_gaps, say)
        return
    known = Model.load(model)  # refuses what is not a model before a lock is left beside it
    read = read_table(*table, id=known.config.schema.id)
    with locked(model, ArtifactError, waits_for(model, say)):
        before = Model.load(model)
        panel = before.panel(read.frame, read.origin, fill_gaps=fill_gaps, all_missing=True)
        after = before.update(panel, fill_gaps=fill_gaps)
        after.save(model)
    say(f"Read {read.origin.source}: {count_series(len(panel.ids))}, {len(read.frame):,} rows.")
    print_notes([*panel.notes, *remarks(before, panel)], say)
    ends = sorted({int(after.state.time.min()), int(after.state.time.max())})
    shown = " to ".join(after.config.schema.text(after.config.frequency, end) for end in ends)
    future = " --future FILE" if after.config.known else ""
    more = f"--horizon N{future}{model_given(model)}"
    say(f"Updated {model}, until {shown}. Forecast with: forecast predict {more}")


def remarks(model: Predictor, panel: Panel) -> Iterator[str]:
    """Notes on new rows: what is remarkable about them, and which series have none."""
    from forecast.inference.news import news

    state, ids = model.state, panel.ids.tolist()
    yield from news(panel, state, model.config)
    is_new = [not rows for rows in state.indices(ids)]
    context = model.config.context
    if short := int((panel.lengths[is_new] < context).sum()):
        yield (
            f"{count_series(short)} of these with fewer rows than the {context} that a "
            "forecast is scaled by: give the rows before these, too, where there are some"
        )
    absent = [name for name in state.ids.tolist() if name not in {*ids}]
    if absent:
        where = first_few(absent)
        yield f"series without new rows: {len(absent):,} of {len(state.ids):,} ({where})"
