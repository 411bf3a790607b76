"""Accuracy: the hourly series of the M4 competition, next to its published results."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from utilsforecast import losses

from benchmarks._common import DATA, MET, show
from forecast.data.panel import Panel
from forecast.data.to_panel import to_panel
from forecast.evaluation.baselines import seasonal_naive

TRAIN, TEST = "m4_hourly_train.csv.gz", "m4_hourly_test.csv.gz"
HORIZON, SEASON = 48, 24
MAX_OWA = 0.50  # aim
MAX_SECONDS = 360.0  # aim, of training


class Score(NamedTuple):
    """Means over the series; OWA is the mean of the other two relative to Naive2's."""

    smape: float  # percent
    mase: float

    @property
    def owa(self) -> float:
        """The competition's overall weighted average; Naive2: sMAPE 18.383, MASE 2.395."""
        return (self.smape / 18.383 + self.mase / 2.395) / 2


PUBLISHED = {
    "seasonal naive, published": Score(13.912, 1.193),
    "RNN benchmark of the competition": Score(14.698, 3.048),
    "ES-RNN, the competition's winner": Score(9.328, 0.893),
    "Doornik, best hourly entry": Score(8.913, 0.801),
}


def rows_of(path: Path) -> pd.DataFrame:
    """A file of the competition, in the order of ids and times."""
    return pd.read_csv(path, parse_dates=["ds"]).sort_values(["unique_id", "ds"])


def scores(forecasts: pd.DataFrame, history: pd.DataFrame) -> dict[str, Score]:
    """The scores of each column of forecasts.

    Args:
        forecasts: unique_id, ds, y and a column per method.
        history: unique_id, ds, y of training.
    """
    methods = [name for name in forecasts.columns if name not in ("unique_id", "ds", "y")]
    smape = (
        losses.smape(forecasts, methods)[methods].mean() * 200
    )  # utilsforecast returns half of it, as a fraction
    mase = losses.mase(forecasts, methods, seasonality=SEASON, train_df=history)[methods].mean()
    return {name: Score(float(smape[name]), float(mase[name])) for name in methods}


def forecast_with(panel: Panel, steps: int | None, seed: int) -> tuple[pd.DataFrame, float]:
    """The forecast of a model trained with defaults, and the seconds that training took."""
    from forecast import Forecaster

    begin = time.perf_counter()
    forecaster = Forecaster(steps=steps, seed=seed).fit(panel)
    return forecaster.predict(HORIZON), time.perf_counter() - begin


def report(measured: dict[str, Score], seconds: float) -> None:
    """Print the table."""
    rows = []
    for name, score in {**measured, **PUBLISHED}.items():
        row = [name, f"{score.smape:.3f}", f"{score.mase:.3f}", f"{score.owa:.3f}"]
        rows.append([*row, MET[score.owa <= MAX_OWA] if name == "forecast" else ""])
    header = ["method", "sMAPE", "MASE", "OWA", f"OWA <= {MAX_OWA:.2f}"]
    show(f"M4 hourly, {HORIZON} steps; published results were not run again", header, rows)
    print(
        f"training took {seconds:.0f} s, at most {MAX_SECONDS:.0f}: {MET[seconds <= MAX_SECONDS]}"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the M4 files")
    parser.add_argument("--steps", type=int, default=None, help="gradient steps, for a quick try")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    if not (options.data / TRAIN).exists():
        print(f"skipped: there is no {options.data / TRAIN}; name its folder with --data")
        return
    history, actual = (rows_of(options.data / name) for name in (TRAIN, TEST))
    panel = to_panel(history)
    forecast, seconds = forecast_with(panel, options.steps, options.seed)
    actual = actual.merge(forecast, on=["unique_id", "ds"], how="left", validate="one_to_one")
    if actual["forecast"].isna().any():
        raise SystemExit("some of the competition's test rows have no forecast")
    actual["seasonal naive"] = seasonal_naive(panel, SEASON, HORIZON).ravel()
    report(scores(actual, history), seconds)


if __name__ == "__main__":
    main()
