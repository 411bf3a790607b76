"""Against GluonTS DeepAR (PyTorch): how sharp sample paths are, and how fast they are drawn.

Sharpness: both train for the same time on the hourly series of the M4 competition and forecast 48
steps by the same number of sample paths. Measure: the quantile loss weighted by the absolute values
(Salinas et al. 2020), a mean over the levels 0.1 … 0.9. Two of the 414 series make up over a third
of the sum of all values, so the loss in units of each series' own change from day to day, in which
all count alike, is printed next to it. With --validation the last rows of the training file are
forecast; settings, also DeepAR's, were chosen there. Of DeepAR, one run each of 700 to 1,000 steps:
learning rate 1e-3 (its default) 0.059, 3e-3 0.39, 5e-3 0.048, the package's lags at 3e-3 0.60;
where all series count alike 2.5, 13, 6.0 and 8.5. Above its default rate paths diverge, so that is
used.

Speed: sample paths of untrained networks of the same sizes, alternately, next to the time of the
matrix products alone, a lower bound for any runtime.

GluonTS needs an older pandas, so it is installed in a separate environment, whose interpreter is
given by --python: python -m venv gluon && gluon/bin/pip install 'gluonts[torch]==0.17.*'
"""

from __future__ import annotations

import argparse
import functools
import json
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks._common import (
    DATA,
    LEVELS,
    MET,
    hourly_panel,
    in_turns,
    noise,
    pinball,
    ratio,
    run_alone,
    setup,
    show,
    sizes,
    timed,
    untrained,
    weighted,
)
from benchmarks.m4_hourly import HORIZON, SEASON, TEST, TRAIN, rows_of
from forecast.data.io.tables import read_table
from forecast.data.panel import Panel
from forecast.data.to_panel import to_panel
from forecast.evaluation.baselines import seasonal_naive
from forecast.inference.config import Config
from forecast.inference.network_rollout import COMPILED_CHUNK
from forecast.model import Model

WORKER = Path(__file__).with_name("_deepar_worker.py")
PARTS = ("sharpness", "speed")
QUIET = ("-W", "ignore")  # about packages that the other environment does without
DEEPAR, OURS, NAIVE = "GluonTS DeepAR", "forecast", "seasonal naive"
RUNTIMES = ("numpy", "compiled")
PRODUCTS = "matrix products alone"
MAX_LOSS_RATIO = 0.75  # aim, our loss relative to DeepAR's
MIN_SPEEDUP = 2.0  # aim, of the compiled runtime over DeepAR
CHOICES = {  # of the package
    "feedback": "teacher",  # free running learns a whole future's spread; paths then accumulate it
    "holdout": 0,  # DeepAR is trained on all rows, too
}
SETTINGS = {  # of DeepAR; its lags, 1 to 721 hours, scaling, dropout and distribution are its own
    "num_layers": 2,
    "hidden_size": 64,
    "context_length": 168,
    "batch_size": 32,
    "lr": 1e-3,
}


class Trained(NamedTuple):
    """The result of a training."""

    paths: np.ndarray  # (S, n, H)
    seconds: float  # of training
    steps: int  # gradient steps


def scaled(losses: np.ndarray, history: Panel, season: int) -> float:
    """The mean of losses (L, S, H) in units of each series' mean change from season to season."""
    pasts = np.split(history.target[:, 0], history.indptr[1:-1])
    changes = np.array([np.nanmean(np.abs(past[season:] - past[:-season])) for past in pasts])
    return float((losses / changes[:, None]).mean())


def rows_to_forecast(data: Path, validation: bool) -> tuple[Panel, np.ndarray]:
    """The history, and the actuals after it (S, H)."""
    panel = to_panel(read_table(str(data / TRAIN)).frame)
    if validation:
        last = panel.indptr[1:, None] - HORIZON + np.arange(HORIZON)
        return panel.until(HORIZON), panel.target[last, 0]
    later = rows_of(data / TEST)
    return panel, later["y"].to_numpy().reshape(-1, HORIZON)


def train_ours(history: Panel, options: argparse.Namespace) -> Trained:
    """The package, with a head that has sample paths."""
    from forecast import Forecaster

    choices = {"head": options.head, "budget": options.seconds, "seed": options.seed}
    model = Forecaster(**{**choices, **CHOICES, **options.ours}).fit(history).model_
    paths = np.asarray(model.rollout(HORIZON, paths=options.paths, seed=options.seed).paths)
    last = model.trained.rounds[-1]
    return Trained(paths[..., 0], last.seconds, last.step)


