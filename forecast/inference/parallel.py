"""Pieces of work on NumPy, side by side on the cores of this machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TypeVar

from threadpoolctl import threadpool_limits

T = TypeVar("T")
R = TypeVar("R")
_alone = Lock()  # of the limit on matrix products, which is that of the whole process


def side_by_side(task: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """[task(item) for item in items], as many at a time as there are cores.

    Each matrix product is kept to one core meanwhile, so that they do not get in each other's way.
    Where another thread of this process does the same already, it is done one after another.
    """
    items = list(items)
    workers = min(cores(), len(items))
    if workers < 2 or not _alone.acquire(blocking=False):
        return [task(item) for item in items]
    try:
        with threadpool_limits(1, "blas"), ThreadPoolExecutor(workers) as pool:
            return list(pool.map(task, items))
    finally:
        _alone.release()


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
