"""Cold start: `forecast predict` as a whole process, next to `import pandas` and TensorFlow.

With `--python` of another environment, such as one of the small installation, that is measured.
"""

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
MAX_SECONDS = 0.5  # without TensorFlow
MAX_PEAK = 200 * MB
HEAVY = ("tensorflow", "keras", "sklearn", "matplotlib")
TENSORFLOW, PANDAS = "import tensorflow", "import pandas"
LIBRARY = "import forecast, sys; forecast.load('model.forecast').predict(12).to_csv(sys.stdout)"
SCRIPT = str(Path(sys.executable).with_name("forecast"))
PROCESSES = {  # arguments of the Python interpreter, where SCRIPT is that of the environment
    "forecast predict --horizon 12": [SCRIPT, "predict", "--horizon", "12"],
    "load(...).predict(12).to_csv()": ["-c", LIBRARY],
    PANDAS: ["-c", PANDAS],
    TENSORFLOW: ["-c", TENSORFLOW],
}


def commands(python: str, folder: Path) -> dict[str, list[str]]:
    """The processes that an environment can run, as commands."""
    script = str(Path(python).with_name("forecast"))
    found = {
        name: [python, *(script if part == SCRIPT else part for part in program)]
        for name, program in PROCESSES.items()
    }
    has_tensorflow = "from importlib.util import find_spec; print(find_spec('tensorflow'))"
    if run_alone([python, "-c", has_tensorflow], folder).output.strip() == "None":
        del found[TENSORFLOW]
    return found


def imported(command: Sequence[str], folder: Path) -> set[str]:
    """The packages that a Python program imports."""
    errors = run_alone([command[0], "-X", "importtime", *command[1:]], folder).errors
    lines = [line for line in errors.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


def measure(commands: dict[str, list[str]], folder: Path, rounds: int) -> dict[str, list[Usage]]:
    """Run the processes alternately, after one round that fills the disk cache."""
    tasks = {
        name: functools.partial(run_alone, command, folder) for name, command in commands.items()
    }
    in_turns(1, tasks)
    return in_turns(rounds, tasks)


def report(usages: dict[str, list[Usage]], heavy: dict[str, set[str]]) -> None:
    """Print the table."""
    seconds = {name: [usage.seconds for usage in runs] for name, runs in usages.items()}
    bases = [name for name in (PANDAS, TENSORFLOW) if name in seconds]
    limit = f"{MAX_TIME_RATIO} of TensorFlow" if TENSORFLOW in bases else f"{MAX_SECONDS} s"
    rows = []
    for name, runs in usages.items():
        peak, median = max(usage.peak for usage in runs), statistics.median(seconds[name])
        shares = [ratio(seconds[name], seconds[base]) for base in bases]
        is_fast = shares[-1] <= MAX_TIME_RATIO if TENSORFLOW in bases else median <= MAX_SECONDS
        is_met = is_fast and peak <= MAX_PEAK and not heavy[name]
        heavy_imports = ", ".join(sorted(heavy[name])) or "none"
        verdict = "" if name in bases else MET[is_met]
        times = [f"{median:.2f} s", *(f"{share:.3f}" for share in shares)]
        rows.append([name, *times, f"{peak / MB:.0f} MB", heavy_imports, verdict])
    title = f"Cold start: at most {limit}, peak <= {MAX_PEAK / MB:.0f} MB, no {', '.join(HEAVY)}"
    ratios = [f"to {base.removeprefix('import ')}" for base in bases]
    show(title, ["process", "wall time", *ratios, "peak", "imports of these", "target"], rows)
    print(noise(seconds))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=414, help="series in the saved model")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--python", default=sys.executable, help="of the environment")
    options = parser.parse_args(arguments)
    panel = hourly_panel(options.series, 960)
    config = setup(panel, layers=2, units=64).config
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        untrained(panel, config).save(folder / "model.forecast")
        programs = commands(options.python, folder)
        usages = measure(programs, folder, options.rounds)
        heavy = {name: imported(command, folder) & {*HEAVY} for name, command in programs.items()}
    print(f"{options.series} series, {sizes(config)}")
    report(usages, heavy)


if __name__ == "__main__":
    main()