def train_deepar(history: Panel, options: argparse.Namespace) -> Trained:
    """DeepAR, in its own environment."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        job = {"seconds": options.seconds, "holdout": HORIZON if options.held else 0}
        prepare(folder, history, options, {**SETTINGS, **options.deepar}, **job)
        usage = run_alone([options.python, *QUIET, str(WORKER), "train", name], folder)
        result = json.loads(usage.output.splitlines()[-1])
        with np.load(folder / "paths.npz") as file:
            return Trained(file["paths"], result["seconds"], result["steps"])


def prepare(
    folder: Path,
    panel: Panel,
    options: argparse.Namespace,
    settings: dict[str, Any],
    **job: float,
) -> None:
    """Write the worker's inputs: the series and the job."""
    start = panel.frequency.times(panel.start).astype(str)
    target = panel.target[:, 0].astype(np.float32)
    np.savez(folder / "series.npz", target=target, indptr=panel.indptr, start=np.array(start, str))
    common = {"horizon": HORIZON, "paths": options.paths, "seed": options.seed}
    common |= {"series_at_once": options.series_at_once, "settings": settings}
    (folder / "job.json").write_text(json.dumps({"seconds": 1, **common, **job}))


def sharpness(options: argparse.Namespace) -> None:
    """Print the losses of both, next to that of the seasonal naive forecast."""
    history, actual = rows_to_forecast(options.data, options.validation)
    naive = seasonal_naive(history, SEASON, HORIZON)[..., 0]
    quantiles = {NAIVE: np.broadcast_to(naive, (len(LEVELS), *actual.shape))}
    columns = {NAIVE: ["", "", ""]}
    for name, train in ((DEEPAR, train_deepar), (OURS, train_ours)):
        trained = train(history, options)
        quantiles[name] = np.quantile(trained.paths, LEVELS, axis=1)
        inside = (actual >= quantiles[name][0]) & (actual <= quantiles[name][-1])
        columns[name] = [f"{inside.mean():.1%}", f"{trained.seconds:.0f} s", f"{trained.steps:,}"]
    losses = {
        name: pinball(actual, method_quantiles, LEVELS)
        for name, method_quantiles in quantiles.items()
    }
    deepar_loss = weighted(losses[DEEPAR], actual).mean()
    rows = []
    for name, method_losses in losses.items():
        by_level = weighted(method_losses, actual)
        mean = by_level.mean()
        row = [name, f"{mean:.4f}", f"{mean / deepar_loss:.2f}"]
        row += [MET[mean <= MAX_LOSS_RATIO * deepar_loss] if name == OURS else ""]
        row += [
            *(f"{by_level[k]:.4f}" for k in (0, 4, 8)),
            f"{scaled(method_losses, history, SEASON):.3f}",
        ]
        rows.append([*row, *columns[name]])
    source = "the last rows of the training file" if options.validation else "the test file"
    title = f"Weighted quantile loss, M4 hourly, {source}, {HORIZON} steps, {options.paths} paths"
    header = [
        "method",
        "mean",
        "of DeepAR's",
        f"<= {MAX_LOSS_RATIO:g}",
        "0.1",
        "0.5",
        "0.9",
        "scaled",
    ]
    show(title, [*header, "in 80 %", "training", "steps"], rows)


