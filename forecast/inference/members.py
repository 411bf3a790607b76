"""What a model forecasts with: a network, and further members whose forecasts are averaged with it.

A member is another network or a classical method. Each has a state of its own, is fed its own
values in a rollout, and its forecasts are averaged in the units of the data. Nothing outside
of the model asks how many members there are: they observe, fork and roll out together.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from forecast.data.panel import Panel
from forecast.inference import encoding
from forecast.inference.bounds import Bounds
from forecast.inference.config import Config
from forecast.inference.network_rollout import MemberEngine, NetworkEngine, make_step
from forecast.inference.rollout import RolloutEngine
from forecast.inference.state import MemberState, State, check
from forecast.nn import HEADS
from forecast.nn.step import ModelStep


class Member(Protocol):
    """A further member of a model."""

    @property
    def kind(self) -> str:
        """Its name in a model file."""

    def about(self) -> dict[str, Any]:
        """What it is made of, as plain values."""

    def arrays(self) -> Mapping[str, np.ndarray]:
        """Its weights, by name."""

    def encode(self, panel: Panel, fingerprint: str) -> MemberState:
        """Its state after the histories of a panel."""

    def observe(self, state: Any, panel: Panel) -> MemberState:
        """Its state after the next rows of the same series, without gaps."""

    def check(self, state: Any, series: int, targets: int) -> None:
        """Raise ValueError unless a state could be one of its states, of so many series."""

    def engine(self, bounds: tuple[Bounds, ...], seed: int, runtime: str) -> MemberEngine:
        """What computes its rollouts."""


@dataclass(frozen=True, eq=False)
class NetworkMember:
    """Another network, with inputs and scales of its own.

    Attributes:
        config: what it is made of.
        weights: named arrays.
    """

    config: Config
    weights: dict[str, np.ndarray]

    kind = "network"

    def about(self) -> dict[str, Any]:
        """See `Member`."""
        return {"model": self.config.to_json()}

    def arrays(self) -> Mapping[str, np.ndarray]:
        """See `Member`."""
        return self.weights

    def encode(self, panel: Panel, fingerprint: str) -> State:
        """See `Member`."""
        return encoding.encode(panel, self.config, self._step, fingerprint)

    def observe(self, state: State, panel: Panel) -> State:
        """See `Member`."""
        return encoding.observe(state, panel, self.config, self._step, fill_gaps=False)

    def check(self, state: Any, series: int, targets: int) -> None:
        """See `Member`."""
        is_ours = isinstance(state, State) and len(state.ids) == series
        if not is_ours or self.config.targets != targets:
            raise ValueError("its state of a member is none of a network")
        check(state, self.config)

    def engine(self, bounds: tuple[Bounds, ...], seed: int, runtime: str) -> NetworkEngine:
        """See `Member`."""
        return NetworkEngine(self.config, self.weights, bounds, seed, runtime)

    @property
    def _step(self) -> ModelStep:
        return make_step(self.config, self.weights)


@dataclass(frozen=True, eq=False)
class Core:
    """A network and the further members of a model.

    Attributes:
        config: what the network is made of, and how tables are read.
        weights: named arrays.
        others: further members.
        shares: of the network and of each further member in a forecast; they sum to 1.
    """

    config: Config
    weights: dict[str, np.ndarray]
    others: tuple[Member, ...] = ()
    shares: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        """Raise ValueError where members do not go together."""
        for member in self.others:
            head = member.config.head if isinstance(member, NetworkMember) else self.config.head
            if HEADS[self.config.head].RANDOM and not HEADS[head].RANDOM:
                raise ValueError(f"the head {head!r} of a member has no distribution")

    @property
    def parts(self) -> tuple[Any, ...]:
        """All it is made of; `Core(*core.parts)` is the same."""
        return self.config, self.weights, self.others, self.shares

    @property
    def size(self) -> int:
        """How many weights all members have."""
        parts = [self.weights, *(member.arrays() for member in self.others)]
        return sum(array.size for part in parts for array in part.values())

    @property
    def step(self) -> ModelStep:
        """The network's step on NumPy."""
        return make_step(self.config, self.weights)

    @property
    def fingerprint(self) -> str:
        """A name for the model that a state belongs to: a hash of all that shapes its steps."""
        parts: list[tuple[Any, Mapping[str, np.ndarray]]] = [(self.config.to_json(), self.weights)]
        for share, other in zip(self.shares[1:], self.others, strict=True):
            parts.append(({"kind": other.kind, "share": share, **other.about()}, other.arrays()))
        digest = hashlib.blake2b(digest_size=16)
        for about, arrays in parts:
            digest.update(json.dumps(about, sort_keys=True).encode())
            for name in sorted(arrays):
                digest.update(name.encode() + arrays[name].tobytes())
        return digest.hexdigest()

    def check(self, state: State) -> None:
        """Raise ValueError unless a state could be one of the model's states."""
        check(state, self.config)
        if len(state.others) != len(self.others):
            raise ValueError(
                f"its state is of {1 + len(state.others)} members where there are "
                f"{1 + len(self.others)}"
            )
        for member, own in zip(self.others, state.others, strict=True):
            member.check(own, len(state.ids), self.config.targets)

    def engine(
        self, bounds: tuple[Bounds, ...] | None = None, seed: int = 0, runtime: str = "numpy"
    ) -> RolloutEngine:
        """What computes rollouts.

        Args:
            bounds: of each target; by default those of the model.
            seed: of sample paths.
            runtime: "numpy" or "compiled".
        """
        chosen = self.config.bounds if bounds is None else bounds
        others = tuple(other.engine(chosen, seed, runtime) for other in self.others)
        return RolloutEngine(self.config, self.weights, chosen, seed, runtime, others, self.shares)
