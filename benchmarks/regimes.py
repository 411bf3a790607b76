"""Accuracy of every network under every feedback regime, next to plain teacher forcing.

On each data set a model is trained on all rows but the last ones, of several cutoffs and seeds,
and forecasts the rows after them: fed with true values, and in one rollout. Measure: mean
absolute errors in units of the mean absolute change from season to season (MASE), of the whole
rollout and of the first and the last quarter of its steps; and the root mean squared error of the
rollout in the units of the data (RMSE). The rows of M4 hourly are those of the
competition's training file; its test file is left alone.

Every run is written to a file at once, so that an interrupted benchmark resumes where it was.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks._common import DATA, show
from forecast import Forecaster
from forecast.data.io.tables import read_table
from forecast.data.panel import Panel
from forecast.data.to_panel import to_panel
from forecast.datasets import load
from forecast.evaluation.holdout import HeldOut, exposure_of
from forecast.nn import NETWORKS

KEY = ["data", "network", "feedback", "steps", "seed", "cutoff"]
REGIMES = ("teacher", "scheduled", "free", "teacher>free")


class Task(NamedTuple):
    """A data set, and how it is trained on and forecast.

    Attributes:
        panel: reads it.
        horizon: steps to forecast.
        cutoffs: how many, each a horizon before the next.
        choices: of the Forecaster.
    """

    panel: Callable[[], Panel]
    horizon: int
    cutoffs: int
    choices: dict[str, Any]


def shared(name: str) -> Panel:
    """A table of the benchmark data."""
    path = DATA / name
    if not path.exists():
        raise FileNotFoundError(path)
    return to_panel(read_table(str(path))[0])


def etth1() -> Panel:
    """Seven columns as series, the 16 months that are published for training and validation."""
    return _first(shared("ETTh1.csv.gz"), 16 * 30 * 24)


def mackey_glass(first: int = 4_000) -> Panel:
    """4,000 points; those of the published figure begin at 0."""
    whole = shared("mackey_glass_t17.csv.gz")
    return replace(
        whole,
        indptr=np.array([0, 4_000]),
        start=whole.start + first * whole.frequency.step,
        target=whole.target[first : first + 4_000],
    )


def _first(panel: Panel, rows: int) -> Panel:
    return panel.until(int(panel.lengths.max()) - rows)


CHAOS = {"context": 100, "holdout": 100, "steps": 1_000, "bounds": "none"}
PUBLISHED = "mackey_glass_published"  # run only on request; nothing was chosen on it
TASKS = {
    "air_passengers": Task(lambda: to_panel(load("air_passengers")), 12, 2, {}),
    "us_employment": Task(lambda: to_panel(load("us_employment")), 12, 2, {}),
    "mackey_glass": Task(mackey_glass, 2_000, 1, CHAOS),
    PUBLISHED: Task(lambda: mackey_glass(first=0), 2_000, 1, CHAOS),
    "etth1": Task(etth1, 48, 1, {"steps": 250}),
    "m4_hourly": Task(lambda: shared("m4_hourly_train.csv.gz"), 48, 1, {"steps": 400}),
}


def run(task: Task, panel: Panel, cutoff: int, choices: dict[str, Any]) -> dict[str, float] | None:
    """Train before a cutoff and score the forecast after it; None with nothing to compare."""
    rows = panel.until(cutoff * task.horizon)
    rows = rows.take(np.flatnonzero(rows.lengths >= 2 * task.horizon))
    history = rows.until(task.horizon)
    started = time.perf_counter()
    model = Forecaster(budget=3_600, **task.choices, **choices).fit(history).model_
    seconds = time.perf_counter() - started
    last = rows.indptr[1:, None] - task.horizon + np.arange(task.horizon)
    actual = rows.target[last]
    trained_ids = model.state.ids.tolist()
    if trained_ids != rows.ids.tolist():  # series without a value were left out
        actual = actual[[rows.ids.tolist().index(name) for name in trained_ids]]
        history = history.select(trained_ids)
    exposure = exposure_of(HeldOut(model, history, actual))
    if exposure is None:
        return None
    errors = model.predict(task.horizon)["forecast"].to_numpy().reshape(actual.shape) - actual
    by_step, quarter = np.array(exposure.rollout), max(task.horizon // 4, 1)
    return {
        "one_step": float(np.nanmean(exposure.one_step)),
        "rollout": float(np.nanmean(by_step)),
        "first": float(np.nanmean(by_step[:quarter])),
        "last": float(np.nanmean(by_step[-quarter:])),
        "rmse": float(np.sqrt(np.nanmean(errors**2))),
        "seconds": seconds,
    }


def combinations(networks: Sequence[str], feedback: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Networks, each with the regimes it can be trained under."""
    for network in networks:
        for regime in feedback:
            if regime == "teacher" or NETWORKS[network].FEEDS_BACK:
                yield network, regime


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds and cutoffs, and the rollout relative to that of the lstm under teacher."""
    means = runs.groupby(KEY[:3], sort=False).mean(numeric_only=True).reset_index()
    plain = means.query("network == 'lstm' and feedback == 'teacher'").set_index("data")["rollout"]
    means["gap"] = means["rollout"] / means["one_step"]
    means["of plain"] = means["rollout"] / means["data"].map(plain)
    means["runs"] = runs.groupby(KEY[:3], sort=False).size().to_numpy()
    return means


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", nargs="+", choices=[*TASKS], default=[name for name in TASKS if name != PUBLISHED]
    )
    parser.add_argument("--networks", nargs="+", choices=[*NETWORKS], default=[*NETWORKS])
    parser.add_argument("--feedback", nargs="+", default=[*REGIMES])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--steps", type=int, help="gradient steps instead of each task's own")
    parser.add_argument("--out", type=Path, default=Path("regimes.csv"), help="file of all runs")
    options = parser.parse_args(arguments)
    runs = pd.read_csv(options.out) if options.out.exists() else pd.DataFrame(columns=KEY)
    done = {tuple(row) for row in runs[KEY].itertuples(index=False)}
    for name in options.data:
        task = TASKS[name]
        try:
            panel = task.panel()
        except FileNotFoundError as error:
            print(f"skipped: there is no {error}, see the README of the data folder")
            continue
        if options.steps:
            task = task._replace(choices={**task.choices, "steps": options.steps})
        for seed in range(options.seeds):
            for network, feedback in combinations(options.networks, options.feedback):
                for cutoff in range(task.cutoffs):
                    key = (name, network, feedback, task.choices.get("steps", 0), seed, cutoff)
                    if key in done:
                        continue
                    choices = {"network": network, "feedback": feedback, "seed": seed}
                    errors = run(task, panel, cutoff, choices)
                    if errors is None:
                        continue
                    row = pd.DataFrame([{**dict(zip(KEY, key, strict=True)), **errors}])
                    runs = pd.concat([runs, row], ignore_index=True) if len(runs) else row
                    runs.to_csv(options.out, index=False)
    if runs.empty:
        return
    table = summary(runs)
    columns = ["one_step", "rollout", "first", "last", "gap", "of plain", "rmse", "seconds", "runs"]
    rows = [
        [*row[:3], *(f"{value:.3g}" for value in row[3:])]
        for row in table[[*KEY[:3], *columns]].itertuples(index=False)
    ]
    title = "Errors one step ahead and in a rollout (MASE)"
    show(title, ["data", "network", "feedback", *columns], rows)


if __name__ == "__main__":
    main()
