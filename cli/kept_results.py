"""Results that took long to compute: where they cannot be written, they are kept elsewhere."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from forecast.errors import ForecastError

if TYPE_CHECKING:
    import pandas as pd


@contextmanager
def kept_unless_written(path: str, save: Callable[[str], object], what: str) -> Iterator[None]:
    """Save a result elsewhere if the block, which writes it, fails; then say where it is.

    Args:
        path: where the block writes to.
        save: writes the result to another place.
        what: the result in words, as in "the trained model".

    Raises:
        ForecastError: the block has failed; it says why, and where the result is.
    """
    try:
        yield
    except BrokenPipeError:
        raise  # whoever read the result has enough
    except (Exception, KeyboardInterrupt) as problem:
        reason = "interrupted" if isinstance(problem, KeyboardInterrupt) else str(problem)
        kept = keep(path, save)
        if kept is None:
            raise ForecastError(
                f"{reason}; {what} could not be kept elsewhere either, neither beside it nor in "
                "the system's folder for temporary files"
            ) from problem
        raise ForecastError(
            f"{reason}; {what} is kept in {kept}; once that is mended, move it with: "
            f"mv {shlex.quote(str(kept))} {shlex.quote(path)}"
        ) from problem


def write_result(table: pd.DataFrame, path: str, what: str, say: Callable[[str], None]) -> None:
    """Write a table that took long to compute, see `kept_unless_written`, and say so."""
    from forecast.data.io.tables import write_table

    with kept_unless_written(path, partial(write_table, table), what):
        write_table(table, path)
    say(f"Wrote {path}: {len(table):,} rows.")


def keep(path: str, save: Callable[[str], object]) -> Path | None:
    """Save a result beside its place, or else in the system's folder for temporary files.

    Args:
        path: the place; its name ends that of the other file too.
        save: writes the result.

    Returns:
        The file, None where no folder takes it.
    """
    place = Path(path).resolve()
    folders: list[Path] = []
    if place.is_file() or not place.exists():  # a pipe or a device stands beside other ones
        folders.append(place.parent)
    with suppress(FileNotFoundError):  # where there is no such folder
        folders.append(Path(tempfile.gettempdir()).resolve())
    for folder in folders:
        kept = None
        try:
            kept = _new_file(folder, place.name)
            save(str(kept))
        except (ForecastError, OSError):
            if kept is not None:
                kept.unlink(missing_ok=True)
        else:
            return kept
    return None


def _new_file(folder: Path, name: str) -> Path:
    """An empty file of a name that nothing in the folder has."""
    number = 1
    while True:
        file = folder / f"kept-{number}-{name}"
        try:
            file.open("xb").close()
        except FileExistsError:
            number += 1
        else:
            return file
