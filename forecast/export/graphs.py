"""The graphs of a model: a state and what is known of the next steps in, values and a state out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from forecast.classical.seasonal_adjustment import MAX_SUMMED_LAGS
from forecast.data.scaling import Scale
from forecast.export import histories, steps
from forecast.export.histories import Histories
from forecast.export.ports import Draft, Graph
from forecast.export.steps import Steps
from forecast.export.tensor import Tensor, emit
from forecast.inference.config import Config
from forecast.inference.member_states import ThetaMemberState
from forecast.inference.members import Core, NetworkMember
from forecast.inference.state import NETWORK, ObservedRange, State, unnumbered
from forecast.inference.theta_member import ThetaMember
from forecast.nn import HEADS
from forecast.nn.heads.quantiles import LEVELS
from forecast.nn.step import StepMemory

AFTER = "after."  # before the names of a state's arrays as outputs
MEANINGS = {
    "time": "ordinal of the last row",
    "value": "the last value, scaled; NaN where missing",
    "recent": "the values before the last one that lags reach back to, scaled, oldest first",
    "location": "location of the transformed values",
    "scale": "scale of the transformed values",
    "low": "the smallest value that has been observed",
    "high": "the largest value that has been observed",
    "static": "static covariates as the network takes them",
}


def networks(core: Core) -> dict[int, Config]:
    """The configurations of a model's networks, by the place of their member."""
    others = enumerate(core.others, 1)
    further = {k: other.config for k, other in others if isinstance(other, NetworkMember)}
    return {0: core.config, **further}


def levels_of(core: Core) -> tuple[float, ...]:
    """The levels of the quantiles that a rollout gives: none but of a direct model."""
    return LEVELS if core.config.direct else ()


def rollout(core: Core, state: State) -> Graph:
    """The forecast of the next steps.

    Args:
        core: of the model.
        state: any of its states, for the shapes of its arrays.
    """
    draft, levels = Draft(), levels_of(core)
    start, future = _state_in(draft, state), _horizon_in(draft, core)
    columns, after = steps.forecast(core, start, future._replace(levels=levels))
    shape = ("series", "steps", core.config.targets)
    draft.output("forecast", columns[0], shape, "the next values, in the units of the data")
    if levels:
        quantiles, several = np.stack(columns[1:], axis=2), (*shape[:2], len(levels), shape[2])
        draft.output("quantiles", quantiles, several, "their quantiles, in the units of the data")
    _state_out(draft, after, state)
    return draft.finished("rollout", "the next values of each series, and its state after them")


def sample(core: Core, state: State) -> Graph | None:
    """Sample paths; None for a model without, or whose draws ONNX has no functions for."""
    heads = [HEADS[config.head] for config in networks(core).values()]
    if not heads[0].RANDOM or any(head.COUNTS for head in heads):
        return None
    draft, d = Draft(), core.config.targets
    start, future = _state_in(draft, state), _horizon_in(draft, core)
    meaning = "random numbers, each uniform between 0 and 1, both excluded"
    uniforms = draft.input("uniforms", "float32", ("series", "steps", d, 2), meaning)
    columns, after = steps.forecast(core, start, future._replace(uniforms=uniforms))
    meaning = "a sample path of each row, in the units of the data"
    draft.output("paths", columns[0], ("series", "steps", d), meaning)
    _state_out(draft, after, state)
    return draft.finished(
        "sample", "a sample path of each row of the state, and the state after it"
    )


def observe(core: Core, state: State) -> Graph:
    """The state after rows that were observed; see `rollout` for the arguments."""
    draft = Draft()
    start, (rows, following) = _state_in(draft, state), _rows_in(draft, core)
    _state_out(draft, steps.observe(core, start, rows, following), state)
    return draft.finished("observe", "the state of each series after more of its rows")


