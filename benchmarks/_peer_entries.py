"""The methods that `benchmarks.peers` compares, and how each is set, in one place.

Settings were compared on the last 48 rows of M4's training file, which no training used, by one
run of 60 s each on a machine that was not idle; the test file was not used to choose anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

NAIVE, OURS = "seasonal naive", "forecast"
SIZES = {"layers": 2, "units": 64}


class Entry(NamedTuple):
    """One method.

    Attributes:
        worker: the file of its worker, without ending.
        settings: given to the worker.
        description: the settings in words.
        cutoffs: the most cutoffs of its backtest, whose time is extrapolated; None for no limit.
        absent: why a measure is missing, by measure.
        is_recurrent: whether it is a recurrent network.
    """

    worker: str
    settings: dict[str, Any]
    description: str
    cutoffs: int | None = None
    absent: Mapping[str, str] = MappingProxyType({})
    is_recurrent: bool = True


NEURAL = {
    **SIZES,
    "rate": 3e-3,
    "cosine": True,
    "clip": 1.0,
    "series": 32,
    "batch": 128,
    "scaler": "robust",
}
NEURAL_DESCRIPTION = (
    "2 x 64, context 168, its robust scaler of each window, mean absolute error, 128 windows of 32 "
    "series (its defaults); rate 0.003 with cosine decay (of two tried; 0.01 gave the same)"
)

ENTRIES = {
    OURS: Entry(
        "forecast_worker",
        {**SIZES, "context": 168},
        "LSTM 2 x 64, context 168, otherwise the defaults; 96 rows of each series are held out for "
        "its comparison and intervals, which the peers train on",
    ),
    "NeuralForecast LSTM, direct": Entry(
        "neuralforecast_worker",
        {**NEURAL, "recurrent": False},
        f"{NEURAL_DESCRIPTION}; all 48 steps at once",
    ),
    "NeuralForecast LSTM, recurrent": Entry(
        "neuralforecast_worker",
        {**NEURAL, "recurrent": True},
        f"{NEURAL_DESCRIPTION}; step by step, the loss over 48 steps fed with true values",
    ),
    "Darts RNNModel": Entry(
        "darts_worker",
        {**SIZES, "rate": 1e-2, "cosine": True, "clip": 1.0, "batch": 32, "calendar": True},
        "LSTM 2 x 64, input 168, training windows of 216, each series standardised, mean absolute "
        "error, hour of the day as a covariate, batch 32, rate 0.01 with cosine decay (the "
        "best of four settings tried)",
    ),
    "GluonTS DeepAR": Entry(
        "gluonts_worker",
        {**SIZES, "rate": 3e-3, "cosine": True, "batch": 32},
        "2 x 64, context 168, batch 32, rate 0.003 with cosine decay (of two settings tried "
        "it did better than its own, 0.001 reduced on plateaus); lags, calendar, scaling and "
        "dropout are its own; the median of 100 sample paths",
        cutoffs=10,
    ),
    "skforecast LightGBM": Entry(
        "skforecast_worker",
        {
            "rate": 0.1,
            "leaves": 31,
            "objective": "regression_l1",
            "windows": True,
            "encoding": "ordinal",
            "differences": None,
        },
        "`ForecasterRecursiveMultiSeries`, 168 lags, means and deviations of 24 and 168 rows, the "
        "series as a category, each standardised, mean absolute error, trees of 31 leaves at rate "
        "0.1 until the time is up (the best of seven settings tried); its steps are trees",
        absent={"rate": "trees are not trained by gradient steps on windows"},
        is_recurrent=False,
    ),
}
