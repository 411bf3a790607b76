"""Rollouts of an exported model in onnxruntime, against the same rollouts of this package."""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks._common import (
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
from forecast.inference.parallel import cores
from forecast.model import Model

LONG, MANY = 720, 48  # steps of one series, and of many
RUNTIMES = ("numpy", "compiled")


def in_onnxruntime(model: Model, horizon: int, folder: Path) -> Callable[[], np.ndarray]:
    """The rollout of an exported model: values (S, H, 1)."""
    import onnxruntime

    model.export(folder)
    session = onnxruntime.InferenceSession(folder / "rollout.onnx")
    names = [one.name for one in session.get_inputs()]
    times = model.state.times_after(horizon)
    given = {**model.state.arrays(), "horizon": np.array(horizon)}

    def run() -> np.ndarray:
        features = model.config.calendar(times).transpose(1, 0, 2)
        inputs = {**given, "step_features": np.ascontiguousarray(features)}
        values: np.ndarray = session.run(["forecast"], {name: inputs[name] for name in names})[0]
        return values

    return run


def compare(model: Model, horizon: int, rounds: int) -> None:
    """Print how long rollouts take, from the state to values in the units of the data."""

    def engine(runtime: str) -> Callable[[], np.ndarray]:
        return lambda: model.engine(runtime=runtime).run(model.state, horizon).values

    with tempfile.TemporaryDirectory() as folder:
        tasks = {name: engine(name) for name in RUNTIMES}
        tasks["onnxruntime"] = in_onnxruntime(model, horizon, Path(folder))
        values = {name: task() for name, task in tasks.items()}  # the first call compiles
        seconds = in_turns(rounds, {name: timed(task) for name, task in tasks.items()})
    size = np.abs(values["numpy"]).mean()
    rows = []
    for name, times in seconds.items():
        against = [f"{ratio(times, seconds[other]):.2f}" for other in RUNTIMES]
        gap = np.abs(values[name] - values["numpy"]).max() / size
        rows.append([name, f"{1e3 * statistics.median(times):,.1f} ms", *against, f"{gap:.0e}"])
    title = f"{len(model.state.ids)} series x {horizon} steps"
    header = ["rollout", "time", *(f"of {name}" for name in RUNTIMES), "largest difference"]
    show(title, header, rows)
    print(noise(seconds))


def measure(options: argparse.Namespace) -> None:
    """Print both tables."""
    panel = hourly_panel(options.series, 720)
    model = untrained(panel, setup(panel, layers=options.layers, units=options.units).config)
    print(f"{sizes(model.config)}; {cores()} cores")
    single = replace(model, state=model.state.take(np.arange(1)))
    compare(single, min(LONG, options.steps), options.rounds)
    compare(model, min(MANY, options.steps), options.rounds)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--series", type=int, default=414)
    parser.add_argument("--steps", type=int, default=LONG, help="at most, of a rollout")
    parser.add_argument("--rounds", type=int, default=5)
    measure(parser.parse_args(arguments))


if __name__ == "__main__":
    main()
