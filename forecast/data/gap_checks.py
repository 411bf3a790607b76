"""Rows that a regular grid would have to invent: gaps that are refused, and what they look like."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data import infer_frequency
from forecast.data.frequency import Frequency
from forecast.data.infer_frequency import NUMBER_THEM, share_of_grid
from forecast.data.origin import Place
from forecast.data.time_codes import looks_like
from forecast.errors import DataError, quote

Integers = NDArray[np.int64]

# Beyond both limits a mistyped year is more likely than a gap.
MAX_FILLED_PER_ROW = 20
MAX_FILLED_OF_SHORT_TABLE = 1000

# Gaps may be most of the grid where they are few and have rows on both sides: outages.
MAX_OUTAGES = 0.05  # of the distances between rows
MIN_ROWS_BETWEEN_OUTAGES = 3

# A series has a frequency of its own where so many rows fill most of its grid.
MIN_ROWS_OF_FREQUENCY = 7
MIN_SHARE_OF_FREQUENCY = 0.8
MAX_INSPECTED = 200  # series


class Rows(NamedTuple):
    """The table's rows sorted by series and time."""

    codes: NDArray[Any]  # (N,)
    times: pd.DatetimeIndex | Integers  # (N,)
    order: NDArray[np.intp] | None  # (N,) their positions in the table
    cells: pd.Series[Any]  # the user's time column, in the table's order
    ids: NDArray[Any]
    place: Place

    def position(self, row: int) -> int:
        """The position in the table of a sorted row."""
        return row if self.order is None else int(self.order[row])

    def show(self, row: int) -> str:
        """The time of a sorted row as the user wrote it."""
        return str(self.cells.iloc[self.position(row)]).removesuffix(" 00:00:00")

    def error(self, row: int, problem: str) -> DataError:
        """The one-line error for a sorted row."""
        return self.place.error(self.position(row), self.cells.name, problem)


def refuse_gaps(
    rows: Rows, indptr: Integers, filled: Integers, frequency: Frequency, is_inferred: bool
) -> None:
    """Raise DataError where filling the gaps of a table would invent what it does not have.

    Args:
        rows: of the table, sorted.
        indptr: where each series begins and, last, N: (S+1,).
        filled: (S,) rows to be filled into each.
        frequency: of the grid.
        is_inferred: whether the frequency is inferred; gaps are then refused where they are most
            of the grid, unless they are occasional outages.

    Raises:
        DataError: gaps are absurdly long or most of the grid, or series have different
            frequencies.
    """
    total = int(filled.sum())
    gaps = np.where(rows.codes[1:] == rows.codes[:-1], np.diff(frequency.ordinals(rows.times)), 0)
    row = int(gaps.argmax()) + 1
    is_most = total > len(rows.codes) and not _are_outages(rows, gaps, frequency)
    if is_inferred and len(rows.ids) > 1:
        sparse = np.flatnonzero(filled > np.diff(indptr))
        if len(sparse):
            refuse_mixed_frequencies(rows, indptr, sparse, frequency)
    if is_inferred and is_most and frequency.unit == "integer":
        raise rows.error(
            row, f"{_invented(rows, row, total, frequency)}; {_integer_hint(rows, frequency)}"
        )
    if total > max(MAX_FILLED_PER_ROW * len(gaps), MAX_FILLED_OF_SHORT_TABLE):
        raise rows.error(
            row,
            f"{rows.show(row)} follows {rows.show(row - 1)}: filling such gaps at a frequency of "
            f"{frequency.name!r} ({frequency.label}) takes {total:,} rows for {len(gaps) + 1:,}; "
            "correct a mistyped time, or name the frequency with --frequency (frequency= in "
            "Python)",
        )
    if is_inferred and is_most:
        hint = _dated_hint(rows, frequency)
        raise rows.error(row, f"{_invented(rows, row, total, frequency)}; {hint}")


