"""The time of reading and validating a large CSV, next to pandas' fastest reader alone.

Run it with `python -m benchmarks.reading --rows 10000000`.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv

from forecast.data.io.tables import read_table
from forecast.data.panel import Panel
from forecast.data.to_panel import to_panel

SERIES = 1_000
MAX_TIME_RATIO = 3.0  # aim, to pandas


def main() -> None:
    parser = argparse.ArgumentParser(description="Time reading a large CSV next to pandas.")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hourly.csv"
        write_example(path, options.rows)
        print(f"{options.rows:,} rows, {path.stat().st_size / 1e6:,.0f} MB, {options.runs} runs")
        report(str(path), options.runs)


def write_example(path: Path, rows: int) -> None:
    """Write hourly values of 1,000 series with text ids, sorted."""
    steps = max(rows // SERIES, 2)
    names = pa.array([f"store_{s:04d}" for s in range(SERIES)])
    hours = pd.date_range("2020-01-01", periods=steps, freq="h").as_unit("s").to_numpy()
    values = np.random.default_rng(0).normal(100, 10, SERIES * steps).round(3)
    columns = {
        "unique_id": names.take(pa.array(np.repeat(np.arange(SERIES), steps))),
        "ds": np.tile(hours, SERIES),
        "y": values,
    }
    csv.write_csv(pa.table(columns), path)


def report(path: str, runs: int) -> None:
    """Print median seconds of alternating runs."""
    tasks: dict[str, Callable[[str], object]] = {"pandas": read_with_pandas, "ours": read_panel}
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(runs + 1):
        for name, task in tasks.items():
            begin = time.perf_counter()
            task(path)
            seconds[name].append(time.perf_counter() - begin)
    median = {name: statistics.median(times[1:]) for name, times in seconds.items()}  # 0 warms up
    ratio = median["ours"] / median["pandas"]
    verdict = "within" if ratio <= MAX_TIME_RATIO else "over"
    print(f"pandas.read_csv(engine='pyarrow')  {median['pandas']:6.2f} s")
    print(f"read_table and to_panel            {median['ours']:6.2f} s")
    print(f"ratio                              {ratio:6.2f}, {verdict} the target of 3")


def read_with_pandas(path: str) -> pd.DataFrame:
    return pd.read_csv(path, engine="pyarrow")


def read_panel(path: str) -> Panel:
    table = read_table(path)
    return to_panel(table.frame, table.origin)


if __name__ == "__main__":
    main()
