"""The regular time grid: rows in any order are sorted, checked for even spacing, gaps filled."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data import frequency as frequencies
from forecast.data import infer_frequency
from forecast.data.frequency import Frequency
from forecast.data.gap_checks import (
    Rows,
    are_at_clock_changes,
    refuse_gaps,
    refuse_mixed_frequencies,
)
from forecast.data.origin import Place
from forecast.data.parsing import Ids
from forecast.data.timestamps import Times
from forecast.errors import DataError, quote

Integers = NDArray[np.int64]


class Grid(NamedTuple):
    """The positions of a table's rows in the panel."""

    frequency: Frequency
    indptr: Integers  # (S+1,) with gaps filled
    start: Integers  # (S,) ordinals
    filled: Integers  # (S,) rows filled per series
    order: NDArray[np.intp] | None  # (N,) sorts the table's rows; None: they are sorted
    slots: Integers | None  # (N,) panel row of each sorted row; None: there are no gaps
    notes: tuple[str, ...] = ()  # what to report of how the rows were placed

    def place(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bring the table's values, (N, ...), into the panel's rows, NaN where filled."""
        if self.order is not None:
            values = values[self.order]
        if self.slots is None:
            return values
        rows = np.full((int(self.indptr[-1]), *values.shape[1:]), np.nan)
        rows[self.slots] = values
        return rows


def make_grid(
    ids: Ids,
    times: Times,
    cells: pd.Series[Any],
    frequency: Frequency | None,
    place: Place,
    fill_gaps: bool = True,
) -> Grid:
    """Sort rows, infer their frequency, and compute the position of each.

    Args:
        ids: the series of each row (N,).
        times: of each row (N,).
        cells: the user's time column (N,), quoted in messages.
        frequency: the expected spacing; inferred by default.
        place: names rows in messages.
        fill_gaps: whether rows may be missing.

    Returns:
        The grid of the panel.

    Raises:
        DataError: a series has two rows of one time, times are unevenly spaced, series have
            different frequencies, or gaps are not to be filled, absurdly long or, where the
            frequency is inferred, most of the grid.
    """
    rows = _sorted(ids, times, cells, place)
    _refuse_duplicates(rows)
    counts = np.bincount(rows.codes, minlength=len(ids.values)).astype(np.int64)
    indptr = np.concatenate([[0], np.cumsum(counts)])
    is_inferred = frequency is None
    if frequency is None:
        frequency = _infer(rows, indptr)
    else:
        _refuse_irregular(rows, indptr, frequency)
    ordinals = frequency.ordinals(rows.times)
    start = ordinals[indptr[:-1]]
    lengths = (ordinals[indptr[1:] - 1] - start) // frequency.step + 1
    filled = lengths - counts
    notes = _moved_notes(rows, frequency)
    if not filled.any():
        return Grid(frequency, indptr, start, filled, rows.order, None, notes)
    if not fill_gaps:
        raise _first_gap(rows, ordinals, frequency)
    refuse_gaps(rows, indptr, filled, frequency, is_inferred)
    filled_indptr = np.concatenate([[0], np.cumsum(lengths)])
    slots = (ordinals - start[rows.codes]) // frequency.step + filled_indptr[rows.codes]
    return Grid(frequency, filled_indptr, start, filled, rows.order, slots, notes)


def _moved_notes(rows: Rows, frequency: Frequency) -> tuple[str, ...]:
    """How many rows holidays have moved from the first or last business day."""
    moved = frequency.moved(rows.times)
    if not moved.any():
        return ()
    shown = rows.show(int(np.argmax(moved)))
    day = "first" if frequency.anchor == "business start" else "last"
    return (
        f"times: {moved.sum():,} of {len(moved):,} rows ({shown}) are near the {day} business day "
        "of their month rather than on it; taken as rows of their months",
    )


def _sorted(ids: Ids, times: Times, cells: pd.Series[Any], place: Place) -> Rows:
    stamps, codes = _stamps(times.values), ids.codes
    is_same_series = codes[1:] == codes[:-1]
    if ((codes[1:] > codes[:-1]) | (is_same_series & (stamps[1:] >= stamps[:-1]))).all():
        return Rows(codes, times.values, None, cells, ids.values, place)
    order = np.argsort(stamps, kind="stable")
    order = order[np.argsort(codes[order], kind="stable")]
    return Rows(codes[order], times.values[order], order, cells, ids.values, place)


def _refuse_duplicates(rows: Rows) -> None:
    stamps = _stamps(rows.times)
    is_repeated = (stamps[1:] == stamps[:-1]) & (rows.codes[1:] == rows.codes[:-1])
    if not is_repeated.any():
        return
    row = int(np.argmax(is_repeated))
    first = rows.place.row(rows.position(row))
    if len(rows.ids) == 1:
        of = ""
        hint = "; if a column names several series, give it with --id (id= in Python)"
    else:
        of, hint = f" of series {quote(rows.ids[rows.codes[row]])}", ""
    if isinstance(rows.times, pd.DatetimeIndex) and are_at_clock_changes(
        rows.times[1:][is_repeated]
    ):
        raise rows.error(
            row + 1,
            f"{rows.show(row + 1)}{of} is in {first} already: clocks are set back at such hours; "
            "write times in UTC or with their offset, such as 2024-10-27T02:00:00+01:00, or keep "
            "one of the two rows",
        )
    raise rows.error(
        row + 1, f"{rows.show(row + 1)}{of} is in {first} already; keep one row per time{hint}"
    )


def _infer(rows: Rows, indptr: Integers) -> Frequency:
    try:
        return infer_frequency.infer(rows.times, indptr)
    except DataError as error:
        refuse_mixed_frequencies(rows, indptr, np.arange(len(rows.ids)))
        row = _first_uneven(rows)
        where = "" if row is None else f", {rows.place.row(rows.position(row))}"
        raise DataError(f"{rows.place.source}{where}: {error}") from None


def _first_uneven(rows: Rows) -> int | None:
    """The first row whose distance to the row before is not a multiple of the usual one."""
    within = np.flatnonzero(rows.codes[1:] == rows.codes[:-1])
    is_dated = isinstance(rows.times, pd.DatetimeIndex)
    gaps = np.diff(frequencies.parse("us" if is_dated else "1").ordinals(rows.times))[within]
    if not len(gaps) or (is_dated and gaps.min() >= 28 * frequencies.DAY):
        return None  # months differ in length
    distinct, counts = np.unique(gaps, return_counts=True)
    is_uneven = gaps % distinct[counts.argmax()] != 0
    return int(within[np.argmax(is_uneven)]) + 1 if is_uneven.any() else None


def _refuse_irregular(rows: Rows, indptr: Integers, frequency: Frequency) -> None:
    try:
        is_irregular = infer_frequency.irregular(rows.times, indptr, frequency)
    except DataError as error:
        raise DataError(f"{rows.place.source}, column {quote(rows.cells.name)}: {error}") from None
    if not is_irregular.any():
        return
    row = int(np.argmax(is_irregular))
    name = f"the frequency {frequency.name!r} ({frequency.label})"
    if frequency.off_grid(rows.times[row : row + 1])[0]:
        problem = f"{rows.show(row)} is not a time of {name}"
    else:
        problem = f"{rows.show(row)} follows {rows.show(row - 1)}, not in whole steps of {name}"
    raise rows.error(row, f"{problem}; correct it or name another with --frequency (frequency=)")


def _first_gap(rows: Rows, ordinals: Integers, frequency: Frequency) -> DataError:
    is_gap = (rows.codes[1:] == rows.codes[:-1]) & (np.diff(ordinals) > frequency.step)
    row = int(np.argmax(is_gap)) + 1
    expected = frequency.text(int(ordinals[row - 1]) + frequency.step)
    of = f" of series {quote(rows.ids[rows.codes[row]])}" if len(rows.ids) > 1 else ""
    return rows.error(
        row,
        f"{rows.show(row)}{of} follows {rows.show(row - 1)}, where {expected} is expected; add the "
        "rows between, or take them as missing with --fill-gaps (fill_gaps=True in Python)",
    )


def _stamps(times: pd.DatetimeIndex | Integers) -> Integers:
    return times.asi8 if isinstance(times, pd.DatetimeIndex) else times
