"""The cost of a model with three members, next to that of its network alone.

The members are a network as training chooses it, of random weights, the pretrained network, and
the theta method, at equal shares; the series are hourly ones. Measured are a rollout on both
runtimes, an update by a row of each series, the bytes of the state and of the file, and `forecast
predict` as a whole process.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks._common import (
    MB,
    MET,
    hourly_panel,
    in_turns,
    noise,
    ratio,
    run_alone,
    setup,
    show,
    sizes,
    timed,
    untrained,
)
from benchmarks.cold_start import SCRIPT
from forecast.data.panel import Panel
from forecast.inference.members import Core
from forecast.inference.predictor import Predictor
from forecast.inference.theta_member import ThetaMember
from forecast.model import Model
from forecast.pretrained.zero_shot import pretrained_member

ONE, THREE = "one member", "three members"
HORIZON = 48
MAX_RATIO = 3.0  # aim, of each cost
MAX_SECONDS = 1.0  # aim, of the process
MAX_FILE = 2 * MB  # aim, of a model of one series


class Measured(NamedTuple):
    """A cost of both models, each several times.

    Attributes:
        name: what it is.
        unit: of the figures.
        values: by model.
        limit: aim for three members, 0 where the ratio is the aim.
    """

    name: str
    unit: str
    values: dict[str, list[float]]
    limit: float = 0.0


def models(panel: Panel) -> dict[str, Model]:
    """Both models, with the state after a panel's last rows."""
    config = setup(panel, layers=2, units=64).config
    alone = untrained(panel, config)
    others = (pretrained_member(panel, config.season), ThetaMember(config.season))
    core = Core(config, alone.weights, others, (1 / 3,) * 3)
    return {ONE: alone, THREE: Model.of(Predictor.after(panel, core))}


def times(panel: Panel, rounds: int) -> list[Measured]:
    """Seconds of rollouts, and of an update by a row of each series."""
    known = models(panel.until(1))
    row = panel.cut(np.arange(len(panel.ids)), np.ones_like(panel.lengths), panel.lengths - 1)
    found = []
    for runtime in ("numpy", "compiled"):
        tasks = {}
        for name, model in known.items():
            engine = model.engine(runtime=runtime)
            tasks[name] = timed(functools.partial(engine.run, model.state, HORIZON))
        in_turns(1, tasks)  # which compiles
        found.append(Measured(f"rollout, {runtime}", "s", in_turns(rounds, tasks)))
    tasks = {
        name: timed(functools.partial(model.observe, model.state, row))
        for name, model in known.items()
    }
    return [*found, Measured("update by a row", "s", in_turns(rounds, tasks))]


def files(panel: Panel, folder: Path, rounds: int) -> list[Measured]:
    """Bytes of states and model files, and seconds of `forecast predict`."""
    known = models(panel)
    state, size, tasks = {}, {}, {}
    for name, model in known.items():
        state[name] = [float(sum(array.nbytes for array in model.state.arrays().values()))]
        path = folder / f"{name.split()[0]}.forecast"
        model.save(path)
        size[name] = [float(path.stat().st_size)]
        program = [sys.executable, SCRIPT, "predict", "--horizon", str(HORIZON)]
        tasks[name] = functools.partial(run_alone, [*program, "--model", path.name], folder)
    in_turns(1, tasks)
    runs = {name: [run.seconds for run in each] for name, each in in_turns(rounds, tasks).items()}
    return [
        Measured("state", "bytes", state),
        Measured("file", "bytes", size, MAX_FILE if len(panel.ids) == 1 else 0.0),
        Measured("forecast predict, cold", "s", runs, MAX_SECONDS),
    ]


def report(title: str, costs: Sequence[Measured]) -> None:
    """Print a table."""
    rows = []
    for name, unit, values, limit in costs:
        share = ratio(values[THREE], values[ONE])
        is_met = share <= MAX_RATIO and (not limit or statistics.median(values[THREE]) <= limit)
        shown = [f"{statistics.median(values[model]):,.4g} {unit}" for model in (ONE, THREE)]
        rows.append([name, *shown, f"{share:.2f}", MET[is_met]])
    show(title, ["cost", ONE, THREE, "ratio", f"<= {MAX_RATIO:g}"], rows)
    print(noise({name: values[THREE] for name, _, values, _ in costs if len(values[THREE]) > 1}))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, nargs="+", default=[1, 414])
    parser.add_argument("--length", type=int, default=960, help="rows of each series")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    for series in options.series:
        panel = hourly_panel(series, options.length)
        print(sizes(setup(panel, layers=2, units=64).config))
        with tempfile.TemporaryDirectory() as name:
            costs = times(panel, options.rounds) + files(panel, Path(name), options.rounds)
        report(f"Costs of members, {series} series, {HORIZON} steps", costs)


if __name__ == "__main__":
    main()
