"""What the package reads, compared with what was meant."""

from __future__ import annotations

import atexit
import re
import shutil
import signal
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from forecast.data.io.tables import read_table
from forecast.data.panel import Panel
from forecast.data.to_panel import to_panel
from forecast.errors import DataError
from fuzz import content as contents
from fuzz import numbers, style, writing
from fuzz.content import Content, Series
from fuzz.style import Style
from fuzz.times import since_1970
from fuzz.writing import Written

SECONDS = 20  # that reading a small file may take
FAULTS = ("wrong values", "wrong times", "wrong ids", "wrong frequency", "error", "refused")
SUFFIXES = {"csv": ".csv", "csv.gz": ".csv.gz", "xlsx": ".xlsx", "parquet": ".parquet"}
AS_WELL_STEPS = ("yyyyddd", "yyyyww")  # within a year, where the numbers follow each other
MAX_MESSAGE_LENGTH = 1_000  # characters
INTERNAL = re.compile(r"Traceback|\bbug\b|object at 0x")


class Table(NamedTuple):
    """One example."""

    content: Content
    style: Style


class Outcome(NamedTuple):
    """How reading went."""

    kind: str  # "right", "may be refused", "another reading", or one of FAULTS
    detail: str = ""

    @property
    def is_fault(self) -> bool:
        """Whether the package is wrong."""
        return self.kind in FAULTS


def draw(random: Random) -> Table:
    """Make up a table that can be written."""
    while True:
        content = contents.draw(random)
        for _ in range(20):
            table = Table(content, style.draw(random, content))
            if can_be_written(table):
                return table


def can_be_written(table: Table) -> bool:
    """Whether style and content go together."""
    if not style.fits(*table):
        return False
    written = writing.lay_out(*table)
    return writing.to_bytes(written, table.style) is not None


def data_of(table: Table) -> bytes:
    """The file of a table."""
    data = writing.to_bytes(writing.lay_out(*table), table.style)
    if data is None:
        raise ValueError("the style cannot carry the content")
    return data


def check(table: Table) -> Outcome:
    """Write a table, read it, and compare."""
    written = writing.lay_out(*table)
    path = folder() / f"table{SUFFIXES[table.style.file]}"
    path.write_bytes(data_of(table))
    try:
        with bounded(), warnings.catch_warnings():
            warnings.simplefilter("error")  # a warning of a library is not meant for users
            panel = _read(path, written, table.style)
    except DataError as error:
        return _refusal(table, str(error))
    except Exception as error:
        return Outcome("error", _origin(error))
    return compare(table, panel)


@cache
def folder() -> Path:
    """A folder in memory for the files of this process."""
    memory = Path("/dev/shm")
    place = Path(tempfile.mkdtemp(prefix="fuzz-", dir=memory if memory.is_dir() else None))
    atexit.register(clean)
    return place


def clean() -> None:
    """Remove the folder of this process; one that ends without `atexit` calls this itself."""
    shutil.rmtree(folder(), ignore_errors=True)


