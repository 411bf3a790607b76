"""Spark DataFrames: on Spark's own workers, which need no TensorFlow."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial, reduce

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as sql
from pyspark.sql.types import (
    BinaryType,
    DataType,
    DoubleType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from forecast.data.timestamps import has_zone
from forecast.engines.batches import ROLE, Task, needed
from forecast.errors import ForecastError
from forecast.inference.predictor import Predictor

KEY, ROWS = "__id", "__rows"  # the columns of a series and of its rows, on their way to Python
TYPES: dict[pa.DataType, DataType] = {
    pa.float64(): DoubleType(),
    pa.int64(): LongType(),
    pa.string(): StringType(),
    pa.binary(): BinaryType(),
}


@contextmanager
def session(settings: Mapping[str, str]) -> Iterator[Callable[[list[str]], DataFrame]]:
    """What reads Parquet files.

    Args:
        settings: of Spark's session, such as "master" for `spark.master`. One that is there
            already is used, and stays.
    """
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    was_there = SparkSession.getActiveSession() is not None
    builder: SparkSession.Builder = SparkSession.builder
    for name, value in settings.items():
        builder = builder.config(name if name.startswith("spark.") else f"spark.{name}", value)
    own = builder.getOrCreate()
    try:
        yield lambda paths: own.read.parquet(*paths)
    finally:
        if not was_there:
            own.stop()


def write(frame: DataFrame, folder: str) -> None:
    """Compute a frame, and write it as Parquet files."""
    frame.write.parquet(folder)


def prepared(frame: DataFrame, model: Predictor) -> DataFrame:
    """The columns that the model needs, whose times are as it knows them.

    Spark's timestamps are instants. For a model of times without a zone they are read by the clock
    of the session, as in Spark's own conversion to pandas.
    """
    names = model.config.schema
    frame = frame.select(*map(_column, needed(model, frame.columns)))
    is_instant = names.time in frame.columns and _is_instant(frame, names.time)
    if not is_instant or has_zone(names.time_dtype):
        return frame
    return frame.withColumn(names.time, _column(names.time).cast("timestamp_ntz"))


def schema(frame: DataFrame) -> pa.Schema:
    """The columns of a frame in Arrow."""
    return frame.limit(0).toArrow().schema


def table(frame: DataFrame) -> pa.Table:
    """All rows of a frame in Arrow."""
    return frame.toArrow()


def run(task: Task, frames: Mapping[str, DataFrame], given: DataFrame) -> DataFrame:
    """The outcome of a task for all series, computed when it is asked for.

    Args:
        task: what to do.
        frames: the rows by role, prepared.
        given: the first of them as the user has it, whose types the outcome has.
    """
    parts = list(frames.values())
    if len(frames) > 1:
        parts = [frame.withColumn(ROLE, sql.lit(role)) for role, frame in frames.items()]
    rows = reduce(partial(DataFrame.unionByName, allowMissingColumns=True), parts)
    time, like = task.model.config.schema.time, task.schema
    own = {field.name: field.dataType for field in rows.schema}
    # A row for each series passes to Python in two thirds of the time of its rows one by one.
    others = sql.struct(*(_column(name) for name in rows.columns if name != task.id))
    keys = [] if task.id is None else [_column(task.id).alias(KEY)]
    series = rows.groupBy(*keys).agg(sql.collect_list(others).alias(ROWS))
    types = {field.name: field.type for field in schema(next(iter(frames.values())))}
    known = TYPES | {kind: own[name] for name, kind in types.items()}
    fields = [StructField(field.name, own.get(field.name) or known[field.type]) for field in like]
    found = series.mapInArrow(partial(_outcome, task), StructType(fields))
    if not _is_instant(given, time):
        return found
    times = [field.name for field in like if field.type == types[time]]
    instants = {name: _column(name).cast(given.schema[time].dataType) for name in times}
    return found.withColumns(instants)


def _unpacked(series: pa.RecordBatch, id: str | None) -> pa.RecordBatch:
    """The rows of series, from a row for each with a list of them."""
    lists = series[ROWS]
    rows = pa.RecordBatch.from_struct_array(pc.list_flatten(lists))
    if id is None:
        return rows
    return rows.append_column(id, series[KEY].take(pc.list_parent_indices(lists)))


def _outcome(task: Task, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The outcome for a partition of series."""
    try:
        for found in task.run(_unpacked(series, task.id) for series in batches):
            yield from found.to_batches()
    except ForecastError:
        sys.tracebacklimit = 0  # the message says all; Spark ends this process
        raise


def _column(name: str) -> Column:
    """A column by its whole name, in which a dot is no more than a dot."""
    escaped = name.replace("`", "``")
    return sql.col(f"`{escaped}`")


def _is_instant(frame: DataFrame, name: str) -> bool:
    return isinstance(frame.schema[name].dataType, TimestampType)
