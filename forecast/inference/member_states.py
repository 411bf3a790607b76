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
        return {"kind": "theta", "targets": len(self.targets)}

    def arrays(self) -> dict[str, np.ndarray]:
        """Every array by name, each with leading axis S."""
        return {
            f"target_{d}.{name}": array
            for d, state in enumerate(self.targets)
            for name, array in state.arrays().items()
        }

    @classmethod
    def of(cls, about: dict[str, Any], arrays: dict[str, np.ndarray]) -> ThetaMemberState:
        """The state that `about` and `arrays` describe."""
        parts: list[dict[str, np.ndarray]] = [{} for _ in range(about["targets"])]
        for name, array in arrays.items():
            target, _, own = name.partition(".")
            parts[int(target.removeprefix("target_"))][own] = array
        return cls(tuple(ThetaState(**part) for part in parts))

    def check(self, series: int, season: int) -> None:
        """Raise ValueError unless it could be the state of so many series with such a season."""
        for state in self.targets:
            arrays = state.arrays()
            shapes = dict.fromkeys(arrays, (series,)) | {"factors": (series, season)}
            dtypes = dict.fromkeys(arrays, "float64") | WHOLE
            check_arrays("state", arrays, shapes, dtypes)

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
