"""Forecasting one step at a time, with true values taken in as they arrive."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from forecast.network import HEADS
from forecast.projection import Projector, times_after
from forecast.state import State

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Step:
    """The next step of S series.

    Attributes:
        ids: the series (S,).
        time: when, as a DatetimeIndex or whole numbers (S,).
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


def stream(
    projector: Projector,
    state: State,
    quantiles: tuple[float, ...],
    observe: Callable[[State, Any], State],
) -> Generator[Step, Any, None]:
    """Steps without end; each is fed back unless the true values are sent.

    Args:
        projector: of the model.
        state: where to begin.
        quantiles: probabilities, none for a head without a distribution.
        observe: takes true values in, from a state and an array (S,).
    """
    cell, config = projector.cell, projector.config
    head = HEADS[config.head]
    while True:
        times = times_after(state, 1)  # (1, S)
        calendar = config.frequency.calendar(times[0], config.cycles)
        params, memory = cell.advance(state.value, state.memory, calendar)
        low, high = projector.limits(state)
        scaled = [head.center(np, params), *(head.quantile(np, params, q) for q in quantiles)]
        scaled = np.clip(np.stack(scaled, axis=1), low[:, None], high[:, None])  # (S, 1 + Q, D)
        values = projector.values(scaled, state)
        shown = values[..., 0] if config.targets == 1 else values
        true = yield Step(
            ids=state.ids,
            time=config.frequency.times(times[0]),
            value=shown[:, 0],
            quantiles=shown[:, 1:] if quantiles else None,
            state=state,
        )
        if true is None:
            fed_back = scaled[:, 0].astype(np.float32)
            state = replace(state, time=times[0], value=fed_back, memory=memory)
        else:
            state = observe(state, true)
