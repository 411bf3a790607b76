"""Writing a file whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from forecast.errors import ForecastError


def replace_file(
    path: str | Path,
    write: Callable[[IO[bytes]], object],
    error: type[ForecastError],
    option: str,
) -> None:
    """Write under a temporary name, then rename: a crash or a full disk leaves the old file.

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
            f"write elsewhere with {option}"
        ) from None


def _replace(place: Path, write: Callable[[IO[bytes]], object]) -> None:
    with tempfile.NamedTemporaryFile(
        dir=place.parent, prefix=f".{place.name}.", suffix=".tmp", delete=False
    ) as file:
        draft = Path(file.name)
        try:
            write(file.file)
            file.flush()
            os.fsync(file.fileno())
            draft.chmod(_mode(place))
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
