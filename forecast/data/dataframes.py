"""DataFrames of other libraries than pandas, by Narwhals: in at the gate, and back as they came."""

from __future__ import annotations

from typing import Any, cast

import pandas as pd

from forecast.errors import DataError


def is_table(value: Any) -> bool:
    """Whether a value is a table of any library, rather than numbers or a value of our own."""
    if isinstance(value, pd.DataFrame | pd.Series):
        return True
    columns = getattr(type(value), "columns", None)  # a property, wherever there are DataFrames
    return columns is not None and not callable(columns)


def to_pandas(table: Any, source: str = "the table") -> Any:
    """Give a DataFrame of Polars, PyArrow or another library that Narwhals knows as pandas' own.

    Args:
        table: the DataFrame; what is pandas', or no table, is given back as it is.
        source: what to call it in messages.

    Returns:
        The same rows in pandas.

    Raises:
        DataError: its rows are yet to be computed, or pandas has no place for them.
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
        raise DataError(f"{source}: pandas has no place for it: {problem:.200}") from None
    if isinstance(frame, nw.LazyFrame):
        raise DataError(
            f"{source}: a {type(table).__name__}, whose rows are yet to be computed; give it after "
            ".collect() (.compute() in Dask)"
        )
    return table


def alike(frame: pd.DataFrame, *given: Any) -> pd.DataFrame:
    """Give a result as the kind of table that was given.

    Args:
        frame: the result.
        given: what a function was given, tables among it perhaps; the first one counts.

    Returns:
        The frame itself, or the same in the library of that table. Its columns that are dates
        without a time or of an Enum there are so here, which pandas cannot say; periods, which
        pandas alone knows, are the times when they begin. To type checkers it is of pandas.
    """
    table = next((one for one in given if is_table(one)), frame)
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
    """Whether a column can have a type that pandas has not."""
    import narwhals.stable.v2 as nw

    if isinstance(dtype, nw.Enum):
        return {*column.unique()} <= {*dtype.categories}
    is_time = pd.api.types.is_datetime64_dtype(column.dtype)
    return dtype == nw.Date and is_time and bool((column == column.dt.normalize()).all())
