"""What each part of the pretrained network is worth: short pretrainings with one thing changed.

Families of the prior are left out one at a time (the others take their share), and so are inputs: a
lag that does not exist, or a number that is always 0. Width, cells, the number of steps and the
seed are changed too. All networks are trained in the same way, far shorter than the shipped one, so
the differences are those of short trainings; how much of them is chance, the seeds show.

Measure: MASE of point forecasts relative to that of the seasonal naive forecast, on training parts
whose last horizon is held back (no test part is read): of the nine sets of M1, M3 and Tourism the
geometric mean, and M4 hourly. Seconds are those of the processor, of encoding and forecasting
all these sets.

Trained weights are kept in a folder; networks that are there already are not trained again.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
from safetensors.numpy import load_file, save_file

from benchmarks._untrained_methods import statistical
from benchmarks._untrained_scores import MEDIAN, error_scale, geometric_mean, mase
from benchmarks._untrained_sets import CASES, COMPETITIONS, M4, Case, Origin, missing, origins
from benchmarks._untrained_tables import head, row
from forecast.inference import config
from forecast.inference.members import Core
from forecast.inference.predictor import Predictor
from forecast.inference.rollout import RolloutEngine
from forecast.inference.season_phases import PHASES
from forecast.nn import seasonal
from forecast.nn.seasonal import Seasonal
from forecast.pretrained import generated_windows
from forecast.pretrained.pretraining import (
    Stage,
    generated_batches,
    pretraining_config,
    pretraining_plan,
)
from forecast.pretrained.prior.mixture import FAMILIES
from forecast.pretrained.zero_shot import shipped, zero_shot_config

UNITS, STEPS, RATE = 32, 500, 4e-3
LAGS = ("t-2", "t-m", "t-m-1", "t-2m", "t-M", "t-M-1")  # in the order of `seasonal.lags`
Patch = Any  # a context manager


class Network(NamedTuple):
    """A pretraining.

    Attributes:
        without: families of the prior that are left out.
        lost: gives the context in which an input is left out.
    """

    units: int = UNITS
    layers: int = 2
    cell: str = "lstm"
    steps: int = STEPS
    seed: int = 0
    without: tuple[str, ...] = ()
    lost: Callable[[], Patch] = ExitStack


class Outcome(NamedTuple):
    """What a network reaches: MASE relative to the seasonal naive forecast."""

    competitions: float
    m4: float
    cpu_seconds: float


class Task(NamedTuple):
    """A set to forecast."""

    case: Case
    origin: Origin
    scale: np.ndarray  # of the errors (S,)
    naive: float  # MASE of the seasonal naive forecast


# Inputs that are left out


def without_lag(place: int) -> Patch:
    """Lags of which one does not exist."""
    full = seasonal.lags

    def lags(seasons: Sequence[int]) -> tuple[int, ...]:
        found = list(full(seasons))
        found[place] = 0
        return tuple(found)

    return patch.object(seasonal, "lags", lags)


def without_count(place: int) -> Patch:
    """Layers that are not told how many values were seen, or how far ahead a forecast is."""
    full = Seasonal._inputs

    def inputs(self: Seasonal, x: Any, *counts: Any) -> Any:
        told = [self.xp.zeros_like(part) if k == place else part for k, part in enumerate(counts)]
        return full(self, x, *told)

    return patch.object(Seasonal, "_inputs", inputs)


def without_phases() -> Patch:
    """Places within the seasons, and their lengths, that are 0."""

    def zeros(numbers: np.ndarray, seasons: Sequence[int]) -> np.ndarray:
        return np.zeros((*numbers.shape, PHASES * len(seasons)), np.float32)

    stack = ExitStack()
    for module in (generated_windows, config):
        stack.enter_context(patch.object(module, "season_phases", zeros))
    return stack


INPUTS: dict[str, Callable[[], Patch]] = {
    **{name: partial(without_lag, place) for place, name in enumerate(LAGS)},
    "place within the seasons": without_phases,
    "number of values seen": partial(without_count, 0),
    "number of steps ahead": partial(without_count, 1),
}


# Training and forecasting


def networks(steps: int) -> dict[str, Network]:
    """All networks by name; the others are compared with the first one."""
    base = Network(steps=steps)
    return {
        f"{UNITS} LSTM units in 2 layers": base,
        **{f"seed {seed}": base._replace(seed=seed) for seed in (1, 2)},
        **{f"{units} units": base._replace(units=units) for units in (64, 128)},
        "1 layer": base._replace(layers=1),
        "GRU cells": base._replace(cell="gru"),
        "a fifth of the steps": base._replace(steps=steps // 5),
        "half the steps": base._replace(steps=steps // 2),
        "twice the steps": base._replace(steps=2 * steps),
        **{f"without {name}": base._replace(lost=lost) for name, lost in INPUTS.items()},
        **{f"without {name}": base._replace(without=(name,)) for name in FAMILIES},
    }


def trained(network: Network, path: Path) -> dict[str, np.ndarray]:
    """The weights of a network, from a file if there is one; a stopped training goes on."""
    if not path.exists():
        from forecast.training.stream_fit import fit_stream

        made = pretraining_config(network.units, network.layers, network.cell)
        plan = pretraining_plan(made, Stage(network.steps, RATE))
        batches = partial(generated_batches, seed=network.seed, without=network.without)
        kept = path.with_suffix(".kept")
        save_file(fit_stream(made, plan, batches, kept, network.seed), path)
        kept.unlink()
    return load_file(path)


def point_forecast(network: Network, weights: dict[str, np.ndarray], task: Task) -> np.ndarray:
    """The median of each step, (S, H)."""
    history = task.origin.history
    own = replace(
        zero_shot_config(history), units=network.units, layers=network.layers, cell=network.cell
    )
    own = replace(own, residual=network.layers > 1, lags=seasonal.lags(own.seasons))
    predictor = Predictor.after(history, Core(own, weights))
    made = RolloutEngine(own, weights, own.bounds).run(predictor.state, task.case.horizon)
    return made.values[..., 0]


def outcome(network: Network, weights: dict[str, np.ndarray], tasks: dict[str, Task]) -> Outcome:
    """Forecast all sets."""
    begin, ratios = time.process_time(), {}
    for name, task in tasks.items():
        point = point_forecast(network, weights, task)
        ratios[name] = mase(task.origin.actual, point, task.scale) / task.naive
    seconds = time.process_time() - begin
    return Outcome(geometric_mean([ratios[name] for name in COMPETITIONS]), ratios[M4], seconds)


def task_of(case: Case, limit: int | None) -> Task:
    """A set without its test part."""
    (origin,) = origins(case, test=False, limit=limit)
    scale = error_scale(origin.history, case.season)
    naive = statistical(origin.history, case.horizon, "SeasonalNaive", case.season)[MEDIAN]
    return Task(case, origin, scale, mase(origin.actual, naive, scale))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="of the trained weights")
    parser.add_argument("--steps", type=int, default=STEPS, help="gradient steps of a training")
    parser.add_argument("--limit", type=int, help="series of each set, for a quick try")
    parser.add_argument("--only", nargs="+", help="names of networks")
    options = parser.parse_args(arguments)

    for name in (*COMPETITIONS, M4):
        if lack := missing(CASES[name]):
            raise SystemExit(f"{name}: {lack}")
    tasks = {name: task_of(CASES[name], options.limit) for name in (*COMPETITIONS, M4)}
    options.folder.mkdir(parents=True, exist_ok=True)
    shipped()  # read before anything is left out, which its file would not agree with
    chosen = networks(options.steps)
    print(head(["network", "nine sets", "M4 hourly", "weights", "seconds"]))
    for name in options.only or chosen:
        network = chosen[name]
        path = options.folder / f"{name.replace(' ', '_')}-{options.steps}.safetensors"
        with network.lost():
            weights = trained(network, path)
            found = outcome(network, weights, tasks)
        size = sum(array.size for array in weights.values())
        print(
            row(
                [
                    name,
                    f"{found.competitions:.4f}",
                    f"{found.m4:.3f}",
                    f"{size:,}",
                    f"{found.cpu_seconds:.1f}",
                ]
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
