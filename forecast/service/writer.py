"""One thread that writes: all rows that wait go into one transaction.

A transaction ends with the disk saying that it has all, which takes longer than to take in a few
rows. So those of all requests that wait meanwhile share the next one. Each is taken in alone, in
the order of arrival; one that is refused leaves no trace, and the others go on.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import NamedTuple

from forecast.data.panel import Panel
from forecast.engines.state_store import StateStore, Updated

MOST = 256  # requests in one transaction


class Taken(NamedTuple):
    """What has become of the rows of a request.

    Attributes:
        done: what they have changed.
        notes: what is remarkable about them, as sentences for people.
    """

    done: Updated
    notes: list[str]


class Waiting(NamedTuple):
    """Rows that are to be taken in."""

    rows: Panel
    fill_gaps: bool
    outcome: Future[Taken]


class Writer:
    """Takes new rows into a store, and answers when they are on the disk."""

    def __init__(self, store: StateStore, tell: Callable[[Panel], None] | None = None) -> None:
        """Start the thread.

        Args:
            store: that no other thread uses.
            tell: is called with all rows that were taken in, in their order.
        """
        self._store, self._tell = store, tell
        self._queue: SimpleQueue[Waiting | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    def take(self, rows: Panel, fill_gaps: bool = False) -> Future[Taken]:
        """Take rows in, see `StateStore.update`; a future that is cancelled in time never was."""
        outcome: Future[Taken] = Future()
        self._queue.put(Waiting(rows, fill_gaps, outcome))
        return outcome

    def close(self) -> None:
        """Take in what waits, and end."""
        self._queue.put(None)
        self._thread.join()
        self._store.close()

    def _work(self) -> None:
        goes_on = True
        while goes_on:
            batch = [self._queue.get()]
            while not self._queue.empty() and len(batch) < MOST:
                batch.append(self._queue.get())
            goes_on = None not in batch
            waiting = [one for one in batch if one is not None]
            self._write([one for one in waiting if one.outcome.set_running_or_notify_cancel()])

    def _write(self, batch: list[Waiting]) -> None:
        """Take the rows of some requests in, in one transaction."""
        done: list[Taken | Exception] = []
        try:
            with self._store.transaction():
                done += [self._one(waiting) for waiting in batch]
        except Exception as error:  # the disk is full, or another process holds the file: for all
            done = [error] * len(batch)
        for waiting, outcome in zip(batch, done, strict=True):
            if isinstance(outcome, Exception):
                waiting.outcome.set_exception(outcome)
                continue
            if self._tell is not None:
                self._tell(waiting.rows)
            waiting.outcome.set_result(outcome)

    def _one(self, waiting: Waiting) -> Taken | Exception:
        """What has become of the rows of a request, or why they are refused."""
        try:
            notes = [*waiting.rows.notes, *self._store.news(waiting.rows)]
            return Taken(self._store.update(waiting.rows, fill_gaps=waiting.fill_gaps), notes)
        except Exception as error:  # is the answer to this request alone
            return error
