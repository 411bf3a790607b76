"""Many series: forecasts of Parquet files on engines and part by part, beside a plain call.

Each way runs alone in a process, from the files to files of the forecast; the start of an engine,
which a cluster has behind it, is shown apart, and so is the first run, which compiles its code and
starts its workers. Memory is the peak of the process and of those that
it starts and waits for, each by itself. Then a store of states is made, and updated by one new row
of each series, as a nightly job would, in one go and killed many times. Then files of growing size
are trained on, by series drawn from them, and forecast part by part.
"""

from __future__ import annotations

import argparse
import functools
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks import _scale_worker
from benchmarks._common import (
    MB,
    MET,
    in_turns,
    ratio,
    run_alone,
    setup,
    show,
    untrained,
)
from forecast.data.panel import Panel
from forecast.data.to_panel import to_panel

WORKER = str(Path(_scale_worker.__file__))
MIN_SHARE = 0.7  # aim, of the plain call's series a second, on Spark
MAX_MEMORY = 4_000 * MB  # aim, of training and forecast
MAX_UPDATE = 300.0  # aim, seconds of an update of all states
FILE_SERIES = 10_000  # of a file
DAYS = 200
UPDATED, NEXT = "updated by a row each", f"forecast, {_scale_worker.HORIZON} steps"
LATEST = 1.1  # kill, relative to the seconds of an update
START = 1.0  # seconds that the process of an update takes to start


def daily(first: int, series: int, days: int) -> pd.DataFrame:
    """Sales of some shops, from the number `first` on."""
    rng = np.random.default_rng(first)
    values = rng.gamma(4.0, 2.5, (series, days)) * (1.0 + 0.5 * (np.arange(days) % 7 == 5))
    dates = pd.date_range("2026-01-01", periods=days)
    return pd.DataFrame(
        {
            "unique_id": np.repeat([f"s{first + k:08}" for k in range(series)], days),
            "ds": np.tile(dates.to_numpy(), series),
            "y": values.ravel().round(2),
        }
    )


def make(folder: Path, series: int) -> None:
    """The files of all series, of one more day, and the model."""
    for name in ("lake", "today"):
        (folder / name).mkdir()
    for first in range(0, series, FILE_SERIES):
        rows = daily(first, min(FILE_SERIES, series - first), DAYS + 1)
        is_last = rows["ds"] == rows["ds"].max()
        rows[~is_last].to_parquet(folder / "lake" / f"{first:08}.parquet", index=False)
        rows[is_last].to_parquet(folder / "today" / f"{first:08}.parquet", index=False)
    panel: Panel = to_panel(daily(0, 100, DAYS))
    untrained(panel, setup(panel, layers=1, units=64).config).save(folder / _scale_worker.MODEL)


class Run(NamedTuple):
    """What a way takes: seconds that its engine starts, seconds of each run, peak of memory."""

    start: float
    seconds: list[float]
    peak: int


def alone(folder: Path, way: str, *options: str, runs: int = 1) -> Run:
    """A way in a process of its own, some times, whose outcome is removed."""
    outs = [folder / f"out-{k}" for k in range(runs)]
    usage = run_alone([sys.executable, WORKER, way, *options, *map(str, outs)], folder)
    for out in outs:
        if out.is_dir():
            shutil.rmtree(out)
        out.unlink(missing_ok=True)
    start, *seconds = map(float, usage.output.splitlines())
    return Run(start, seconds, usage.peak)


def forecasts(folder: Path, series: int, ways: Sequence[str], rounds: int) -> None:
    """Print how many series each way forecasts in a second, at first and again."""
    tasks = {way: functools.partial(alone, folder, way, runs=2) for way in ways}
    found = in_turns(rounds, tasks)
    rows = []
    for way, runs in found.items():
        first, again = (
            ratio(*([run.seconds[place] for run in found[name]] for name in ("plain", way)))
            for place in (0, 1)
        )
        rate = f"{series / statistics.median(run.seconds[1] for run in runs):,.0f}"
        start = f"{statistics.median(run.start for run in runs):.1f} s"
        peak = f"{max(run.peak for run in runs) / MB:,.0f} MB"
        met = MET[again >= MIN_SHARE] if way == "spark" else ""
        rows.append([way, start, f"{first:.2f}", rate, f"{again:.2f}", peak, met])
    title = f"{series:,} series of {DAYS} rows, {_scale_worker.HORIZON} steps"
    header = ["way", "start", "first run, of plain", "series/s again", "of plain"]
    show(title, [*header, "largest process", f">= {MIN_SHARE}"], rows)


