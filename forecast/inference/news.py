"""What is remarkable about new rows, as sentences for people: they may be mistakes."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

import numpy as np

from forecast.data.panel import Panel
from forecast.errors import first_few
from forecast.inference.config import Config
from forecast.inference.plausibility import ranges, too_large, too_small
from forecast.inference.state import ObservedRange, State


def news(panel: Panel, state: State | None, config: Config) -> Iterator[str]:
    """Notes on new rows: gaps before them, unusual values, new series.

    Args:
        panel: the rows.
        state: of those of their series that are known, and perhaps of others; None for none.
        config: of the model.
    """
    places = [[] for _ in panel.ids] if state is None else state.indices(panel.ids.tolist())
    is_known = np.array([bool(rows) for rows in places])
    if state is not None and is_known.any():
        before = state.take(np.array([rows[0] for rows in places if rows], np.int64))
        yield from _unlike(panel.take(np.flatnonzero(is_known)), before, config)
    added = panel.ids[~is_known].tolist()
    if added:
        known = [] if state is None else state.ids.tolist()
        yield f"new series: {len(added):,} ({first_few(added)}){_like(added, known)}"


def _unlike(panel: Panel, before: State, config: Config) -> Iterator[str]:
    """Notes on rows of the series of a state, in its order."""
    gaps = (panel.start - before.time) // panel.frequency.step - 1
    if (gaps > 0).any():
        where = first_few(panel.ids[gaps > 0])
        yield f"missing rows inserted before the new ones: {gaps[gaps > 0].sum():,} ({where})"
    owner = np.repeat(np.arange(len(panel.ids)), panel.lengths)
    observed = ObservedRange(*(part[owner] for part in before.extent))
    width = ranges(before, config)[owner]
    for size, is_unusual in (("large", too_large), ("small", too_small)):
        rows_in_question = is_unusual(panel.target, observed, width).any(axis=1)
        if rows_in_question.any():
            where = first_few(panel.ids[np.unique(owner[rows_in_question])])
            yield f"unusually {size} values, please check: {where}"


def _like(added: list[Any], known: list[Any]) -> str:
    """Names a known series whose id is spelled much like that of a new one."""
    spelled = {str(name).strip().lower(): name for name in known}
    for name in added:
        close = difflib.get_close_matches(str(name).strip().lower(), spelled, n=1, cutoff=0.85)
        if close:
            return f"; is '{name}' the known '{spelled[close[0]]}'?"
    return ""
