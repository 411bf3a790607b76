"""Forecasts from many cutoffs, each beside what came: how a model would have done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from forecast.data.frequency import Frequency
from forecast.data.schema import Schema
from forecast.errors import OptionError
from forecast.evaluation.diagnostics import Finding, findings
from forecast.evaluation.metrics import FORECAST, by_cutoff, by_series, by_step, overall
from forecast.evaluation.significance import Verdict, judge
from forecast.inference.intervals import Ends

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CUTOFF = "cutoff"
CUTOFFS = 10  # unless others are asked for
ID = "unique_id"  # where the user's table has no column that names the series


class Past(NamedTuple):
    """What each of M rollouts could see of its series' size, (M,) each.

    Attributes:
        change: mean absolute change from season to season, by which MASE scales errors.
        square: mean squared change, by which RMSSE does; NaN where none is known.
        low, high: the smallest and the largest value.
        last: the last value.
    """

    change: np.ndarray
    square: np.ndarray
    low: np.ndarray
    high: np.ndarray
    last: np.ndarray


@dataclass(frozen=True, eq=False)
class Backtest:
    """Rollouts of many series from many cutoffs, and what came.

    Attributes:
        ids: the series of each rollout (M,), in the order of cutoffs.
        cutoffs: the last time that each was let see, as ordinals (M,).
        actual: what came (M, H), NaN where missing.
        forecasts: by name, (M, H): "forecast" for the model, and those of the baselines.
        ends: of the model's intervals, by level in percent: the lower and the upper one, (M, H).
        past: what could be seen at each cutoff.
        season: steps in a season.
        target: name of the column that is forecast.
        schema, frequency: of the user's table.
        notes: what there is to say, as sentences for people.
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
            f"Backtest({count:,} forecasts of {horizon} steps: {max(cutoffs.values()):,} cutoffs, "
            f"{len(cutoffs):,} series; {', '.join(self.forecasts)})"
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
        """Every forecast beside what came, a row each, as `utilsforecast.evaluation` takes them.

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

    @cached_property
    def overall(self) -> pd.DataFrame:
        """The measures of the model and of each baseline, see `forecast.evaluation.metrics.overall`."""
        return overall(self)

    @cached_property
    def by_step(self) -> pd.DataFrame:
        """The same for each step of the horizon."""
        return by_step(self)

    @cached_property
    def by_series(self) -> pd.DataFrame:
        """The same for each series."""
        return by_series(self)

    @cached_property
    def by_cutoff(self) -> pd.DataFrame:
        """The same for each cutoff."""
        return by_cutoff(self)

    @cached_property
    def verdict(self) -> Verdict | None:
        """Whether the model beats the best baseline, see `forecast.evaluation.significance`."""
        return judge(self)

    def findings(self, record: dict[str, Any] | None = None) -> tuple[Finding, ...]:
        """What is wrong with the forecasts, and what to try, see `forecast.evaluation.diagnostics`.

        Args:
            record: of the model's training, which knows of the exposure gap.
        """
        return findings(self, record)

    def plot(self, kind: str = "forecasts") -> Figure:
        """Draw a picture, see `forecast.plotting`.

        Args:
            kind: "forecasts" against what came, of chosen series; "errors" by step of the horizon,
                beside the baselines; or "calibration", the share of values in intervals.

        Returns:
            A figure of matplotlib, which a notebook shows; `savefig` writes it.

        Raises:
            OptionError: if there is no such kind, or there are no intervals.

        Example:
            >>> from forecast import Forecaster
            >>> from forecast.datasets import load
            >>> backtest = Forecaster(steps=2).backtest(load("air_passengers"), 12, cutoffs=3)
            >>> backtest.plot("errors").get_suptitle()
            'Error by step of the horizon: the mean of 3 forecasts of 1 series'
        """
        from forecast import plotting

        kinds = {
            "forecasts": plotting.plot_backtest,
            "errors": plotting.plot_errors,
            "calibration": plotting.plot_calibration,
        }
        if kind not in kinds:
            raise OptionError(f"kind is {kind!r}; it must be one of {', '.join(kinds)}")
        return kinds[kind](self)

    def take(self, rows: np.ndarray) -> Backtest:
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


def join(parts: Sequence[Backtest]) -> Backtest:
    """Several backtests with the same horizon, baselines and levels as one, without their notes."""
    first = parts[0]
    return replace(
        first,
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
        past=Past(*(np.concatenate(each) for each in zip(*(p.past for p in parts), strict=True))),
        notes=(),
    )
