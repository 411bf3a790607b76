"""What more series are worth to a training: errors on series that no training has seen.

Daily series of all families of the prior; a model is trained from nothing, with the same options
and steps, on the first so many of them. MASE is that of a forecast of the last rows of the others.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

from benchmarks._common import show
from forecast import Forecaster
from forecast.data.frequency import parse
from forecast.data.panel import Panel
from forecast.data.schema import Schema
from forecast.evaluation.baselines import seasonal_naive
from forecast.evaluation.metrics import (
    mean_observed,
    seasonal_differences,
    seasonal_scale,
    valid_scale,
)
from forecast.pretrained.prior import mixture
from forecast.pretrained.prior.seasons import Seasons

HORIZON, SEASON, DAYS = 28, 7, 200  # of a forecast, of a week, of a history


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, nargs="+", default=[100, 1_000, 5_000, 25_000])
    parser.add_argument("--unseen", type=int, default=2_000)
    parser.add_argument("--steps", type=int, default=1_600)
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(0)
    most = max(options.series)
    values = mixture.draw(rng, most + options.unseen, DAYS + HORIZON, Seasons(SEASON, 365.25))
    history, actual = panel_of(values[most:, :DAYS]), values[most:, DAYS:].astype(np.float64)
    naive = seasonal_naive(history, SEASON, HORIZON)[..., 0]
    rows = [["seasonal naive", "", "", f"{mase(history, naive, actual):.3f}"]]
    for series in options.series:
        panel = panel_of(values[:series, :DAYS])
        forecaster = Forecaster(start="scratch", steps=options.steps, budget=3_600)
        model = forecaster.fit(panel).model_
        forecast = model.predict(HORIZON, history)["forecast"].to_numpy().reshape(actual.shape)
        error = mase(history, forecast, actual)
        rows.append(
            [f"{series:,}", f"{series * DAYS:,}", f"{model.trained.kept_step:,}", f"{error:.3f}"]
        )
    title = f"MASE of {options.unseen:,} series that no training has seen, {HORIZON} steps"
    show(title, ["trained on series", "rows", "steps kept", "MASE"], rows)


def panel_of(values: np.ndarray) -> Panel:
    """Daily series (S, T) as a panel."""
    series, length = values.shape
    return Panel(
        ids=np.array([f"s{k:06}" for k in range(series)], dtype=object),
        indptr=np.arange(series + 1) * length,
        start=np.zeros(series, np.int64),
        target=values.reshape(-1, 1).astype(np.float64),
        frequency=parse("D"),
        schema=Schema("long", "unique_id", "ds", ("y",), "str", "datetime64[us]"),
    )


def mase(history: Panel, forecast: np.ndarray, actual: np.ndarray) -> float:
    """The mean over all series that have a seasonal difference.

    Args:
        history: S series.
        forecast, actual: (S, H).
    """
    differences = seasonal_differences(history, SEASON)[:, 0]
    scale = seasonal_scale(differences, history.indptr[:-1], history.indptr[1:]).absolute
    errors = mean_observed(np.abs(forecast - actual)) / valid_scale(scale)
    return float(np.nanmean(errors))


if __name__ == "__main__":
    main()
