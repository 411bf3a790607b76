"""The service: what it answers at each address. The work is done by `ServedModel`."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query, Response
from fastapi.responses import HTMLResponse, PlainTextResponse

from forecast._version import __version__
from forecast.errors import ForecastWarning
from forecast.service import charts, page
from forecast.service.body_checks import JSON, BodyLimits, Token, require_json
from forecast.service.metrics import Measured
from forecast.service.predictions import predict
from forecast.service.problems import DOCUMENTED, answer_problems
from forecast.service.records import shown_id
from forecast.service.reference import reference
from forecast.service.requests import (
    ChartRequest,
    Forecasts,
    Health,
    ModelDescription,
    Observed,
    ObserveRequest,
    PredictRequest,
    SeriesEntry,
    SeriesPage,
    UntrainedRequest,
)
from forecast.service.served_model import ServedModel
from forecast.service.service import Service
from forecast.service.settings import Settings
from forecast.service.untrained import forecast_untrained
from forecast.service.writer import Taken

SETTINGS = "FORECAST_SERVICE_SETTINGS"  # in the environment of the processes of a service
MAX_LISTED = 1_000  # series in one answer


def from_environment() -> FastAPI:
    """The app of one of several processes, which finds its settings in the environment."""
    warnings.simplefilter("ignore", ForecastWarning)  # answers have the notes
    return create_app(Settings.from_json(os.environ[SETTINGS]))


def create_app(settings: Settings) -> FastAPI:
    """The service as an ASGI app, for uvicorn or any other server.

    Args:
        settings: what is served; its files are opened when the server starts.
    """
    service = Service(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with service.started():
            yield

    app = FastAPI(
        title="forecast",
        version=__version__,
        description="Forecasts of time series, and new rows that move them.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses=DOCUMENTED,
    )
    answer_problems(app)
    add_routes(app, service)
    app.add_middleware(BodyLimits, limits=settings.limits)
    app.add_middleware(Measured, metrics=service.metrics)
    return app


def add_routes(app: FastAPI, service: Service) -> None:
    """What the service answers at each address."""
    token, json_alone = service.settings.token, Depends(require_json)
    guard = [Depends(Token(token)), json_alone] if token else [json_alone]

    @app.post("/predict", response_model=Forecasts, dependencies=[json_alone])
    async def predict_(request: PredictRequest) -> Response:
        """Forecast series that have a state, series with their history, and new ones."""

        def answer() -> bytes:
            return as_json(predict(service.model(request.model), request))

        return Response(await service.run(answer), media_type=JSON)

    @app.post("/untrained", response_model=Forecasts, dependencies=[json_alone])
    async def untrained(request: UntrainedRequest) -> Response:
        """Forecast any table without a model of it, by the pretrained network."""

        def answer() -> bytes:
            return as_json(forecast_untrained(request, service.settings.limits))

        return Response(await service.run(answer), media_type=JSON)

    @app.post("/observe", dependencies=guard)
    async def observe(request: ObserveRequest) -> Observed:
        """Take new rows in: what is answered with 200 is on the disk.

        Rows that a series has seen are passed over, so a request may be sent again. If one row is
        refused, none of the request is taken in.
        """
        model = service.model(request.model)
        writing: Future[Taken] = await service.run(model.observe, request)
        taken = await service.wait(writing)
        service.metrics.rows.labels(model.name).inc(taken.done.rows)
        return Observed(model=model.name, **taken.done._asdict(), notes=taken.notes)

    @app.get("/models")
    async def models() -> list[ModelDescription]:
        """The models that are served, and the columns that they know."""
        return [await service.run(describe, model, service) for model in service.models.values()]

    @app.get("/series")
    async def series(
        model: Annotated[str | None, Query(description="By the name of its file")] = None,
        search: Annotated[str, Query(max_length=200, description="Part of an id")] = "",
        after: Annotated[str | None, Query(description="What an answer before has as next")] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_LISTED, description="How many at most")] = 100,
    ) -> SeriesPage:
        """The series that have a state, and when each ends."""
        served = service.model(model)
        found = await service.run(served.last_times, search, after, limit + 1)
        entries = [SeriesEntry(id=shown_id(name), last_time=at) for name, at in found.items()]
        following = entries[limit - 1].id if len(entries) > limit else None
        total = await service.run(len, served)
        return SeriesPage(series=entries[:limit], total=total, next=following)

    @app.post("/chart", response_model=dict[str, Any], dependencies=[json_alone])
    async def chart(request: ChartRequest) -> Response:
        """The last values of a series and its forecast, as the page draws them."""

        def answer() -> bytes:
            return as_json(charts.chart(service.model(request.model), request))

        return Response(await service.run(answer), media_type=JSON)

    @app.get("/health")
    async def health() -> Health:
        """Whether the service answers."""
        return Health(status="ok", version=__version__, models=[*service.models])

    @app.head("/health", include_in_schema=False)
    async def is_there() -> Response:
        return Response()

    @app.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> PlainTextResponse:
        """Counts and times for Prometheus."""
        return PlainTextResponse(await service.run(service.metrics.text))

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def index() -> HTMLResponse:
        return HTMLResponse(page.html(), headers=page.headers())

    @app.get("/docs", response_class=HTMLResponse, include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(page.docs(reference(app.openapi())), headers=page.headers())


def describe(served: ServedModel, service: Service) -> ModelDescription:
    """What there is to know about a model."""
    config = served.model.config
    return ModelDescription(
        name=served.name,
        fingerprint=served.model.state.fingerprint,
        series=len(served),
        frequency=config.frequency.label,
        horizon=config.horizon,
        id=config.schema.id,
        time=config.schema.time,
        targets=[*config.schema.targets],
        known=[covariate.name for covariate in config.known],
        static=[covariate.name for covariate in config.static],
        needs_token=service.settings.token is not None,
    )


def as_json(values: Any) -> bytes:
    """Plain values as JSON, numbers to the last bit."""
    return json.dumps(values, allow_nan=False, ensure_ascii=False).encode()
