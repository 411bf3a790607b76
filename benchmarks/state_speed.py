"""Speed of the state: a new row takes the same time after any history, and many series at once
are observed about as fast as the network alone can compute.

Encoding the whole history again, as a library without a state must do for a new row, is timed next
to it. The reference for many series is a plain LSTM in NumPy: same weights, same shapes, inputs
made in advance, and nothing around it.
"""

from __future__ import annotations

import argparse
import functools
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks._common import (
    MET,
    hourly_panel,
    in_turns,
    noise,
    ratio,
    setup,
    show,
    sizes,
    timed,
    untrained,
)
from forecast.data.panel import Panel
from forecast.data.to_table import to_table
from forecast.inference.inputs import next_rows
from forecast.inference.state import State
from forecast.model import Model

MAX_SECONDS = 1e-3  # aim, for one new row
MAX_GROWTH = 1.2  # aim, of the time with the length of the history
MIN_RATE_RATIO = 0.5  # aim, to the rows per second of the bare network
HISTORY = 720  # observed rows of the series in lockstep
ENCODED_SERIES = 100  # the others are copies of them
FORMS = ("array", "table")
SHORT_TASK_FACTOR = 5  # times as many rounds for one row, which takes little time


class Past(NamedTuple):
    """One series: its state, and the row that follows it in every form."""

    state: State
    forms: dict[str, np.ndarray | pd.DataFrame]
    whole: Panel  # the history and the new row


class BareLayer(NamedTuple):
    """Weights of a layer, as a model names them."""

    kernel: np.ndarray  # (inputs, 4U)
    recurrent: np.ndarray  # (U, 4U)
    bias: np.ndarray  # (4U,)


def past(model: Model, length: int) -> Past:
    """A series after `length` rows."""
    whole = hourly_panel(1, length + 1)
    table = pd.DataFrame(to_table(whole))
    forms = {"array": whole.target[-1], "table": table.iloc[-1:]}
    return Past(model.encode(whole.until(1)), forms, whole)


def typical(task: Callable[[], object], repeats: int) -> Callable[[], float]:
    """A task that returns the median seconds of repeated runs of the given one."""
    once = timed(task)
    return lambda: statistics.median(once() for _ in range(repeats))


def one_row(model: Model, lengths: tuple[int, int], rounds: int, repeats: int) -> None:
    """Print the time of one new row after a short and after a long history."""
    series = {length: past(model, length) for length in lengths}
    observing = {
        f"{form} {length}": typical(
            functools.partial(model.observe, series_past.state, row), repeats
        )
        for length, series_past in series.items()
        for form, row in series_past.forms.items()
    }
    encoding = {
        f"encode {length}": timed(functools.partial(model.encode, series_past.whole))
        for length, series_past in series.items()
    }
    in_turns(1, observing)
    seconds = in_turns(SHORT_TASK_FACTOR * rounds, observing) | in_turns(rounds, encoding)
    report_one_row(seconds, *lengths)
    print(noise(seconds))


def report_one_row(seconds: Mapping[str, Sequence[float]], short: int, long: int) -> None:
    """Print the table, from the seconds of "array", "table" and "encode" after both lengths."""
    median = {name: statistics.median(values) for name, values in seconds.items()}
    rows = []
    for form in FORMS:
        times = [median[f"{form} {length}"] for length in (short, long)]
        growth = ratio(seconds[f"{form} {long}"], seconds[f"{form} {short}"])
        row = [f"observe, {form}", *(f"{1e3 * time:.2f} ms" for time in times)]
        row += [f"< {1e3 * MAX_SECONDS:.0f} ms {MET[max(times) < MAX_SECONDS]}", f"{growth:.2f}"]
        rows.append([*row, f"<= {MAX_GROWTH} {MET[growth <= MAX_GROWTH]}"])
    again = [median[f"encode {length}"] for length in (short, long)]
    factor = f"{again[1] / again[0]:.0f}"
    rows.append(["encode all again", *(f"{1e3 * t:,.0f} ms" for t in again), "", factor, ""])
    for form in FORMS:
        times = [t / median[f"{form} {n}"] for t, n in zip(again, (short, long), strict=True)]
        rows.append([f"  longer than {form}", *(f"{t:,.0f}x" for t in times), "", "", ""])
    header = ["", f"after {short:,} rows", f"after {long:,}", "target", "growth", "target"]
    show("One new row of one series", header, rows)


