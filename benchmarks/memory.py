"""Memory: the peak of a short training grows with the rows, not with rows x window length.

Each size runs in a separate process, over the whole of `Forecaster.fit`: checks, windows,
gradient steps, the comparison on the held-out tail, and the encoding of every history.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks._common import MB, MET, ROOT, Usage, hourly_panel, run_alone, setup, show

BASE_ROWS = 100_000  # few rows, whose memory is mostly that of TensorFlow itself
MAX_GROWTH = 1.1  # aim, of the bytes per row from few to many rows
PROGRAM = "import sys; sys.path.insert(0, {root!r}); from benchmarks.memory import train; train({})"


def train(series: int, length: int, steps: int) -> None:
    """Train on generated rows, and print the seconds of the parts."""
    from forecast import Forecaster

    begin = time.perf_counter()
    panel = hourly_panel(series, length)
    rounds = [time.perf_counter()]
    Forecaster(steps=steps).fit(panel, progress=lambda _: rounds.append(time.perf_counter()))
    parts = {
        "generate": rounds[0] - begin,
        "prepare": rounds[1] - rounds[0],
        "train": rounds[-1] - rounds[1],
        "encode": time.perf_counter() - rounds[-1],
    }
    print(json.dumps(parts))


def measure(rows: int, series: int, steps: int) -> tuple[int, Usage]:
    """The number of training rows, and the resources that the process used."""
    length = max(rows // series, 1)
    program = PROGRAM.format(f"{series}, {length}, {steps}", root=str(ROOT))
    with tempfile.TemporaryDirectory() as folder:
        return series * length, run_alone([sys.executable, "-c", program], Path(folder))


def report(sizes: dict[int, Usage], window: int) -> None:
    """Print the table.

    Args:
        sizes: the resources used, by number of rows, fewest first.
        window: bytes that ready-made windows would take per row.
    """
    few, *more = sizes
    rows, costs = [], []
    for count in sizes:
        parts = json.loads(sizes[count].output)
        times = [f"{parts[name]:.1f} s" for name in ("prepare", "train", "encode")]
        row = [f"{count:,}", f"{sizes[count].peak / MB:,.0f} MB", *times]
        if count == few:
            rows.append([*row[:2], "", "", *row[2:]])
            continue
        costs.append((sizes[count].peak - sizes[few].peak) / (count - few))
        rows.append([*row[:2], f"{costs[-1]:,.0f}", f"{costs[-1] / window:.2%}", *row[2:]])
    header = ["rows", "peak", "bytes per row", "of all windows", "prepare", "train", "encode"]
    show(f"Memory of training; all windows, ready-made: {window:,} bytes per row", header, rows)
    is_linear = len(more) < 2 or costs[-1] <= MAX_GROWTH * costs[0]
    print(f"no more bytes per row with more rows: {MET[is_linear]}")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--few", type=int, default=BASE_ROWS, help="rows to compare with")
    parser.add_argument("--series", type=int, default=1_000)
    parser.add_argument("--steps", type=int, default=4)
    options = parser.parse_args(arguments)
    sizes = dict(
        measure(rows, options.series, options.steps)
        for rows in sorted({options.few, *options.rows})
    )
    choice = setup(hourly_panel(1, max(sizes) // options.series))
    window = choice.plan.window_length * (choice.config.inputs + choice.config.targets) * 4
    report(sizes, window)


if __name__ == "__main__":
    main()
