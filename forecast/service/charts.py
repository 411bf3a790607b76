"""The chart of a series: its last values and its forecast, as the report draws them."""

from __future__ import annotations

from typing import Any

from forecast.inference.intervals import has_level
from forecast.report.curves import series_charts
from forecast.service.predictions import check_horizon, rollout
from forecast.service.requests import PredictRequest
from forecast.service.served_model import ServedModel

LEVELS = (80.0, 95.0)
PAST_ROWS = 200  # that a chart shows at most; a state keeps as many as its lags reach back to


def chart(served: ServedModel, name: str, horizon: int | None) -> dict[str, Any]:
    """The values and the forecast of a series, see `series_charts`; and what new rows need.

    Args:
        served: the model.
        name: the id of the series.
        horizon: steps H; by default those that training practised.

    Raises:
        RequestError: if the series has no state, or too much is asked for.
    """
    config, calibration = served.model.config, served.model.calibration
    steps = horizon or min(config.horizon, served.limits.horizon)
    check_horizon(steps, served.limits)
    levels = [level for level in LEVELS if has_level(config, calibration, level, steps)]
    request = PredictRequest(horizon=steps, series=[name], levels=levels)
    forecast = rollout(served.model, served.limits, served.states([name]), request)
    following = int(forecast.start.time[0]) + config.frequency.step
    return {
        **series_charts(forecast, config, PAST_ROWS),
        "id": forecast.start.ids.tolist()[0],
        "next": config.schema.text(config.frequency, following),
        "notes": [*forecast.notes],
    }