def _are_outages(rows: Rows, gaps: Integers, frequency: Frequency) -> bool:
    """Whether gaps of dated rows are few, with several rows before, between and after them."""
    if frequency.unit == "integer":
        return False
    within = rows.codes[1:] == rows.codes[:-1]
    is_gap = gaps > frequency.step
    if is_gap.sum() > max(1, MAX_OUTAGES * within.sum()):
        return False
    ends = np.flatnonzero(is_gap | ~within)
    runs = np.diff(np.concatenate([[-1], ends, [len(gaps)]]))
    beside = np.concatenate([is_gap[ends], [False]]) | np.concatenate([[False], is_gap[ends]])
    return bool((runs[beside] >= MIN_ROWS_BETWEEN_OUTAGES).all())


def _invented(rows: Rows, row: int, total: int, frequency: Frequency) -> str:
    return (
        f"{rows.show(row)} follows {rows.show(row - 1)}, where the most common spacing is "
        f"{frequency.label}: a regular grid would have {total:,} missing rows for "
        f"{len(rows.codes):,}"
    )


def _keep(frequency: str) -> str:
    return (
        f"if these rows are really missing, say so with --frequency {frequency} "
        f"(frequency={frequency!r} in Python)"
    )


def _integer_hint(rows: Rows, frequency: Frequency) -> str:
    like = looks_like(np.asarray(rows.times))
    hint = f"the column {like}" if like else f"if they are no times, {NUMBER_THEM}"
    return f"{hint}; {_keep(frequency.name)}"


def _dated_hint(rows: Rows, frequency: Frequency) -> str:
    hint = f"if they are events, resample them (in pandas: .resample({frequency.name!r}).sum())"
    if len(rows.ids) == 1:
        hint = f"if they are of several series, name their column with --id (id= in Python); {hint}"
    return f"{hint}; {_keep(frequency.name)}"


def refuse_mixed_frequencies(
    rows: Rows, indptr: Integers, suspects: NDArray[np.intp], usual: Frequency | None = None
) -> None:
    """Raise DataError where series have different frequencies of their own.

    Args:
        rows: of the table, sorted.
        indptr: where each series begins and, last, N: (S+1,).
        suspects: the series to look at; the first 200 that have at least 7 rows count.
        usual: the frequency of the others; by default that of the first suspect.
    """
    counts = np.diff(indptr)
    others = np.setdiff1d(np.arange(len(counts)), suspects)
    example = int(others[0]) if len(others) else None  # of the usual frequency
    for s in suspects[counts[suspects] >= MIN_ROWS_OF_FREQUENCY][:MAX_INSPECTED]:
        own = _own_frequency(rows, indptr, int(s))
        if own is None:
            continue
        if usual is None:
            usual, example = own, int(s)
        elif own != usual and example is not None:
            raise DataError(
                f"{rows.place.source}: series have different frequencies: "
                f"{quote(rows.ids[example])} is {usual.label}, {quote(rows.ids[s])} is "
                f"{own.label}; put the series of each frequency into a table of their own, or "
                "bring all to one frequency"
            )


def _own_frequency(rows: Rows, indptr: Integers, s: int) -> Frequency | None:
    """The frequency of one series, where it is clear."""
    times = rows.times[int(indptr[s]) : int(indptr[s + 1])]
    if share_of_grid(times) < MIN_SHARE_OF_FREQUENCY:
        return None
    return infer_frequency.infer(times, np.array([0, len(times)]))


def are_at_clock_changes(repeated: pd.DatetimeIndex) -> bool:
    """Whether repeated times (M,) all lie in the hours when clocks are set back.

    That is on Sundays of March, April, September, October or November, until 3 o'clock.
    """
    is_month = np.isin(repeated.month, (3, 4, 9, 10, 11))
    is_subdaily = (repeated != repeated.normalize()).any()
    return bool(is_subdaily and (is_month & (repeated.dayofweek == 6) & (repeated.hour < 3)).all())
