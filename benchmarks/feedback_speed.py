"""What each feedback regime costs: observations per second next to teacher forcing.

Networks, windows and batches are those that training chooses for hourly series; the last 48
steps of a window are left to the regime. All run alternately, in one process.
"""

from __future__ import annotations

import argparse
import functools
import statistics
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from benchmarks._common import MET, hourly_panel, in_turns, noise, ratio, setup, show, sizes
from benchmarks.training_speed import ours, rate, windows_of
from forecast.nn import NETWORKS

MIN_RATE_RATIOS = {"scheduled, parallel": 0.45, "free": 0.2}
TEACHER = "teacher"


def regimes(network: str) -> dict[str, dict[str, Any]]:
    """The fields of a plan for each regime that the network can be trained under."""
    if not NETWORKS[network].FEEDS_BACK:
        return {TEACHER: {"feedback": (TEACHER,)}}
    return {
        TEACHER: {"feedback": (TEACHER,)},
        "scheduled, exact": {"feedback": ("scheduled",), "mixing": "exact"},
        "scheduled, parallel": {"feedback": ("scheduled",), "mixing": "parallel"},
        "free": {"feedback": ("free",)},
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", choices=[*NETWORKS], default="lstm")
    parser.add_argument("--series", type=int, default=414)
    parser.add_argument("--length", type=int, default=960, help="rows of each series")
    parser.add_argument("--steps", type=int, default=8, help="gradient steps in a round")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, of which the first is left")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args(arguments)
    panel = hourly_panel(options.series, options.length)
    steps = {"steps": options.steps * options.rounds, "rounds": options.rounds}
    choice = setup(panel, holdout=0, **steps)
    choice = choice._replace(config=replace(choice.config, network=options.network))
    windows = windows_of(panel, choice)
    tasks = {}
    for name, fields in regimes(options.network).items():
        variant = choice._replace(plan=replace(choice.plan, **fields))
        tasks[name] = functools.partial(rate, functools.partial(ours, variant, windows), variant)
    rates = in_turns(options.repeats, tasks)
    rows = []
    for name, method_rates in rates.items():
        share, target = ratio(method_rates, rates[TEACHER]), MIN_RATE_RATIOS.get(name)
        verdict = "" if target is None else f">= {target} {MET[share >= target]}"
        rows.append([name, f"{statistics.median(method_rates):,.0f}", f"{share:.2f}", verdict])
    print(f"{options.network}: {sizes(choice.config)}")
    title = (
        f"{choice.config.horizon} steps of windows of {choice.plan.window_length} left to the "
        f"regime, batch {choice.plan.batch_size}"
    )
    show(title, ["feedback", "observations per second", "of teacher", "target"], rows)
    print(noise(rates))


if __name__ == "__main__":
    main()
