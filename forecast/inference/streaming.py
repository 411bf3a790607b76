"""Forecasting one step at a time, updated with true values as they arrive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from forecast.data.future_covariates import FutureCovariates
from forecast.inference.rollout import RolloutEngine
from forecast.inference.state import State

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Step:
    """The next step of S series.

    Attributes:
        ids: the series (S,).
        time: when, as a DatetimeIndex in the zone of the training data, or whole numbers (S,).
        value: the forecast (S,), or (S, D) for several targets, in the units of the data.
        quantiles: (S, Q), or (S, Q, D), of the step given the values before it; None for a
            head without a distribution.
        state: before the step: all that was observed or fed back until then.
    """

    ids: np.ndarray
    time: pd.DatetimeIndex | np.ndarray
    value: np.ndarray
    quantiles: np.ndarray | None
    state: State


class Stream:
    """Forecast steps without end; each is fed back unless the true values are sent.

    An iterator with the `send` of a generator; unlike one it outlives an error.
    """

    def __init__(
        self,
        engine: RolloutEngine,
        state: State,
        quantiles: tuple[float, ...],
        observe: Callable[[State, Any], State],
        future: FutureCovariates | None = None,
    ) -> None:
        """Begin at a state.

        Args:
            engine: of the model.
            state: where to begin.
            quantiles: probabilities, none for a head without a distribution.
            observe: updates a state with the true values that `send` is given.
            future: covariates of the steps, for a model that takes some.
        """
        self._engine = engine
        self._future = future
        self._quantiles = quantiles
        self._observe = observe
        self._state = self._fed_back = state  # before the last step, and after it

    def __iter__(self) -> Stream:
        """The stream itself."""
        return self

    def __next__(self) -> Step:
        """The next step, after feeding the last one back."""
        return self._step(self._fed_back)

    def send(self, values: Any) -> Step:
        """The next step, after the true values of the last one; None feeds it back.

        Raises:
            DataError: if the values do not fit; the stream stays where it is.
        """
        if values is None:
            return next(self)
        return self._step(self._observe(self._state, values))

    def _step(self, state: State) -> Step:
        """The step that follows a state."""
        config = self._engine.config
        future = self._covariates(state, state.times_after(1))
        shown, after = self._engine.step_of(state, future, self._quantiles)
        if config.targets == 1:
            shown = shown[..., 0]
        self._state, self._fed_back = state, after
        return Step(
            ids=state.ids,
            time=config.schema.times(config.frequency, after.time),
            value=shown[:, 0],
            quantiles=shown[:, 1:] if self._quantiles else None,
            state=state,
        )

    def _covariates(self, state: State, times: np.ndarray) -> np.ndarray | None:
        """The future covariates of the next step, (1, S, V)."""
        if self._future is None:
            return None
        return self._future.at(state.ids, times)
