"""The memory of a set of series, as a value: all that is needed to continue them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self

import numpy as np

from forecast._version import __version__
from forecast.data.frequency import Frequency, parse
from forecast.data.io.archive import (
    FileKind,
    check_arrays,
    check_shapes,
    pack,
    readable_errors,
    refuse_other_format,
    unpack,
)
from forecast.data.scaling import Scale
from forecast.errors import DataError, OptionError, require_whole
from forecast.inference.config import Config
from forecast.inference.member_states import ThetaMemberState
from forecast.nn import NETWORKS, step_inputs
from forecast.nn.step import StepMemory

FORMAT = 2  # raised when a file of a new kind can no longer be read by the code before it
PARTS = ("state.json", "state.safetensors")
STATE_FILE = FileKind(
    "state",
    "keep one with: forecast predict --keep-state FILE",
    "keep the state again",
    "--keep-state",
)
DTYPES = {"time": "int64", **dict.fromkeys(("location", "scale", "low", "high"), "float64")}
SHOWN = 3  # series that a repr names
NETWORK = "network."  # before the names of the network's own memory


class ObservedRange(NamedTuple):
    """The smallest and the largest value that has been observed, each (S, D)."""

    low: np.ndarray
    high: np.ndarray


class MemberState(Protocol):
    """What a member of a model knows of S series; plain arrays, one row per series."""

    def arrays(self) -> dict[str, np.ndarray]:
        """Every array, by name, each with leading axis S."""

    def about(self) -> dict[str, Any]:
        """What kind of state it is, as plain values."""

    def take(self, rows: np.ndarray) -> Self:
        """The series at the given places, in that order."""

    def joined(self, others: Sequence[Self]) -> Self:
        """The series of this state and of others of the same member, in order."""


@dataclass(frozen=True, eq=False)
class State:
    """What a model knows of S series after their last row; plain arrays, one row per series.

    The arrays are read-only from then on, so that states can share them and no fork sees its
    twin.

    Attributes:
        ids: the series (S,); after `repeat` each comes several times.
        time: ordinal of the last row (S,), see `Frequency`.
        value: the last scaled value (S, D), NaN where missing.
        memory: what the network and the lags have kept.
        scale: location and scale of each series, fixed when its history was encoded.
        extent: the range of the values observed so far, in the units of the data.
        static: covariates of each series that never change, as the network takes them, (S, P).
        frequency: in which `time` is counted.
        network: the kind of network whose memory it is, an entry of NETWORKS.
        fingerprint: of the model that the state belongs to.
        others: what the further members of the model know of the same series.
    """

    ids: np.ndarray
    time: np.ndarray
    value: np.ndarray
    memory: StepMemory
    scale: Scale
    extent: ObservedRange
    static: np.ndarray
    frequency: Frequency
    network: str
    fingerprint: str
    others: tuple[MemberState, ...] = ()

    def __post_init__(self) -> None:
        """Make the arrays read-only."""
        for array in (self.ids, *self.arrays().values()):
            array.flags.writeable = False

    def __setstate__(self, fields: dict[str, Any]) -> None:
        """Make the arrays of a copy read-only too."""
        self.__dict__.update(fields)
        self.__post_init__()

    def __repr__(self) -> str:
        """Say which series there are, when each ended, and how large their memory is."""
        size = sum(array.nbytes for array in self.arrays().values())
        ends = [
            f"{name!r} at {self.frequency.text(time)}"
            for name, time in zip(self.ids[:SHOWN].tolist(), self.time.tolist(), strict=False)
        ]
        more = [f"{len(self.ids) - SHOWN:,} more"] if len(self.ids) > SHOWN else []
        return (
            f"State({len(self.ids):,} series: {', '.join(ends + more)}; {size:,} bytes; "
            f"model {self.fingerprint[:8]})"
        )

    def __eq__(self, other: object) -> bool:
        """Whether both are of the same series and model, and equal in every number."""
        if not isinstance(other, State):
            return NotImplemented
        ours, theirs = self.arrays(), other.arrays()
        return (
            _names(self) == _names(other)
            and ours.keys() == theirs.keys()
            and all(np.array_equal(ours[name], theirs[name], equal_nan=True) for name in ours)
        )

    __hash__ = None  # type: ignore[assignment]  # arrays cannot be hashed

    def arrays(self) -> dict[str, np.ndarray]:
        """Every array but the ids, by name, each with leading axis S."""
        return {**self.own_arrays(), **numbered(other.arrays() for other in self.others)}

    def own_arrays(self) -> dict[str, np.ndarray]:
        """Those of the first member alone."""
        return {
            "time": self.time,
            "value": self.value,
            "recent": self.memory.recent,
            "location": self.scale.location,
            "scale": self.scale.scale,
            "low": self.extent.low,
            "high": self.extent.high,
            "static": self.static,
            **{NETWORK + name: part for name, part in self.memory.network.items()},
        }

    def about(self) -> dict[str, Any]:
        """What kind of state it is, as plain values."""
        return {"kind": "network", "network": self.network}

    def take(self, rows: np.ndarray) -> State:
        """The series at the given places, in that order; a place may come more than once."""
        return replace(
            self,
            ids=self.ids[rows],
            time=self.time[rows],
            value=self.value[rows],
            memory=take_rows(self.memory, rows),
            scale=Scale(*(part[rows] for part in self.scale)),
            extent=ObservedRange(*(part[rows] for part in self.extent)),
            static=self.static[rows],
            others=tuple(other.take(rows) for other in self.others),
        )

    def joined(self, others: Sequence[State]) -> State:
        """The series of this state and of other states of the same model, in order."""
        states = [self, *others]
        members = zip(*(state.others for state in states), strict=True)
        return replace(
            self,
            ids=np.concatenate([state.ids for state in states]),
            time=np.concatenate([state.time for state in states]),
            value=np.concatenate([state.value for state in states]),
            memory=join_rows([state.memory for state in states]),
            scale=Scale(*(np.concatenate(p) for p in zip(*(s.scale for s in states), strict=True))),
            extent=ObservedRange(
                *(np.concatenate(p) for p in zip(*(s.extent for s in states), strict=True))
            ),
            static=np.concatenate([state.static for state in states]),
            others=tuple(first.joined(more) for first, *more in members),
        )

    def select(self, ids: Any) -> State:
        """The series with the given ids, in that order; text finds ids of other kinds too.

        Raises:
            DataError: naming the ids that the state does not hold.
        """
        names = [ids] if np.isscalar(ids) else list(ids)
        if not names:
            raise DataError("no series is selected; name one, or leave the selection out for all")
        places = self.indices(names)
        unknown = [name for name, rows in zip(names, places, strict=True) if not rows]
        if unknown:
            raise DataError(
                f"no series {unknown}; the {len(self.ids)} series that are known begin with "
                f"{self.ids[:5].tolist()}"
            )
        return self.take(np.array([row for rows in places for row in rows], dtype=np.int64))

    def indices(self, ids: Iterable[Any]) -> list[list[int]]:
        """For each id the rows where it stands: none for an unknown one, several if repeated."""
        exact: dict[Any, list[int]] = {}
        for row, name in enumerate(self.ids.tolist()):
            exact.setdefault(name, []).append(row)
        spelled = {str(name): rows for name, rows in exact.items()}
        return [exact.get(name) or spelled.get(str(name), []) for name in ids]

    def times_after(self, steps: int) -> np.ndarray:
        """Ordinals of the next steps of each series, (steps, S)."""
        after: np.ndarray = self.time + self.frequency.step * np.arange(1, steps + 1)[:, None]
        return after

    def repeat(self, n: int) -> State:
        """Every series n times, one after the other: n branches that may go their own ways.

        In a rollout with sample paths the branches of a series draw different random numbers;
        one path of each of n branches is as good as n paths of the series.

        Args:
            n: how many times, at least 1.

        Raises:
            OptionError: if n is less.
        """
        require_whole("n", n, 1)
        return self.take(np.repeat(np.arange(len(self.ids)), n))

    def save(self, path: str | Path) -> None:
        """Write the state to a file of its own, whole or not at all.

        Raises:
            ArtifactError: if the place cannot be written.
        """
        pack(path, dict(zip(PARTS, to_parts(self), strict=True)), STATE_FILE)

    @classmethod
    def load(cls, path: str | Path) -> State:
        """Read a state that `save` has written, or the state within a model file.

        Raises:
            ArtifactError: if the file is missing, foreign, edited or cut short.
        """
        about, arrays = unpack(path, PARTS, STATE_FILE)
        refuse_other_format(path, about.get("format"), FORMAT, STATE_FILE)
        with readable_errors(path, STATE_FILE):
            return from_parts(about, arrays)


def _names(state: State) -> tuple[Any, ...]:
    """All of a state but its arrays, as plain values."""
    return (state.ids.tolist(), state.frequency.name, state.network, state.fingerprint)


def to_parts(state: State) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The parts of a file that holds a state, see PARTS."""
    about = {
        "format": FORMAT,
        "library": __version__,
        "fingerprint": state.fingerprint,
        "network": state.network,
        "frequency": state.frequency.name,
        "ids": state.ids.tolist(),
        "digest": digest(state),
    }
    if state.others:
        about["others"] = [other.about() for other in state.others]
    return about, state.arrays()