def encode(core: Core, state: State) -> Graph | None:
    """The state after a history; None for theta with a season that takes a Fourier transform."""
    seasons = [member.season for member in core.others if isinstance(member, ThetaMember)]
    if max(seasons, default=0) > MAX_SUMMED_LAGS:
        return None
    draft = Draft()
    rows, past = _rows_in(draft, core)
    meaning = "how many rows each series has, the last ones"
    lengths = draft.input("lengths", "int64", ("series",), meaning)
    time = draft.input("time", "int64", ("series",), MEANINGS["time"])
    given = Histories.of(rows, lengths, time)

    def network(place: int, member: Any, like: Any) -> State:
        own = given._replace(static=_static_in(draft, like, place))
        return histories.encode(member.config, member.weights, like, own, past, place)

    others = [
        histories.fit_theta(member, given, past)
        if isinstance(member, ThetaMember)
        else network(place, member, like)
        for place, (member, like) in enumerate(zip(core.others, state.others, strict=True), 1)
    ]
    _state_out(draft, replace(network(0, core, state), others=tuple(others)), state)
    return draft.finished("encode", "the state of each series after its history")


def not_empty(state: State) -> dict[str, np.ndarray]:
    """The arrays of a state that graphs take and give: those that hold something."""
    return {name: array for name, array in state.arrays().items() if 0 not in array.shape[1:]}


def _state_in(draft: Draft, state: State) -> State:
    """The state of any number of series, as inputs."""
    given: dict[str, Any] = {}
    for name, array in not_empty(state).items():
        shape = ("series", *array.shape[1:])
        given[name] = draft.input(name, str(array.dtype), shape, _meaning(name))
    empty = state.arrays().keys() - given.keys()
    given |= {name: state.arrays()[name][:1] for name in empty}
    own, *parts = unnumbered(given, len(state.others))
    others: list[Any] = [
        _network_state(other, part) if isinstance(other, State) else ThetaMemberState.of(part)
        for other, part in zip(state.others, parts, strict=True)
    ]
    return replace(_network_state(state, own), others=tuple(others))


def _static_in(draft: Draft, like: Any, place: int) -> Any:
    """The static covariates of a network, where it has some."""
    width = like.static.shape[1]
    if not width:
        return np.zeros((1, 0), np.float32)
    name = f"{place}.static" if place else "static"
    return draft.input(name, "float32", ("series", width), MEANINGS["static"])


def _network_state(like: State, arrays: Mapping[str, Any]) -> State:
    """A network's state of tensors."""
    names = [name for name in arrays if name.startswith(NETWORK)]
    network = {name.removeprefix(NETWORK): arrays[name] for name in names}
    return replace(
        like,
        ids=np.empty(0, object),
        time=arrays["time"],
        value=arrays["value"],
        memory=StepMemory(arrays["recent"], network),
        scale=Scale(arrays["location"], arrays["scale"]),
        extent=ObservedRange(arrays["low"], arrays["high"]),
        static=arrays["static"],
        others=(),
    )


def _state_out(draft: Draft, after: State, like: State) -> None:
    """The arrays of a state as outputs."""
    for name, array in not_empty(like).items():
        shape = ("series", *array.shape[1:])
        draft.output(AFTER + name, after.arrays()[name], shape, _meaning(name))


def _meaning(name: str) -> str:
    last = name.rpartition(".")[2]
    return MEANINGS.get(last, "memory of the member") if "target_" not in name else "of theta"


def _features_in(draft: Draft, core: Core) -> dict[int, Tensor]:
    """The step features of each network that takes some."""
    features = {}
    for place, config in networks(core).items():
        if width := given_features(config):
            name = f"{place}.step_features" if place else "step_features"
            meaning = "what is known of each step, see `step_features`"
            features[place] = draft.input(name, "float32", ("series", "steps", width), meaning)
    return features


def given_features(config: Config) -> int:
    """How many step features the caller computes: those of the calendar and known covariates."""
    return config.calendar_features + sum(covariate.width for covariate in config.known)


def _horizon_in(draft: Draft, core: Core) -> Steps:
    horizon = draft.input("horizon", "int64", (), "how many steps")
    return Steps(horizon, _features_in(draft, core))


def _rows_in(draft: Draft, core: Core) -> tuple[Tensor, Steps]:
    """Rows in the units of the data, and the steps that they are."""
    shape = ("series", "steps", core.config.targets)
    meaning = "values of the next rows, in the units of the data; NaN where missing"
    rows = draft.input("rows", "float64", shape, meaning)
    number = emit(draft.trace, "Shape", [rows], np.int64, (3,))[1]
    return rows, Steps(number, _features_in(draft, core))
