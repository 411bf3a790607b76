"""`Forecast`: the table of a rollout, its sample paths, and the state after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from forecast.data.dataframes import alike, to_pandas
from forecast.data.schema import Schema
from forecast.errors import OptionError
from forecast.inference.rollout import Rollout
from forecast.inference.state import State

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Forecast:
    """The result of a rollout.

    Attributes:
        table: the user's id and time columns, `forecast`, and the bounds of each level; of
            several targets their names take the place of `forecast`. Of the same library as the
            history or else the future that was given, pandas by default.
        paths: sample paths (S, n, H, D) in the units of the data, or None; NaN where a series
            has stopped before the others.
        start: the state of the S series before the first step.
        state: of the S series after the last step of the deterministic rollout.
        branches: the state after the sample paths, S * n rows as of `State.repeat(n)`, or None;
            one sample path of each continues them.
        notes: on the forecast, as sentences for people.
        schema: of the user's table.
    """

    table: pd.DataFrame
    paths: np.ndarray | None
    start: State
    state: State
    branches: State | None
    notes: tuple[str, ...]
    schema: Schema

    @property
    def steps(self) -> np.ndarray:
        """How many steps there are of each series, (S,)."""
        steps: np.ndarray = (self.state.time - self.start.time) // self.start.frequency.step
        return steps

    @property
    def path_table(self) -> pd.DataFrame:
        """The sample paths as a table: the user's id and time columns, `path` from 0, `value`.

        Several targets have a column each, by their names.

        Raises:
            OptionError: if there are none.
        """
        if self.paths is None:
            raise OptionError("the forecast has no sample paths; ask for some with paths=")
        count, longest = self.paths.shape[1], self.paths.shape[2]
        inside = np.arange(longest) < self.steps[:, None]  # (S, H)
        places = np.cumsum(inside).reshape(inside.shape) - 1  # rows of the table
        rows = np.broadcast_to(places[:, None], self.paths.shape[:3])
        numbers = np.broadcast_to(np.arange(count)[:, None], self.paths.shape[:3])
        kept = np.broadcast_to(inside[:, None], self.paths.shape[:3])
        forecast = to_pandas(self.table)
        labels = [name for name in (self.schema.id, self.schema.time) if name in forecast]
        table = forecast[labels].iloc[rows[kept]].reset_index(drop=True)
        columns = [numbers[kept], *self.paths[kept].T]
        values = dict(zip(path_columns(self.schema), columns, strict=True))
        return alike(table.assign(**values), self.table)


def value_columns(schema: Schema, levels: Iterable[float]) -> list[str]:
    """The names of a forecast's columns but those of id and time.

    Args:
        schema: of the user's table.
        levels: widths of its intervals in percent.

    Example:
        >>> value_columns(Schema("long", "id", "ds", ("y",), "str", "date"), (80,))
        ['forecast', 'forecast-lo-80', 'forecast-hi-80']
    """
    ends = ["", *(f"-{side}-{level:g}" for level in levels for side in ("lo", "hi"))]
    return [name + end for name in schema.forecasts for end in ends]


def path_columns(schema: Schema) -> list[str]:
    """The names of the columns of sample paths but those of id and time."""
    return ["path", *(("value",) if len(schema.targets) == 1 else schema.targets)]


def tabulate(
    centre: Rollout, intervals: Mapping[float, tuple[np.ndarray, np.ndarray]], schema: Schema
) -> pd.DataFrame:
    """The forecast of S series as the user's kind of table.

    Args:
        centre: the rollout of the distributions' centres.
        intervals: by their width in percent, the lower and the upper end, each (S, H, D).
        schema: of the user's table.
    """
    start, longest = centre.start, centre.longest
    inside = np.arange(longest) < centre.lengths[:, None]  # (S, H)
    of_all = [centre.values, *(end for ends in intervals.values() for end in ends)]
    values = [part[..., d][inside] for d in range(len(schema.targets)) for part in of_all]
    columns = dict(zip(value_columns(schema, intervals), values, strict=True))
    return schema.table(
        start.frequency,
        np.repeat(start.ids, centre.lengths),
        start.times_after(longest).T[inside],
        columns,
    )


def attention_table(start: State, weights: np.ndarray, schema: Schema) -> pd.DataFrame:
    """The attention weights of the steps of a forecast, as a table.

    Args:
        start: the state of S series before the first step.
        weights: of the M encoder outputs that are kept of each series, (S, H, M).
        schema: of the user's table.
    """
    horizon = weights.shape[1]
    frequency = start.frequency
    times = start.times_after(horizon).T  # (S, H)
    ages = start.memory.network["ages"].astype(np.int64)  # (S, M)
    attended = start.time[:, None] - frequency.step * (ages - 1)
    rows = np.broadcast_to((ages > 0)[:, None], weights.shape)
    cells = np.broadcast_to(attended[:, None], weights.shape)[rows]
    return schema.table(
        frequency,
        np.broadcast_to(start.ids[:, None, None], weights.shape)[rows],
        np.broadcast_to(times[..., None], weights.shape)[rows],
        {"attended": schema.column(frequency, cells), "weight": weights[rows]},
    )
