"""DataFrames of other libraries: converted to pandas and back by Narwhals."""

from __future__ import annotations

from typing import Any, cast

import pandas as pd

from forecast.errors import DataError

ENGINES = ("pyspark", "dask", "ray")  # packages whose frames are computed when asked for


def is_of_engine(value: Any) -> bool:
    """Whether a value is a frame that Spark, Dask or Ray computes, see `forecast.engines`."""
    return type(value).__module__.partition(".")[0] in ENGINES


def is_table(value: Any) -> bool:
    """Whether a value is a table of any library, rather than numbers or one of our own types."""
    if isinstance(value, pd.DataFrame | pd.Series):
        return True
    columns = getattr(type(value), "columns", None)  # a property, wherever there are DataFrames
    return columns is not None and not callable(columns)


def to_pandas(table: Any, source: str = "the table") -> Any:
    """Convert a DataFrame of Polars, PyArrow or another library that Narwhals supports to pandas.

    Args:
        table: the DataFrame; a table of pandas, or a value that is not a table, is returned as
            it is.
        source: what to call it in messages.

    Returns:
        The same rows in pandas.

    Raises:
        DataError: its rows are not computed yet, or pandas cannot hold them.
    """
    if isinstance(table, pd.DataFrame | pd.Series) or not is_table(table):
        return table
    import narwhals.stable.v2 as nw
    import pyarrow as pa
    from narwhals.exceptions import NarwhalsError

    try:
        frame = nw.from_native(table, pass_through=True)
        if isinstance(frame, nw.DataFrame):
            return frame.to_pandas()
    except (NarwhalsError, pa.ArrowException) as error:
        problem = " ".join(str(error).split())
        raise DataError(f"{source}: pandas cannot hold it: {problem:.200}") from None
    if isinstance(frame, nw.LazyFrame):
        raise DataError(
            f"{source}: a {type(table).__name__}, whose rows are not computed yet; give it after "
            ".collect() (.compute() in Dask, .toPandas() in Spark)"
        )
    return table


def alike(frame: pd.DataFrame, *arguments: Any) -> pd.DataFrame:
    """Convert a result to the library of the tables that a function was given.

    Args:
        frame: the result.
        arguments: of the function; the first table among them counts.

    Returns:
        The frame itself, or the same in the library of that table. Columns that are dates
        without a time or an Enum there have these types here too, which pandas lacks; periods,
        which only pandas has, become their start times. To type checkers it is of pandas.
    """
    table = next((argument for argument in arguments if is_table(argument)), frame)
    if isinstance(table, pd.DataFrame | pd.Series):
        return frame
    import narwhals.stable.v2 as nw

    like = nw.from_native(table, eager_only=True)
    is_period = [isinstance(dtype, pd.PeriodDtype) for dtype in frame.dtypes]
    periods = {name: frame[name].dt.to_timestamp() for name in frame.columns[is_period]}
    frame = frame.assign(**periods)
    made = nw.from_arrow(frame, backend=like.implementation)
    casts = [
        nw.col(name).cast(dtype)
        for name, dtype in like.schema.items()
        if name in made.columns and _fits(frame[name], dtype)
    ]
    return cast(pd.DataFrame, made.with_columns(casts).to_native())


def _fits(column: pd.Series[Any], dtype: Any) -> bool:
    """Whether a column can have a type that pandas lacks."""
    import narwhals.stable.v2 as nw

    if isinstance(dtype, nw.Enum):
        return {*column.unique()} <= {*dtype.categories}
    is_time = pd.api.types.is_datetime64_dtype(column.dtype)
    return dtype == nw.Date and is_time and bool((column == column.dt.normalize()).all())
