"""The theta method as a member of a model: it observes, forks and rolls out as a network does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from forecast.classical import theta
from forecast.data.panel import Panel
from forecast.inference.bounds import Bounds, clip
from forecast.inference.member_states import ThetaMemberState
from forecast.inference.network_rollout import Draws, MemberPath, uniforms_of
from forecast.inference.state import State

ROWS, SEASONS = 500, 12  # of a history that it is fitted to, the last ones


@dataclass(frozen=True)
class ThetaMember:
    """Exponential smoothing with a drift, fitted to each series when its history is encoded.

    Attributes:
        season: steps in a season; 1 for none.
    """

    season: int

    kind = "theta"

    @property
    def rows(self) -> int:
        """How many rows of a history it is fitted to, the last ones."""
        return max(ROWS, SEASONS * self.season)

    def about(self) -> dict[str, Any]:
        """See `Member`."""
        return {"season": self.season}

    def arrays(self) -> Mapping[str, np.ndarray]:
        """See `Member`; it has no weights: its parameters are in the state."""
        return {}

    def encode(self, panel: Panel, fingerprint: str) -> ThetaMemberState:  # noqa: ARG002 - a state of parameters
        """See `Member`."""
        rows = np.minimum(panel.lengths, self.rows)
        recent = panel.cut(np.arange(len(rows)), rows, panel.lengths - rows)
        return ThetaMemberState(
            tuple(theta.fit(column, recent.indptr, self.season) for column in recent.target.T)
        )

    def observe(self, state: ThetaMemberState, panel: Panel) -> ThetaMemberState:
        """See `Member`."""
        for row in range(int(panel.lengths.max(initial=0))):
            running = np.flatnonzero(panel.lengths > row)
            values = panel.target[panel.indptr[running] + row]
            state = state.updated(running, values)
        return state

    def check(self, state: Any, series: int, targets: int) -> None:
        """See `Member`."""
        if not isinstance(state, ThetaMemberState):
            raise ValueError("its state of a member is none of the theta method")
        state.check(series, targets, self.season)

    def engine(self, bounds: tuple[Bounds, ...], seed: int, runtime: str) -> ThetaEngine:  # noqa: ARG002 - NumPy alone
        """See `Member`."""
        return ThetaEngine(bounds, seed)


@dataclass(frozen=True)
class ThetaEngine:
    """How its rollouts are computed.

    Attributes:
        bounds: of each target, within which its values are averaged.
        seed: of sample paths.
    """

    bounds: tuple[Bounds, ...]
    seed: int

    def roll(
        self,
        start: State,
        place: int,
        horizon: int,
        future: np.ndarray | None,  # noqa: ARG002 - it takes no covariates
        draws: Draws | None,
    ) -> tuple[MemberPath, ThetaMemberState]:
        """See `MemberEngine`."""
        own: Any = start.others[place]
        uniforms = None
        if draws:
            own = own.take(np.repeat(np.arange(len(start.ids)), draws.paths))
            uniforms = uniforms_of(start, draws, horizon, len(self.bounds), self.seed)
        paths, after = [], []
        for d, state in enumerate(own.targets):
            drawn = None if uniforms is None else uniforms[..., d, 0].astype(np.float64)
            path, end = theta.forecast(state, horizon, drawn)
            paths.append(path)
            after.append(end)
        values = clip(np.stack(paths, axis=-1), self.bounds)
        return MemberPath(values), ThetaMemberState(tuple(after))

    def member_step(
        self,
        start: State,
        place: int,
        future: np.ndarray | None,
        probabilities: tuple[float, ...],  # noqa: ARG002 - those of the first member's step are taken
    ) -> tuple[np.ndarray, ThetaMemberState]:
        """See `MemberEngine`."""
        path, after = self.roll(start, place, 1, future, None)
        return path.value, after

    def corrected(self, before: Any, after: Any, actual: np.ndarray) -> ThetaMemberState:  # noqa: ARG002 - it fed itself its own value
        """See `MemberEngine`."""
        own: ThetaMemberState = before
        return own.updated(np.arange(len(actual)), actual)
