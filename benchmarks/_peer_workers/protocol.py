"""What the workers of `benchmarks.peers` share: the job, the series, the tasks and their answers.

    python WORKER.py TASK FOLDER

Each worker is run by the interpreter of the environment that has its library, as a process of its
own, and imports nothing of the project that is measured, unless it is that project's. The folder
holds `series.npz` and `job.json`, and keeps the trained model; the answer is the last line that is
printed, in JSON.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd

from installed import bytes_of, closure, versions


class Series(NamedTuple):
    """Hourly series of unequal lengths."""

    ids: list[str]
    rows: list[np.ndarray]  # of each series, (N,)
    starts: list[pd.Timestamp]

    def tail(self, count: int) -> Series:
        """The last rows of each alone."""
        kept = [row[-count:] for row in self.rows]
        skipped = [len(a) - len(b) for a, b in zip(self.rows, kept, strict=True)]
        return Series(
            self.ids,
            kept,
            [t + pd.Timedelta(hours=n) for t, n in zip(self.starts, skipped, strict=True)],
        )

    def followed_by(self, later: np.ndarray) -> Series:
        """With more rows (S, k) behind each."""
        rows = [np.append(row, new) for row, new in zip(self.rows, later, strict=True)]
        return self._replace(rows=rows)

    def ending_together(self) -> Series:
        """With starts such that all end at the time of the latest end."""
        longest = max(map(len, self.rows))
        late = [longest - len(row) for row in self.rows]
        first = min(self.starts)
        return self._replace(starts=[first + pd.Timedelta(hours=n) for n in late])

    def table(self) -> pd.DataFrame:
        """A long table: unique_id, ds, y."""
        lengths = [len(row) for row in self.rows]
        hours = np.concatenate([np.arange(n) for n in lengths])
        starts = np.repeat(np.array(self.starts, "datetime64[us]"), lengths)
        times = starts + hours.astype("timedelta64[h]")
        ids = np.repeat(np.array(self.ids, object), lengths)
        return pd.DataFrame({"unique_id": ids, "ds": times, "y": np.concatenate(self.rows)})


@dataclass(frozen=True)
class Job:
    """What is asked for.

    Attributes:
        folder: where the model is kept.
        seconds: that training takes.
        horizon: steps.
        rounds: of a task that is timed, after one that does not count.
        cutoffs: of the backtest.
        seed: of the training.
        settings: of the library.
    """

    folder: Path
    seconds: float
    horizon: int
    rounds: int
    cutoffs: int
    seed: int
    settings: dict[str, Any]


class Training(NamedTuple):
    """What a training has come to."""

    steps: int
    observations: int | None  # values that a loss was taken of; None where it is no such training


class Library(Protocol):
    """What a worker can do; `Model` and `Data` are of any kinds of its own."""

    PACKAGES: tuple[str, ...]  # that are installed, with extras in brackets
    NEEDED: int  # last rows of a series that a forecast needs

    def train(self, job: Job, series: Series) -> Training:
        """Train for the seconds of a job, from the series as they are; keep the model."""

    def load(self, job: Job) -> Any:
        """The model that was kept."""

    def prepare(self, series: Series) -> Any:
        """Series in the form that the library wants."""

    def forecast(self, model: Any, data: Any, horizon: int) -> np.ndarray:
        """The steps after the series, (S, H)."""

    def backtest(self, model: Any, data: Any, job: Job) -> int:
        """Forecast from each of the last cutoffs that all steps are known of, without training.

        Returns:
            How many steps were forecast.
        """


class Clock:
    """Ends a training by gradient steps after so many seconds, and counts the steps.

    The learning rate falls along half a cosine, as ours does, where a rate is given.
    """

    def __init__(self, seconds: float, rate: float | None) -> None:
        """Begin to count the seconds."""
        self.begin = time.perf_counter()
        self.seconds = seconds
        self.rate = rate
        self.steps = 0

    def __deepcopy__(self, memo: object) -> Clock:
        """The same clock: NeuralForecast trains a copy of a model."""
        return self

    def before(self, trainer: Any, *_: object) -> None:
        """Called by Lightning before each step."""
        if self.rate is not None:
            for group in trainer.optimizers[0].param_groups:
                group["lr"] = self.rate * (1 + math.cos(math.pi * min(self.done, 1.0))) / 2

    def after(self, trainer: Any, *_: object) -> None:
        """Called by Lightning after each step."""
        self.steps += 1
        trainer.should_stop = self.done >= 1.0

    @property
    def done(self) -> float:
        """The share of the time that has gone by."""
        return (time.perf_counter() - self.begin) / self.seconds


def read(folder: Path) -> tuple[Job, Series, np.ndarray]:
    """The job, the series, and the rows that follow them, (S, k)."""
    job = Job(folder=folder, **json.loads((folder / "job.json").read_text()))
    with np.load(folder / "series.npz") as file:
        rows = np.split(file["target"], file["indptr"][1:-1])
        starts = [pd.Timestamp(start) for start in file["start"].tolist()]
        return job, Series(file["ids"].tolist(), rows, starts), file["later"]


def train(library: Library, folder: Path) -> dict[str, float]:
    """Train and keep the model: its seconds, steps, and observations per second."""
    job, series, _ = read(folder)
    begin = time.perf_counter()
    done = library.train(job, series)
    seconds = time.perf_counter() - begin
    told = {"seconds": seconds, "steps": done.steps}
    return told if done.observations is None else {**told, "rate": done.observations / seconds}


def predict(library: Library, folder: Path) -> dict[str, float]:
    """Forecast with the model that was kept, and write a table."""
    job, series, _ = read(folder)
    data = library.prepare(series.tail(library.NEEDED))
    values = library.forecast(library.load(job), data, job.horizon)
    ids = np.repeat(series.ids, job.horizon)
    steps = np.tile(np.arange(job.horizon), len(series.ids))
    table = pd.DataFrame({"unique_id": ids, "ds": steps, "forecast": values.ravel()})
    table.to_csv(folder / "forecast.csv", index=False)
    return {}


def rollout(library: Library, folder: Path) -> dict[str, list[float]]:
    """The seconds of forecasts from the histories, in the form that the library wants."""
    job, series, _ = read(folder)
    model, data = library.load(job), library.prepare(series.tail(library.NEEDED))
    return {"rollout": timed(job, lambda _: library.forecast(model, data, job.horizon))}


def observe(library: Library, folder: Path) -> dict[str, list[float]]:
    """The seconds from a new row of each series, as an array, to a forecast of the next step."""
    job, series, later = read(folder)
    model, known = library.load(job), series.tail(library.NEEDED)

    def step(number: int) -> None:
        whole = known.followed_by(later[:, : number + 1]).tail(library.NEEDED)
        library.forecast(model, library.prepare(whole), 1)

    return {"observe": timed(job, step)}


def backtest(library: Library, folder: Path) -> dict[str, list[float]]:
    """The seconds of one backtest; a short one before it does not count."""
    job, series, _ = read(folder)
    model, data = library.load(job), library.prepare(series)
    library.forecast(model, library.prepare(series.tail(library.NEEDED)), job.horizon)
    begin = time.perf_counter()
    made = library.backtest(model, data, job)
    seconds = time.perf_counter() - begin
    wanted = len(series.ids) * job.cutoffs * job.horizon
    if made != wanted:
        raise SystemExit(f"the backtest has made {made} steps of {wanted}")
    return {"backtest": [seconds]}


def inventory(library: Library, _: Path) -> dict[str, Any]:
    """The bytes of the installed packages and of all that they need, and versions."""
    names = closure(library.PACKAGES)
    return {"size": [sum(map(bytes_of, names))], "versions": versions(names)}


def timed(job: Job, task: Callable[[int], object]) -> list[float]:
    """The seconds of a task, given the number of the round, for each round after the first."""
    seconds = []
    for number in range(job.rounds + 1):
        begin = time.perf_counter()
        task(number)
        seconds.append(time.perf_counter() - begin)
    return seconds[1:]


TASKS: dict[str, Callable[[Library, Path], Any]] = {
    "train": train,
    "predict": predict,
    "rollout": rollout,
    "observe": observe,
    "backtest": backtest,
    "installed": inventory,
}


def main(library: Library, extra: dict[str, Callable[[Library, Path], Any]] | None = None) -> None:
    """Do the task that the command line names, and print its answer."""
    task, folder = sys.argv[1:]
    answer = {**TASKS, **(extra or {})}[task](library, Path(folder))
    print(json.dumps(answer))
