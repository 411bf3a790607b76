"""skforecast for `benchmarks.peers`: one LightGBM of all series, fed its own values.

Its recurrent network takes every series as a column of one input, which 414 columns are too many
for; gradient boosting on lags is what its guide takes for many series.
"""

from __future__ import annotations

import time
import warnings
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
from lightgbm.callback import EarlyStopException
from skforecast.model_selection import TimeSeriesFold, backtesting_forecaster_multiseries
from skforecast.preprocessing import RollingFeatures
from skforecast.recursive import ForecasterRecursiveMultiSeries
from skforecast.utils import load_forecaster, save_forecaster
from sklearn.preprocessing import StandardScaler

from protocol import Job, Series, Training, main

CONTEXT = 168


class Deadline:
    """Ends the boosting after so many seconds, and counts the trees."""

    def __init__(self, seconds: float) -> None:
        """Begin to count the seconds."""
        self.end = time.perf_counter() + seconds
        self.trees = 0

    def __call__(self, progress: Any) -> None:
        """Called by LightGBM after each tree."""
        self.trees = progress.iteration + 1
        if time.perf_counter() >= self.end:
            raise EarlyStopException(progress.iteration, [("training", "", 0.0, False)])


class Boosting:
    """Answers to `protocol.Library`."""

    PACKAGES: tuple[str, ...] = ("skforecast", "lightgbm")
    NEEDED = CONTEXT + 1  # one more where differences are taken

    def train(self, job: Job, series: Series) -> Training:
        """Trees until the time is over; every tree sees every row."""
        given, deadline = job.settings, Deadline(job.seconds)
        forecaster = ForecasterRecursiveMultiSeries(
            estimator=lightgbm.LGBMRegressor(
                n_estimators=1_000_000,
                learning_rate=given["rate"],
                num_leaves=given["leaves"],
                objective=given["objective"],
                random_state=job.seed,
                verbose=-1,
            ),
            lags=CONTEXT,
            window_features=RollingFeatures(["mean", "std"], window_sizes=[24, CONTEXT])
            if given["windows"]
            else None,
            encoding=given["encoding"],
            transformer_series=StandardScaler(),
            differentiation=given["differences"],
            fit_kwargs={"callbacks": [deadline]},
        )
        data = self.prepare(series)
        forecaster.fit(data, store_in_sample_residuals=False)
        forecaster.fit_kwargs = {}
        save_forecaster(forecaster, str(job.folder / "model.joblib"), verbose=False)
        return Training(deadline.trees, None)

    def load(self, job: Job) -> Any:
        """The forecaster."""
        return load_forecaster(str(job.folder / "model.joblib"), verbose=False)

    def prepare(self, series: Series) -> dict[str, pd.Series]:
        """A series for each id; it forecasts only those that end at the same time."""
        moved = series.ending_together()
        return {
            name: pd.Series(row, pd.date_range(start, periods=len(row), freq="h"), name=name)
            for name, start, row in zip(moved.ids, moved.starts, moved.rows, strict=True)
        }

    def forecast(self, model: Any, data: dict[str, pd.Series], horizon: int) -> np.ndarray:
        """All series in one call."""
        window = pd.DataFrame(data).iloc[-model.window_size :]
        made = model.predict(horizon, levels=list(data), last_window=window)
        by_step = made["pred"].to_numpy().reshape(horizon, len(data))  # sorted by time, then level
        order = pd.Index(made["level"].to_numpy()[: len(data)]).get_indexer(list(data))
        return np.asarray(by_step.T[order])

    def backtest(self, model: Any, data: dict[str, pd.Series], job: Job) -> int:
        """`backtesting_forecaster_multiseries` on as many rows as its folds need."""
        rows = model.window_size + job.cutoffs + job.horizon - 1
        folds = TimeSeriesFold(
            steps=job.horizon, fold_stride=1, allow_incomplete_fold=False, verbose=False
        )
        _, made = backtesting_forecaster_multiseries(
            model,
            {name: row.iloc[-rows:] for name, row in data.items()},
            folds,
            metric="mean_absolute_error",
            n_jobs=1,
            show_progress=False,
        )
        return int(made["pred"].notna().sum())


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    main(Boosting())
