"""`forecast export`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from forecast.export import FORMATS

from .inputs import Files, read_inputs
from .output import MODEL, Say, command, count_series
from .training_options import reading_options


@click.command(short_help="Write a model as graphs that other languages run.")
@click.argument("model", type=click.Path(), default=MODEL, metavar="[MODEL]")
@click.argument("table", type=click.Path(allow_dash=True), nargs=-1)
@click.option(
    "--to", type=click.Choice(FORMATS), default=FORMATS[0], show_default=True, help="Format."
)
@click.option(
    "--out", "-o", type=click.Path(), required=True, help="Write the files into this folder."
)
@reading_options
@command
def export(model: str, table: tuple[str, ...], to: str, out: str, say: Say, **reading: Any) -> None:
    """Write MODEL into a folder as graphs of ONNX, which programs in other languages run.

    There are graphs that roll a forecast out, observe new rows, encode a history and draw sample
    paths, as far as the model allows; model.json, which says what they take and give; and the
    states of the model's series, or with TABLE those after its rows. MODEL may be "pretrained",
    which takes a TABLE.

    \b
    Examples:
      forecast export --out model/
      forecast export stores.forecast --to onnx --out stores-onnx/
      forecast export stores.forecast newer.csv --out newer-onnx/
      forecast export pretrained sales.csv --out sales/
    """
    files = Files(model, table, None, reading)
    files.check()
    inputs = read_inputs(files, calibrated=False)
    chosen = inputs.model
    if inputs.to_encode is not None:
        chosen = replace(chosen, state=chosen.encode(inputs.to_encode))
    written = chosen.export(out, to)
    inputs.tell(say)
    graphs = ", ".join(file.name for file in written if file.suffix == f".{to}")
    series = count_series(len(chosen.state.ids))
    say(f"Wrote {out}: {graphs}, model.json, and the states of {series}.")
