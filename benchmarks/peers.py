"""Against its peers: NeuralForecast, Darts, GluonTS and skforecast, on the same data in one run.

All train for as long on the hourly series of the M4 competition, from raw rows to a model; time of
imports does not count. What follows is measured with the models of the last repeat. Each task
of each library is a process of its own, one at a time. `make bench` sets up the environment that
the peers live in, and writes docs/BENCHMARKS.md; what was measured is kept beside that
environment, so that --show can tell it again.
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
from benchmarks._peer_figures import Found, Run
from benchmarks._peer_report import machine, markdown
from benchmarks.m4_hourly import TRAIN

PAGE = ROOT / "docs" / "BENCHMARKS.md"
KEPT = ROOT / ".bench" / "measured.json"
NEEDED = "darts, gluonts.torch, neuralforecast, skforecast, lightgbm"
QUICK = {"series": 20, "seconds": 10.0, "repeats": 1, "rounds": 1, "cutoffs": 3}
TIMED = ("rollout", "observe", "backtest")


def attempt(name: str, found: Found, measure: str, task: Callable[[], dict[str, Any]]) -> None:
    """Add what a task has measured to the results; a failure is reported, and the rest goes on."""
    print(f"{datetime.datetime.now():%H:%M:%S} {name}: {measure}", flush=True)
    try:
        told = task()
    except (SystemExit, ValueError) as failure:
        found.notes[measure] = f"did not work: {str(failure).strip().splitlines()[-1]}"
        print(failure, flush=True)
        return
    found.versions.update(told.pop("versions", {}))
    for name, values in told.items():
        found.figures.setdefault(name, []).extend(values)


def measure(benches: dict[str, Bench], options: argparse.Namespace) -> dict[str, Found]:
    """Everything, of every method."""
    entries = {name: bench.entry for name, bench in benches.items()}
    found = {name: Found(one.said, notes=dict(one.absent)) for name, one in entries.items()}
    for seed in range(options.repeats):
        for name, bench in benches.items():
            attempt(name, found[name], "smape", partial(bench.train, seed))
    trained = {name: bench for name, bench in benches.items() if found[name].figures}
    if options.accuracy or not trained:
        return found
    cold = in_turns(options.rounds, {name: bench.forecast for name, bench in trained.items()})
    for name, bench in trained.items():
        found[name].figures["cold"] = [usage.seconds for usage in cold[name]]
        for task in TIMED:
            attempt(name, found[name], task, partial(once, bench, found[name], task))
        attempt(name, found[name], "size", partial(once, bench, found[name], "installed"))
        if bench.is_ours:
            attempt(name, found[name], "resume", partial(once, bench, found[name], "resume"))
    return found


def once(bench: Bench, found: Found, task: str) -> dict[str, Any]:
    """What a task other than training measures."""
    if task != "backtest":
        return bench.ask(task)[0]
    figures, said = bench.backtest()
    if said:
        found.notes[task] = said
    return dict(figures)


def missing(options: argparse.Namespace) -> str | None:
    """What is missing to run the peers, and what to do; None where nothing is."""
    if options.python is None or shutil.which(options.python) is None:
        return f"there is no interpreter {options.python}; `make bench` sets one up"
    if not (options.data / TRAIN).exists():
        return f"there is no {options.data / TRAIN}; name its folder with --data"
    imports = [options.python, "-W", "ignore", "-c", f"import {NEEDED}"]
    if subprocess.run(imports, capture_output=True, check=False).returncode:
        return f"{options.python} cannot import {NEEDED}; `make bench` installs them"
    return None


def save(path: Path, run: Run, found: dict[str, Found]) -> None:
    """Keep what was measured."""
    kept = {"run": asdict(run), "found": {name: asdict(one) for name, one in found.items()}}
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(kept, indent=1))


def show(path: Path) -> str:
    """The page of what was measured before."""
    kept = json.loads(path.read_text())
    found = {name: Found(**one) for name, one in kept["found"].items()}
    return markdown(Run(**kept["run"]), found)


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("--python", help="interpreter of an environment with the peers")
    made.add_argument("--data", type=Path, default=DATA, help="folder of the M4 files")
    made.add_argument("--quick", action="store_true", help="through everything at tiny sizes")
    made.add_argument("--validation", action="store_true", help="leave M4's test file alone")
    made.add_argument("--accuracy", action="store_true", help="nothing else")
    made.add_argument("--only", nargs="+", choices=ENTRIES, default=[*ENTRIES])
    made.add_argument("--settings", type=json.loads, default={}, help="others, as JSON, for all")
    made.add_argument("--series", type=int, default=414)
    made.add_argument("--seconds", type=float, default=180.0, help="of each training")
    made.add_argument("--repeats", type=int, default=3, help="trainings of each, by seeds")
    made.add_argument("--rounds", type=int, default=5, help="of what is timed")
    made.add_argument("--cutoffs", type=int, default=100, help="of the backtest")
    made.add_argument("--write", action="store_true", help="to docs/BENCHMARKS.md")
    made.add_argument("--show", type=Path, help="tell what was kept in a file, and run nothing")
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = parser().parse_args(given)
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
    with tempfile.TemporaryDirectory() as place:
        benches = {
            name: Bench(entry, rows, Path(place) / str(k), options)
            for k, (name, entry) in enumerate(named.items())
        }
        found = measure(benches, options)
    found[NAIVE] = Found("the last day again", rows.score(rows.naive))
    run = run_of(options, len(rows.ids), ["python", "-m", "benchmarks.peers", *given])
    page = markdown(run, found)
    print(page)
    if options.write and not (options.quick or options.validation):
        save(KEPT, run, found)
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
