"""From rows to state: every row is observed, one after another."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from forecast.data import covariates, scaling
from forecast.data.frequency import Frequency
from forecast.data.panel import Panel
from forecast.data.scaling import Powers, Scale
from forecast.errors import DataError
from forecast.inference.config import Config
from forecast.inference.state import ObservedRange, State, join, join_rows, take_rows
from forecast.nn import step_inputs
from forecast.nn.step import ModelStep, StepMemory

LONGEST_GAP = 100_000  # rows to fill; beyond, or beyond so many years, a mistyped time is likelier
LONGEST_YEARS = 10
Step = Callable[[Any, StepMemory, Any], StepMemory]  # such as a Cell's observe


def encode(panel: Panel, config: Config, cell: ModelStep, fingerprint: str) -> State:
    """Observe the whole history of each series, under the scale of its last rows.

    Args:
        panel: the histories, of any lengths.
        config: of the model.
        cell: the model's step on NumPy.
        fingerprint: of the model.

    Raises:
        DataError: if a series has no observed value, or values that the transform cannot take.
    """
    values = transformed(panel, config.powers)
    series, d = len(panel.ids), config.targets
    if config.static and not panel.static.names:
        raise DataError(
            f"{panel.source}: series '{panel.ids[0]}' comes without the columns "
            f"{[one.name for one in config.static]}, which the model was trained with; add them"
        )
    remembered = step_inputs.memory_length(config.lags)
    before = State(
        ids=panel.ids,
        time=panel.start - panel.frequency.step,
        value=np.full((series, d), np.nan, np.float32),
        memory=StepMemory(
            np.full((series, remembered, d), np.nan, np.float32),
            cell.network.initial_state(series),
        ),
        scale=history_scale(panel, values, config.context, config.measure),
        extent=ObservedRange(np.full((series, d), np.inf), np.full((series, d), -np.inf)),
        static=covariates.encode(panel.static, config.static, series),
        frequency=panel.frequency,
        network=config.network,
        fingerprint=fingerprint,
    )
    return _continue(before, panel, values, config, cell)


def observe(state: State, panel: Panel, config: Config, cell: ModelStep, fill_gaps: bool) -> State:
    """Observe the rows that follow a state; a series that it does not hold is encoded.

    Args:
        state: of any series.
        panel: the next rows of some series.
        config, cell: of the model.
        fill_gaps: whether rows between the state and the new ones may be missing.

    Returns:
        The state of all series of `state`, in its order, then of the new series.

    Raises:
        DataError: if rows are not the next ones, or cannot be used.
    """
    if np.array_equal(state.ids, panel.ids):
        return _observe_next(state, panel, config, cell, fill_gaps)
    places = state.places(panel.ids.tolist())
    for name, found in zip(panel.ids, places, strict=True):
        if len(found) > 1:
            raise DataError(
                f"series '{name}' is in the state {len(found)} times; give the new values as an "
                "array, a row per series of the state"
            )
    held = np.array([bool(found) for found in places])
    if held.any():
        rows = np.array([found[0] for found in places if found])
        present = panel.take(np.flatnonzero(held))
        after = _observe_next(state.take(rows), present, config, cell, fill_gaps)
        order = np.arange(len(state.ids))
        order[rows] = len(order) + np.arange(len(rows))
        state = join([state, replace(after, ids=state.ids[rows])]).take(order)
    if held.all():
        return state
    unseen = panel.take(np.flatnonzero(~held))
    return join([state, encode(unseen, config, cell, state.fingerprint)])


def _observe_next(
    state: State, panel: Panel, config: Config, cell: ModelStep, fill_gaps: bool
) -> State:
    """Observe new rows of exactly the series of a state, in its order."""
    panel = _follow(state, panel, fill_gaps)
    return _continue(state, panel, transformed(panel, config.powers), config, cell)


def _follow(state: State, panel: Panel, fill_gaps: bool) -> Panel:
    """The new rows, checked to be the next ones; with the rows that a gap has left out."""
    step = panel.frequency.step
    late = panel.start - state.time - step
    if not late.any():
        return panel
    allowed = _longest_gap(panel.frequency) * step if fill_gaps else 0
    wrong = (late < 0) | (late % step != 0) | (late > allowed)
    if wrong.any():
        raise _misplaced(state, panel, int(np.argmax(wrong)), int(wrong.sum()))
    return panel.preceded_by(late // step)


def _longest_gap(frequency: Frequency) -> int:
    """How many rows may be missing between a state and the next rows."""
    return int(min(LONGEST_GAP, LONGEST_YEARS * frequency.per_year))


def _misplaced(state: State, panel: Panel, s: int, count: int) -> DataError:
    """What is wrong with the rows of a series that are not the next ones."""
    step = panel.frequency.step
    text = functools.partial(panel.schema.text, panel.frequency)
    found, last = int(panel.start[s]), int(state.time[s])
    if found <= last:
        do = f"leave out the rows up to {text(last)}, which the state knows already"
    elif (found - last) % step:
        do = f"steps are {panel.frequency.label}; correct the times"
    elif (found - last) // step - 1 > _longest_gap(panel.frequency):
        do = (
            f"{(found - last) // step - 1:,} rows between are too many; correct the times, or train"
        )
    else:
        do = (
            "add the rows between, or take them as missing with --fill-gaps (fill_gaps=True in "
            "Python)"
        )
    others = f"; the same holds for {count - 1} more series" if count > 1 else ""
    return DataError(
        f"{panel.source}: the rows of series '{panel.ids[s]}' begin at {text(found)}, but the "
        f"next one is that of {text(last + step)}; {do}{others}"
    )


def _continue(
    state: State, panel: Panel, values: np.ndarray, config: Config, cell: ModelStep
) -> State:
    """Observe rows that follow a state, given their transformed values (N, D)."""
    if config.counts:
        refuse_other_than_counts(panel, config.head)
    lengths, last = panel.lengths, panel.indptr[1:] - 1
    owner = np.repeat(np.arange(len(lengths)), lengths)
    with np.errstate(over="ignore", invalid="ignore"):  # told below
        scaled = (values - state.scale.location[owner]) / state.scale.scale[owner]
        scaled = scaled.astype(np.float32)
    can_count = np.isfinite(state.scale.scale)[owner] & np.isfinite(scaled)
    wrong = ~can_count & ~np.isnan(values)
    if wrong.any():
        row, d = np.argwhere(wrong)[0]
        raise DataError(
            f"{panel.source}: series '{panel.ids[owner[row]]}' has a value "
            f"{panel.target[row, d]:g}, beyond what can be counted in its scale; correct it, or "
            "leave it empty"
        )
    ordinals = panel.ordinals
    known = known_of(panel, config, constants(state, config))
    begin = panel.indptr[:-1]
    return replace(
        state,
        time=ordinals[last],
        value=scaled[last],
        memory=walk(cell.observe, state.value, state.memory, scaled, known, panel.indptr),
        extent=ObservedRange(
            np.fmin(state.extent.low, np.fmin.reduceat(panel.target, begin)),
            np.fmax(state.extent.high, np.fmax.reduceat(panel.target, begin)),
        ),
    )


def constants(state: State, config: Config) -> np.ndarray:
    """What is known of every row of a series alike, (S, P): static covariates, a count's unit."""
    if not config.counts:
        return state.static
    return np.concatenate([state.static, np.log(state.scale.scale)], 1, dtype=np.float32)


