"""Many series: forecasts of Parquet files on engines and part by part, beside a plain call.

Each way runs alone in a process, from the files to files of the forecast; the start of an engine,
which a cluster has behind it, is shown apart. Memory is the peak of the process and of those that
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
    Usage,
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
MOMENTS = (1.0, 8.0)  # seconds after its start at which an update is killed


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
    """What a way takes: seconds that its engine starts, seconds after that, peak of memory."""

    start: float
    seconds: float
    peak: int


def timed_alone(folder: Path, way: str) -> Run:
    """What a way takes."""
    usage = _alone(folder, way)
    *starts, total = map(float, usage.output.splitlines())
    return Run(sum(starts), total - sum(starts), usage.peak)


def _alone(folder: Path, way: str, *more: str) -> Usage:
    out = folder / "out"
    usage = run_alone([sys.executable, WORKER, way, str(out), *more], folder)
    if out.is_dir():
        shutil.rmtree(out)
    out.unlink(missing_ok=True)
    return usage


def forecasts(folder: Path, series: int, ways: Sequence[str], rounds: int) -> None:
    """Print how many series each way forecasts in a second."""
    tasks = {way: functools.partial(timed_alone, folder, way) for way in ways}
    found = in_turns(rounds, tasks)
    plain = [run.seconds for run in found["plain"]]
    rows = []
    for way, runs in found.items():
        times, starts = [run.seconds for run in runs], [run.start for run in runs]
        share = ratio(plain, times)
        whole = ratio(plain, [sum(both) for both in zip(times, starts, strict=True)])
        start = f"{statistics.median(starts):.1f} s"
        rate = f"{series / statistics.median(times):,.0f}"
        peak = f"{max(run.peak for run in runs) / MB:,.0f} MB"
        met = MET[share >= MIN_SHARE] if way == "spark" else ""
        rows.append([way, rate, f"{share:.2f}", start, f"{whole:.2f}", peak, met])
    title = f"{series:,} series of {DAYS} rows, {_scale_worker.HORIZON} steps"
    header = ["way", "series/s", "of plain", "start", "with start", "largest process"]
    show(title, [*header, f">= {MIN_SHARE}"], rows)


def updates(folder: Path, series: int, kills: int) -> None:
    """Print how long it takes to make the states and to update them, also where that is killed."""
    store, before, whole = (folder / name for name in (_scale_worker.STATES, "before", "whole"))
    rows = []
    for name in ("made of the histories", "updated by a row each"):
        _, seconds, peak = timed_alone(folder, "states")
        met = MET[seconds <= MAX_UPDATE] if name.startswith("updated") else ""
        rows.append([name, f"{seconds:,.0f} s", f"{peak / MB:,.0f} MB", met])
        shutil.copy(store, whole if before.exists() else before)
    size = store.stat().st_size / MB
    show(
        f"States of {series:,} series, {size:,.0f} MB",
        ["", "took", "memory", f"<= {MAX_UPDATE:.0f} s"],
        rows,
    )
    shutil.copy(before, store)
    rng = np.random.default_rng(0)
    struck = sum(killed(folder, rng.uniform(*MOMENTS)) for _ in range(kills))
    timed_alone(folder, "states")
    wrong = differing(store, whole)
    print(f"the same update killed with SIGKILL {struck} of {kills} times, then run to its end:")
    print(f"states unlike those of an update in one go: {wrong}, target 0: {MET[wrong == 0]}")


def killed(folder: Path, seconds: float) -> bool:
    """Kill an update some seconds after its start; whether it was still at work."""
    process = subprocess.Popen([sys.executable, WORKER, "states", "out"], cwd=folder)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    return False


def differing(one: Path, other: Path) -> int:
    """How many states of two stores have no equal in the other, to the bit."""
    with closing(sqlite3.connect(one)) as database:
        database.execute("ATTACH ? AS other", [str(other)])
        rows = "SELECT id, time, record FROM"
        query = "SELECT count(*) FROM ({0} {1}.state EXCEPT {0} {2}.state)"
        sides = [("main", "other"), ("other", "main")]
        return sum(int(database.execute(query.format(rows, *side)).fetchone()[0]) for side in sides)


def growth(sizes: Sequence[int], steps: int) -> None:
    """Print what training and forecasting take for so many series, see `_scale_worker.train`."""
    rows = []
    for series in sizes:
        with tempfile.TemporaryDirectory() as name:
            make(Path(name), series)
            trained = _alone(Path(name), "train", str(steps))
            _, forecast, peak = timed_alone(Path(name), "lake")
        (drawing, kept), total = trained.output.splitlines()[-2].split(), trained.output.split()[-1]
        count = series * DAYS
        most = max(trained.peak, peak)
        rows.append(
            [
                f"{count:,}",
                f"{float(drawing):,.1f} s",
                f"{int(kept):,}",
                f"{float(total) - float(drawing):,.0f} s",
                f"{forecast:,.0f} s",
                f"{count / (float(drawing) + forecast):,.0f}",
                f"{trained.peak / MB:,.0f} MB",
                f"{peak / MB:,.0f} MB",
                MET[most <= MAX_MEMORY],
            ]
        )
    header = ["rows", "drawing", "rows drawn", "training", "forecast", "rows/s of reading both"]
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
