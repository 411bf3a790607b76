"""Endurance: a process that takes in a row and forecasts, over and over, does not grow.

Each round is what a user's service does: `update` with the true value of one more step, then
`predict`. The memory is what the operating system counts as resident.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks._common import MB, MET, hourly_panel, setup, show, sizes, untrained
from forecast.model import Model

MAX_GROWTH = 1 * MB  # aim, or:
MAX_GROWTH_RATIO = 0.01  # of the memory at the first look
LOOKS = 10
HISTORY = 1_000  # rows of the series before the first round


class Look(NamedTuple):
    """Memory and time after some rounds."""

    rounds: int
    resident: int  # bytes
    seconds: float  # since the previous look


def resident() -> int:
    """Bytes of resident memory of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("/proc/self/status does not show the resident memory; run this on Linux")


def looks(model: Model, rounds: int, horizon: int) -> Iterator[Look]:
    """Run the rounds, and measure the memory after each tenth of them."""
    values = np.random.default_rng(0).lognormal(3.0, 0.5, rounds)
    measured_rounds = {max(rounds * k // LOOKS, 1) for k in range(1, LOOKS + 1)}
    begin = time.perf_counter()
    for done, value in enumerate(values, start=1):
        model = model.update([value])
        model.predict(horizon)
        if done in measured_rounds:
            yield Look(done, resident(), time.perf_counter() - begin)
            begin = time.perf_counter()


def report(looks: Sequence[Look], horizon: int) -> None:
    """Print the table and the verdict."""
    first, before, rows = looks[0], 0, []
    for look in looks:
        growth = look.resident - first.resident
        seconds_per_round = look.seconds / (look.rounds - before)
        row = [f"{look.rounds:,}", f"{look.resident / MB:,.2f} MB", f"{growth / 1e3:+,.0f} kB"]
        rows.append([*row, f"{1e3 * seconds_per_round:.2f} ms"])
        before = look.rounds
    title = f"Memory of a process that updates with 1 row and predicts {horizon} steps"
    show(title, ["rounds", "resident", "growth", "per round"], rows)
    growth = looks[-1].resident - first.resident
    is_met = growth < max(MAX_GROWTH, MAX_GROWTH_RATIO * first.resident)
    print(
        f"from {first.rounds:,} to {looks[-1].rounds:,} rounds: {growth / 1e3:+,.0f} kB, "
        f"{growth / first.resident:+.2%}; "
        f"below {MAX_GROWTH / MB:.0f} MB: {MET[growth < MAX_GROWTH]}, "
        f"below {MAX_GROWTH_RATIO:.0%}: {MET[growth < MAX_GROWTH_RATIO * first.resident]}; "
        f"one of them: {MET[is_met]}"
    )
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100_000)
    parser.add_argument("--horizon", type=int, default=3, help="steps of each forecast")
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--units", type=int, default=64)
    options = parser.parse_args(arguments)
    panel = hourly_panel(1, HISTORY)
    config = setup(panel, layers=options.layers, units=options.units).config
    print(sizes(config))
    report(list(looks(untrained(panel, config), options.rounds, options.horizon)), options.horizon)


if __name__ == "__main__":
    main()