@contextmanager
def server(folder: Path, python: str) -> Iterator[tuple[dict[str, Any], Callable[[], float]]]:
    """A process with an untrained DeepAR: its description, and a task that times a forecast."""
    process = subprocess.Popen(
        [python, *QUIET, str(WORKER), "serve", str(folder)],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    if process.stdin is None or process.stdout is None:  # never so with pipes
        raise SystemExit("the worker has no pipes")
    requests, answers = process.stdin, process.stdout

    def answer() -> dict[str, Any]:
        line = answers.readline()
        if not line:
            raise SystemExit(f"the worker has ended with status {process.wait()}")
        message: dict[str, Any] = json.loads(line)
        return message

    def seconds() -> float:
        requests.write("\n")
        requests.flush()
        return float(answer()["seconds"])

    with process:  # leaving closes the pipe, which ends the worker's loop
        yield answer(), seconds


def products(config: Config, rows: int, paths: int) -> Callable[[], None]:
    """The matrix products of a rollout alone, in blocks as compiled code makes them."""
    units, rng = config.units, np.random.default_rng(0)
    inner = [config.inputs + units, *[2 * units] * (config.layers - 1), units]
    outer = [*[4 * units] * config.layers, config.outputs]
    block = max(COMPILED_CHUNK // paths, 1) * paths
    maps = []
    for n, m in zip(inner, outer, strict=True):
        weights = rng.normal(size=(n, m)).astype(np.float32)
        maps.append((rng.normal(size=(block, n)).astype(np.float32), weights))

    def run() -> None:
        for first in range(0, rows, block):
            size = min(block, rows - first)
            for _ in range(HORIZON):
                for values, weights in maps:
                    values[:size] @ weights

    return run


def speed(options: argparse.Namespace) -> None:
    """Print how long both take for sample paths of all series."""
    panel = hourly_panel(options.series, 720)
    config = setup(panel, "student_t", layers=options.layers, units=options.units).config
    model = untrained(panel, config)
    settings = {
        "num_layers": config.layers,
        "hidden_size": config.units,
        "context_length": config.context,
        "lags_seq": [1, *config.lags],
    }
    with tempfile.TemporaryDirectory() as name:
        prepare(Path(name), panel, options, settings)
        with server(Path(name), options.python) as (description, seconds_of_deepar):
            tasks = {
                DEEPAR: seconds_of_deepar,
                **{f"{r}, states given": timed(call(model, r, options)) for r in RUNTIMES},
                "compiled, from histories": timed(call(model, "compiled", options, panel)),
                PRODUCTS: timed(products(config, options.series * options.paths, options.paths)),
            }
            for task in tasks.values():
                task()  # compiles, and fills caches
            seconds = in_turns(options.rounds, tasks)
    rows = []
    for name, values in seconds.items():
        times, share = ratio(seconds[DEEPAR], values), ratio(seconds[PRODUCTS], values)
        row = [name, f"{statistics.median(values):,.2f} s", f"{times:.2f}x", f"{share:.0%}"]
        has_aim = name.startswith("compiled")
        rows.append([*row, MET[times >= MIN_SPEEDUP] if has_aim else ""])
    print(f"\n{sizes(config)}; {DEEPAR}: {description['inputs']} inputs, the same lags")
    title = f"{options.paths} sample paths x {options.series} series x {HORIZON} steps, whole calls"
    show(title, ["rollout", "time", "faster", "products' share", f">= {MIN_SPEEDUP:g}x"], rows)
    print(noise(seconds))


def call(
    model: Model, runtime: str, options: argparse.Namespace, history: Panel | None = None
) -> Callable[[], object]:
    """`Model.rollout`, from states or from histories to sample paths."""
    return functools.partial(model.rollout, HORIZON, history, paths=options.paths, runtime=runtime)


def missing(python: str | None) -> str | None:
    """Why DeepAR cannot be run, in words; None if it can."""
    if python is None:
        return "name the interpreter of an environment with GluonTS with --python"
    if shutil.which(python) is None:
        return f"there is no interpreter {python}"
    imported = subprocess.run(
        [python, "-c", "import gluonts.torch"], capture_output=True, check=False
    )
    return f"{python} has no gluonts[torch]" if imported.returncode else None


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", help="interpreter of an environment with GluonTS")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=[*PARTS])
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the M4 files")
    parser.add_argument("--validation", action="store_true", help="leave M4's test file alone")
    parser.add_argument("--seconds", type=float, default=360.0, help="of training, for each")
    parser.add_argument("--head", default="student_t", help="of the package")
    parser.add_argument("--paths", type=int, default=200, help="of each series")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ours", type=json.loads, default={}, help="other choices, as JSON")
    parser.add_argument("--deepar", type=json.loads, default={}, help="other settings, as JSON")
    parser.add_argument(
        "--held", action="store_true", help="choose DeepAR's weights on held-out rows"
    )
    parser.add_argument("--series-at-once", type=int, default=32, help="in a forecast of DeepAR")
    parser.add_argument("--series", type=int, default=414, help="whose rollout is timed")
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    if reason := missing(options.python):
        print(f"skipped: {reason}")
        return
    options.python = str(Path(shutil.which(options.python) or "").absolute())  # run in any folder
    if "sharpness" in options.parts:
        if (options.data / TRAIN).exists():
            sharpness(options)
        else:
            print(f"skipped: there is no {options.data / TRAIN}; name its folder with --data")
    if "speed" in options.parts:
        speed(options)


if __name__ == "__main__":
    main()
