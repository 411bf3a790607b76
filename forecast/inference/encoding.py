"""From rows to a state: rows are observed, one after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

import numpy as np

from forecast.data import covariates, scaling
from forecast.data.panel import Panel
from forecast.errors import DataError
from forecast.inference.config import Config
from forecast.inference.new_rows import following
from forecast.inference.parallel import side_by_side
from forecast.inference.preprocess import (
    history_scale,
    refuse_other_than_counts,
    series_features,
    step_features,
    transformed,
)
from forecast.inference.state import (
    MemberState,
    ObservedRange,
    State,
    join,
    join_rows,
    take_rows,
)
from forecast.nn import step_inputs
from forecast.nn.step import ModelStep, StepMemory

CHUNK_SERIES = 256  # series that are observed together: what a step computes stays in the cache
BLOCK_ROWS = 1024  # rows that are observed at once: they bound the memory
NOTHING_OBSERVED = ObservedRange(np.array(np.inf), np.array(-np.inf))
Consume = Callable[[np.ndarray, StepMemory, np.ndarray, np.ndarray], StepMemory]
"""The memory after a block of steps, such as `ModelStep.absorb`."""


class Observes(Protocol):
    """A further member of a model, see `inference.members`."""

    def encode(self, panel: Panel, fingerprint: str) -> MemberState:
        """Its state after the histories of a panel."""

    def observe(self, state: Any, panel: Panel) -> MemberState:
        """Its state after the next rows of the same series, without gaps."""


def encode(
    panel: Panel,
    config: Config,
    step: ModelStep,
    fingerprint: str,
    others: Sequence[Observes] = (),
) -> State:
    """Observe the history of each series, under the scale of its last rows.

    Of a long history a network that was trained on windows reads the last `Config.reads` rows, as
    many as leave no trace of earlier ones; the lagged values before them are there, except for a
    network that has practised histories which begin with the first row it reads.

    Args:
        panel: the histories, of any lengths.
        config: of the model.
        step: of the model, on NumPy.
        fingerprint: of the model.
        others: further members of the model.

    Raises:
        DataError: if a series has no observed value, or values that the transform cannot take.
    """
    values = transformed(panel, config.powers)
    series = len(panel.ids)
    if config.static and not panel.static.names:
        names = [covariate.name for covariate in config.static]
        raise DataError(
            f"{panel.source}: series '{panel.ids[0]}' comes without the columns {names}, which the "
            "model was trained with; add them"
        )
    scale = history_scale(panel, values, config.context, config.measure)
    unread = _unread(panel, config.reads)
    recent = panel.cut(np.arange(series), panel.lengths - unread, unread)
    before = _rows_before(panel, values, unread, step_inputs.memory_length(config.lags) + 1)
    if config.reads_alone:
        before = np.full_like(before, np.nan)
    with np.errstate(over="ignore", invalid="ignore"):  # an old value may not fit the new scale
        before = scaling.forward(before, scale)
    before = np.where(np.isfinite(before), before, np.float32(np.nan))
    state = State(
        ids=panel.ids,
        time=recent.start - panel.frequency.step,
        value=before[:, -1],
        memory=StepMemory(before[:, :-1], step.network.initial_state(series)),
        scale=scale,
        extent=_widened(NOTHING_OBSERVED, panel),
        static=covariates.encode(panel.static, config.static, series),
        frequency=panel.frequency,
        network=config.network,
        fingerprint=fingerprint,
    )
    after = _continue(state, recent, transformed(recent, config.powers), config, step)
    return replace(after, others=tuple(other.encode(panel, fingerprint) for other in others))


def _widened(extent: ObservedRange, panel: Panel) -> ObservedRange:
    """The range of what was observed, and of the rows of a panel."""
    begin = panel.indptr[:-1]
    return ObservedRange(
        np.fmin(extent.low, np.fmin.reduceat(panel.target, begin)),
        np.fmax(extent.high, np.fmax.reduceat(panel.target, begin)),
    )


def _unread(panel: Panel, reads: int) -> np.ndarray:
    """How many of the first rows of each series the network does not read, (S,).

    It reads so many up to the last one with a value, and those that follow.
    """
    read = panel.missing_at_end + reads if reads else panel.lengths
    return np.asarray(np.maximum(panel.lengths - read, 0))


def _rows_before(panel: Panel, values: np.ndarray, first: np.ndarray, count: int) -> np.ndarray:
    """The values of `count` rows before the given row of each series, (S, count, D).

    NaN stands for those before the first row of a series.
    """
    rows = panel.indptr[:-1, None] + first[:, None] - count + np.arange(count)
    inside = rows >= panel.indptr[:-1, None]
    return np.where(inside[..., None], values[np.maximum(rows, 0)], np.nan)


def observe(
    state: State,
    panel: Panel,
    config: Config,
    step: ModelStep,
    fill_gaps: bool,
    others: Sequence[Observes] = (),
) -> State:
    """Observe the rows that follow a state; a series that it does not hold is encoded.

    Args:
        state: of any series.
        panel: the next rows of some series.
        config, step: of the model.
        fill_gaps: whether rows between the state and the new ones may be missing.
        others: further members of the model.

    Returns:
        The state of all series of `state`, in its order, then of the new series.

    Raises:
        DataError: if rows are not the next ones, or cannot be used.
    """
    if np.array_equal(state.ids, panel.ids):
        return _observe_next(state, panel, config, step, fill_gaps, others)
    indices = state.indices(panel.ids.tolist())
    for series, rows in zip(panel.ids, indices, strict=True):
        if len(rows) > 1:
            raise DataError(
                f"series '{series}' is in the state {len(rows)} times; give the new values as an "
                "array, a row per series of the state"
            )
    is_known = np.array([bool(rows) for rows in indices])
    if is_known.any():
        known = np.array([rows[0] for rows in indices if rows])
        next_rows = panel.take(np.flatnonzero(is_known))
        after = _observe_next(state.take(known), next_rows, config, step, fill_gaps, others)
        order = np.arange(len(state.ids))
        order[known] = len(order) + np.arange(len(known))
        state = join([state, replace(after, ids=state.ids[known])]).take(order)
    if is_known.all():
        return state
    new_series = panel.take(np.flatnonzero(~is_known))
    return join([state, encode(new_series, config, step, state.fingerprint, others)])


def _observe_next(
    state: State,
    panel: Panel,
    config: Config,
    step: ModelStep,
    fill_gaps: bool,
    others: Sequence[Observes],
) -> State:
    """Observe new rows of exactly the series of a state, in its order."""
    panel = following(panel, state.time, fill_gaps)
    after = _continue(state, panel, transformed(panel, config.powers), config, step)
    known = zip(others, state.others, strict=True)
    return replace(after, others=tuple(other.observe(own, panel) for other, own in known))


def _continue(
    state: State, panel: Panel, values: np.ndarray, config: Config, step: ModelStep
) -> State:
    """Observe rows that follow a state, given their transformed values (N, D)."""
    if config.counts:
        refuse_other_than_counts(panel, config.head)
    lengths, last = panel.lengths, panel.indptr[1:] - 1
    owner = np.repeat(np.arange(len(lengths)), lengths)
    with np.errstate(over="ignore", invalid="ignore"):  # reported below
        scaled = (values - state.scale.location[owner]) / state.scale.scale[owner]
        scaled = scaled.astype(np.float32)
    is_finite = np.isfinite(state.scale.scale)[owner] & np.isfinite(scaled)
    overflows = ~is_finite & ~np.isnan(values)
    if overflows.any():
        row, d = np.argwhere(overflows)[0]
        raise DataError(
            f"{panel.source}: series '{panel.ids[owner[row]]}' has a value "
            f"{panel.target[row, d]:g}, too large for the scale of the series; correct it, or "
            "leave it empty"
        )
    ordinals = panel.ordinals
    features = step_features(panel, config, series_features(state, config))
    return replace(
        state,
        time=ordinals[last],
        value=scaled[last],
        memory=walk(step.absorb, state.value, state.memory, scaled, features, panel.indptr),
        extent=_widened(state.extent, panel),
    )


def walk(
    consume: Consume,
    value: np.ndarray,
    memory: StepMemory,
    scaled: np.ndarray,
    features: np.ndarray,
    indptr: np.ndarray,
) -> StepMemory:
    """The memory after all rows, in chunks of series of similar lengths, side by side on the cores.

    Args:
        consume: from a value (B, D), the memory, the next values (B, T, D) and the step features
            of their rows (B, T, K) to the memory after them.
        value: the value before the first row of each series (S, D).
        memory: of the S series before their rows.
        scaled: the values of the rows (N, D).
        features: the step features of the rows (N, K).
        indptr: row ranges of the series (S+1,), none of them empty.
    """
    begin, lengths = indptr[:-1], np.diff(indptr)
    is_ragged = bool((lengths != lengths[0]).any())
    if is_ragged:
        order = np.argsort(-lengths, kind="stable")
        begin, lengths = begin[order], lengths[order]
        value, memory = value[order], take_rows(memory, order)
    count = len(lengths)
    size = -(-count // -(-count // CHUNK_SERIES))  # chunks of about equal size

    def walk_chunk(first: int) -> StepMemory:
        series = slice(first, first + size)
        rows = RaggedRows(scaled, features, begin[series], lengths[series])
        return _walk_chunk(consume, value[series], take_rows(memory, series), rows)

    memories = side_by_side(walk_chunk, range(0, count, size))
    memory = join_rows(memories) if len(memories) > 1 else memories[0]
    return take_rows(memory, np.argsort(order)) if is_ragged else memory


class RaggedRows(NamedTuple):
    """Rows of B series, the longest first: their values and step features lie among others.

    Attributes:
        scaled, features: see `walk`.
        begin: the first row of each series (B,).
        lengths: how many rows each has (B,), none of them 0.
    """

    scaled: np.ndarray
    features: np.ndarray
    begin: np.ndarray
    lengths: np.ndarray


def _walk_chunk(
    consume: Consume, value: np.ndarray, memory: StepMemory, rows: RaggedRows
) -> StepMemory:
    """The memory after all rows of a chunk of series, in blocks of steps.

    A series leaves after its last row, and no block reaches beyond the first one to leave. So no
    padding ever enters a memory.
    """
    done, finished = 0, []  # the memories of the shortest series come first
    while done < rows.lengths[0]:
        active = int(np.searchsorted(-rows.lengths, -done))
        if active < len(value):
            finished.append(take_rows(memory, slice(active, None)))
            value, memory = value[:active], take_rows(memory, slice(active))
        end = min(done + max(BLOCK_ROWS // active, 1), int(rows.lengths[active - 1]))
        block = rows.begin[:active, None] + np.arange(done, end)  # (B, T)
        values = rows.scaled[block]
        memory = consume(value, memory, values, rows.features[block])
        done, value = end, values[:, -1]
    return join_rows([memory, *reversed(finished)]) if finished else memory
