"""Speed of encoding: histories in blocks of rows, next to the same rows one after another.

In a block a layer's products of inputs and kernel are one product; row by row there is one for each
step. Both go through the series in the same chunks, side by side on the cores, with a thread for
each product, and give the same states. Both read all rows. With it: what `predict` does by default,
which reads the last rows of each history, and the whole way from histories to a forecast.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks._common import (
    DATA,
    hourly_panel,
    in_turns,
    noise,
    ratio,
    setup,
    show,
    timed,
    untrained,
)
from benchmarks.m4_hourly import TRAIN
from forecast.data.io.tables import read_table
from forecast.data.panel import Panel
from forecast.data.to_panel import to_panel
from forecast.errors import ForecastWarning
from forecast.inference.encoding import encode
from forecast.inference.state import State
from forecast.model import Model
from forecast.nn.step import ModelStep, StepMemory

NETWORKS: dict[str, dict[str, Any]] = {
    "lstm": {},
    "lstm, GRU cells": {"cell": "gru"},
    "seq2seq": {"network": "seq2seq"},
    "attention": {"network": "attention"},
}


class Case(NamedTuple):
    """Histories to encode, and how many steps to forecast from them."""

    title: str
    panel: Panel
    horizon: int


class RowByRow(ModelStep):
    """A step that observes the rows of a block one after another."""

    def absorb(self, value: Any, memory: StepMemory, values: Any, step_features: Any) -> StepMemory:
        """The memory after a block, see `ModelStep.absorb`."""
        for t in range(values.shape[1]):
            memory = self.observe(value, memory, step_features[:, t])
            value = values[:, t]
        return memory


def ragged(panel: Panel, shortest: int, seed: int = 0) -> Panel:
    """The first rows of each series, at least `shortest` of them and at random up to all."""
    lengths = np.random.default_rng(seed).integers(shortest, panel.lengths + 1)
    return panel.cut(np.arange(len(panel.ids)), lengths)


def cases(options: argparse.Namespace) -> Iterator[Case]:
    """The histories, one case after the other."""
    path = options.data / TRAIN
    if path.exists():
        table = read_table(str(path))
        yield Case("M4 hourly", to_panel(table.frame, table.origin), 48)
    else:
        print(f"skipped M4 hourly: there is no {path}; name its folder with --data")
    short = ragged(hourly_panel(options.short_series, 126), 60)
    yield Case("short histories of different lengths", short, 18)
    yield Case("equal lengths", hourly_panel(options.series, 200), 48)
    yield Case("one long series", hourly_panel(1, options.long), 48)


def row_by_row(model: Model, panel: Panel) -> State:
    """The state of a panel, whose rows are observed one after another."""
    step = RowByRow(**vars(model.step))
    return encode(panel, replace(model.config, reads=0), step, model.state.fingerprint)


def in_blocks(model: Model, panel: Panel) -> State:
    """The same state, the rows in blocks."""
    config = replace(model.config, reads=0)
    return encode(panel, config, model.step, model.state.fingerprint)


def compare(case: Case, options: argparse.Namespace) -> None:
    """Print the times of one case, with every network."""
    lengths, rows, samples = case.panel.lengths, [], {}
    for name, choices in NETWORKS.items():
        config = setup(case.panel, layers=options.layers, units=options.units, **choices).config
        model = untrained(case.panel.take(np.arange(1)), config)
        tasks: dict[str, Callable[[], object]] = {
            "row by row": functools.partial(row_by_row, model, case.panel),
            "in blocks": functools.partial(in_blocks, model, case.panel),
            "by default": functools.partial(model.encode, case.panel),
            "and forecast": functools.partial(model.rollout, case.horizon, case.panel),
        }
        seconds = in_turns(options.rounds, {key: timed(task) for key, task in tasks.items()})
        times = [f"{1e3 * statistics.median(values):,.0f} ms" for values in seconds.values()]
        per_row = 1e6 * statistics.median(seconds["in blocks"]) / lengths.sum()
        faster = ratio(seconds["row by row"], seconds["in blocks"])
        rows.append([name, *times, f"{per_row:.1f} µs", f"{faster:.2f}x"])
        samples[name] = seconds["in blocks"]
    header = ["", *tasks, "per row", "blocks faster"]
    title = (
        f"{case.title}: {len(lengths):,} series of {lengths.min():,} to {lengths.max():,} rows, "
        f"by default the last {config.reads:,}; {case.horizon} steps"
    )
    show(title, header, rows)
    print(noise(samples))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the M4 files")
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--short-series", type=int, default=1_428, help="of up to 126 rows")
    parser.add_argument("--series", type=int, default=2_000, help="of 200 rows")
    parser.add_argument("--long", type=int, default=100_000, help="rows of a long series")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore", ForecastWarning)  # the networks are not trained
    for case in cases(options):
        compare(case, options)


if __name__ == "__main__":
    main()
