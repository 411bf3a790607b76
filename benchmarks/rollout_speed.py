"""Rollout speed: both runtimes against the loop of every tutorial, and how time grows.

The loop of the tutorials is a Keras model with `stateful=True` and a fixed batch, whose
`Model.predict` is called once per step. It gets the very same weights, state and inputs.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from benchmarks._common import (
    MET,
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
from forecast.inference.bounds import Bounds, Limits, limits
from forecast.inference.loop import rollout
from forecast.model import Model
from forecast.nn.step import LoopCarry
from forecast.nn.step_inputs import lagged_values, push, step_input

TUTORIAL = "Keras loop"
MAX_DIFFERENCE = 1e-4  # aim, between values of both
MAX_GROWTH_PER_DOUBLING = 2.2  # aim, a tenth of it for noise
RUNTIMES = ("numpy", "compiled")


class Case(NamedTuple):
    """One comparison with the loop of the tutorials."""

    model: Model
    horizon: int
    looped_steps: int  # of the horizon, on which the slow loop is timed
    targets: dict[str, float]  # minimal speedups, by kind of rollout


def step_features(model: Model, horizon: int) -> np.ndarray:
    """Step features of the forecast horizon, all from the calendar, (H, S, K)."""
    frequency = model.config.frequency
    times = model.state.time + frequency.step * np.arange(1, horizon + 1)[:, None]
    return frequency.calendar(times, model.config.cycles)


def no_limits(model: Model) -> Limits:
    """Limits that no value reaches, (S, D)."""
    return limits((Bounds(),), model.state.scale, model.config.powers)


def stateful_keras(model: Model) -> Any:
    """The Keras model of the tutorials, with the weights of ours."""
    import keras

    config, batch_size = model.config, len(model.state.ids)
    layers = [keras.Input(batch_shape=(batch_size, 1, config.inputs))]
    for k in range(config.layers):
        is_last = k + 1 == config.layers
        layers.append(keras.layers.LSTM(config.units, stateful=True, return_sequences=not is_last))
    network = keras.Sequential([*layers, keras.layers.Dense(config.outputs)])
    network.set_weights(list(model.weights.values()))
    return network


def tutorial_loop(model: Model, horizon: int) -> Callable[[], np.ndarray]:
    """`Model.predict` once per step, feeding back its own values: a path (H, S, 1)."""
    network, lags = stateful_keras(model), model.config.lags
    features = step_features(model, horizon)
    memory, batch_size = model.state.memory, len(model.state.ids)

    def run() -> np.ndarray:
        for k in range(model.config.layers):
            for variable, part in zip(network.layers[k].states, ("hidden", "cell"), strict=True):
                variable.assign(memory.network[f"{part}_{k}"])
        value, recent, path = model.state.value, memory.recent, []
        for step in features:
            inputs = step_input(np, value, lagged_values(np, recent, value, lags), step)
            recent = push(np, recent, value)
            value = network.predict(inputs[:, None], batch_size=batch_size, verbose=0)
            path.append(value)
        return np.stack(path)

    return run


def numpy_engine(model: Model, horizon: int) -> Callable[[], np.ndarray]:
    """The engine on NumPy: a path (H, S, 1)."""
    features, state = step_features(model, horizon), model.state
    unlimited = no_limits(model)

    def run() -> np.ndarray:
        step = model.step.rollout_step(features, unlimited, None)
        return rollout(step, state.value, LoopCarry(0, state.memory), horizon)[0]

    return run


def compiled_engine(model: Model, horizon: int) -> Callable[[], np.ndarray]:
    """The engine's compiled twin: a path (H, S, 1)."""
    from forecast.inference import loop_xla

    features, state = step_features(model, horizon), model.state
    blueprint, unlimited = model.config.blueprint, no_limits(model)

    def run() -> np.ndarray:
        memory = state.memory
        path, _ = loop_xla.run(
            blueprint, model.weights, state.value, memory, features, unlimited, None
        )
        return path

    return run


def whole_call(model: Model, horizon: int, runtime: str, paths: int = 0) -> Callable[[], object]:
    """`Model.rollout`, from state to table."""
    return functools.partial(model.rollout, horizon, runtime=runtime, paths=paths)


