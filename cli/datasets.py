"""`forecast datasets`."""

from __future__ import annotations

import click

from .output import Say, command, print_data


@click.command(short_help="List the included datasets, or print one.")
@click.argument("name", required=False)
@click.option("--out", "-o", type=click.Path(), help="Write here instead of standard output.")
@command
def datasets(name: str | None, out: str | None, say: Say) -> None:
    """List the included datasets with source and licence, or write NAME as a table.

    \b
    Examples:
      forecast datasets
      forecast datasets air_passengers > air.csv
    """
    from forecast.data.io.tables import write_table
    from forecast.datasets import describe, load

    if name is None:
        for dataset in describe():
            print_data(f"{dataset.name}: {dataset.description}")
            print_data(f"  {dataset.series:,} series, {dataset.rows:,} rows, {dataset.frequency}")
            print_data(f"  source: {dataset.source}")
            print_data(f"  licence: {dataset.licence}")
        return
    table = load(name)
    write_table(table, out)
    if out is not None:
        say(f"Wrote {out}: {len(table):,} rows.")
