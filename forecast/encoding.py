"""From the history of each series to its state: every row is observed, one after another."""

from __future__ import annotations

import numpy as np

from forecast import features, scaling
from forecast.cell import Cell, Memory
from forecast.config import Config
from forecast.errors import DataError
from forecast.panel import Panel
from forecast.scaling import Scale
from forecast.state import State, join_rows, take_rows


def encode(panel: Panel, config: Config, cell: Cell, fingerprint: str) -> State:
    """Observe the whole history of each series, under the scale of its last rows.

    Args:
        panel: the histories, of any lengths.
        config: of the model.
        cell: the model's step on NumPy.
        fingerprint: of the model.

    Raises:
        DataError: if a series has no observed value, or values that the transform cannot take.
    """
    values = transformed(panel, config.power)
    scale = history_scale(panel, values, config.context)
    owner = np.repeat(np.arange(len(panel.ids)), panel.lengths)
    scaled = (values - scale.location[owner]) / scale.scale[owner]
    calendar = panel.frequency.calendar(panel.ordinals, config.cycles)
    last = panel.indptr[1:] - 1
    scaled = scaled.astype(np.float32)
    return State(
        ids=panel.ids,
        time=panel.ordinals[last],
        value=scaled[last],
        memory=_observe_all(cell, scaled, calendar, panel.indptr),
        scale=scale,
        fingerprint=fingerprint,
    )


def transformed(panel: Panel, power: float) -> np.ndarray:
    """The transformed targets (N, D).

    Raises:
        DataError: if there are values that the model's transform is not made for.
    """
    if not takes(power, panel):
        row = int(np.where(np.isnan(panel.target), np.inf, panel.target).min(axis=1).argmin())
        name = panel.ids[np.searchsorted(panel.indptr, row, side="right") - 1]
        wanted = "positive" if power == 0.0 else "non-negative"
        raise DataError(
            f"series '{name}' has a value {np.nanmin(panel.target):g}, but the model was trained "
            f"on {wanted} values only; train with --transform none (transform='none' in Python)"
        )
    return scaling.transform(panel.target, power)


def takes(power: float, panel: Panel) -> bool:
    """Whether a transform is made for all values of a panel."""
    low = np.nanmin(panel.target, initial=np.inf)
    return bool(power == 1.0 or low > 0 or (low == 0 and power > 0))


def history_scale(panel: Panel, values: np.ndarray, context: int) -> Scale:
    """The scale of each series: of its last `context` rows, or of all where those are missing."""
    end = panel.indptr[1:, None]
    rows = end - context + np.arange(context)
    inside = rows >= panel.indptr[:-1, None]
    recent = np.where(inside[..., None], values[np.maximum(rows, 0)], np.nan)
    location, scale = scaling.measure(recent)
    for s in np.flatnonzero(np.any(np.isnan(recent).all(axis=1), axis=1)):
        history = values[panel.indptr[s] : panel.indptr[s + 1]]
        if np.isnan(history).all():
            raise DataError(f"series '{panel.ids[s]}' has no observed value; leave it out")
        location[s], scale[s] = (part[0] for part in scaling.measure(history[None]))
    return Scale(location, scale)


def _observe_all(
    cell: Cell, scaled: np.ndarray, calendar: np.ndarray, indptr: np.ndarray
) -> Memory:
    """The memory after all rows: time runs for all series at once, the longest first.

    A series leaves the batch after its last row, so that no padding ever enters a memory.
    """
    lengths = np.diff(indptr)
    order = np.argsort(-lengths, kind="stable")
    begin, lengths = indptr[:-1][order], lengths[order]
    d = scaled.shape[1]
    value = np.full((len(order), d), np.nan, np.float32)
    empty = np.full((len(order), features.memory_length(cell.lags), d), np.nan, np.float32)
    memory = Memory(empty, cell.network.initial_state(len(order)))
    finished = []  # the memories of the shortest series come first
    for t in range(int(lengths[0])):
        active = int(np.searchsorted(-lengths, -t))
        if active < len(value):
            finished.append(take_rows(memory, slice(active, None)))
            value, memory = value[:active], take_rows(memory, slice(active))
        rows = begin[:active] + t
        _, memory = cell.observe(value, memory, calendar[rows])
        value = scaled[rows]
    return take_rows(join_rows([memory, *reversed(finished)]), np.argsort(order))
