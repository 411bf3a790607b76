"""A model with the states of its series on the disk, asked by many threads at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from forecast.data.origin import TableOrigin
from forecast.engines.parts import without_states
from forecast.engines.state_store import StateStore
from forecast.inference.predictor import Predictor
from forecast.inference.state import State
from forecast.model import Model
from forecast.service.plain_rows import plain_panel
from forecast.service.problems import RequestError
from forecast.service.records import as_id, frame
from forecast.service.requests import ObserveRequest
from forecast.service.settings import Limits
from forecast.service.writer import Taken, Writer

if TYPE_CHECKING:
    from forecast.monitoring.gauges import Gauge
    from forecast.service.watcher import Watcher


class ServedModel:
    """A model that forecasts and takes new rows in.

    The states of all its series lie in a `StateStore`, and nowhere else: what one request has
    changed, the next one sees, in another process too.

    Attributes:
        name: that requests give.
        model: with the state of one series, or with static covariates those of its training.
        limits: of each request.
    """

    def __init__(
        self, name: str, path: str, states: str, limits: Limits, readers: int, monitors: bool
    ) -> None:
        """Open a model and its states; series of the model that have none there get theirs.

        Args:
            name: that requests give.
            path: of the model file.
            states: the file that keeps the states; it is made where there is none.
            limits: of each request.
            readers: threads that may ask at once.
            monitors: whether to follow new rows, see `gauges`.

        Raises:
            ArtifactError: if a file cannot be used.
        """
        model = Model.load(path)
        self.name, self.limits = name, limits
        self.model = without_states(model)
        with ExitStack() as opened:
            stores = [
                opened.enter_context(StateStore(states, self.model)) for _ in range(readers + 1)
            ]
            stores[-1].put(model.state)
            self._watcher = _watcher(stores[-1], self.model) if monitors else None
            self._files = opened.pop_all()
        self._writer = Writer(stores.pop(), self._watcher.add if self._watcher else None)
        self._idle: SimpleQueue[StateStore] = SimpleQueue()
        for store in stores:
            self._idle.put(store)

    def gauges(self) -> list[Gauge]:
        """How well the model still fits its series, for Prometheus; none without a monitor."""
        return [] if self._watcher is None else self._watcher.gauges()

    def __len__(self) -> int:
        """How many series have a state."""
        with self.store() as store:
            return len(store)

    def close(self) -> None:
        """Take in what waits, and close the file."""
        self._writer.close()
        self._files.close()

    @contextmanager
    def store(self) -> Iterator[StateStore]:
        """A store that no other thread uses meanwhile."""
        store = self._idle.get()
        try:
            yield store
        finally:
            self._idle.put(store)

    def observe(self, request: ObserveRequest) -> Future[Taken]:
        """Take new rows in; done when they are on the disk.

        Raises:
            DataError: if the rows cannot be read. Those that do not follow their state end the
                future with one.
        """
        rows = plain_panel(request.rows, self.model.config, self._are_known)
        if rows is None:
            rows = self.model.panel(frame(request.rows), TableOrigin("rows"), all_missing=True)
        return self._writer.take(rows, request.fill_gaps)

    def _are_known(self, ids: Sequence[Any]) -> bool:
        """Whether all of some ids have a state."""
        with self.store() as store:
            return all(map(self.is_id, ids)) and store.has(ids)

    def states(self, ids: Sequence[Any] | None) -> State:
        """The states of series, in the order of the ids; None for all.

        Raises:
            RequestError: if a series has none, or there are more than a request may have.
        """
        with self.store() as store:
            self.refuse_more(len(store) if ids is None else len(ids))
            names = [*store.last_times()] if ids is None else [self.own_id(name) for name in ids]
            wanted = [*dict.fromkeys(names)]
            states = store.states(wanted)
        found = set() if states is None else {*states.ids.tolist()}
        missing = [name for name in wanted if name not in found]
        if states is None or missing:
            raise RequestError(
                404,
                f"no series {missing[0]!r} has a state; send its rows to /observe, or its history "
                "with the request, or describe it in new_series",
            )
        return states.select(wanted)

    def refuse_more(self, series: int) -> None:
        """Raise RequestError for more series than a request may have."""
        if series > self.limits.series:
            raise RequestError(
                413,
                f"{series:,} series; at most {self.limits.series:,} in a request: name some with "
                "series",
            )

    def own_id(self, name: Any) -> Any:
        """An id of a request as the model has it."""
        return as_id(name, self.model.state.ids[0])

    def is_id(self, name: Any) -> bool:
        """Whether an id is of the kind that the model's series have: text, or a number."""
        return type(name) is type(self.model.state.ids.tolist()[0])

    def last_times(self, search: str, after: Any, limit: int) -> dict[Any, str]:
        """The last times of series by id, as text, see `StateStore.last_times`."""
        config = self.model.config
        begin = None if after is None else self.own_id(after)
        with self.store() as store:
            found = store.last_times(search, begin, limit)
        return {name: config.schema.text(config.frequency, time) for name, time in found.items()}


def _watcher(store: StateStore, model: Predictor) -> Watcher:
    """What follows the rows of all series that have a state now."""
    from forecast.service.watcher import Watcher  # which takes SciPy

    states = store.states([*store.last_times()]) or model.state
    return Watcher(replace(model, state=states))
