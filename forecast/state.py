"""The memory of a set of series, as a value: all that is needed to continue them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from forecast.cell import Memory
from forecast.errors import DataError
from forecast.scaling import Scale


@dataclass(frozen=True, eq=False)
class State:
    """What a model knows of S series after their last row; plain arrays, one row per series.

    Attributes:
        ids: the series (S,).
        time: ordinal of the last row (S,), see `Frequency`.
        value: the last scaled value (S, D), NaN where missing.
        memory: what the network and the lags have kept.
        scale: location and scale of each series, fixed when its history was encoded.
        fingerprint: of the model that the state belongs to.
    """

    ids: np.ndarray
    time: np.ndarray
    value: np.ndarray
    memory: Memory
    scale: Scale
    fingerprint: str

    def __repr__(self) -> str:
        """Say how many series there are and how large their memory is."""
        size = sum(array.nbytes for array in self.arrays().values())
        return f"State({len(self.ids)} series, {size:,} bytes, model {self.fingerprint[:8]})"

    def arrays(self) -> dict[str, np.ndarray]:
        """Every array but the ids, by name, each with leading axis S."""
        return {
            "time": self.time,
            "value": self.value,
            "recent": self.memory.recent,
            "location": self.scale.location,
            "scale": self.scale.scale,
            **{f"network.{name}": part for name, part in self.memory.network._asdict().items()},
        }

    def take(self, rows: np.ndarray) -> State:
        """The series at the given places, in that order; a place may come more than once."""
        memory = take_rows(self.memory, rows)
        scale = Scale(*(part[rows] for part in self.scale))
        return replace(
            self,
            ids=self.ids[rows],
            time=self.time[rows],
            value=self.value[rows],
            memory=memory,
            scale=scale,
        )

    def select(self, ids: Sequence[Any]) -> State:
        """The series with the given ids, in that order; text finds ids of other kinds too.

        Raises:
            DataError: naming the ids that the state does not hold.
        """
        if not len(ids):
            raise DataError("no series is asked for; name one, or leave the choice out for all")
        place: dict[Any, int] = {str(name): row for row, name in enumerate(self.ids.tolist())}
        place |= {name: row for row, name in enumerate(self.ids.tolist())}
        unknown = [name for name in ids if name not in place]
        if unknown:
            raise DataError(
                f"no series {unknown}; the {len(self.ids)} series that are known begin with "
                f"{self.ids[:5].tolist()}"
            )
        return self.take(np.array([place[name] for name in ids], dtype=np.int64))


def take_rows(memory: Memory, rows: np.ndarray | slice) -> Memory:
    """The rows of a memory."""
    network = type(memory.network)(*(part[rows] for part in memory.network))
    return Memory(memory.recent[rows], network)


def join_rows(memories: list[Memory]) -> Memory:
    """The rows of several memories, in order."""
    network = type(memories[0].network)
    parts = zip(*(memory.network for memory in memories), strict=True)
    recent = np.concatenate([memory.recent for memory in memories])
    return Memory(recent, network(*map(np.concatenate, parts)))


def join(states: list[State]) -> State:
    """The series of several states of one model, in order."""
    first = states[0]
    return replace(
        first,
        ids=np.concatenate([state.ids for state in states]),
        time=np.concatenate([state.time for state in states]),
        value=np.concatenate([state.value for state in states]),
        memory=join_rows([state.memory for state in states]),
        scale=Scale(*(np.concatenate(p) for p in zip(*(s.scale for s in states), strict=True))),
    )
