"""Forecasts of any table without a model of it: by the pretrained network."""

from __future__ import annotations

from typing import Any

from forecast.data.origin import TableOrigin
from forecast.data.to_panel import to_panel
from forecast.pretrained.zero_shot import shortcomings, zero_shot
from forecast.service.predictions import check_size, rollout
from forecast.service.records import frame, records
from forecast.service.requests import PredictRequest, UntrainedRequest
from forecast.service.settings import Limits

NAME = "pretrained"  # in place of a model's, as on the command line


def forecast_untrained(request: UntrainedRequest, limits: Limits) -> dict[str, Any]:
    """Forecast, see `Forecasts`; the notes say how the table was read.

    Raises:
        RequestError: if too much is asked for.
        ForecastError: if the table cannot be used.
    """
    panel = to_panel(
        frame(request.history),
        TableOrigin("history"),
        id=request.id,
        time=request.time,
        target=request.target,
    ).drop_unobserved()
    check_size(request.horizon, len(panel.ids), 0, limits)
    model = zero_shot(panel, request.season, calibrated=bool(request.levels))
    asked = PredictRequest(horizon=request.horizon, levels=request.levels)
    forecast = rollout(model, limits, model.state, asked)
    notes = [*panel.notes, *shortcomings(panel, model.config), *forecast.notes]
    return {
        "model": NAME,
        "forecast": records(forecast.table, panel.frequency),
        "notes": notes,
    }