def compare(case: Case, rounds: int) -> None:
    """Print one comparison with the loop of the tutorials."""
    model, horizon = case.model, case.horizon
    loop = tutorial_loop(model, case.looped_steps)
    engines = {"numpy": numpy_engine(model, horizon), "compiled": compiled_engine(model, horizon)}
    paths = {name: engine() for name, engine in engines.items()}  # the first call compiles
    gaps = {
        name: float(np.abs(path[: case.looped_steps] - loop()).max())
        for name, path in paths.items()
    }
    tasks: dict[str, Callable[[], object]] = {TUTORIAL: loop}
    tasks |= {f"{name}, engine": engine for name, engine in engines.items()}
    tasks |= {f"{name}, whole call": whole_call(model, horizon, name) for name in RUNTIMES}
    seconds = in_turns(rounds, {name: timed(task) for name, task in tasks.items()})
    seconds[TUTORIAL] = [s * horizon / case.looped_steps for s in seconds[TUTORIAL]]
    rows = []
    for name, values in seconds.items():
        times, target = ratio(seconds[TUTORIAL], values), case.targets.get(name)
        row = [name, f"{1e3 * statistics.median(values):,.2f} ms", f"{times:,.0f}x"]
        verdict = f">= {target:,.0f}x {MET[times >= target]}" if target else ""
        rows.append([*row, verdict, f"{gaps[name.partition(',')[0]]:.0e}" if target else ""])
    title = (
        f"{len(model.state.ids)} series x {horizon} steps "
        f"(the Keras loop timed on {case.looped_steps} steps); "
        f"values equal within {MAX_DIFFERENCE:.0e}: "
        f"{MET[max(gaps.values()) <= MAX_DIFFERENCE]} (they spread by {paths['numpy'].std():.2f})"
    )
    show(title, ["rollout", "time", "faster", "target", "largest difference"], rows)
    print(noise(seconds))


def growth(
    title: str, counts: Sequence[int], tasks: Callable[[int, str], Any], rounds: int
) -> None:
    """Print how the processor time of both runtimes grows when something doubles.

    Processor time does not show what else the machine is doing.

    Args:
        title: what doubles.
        counts: how many of them.
        tasks: from a count and a runtime to the task that is timed.
        rounds: repetitions.
    """
    timed_tasks = {
        (c, name): timed(tasks(c, name), time.process_time) for name in RUNTIMES for c in counts
    }
    for task in timed_tasks.values():
        task()  # compiles
    seconds = in_turns(rounds, {f"{name} {c}": task for (c, name), task in timed_tasks.items()})
    rows = []
    for name in RUNTIMES:
        least = [min(seconds[f"{name} {c}"]) for c in counts]
        factors = [after / before for before, after in itertools.pairwise(least)]
        overall = (least[-1] / least[0]) ** (1 / len(factors))
        row = [name, *(f"{1e3 * s:,.1f} ms" for s in least)]
        row += [" ".join(f"{factor:.2f}" for factor in factors), f"{overall:.2f}"]
        rows.append([*row, MET[overall <= MAX_GROWTH_PER_DOUBLING]])
    header = [
        "whole call",
        *map(str, counts),
        "per doubling",
        "mean",
        f"<= {MAX_GROWTH_PER_DOUBLING}",
    ]
    show(f"Growth with {title} (processor time, least of {rounds})", header, rows)


def doubled(count: int) -> list[int]:
    """A count, twice and four times as many."""
    return [count, 2 * count, 4 * count]


def many_of(model: Model, count: int) -> Model:
    """The model with the state of its first series only."""
    return replace(model, state=model.state.take(np.arange(count)))


def measure(options: argparse.Namespace) -> None:
    """Print all tables."""
    rounds = options.rounds
    plan = {"layers": options.layers, "units": options.units}
    panels = {count: hourly_panel(count, 720) for count in (1, 10, 4 * options.series)}
    single = untrained(panels[1], setup(panels[1], **plan).config)
    sampling = untrained(panels[10], setup(panels[10], "student_t", **plan).config)
    many = untrained(panels[4 * options.series], single.config)
    subsets = {count: many_of(many, count) for count in doubled(options.series)}
    print(sizes(single.config))
    targets = {"numpy, engine": 300.0, "compiled, engine": 3000.0}
    looped_steps = min(options.tutorial_steps, options.steps)
    compare(Case(single, options.steps, looped_steps, targets), rounds)
    looped_steps = min(options.tutorial_steps, 48)
    compare(Case(subsets[options.series], 48, looped_steps, {"compiled, engine": 100.0}), rounds)
    growth("steps, 1 series", doubled(options.steps), lambda c, r: whole_call(single, c, r), rounds)
    growth("series, 48 steps", [*subsets], lambda c, r: whole_call(subsets[c], 48, r), rounds)
    paths = "sample paths, 10 series x 48 steps"
    growth(paths, doubled(options.paths), lambda c, r: whole_call(sampling, 48, r, c), rounds)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--series", type=int, default=414)
    parser.add_argument("--paths", type=int, default=100, help="of each of 10 series")
    parser.add_argument("--steps", type=int, default=720, help="of the rollout of one series")
    parser.add_argument("--tutorial-steps", type=int, default=60, help="timed of the Keras loop")
    parser.add_argument("--rounds", type=int, default=5)
    measure(parser.parse_args(arguments))


if __name__ == "__main__":
    main()
