"""Threads that answer requests, and do not keep a process alive that is to end."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")
Job = tuple[Callable[..., Any], tuple[Any, ...], Future[Any]]


class Readers:
    """Some threads, which end with the process whatever they are at work on."""

    def __init__(self, count: int) -> None:
        """Start so many threads."""
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        threads = (Thread(target=self._work, name="reader", daemon=True) for _ in range(count))
        self._threads = [*threads]
        for thread in self._threads:
            thread.start()

    def submit(self, work: Callable[..., T], *given: Any) -> Future[T]:
        """What some work will give; a future that is cancelled in time is never begun."""
        outcome: Future[T] = Future()
        self._jobs.put((work, given, outcome))
        return outcome

    def close(self, seconds: float) -> None:
        """Let the threads end, and wait so long for each of them."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join(seconds)

    def _work(self) -> None:
        while job := self._jobs.get():
            work, given, outcome = job
            if not outcome.set_running_or_notify_cancel():
                continue
            try:
                outcome.set_result(work(*given))
            except BaseException as error:
                outcome.set_exception(error)
