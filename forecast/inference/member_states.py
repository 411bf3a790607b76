"""The states of members that are no networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from forecast.classical import theta
from forecast.classical.theta import ThetaState
from forecast.data.io.archive import check_arrays

WHOLE = {"count": "int64", "phase": "int64", "multiplicative": "bool"}  # not float64


@dataclass(frozen=True, eq=False)
class ThetaMemberState:
    """What the theta method knows of S series.

    Attributes:
        targets: the state of each target.
    """

    targets: tuple[ThetaState, ...]

    def about(self) -> dict[str, Any]:
        """What kind of state it is, as plain values."""
        return {"kind": "theta"}

    def arrays(self) -> dict[str, np.ndarray]:
        """Every array by name, each with leading axis S."""
        return {
            f"target_{d}.{name}": array
            for d, state in enumerate(self.targets)
            for name, array in state.arrays().items()
        }

    @classmethod
    def of(cls, arrays: dict[str, np.ndarray]) -> ThetaMemberState:
        """The inverse of `arrays`."""
        parts: dict[int, dict[str, np.ndarray]] = {}
        for name, array in arrays.items():
            target, _, own = name.partition(".")
            parts.setdefault(int(target.removeprefix("target_")), {})[own] = array
        return cls(tuple(ThetaState(**parts[d]) for d in sorted(parts)))

    def check(self, series: int, targets: int, season: int) -> None:
        """Raise ValueError unless it could be the state of so many series and targets."""
        if len(self.targets) != targets:
            raise ValueError(f"its state of theta is of {len(self.targets)} targets, not {targets}")
        for state in self.targets:
            arrays = state.arrays()
            shapes = dict.fromkeys(arrays, (series,)) | {"factors": (series, season)}
            dtypes = dict.fromkeys(arrays, "float64") | WHOLE
            check_arrays("state", arrays, shapes, dtypes)
            if ((state.phase < 0) | (state.phase >= season) | (state.count < 0)).any():
                raise ValueError("its state of theta holds impossible places in a season")

    def take(self, rows: np.ndarray) -> ThetaMemberState:
        """The series at the given places, in that order."""
        return ThetaMemberState(tuple(state.take(rows) for state in self.targets))

    def joined(self, others: Sequence[ThetaMemberState]) -> ThetaMemberState:
        """The series of this state and of others, in order."""
        columns = zip(self.targets, *(other.targets for other in others), strict=True)
        return ThetaMemberState(tuple(_joined(states) for states in columns))

    def updated(self, rows: np.ndarray, values: np.ndarray) -> ThetaMemberState:
        """The state after one more row of some series.

        Args:
            rows: the places of R series.
            values: of their rows (R, D), NaN where missing.
        """
        series = len(self.targets[0].level)
        order = np.arange(series)
        order[rows] = series + np.arange(len(rows))
        after = self.take(rows)
        observed = tuple(
            theta.observe(state, column)
            for state, column in zip(after.targets, values.T, strict=True)
        )
        return self.joined([ThetaMemberState(observed)]).take(order)


def _joined(states: Sequence[ThetaState]) -> ThetaState:
    """The series of several states, in order."""
    parts = [state.arrays() for state in states]
    return ThetaState(**{name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
