"""The error of a network in rollouts from the last cutoffs of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from forecast.data.panel import Panel
from forecast.errors import DataError, require_whole
from forecast.evaluation.cutoff_forecasts import FORECAST
from forecast.evaluation.metrics import ScaledErrors, mean_observed, scaled_errors
from forecast.evaluation.rolling_origin import (
    history_before,
    place_cutoffs,
    refuse_too_short,
    roll,
)
from forecast.inference.predictor import Predictor

DEFAULT_CUTOFFS = 3
UNSEEN_SHARE = 3  # of the rows at most one in so many lies behind the first cutoff by default
MAX_SERIES = 1_000  # whose errors are measured; drawn once where there are more
BASELINE = "seasonal_naive"


class RollingError(NamedTuple):
    """Mean absolute scaled errors of rollouts, over all forecasts.

    Attributes:
        model: of the network.
        naive: of the seasonal naive forecast from the same cutoffs.
        measure: "MASE", or "MAE" where no series has a scale.
    """

    model: float
    naive: float
    measure: str


@dataclass(frozen=True)
class TuningRows:
    """The rows of a panel by what they are for.

    Attributes:
        history: rows before the first cutoff, on which candidates are trained.
        panel: all rows of the series that are forecast.
        horizon: steps of each forecast H.
        rows_after: rows behind each cutoff that chooses options (C,), falling.
    """

    history: Panel
    panel: Panel
    horizon: int
    rows_after: np.ndarray

    def error(self, predictor: Predictor) -> RollingError:
        """Of rollouts from the cutoffs that choose; they end before the last H rows.

        Raises:
            DataError: if no value is observed in the rows to forecast.
            ForecastError: if forecasts are not finite.
        """
        error = rolling_error(predictor, self.panel, self.horizon, self.rows_after)
        if np.isnan(error.model):
            raise DataError(
                f"{self.panel.source}: no value is observed in the rows by which options are to be "
                "chosen; give more rows, or a longer --horizon"
            )
        return error

    def test_error(self, predictor: Predictor) -> float | None:
        """Of the rollout over the last H rows, which choose nothing; None if none is observed."""
        last = np.array([self.horizon])
        error = rolling_error(predictor, self.panel, self.horizon, last).model
        return None if np.isnan(error) else error


def tuning_rows(
    panel: Panel, horizon: int, cutoffs: int, stride: int | None, seed: int
) -> TuningRows:
    """Divide the rows of a panel: training, the cutoffs that choose, and the last H rows.

    Args:
        panel: all rows.
        horizon: steps of each forecast H.
        cutoffs: how many choose.
        stride: rows from one to the next; by default H, or fewer where more than a third of the
            rows would lie behind the first one.
        seed: of the draw of series, where there are many.

    Raises:
        OptionError: if a number is out of range.
        DataError: if no series reaches back before the first cutoff.
    """
    require_whole("horizon", horizon, 1)
    unseen = int(panel.lengths.max()) // UNSEEN_SHARE - horizon
    rows_after = horizon + place_cutoffs(unseen, horizon, cutoffs, stride)
    refuse_too_short(panel, rows_after)
    history = history_before(panel, int(rows_after[0]))
    begun = np.flatnonzero(panel.lengths > rows_after[0])
    if len(begun) > MAX_SERIES:
        rng = np.random.default_rng(seed)
        begun = np.sort(rng.choice(begun, MAX_SERIES, replace=False))
    return TuningRows(history, panel.take(begun), horizon, rows_after)


def rolling_error(
    predictor: Predictor, panel: Panel, horizon: int, rows_after: np.ndarray
) -> RollingError:
    """The mean error of rollouts from some cutoffs; every forecast counts alike.

    Args:
        predictor: whose network is rolled out.
        panel: the rows.
        horizon: steps of each forecast H.
        rows_after: rows behind each cutoff (C,), falling.

    Returns:
        The errors; NaN where no value is observed in the rows to forecast.

    Raises:
        ForecastError: if forecasts are not finite.
    """
    forecasts = roll(predictor, panel, horizon, rows_after, levels=(), baselines=(BASELINE,))
    scaled = scaled_errors(forecasts, FORECAST)
    naive = scaled_errors(forecasts, BASELINE)
    return RollingError(_mean(scaled), _mean(naive), scaled.measure)


def _mean(errors: ScaledErrors) -> float:
    """The mean over all forecasts of the mean error of each."""
    return float(mean_observed(mean_observed(errors.values)))
