"""Atomic writes: a file is written completely or not at all, by one process at a time."""

from __future__ import annotations

import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from forecast.errors import ForecastError

STALE_DRAFT_SECONDS = 600.0  # older drafts can only be those of killed processes
LOCK_TIMEOUT_SECONDS = 600.0


@contextmanager
def locked(
    path: str | Path, error: type[ForecastError], waiting: Callable[[], object]
) -> Iterator[None]:
    """Hold the lock of a file until the block ends; other processes wait for it.

    The lock is a hidden empty file beside it, which stays; it is bound to the process, so a
    killed one releases it. Drafts that killed processes have left behind are removed.

    Args:
        path: the file that is read, changed and written again; it need not exist yet.
        error: what to raise if it cannot be locked.
        waiting: called once if another process has the lock.

    Raises:
        error: the folder does not take the lock file, or the other process does not end.
    """
    from filelock import FileLock, Timeout

    place = Path(path).resolve()
    mode = place.stat().st_mode & 0o666 if place.exists() else 0o644
    lock = FileLock(place.with_name(f".{place.name}.lock"), mode=mode)  # who may write, may lock
    try:
        try:
            lock.acquire(timeout=0.5)
        except Timeout:
            waiting()
            lock.acquire(timeout=LOCK_TIMEOUT_SECONDS)
    except Timeout:
        raise error(
            f"{path}: another process has not finished changing it in {LOCK_TIMEOUT_SECONDS:.0f} "
            "s; try later"
        ) from None
    except OSError as problem:
        raise error(
            f"{path}: its lock {lock.lock_file} cannot be taken: {problem.strerror or problem}; "
            "nothing was changed, remove the lock or its cause"
        ) from None
    try:
        for draft in place.parent.iterdir():
            if draft.name.startswith(f".{place.name}.") and draft.suffix == ".tmp":
                _remove_stale(draft)
        yield
    finally:
        lock.release()


def _remove_stale(draft: Path) -> None:
    try:
        if time.time() - draft.stat().st_mtime > STALE_DRAFT_SECONDS:
            draft.unlink()
    except OSError:
        return  # its process has just finished, or it is not ours


def replace_file(
    path: str | Path,
    write: Callable[[IO[bytes]], object],
    error: type[ForecastError],
    option: str,
) -> None:
    """Write under a temporary name, then rename: a crash or a full disk keeps the old file.

    Args:
        path: where to; a link is followed, a pipe or device is written to as it stands.
        write: writes the content to an open file.
        error: what to raise if the place cannot be written.
        option: of the command line that names another place.

    Raises:
        error: the folder or the disk does not take the file.
        BrokenPipeError: the reader of a pipe has left.
    """
    try:
        place = Path(path).resolve()
        if place.exists() and not place.is_file() and not place.is_dir():
            with place.open("wb") as stream:
                write(stream)
        else:
            _replace(place, write)
    except BrokenPipeError:
        raise
    except OSError as problem:
        raise error(
            f"{path}: cannot be written: {problem.strerror or problem}; nothing was changed, "
            f"make room or write elsewhere with {option}"
        ) from None


def _replace(place: Path, write: Callable[[IO[bytes]], object]) -> None:
    number, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.", suffix=".tmp")
    draft = Path(name)
    try:
        with open(number, "wb") as stream:  # noqa: PTH123 - a descriptor, not a path
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        draft.chmod(_mode(place))  # closed before it is renamed, which Windows asks for
        draft.replace(place)
    finally:  # after an interrupt too; once renamed, the draft is gone
        draft.unlink(missing_ok=True)


def _mode(place: Path) -> int:
    """The permissions of the file to be replaced, or those of any new file."""
    if place.exists():
        return stat.S_IMODE(place.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
