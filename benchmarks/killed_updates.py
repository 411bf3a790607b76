"""Killed updates: `forecast update` killed at any moment leaves the old state or the new one.

Half of the kills are spread over the whole duration of the process. The others strike when its
draft appears beside the model file, or a moment later: while it writes, renames or ends. What
the file must hold is computed by `Model.update` in this process. Then several processes update
different series of one file at the same time, and none of their rows may be lost.
"""

from __future__ import annotations

import argparse
import functools
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks._common import MET, hourly_panel, setup, show, timed, untrained
from forecast import ForecastError
from forecast.data.to_table import to_table
from forecast.model import Model

SCRIPT = str(Path(sys.executable).with_name("forecast"))
MODEL = "model.forecast"
HISTORY = 720  # rows of each series that the model has seen
ROWS = 2  # new rows of each series in an update
LATEST_KILL = 1.1  # relative to the usual duration of a process
MAX_DRAFT_AGE = 0.003  # seconds after a draft has appeared, the latest kill
POLL_SECONDS = 0.0001  # between two looks for a draft
WRONG = ("other", "unreadable")
MOMENTS = ("at any moment", "while it writes")


def series_and_rows(series: int, updates: int) -> tuple[Model, list[pd.DataFrame]]:
    """A model, and the rows of each update after its history."""
    whole = hourly_panel(series, HISTORY + updates * ROWS)
    history = whole.until(updates * ROWS)
    model = untrained(history, setup(history, layers=1, units=8).config)
    table = pd.DataFrame(to_table(whole))
    place = table.groupby("unique_id").cumcount() - HISTORY
    return model, [table[place // ROWS == k] for k in range(updates)]


def start(folder: Path, name: str) -> subprocess.Popen[str]:
    """`forecast update` on a table in the folder, with the model in it."""
    command = [sys.executable, SCRIPT, "update", name, "--quiet"]
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> None:
    """Wait until an update has ended well.

    Raises:
        SystemExit: if it fails, with what it wrote to standard error.
    """
    _, errors = process.communicate()
    if process.returncode:
        raise SystemExit(f"forecast update ended with status {process.returncode}:\n{errors}")


def drafts(folder: Path) -> set[str]:
    """The names of the drafts beside the model file."""
    return {path.name for path in folder.glob("*.tmp")}


def kill_after(process: subprocess.Popen[str], seconds: float) -> None:
    """Kill a process some time after its start."""
    time.sleep(seconds)
    process.kill()


def kill_at_draft(process: subprocess.Popen[str], folder: Path, seconds: float) -> None:
    """Kill a process some time after its draft has appeared in the folder."""
    existing = drafts(folder)
    while process.poll() is None and drafts(folder) <= existing:
        time.sleep(POLL_SECONDS)
    time.sleep(seconds)
    process.kill()


def outcome(path: Path, before: Model, after: Model) -> str:
    """What a model file holds: the "old" or the "new" state, an "other", or is "unreadable"."""
    try:
        state = Model.load(path).state
    except ForecastError:
        return "unreadable"
    return "new" if state == after.state else "old" if state == before.state else "other"


def usual_duration(folder: Path, model: Model, rows: pd.DataFrame) -> float:
    """Seconds of an update that is not killed; the first one fills the disk cache."""
    rows.to_csv(folder / "rows.csv", index=False)
    for _ in range(2):
        model.save(folder / MODEL)
        seconds = timed(lambda: finish(start(folder, "rows.csv")))()
    return seconds


def killed(folder: Path, model: Model, tables: Sequence[pd.DataFrame]) -> dict[str, Counter[str]]:
    """Kill one update of each table, and count the outcomes, by the moment.

    An update that had no effect is run again to the end, which must then be the new state, and
    measures the present duration of a process.
    """
    duration = usual_duration(folder, model, tables[0])
    model.save(folder / MODEL)
    rng = np.random.default_rng(0)
    parts = (rng.permutation(len(tables)) + rng.random(len(tables))) / len(tables)
    counts = {moment: Counter[str]() for moment in MOMENTS}
    for k, rows in enumerate(tables):
        rows.to_csv(folder / "rows.csv", index=False)
        after = model.update(rows)
        strike: Callable[[subprocess.Popen[str]], None] = (
            functools.partial(kill_at_draft, folder=folder, seconds=MAX_DRAFT_AGE * parts[k])
            if k % 2
            else functools.partial(kill_after, seconds=LATEST_KILL * duration * parts[k])
        )
        process = start(folder, "rows.csv")
        strike(process)
        process.communicate()
        result = outcome(folder / MODEL, model, after)
        if result == "old":
            duration = timed(lambda: finish(start(folder, "rows.csv")))()
            if outcome(folder / MODEL, model, after) != "new":
                result = "other"
        if result in WRONG:
            after.save(folder / MODEL)
        counts[MOMENTS[k % 2]].update(["times", result, *["ended"] * (process.returncode == 0)])
        model = after
    return counts


def removed(folder: Path, rows: pd.DataFrame) -> tuple[int, int]:
    """How many drafts lie around, and how many after they have grown old and one more update."""
    lying = drafts(folder)
    for name in lying:
        os.utime(folder / name, (0, 0))
    rows.to_csv(folder / "rows.csv", index=False)
    finish(start(folder, "rows.csv"))
    return len(lying), len(drafts(folder))


def together(folder: Path, updaters: int) -> bool:
    """Whether processes that update different series at the same time lose no row."""
    model, (rows,) = series_and_rows(updaters, 1)
    model.save(folder / MODEL)
    names = []
    for name, own in rows.groupby("unique_id"):
        own.to_csv(folder / f"{name}.csv", index=False)
        names.append(f"{name}.csv")
        model = model.update(own)
    for process in [start(folder, name) for name in names]:
        finish(process)
    return Model.load(folder / MODEL).state == model.state


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--series", type=int, default=3)
    parser.add_argument("--updaters", type=int, default=8, help="at the same time")
    options = parser.parse_args(arguments)
    model, tables = series_and_rows(options.series, options.kills + 1)
    with tempfile.TemporaryDirectory() as name:
        counts = killed(Path(name), model, tables[:-1])
        lying, left = removed(Path(name), tables[-1])
    columns = ("times", "ended", "old", "new", *WRONG)
    rows = [[m, *(f"{counts[m][c]}" for c in columns)] for m in MOMENTS]
    header = ["killed", "times", "had ended before", "old state", "new state", *WRONG]
    show("forecast update killed with SIGKILL", header, rows)
    wrong = sum(count[name] for count in counts.values() for name in WRONG)
    print(f"neither the old nor the new state: {wrong}, target 0: {MET[wrong == 0]}")
    print(f"drafts left behind: {lying}; once old, after one more update: {left} {MET[left == 0]}")
    with tempfile.TemporaryDirectory() as name:
        is_whole = together(Path(name), options.updaters)
    print(f"{options.updaters} updaters of different series at once, no row lost: {MET[is_whole]}")


if __name__ == "__main__":
    main()