def many_series(model: Model, count: int) -> State:
    """The state of `count` series, with ids in the order of a table."""
    originals = model.encode(hourly_panel(min(count, ENCODED_SERIES), HISTORY))
    rows = np.arange(count) % len(originals.ids)
    ids = np.array([f"series {s:07}" for s in range(count)], dtype=object)
    return replace(originals.take(rows), ids=ids)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """The logistic function."""
    return np.asarray(1 / (1 + np.exp(-x)))


def bare_network(model: Model, state: State, inputs: np.ndarray) -> Callable[[], object]:
    """The LSTM layers alone, from step to step.

    Args:
        model: gives the weights.
        state: gives the initial network state.
        inputs: of each step, (k, S, inputs).

    Returns:
        A task.
    """
    memory, count = state.memory.network, model.config.layers
    layers = [
        BareLayer(*(model.weights[f"decoder_{k}.{part}"] for part in BareLayer._fields))
        for k in range(count)
    ]
    start = [(memory[f"hidden_{k}"], memory[f"cell_{k}"]) for k in range(count)]

    def run() -> object:
        states = start
        for x in inputs:
            after = []
            for weights, (hidden, cell) in zip(layers, states, strict=True):
                gates = x @ weights.kernel + hidden @ weights.recurrent + weights.bias
                i, f, g, o = np.split(gates, 4, axis=1)
                cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
                x = sigmoid(o) * np.tanh(cell)
                after.append((x, cell))
            states = after
        return states

    return run


def lockstep(model: Model, series: int, rows: int, rounds: int) -> None:
    """Print the rows per second that many series observe together, next to the bare network."""
    state = many_series(model, series)
    rng = np.random.default_rng(0)
    values = 20 * rng.lognormal(size=(series, rows))
    inputs = rng.normal(size=(rows, series, model.config.inputs)).astype(np.float32)
    panel = next_rows(state, values, model.config, None)
    table = to_table(panel)
    bare = "bare NumPy network"
    tasks: dict[str, Callable[[], object]] = {
        bare: bare_network(model, state, inputs),
        "observe, array": lambda: model.observe(state, values),
        "observe, Panel": lambda: model.observe(state, panel),
        "observe, table": lambda: model.observe(state, table),
    }
    for task in tasks.values():
        task()
    seconds = in_turns(rounds, {name: timed(task) for name, task in tasks.items()})
    lines = []
    for name, task_seconds in seconds.items():
        share = ratio(seconds[bare], task_seconds)
        line = [name, f"{1e3 * statistics.median(task_seconds):,.0f} ms"]
        line += [f"{series * rows / statistics.median(task_seconds):,.0f}", f"{share:.2f}"]
        has_target = name in ("observe, array", "observe, Panel")
        lines.append(
            [*line, f">= {MIN_RATE_RATIO} {MET[share >= MIN_RATE_RATIO]}" if has_target else ""]
        )
    header = ["", "time", "rows per second", "of the bare network", "target"]
    show(f"{series:,} series in lockstep, {rows} new rows of each", header, lines)
    print(noise(seconds))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--short", type=int, default=1_000, help="rows of a short history")
    parser.add_argument("--long", type=int, default=100_000, help="rows of a long history")
    parser.add_argument("--series", type=int, default=10_000, help="in lockstep")
    parser.add_argument("--rows", type=int, default=8, help="new ones of each series in lockstep")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=100, help="of one row, in each round")
    options = parser.parse_args(arguments)
    config = setup(hourly_panel(1, options.long), layers=options.layers, units=options.units).config
    model = untrained(hourly_panel(1, options.short), config)
    print(sizes(config))
    one_row(model, (options.short, options.long), options.rounds, options.repeats)
    lockstep(model, options.series, options.rows, options.rounds)


if __name__ == "__main__":
    main()
