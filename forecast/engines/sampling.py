"""Training on Parquet files that are larger than memory: on some of their series, drawn at random.

A network for all series needs a sample of windows, not all rows: in the minutes that a training
takes it sees some ten million of them. So whole series are drawn, as many as there is room for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from forecast.data.column_roles import ColumnRoles, FoundRoles
from forecast.data.io.multi_file import files_of
from forecast.data.origin import TableOrigin
from forecast.data.to_panel import find_columns
from forecast.engines.batches import is_text
from forecast.engines.lake import READ, Lake, opened, quoted
from forecast.errors import DataError, require_whole

MAX_ROWS = 5_000_000  # that a training holds in memory, in some 2 GB
FEWEST_ROWS = 1_000  # that can be asked for
MIN_SERIES = 100  # to draw, where there are as many: rather parts of them than fewer
LOOKED_AT = 10  # files of which the first rows tell the roles of the columns
HEAD = 1_000  # rows of each


class Sample(NamedTuple):
    """Some of the series of Parquet files.

    Attributes:
        table: their rows.
        source: what to call it in messages.
        drawn: series in the table.
        series: series in the files.
        rows: rows in the files.
        last: rows of a series that there is room for; longer ones are cut to their last ones.
    """

    table: pd.DataFrame
    source: str
    drawn: int
    series: int
    rows: int
    last: int | None = None

    @property
    def note(self) -> str:
        """What was drawn, as a sentence for people."""
        last = "" if self.last is None else f", the last {self.last:,} rows of each at most"
        return (
            f"training on {len(self.table):,} of {self.rows:,} rows: {self.drawn:,} of "
            f"{self.series:,} series, drawn at random{last}; more take more memory (--max-rows)"
        )


def draw(
    paths: str | Sequence[str],
    max_rows: int = MAX_ROWS,
    seed: int = 0,
    *,
    id: str | None = None,
    time: str | None = None,
    target: str | None = None,
    date_format: str | None = None,
    frequency: str | None = None,
) -> Sample | None:
    """Draw whole series of Parquet files at random, as many as a number of rows has room for.

    Args:
        paths: of the files, or patterns.
        max_rows: that may be drawn.
        seed: of the choice.
        id, time, target, date_format, frequency: see `to_panel`.

    Returns:
        The sample; None where all rows fit.

    Raises:
        DataError: if a file cannot be read, the role of a column is not clear, or no column says
            which series the rows are of.
        OptionError: if max_rows is out of range, or DuckDB is not installed.
    """
    require_whole("max_rows", max_rows, FEWEST_ROWS)
    files = files_of(*([paths] if isinstance(paths, str) else paths))
    lake = Lake.of(files)
    if lake.rows <= max_rows:
        return None
    roles = ColumnRoles(id, time, target)
    found = _columns(lake, roles, frequency=frequency, date_format=date_format)
    source = files[0] if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"
    if found.id not in lake.columns:
        raise DataError(
            f"{source}: no column says which series its {lake.rows:,} rows are of, so none can be "
            f"drawn; to read all of them, give --max-rows {lake.rows} (max_rows= in Python)"
        )
    name, time = quoted(str(found.id)), quoted(found.time)
    with opened(lake) as database:
        counts = database.sql(
            f"SELECT {name} AS id, count(*) AS rows FROM {READ} GROUP BY ALL ORDER BY ALL",
            params=[files],
        ).to_arrow_table()
        if counts["id"].null_count:
            raise DataError(f"{source}: rows without '{found.id}'; every row needs an id")
        lengths = counts["rows"].to_numpy()
        last = max(max_rows // min(len(lengths), MIN_SERIES), 1)
        is_cut = bool((lengths > last).any()) and found.time in lake.columns
        if is_cut and is_text(lake.schema.field(found.time).type):
            raise DataError(
                f"{source}: series of more than {last:,} rows are to be cut to their last ones, "
                f"but '{found.time}' is text, of which the last is not known; give it as "
                "timestamps, or raise --max-rows (max_rows= in Python)"
            )
        chosen = _chosen(np.minimum(lengths, last) if is_cut else lengths, max_rows, seed)
        database.register("chosen", counts.select(["id"]).take(chosen))
        place = f"row_number() OVER (PARTITION BY {name} ORDER BY {time} DESC)"
        rows = database.sql(
            f"SELECT * FROM {READ} WHERE {name} IN (SELECT id FROM chosen)"
            + (f" QUALIFY {place} <= {last}" if is_cut else "")
            + f" ORDER BY {name}{f', {time}' if found.time in lake.columns else ''}",
            params=[files],
        ).to_arrow_table()
    table = lake.restored(rows)
    drawn = (len(chosen), len(lengths))
    source = f"the rows drawn from {source}"
    return Sample(table.to_pandas(), source, *drawn, lake.rows, last if is_cut else None)


def _columns(lake: Lake, roles: ColumnRoles, **how: str | None) -> FoundRoles:
    """What the columns are for, by the first rows of some of the files."""
    places = np.unique(np.linspace(0, len(lake.files) - 1, LOOKED_AT).astype(int))
    heads = []
    for place in places:
        with pq.ParquetFile(lake.files[place]) as file:
            heads.append(next(file.iter_batches(HEAD), lake.schema.empty_table()).to_pandas())
    rows = pd.concat(heads, ignore_index=True)
    return find_columns(rows, roles, TableOrigin(lake.files[0]), **how)


def _chosen(lengths: np.ndarray, max_rows: int, seed: int) -> np.ndarray:
    """The places of series drawn at random, in order: as many as there is room for."""
    order = np.random.default_rng(seed).permutation(len(lengths))
    count = int(np.searchsorted(np.cumsum(lengths[order]), max_rows, side="right"))
    return np.sort(order[: max(count, 1)])
