"""The methods of `benchmarks.untrained`, with the time they take, and where forecasts are kept."""

from __future__ import annotations

import hashlib
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks._untrained_scores import INTERVALS, MEDIAN
from benchmarks._untrained_sets import Origin
from forecast import Forecaster
from forecast.data.io.atomic_write import replace_file
from forecast.data.panel import Panel
from forecast.data.to_table import to_table
from forecast.errors import ForecastError
from forecast.evaluation.statsforecast_baselines import filled

FITTED_ROWS = 1_008  # last of a series that statistical models are fitted to: 6 weeks of hours

Method = Callable[[Panel, int], np.ndarray]  # history, horizon H: quantiles (L, S, H)


class Forecasts(NamedTuple):
    """Forecasts from all cutoffs of a set, and what they took.

    Attributes:
        quantiles: at PROBABILITIES (L, S, H), one cutoff after the other.
        seconds: of wall-clock time, of fits and forecasts.
        cpu_seconds: of all threads of the process.
    """

    quantiles: np.ndarray
    seconds: float
    cpu_seconds: float

    def mean_with(self, other: Forecasts) -> Forecasts:
        """The mean of two forecasts, quantile by quantile."""
        return Forecasts(
            (self.quantiles + other.quantiles) / 2,
            self.seconds + other.seconds,
            self.cpu_seconds + other.cpu_seconds,
        )


def forecasts(table: pd.DataFrame, horizon: int, steps: int | None) -> pd.DataFrame:
    """The forecast with default options.

    Args:
        table: histories: unique_id, ds, y.
        horizon: steps H.
        steps: 0 for no training, None for that of the defaults.

    Returns:
        unique_id, ds, forecast, forecast-lo-80, … of INTERVALS, H rows a series.
    """
    model = Forecaster(steps=steps).fit(table).model_
    return model.rollout(horizon, levels=INTERVALS).table


def of_the_package(history: Panel, horizon: int, steps: int | None) -> np.ndarray:
    """The quantiles (L, S, H) of `forecasts`."""
    table = pd.DataFrame(to_table(history))
    made = forecasts(table, horizon, steps).sort_values(["unique_id", "ds"])
    if made["unique_id"].tolist() != np.repeat(history.ids, horizon).tolist():
        raise SystemExit("the forecasts are not those of the series in the table")
    return quantiles_of(made, "forecast", horizon)


def statistical(history: Panel, horizon: int, model: str, season: int) -> np.ndarray:
    """The quantiles (L, S, H) of a model of statsforecast, fitted to the last rows of each series.

    A series that it cannot be fitted to gets the seasonal naive forecast; an end of an interval
    that it cannot give is the point forecast. A missing value is taken as the one before it.
    """
    from statsforecast import StatsForecast, models

    rows = [
        filled(part[-FITTED_ROWS:, 0]) for part in np.split(history.target, history.indptr[1:-1])
    ]
    lengths = [len(values) for values in rows]
    table = pd.DataFrame(
        {
            "unique_id": np.repeat(np.arange(len(rows)), lengths),
            "ds": np.concatenate([np.arange(length) for length in lengths]),
            "y": np.concatenate(rows),
        }
    )
    forecaster = StatsForecast(
        [getattr(models, model)(season_length=season)],
        freq=1,
        fallback_model=models.SeasonalNaive(season_length=season),
    )
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # of perfect fits
        made = forecaster.forecast(df=table, h=horizon, level=[*INTERVALS])
    quantiles = quantiles_of(made, model, horizon)
    return np.where(np.isfinite(quantiles), quantiles, quantiles[MEDIAN])


def quantiles_of(table: pd.DataFrame, name: str, horizon: int) -> np.ndarray:
    """The quantiles (L, S, H) of a table with columns such as name-lo-80 (S H rows)."""
    columns = [f"{name}-lo-{level}" for level in reversed(INTERVALS)]
    columns += [name, *(f"{name}-hi-{level}" for level in INTERVALS)]
    values = table[columns].to_numpy(float)
    return values.T.reshape(len(columns), -1, horizon)


def measured(method: Method, origins: Sequence[Origin], warm: bool = True) -> Forecasts:
    """The forecasts of all cutoffs.

    Args:
        method: makes those of one.
        origins: the cutoffs.
        warm: whether the method forecasts one series first, before the clock runs.
    """
    horizon = origins[0].actual.shape[1]
    if warm:
        method(origins[0].history.take(np.arange(1)), horizon)
    parts: list[np.ndarray] = []
    begin, begin_cpu = time.perf_counter(), time.process_time()
    for origin in origins:
        parts.append(method(origin.history, horizon))
    return Forecasts(
        np.concatenate(parts, axis=1),
        time.perf_counter() - begin,
        time.process_time() - begin_cpu,
    )


def kept(
    folder: Path | None, name: str, model: str, season: int, origins: Sequence[Origin]
) -> Forecasts:
    """The forecasts of a model of statsforecast, from a file of the folder where there is one.

    Args:
        folder: of files; None keeps nothing.
        name: of the set and the mode.
        model: a class of `statsforecast.models`.
        season: steps in a season.
        origins: histories.
    """
    method = partial(statistical, model=model, season=season)
    if folder is None:
        return measured(method, origins)
    release = f"statsforecast-{version('statsforecast')}"
    path = folder / f"{name}-{model}-{season}-{release}-{digest(origins)}.npz"
    if path.exists():
        with np.load(path) as file:
            return Forecasts(file["quantiles"], float(file["seconds"]), float(file["cpu_seconds"]))
    found = measured(method, origins)
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(path, lambda file: np.savez(file, **found._asdict()), ForecastError, "--cache")
    return found


def digest(origins: Sequence[Origin]) -> str:
    """What tells histories apart, and how far they are forecast."""
    sha = hashlib.sha256(str(FITTED_ROWS).encode())
    for history, actual in origins:
        sha.update(history.indptr.tobytes() + history.target.tobytes())
        sha.update(str(actual.shape).encode())
    return sha.hexdigest()[:12]
