"""The steps of a model in a graph: what its members do with rows, and how they forecast.

Each function is the twin of one in `inference`, for many steps at once by a loop of ONNX; what a
step computes, and what becomes of its values, is that code itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from forecast.classical import theta
from forecast.classical.theta import ThetaState
from forecast.data import scaling
from forecast.export import loop, onnx_namespace
from forecast.export.tensor import Array, Tensor, as_tensor
from forecast.inference.bounds import clip
from forecast.inference.config import Config
from forecast.inference.member_states import ThetaMemberState
from forecast.inference.members import Core
from forecast.inference.network_rollout import NetworkEngine
from forecast.inference.preprocess import series_features
from forecast.inference.state import ObservedRange, State
from forecast.inference.theta_member import ThetaEngine
from forecast.nn.step import LoopCarry, ModelStep

MOVING = ("level", "mean", "slope", "count", "phase")  # what a step changes of a state of theta


class Steps(NamedTuple):
    """The steps that a graph goes through.

    Attributes:
        number: how many, a scalar.
        features: step features of each network by the place of its member, (B, H, K); none where
            it takes none.
        uniforms: for sample paths the random numbers, (B, H, D, 2).
        levels: of the quantiles of each step, for a direct model.
    """

    number: Array
    features: dict[int, Tensor]
    uniforms: Tensor | None = None
    levels: tuple[float, ...] = ()


@dataclass(frozen=True)
class StepFeatures:
    """Step features of which some are the same at every step.

    Attributes:
        varying: those that the graph is given, (H, B, K); None where there are none.
        shared: those of the series, (B, P).
    """

    varying: Tensor | None
    shared: Any

    def __getitem__(self, step: Tensor) -> Any:
        """Those of a step, (B, K + P)."""
        varying = [] if self.varying is None else [self.varying[step]]
        return np.concatenate([*varying, self.shared], axis=1)


def forecast(core: Core, start: State, steps: Steps) -> tuple[list[Any], State]:
    """The mean of all members, as `RolloutEngine` computes it.

    Args:
        core: of the model.
        start: of its series.
        steps: of the forecast.

    Returns:
        The values and then each quantile, (B, H, D) in the units of the data; and the state.
    """
    engine = core.engine()
    path, after = _advance(engine, start, steps, 0)
    if core.others:
        rolled = [
            _roll(member, start.others[k - 1], steps, k)
            for k, member in enumerate(engine.others, 1)
        ]
        after = replace(after, others=tuple(state for _, state in rolled))
        path = engine.mean(path, [columns for columns, _ in rolled], after)
    return [engine.unscaled(part, after) for part in engine.columns(path)], after


def _roll(engine: Any, own: Any, steps: Steps, place: int) -> tuple[Sequence[Any], Any]:
    """What a further member forecasts, see `MemberPath`, and its state."""
    if isinstance(engine, ThetaEngine):
        value, after = _advance_theta(engine, own, steps)
        return [value, *[None] * len(steps.levels)], after
    path, after = _advance(engine, own, steps, place)
    columns = [engine.unscaled(part, after) for part in engine.columns(path)]
    return [*columns, *[None] * (len(steps.levels) + 1 - len(columns))], after


def _advance(engine: NetworkEngine, start: State, steps: Steps, place: int) -> tuple[Any, State]:
    """The steps of a network, (B, H, .) in scaled units, and its state after them."""
    trace, uniforms, config = steps.number.trace, steps.uniforms, engine.config
    drawn = None if uniforms is None else uniforms.transpose(1, 0, 2, 3)
    cell = ModelStep.of(onnx_namespace, config.blueprint, engine.weights)
    features: Any = _features(start, config, steps.features.get(place))
    step = cell.rollout_step(features, engine.limits(start), drawn)
    is_direct = config.direct and uniforms is None
    parts = 1 + cell.head.PARAMETERS if is_direct else 1
    value = np.concatenate([start.value] * parts, axis=-1)  # as many as the step returns
    carry = LoopCarry(as_tensor(trace, np.int64(0)), start.memory)
    path, carry = loop.rollout(trace, step, value, carry, steps.number)
    if is_direct:
        path = cell.with_spread(path, steps.levels)
    after = replace(
        start,
        time=start.time + config.frequency.step * steps.number,
        value=path[-1][:, : config.targets],
        memory=carry.memory,
    )
    return path.transpose(1, 0, 2), after


def _advance_theta(engine: ThetaEngine, own: ThetaMemberState, steps: Steps) -> tuple[Any, Any]:
    """The steps of the theta method, (B, H, D) in the units of the data, and its state."""
    rolled = [_advance_target(state, d, steps) for d, state in enumerate(own.targets)]
    values = np.stack([path for path, _ in rolled], axis=-1)
    return clip(values, engine.bounds), ThetaMemberState(tuple(state for _, state in rolled))


def _advance_target(state: ThetaState, d: int, steps: Steps) -> tuple[Any, ThetaState]:
    """The same of one target, (B, H)."""
    drawn: Array = None
    if steps.uniforms is not None:
        drawn = steps.uniforms[:, :, d, 0].T.astype(np.float64)

    def step(_: Any, carry: Any) -> tuple[Any, Any]:
        number, moving = carry
        uniforms = None if drawn is None else drawn[number]
        value, new = theta.advance(replace(state, **moving), uniforms)
        return value, (number + 1, _moving(new))

    path, after = _loop_of_theta(steps, step, state)
    return path.T, after


def _loop_of_theta(
    steps: Steps, step: Callable[..., Any], state: ThetaState
) -> tuple[Any, ThetaState]:
    """A step for so many times, from a state; and the state after them."""
    trace = steps.number.trace
    carry = (as_tensor(trace, np.int64(0)), _moving(state))
    path, (_, moving) = loop.rollout(trace, step, state.level, carry, steps.number)
    return path, replace(state, **moving)


def _moving(state: ThetaState) -> dict[str, Any]:
    arrays = state.arrays()
    return {name: arrays[name] for name in MOVING}


def observe(core: Core, start: State, rows: Array, steps: Steps) -> State:
    """The state after rows that are observed, as `encoding.observe` computes it.

    Args:
        core: of the model.
        start: of its series.
        rows: values in the units of the data, (B, T, D), NaN where missing.
        steps: of the rows.
    """
    after = observe_network(core.config, core.weights, start, rows, steps)
    others: list[Any] = []
    for k, (member, own) in enumerate(zip(core.others, start.others, strict=True), 1):
        known: Any = own
        if isinstance(known, ThetaMemberState):
            others.append(_observe_theta(known, rows, steps))
        else:
            network: Any = member
            others.append(observe_network(network.config, network.weights, known, rows, steps, k))
    return replace(after, others=tuple(others))


class Reading(NamedTuple):
    """Which rows of a history a network reads; in those before, its state stays as it is.

    Attributes:
        first: the first one of each series, (B,).
        begin: the row from which on lagged values are collected, a scalar.
        alone: whether no earlier value is to be known.
    """

    first: Any
    begin: Any
    alone: bool


def observe_network(
    config: Config,
    weights: dict[str, np.ndarray],
    start: State,
    rows: Array,
    steps: Steps,
    place: int = 0,
    reading: Reading | None = None,
) -> State:
    """The state of a network after rows.

    Args:
        config, weights: of the network.
        start: its state.
        rows: (B, T, D).
        steps: of the rows.
        place: of the network among the members.
        reading: for a history, which rows are read; by default all.
    """
    trace = rows.trace
    scaled = scaling.forward(scaling.transform(rows, config.powers), start.scale)
    scaled = np.where(np.isfinite(scaled), scaled, np.float32(np.nan)).transpose(1, 0, 2)
    cell = ModelStep.of(onnx_namespace, config.blueprint, weights)
    features = _features(start, config, steps.features.get(place))

    def step(value: Any, carry: LoopCarry) -> tuple[Any, LoopCarry]:
        t, memory = carry
        after, seen = cell.observe(value, memory, features[t]), scaled[t]
        if reading:
            is_read = t >= reading.first
            after = after._replace(network=_chosen(is_read, after.network, memory.network))
            if reading.alone:
                seen = np.where(is_read[:, None], seen, np.float32(np.nan))
        return seen, LoopCarry(t + 1, after)

    begin = as_tensor(trace, np.int64(0)) if reading is None else reading.begin
    carry = LoopCarry(begin, start.memory)
    path, carry = loop.rollout(trace, step, start.value, carry, steps.number - begin)
    return replace(
        start,
        time=start.time + config.frequency.step * steps.number,
        value=path[-1],
        memory=carry.memory,
        extent=ObservedRange(
            np.fmin(start.extent.low, np.fmin.reduce(rows, axis=1)),
            np.fmax(start.extent.high, np.fmax.reduce(rows, axis=1)),
        ),
    )


def _chosen(condition: Any, yes: dict[str, Any], no: dict[str, Any]) -> dict[str, Any]:
    """The arrays of one state for the series of which a condition (B,) holds, else of another."""
    return {
        name: np.where(condition[(..., *[None] * (len(part.shape) - 1))], part, no[name])
        for name, part in yes.items()
    }


def _observe_theta(own: ThetaMemberState, rows: Array, steps: Steps) -> ThetaMemberState:
    """The state of the theta method after rows (B, T, D)."""
    columns = enumerate(own.targets)
    return ThetaMemberState(
        tuple(_observe_target(state, rows[:, :, d].T, steps) for d, state in columns)
    )


def _observe_target(state: ThetaState, values: Array, steps: Steps) -> ThetaState:
    """The same of one target, from values (T, B)."""

    def step(_: Any, carry: Any) -> tuple[Any, Any]:
        number, moving = carry
        new = theta.observe(replace(state, **moving), values[number])
        return new.level, (number + 1, _moving(new))

    return _loop_of_theta(steps, step, state)[1]


def _features(start: State, config: Config, given: Tensor | None) -> StepFeatures:
    """The step features of a network, of which (B, H, K) are given."""
    varying = None if given is None else given.transpose(1, 0, 2)
    return StepFeatures(varying, series_features(start, config))
