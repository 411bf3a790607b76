"""The benefit of future covariates: hourly bike rentals with weather and holidays, and with noise.

The data are those of the Bikeshare table in the Python package ISLP (Capital Bikeshare in
Washington, 2011; UCI Machine Learning Repository), given by --data. A model is trained on the
first nine months, once without covariates, once with the observed weather and working days,
and each with a column of pure noise; then it forecasts 48 hours from many cutoffs in the last three
months, each time from the whole history before.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks._common import MET, show
from forecast import Forecaster

HORIZON = 48
CUTOFF = pd.Timestamp("2011-10-01")
KNOWN = ("temp", "hum", "windspeed", "workingday", "holiday", "weathersit")
CONDITIONS = {
    "none": (),
    "noise": ("noise",),
    "weather, days": KNOWN,
    "weather, days, noise": (*KNOWN, "noise"),
}
MIN_ERROR_CUT = 0.10  # aim, by covariates
MAX_NOISE_COST = 0.03  # aim, error added by a column of noise


def rentals(path: Path) -> pd.DataFrame:
    """Hourly rentals with their covariates; hours without a row are left out."""
    table = pd.read_csv(path)
    start = pd.Timestamp("2011-01-01")
    days = pd.to_timedelta(table["day"] - 1, unit="D")
    table["hour"] = start + days + pd.to_timedelta(table["hr"].astype(int), unit="h")
    table["noise"] = np.random.default_rng(0).normal(size=len(table))
    whole = pd.date_range(table["hour"].min(), table["hour"].max(), freq="h")
    table = table.set_index("hour").reindex(whole)
    table[[*KNOWN, "noise"]] = table[[*KNOWN, "noise"]].ffill()  # weather of the hour before
    return table.rename_axis("hour").reset_index()[["hour", "bikers", *KNOWN, "noise"]]


def mean_error(
    table: pd.DataFrame, known: Sequence[str], steps: int | None, seed: int, cutoffs: int
) -> float:
    """The mean absolute error of rollouts."""
    columns = ["hour", "bikers", *known]
    past = table.loc[table["hour"] < CUTOFF, columns]
    forecaster = Forecaster(
        time="hour", target="bikers", known=list(known), steps=steps, seed=seed, budget=3_600
    ).fit(past)
    last = len(table) - HORIZON
    errors = []
    for row in np.linspace(len(past), last, cutoffs).astype(int):
        history, later = table.loc[: row - 1, columns], table.iloc[row : row + HORIZON]
        future = later[["hour", *known]] if known else None
        path = forecaster.predict(HORIZON, history, future=future)["forecast"].to_numpy()
        errors.append(np.abs(path - later["bikers"].to_numpy()))
    return float(np.nanmean(errors))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("Bikeshare.csv"), help="ISLP's table")
    parser.add_argument("--steps", type=int, default=None, help="gradient steps")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--cutoffs", type=int, default=40)
    options = parser.parse_args(arguments)
    if not options.data.exists():
        print(f"skipped: there is no {options.data}; name ISLP's Bikeshare.csv with --data")
        return
    table = rentals(options.data)
    errors = {
        name: np.array(
            [
                mean_error(table, known, options.steps, seed, options.cutoffs)
                for seed in range(options.seeds)
            ]
        )
        for name, known in CONDITIONS.items()
    }
    plain, full = errors["none"].mean(), errors["weather, days"].mean()
    rows = [
        [
            name,
            *(f"{error:.2f}" for error in by_seed),
            f"{by_seed.mean():.2f}",
            f"{by_seed.mean() / plain:.3f}",
        ]
        for name, by_seed in errors.items()
    ]
    seeds = [f"seed {seed}" for seed in range(options.seeds)]
    title = f"Rentals, mean absolute error of {HORIZON} hours"
    show(title, ["known", *seeds, "mean", "of none"], rows)
    is_cut = MET[full <= (1 - MIN_ERROR_CUT) * plain]
    print(f"covariates cut the error by {1 - full / plain:.0%}, aim {MIN_ERROR_CUT:.0%}: {is_cut}")
    costs = [errors["noise"].mean() / plain, errors["weather, days, noise"].mean() / full]
    cost_text = " and ".join(f"{cost - 1:+.1%}" for cost in costs)
    is_cheap = MET[max(costs) <= 1 + MAX_NOISE_COST]
    print(
        f"noise costs {cost_text} (without and with the others), "
        f"aim {MAX_NOISE_COST:.0%}: {is_cheap}"
    )


if __name__ == "__main__":
    main()
