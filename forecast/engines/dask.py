"""Dask DataFrames: on Dask's workers, which need no TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pyarrow as pa

from forecast.engines.batches import ROLE, Task, as_number, needed
from forecast.errors import DataError, OptionError
from forecast.inference.predictor import Predictor

SETTINGS = ("address", "scheduler", "num_workers")
BYTES = {pa.binary(): pd.ArrowDtype(pa.binary())}  # which pandas itself has no type for


@contextmanager
def session(settings: Mapping[str, str]) -> Iterator[Callable[[list[str]], dd.DataFrame]]:
    """What reads Parquet files.

    Args:
        settings: "address" of a cluster's scheduler, or of Dask itself: "scheduler" (threads,
            processes) and "num_workers", or any of its configuration, whose names have a dot.

    Raises:
        OptionError: if there is no such setting.
    """
    if unknown := [name for name in settings if name not in SETTINGS and "." not in name]:
        raise OptionError(f"dask has no setting {unknown[0]!r}; there are {', '.join(SETTINGS)}")
    own = {name: as_number(value) for name, value in settings.items()}
    address = own.pop("address", None)
    read: Any = dd.read_parquet
    with ExitStack() as stack:
        stack.enter_context(dask.config.set(own))
        if address is not None:
            import distributed

            connect: Any = distributed.Client  # without type hints
            stack.enter_context(connect(address))
        yield read


def write(frame: dd.DataFrame, folder: str) -> None:
    """Compute a frame, and write it as Parquet files."""
    untyped: Any = frame
    untyped.to_parquet(folder, write_index=False)


def prepared(frame: dd.DataFrame, model: Predictor) -> dd.DataFrame:
    """The columns that the model needs; times are those of pandas."""
    chosen: dd.DataFrame = frame[needed(model, frame.columns)]
    return chosen


def schema(frame: dd.DataFrame) -> pa.Schema:
    """The columns of a frame in Arrow."""
    has_objects = "O" in [dtype.kind for dtype in frame._meta.dtypes]  # only rows tell their types
    rows = frame.head(1, npartitions=-1) if has_objects else frame._meta_nonempty
    return pa.Schema.from_pandas(rows, preserve_index=False)


def table(frame: dd.DataFrame) -> pa.Table:
    """All rows of a frame in Arrow."""
    rows: Any = frame
    return pa.Table.from_pandas(rows.compute(), preserve_index=False)


def run(task: Task, frames: Mapping[str, dd.DataFrame], given: dd.DataFrame) -> dd.DataFrame:
    """The outcome of a task for all series, computed when it is asked for.

    Args:
        task: what to do.
        frames: the rows by role.
        given: the first of them, whose types the outcome has.
    """
    concat: Any = dd.concat  # without type hints
    rows: Any = next(iter(frames.values()))
    if len(frames) > 1:
        rows = concat([frame.assign(**{ROLE: role}) for role, frame in frames.items()])
    rows = rows.repartition(npartitions=1) if task.id is None else rows.shuffle(on=task.id)
    dtypes = given._meta.dtypes
    like = _frame(task.schema.empty_table(), dtypes)
    found: dd.DataFrame = rows.map_partitions(partial(_outcome, task, dtypes=dtypes), meta=like)
    return found


def _outcome(task: Task, rows: pd.DataFrame, dtypes: pd.Series[Any]) -> pd.DataFrame:
    """The outcome for a partition."""
    if task.id is not None:
        codes, _ = pd.factorize(rows[task.id])
        rows = rows.iloc[np.argsort(codes, kind="stable")]
    try:
        batches = pa.Table.from_pandas(rows, preserve_index=False).to_batches()
    except pa.ArrowException as error:
        raise DataError(
            f"values of several types: {error.args[0]}; give a column one type"
        ) from None
    found = pa.concat_tables([task.schema.empty_table(), *task.run(batches)])
    return _frame(found, dtypes)


def _frame(table: pa.Table, dtypes: pd.Series[Any]) -> pd.DataFrame:
    """A table in pandas; the columns that the user's frame has too are of its types."""
    frame: pd.DataFrame = table.to_pandas(types_mapper=BYTES.get)
    return frame.astype({name: dtypes[name] for name in frame.columns if name in dtypes})
