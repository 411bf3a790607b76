"""Forecasts from many cutoffs beside the actuals, as arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd

from forecast.data.frequency import Frequency
from forecast.data.schema import Schema
from forecast.inference.intervals import Ends

FORECAST = "forecast"  # the model's name beside the baselines
CUTOFF = "cutoff"
ID = "unique_id"  # where the user's table has no column that names the series


class Past(NamedTuple):
    """Statistics of the rows before each of M cutoffs, (M,) each.

    Attributes:
        change: mean absolute seasonal difference, by which MASE scales errors.
        square: mean squared seasonal difference, by which RMSSE does; NaN where there is none.
        low, high: the smallest and the largest value; of a constant or young series what is usual
            in its panel.
        last: the last value.
    """

    change: np.ndarray
    square: np.ndarray
    low: np.ndarray
    high: np.ndarray
    last: np.ndarray


@dataclass(frozen=True, eq=False)
class CutoffForecasts:
    """Rollouts of many series from many cutoffs, and the actuals.

    Attributes:
        ids: the series of each rollout (M,), in the order of cutoffs.
        cutoffs: the last time that each rollout has seen, as ordinals (M,).
        actual: the actuals (M, H), NaN where missing.
        forecasts: by name, (M, H): "forecast" for the model, and those of the baselines.
        ends: of the model's intervals, by level in percent: the lower and the upper one, (M, H).
        past: statistics of the rows before each cutoff.
        season: steps in a season.
        target: name of the column that is forecast.
        schema, frequency: of the user's table.
        notes: sentences for people.
    """

    ids: np.ndarray
    cutoffs: np.ndarray
    actual: np.ndarray
    forecasts: dict[str, np.ndarray]
    ends: dict[float, Ends]
    past: Past
    season: int
    target: str
    schema: Schema
    frequency: Frequency
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Say how many rollouts there are, and of what."""
        count, horizon = self.actual.shape
        cutoffs = Counter(self.ids.tolist())
        return (
            f"{type(self).__name__}({count:,} forecasts of {horizon} steps: "
            f"{max(cutoffs.values()):,} cutoffs, {len(cutoffs):,} series; "
            f"{', '.join(self.forecasts)})"
        )

    @property
    def horizon(self) -> int:
        """Steps of each rollout, H."""
        return int(self.actual.shape[1])

    @property
    def names(self) -> tuple[str, str, str]:
        """The columns of `table` that hold the id, the time and the target."""
        return self.schema.id or ID, self.schema.time, self.target

    @cached_property
    def table(self) -> pd.DataFrame:
        """Every forecast next to its actual value, as `utilsforecast.evaluation` takes them.

        Columns: id, time, `cutoff`, the target, `forecast`, `forecast-lo-80` …, the baselines.
        """
        horizon = self.horizon
        steps = self.frequency.step * np.arange(1, horizon + 1)
        schema = replace(self.schema, id=self.names[0], index=())
        columns: dict[str, np.ndarray | pd.Series[Any]] = {
            CUTOFF: schema.column(self.frequency, np.repeat(self.cutoffs, horizon)),
            self.target: self.actual.ravel(),
            FORECAST: self.forecasts[FORECAST].ravel(),
        }
        for level, ends in self.ends.items():
            for side, end in zip(("lo", "hi"), ends, strict=True):
                columns[f"{FORECAST}-{side}-{level:g}"] = end.ravel()
        columns |= {name: path.ravel() for name, path in self.forecasts.items()}
        times = (self.cutoffs[:, None] + steps).ravel()
        return schema.table(self.frequency, np.repeat(self.ids, horizon), times, columns)

    def take(self, rows: np.ndarray) -> Self:
        """The rollouts at the given places, in that order."""
        return replace(
            self,
            ids=self.ids[rows],
            cutoffs=self.cutoffs[rows],
            actual=self.actual[rows],
            forecasts={name: path[rows] for name, path in self.forecasts.items()},
            ends={level: (low[rows], high[rows]) for level, (low, high) in self.ends.items()},
            past=Past(*(part[rows] for part in self.past)),
        )

    @classmethod
    def join(cls, parts: Sequence[CutoffForecasts], notes: tuple[str, ...] = ()) -> Self:
        """Parts with the same horizon, baselines and levels as one, with notes of its own."""
        first = parts[0]
        past = zip(*(part.past for part in parts), strict=True)
        return cls(
            ids=np.concatenate([part.ids for part in parts]),
            cutoffs=np.concatenate([part.cutoffs for part in parts]),
            actual=np.concatenate([part.actual for part in parts]),
            forecasts={
                name: np.concatenate([part.forecasts[name] for part in parts])
                for name in first.forecasts
            },
            ends={
                level: (
                    np.concatenate([part.ends[level][0] for part in parts]),
                    np.concatenate([part.ends[level][1] for part in parts]),
                )
                for level in first.ends
            },
            past=Past(*map(np.concatenate, past)),
            season=first.season,
            target=first.target,
            schema=first.schema,
            frequency=first.frequency,
            notes=notes,
        )