def numbered(parts: Iterable[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The arrays of several parts under one roof: "1.name" of the first part, and so on."""
    return {
        f"{k}.{name}": array for k, arrays in enumerate(parts, 1) for name, array in arrays.items()
    }


def unnumbered(arrays: Mapping[str, np.ndarray], count: int) -> list[dict[str, np.ndarray]]:
    """The arrays that have no number, and those of each of so many parts: see `numbered`."""
    parts: list[dict[str, np.ndarray]] = [{} for _ in range(count + 1)]
    for name, array in arrays.items():
        number, dot, rest = name.partition(".")
        is_numbered = dot and number.isdecimal() and 1 <= int(number) <= count
        parts[int(number) if is_numbered else 0][rest if is_numbered else name] = array
    return parts


def from_parts(about: dict[str, Any], arrays: dict[str, np.ndarray]) -> State:
    """The inverse of `to_parts`.

    Raises:
        ValueError, KeyError, TypeError, IndexError, ForecastError: if the parts are no state.
    """
    state = assembled(about, arrays)
    if about["digest"] != digest(state):
        raise ValueError("its state is not as it was written")
    return state


def assembled(about: dict[str, Any], arrays: dict[str, np.ndarray]) -> State:
    """The state of parts, whatever their digest, see `from_parts`."""
    members = about.get("others", [])
    own, *parts = unnumbered(arrays, len(members))
    state = _network_state(about, about["network"], own)
    others = [
        _network_state(about, member["network"], part)
        if member["kind"] == "network"
        else ThetaMemberState.of(part)
        for member, part in zip(members, parts, strict=True)
    ]
    return replace(state, others=tuple(others))


def _network_state(about: dict[str, Any], network: str, arrays: dict[str, np.ndarray]) -> State:
    """The state of a network, of the series that a file is about."""
    names = [name for name in arrays if name.startswith(NETWORK)]
    series, d, remembered = len(about["ids"]), arrays["value"].shape[1], arrays["recent"].shape[1]
    shapes = _shapes(series, d, remembered, arrays["static"].shape[1])
    shapes |= {name: (series, *arrays[name].shape[1:]) for name in names}
    check_arrays("state", arrays, shapes, DTYPES, may_be_missing=("value", "recent"))
    if network not in NETWORKS:
        raise ValueError(f"it is of an unknown network '{network}'")
    if not (arrays["scale"] > 0).all():
        raise ValueError("its state holds impossible scales")
    return State(
        ids=ids_array(about["ids"]),
        time=arrays["time"],
        value=arrays["value"],
        memory=StepMemory(
            arrays["recent"], {name.removeprefix(NETWORK): arrays[name] for name in names}
        ),
        scale=Scale(arrays["location"], arrays["scale"]),
        extent=ObservedRange(arrays["low"], arrays["high"]),
        static=arrays["static"],
        frequency=parse(about["frequency"]),
        network=network,
        fingerprint=str(about["fingerprint"]),
    )


def check(state: State, config: Config) -> None:
    """Raise ValueError unless a state could be one of a model's states."""
    series = len(state.ids)
    if not series:
        raise ValueError("its state holds no series")
    kind = (state.network, state.frequency.name)
    expected = (config.network, config.frequency.name)
    if kind != expected:
        raise ValueError(f"its state is of the kind {kind} where {expected} belongs")
    static = sum(covariate.width for covariate in config.static)
    shapes = _shapes(series, config.targets, step_inputs.memory_length(config.lags), static)
    network = NETWORKS[config.network].state_shapes(config.blueprint.sizes, series)
    shapes |= {NETWORK + name: shape for name, shape in network.items()}
    check_shapes("state", state.own_arrays(), shapes)


def require_state_of(state: State, config: Config, fingerprint: str) -> None:
    """Raise OptionError unless a state is one of a model's, by its fingerprint."""
    if not isinstance(state, State):
        raise OptionError(
            f"state is {state!r:.60}; give a State, such as that of an earlier forecast, or "
            "State.load(path)"
        )
    if state.fingerprint != fingerprint:
        raise OptionError(
            f"the state belongs to model {state.fingerprint[:8]}, this is model "
            f"{fingerprint[:8]}; encode the history with this model"
        )
    try:
        check(state, config)
    except ValueError as error:
        raise OptionError(f"the state does not fit the model: {error}") from None


def _shapes(series: int, d: int, remembered: int, static: int) -> dict[str, tuple[int, ...]]:
    """The shapes of a state's arrays but those of the network."""
    values = dict.fromkeys(("value", "location", "scale", "low", "high"), (series, d))
    others = {"recent": (series, remembered, d), "static": (series, static)}
    return {"time": (series,), **others, **values}


def ids_array(ids: Sequence[Any]) -> np.ndarray:
    """Ids as the array that a Panel holds: whole numbers as int64, the rest as objects.

    Raises:
        ValueError: if they are neither text nor numbers.
    """
    if not isinstance(ids, list) or not all(isinstance(name, str | int | float) for name in ids):
        raise ValueError("its ids are neither text nor numbers")
    if ids and all(type(name) is int and -(2**63) <= name < 2**63 for name in ids):
        return np.array(ids, dtype=np.int64)
    return np.array(ids, dtype=object)


def digest(state: State) -> str:
    """A hash of all that a state says, by which a later change of its file is noticed."""
    summary = hashlib.blake2b(json.dumps(_names(state), default=str).encode(), digest_size=16)
    for name, array in sorted(state.arrays().items()):
        summary.update(name.encode() + np.ascontiguousarray(array).tobytes())
    return summary.hexdigest()


def take_rows(memory: StepMemory, rows: np.ndarray | slice) -> StepMemory:
    """The rows of a memory."""
    network = {name: part[rows] for name, part in memory.network.items()}
    return StepMemory(memory.recent[rows], network)


def join_rows(memories: list[StepMemory]) -> StepMemory:
    """The rows of several memories, in order."""
    recent = np.concatenate([memory.recent for memory in memories])
    network = {
        name: np.concatenate([memory.network[name] for memory in memories])
        for name in memories[0].network
    }
    return StepMemory(recent, network)


def join(states: list[State]) -> State:
    """The series of several states of one model, in order."""
    return states[0].joined(states[1:])
