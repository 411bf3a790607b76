"""Against its peers: NeuralForecast, Darts, GluonTS and skforecast, on the same data in one run.

All train for the same time on the hourly series of the M4 competition, from raw rows to a model;
imports do not count. The other measures use the models of the last repeat. Each task of each
library is a separate process, one at a time. `make bench` sets up the environment of the peers and
writes docs/BENCHMARKS.md; the measurements are kept next to that environment, so that --show can
print them again.
"""

from __future__ import annotations

import argparse
import datetime
import json
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks._common import DATA, ROOT, in_turns
from benchmarks._peer_bench import Bench, Rows
from benchmarks._peer_entries import ENTRIES, NAIVE
from benchmarks._peer_figures import Measurements, Run
from benchmarks._peer_report import machine, markdown
from benchmarks.m4_hourly import TRAIN

PAGE = ROOT / "docs" / "BENCHMARKS.md"
RESULTS = ROOT / ".bench" / "measured.json"
REQUIRED_IMPORTS = "darts, gluonts.torch, neuralforecast, skforecast, lightgbm"
QUICK = {"series": 20, "seconds": 10.0, "repeats": 1, "rounds": 1, "cutoffs": 3}
TIMED = ("rollout", "observe", "backtest")


def attempt(
    name: str, method: Measurements, measure: str, task: Callable[[], dict[str, Any]]
) -> None:
    """Add a task's figures to a method's measurements; a failure is noted, and the rest goes on."""
    print(f"{datetime.datetime.now():%H:%M:%S} {name}: {measure}", flush=True)
    try:
        figures = task()
    except (SystemExit, ValueError) as failure:
        method.notes[measure] = f"did not work: {str(failure).strip().splitlines()[-1]}"
        print(failure, flush=True)
        return
    method.versions.update(figures.pop("versions", {}))
    for name, values in figures.items():
        method.figures.setdefault(name, []).extend(values)


def measure(benches: dict[str, Bench], options: argparse.Namespace) -> dict[str, Measurements]:
    """All measurements of every method."""
    entries = {name: bench.entry for name, bench in benches.items()}
    measured = {
        name: Measurements(entry.description, notes=dict(entry.absent))
        for name, entry in entries.items()
    }
    for seed in range(options.repeats):
        for name, bench in benches.items():
            attempt(name, measured[name], "smape", partial(bench.train, seed))
    trained = {name: bench for name, bench in benches.items() if measured[name].figures}
    if options.accuracy or not trained:
        return measured
    cold = in_turns(options.rounds, {name: bench.forecast for name, bench in trained.items()})
    for name, bench in trained.items():
        measured[name].figures["cold"] = [usage.seconds for usage in cold[name]]
        for task in TIMED:
            attempt(name, measured[name], task, partial(once, bench, measured[name], task))
        attempt(name, measured[name], "size", partial(once, bench, measured[name], "installed"))
        if bench.is_ours:
            attempt(name, measured[name], "resume", partial(once, bench, measured[name], "resume"))
    return measured


def once(bench: Bench, method: Measurements, task: str) -> dict[str, Any]:
    """The figures of a task other than training."""
    if task != "backtest":
        return bench.ask(task)[0]
    figures, note = bench.backtest()
    if note:
        method.notes[task] = note
    return dict(figures)


def missing(options: argparse.Namespace) -> str | None:
    """Why the peers cannot be run, and what to do; None if they can."""
    if options.python is None or shutil.which(options.python) is None:
        return f"there is no interpreter {options.python}; `make bench` sets one up"
    if not (options.data / TRAIN).exists():
        return f"there is no {options.data / TRAIN}; name its folder with --data"
    imports = [options.python, "-W", "ignore", "-c", f"import {REQUIRED_IMPORTS}"]
    if subprocess.run(imports, capture_output=True, check=False).returncode:
        return f"{options.python} cannot import {REQUIRED_IMPORTS}; `make bench` installs them"
    return None


def save(path: Path, run: Run, measured: dict[str, Measurements]) -> None:
    """Keep the measurements in a file."""
    kept = {
        "run": asdict(run),
        "measured": {name: asdict(method) for name, method in measured.items()},
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(kept, indent=1))


def show(path: Path) -> str:
    """The page of measurements kept in a file."""
    kept = json.loads(path.read_text())
    measured = {name: Measurements(**fields) for name, fields in kept["measured"].items()}
    return markdown(Run(**kept["run"]), measured)


def parser() -> argparse.ArgumentParser:
    """The options."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--python", help="interpreter of an environment with the peers")
    options.add_argument("--data", type=Path, default=DATA, help="folder of the M4 files")
    options.add_argument("--quick", action="store_true", help="through everything at tiny sizes")
    options.add_argument("--validation", action="store_true", help="leave M4's test file alone")
    options.add_argument("--accuracy", action="store_true", help="measure accuracy only")
    options.add_argument("--only", nargs="+", choices=ENTRIES, default=[*ENTRIES])
    options.add_argument("--settings", type=json.loads, default={}, help="others, as JSON, for all")
    options.add_argument("--series", type=int, default=414)
    options.add_argument("--seconds", type=float, default=180.0, help="of each training")
    options.add_argument("--repeats", type=int, default=3, help="trainings of each, by seeds")
    options.add_argument("--rounds", type=int, default=5, help="of what is timed")
    options.add_argument("--cutoffs", type=int, default=100, help="of the backtest")
    options.add_argument("--write", action="store_true", help="to docs/BENCHMARKS.md")
    options.add_argument(
        "--show", type=Path, help="print the measurements kept in a file, and run nothing"
    )
    return options


def main(arguments: Sequence[str] | None = None) -> None:
    command_line = list(sys.argv[1:] if arguments is None else arguments)
    options = parser().parse_args(command_line)
    if options.show:
        print(show(options.show))
        return
    if reason := missing(options):
        print(f"skipped: {reason}")
        return
    options.python = str(Path(shutil.which(options.python) or "").absolute())  # run in any folder
    if options.quick:
        vars(options).update(QUICK)
    rows = Rows.read(options.data, options.validation, options.series)
    named = {name: ENTRIES[name] for name in options.only}
    with tempfile.TemporaryDirectory() as folder:
        benches = {
            name: Bench(entry, rows, Path(folder) / str(k), options)
            for k, (name, entry) in enumerate(named.items())
        }
        measured = measure(benches, options)
    measured[NAIVE] = Measurements("the last day again", rows.score(rows.naive))
    run = run_of(options, len(rows.ids), ["python", "-m", "benchmarks.peers", *command_line])
    page = markdown(run, measured)
    print(page)
    if options.write and not (options.quick or options.validation):
        save(RESULTS, run, measured)
        PAGE.write_text(page)


def run_of(options: argparse.Namespace, series: int, command: Sequence[str]) -> Run:
    """What was run, when and where."""
    return Run(
        command=shlex.join(command),
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        machine=machine(),
        series=series,
        seconds=options.seconds,
        repeats=options.repeats,
        rounds=options.rounds,
        cutoffs=options.cutoffs,
    )


if __name__ == "__main__":
    main()
