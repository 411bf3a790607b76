"""Many series: forecasts of Parquet files on Spark, on Dask and part by part, beside a plain call.

Each way runs alone in a process, from the files to files of the forecast. Memory is the peak of the
process and of those that it starts, each by itself. Then a store of states is made, and updated by
one new row of each series, as a nightly job would.
"""

from __future__ import annotations

import argparse
import functools
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import _scale_worker
from benchmarks._common import MB, MET, in_turns, ratio, run_alone, setup, show, untrained
from forecast.data.panel import Panel
from forecast.data.to_panel import to_panel

WORKER = str(Path(_scale_worker.__file__))
MIN_SHARE = 0.7  # aim, of the plain call's series a second, on Spark
MAX_UPDATE = 300.0  # aim, seconds of an update of all states
FILE_SERIES = 10_000  # of a file
DAYS = 200


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


def timed_alone(folder: Path, way: str) -> tuple[float, int]:
    """The seconds of a way, and the peak of memory."""
    out = folder / "out"
    usage = run_alone([sys.executable, WORKER, way, str(out)], folder)
    if out.is_dir():
        shutil.rmtree(out)
    out.unlink(missing_ok=True)
    return float(usage.output.splitlines()[-1]), usage.peak


def forecasts(folder: Path, series: int, ways: Sequence[str], rounds: int) -> None:
    """Print how many series each way forecasts in a second."""
    tasks = {way: functools.partial(timed_alone, folder, way) for way in ways}
    found = in_turns(rounds, tasks)
    plain = [seconds for seconds, _ in found["plain"]]
    rows = []
    for way, runs in found.items():
        times = [seconds for seconds, _ in runs]
        share = ratio(plain, times)
        rate = series / statistics.median(times)
        peak = max(peak for _, peak in runs) / MB
        met = MET[share >= MIN_SHARE] if way == "spark" else ""
        rows.append([way, f"{rate:,.0f}", f"{share:.2f}", f"{peak:,.0f} MB", met])
    title = f"{series:,} series of {DAYS} rows, {_scale_worker.HORIZON} steps"
    show(title, ["way", "series/s", "of plain", "largest process", f">= {MIN_SHARE}"], rows)


def updates(folder: Path, series: int) -> None:
    """Print how long it takes to make the states and to update them."""
    rows = []
    for name in ("made of the histories", "updated by a row each"):
        seconds, peak = timed_alone(folder, "states")
        met = MET[seconds <= MAX_UPDATE] if name.startswith("updated") else ""
        rows.append([name, f"{seconds:,.0f} s", f"{peak / MB:,.0f} MB", met])
    size = (folder / _scale_worker.STATES).stat().st_size / MB
    show(
        f"States of {series:,} series, {size:,.0f} MB",
        ["", "took", "memory", f"<= {MAX_UPDATE:.0f} s"],
        rows,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=100_000)
    parser.add_argument("--states", type=int, default=1_000_000, help="0 for none")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ways", nargs="+", default=["plain", "lake", "spark", "dask"])
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        make(Path(name), options.series)
        forecasts(Path(name), options.series, options.ways, options.rounds)
    if options.states:
        with tempfile.TemporaryDirectory() as name:
            make(Path(name), options.states)
            updates(Path(name), options.states)


if __name__ == "__main__":
    main()
