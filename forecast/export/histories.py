"""The states of members after a history, in a graph: the twin of `encoding.encode`.

Histories of several lengths lie side by side, and end in the same row. A loop goes through all
rows, and leaves the state of a series as it is until the first row that is read.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from forecast.classical import theta
from forecast.data import scaling
from forecast.data.scaling import Scale
from forecast.export import loop
from forecast.export.steps import Reading, Steps, observe_network
from forecast.export.tensor import Array, emit
from forecast.inference.config import Config
from forecast.inference.encoding import NOTHING_OBSERVED
from forecast.inference.member_states import ThetaMemberState
from forecast.inference.state import State
from forecast.inference.theta_member import ThetaMember
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
    static: Array = None

    @classmethod
    def of(cls, rows: Array, lengths: Array, time: Array) -> Histories:
        """Histories of the given lengths; whatever precedes them in their rows becomes NaN."""
        number = emit(rows.trace, "Shape", [rows], np.int64, (3,))[1]
        is_own = counted(number)[:, None] >= number - lengths[:, None, None]
        return cls(np.where(is_own, rows, np.nan), lengths, time)

    def last(self, count: int) -> Array:
        """So many rows of each series, the last ones, (B, count, D); NaN before its first one."""
        before = self.every(np.full((1, count, self.rows.shape[2]), np.nan))
        last: Any = np.concatenate([before, self.rows], axis=1)[:, -count:]
        return replace(last, shape=before.shape)

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
    return config.measure(scaling.transform(histories.last(config.context), config.powers))


def fit_theta(member: ThetaMember, histories: Histories, steps: Steps) -> ThetaMemberState:
    """The state of the theta method, fitted to histories as `ThetaMember.encode` does.

    Args:
        member: of a model.
        histories: of the series.
        steps: of the rows.
    """
    table = histories.last(member.rows)  # of a size that is known; it begins with missing rows
    begin: Array = _later(member.rows - steps.number)

    def scan(step: Any, carry: Any, rows: Array) -> tuple[Any, Array]:
        """The twin of `over_columns`, from the first column in which there can be a value."""

        def on_column(_: Any, carried: Any) -> tuple[Any, Any]:
            column, own = carried
            own, result = step(own, rows.T[column])
            return result, (column + 1, own)

        first, number = np.zeros_like(rows[:, 0]), member.rows - begin
        path, (_, after) = loop.rollout(rows.trace, on_column, first, (begin, carry), number)
        return after, path.T

    targets = range(histories.rows.shape[2])
    return ThetaMemberState(
        tuple(theta.fit_table(table[:, :, d], member.season, scan) for d in targets)
    )


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
    return Reading(first, _later(np.min(first, axis=0) - lead), config.reads_alone)


def _later(row: Array) -> Array:
    """A row, or the first one."""
    return np.maximum(row, 0)


def counted(number: Array) -> Array:
    """The numbers of so many steps, from 0, (T,)."""
    ends = [np.array(0), number, np.array(1)]
    return emit(number.trace, "Range", ends, np.int64, (None,))
