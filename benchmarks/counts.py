"""Heads on counts, most of them small: the quantile loss of each, and whether paths are counts.

Generated: sixty shops over 200 days, negative binomial around a weekly pattern. Real: triples, home
runs and stolen bases of baseball players, a row per season, 42 to 46 % of them zero; the table
`baseball` of R's plyr (from the Baseball Databank), as in the Python package pydataset, given by
--data. The last steps of each series are forecast.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks._common import LEVELS, MET, pinball, show, weighted
from forecast import Forecaster
from forecast.data.panel import Panel
from forecast.data.to_panel import to_panel

HEADS = ("normal", "student_t", "negative_binomial")
COMPARED = ("negative_binomial", "normal")
PATHS = 200
SHOPS, DAYS, SHAPE = 60, 200, 0.6
MIN_SEASONS = 15  # of a player
BASEBALL = {"triples": "X3b", "home runs": "hr", "stolen bases": "sb"}


def generated(seed: int = 3) -> Panel:
    """Counts of a known process; the median of the shops' levels is 0.6 per day."""
    rng = np.random.default_rng(seed)
    days = pd.date_range("2024-01-01", periods=DAYS)
    tables = []
    for shop in range(SHOPS):
        week = 1 + 0.8 * np.sin(2 * np.pi * (np.arange(DAYS) + shop % 3) / 7)
        mean = np.exp(rng.normal(-0.5, 1)) * week
        counts = rng.negative_binomial(SHAPE, SHAPE / (SHAPE + mean))
        tables.append(pd.DataFrame({"unique_id": f"shop {shop:02}", "ds": days, "y": counts}))
    return to_panel(pd.concat(tables))


def seasons(path: Path, column: str) -> Panel:
    """A count of each player and season, over all the teams of the season."""
    table = pd.read_csv(path).groupby(["id", "year"])[column].sum().reset_index()
    is_long = table.groupby("id")[column].transform("size") >= MIN_SEASONS
    return to_panel(table[is_long], id="id", time="year", target=column)


def measure(panel: Panel, horizon: int, head: str, seed: int, **choices: Any) -> list[str]:
    """The loss of a head's quantiles, and whether its paths are counts."""
    past = panel.until(horizon)
    last = panel.indptr[1:, None] - horizon + np.arange(horizon)
    actual = panel.target[last][..., 0]
    forecaster = Forecaster(head=head, seed=seed, budget=3_600, **choices).fit(past)
    paths = np.asarray(forecaster.rollout(horizon, paths=PATHS).paths)[..., 0]
    negative, fractional = (paths < 0).mean(), (paths != np.rint(paths)).mean()
    quantiles, is_observed = np.quantile(paths, LEVELS, axis=1), ~np.isnan(actual)
    observed = actual[None, is_observed]
    losses = pinball(observed, quantiles[:, None, is_observed], LEVELS)
    loss = weighted(losses, observed).mean()
    return [head, f"{loss:.3f}", f"{negative:.0%}", f"{fractional:.0%}"]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("baseball.csv"), help="pydataset's table")
    parser.add_argument("--heads", nargs="+", choices=HEADS, default=HEADS)
    parser.add_argument("--steps", type=int, default=None, help="gradient steps")
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args(arguments)
    sets = {"generated": (generated(), 14)}
    if options.data.exists():
        sets |= {name: (seasons(options.data, c), 3) for name, c in BASEBALL.items()}
    else:
        print(f"left out: there is no {options.data}; name pydataset's baseball.csv with --data")
    for name, (panel, horizon) in sets.items():
        rows = [
            [*measure(panel, horizon, head, seed, steps=options.steps), str(seed)]
            for head in options.heads
            for seed in range(options.seeds)
        ]
        title = f"Counts, {name}: {len(panel.ids):,} series, {horizon} steps, {PATHS} paths"
        show(title, ["head", "quantile loss", "below 0", "not whole", "seed"], rows)
        if {*COMPARED} <= {*options.heads}:
            losses = [[float(row[1]) for row in rows if row[0] == head] for head in COMPARED]
            share = float(np.mean(losses[0]) / np.mean(losses[1]))
            print(f"{' of '.join(COMPARED)}: {share:.3f}, aim below 1: {MET[share < 1]}")


if __name__ == "__main__":
    main()
