"""Ray Datasets: on Ray's workers, which need no TensorFlow."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import pyarrow as pa
import ray
from ray.data import DataContext, Dataset, read_parquet

from forecast.engines.batches import ROLE, Task, as_number, as_schema, needed
from forecast.errors import ForecastError
from forecast.inference.predictor import Predictor


@contextmanager
def session(settings: Mapping[str, str]) -> Iterator[Callable[[list[str]], Dataset]]:
    """What reads Parquet files.

    Args:
        settings: of `ray.init`, such as "address" or "num_cpus". Where Ray runs already, that is
            used, and stays.
    """
    own: dict[str, Any] = {name: as_number(value) for name, value in settings.items()}
    was_there = ray.is_initialized()
    if not was_there:
        ray.init(**{"log_to_driver": False, **own})
    try:
        yield read_parquet
    finally:
        if not was_there:
            ray.shutdown()


def write(frame: Dataset, folder: str) -> None:
    """Compute a frame, and write it as Parquet files."""
    frame.write_parquet(folder)


def prepared(frame: Dataset, model: Predictor) -> Dataset:
    """The columns that the model needs; times are those of Arrow."""
    return frame.select_columns(needed(model, frame.columns()))


def schema(frame: Dataset) -> pa.Schema:
    """The columns of a frame in Arrow."""
    found = frame.schema()
    return pa.schema(list(zip(found.names, found.types, strict=True)))


def table(frame: Dataset) -> pa.Table:
    """All rows of a frame in Arrow."""
    blocks = frame.iter_batches(batch_size=None, batch_format="pyarrow")
    return pa.concat_tables([schema(frame).empty_table(), *blocks], promote_options="permissive")


def run(task: Task, frames: Mapping[str, Dataset], given: Dataset) -> Dataset:  # noqa: ARG001 - the types are those of Arrow
    """The outcome of a task for all series, computed when it is asked for.

    Args:
        task: what to do.
        frames: the rows by role.
        given: the first of them.
    """
    rows = _together(frames) if len(frames) > 1 else next(iter(frames.values()))
    if task.id is None:
        rows = rows.repartition(1)
    else:  # each partition is one block, which Ray does not divide
        parts = DataContext.get_current().default_hash_shuffle_parallelism
        rows = rows.repartition(parts, keys=[task.id], sort=True)
    return rows.map_batches(partial(_outcome, task), batch_size=None, batch_format="pyarrow")


def _together(frames: Mapping[str, Dataset]) -> Dataset:
    """Frames as one, each row with its role."""
    role = pa.schema([(ROLE, pa.string())])
    schemas = [schema(frame) for frame in frames.values()]
    columns = pa.unify_schemas([*schemas, role], promote_options="permissive")
    first, *others = (
        frame.map_batches(
            partial(_marked, role=name, columns=columns), batch_size=None, batch_format="pyarrow"
        )
        for name, frame in frames.items()
    )
    return first.union(*others)


def _marked(rows: pa.Table, role: str, columns: pa.Schema) -> pa.Table:
    """Rows with their role, and with the columns of all roles."""
    roles = pa.repeat(pa.scalar(role), rows.num_rows)
    return as_schema(rows.append_column(ROLE, roles), columns)


def _outcome(task: Task, rows: pa.Table) -> pa.Table:
    """The outcome for a partition."""
    try:
        return pa.concat_tables([task.schema.empty_table(), *task.run(rows.to_batches())])
    except ForecastError:
        sys.tracebacklimit = 0  # the message says all
        raise
