"""`forecast serve`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from forecast.errors import OptionError

from .output import MODEL, Say, command


@click.command(short_help="Serve models on HTTP: forecasts, new rows, and a page.")
@click.argument("models", type=click.Path(), nargs=-1, metavar="[MODEL]...")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="The port to listen at; 0 for any that is free.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen at; 0.0.0.0 for other machines too.",
)
@click.option(
    "--states",
    type=click.Path(),
    help="Folder of the files that keep the states of each model; by default MODEL.states lies "
    "beside each.",
)
@click.option(
    "--token",
    envvar="FORECAST_TOKEN",
    show_envvar=True,
    help="What requests that send new rows must carry; by default anybody may send them.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processes that answer; more than one where cores are idle and forecasts are most of the "
    "load.",
)
@click.option(
    "--monitor",
    is_flag=True,
    help="Follow new rows as forecast monitor does; /metrics says how well each model still fits.",
)
@click.option(
    "--max-body",
    type=click.IntRange(min=1),
    default=16,
    show_default=True,
    help="Megabytes of a request at most.",
)
@click.option(
    "--timeout",
    type=click.IntRange(1, 3600),
    default=30,
    show_default=True,
    help="Seconds until a request has arrived, and again until it is answered.",
)
@command
def serve(
    models: tuple[str, ...],
    port: int,
    host: str,
    states: str | None,
    token: str | None,
    workers: int,
    monitor: bool,
    max_body: int,
    timeout: int,
    say: Say,
) -> None:
    """Serve MODEL, one file or several, until it is stopped by Ctrl-C or SIGTERM.

    A page to look at forecasts is at /, the addresses for programs are described at /docs, and
    metrics for Prometheus are at /metrics. New rows of /observe are on the disk before they are
    acknowledged.

    \b
    Examples:
      forecast serve
      forecast serve stores.forecast energy.forecast --port 8080 --states states/ --monitor
      forecast serve stores.forecast --host 0.0.0.0 --token secret --workers 2
    """
    from forecast.service.server import start
    from forecast.service.settings import Limits, Settings

    limits = Limits(body=max_body * 1_000_000, seconds=timeout)
    if token == "" or (token is None and os.environ.get("FORECAST_TOKEN") == ""):
        raise OptionError(
            "the token is empty; give some secret text as --token or FORECAST_TOKEN, or neither"
        )
    if token is not None and not (token.isascii() and token.isprintable()):
        raise OptionError("the token has other characters than ASCII's, which headers cannot hold")
    if monitor and workers > 1:
        raise OptionError("--monitor follows the rows of one process; leave --workers out")
    if states is not None:
        Path(states).mkdir(parents=True, exist_ok=True)
    settings = Settings.of(models or (MODEL,), states, token, limits, monitor)
    start(settings, host, port, workers, say)