@contextmanager
def bounded(seconds: float = SECONDS) -> Iterator[None]:
    """Raise TimeoutError in what takes too long."""

    def stop(*_: Any) -> None:
        raise TimeoutError(f"it takes more than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _read(path: Path, written: Written, style: Style) -> Panel:
    roles = {"id": written.id, "time": written.time, "target": written.target}
    given: dict[str, Any] = {k: name for k, name in roles.items() if name and style.named}
    frame, origin = read_table(str(path), id=given.get("id"))
    return to_panel(frame, origin, **given)


def _origin(error: Exception) -> str:
    """The error and the last line of the package that it passed."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if "/forecast/" in f.filename] or list(frames)
    at = f"{Path(own[-1].filename).name}, {own[-1].name}"
    return f"{type(error).__name__} in {at}: {' '.join(str(error).split())[:120]}"


def is_one_line(message: str) -> bool:
    """Whether an error reads like one for a person."""
    is_line = 0 < len(message.strip()) <= MAX_MESSAGE_LENGTH and "\n" not in message
    return is_line and not INTERNAL.search(message)


def _refusal(table: Table, message: str) -> Outcome:
    if not is_one_line(message):
        return Outcome("error", f"not a line for people: {message!r}")
    reasons = style.may_be_refused(*table)
    reasons += ["numbers can be read in two ways"] * any(c.is_open for c in _choices(table))
    if reasons:
        return Outcome("may be refused", "; ".join(reasons))
    return Outcome("refused", message.split("/", 3)[-1])


def _choices(table: Table) -> list[numbers.Choice]:
    """What is open about each column of numbers."""
    if not table.style.writes_text:
        return []
    delimiter = table.style.delimiter if table.style.is_text else ""
    found = []
    for series in _columns(table):
        bodies = writing.bodies(series, table.style)
        meant = tuple(
            abs(value)
            for one in series
            for k, value in enumerate(one.values)
            if value is not None and k not in one.left_out
        )
        found.append(numbers.choice(bodies, meant, delimiter))
    return found


def _columns(table: Table) -> list[tuple[Series, ...]]:
    series = table.content.series
    return [(one,) for one in series] if table.style.layout == "wide" else [series]


def compare(table: Table, panel: Panel) -> Outcome:
    """Compare a panel with what was meant."""
    content, style = table
    names = [str(name) for name in panel.ids.tolist()]
    expected = [series.id for series in content.series]
    is_one_unnamed = len(expected) == 1 and panel.schema.id is None and not style.named
    if content.has_id and sorted(names) != sorted(expected) and not is_one_unnamed:
        return Outcome("wrong ids", f"{names} for {expected}")
    if len(names) != len(expected):
        return Outcome("wrong ids", f"{len(names)} series for {len(expected)}")
    problems = []
    found_values: dict[str, list[float]] = {}
    for series in content.series:
        s = names.index(series.id) if content.has_id and not is_one_unnamed else 0
        begin, end = panel.indptr[s], panel.indptr[s + 1]
        values = panel.target[begin:end, 0]
        times = panel.schema.times(panel.frequency, panel.ordinals[begin:end])
        seen = np.flatnonzero(~np.isnan(values))
        kept = [
            k for k, v in enumerate(series.values) if v is not None and k not in series.left_out
        ]
        meant_times = [content.times(series)[k] for k in kept]
        if len(seen) != len(kept):
            return Outcome("wrong values", f"{len(seen)} values for {len(kept)}")
        problem = _times_differ(times[seen], meant_times, style)
        if problem:
            problems.append(Outcome("wrong times", problem))
        found_values[series.id] = values[seen].tolist()
    if problems:
        return problems[0]
    differ = _values_differ(table, found_values)
    if differ.kind != "right":
        return differ
    return _frequency(table, panel)


def _times_differ(found: Any, meant: list[Any], style: Style) -> str:
    dates = style.dates
    if not isinstance(found, pd.DatetimeIndex):
        codes = [int(dates.write(time)) for time in meant] if dates.whole else []
        is_even = style.date in AS_WELL_STEPS and len({str(code)[:4] for code in codes}) == 1
        if found.tolist() == codes and (dates.whole == "count" or is_even):
            return ""
        return f"{found[:3].tolist()} for {[dates.write(time) for time in meant[:3]]}"
    expected = pd.DatetimeIndex(meant)
    wall = found.tz_convert("UTC").tz_localize(None) if found.tz is not None else found
    if found.tz is None and style.date == "iso +05:30" and style.writes_text:
        expected = expected + pd.Timedelta("5.5h")
    if dates.span and style.writes_text:
        wall, expected = (
            pd.DatetimeIndex(pd.PeriodIndex(one, freq=dates.span).start_time)
            for one in (wall, expected)
        )
    if (wall == expected).all():
        return ""
    at = int(np.argmax(np.asarray(wall != expected)))
    return f"{found[at]} for {dates.write(meant[at])}"


def _values_differ(table: Table, found: dict[str, list[float]]) -> Outcome:
    style = table.style
    choices = _choices(table) or [numbers.Choice(False, [])] * len(table.content.series)
    for series, choice in zip(_columns(table), choices, strict=False):
        values = np.array([value for one in series for value in found[one.id]])
        written = [
            value
            for one in series
            for k, value in enumerate(one.values)
            if value is not None and k not in one.left_out
        ]
        meant = np.array([float(value) for value in written])
        percent = style.writes_text and "%" in style.numbers.after
        if np.array_equal(values, meant):
            continue
        if percent and np.allclose(values * 100, meant, rtol=1e-14, atol=0):
            continue
        for other in choice.accepted:
            signs = [Decimal(-1 if value < 0 else 1) for value in written]
            if values.tolist() == [float(s * v) for s, v in zip(signs, other, strict=True)]:
                return Outcome("another reading", f"{style.numbers.decimal!r}")
        at = int(np.argmax(values != meant))
        if np.allclose(values, meant, rtol=1e-14, atol=0):
            return Outcome("wrong values", f"{values[at]!r} for {written[at]}: rounded")
        return Outcome(
            "wrong values", f"{values[at]!r} for {numbers.write(written[at], style.numbers)!r}"
        )
    return Outcome("right")


def _frequency(table: Table, panel: Panel) -> Outcome:
    content, style = table
    name, meant = panel.frequency.name, content.frequency
    if panel.frequency.unit == "integer":
        times = sorted({time for one in content.series for time in content.times(one)})
        scale = {"s": 1, "ms": 1000, "us": 10**6, "ns": 10**9}.get(style.date)
        step = since_1970(times[1]) - since_1970(times[0]) if scale else 1
        step = 7 if style.date == "excel" and meant == "W" else step
        is_right = meant == "B" or panel.frequency.step == step * (scale or 1)
    else:
        same = {"MS": {"MS", "ME"}, "QS": {"QS", "QE"}, "YS": {"YS", "YE"}}.get(meant, {meant})
        same |= {"B", "D"} if meant in ("B", "D") else set()
        is_right = name in (same if style.dates.span else same - {"ME", "QE", "YE"} or same)
        is_right |= meant == "ME" and name == "ME"
    return Outcome("right") if is_right else Outcome("wrong frequency", f"{name} for {meant}")
