"""The service: what it answers at each address. The work is done by `ServedModel`."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import Annotated, Any, TypeVar

from fastapi import Depends, FastAPI, Query, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from threadpoolctl import ThreadpoolController

from forecast._version import __version__
from forecast.engines.state_store import Updated
from forecast.inference.parallel import cores
from forecast.service import charts, page
from forecast.service.gate import JSON, Gate, Token, require_json
from forecast.service.metrics import Measured, Metrics
from forecast.service.predictions import predict
from forecast.service.problems import DOCUMENTED, RequestError, answer_problems
from forecast.service.requests import (
    Described,
    Forecasts,
    Health,
    Observed,
    ObserveRequest,
    PredictRequest,
    SeriesEntry,
    SeriesPage,
)
from forecast.service.served_model import ServedModel
from forecast.service.settings import Settings

SETTINGS = "FORECAST_SERVICE_SETTINGS"  # in the environment of the processes of a service
MAX_LISTED = 1_000  # series in one answer
T = TypeVar("T")


class Service:
    """The models that are served, and the threads that ask them.

    Attributes:
        settings: of the service.
        models: by name.
    """

    def __init__(self, settings: Settings, models: dict[str, ServedModel]) -> None:
        """Begin with some models."""
        self.settings, self.models = settings, models
        self.metrics = Metrics(lambda: {name: len(model) for name, model in models.items()})
        self._threads = ThreadPoolExecutor(readers(), thread_name_prefix="reader")
        # Threads within small matrix products wait for each other; requests are enough of them.
        ThreadpoolController().limit(limits=1, user_api="blas")

    def close(self) -> None:
        """Wait for what is being worked on."""
        self._threads.shutdown(cancel_futures=True)

    def model(self, name: str | None) -> ServedModel:
        """A model by its name, which may be left out where there is one.

        Raises:
            RequestError: if there is none, or it could be one of several.
        """
        names = ", ".join(map(repr, self.models))
        if name is None and len(self.models) == 1:
            return next(iter(self.models.values()))
        if name is None:
            raise RequestError(422, f"say which model is meant; there are {names}")
        if name not in self.models:
            raise RequestError(404, f"no model {name!r}; there are {names}")
        return self.models[name]

    async def run(self, work: Callable[..., T], *given: Any) -> T:
        """What some work gives, done by a thread within the time that a request may take."""
        return await self.wait(self._threads.submit(work, *given))

    async def wait(self, outcome: Future[T]) -> T:
        """What a thread comes to within that time.

        Raises:
            RequestError: if it does not.
        """
        seconds = self.settings.limits.seconds
        try:
            return await asyncio.wait_for(asyncio.wrap_future(outcome), seconds)
        except TimeoutError:
            raise RequestError(
                503,
                f"not done within {seconds:g} seconds; ask for less, or later. Rows may be sent "
                "again: those that were taken in are passed over",
            ) from None


def readers() -> int:
    """How many threads forecast; more of them would take turns on the cores."""
    return 2 * cores()


@contextmanager
def opened(settings: Settings) -> Iterator[dict[str, ServedModel]]:
    """The models of a service, closed in the end.

    Raises:
        ArtifactError: if a file cannot be used.
    """
    with ExitStack() as stack:
        models = {}
        for name, path in settings.models.items():
            states = settings.states[name]
            models[name] = ServedModel(name, path, states, settings.limits, readers())
            stack.callback(models[name].close)
        yield models


def from_environment() -> FastAPI:
    """The app of one of several processes, which finds its settings in the environment."""
    return create_app(Settings.from_json(os.environ[SETTINGS]))


def create_app(settings: Settings) -> FastAPI:
    """The service as an ASGI app, for uvicorn or any other server.

    Args:
        settings: what is served; its files are opened when the server starts.
    """
    models: dict[str, ServedModel] = {}
    service = Service(settings, models)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with opened(settings) as found:
            models.update(found)
            yield
            service.close()

    app = FastAPI(
        title="forecast",
        version=__version__,
        description="Forecasts of time series, and new rows that move them.",
        lifespan=lifespan,
        responses=DOCUMENTED,
    )
    answer_problems(app)
    add_routes(app, service)
    app.add_middleware(Gate, limits=settings.limits)
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

    @app.post("/observe", dependencies=guard)
    async def observe(request: ObserveRequest) -> Observed:
        """Take new rows in: what is answered with 200 is on the disk.

        Rows that a series has seen are passed over, so a request may be sent again. If one row is
        refused, none of the request is taken in.
        """
        model = service.model(request.model)
        writing: Future[Updated] = await service.run(model.observe, request)
        done = await service.wait(writing)
        service.metrics.rows.labels(model.name).inc(done.rows)
        return Observed(model=model.name, **done._asdict())

    @app.get("/models")
    async def models() -> list[Described]:
        """The models that are served, and the columns that they know."""
        return [await service.run(describe, model, service) for model in service.models.values()]

    @app.get("/series")
    async def series(
        model: str | None = None,
        search: Annotated[str, Query(max_length=200, description="Part of an id")] = "",
        after: Annotated[str | None, Query(description="The `next` of an answer before")] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_LISTED)] = 100,
    ) -> SeriesPage:
        """The series that have a state, and when each ends."""
        served = service.model(model)
        found = await service.run(served.last_times, search, after, limit)
        entries = [SeriesEntry(id=name, last_time=time) for name, time in found.items()]
        following = entries[-1].id if len(entries) == limit else None
        total = await service.run(len, served)
        return SeriesPage(series=entries, total=total, next=following)

    @app.get("/chart", response_model=dict[str, Any])
    async def chart(
        series: str,
        model: str | None = None,
        horizon: Annotated[
            int | None, Query(ge=1, description="By default that of training")
        ] = None,
    ) -> Response:
        """The last values of a series and its forecast, as the page draws them."""

        def answer() -> bytes:
            return as_json(charts.chart(service.model(model), series, horizon))

        return Response(await service.run(answer), media_type=JSON)

    @app.get("/health")
    async def health() -> Health:
        """Whether the service answers."""
        return Health(status="ok", version=__version__, models=[*service.models])

    @app.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> PlainTextResponse:
        """Counts and times for Prometheus."""
        return PlainTextResponse(await service.run(service.metrics.text))

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def index() -> HTMLResponse:
        return HTMLResponse(page.html(), headers=page.headers())


def describe(served: ServedModel, service: Service) -> Described:
    """What there is to know about a model."""
    config = served.model.config
    return Described(
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
    return json.dumps(values, allow_nan=False).encode()
