"""Whether a served model still fits: the rows that it has taken in, followed when somebody looks.

A monitor follows many series at once in little more time than one, so rows wait until its numbers
are asked for, or many have come together.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from threading import Lock, Thread

import numpy as np

from forecast.data.panel import Panel
from forecast.inference.new_rows import following, places_of, rows_seen, unseen
from forecast.inference.predictor import Predictor
from forecast.monitoring.gauges import Gauge, gauges
from forecast.monitoring.monitor import advanced, begin

LOG = logging.getLogger("forecast.service")
MANY = 10_000  # panels of rows that wait before they are followed unasked


class Watcher:
    """The monitor of a model's series from the start of the service on.

    Series that are new since then are not watched before the next start.
    """

    def __init__(self, model: Predictor) -> None:
        """Begin.

        Args:
            model: with the states of all series.
        """
        self._model, self._monitor = model, begin(model)
        self._waiting: deque[Panel] = deque()
        self._lock = Lock()

    def add(self, rows: Panel) -> None:
        """Rows that states have taken in; called in that order."""
        self._waiting.append(rows)
        if len(self._waiting) % MANY == 0:
            Thread(target=self.gauges, name="watcher", daemon=True).start()

    def gauges(self) -> list[Gauge]:
        """The numbers after all rows so far."""
        with self._lock:
            waiting = [self._waiting.popleft() for _ in range(len(self._waiting))]
            for rows in _apart(waiting):
                try:
                    self._follow(rows)
                except Exception:  # the others, and the metrics, go on without these rows
                    LOG.exception("rows that a monitor cannot follow")
            return gauges(self._monitor)

    def _follow(self, rows: Panel) -> None:
        """Follow the next rows of some series; rows between them and the state are missing."""
        state = self._monitor.state
        is_known = [bool(places) for places in state.indices(rows.ids.tolist())]
        rows = rows.take(np.flatnonzero(is_known))
        rows = unseen(rows, rows_seen(rows, state))
        if not len(rows.ids):
            return
        rows = following(rows, state.time[places_of(state, rows)], fill_gaps=True)
        self._monitor = advanced(self._model, self._monitor, rows)


def _apart(panels: Sequence[Panel]) -> Iterator[Panel]:
    """Panels put together as long as no series comes twice."""
    together: list[Panel] = []
    ids: set[object] = set()
    for panel in panels:
        own = {*panel.ids.tolist()}
        if panel.known.names or not ids.isdisjoint(own):
            yield from _joined(together)
            together, ids = [], set()
        together.append(panel)
        ids |= own
    yield from _joined(together)


def _joined(panels: Sequence[Panel]) -> Iterator[Panel]:
    """Panels of different series as one; none of none."""
    if len(panels) < 2:
        yield from panels
        return
    first = panels[0]
    ids = np.concatenate([panel.ids for panel in panels])
    lengths = np.concatenate([panel.lengths for panel in panels])
    whole = Panel(
        ids=ids,
        indptr=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        start=np.concatenate([panel.start for panel in panels]),
        target=np.concatenate([panel.target for panel in panels]),
        frequency=first.frequency,
        schema=first.schema,
    )
    yield whole.take(np.argsort(ids, kind="stable"))
