"""Cold start: `forecast predict` as a whole process, next to `import tensorflow`."""

from __future__ import annotations

import argparse
import functools
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks._common import (
    MB,
    MET,
    Usage,
    hourly_panel,
    in_turns,
    noise,
    ratio,
    run_alone,
    setup,
    show,
    sizes,
    untrained,
)

MAX_TIME_RATIO = 0.25  # to `import tensorflow`
MAX_PEAK = 200 * MB
HEAVY = ("tensorflow", "keras", "sklearn", "matplotlib")
BASE = "import tensorflow"
SCRIPT = str(Path(sys.executable).with_name("forecast"))
LIBRARY = "import forecast, sys; forecast.load('model.forecast').predict(12).to_csv(sys.stdout)"
PROCESSES = {  # arguments of the Python interpreter
    "forecast predict --horizon 12": [SCRIPT, "predict", "--horizon", "12"],
    "load(...).predict(12).to_csv()": ["-c", LIBRARY],
    BASE: ["-c", BASE],
}


def imported(program: Sequence[str], folder: Path) -> set[str]:
    """The packages that a Python program imports."""
    errors = run_alone([sys.executable, "-X", "importtime", *program], folder).errors
    lines = [line for line in errors.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


def measure(folder: Path, rounds: int) -> dict[str, list[Usage]]:
    """Run the processes alternately, after one round that fills the disk cache."""
    tasks = {
        name: functools.partial(run_alone, [sys.executable, *program], folder)
        for name, program in PROCESSES.items()
    }
    in_turns(1, tasks)
    return in_turns(rounds, tasks)


def report(usages: dict[str, list[Usage]], heavy: dict[str, set[str]]) -> None:
    """Print the table."""
    seconds = {name: [usage.seconds for usage in runs] for name, runs in usages.items()}
    rows = []
    for name, runs in usages.items():
        peak = max(usage.peak for usage in runs)
        share = ratio(seconds[name], seconds[BASE])
        is_met = share <= MAX_TIME_RATIO and peak <= MAX_PEAK and not heavy[name]
        time, memory = f"{statistics.median(seconds[name]):.2f} s", f"{peak / MB:.0f} MB"
        heavy_imports = ", ".join(sorted(heavy[name])) or "none"
        verdict = "" if name == BASE else MET[is_met]
        rows.append([name, time, f"{share:.3f}", memory, heavy_imports, verdict])
    targets = f"ratio <= {MAX_TIME_RATIO}, peak <= {MAX_PEAK / MB:.0f} MB, no {', '.join(HEAVY)}"
    title = f"Cold start: {targets}"
    show(title, ["process", "wall time", "ratio", "peak", "imports of these", "target"], rows)
    print(noise(seconds))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=414, help="series in the saved model")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    panel = hourly_panel(options.series, 960)
    config = setup(panel, layers=2, units=64).config
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        untrained(panel, config).save(folder / "model.forecast")
        usages = measure(folder, options.rounds)
        heavy = {name: imported(PROCESSES[name], folder) & {*HEAVY} for name in PROCESSES}
    print(f"{options.series} series, {sizes(config)}")
    report(usages, heavy)


if __name__ == "__main__":
    main()
