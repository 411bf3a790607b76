"""Progress bars on standard error, and silence there for the libraries that write to it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from .output import Say, printable

if TYPE_CHECKING:
    from forecast.training.progress import Progress

TENSORFLOW_LEVEL = "TF_CPP_MIN_LOG_LEVEL"


@contextmanager
def quiet_libraries() -> Iterator[TextIO]:
    """Keep what TensorFlow and others write about themselves off standard error, which is given.

    Who sets TensorFlow's own log level wants to see it.
    """
    if TENSORFLOW_LEVEL in os.environ or sys.stderr is None:  # None where it is closed
        yield sys.stderr
        return
    os.environ[TENSORFLOW_LEVEL] = "3"
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device, not a path
        os.dup2(nowhere.fileno(), 2)
    try:
        with open(kept, "w", encoding=sys.stderr.encoding, closefd=False) as stderr:
            yield stderr
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        del os.environ[TENSORFLOW_LEVEL]


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Callable[[Progress], None] | None]:
    """A bar on standard error, if that is a terminal; the libraries write nothing there."""
    hides = quiet or not _is_terminal()  # asked before standard error leads elsewhere
    with quiet_libraries() as stderr, _bar_unless(hides, stderr) as bar:
        yield None if bar is None else bar.show


@contextmanager
def progress_and_words(
    say: Say,
) -> Iterator[tuple[Callable[[Progress], None] | None, Callable[[str], None]]]:
    """The same, and what says a line while the libraries write nothing."""
    hides = say.quiet or not _is_terminal()
    with quiet_libraries() as stderr, _bar_unless(hides, stderr) as bar:

        def say_aloud(line: str) -> None:
            with _aloud(stderr):
                say(line)

        yield (None, say_aloud) if bar is None else (bar.show, bar.say)


def _is_terminal() -> bool:
    """Whether standard error is a terminal."""
    return sys.stderr is not None and sys.stderr.isatty()


@contextmanager
def _aloud(stderr: TextIO) -> Iterator[None]:
    """Let standard error through to what it was before `quiet_libraries`, which has given it."""
    if stderr is sys.stderr:
        yield
        return
    sys.stderr.flush()
    quiet = os.dup(2)
    os.dup2(stderr.fileno(), 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(quiet, 2)
        os.close(quiet)


@contextmanager
def _bar_unless(hides: bool, stderr: TextIO) -> Iterator[Bar | None]:
    """A bar on what was standard error, unless it is to be hidden."""
    if hides:
        yield None
        return
    with bar_on(stderr) as bar:
        yield bar


class Bar(NamedTuple):
    """A progress bar: shows how far a training has come, and says lines above itself."""

    show: Callable[[Progress], None]
    say: Callable[[str], None]


@contextmanager
def bar_on(terminal: TextIO) -> Iterator[Bar]:
    """A bar that shows the steps done, the loss and the time left."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(file=terminal)) as bar:
        task = bar.add_task("preparing", total=None)

        def show(now: Any) -> None:
            loss = now.loss if now.validation_loss is None else now.validation_loss
            bar.update(
                task,
                completed=now.step,
                total=now.steps,
                description=f"step {now.step:,} of {now.steps:,}, loss {loss:.4g}",
            )

        def say(line: str) -> None:
            bar.console.print(printable(line), markup=False, highlight=False, soft_wrap=True)

        yield Bar(show, say)


@contextmanager
def counting_bar(quiet: bool, what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, if that is a terminal, that shows how many of a number are done."""
    if quiet or not _is_terminal():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr)) as bar:
        task = bar.add_task("", total=total)

        def show(done: int) -> None:
            bar.update(task, completed=done, description=f"{done:,} of {total:,} {what}")

        show(0)
        yield show
