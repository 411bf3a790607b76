"""The chart of a series: its last values and its forecast, as the report draws them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from forecast.data.future_covariates import FutureCovariates
from forecast.inference.intervals import has_level
from forecast.inference.state import State
from forecast.report.curves import series_charts
from forecast.service.predictions import check_horizon, rollout
from forecast.service.records import frame, records, shown_id
from forecast.service.requests import ChartRequest, PredictRequest, Row
from forecast.service.served_model import ServedModel

LEVELS = (80.0, 95.0)
PAST_ROWS = 200  # that a chart shows at most; a state keeps as many as its lags reach back to


def chart(served: ServedModel, request: ChartRequest) -> dict[str, Any]:
    """The values and the forecast of a series, see `series_charts`; and when its next row is.

    Raises:
        RequestError: if the series has no state, or too much is asked for.
        ForecastError: if the model needs future covariates that are not given.
    """
    config, calibration = served.model.config, served.model.calibration
    steps = request.horizon or min(config.horizon, served.limits.horizon)
    check_horizon(steps, served.limits)
    start = served.states([request.series])
    levels = [level for level in LEVELS if has_level(config, calibration, level, steps)]
    future = _future(served, start, steps, request.known) if request.known else None
    asked = PredictRequest(horizon=steps, series=[request.series], levels=levels)
    forecast = rollout(served.model, served.limits, start, asked, future)
    following = int(start.time[0]) + config.frequency.step
    return {
        **series_charts(forecast, config, PAST_ROWS),
        "id": shown_id(start.ids.tolist()[0]),
        "next": config.schema.text(config.frequency, following),
        "notes": [*forecast.notes],
    }


def _future(served: ServedModel, start: State, steps: int, known: Row) -> FutureCovariates:
    """Future covariates that are the same at all steps."""
    config = served.model.config
    times = config.schema.column(config.frequency, start.times_after(steps)[:, 0])
    rows = records(pd.DataFrame({config.schema.time: times}), config.frequency)
    return served.model.future_covariates(frame([{**row, **known} for row in rows]))
