"""A backtest of M4's hourly series: 100 cutoffs in one call, next to other ways to the same.

`Model.backtest`, with the history encoded once and the state carried along, is compared with
encoding it again at each cutoff, with one call of `Model.rollout` per cutoff, and, with --python of
the environment that `make bench` sets up, with `historical_forecasts(retrain=False)` of a Darts
RNNModel of the same size. The weights are untrained or barely trained, which does not change the
time.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks._common import DATA, MET, PAUSE_SECONDS, setup, show, sizes, timed, untrained
from benchmarks._peer_bench import Bench, Rows
from benchmarks._peer_entries import ENTRIES
from benchmarks.m4_hourly import HORIZON, TRAIN
from forecast.data.io.tables import read_table
from forecast.data.panel import Panel
from forecast.data.to_panel import to_panel
from forecast.model import Model

DARTS = "Darts RNNModel"
MIN_SPEEDUPS = {DARTS: 5, "rollout per cutoff": 10}  # aims
MEASURED_CUTOFFS = 10  # at which single rollouts are timed


def per_cutoff(model: Model, panel: Panel, cutoffs: int) -> float:
    """Seconds of a rollout from each cutoff, extrapolated from some of them."""
    sampled = np.unique(np.linspace(0, cutoffs - 1, MEASURED_CUTOFFS).astype(int))
    histories = [panel.until(HORIZON + int(back)) for back in sampled]
    seconds = [timed(partial(model.rollout, HORIZON, history))() for history in histories]
    return float(np.mean(seconds)) * cutoffs


def of_darts(python: str, data: Path, cutoffs: int, series: int) -> float:
    """Seconds that Darts takes, in a separate process, without its start."""
    options = argparse.Namespace(python=python, seconds=5.0, rounds=1, cutoffs=cutoffs, settings={})
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(ENTRIES[DARTS], Rows.read(data, True, series), Path(folder) / "d", options)
        bench.train(0)
        return bench.backtest()[0]["backtest"][0]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the M4 files")
    parser.add_argument("--python", help="interpreter of an environment with Darts")
    parser.add_argument("--cutoffs", type=int, default=100)
    parser.add_argument("--series", type=int, default=414)
    options = parser.parse_args(arguments)
    if not (options.data / TRAIN).exists():
        print(f"skipped: there is no {options.data / TRAIN}; name its folder with --data")
        return
    whole = to_panel(read_table(str(options.data / TRAIN)).frame)
    panel = whole.take(np.arange(min(options.series, len(whole.ids))))
    config = setup(panel, layers=2, units=64).config
    model, cutoffs = untrained(panel, config), options.cutoffs

    def ours(carry: bool) -> float:
        return timed(
            lambda: model.backtest(panel, HORIZON, cutoffs, stride=1, levels=(), carry=carry)
        )()

    tasks: dict[str, Callable[[], float]] = {
        "carried": lambda: ours(carry=True),
        "encoded again": lambda: ours(carry=False),
        "rollout per cutoff": lambda: per_cutoff(model, panel, cutoffs),
    }
    if options.python:
        python = str(Path(options.python).absolute())  # its process runs in another folder
        tasks[DARTS] = lambda: of_darts(python, options.data, cutoffs, options.series)
    seconds = {}
    for name, task in tasks.items():
        time.sleep(PAUSE_SECONDS)
        seconds[name] = task()
    rows = [
        [name, f"{taken:.1f}", f"{taken / seconds['carried']:.1f}", aim(name, seconds)]
        for name, taken in seconds.items()
    ]
    title = f"{cutoffs} cutoffs x {len(panel.ids)} series x {HORIZON} steps, {sizes(config)}"
    show(title, ["backtest", "seconds", "of carried", "aim"], rows)
    if options.python is None:
        print(f"left out: {DARTS}; name the interpreter of its environment with --python")


def aim(name: str, seconds: dict[str, float]) -> str:
    """The aim for the speedup over a task, and whether it is met."""
    if name not in MIN_SPEEDUPS:
        return ""
    return f"{MIN_SPEEDUPS[name]} {MET[seconds[name] >= MIN_SPEEDUPS[name] * seconds['carried']]}"


if __name__ == "__main__":
    main()
