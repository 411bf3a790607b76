"""The command line: parse, call `forecast`, print."""

from __future__ import annotations

import click

from forecast._version import __version__

from .backtest import backtest
from .datasets import datasets
from .explain import explain
from .export import export
from .inspect import inspect
from .monitor import monitor
from .plot import plot
from .predict import predict
from .report import report
from .serve import serve
from .train import train
from .tune import tune
from .update import update


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="forecast")
def main() -> None:
    """Forecast time series any number of steps ahead.

    \b
    Example:
      forecast datasets air_passengers > air.csv
      forecast predict air.csv --horizon 12 > next-year.csv
      forecast train air.csv
      forecast predict --horizon 12 > next-year-trained.csv
    """


COMMANDS = (
    train,
    tune,
    predict,
    update,
    monitor,
    backtest,
    plot,
    report,
    explain,
    serve,
    export,
    inspect,
    datasets,
)
for command in COMMANDS:
    main.add_command(command)
