"""Empirical coverage and width of intervals, next to those of the seasonal naive forecast.

Included datasets: a model is trained on all but the last rows, then forecasts from several
cutoffs within them, each time from the whole history before. M4 hourly: the model of the
training file, compared with the competition's test file, or with --validation with the last
rows of the training file. The seasonal naive interval is the textbook's (Hyndman & Athanasopoulos
2021, section 5.5): normal, its spread that of the changes from season to season, growing with the
seasons ahead.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from scipy.special import ndtri

from benchmarks._common import DATA, MET, show
from benchmarks.m4_hourly import HORIZON, TEST, TRAIN, rows_of
from forecast import Forecaster
from forecast.data.io.tables import read_table
from forecast.data.panel import Panel
from forecast.data.to_panel import to_panel
from forecast.datasets import load
from forecast.evaluation.baselines import seasonal_naive
from forecast.model import Model

LEVELS = (80.0, 95.0)
MAX_COVERAGE_ERROR = 3.0  # aim, percentage points
SHIPPED = {"us_employment": 12, "co2": 13, "seattle_temperature": 14, "traffic": 24}
M4 = "m4_hourly"
ORIGINS = 30
ORIGIN_SHARE = 0.3  # of the rows, the last ones, in which forecast origins lie
Pairs = dict[float, tuple[np.ndarray, np.ndarray]]  # two arrays (S, H) for each level


def coverage(actual: np.ndarray, ends: Pairs) -> Pairs:
    """For each level whether values (S, H) lie inside, NaN where missing; and the width."""
    by_level = {}
    for level, (low, high) in ends.items():
        inside = np.where(np.isnan(actual), np.nan, (actual >= low) & (actual <= high))
        by_level[level] = inside, high - low
    return by_level


def of_model(model: Model, history: Panel, steps: int) -> Pairs:
    """The model's intervals after a history, each end (S, H)."""
    table = model.predict(steps, history, levels=LEVELS)
    columns = {level: (f"forecast-lo-{level:g}", f"forecast-hi-{level:g}") for level in LEVELS}
    shape = (len(history.ids), steps)
    return {
        level: (table[low].to_numpy().reshape(shape), table[high].to_numpy().reshape(shape))
        for level, (low, high) in columns.items()
    }


def of_naive(history: Panel, season: int, steps: int) -> Pairs:
    """The seasonal naive intervals after a history, each end (S, H)."""
    centre = seasonal_naive(history, season, steps)[..., 0]
    pasts = np.split(history.target[:, 0], history.indptr[1:-1])
    spread = np.array([np.nanstd(past[season:] - past[:-season]) for past in pasts])
    half_width = spread[:, None] * np.sqrt(np.arange(steps) // season + 1)
    quantiles = {level: ndtri(0.5 + level / 200) for level in LEVELS}
    return {
        level: (centre - q * half_width, centre + q * half_width) for level, q in quantiles.items()
    }


def origins(panel: Panel, steps: int) -> Iterator[tuple[Panel, np.ndarray]]:
    """Histories, and the actuals after each (S, H), spread evenly over the last rows."""
    longest = int(panel.lengths.min() * ORIGIN_SHARE)
    for back in np.unique(np.linspace(longest, steps, ORIGINS).astype(int)):
        last = panel.indptr[1:, None] - back + np.arange(steps)
        yield panel.until(int(back)), panel.target[last][..., 0]


def measure(name: str, seed: int, choices: dict[str, Any], validation: bool) -> list[list[str]]:
    """A row of the table for each level."""
    if name == M4:
        panel, steps = to_panel(read_table(str(DATA / TRAIN))[0]), HORIZON
        if validation:
            history = panel.until(steps)
            cases = [(history, panel.target[panel.indptr[1:, None] - steps + np.arange(steps), 0])]
        else:
            later = rows_of(DATA / TEST)
            history, cases = panel, [(panel, later["y"].to_numpy().reshape(-1, steps))]
    else:
        panel, steps = to_panel(load(name)), SHIPPED[name]
        history = panel.until(int(panel.lengths.min() * ORIGIN_SHARE))
        cases = list(origins(panel, steps))
    model = Forecaster(seed=seed, budget=3_600, **choices).fit(history).model_
    season = model.config.season
    ours = [coverage(actual, of_model(model, before, steps)) for before, actual in cases]
    naive = [coverage(actual, of_naive(before, season, steps)) for before, actual in cases]
    rows = []
    for level in LEVELS:
        (share, width), (naive_share, naive_width) = (
            _mean(cases, level) for cases in (ours, naive)
        )
        recorded = (model.trained.coverage or {}).get(f"{level:g}", float("nan"))
        shares = (f"{part:.1f}" for part in (share, recorded, naive_share))
        relative, verdict = (
            f"{width / naive_width:.2f}",
            MET[abs(share - level) <= MAX_COVERAGE_ERROR],
        )
        rows.append([name, f"{level:g}", *shares, relative, str(len(cases)), verdict])
    return rows


def _mean(cases: list[Pairs], level: float) -> tuple[float, float]:
    """Empirical coverage in percent, and the mean width."""
    inside = np.concatenate([case[level][0].ravel() for case in cases])
    width = np.concatenate([case[level][1].ravel() for case in cases])
    return 100 * float(np.nanmean(inside)), float(np.mean(width))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", choices=[*SHIPPED, M4], default=[*SHIPPED, M4])
    parser.add_argument("--head", default="point")
    parser.add_argument("--steps", type=int, default=None, help="gradient steps, for a quick try")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--validation", action="store_true", help="leave M4's test file alone")
    options = parser.parse_args(arguments)
    rows = []
    for name in options.data:
        if name == M4 and not (DATA / TRAIN).exists():
            print(f"skipped: there is no {DATA / TRAIN}, see the README of the data folder")
            continue
        choices = {"head": options.head, "steps": options.steps}
        rows += measure(name, options.seed, choices, options.validation)
    title = (
        f"Coverage of intervals, in percent; aim: within {MAX_COVERAGE_ERROR:g} points of the level"
    )
    header = ["data", "level", "coverage", "on the holdout", "of naive", "width of naive's"]
    show(title, [*header, "cutoffs", "aim"], rows)


if __name__ == "__main__":
    main()