def known_of(panel: Panel, config: Config, constant: np.ndarray) -> np.ndarray:
    """What is known of every row beforehand, (N, K): its calendar and its covariates.

    Args:
        panel: the rows.
        config: of the model.
        constant: what is known of all rows of a series alike, (S, P).
    """
    calendar = config.calendar(panel.ordinals)
    if not config.known and not constant.shape[1]:
        return calendar
    varying = covariates.encode(panel.known, config.known, len(calendar))
    return np.concatenate([calendar, varying, np.repeat(constant, panel.lengths, axis=0)], axis=1)


def walk(
    step: Step,
    value: np.ndarray,
    memory: StepMemory,
    rows: np.ndarray,
    known: np.ndarray,
    indptr: np.ndarray,
) -> StepMemory:
    """The memory after all rows: time runs for all series at once, the longest first.

    A series leaves the batch after its last row, so that no padding ever enters a memory.

    Args:
        step: consumes a value and what is known of the row after it.
        value: the value before the first row of each series (S, D).
        memory: of the S series before their rows.
        rows: the scaled values (N, D).
        known: what is known of the rows beforehand, (N, K).
        indptr: row ranges of the series (S+1,), none of them empty.
    """
    begin, lengths = indptr[:-1], np.diff(indptr)
    ragged = bool((lengths != lengths[0]).any())
    order = np.argsort(-lengths, kind="stable")
    if ragged:
        begin, lengths = begin[order], lengths[order]
        value, memory = value[order], take_rows(memory, order)
    finished = []  # the memories of the shortest series come first
    for t in range(int(lengths[0])):
        active = int(np.searchsorted(-lengths, -t))
        if active < len(value):
            finished.append(take_rows(memory, slice(active, None)))
            value, memory = value[:active], take_rows(memory, slice(active))
        now = begin[:active] + t
        memory = step(value, memory, known[now])
        value = rows[now]
    if not ragged:
        return memory
    return take_rows(join_rows([memory, *reversed(finished)]), np.argsort(order))


