"""Pieces of work on NumPy, side by side on the cores of this machine."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TypeVar

from threadpoolctl import ThreadpoolController

T = TypeVar("T")
R = TypeVar("R")
_alone = Lock()  # of the limit on matrix products, which is that of the whole process


def side_by_side(task: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """[task(item) for item in items], as many at a time as there are cores.

    Each matrix product is kept to one thread meanwhile, also where there is a single item: the
    products are small, and where a core is busy, threads that wait for each other cost many times
    what they save. Where another thread of this process does the same already, the items are taken
    one after another, and the limit is left to that thread.
    """
    items = list(items)
    if not _alone.acquire(blocking=False):
        return [task(item) for item in items]
    try:
        with _blas().limit(limits=1):
            workers = min(cores(), len(items))
            if workers < 2:
                return [task(item) for item in items]
            with ThreadPoolExecutor(workers) as pool:
                return list(pool.map(task, items))
    finally:
        _alone.release()


@functools.cache
def _blas() -> ThreadpoolController:
    """The libraries that compute matrix products; to find them takes longer than a step does."""
    return ThreadpoolController().select(user_api="blas")


def cores() -> int:
    """How many cores this process may use.

    Where OMP_NUM_THREADS limits the threads of libraries, as Spark, Dask and Ray do for their
    workers, which share a machine, it limits ours too.
    """
    known = hasattr(os, "sched_getaffinity")
    own = len(os.sched_getaffinity(0)) if known else os.cpu_count() or 1
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return min(own, int(limit)) if limit.isdecimal() and int(limit) else own
