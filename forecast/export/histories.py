"""The state of a network after a history, in a graph: the twin of `encoding.encode`.

Histories of several lengths lie side by side, and end in the same row. A loop goes through all
rows, and leaves the state of a series as it is until the first row that is read.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from forecast.data import scaling
from forecast.data.scaling import Scale
from forecast.export.steps import Reading, Steps, observe_network
from forecast.export.tensor import Array, emit
from forecast.inference.config import Config
from forecast.inference.encoding import NOTHING_OBSERVED
from forecast.inference.state import State
from forecast.nn import NETWORKS, step_inputs
from forecast.nn.step import StepMemory


class Histories(NamedTuple):
    """The rows of B series.

    Attributes:
        rows: values in the units of the data, (B, T, D); NaN where missing.
        lengths: how many rows each series has, the last ones, (B,).
        time: ordinals of the last rows, (B,).
        static: static covariates as a network takes them, (B, P).
    """

    rows: Array
    lengths: Array
    time: Array
    static: Array

    @classmethod
    def of(cls, rows: Array, lengths: Array, time: Array, static: Array) -> Histories:
        """Histories in whose rows nothing stands before the first one of a series."""
        number = emit(rows.trace, "Shape", [rows], np.int64, (3,))[1]
        is_own = counted(number)[:, None] >= number - lengths[:, None, None]
        return cls(np.where(is_own, rows, np.nan), lengths, time, static)

    def every(self, array: np.ndarray) -> Any:
        """An array (1, ...) for each series, (B, ...)."""
        zeros = (self.lengths * 0).astype(array.dtype)
        return array + zeros[(..., *[None] * (array.ndim - 1))]


def encode(
    config: Config,
    weights: dict[str, np.ndarray],
    like: State,
    histories: Histories,
    steps: Steps,
    place: int,
) -> State:
    """The state of a network after histories, under the scale of their last rows.

    Args:
        config, weights: of the network.
        like: a state of it.
        histories: of the series.
        steps: of the rows.
        place: of the network among the members of its model.
    """
    d, remembered = config.targets, step_inputs.memory_length(config.lags)
    shapes = NETWORKS[config.network].state_shapes(config.blueprint.sizes, 1)
    network = {name: histories.every(np.zeros(shape, np.float32)) for name, shape in shapes.items()}
    unknown = np.full((1, remembered + 1, d), np.nan, np.float32)
    recent = histories.every(unknown[:, 1:]) if remembered else unknown[:, 1:]
    start = replace(
        like,
        ids=np.empty(0, object),
        time=histories.time,
        value=histories.every(unknown[:, 0]),
        memory=StepMemory(recent, network),
        scale=last_scale(config, histories),
        extent=NOTHING_OBSERVED,
        static=histories.static,
        others=(),
    )
    reading = rows_read(config, histories, steps.number)
    after = observe_network(config, weights, start, histories.rows, steps, place, reading)
    return replace(after, time=histories.time)


def last_scale(config: Config, histories: Histories) -> Scale:
    """The scale of each series: of its last `context` rows."""
    values = scaling.transform(histories.rows, config.powers)
    before = histories.every(np.full((1, config.context, config.targets), np.nan))
    recent: Any = np.concatenate([before, values], axis=1)[:, -config.context :]
    return config.measure(replace(recent, shape=before.shape))


def rows_read(config: Config, histories: Histories, number: Array) -> Reading:
    """Which of the rows a network reads, as `encoding.encode` chooses them.

    Args:
        config: of the network.
        histories: of the series.
        number: of rows T.
    """
    rows, lengths = histories.rows, histories.lengths
    first = number - lengths
    if config.reads:
        is_observed = ~np.all(np.isnan(rows), axis=2)
        last = np.where(is_observed, counted(number), first[:, None] - 1).max(axis=1)
        read = number - 1 - last + config.reads
        first = first + np.maximum(lengths - read, 0)
    lead = step_inputs.memory_length(config.lags) + 1
    begin = np.maximum(np.min(first, axis=0) - lead, 0)
    return Reading(first, begin, config.reads_alone)


def counted(number: Array) -> Array:
    """The numbers of so many steps, from 0, (T,)."""
    ends = [np.array(0), number, np.array(1)]
    return emit(number.trace, "Range", ends, np.int64, (None,))
