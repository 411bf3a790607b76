"""Spark DataFrames: on Spark's own workers, which need no TensorFlow."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial, reduce

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
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
from forecast.engines.batches import ROLE, Task
from forecast.errors import ForecastError
from forecast.inference.predictor import Predictor

ROWS = "__rows"  # the column of the rows of a series
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
    """A frame whose times are as the model knows them.

    Spark's timestamps are instants. For a model of times without a zone they are read by the clock
    of the session, as in Spark's own conversion to pandas.
    """
    names = model.config.schema
    is_instant = names.time in frame.columns and _is_instant(frame, names.time)
    if not is_instant or has_zone(names.time_dtype):
        return frame
    return frame.withColumn(names.time, sql.col(names.time).cast("timestamp_ntz"))


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
    if task.id is None:
        rows, work = rows.coalesce(1), _outcome
    else:  # a row for each series passes to Python in two thirds of the time of its rows
        columns = sql.struct(*(name for name in rows.columns if name != task.id))
        rows, work = rows.groupBy(task.id).agg(sql.collect_list(columns).alias(ROWS)), _of_lists
    known = TYPES | {field.type: own[field.name] for field in like if field.name in own}
    fields = [StructField(field.name, known[field.type]) for field in like]
    found = rows.mapInArrow(partial(work, task), StructType(fields))
    if not _is_instant(given, time):
        return found
    times = [field.name for field in like if field.type == like.field(time).type]
    instants = {name: sql.col(name).cast(given.schema[time].dataType) for name in times}
    return found.withColumns(instants)


def _of_lists(task: Task, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The outcome for a partition with a row for each series, which has a list of its rows."""
    return _outcome(task, map(_unpacked, batches))


def _unpacked(series: pa.RecordBatch) -> pa.RecordBatch:
    """A row for each row of the series, instead of lists of them."""
    lists = series[ROWS]
    ids = series.drop_columns([ROWS]).take(pc.list_parent_indices(lists))
    rows = pa.RecordBatch.from_struct_array(pc.list_flatten(lists))
    return pa.RecordBatch.from_arrays(
        [*ids.columns, *rows.columns], [*ids.schema.names, *rows.schema.names]
    )


def _outcome(task: Task, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The outcome for a partition."""
    try:
        for found in task.run(batches):
            yield from found.to_batches()
    except ForecastError:
        sys.tracebacklimit = 0  # the message says all; Spark ends this process
        raise


def _is_instant(frame: DataFrame, name: str) -> bool:
    return isinstance(frame.schema[name].dataType, TimestampType)
