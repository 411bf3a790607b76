"""The models of a service, and the threads that ask them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController

from forecast.inference.parallel import cores
from forecast.service.metrics import Metrics
from forecast.service.problems import RequestError
from forecast.service.readers import Readers
from forecast.service.served_model import ServedModel
from forecast.service.settings import Settings

PATIENCE = 2.0  # seconds that an end waits for each thread that answers nobody any more
T = TypeVar("T")


class Service:
    """The models that are served, and the threads that ask them.

    Attributes:
        settings: of the service.
        models: by name, once it has started.
        metrics: counts of requests.
    """

    def __init__(self, settings: Settings) -> None:
        """Prepare a service; it opens nothing yet."""
        self.settings = settings
        self.models: dict[str, ServedModel] = {}
        self.metrics = Metrics(self.models)

    @contextmanager
    def started(self) -> Iterator[None]:
        """Answer requests within this context, with one thread in each matrix product.

        Threads within small products wait for each other; requests are enough of them.
        """
        one_thread = ThreadpoolController().limit(limits=1, user_api="blas")
        with opened(self.settings) as models, one_thread:
            self.models.update(models)
            self._readers = Readers(readers())
            try:
                yield
            finally:
                self._readers.close(PATIENCE)

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
        return await self.wait(self._readers.submit(work, *given))

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
            models[name] = ServedModel(
                name, path, states, settings.limits, readers(), settings.monitors
            )
            stack.callback(models[name].close)
        yield models