def transformed(panel: Panel, powers: Powers) -> np.ndarray:
    """The transformed targets (N, D).

    Raises:
        DataError: if there are values that the model's transform is not made for.
    """
    for target, power in zip(panel.target.T, powers, strict=True):
        if not takes(power, target):
            row = int(np.nanargmin(target))
            name = panel.ids[np.searchsorted(panel.indptr, row, side="right") - 1]
            wanted = "positive" if power == 0.0 else "non-negative"
            raise DataError(
                f"{panel.source}: series '{name}' has a value {target[row]:g}, but the model was "
                f"trained on {wanted} values only; leave the value empty, or train with "
                "--transform none (transform='none' in Python)"
            )
    return scaling.transform(panel.target, powers)


def refuse_other_than_counts(panel: Panel, head: str) -> None:
    """Raise DataError where a value is no count."""
    wrong = (panel.target < 0) | (panel.target != np.rint(panel.target)) & ~np.isnan(panel.target)
    if wrong.any():
        row, d = np.argwhere(wrong)[0]
        s = int(np.searchsorted(panel.indptr, row, side="right")) - 1
        time = panel.schema.text(panel.frequency, int(panel.ordinals[row]))
        raise DataError(
            f"{panel.source}: series '{panel.ids[s]}' has {panel.target[row, d]:g} at {time}, but "
            f"the head {head!r} is for counts, 0, 1, 2 …; choose --head student_t (head= in Python)"
        )


def takes(power: float, values: np.ndarray) -> bool:
    """Whether a transform is made for all values of a target."""
    low = np.nanmin(values, initial=np.inf)
    return bool(power == 1.0 or low > 0 or (low == 0 and power > 0))


def history_scale(
    panel: Panel,
    values: np.ndarray,
    context: int,
    measure: Callable[[np.ndarray], Scale] = scaling.measure,
) -> Scale:
    """The scale of each series: of its last `context` rows, or of all where those are missing."""
    end = panel.indptr[1:, None]
    rows = end - context + np.arange(context)
    inside = rows >= panel.indptr[:-1, None]
    recent = np.where(inside[..., None], values[np.maximum(rows, 0)], np.nan)
    location, scale = measure(recent)
    for s, d in np.argwhere(np.isnan(recent).all(axis=1)):
        history = values[panel.indptr[s] : panel.indptr[s + 1]]
        if np.isnan(history).all():
            raise DataError(
                f"{panel.source}: series '{panel.ids[s]}' has no observed value; leave it out"
            )
        location[s, d], scale[s, d] = (part[0, 0] for part in measure(history[None, :, d, None]))
    return Scale(location, scale)
