"""Rows beside a state: which of them it has seen, and whether the others are the next ones."""

from __future__ import annotations

import functools

import numpy as np

from forecast.data.frequency import Frequency
from forecast.data.panel import Panel
from forecast.errors import DataError
from forecast.inference.state import State

MAX_GAP_ROWS = 100_000  # beyond, or beyond so many years, a mistyped time is more likely
MAX_GAP_YEARS = 10


def require_frequency_of(state: State, panel: Panel) -> None:
    """Raise DataError unless the rows of a panel are as far apart as those of a state."""
    if panel.frequency != state.frequency:
        raise DataError(
            f"{panel.source}: its rows are {panel.frequency.label}, those of the state are "
            f"{state.frequency.label}"
        )


def places_of(state: State, panel: Panel) -> np.ndarray:
    """The places in a state of the series of a panel, (S,).

    Raises:
        DataError: if the state does not hold each of them once.
    """
    require_frequency_of(state, panel)
    found = state.indices(panel.ids.tolist())
    for series, places in zip(panel.ids.tolist(), found, strict=True):
        if len(places) != 1:
            held = f"{len(places)} times" if places else "not at all"
            raise DataError(f"{panel.source}: series '{series}' is in the state {held}")
    return np.array([places[0] for places in found], np.intp)


def rows_seen(panel: Panel, state: State | None) -> np.ndarray:
    """How many rows of each series, the first ones, its state has seen, (S,)."""
    seen = np.zeros(len(panel.ids), np.int64)
    if state is None:
        return seen
    places = state.indices(panel.ids.tolist())
    has_state = np.array([bool(rows) for rows in places], bool)
    last = state.time[[rows[0] for rows in places if rows]]
    before = (last - panel.start[has_state]) // panel.frequency.step + 1
    seen[has_state] = np.clip(before, 0, panel.lengths[has_state])
    return seen


def unseen(panel: Panel, seen: np.ndarray) -> Panel:
    """The other rows, of the series that have any.

    Args:
        panel: any rows of S series.
        seen: how many of each were seen, see `rows_seen`.
    """
    left = panel.lengths - seen
    series = np.flatnonzero(left)
    return panel.cut(series, left[series], seen[series])


def following(panel: Panel, last: np.ndarray, fill_gaps: bool) -> Panel:
    """New rows, checked to be the next ones; the rows of a gap before them as missing values.

    Args:
        panel: the rows of S series.
        last: ordinals of the rows that they follow (S,).
        fill_gaps: whether there may be a gap.

    Raises:
        DataError: if they are not the next ones.
    """
    step = panel.frequency.step
    gap = panel.start - last - step
    if not gap.any():
        return panel
    max_gap = _max_gap(panel.frequency) * step if fill_gaps else 0
    is_wrong = (gap < 0) | (gap % step != 0) | (gap > max_gap)
    if is_wrong.any():
        raise _misplaced(panel, last, int(np.argmax(is_wrong)), int(is_wrong.sum()))
    return panel.preceded_by(gap // step)


def _max_gap(frequency: Frequency) -> int:
    """How many rows may be missing between a state and the next rows."""
    return int(min(MAX_GAP_ROWS, MAX_GAP_YEARS * frequency.per_year))


def _misplaced(panel: Panel, last_of_each: np.ndarray, s: int, count: int) -> DataError:
    """What is wrong with the rows of a series that are not the next ones."""
    step = panel.frequency.step
    text = functools.partial(panel.schema.text, panel.frequency)
    first, last = int(panel.start[s]), int(last_of_each[s])
    if first <= last:
        advice = f"leave out the rows up to {text(last)}, which the state knows already"
    elif (first - last) % step:
        advice = f"steps are {panel.frequency.label}; correct the times"
    elif (first - last) // step - 1 > _max_gap(panel.frequency):
        advice = (
            f"{(first - last) // step - 1:,} rows between are too many; correct the times, or train"
        )
    else:
        advice = (
            "add the rows between, or take them as missing with --fill-gaps (fill_gaps=True in "
            "Python)"
        )
    others = f"; the same holds for {count - 1} more series" if count > 1 else ""
    return DataError(
        f"{panel.source}: the rows of series '{panel.ids[s]}' begin at {text(first)}, but the "
        f"next one is that of {text(last + step)}; {advice}{others}"
    )