def updates(folder: Path, series: int, kills: int) -> None:
    """Print how long it takes to make the states and to update them, also where that is killed."""
    store, before, whole = (folder / name for name in (_scale_worker.STATES, "before", "whole"))
    rows = []
    for name, way in (("made of the histories", "states"), (UPDATED, "states"), (NEXT, "tonight")):
        _, (seconds,), peak = alone(folder, way)
        met = MET[seconds <= MAX_UPDATE] if name == UPDATED else ""
        rows.append([name, f"{seconds:,.0f} s", f"{peak / MB:,.0f} MB", met])
        if way == "states":
            shutil.copy(store, whole if before.exists() else before)
            usual = seconds
    size = store.stat().st_size / MB
    show(
        f"States of {series:,} series, {size:,.0f} MB",
        ["", "took", "memory", f"<= {MAX_UPDATE:.0f} s"],
        rows,
    )
    rng, found = np.random.default_rng(0), Counter[str]()
    for _ in range(kills):
        shutil.copy(before, store)
        found["ended"] += not killed(folder, rng.uniform(0, LATEST * usual + START))
        new, old = (shared(store, other) for other in (whole, before))
        found["between"] += new > 0 and old > 0
        found["lost"] += series - new - old
    print(
        f"updates killed with SIGKILL: {kills - found['ended']} of {kills}, the others had ended;"
    )
    print(f"{found['between']} of them left some states old and some new")
    print(f"states that are neither: {found['lost']}, target 0: {MET[found['lost'] == 0]}")
    alone(folder, "states")
    wrong = series - shared(store, whole)
    print(f"run to its end, states unlike those of one go: {wrong}, target 0: {MET[wrong == 0]}")


def killed(folder: Path, seconds: float) -> bool:
    """Kill an update some seconds after its start; whether it was still at work."""
    command = [sys.executable, WORKER, "states", "out"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    return False


def shared(one: Path, other: Path) -> int:
    """How many states two stores share, to the bit."""
    with closing(sqlite3.connect(one)) as database:
        database.execute("ATTACH ? AS other", [str(other)])
        query = "SELECT count(*) FROM main.state JOIN other.state USING (id, time, record)"
        return int(database.execute(query).fetchone()[0])


def growth(sizes: Sequence[int], steps: int) -> None:
    """Print what training and forecasting take for so many series, see `_scale_worker.train`."""
    rows = []
    for series in sizes:
        with tempfile.TemporaryDirectory() as name:
            make(Path(name), series)
            _, (drawing,), _ = alone(Path(name), "draw")
            _, (training,), most = alone(Path(name), "train", "--steps", str(steps))
            _, (forecast,), peak = alone(Path(name), "lake")
        count = series * DAYS
        rows.append(
            [
                f"{count:,}",
                f"{drawing:,.1f} s",
                f"{training:,.0f} s",
                f"{forecast:,.0f} s",
                f"{count / (drawing + forecast):,.0f}",
                f"{most / MB:,.0f} MB",
                f"{peak / MB:,.0f} MB",
                MET[max(most, peak) <= MAX_MEMORY],
            ]
        )
    header = ["rows", "drawing", "with training", "forecast", "rows/s drawing and forecast"]
    header += ["memory, training", "forecast", f"<= {MAX_MEMORY / MB:,.0f} MB"]
    title = f"Files of growing size: {steps} gradient steps, {_scale_worker.HORIZON} of forecast"
    show(title, header, rows)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=100_000)
    parser.add_argument("--states", type=int, default=1_000_000, help="0 for none")
    parser.add_argument("--kills", type=int, default=50, help="of an update of the states")
    parser.add_argument(
        "--growth", type=int, nargs="*", default=[10_000, 100_000, 1_000_000], help="series"
    )
    parser.add_argument("--steps", type=int, default=400, help="of a training, gradient steps")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ways", nargs="*", default=["plain", "lake", "spark", "dask", "ray"])
    options = parser.parse_args(arguments)
    if options.ways:
        with tempfile.TemporaryDirectory() as name:
            make(Path(name), options.series)
            forecasts(Path(name), options.series, options.ways, options.rounds)
    if options.states:
        with tempfile.TemporaryDirectory() as name:
            make(Path(name), options.states)
            updates(Path(name), options.states, options.kills)
    if options.growth:
        growth(options.growth, options.steps)


if __name__ == "__main__":
    main()
