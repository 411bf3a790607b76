"""Shared by the benchmarks: alternating runs, separate processes, tables, untrained models."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from forecast.data.frequency import parse
from forecast.data.panel import Panel
from forecast.data.schema import Schema
from forecast.inference.config import Config
from forecast.inference.encoding import encode
from forecast.inference.members import Core
from forecast.inference.network_rollout import make_step
from forecast.model import Model
from forecast.nn import NETWORKS
from forecast.training.options import TrainingOptions
from forecast.training.plan import Choices, choose

T = TypeVar("T")

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
MB = 1_000_000
PAUSE_SECONDS = 0.1  # between tasks, so that the busy-waiting threads of the last one go to sleep
LEVELS = np.arange(1, 10) / 10  # quantile levels, over which the loss is averaged
MET = {True: "met", False: "MISSED"}

# Until a child process runs its own program, Linux counts its parent's memory as the child's. So a
# small launcher process of 10 MB stands in between.
LAUNCHER = """
import json, os, sys, time
begin = time.perf_counter()
child = os.spawnv(os.P_NOWAIT, sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(child, 0)
seconds = time.perf_counter() - begin
with open(os.environ["BENCHMARK_USAGE"], "w") as file:
    json.dump([seconds, usage.ru_maxrss * 1024, os.waitstatus_to_exitcode(status)], file)
"""


class Usage(NamedTuple):
    """Resources that a whole process used, and its output."""

    seconds: float
    peak: int  # bytes of memory
    output: str
    errors: str


def timed(
    task: Callable[[], object], clock: Callable[[], float] = time.perf_counter
) -> Callable[[], float]:
    """A task that runs the given one and returns its seconds by a clock."""

    def seconds() -> float:
        begin = clock()
        task()
        return clock() - begin

    return seconds


def in_turns(rounds: int, tasks: Mapping[str, Callable[[], T]]) -> dict[str, list[T]]:
    """Results of tasks that run alternately, round by round, so that noise affects all alike."""
    results: dict[str, list[T]] = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, task in tasks.items():
            time.sleep(PAUSE_SECONDS)
            results[name].append(task())
    return results


def ratio(numerators: Sequence[float], denominators: Sequence[float]) -> float:
    """The median over rounds of the ratio within a round."""
    return statistics.median(n / d for n, d in zip(numerators, denominators, strict=True))


def noise(samples: Mapping[str, Sequence[float]]) -> str:
    """The spread of the repetitions, by which a reader can judge the figures."""
    parts = (
        f"{name} {(max(values) - min(values)) / statistics.median(values):.0%}"
        for name, values in samples.items()
    )
    load = f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    return f"noise: (largest - smallest) / median: {', '.join(parts)}; {load}"


def pinball(actual: np.ndarray, quantiles: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Twice the pinball loss of every quantile, (L, S, H).

    Args:
        actual: (S, H).
        quantiles: (L, S, H).
        levels: probabilities (L,).
    """
    errors = actual - quantiles
    probability = levels[:, None, None]
    losses: np.ndarray = 2 * np.maximum(probability * errors, (probability - 1) * errors)
    return losses


def weighted(losses: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """Losses (L, S, H) relative to the absolute values (S, H), for each level (L,)."""
    by_level: np.ndarray = losses.sum(axis=(1, 2)) / np.abs(actual).sum()
    return by_level


def show(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: first column left-aligned, the others right-aligned."""
    lines = [list(header), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    print(f"\n{title}")
    for line in lines:
        cells = [line[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        print("  ".join(cells).rstrip(), flush=True)


def run_alone(command: Sequence[str], folder: Path) -> Usage:
    """Run a command as a separate process.

    Args:
        command: the program, by its path, and its arguments.
        folder: where it runs.

    Raises:
        SystemExit: if it fails, with its standard error.
    """
    report = folder / "usage.json"
    completed = subprocess.run(
        [sys.executable, "-I", "-S", "-c", LAUNCHER, *command],
        cwd=folder,
        env={**os.environ, "BENCHMARK_USAGE": str(report)},
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, peak, status = json.loads(report.read_text())
    if status:
        raise SystemExit(f"{' '.join(command)} ended with status {status}:\n{completed.stderr}")
    return Usage(seconds, peak, completed.stdout, completed.stderr)


def hourly_panel(series: int, length: int, seed: int = 0) -> Panel:
    """Positive hourly series with a daily and a weekly pattern, S series of equal length."""
    rng = np.random.default_rng(seed)
    hours = 2 * np.pi * np.arange(length)
    values = rng.random((series, length))
    values += 3.0 + np.sin(hours / 24) + 0.5 * np.sin(hours / 168)
    values *= rng.lognormal(3.0, 1.0, (series, 1))
    return Panel(
        ids=np.array([f"series {s}" for s in range(series)], dtype=object),
        indptr=np.arange(series + 1) * length,
        start=np.full(series, 1_700_000_000_000_000 // 3_600_000_000 * 3_600_000_000),
        target=values.reshape(-1, 1),
        frequency=parse("h"),
        schema=Schema("long", "unique_id", "ds", ("y",), "str", "datetime64[us]"),
    )


def setup(panel: Panel, head: str = "point", rounds: int | None = None, **given: Any) -> Choices:
    """The configuration and plan that training would choose, with some options given."""
    fixed: Any = {"transform": "log", "bounds": "none", "feedback": "teacher"}
    choices = choose(TrainingOptions(head=head, **fixed, **given), panel)
    if rounds is None:
        return choices
    return choices._replace(plan=replace(choices.plan, rounds=rounds))


def untrained(panel: Panel, config: Config, seed: int = 0) -> Model:
    """A model with random weights, and the state after the panel's last rows."""
    rng = np.random.default_rng(seed)
    shapes = NETWORKS[config.network].shapes(config.blueprint.sizes)
    weights = {
        name: (rng.normal(size=shape) * np.sqrt(2 / sum(shape))).astype(np.float32)
        for name, shape in shapes.items()
    }
    state = encode(panel, config, make_step(config, weights), Core(config, weights).fingerprint)
    return Model(config=config, weights=weights, state=state)


def sizes(config: Config) -> str:
    """The sizes of a model in words."""
    return (
        f"LSTM {config.layers}x{config.units}, {config.inputs} inputs "
        f"(lags {', '.join(map(str, config.lags))}), head {config.head}"
    )
