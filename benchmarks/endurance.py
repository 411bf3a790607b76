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

SMALL = 1 * MB  # growth that counts as none, or:
SHARE = 0.01  # of the memory at the first look
LOOKS = 10
HISTORY = 1_000  # rows of the series before the first round


class Look(NamedTuple):
    """How things stand after some rounds."""

    rounds: int
    resident: int  # bytes
    seconds: float  # since the look before


def resident() -> int:
    """Bytes of memory that this process holds."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("/proc/self/status does not tell the resident memory; run this on Linux")


def looks(model: Model, rounds: int, horizon: int) -> Iterator[Look]:
    """Run the rounds, and look at the memory after each tenth of them."""
    values = np.random.default_rng(0).lognormal(3.0, 0.5, rounds)
    marks = {max(rounds * k // LOOKS, 1) for k in range(1, LOOKS + 1)}
    begin = time.perf_counter()
    for done, value in enumerate(values, start=1):
        model = model.update([value])
        model.predict(horizon)
        if done in marks:
            yield Look(done, resident(), time.perf_counter() - begin)
            begin = time.perf_counter()


def report(found: Sequence[Look], horizon: int) -> None:
    """Print the table and the verdict."""
    first, before, rows = found[0], 0, []
    for look in found:
        grown = look.resident - first.resident
        each = look.seconds / (look.rounds - before)
        row = [f"{look.rounds:,}", f"{look.resident / MB:,.2f} MB", f"{grown / 1e3:+,.0f} kB"]
        rows.append([*row, f"{1e3 * each:.2f} ms"])
        before = look.rounds
    title = f"Memory of a process that updates with 1 row and predicts {horizon} steps"
    show(title, ["rounds", "resident", "growth", "per round"], rows)
    grown = found[-1].resident - first.resident
    is_met = grown < max(SMALL, SHARE * first.resident)
    print(
        f"from {first.rounds:,} to {found[-1].rounds:,} rounds: {grown / 1e3:+,.0f} kB, "
        f"{grown / first.resident:+.2%}; below {SMALL / MB:.0f} MB: {MET[grown < SMALL]}, "
        f"below {SHARE:.0%}: {MET[grown < SHARE * first.resident]}; one of them: {MET[is_met]}"
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
