"""A user's table or values as the rows of a model: same columns, times and ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from forecast.data import covariates
from forecast.data.column_roles import ColumnRoles, EarlierRoles
from forecast.data.dataframes import to_pandas
from forecast.data.future_covariates import FutureCovariates
from forecast.data.origin import IN_MEMORY, TableOrigin
from forecast.data.panel import Panel
from forecast.data.parsing import write_ids
from forecast.data.schema import Schema
from forecast.data.table_layout import FILE_COLUMN
from forecast.data.timestamps import has_zone
from forecast.data.to_panel import Expected, read_panel
from forecast.errors import DataError
from forecast.inference.config import Config
from forecast.inference.state import State

FUTURE_IN_MEMORY = TableOrigin("the future")


def read_history(
    table: Any,
    config: Config,
    ids: list[Any],
    origin: TableOrigin = IN_MEMORY,
    *,
    fill_gaps: bool = True,
    all_missing: bool = False,
    has_target: bool = True,
) -> Panel:
    """Validate a table with the columns of the training data.

    Static columns may be left out: series that the model knows have theirs.

    Args:
        table: of the layout that the model was trained on.
        config: of the model.
        ids: of the series that the model knows.
        origin, fill_gaps, all_missing: see `read_panel`.
        has_target: False for a table of future covariates, which needs no target.

    Raises:
        DataError: if the table does not fit.
    """
    table, schema = to_pandas(table, origin.source), config.schema
    known_ids = set(ids)
    expected = Expected(
        time_dtype=schema.time_dtype,
        roles=EarlierRoles(
            series={str(name) for name in ids} if schema.layout == "wide" else (),
            unused=schema.unused,
            is_one_series=schema.layout == "series",
            turned=schema.turned,
        ),
        categorical={
            covariate.name: bool(covariate.categories)
            for covariate in (*config.known, *config.static)
        },
        decimals=schema.decimals,
    )
    panel = read_panel(
        table,
        _roles(config, table, has_target),
        origin,
        frequency=config.frequency.name,
        fill_gaps=fill_gaps,
        all_missing=all_missing,
        expected=expected,
    )
    if schema.layout != "series":  # whose id is the name of its target
        panel = _with_ids_of(panel, schema)
    is_unknown = np.array([name not in known_ids for name in panel.ids], dtype=bool)
    notes = covariates.unfamiliar_values(panel.known, config.known, panel.source)
    if panel.static.names and is_unknown.any():  # known series keep what training has seen
        static = panel.static.take(np.flatnonzero(is_unknown))
        notes += covariates.unfamiliar_values(static, config.static, panel.source)
    panel = replace(panel, notes=(*panel.notes, *notes))
    is_zoned, was_zoned = (has_zone(own.time_dtype) for own in (panel.schema, schema))
    if is_zoned != was_zoned:
        have, had = ("a", "none") if is_zoned else ("no", "one")
        raise DataError(
            f"{panel.source}: its times have {have} time zone, those that the model was "
            f"trained on have {had}; write them in the same way"
        )
    if schema.layout != "series":
        return panel
    if len(panel.ids) > 1:
        raise DataError(
            f"{panel.source}: {len(panel.ids)} series, distinguished by "
            f"'{panel.schema.id}', but the model was trained on a table of one series without "
            "such a column; give one series, or train on such a table"
        )
    return replace(panel, ids=np.array(schema.targets[:1], dtype=object))  # whatever its name


def _roles(config: Config, table: Any, has_target: bool) -> ColumnRoles:
    """The roles of a table like the training data's; id and time in its index are found there."""
    schema = config.schema
    columns = {str(name) for name in getattr(table, "columns", ())}
    roles = ColumnRoles(
        known=tuple(covariate.name for covariate in config.known),
        static=tuple(c.name for c in config.static if c.name in columns),
        has_target=has_target,
    )
    if has_target:
        roles = replace(roles, also=schema.targets[1:])
    if schema.is_series:
        return roles
    names = {"time": schema.time}
    if schema.layout == "long" and schema.id is not None:
        names["id"] = schema.id
    if schema.layout != "wide" and has_target:
        names["target"] = schema.targets[0]
    return roles.or_else({role: name for role, name in names.items() if name not in schema.index})


def read_future(
    table: Any, config: Config, ids: list[Any], origin: TableOrigin = FUTURE_IN_MEMORY
) -> FutureCovariates:
    """Validate a table of future covariates, with the known columns of the training data.

    The table needs no target; without the column that names the series its rows hold for all.
    A cell may be missing where training has seen such cells in its column.

    Args:
        table, config, ids, origin: see `read_history`.

    Raises:
        DataError: if the table does not fit.
    """
    schema, table = config.schema, to_pandas(table, origin.source)
    if not hasattr(table, "columns"):
        raise DataError(f"the future is a {type(table).__name__}, where a DataFrame should be")
    names = {str(name) for name in (*table.columns, *table.index.names)}
    is_by_file = schema.id == FILE_COLUMN and len(origin.files) > 1
    is_shared = schema.layout == "long" and schema.id not in names and not is_by_file
    if is_shared:
        used = {schema.time, *(covariate.name for covariate in config.known)}
        table = table[[name for name in table.columns if str(name) in used]]
        config = replace(config, schema=replace(schema, layout="series"))
    panel = read_history(table, config, ids, origin, has_target=False)
    is_row = ~np.isnan(panel.target[:, 0])  # and not filled into a gap
    needed = [panel.known.names.index(c.name) for c in config.known if not c.has_missing]
    is_whole = ~np.isnan(panel.known.values[:, needed]).any(axis=1)
    return replace(
        FutureCovariates.of(panel, config.known), complete=is_row & is_whole, is_shared=is_shared
    )


def _with_ids_of(panel: Panel, schema: Schema) -> Panel:
    """The panel with its ids in the type that a schema has for them.

    Raises:
        DataError: if an id would come out as another one.
    """
    if panel.schema.id_dtype == schema.id_dtype:
        return panel
    written = _written(panel.ids, schema)
    if written is None:
        wrong = next(
            name for name in panel.ids if _written(np.array([name], object), schema) is None
        )
        raise DataError(
            f"{panel.source}: the id '{wrong}' does not fit those that the model was trained on, "
            f"whose type is {schema.id_dtype}; correct it, or train with such ids"
        )
    return replace(panel, ids=written)


def _written(ids: np.ndarray, schema: Schema) -> np.ndarray | None:
    """Ids in the type that a schema has for them; None where one would be another then."""
    try:
        written = write_ids(ids, schema.id_dtype).to_numpy()
    except (TypeError, ValueError, OverflowError):
        return None
    return written if written.astype(str).tolist() == ids.astype(str).tolist() else None


def next_rows(state: State, values: Any, config: Config, future: FutureCovariates | None) -> Panel:
    """The panel of the next rows of every series of a state, from their values alone.

    Args:
        state: which series, and when.
        values: (S,) for one row of each series, (S, k) for k rows; of several targets (S, D) or
            (S, k, D); NaN where missing. Or such rows by the ids of the series.
        config: of the model.
        future: their covariates, for a model that takes some.

    Raises:
        DataError: if the values are not numbers, infinite, or too many or too few.
    """
    values = _in_order(state, values)
    try:
        rows = _numbers(values)
    except (TypeError, ValueError, OverflowError, RuntimeError):  # tensors raise the last one
        raise DataError(
            f"new rows are {type(values).__name__} {values!r:.60}; give a table or numbers"
        ) from None
    series, d = len(state.ids), config.targets
    rows = np.atleast_1d(rows)
    rows = rows[..., None] if d == 1 else np.atleast_2d(rows)
    rows = rows[:, None] if rows.ndim == 2 else rows  # one row of each
    if rows.ndim != 3 or (len(rows), rows.shape[2]) != (series, d) or not rows.size:
        own = "" if d == 1 else f", {d}"
        targets = "" if d == 1 else f" of {d} targets"
        raise DataError(
            f"new values of shape {np.shape(values)}; the state holds {series} series{targets}: "
            f"give ({series}{own or ','}) for one row of each or ({series}, k{own}) for k rows"
        )
    if np.isinf(rows).any():
        name = state.ids[np.isinf(rows).any(axis=(1, 2))][0]
        raise DataError(f"series '{name}' has an infinite new value; use NaN for unknown ones")
    panel = Panel(
        ids=state.ids,
        indptr=np.arange(series + 1) * rows.shape[1],
        start=state.time + state.frequency.step,
        target=rows.reshape(-1, d),
        frequency=state.frequency,
        schema=config.schema,
    )
    if not config.known:
        return panel
    if future is None:
        names = [covariate.name for covariate in config.known]
        raise DataError(
            f"the model takes the columns {names} too; give the new rows as a table that has "
            "them, or the columns as future="
        )
    times = state.time + state.frequency.step * np.arange(1, rows.shape[1] + 1)[:, None]
    return replace(panel, known=future.columns(state.ids, times))


def _numbers(values: Any) -> np.ndarray:
    """Values as float64, NaN where an array masks one.

    Raises:
        TypeError, ValueError, OverflowError, RuntimeError: if they are not numbers.
    """
    masked = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else False
    rows = np.asarray(values)
    if values is None or rows.dtype.kind not in "biufO":
        raise TypeError
    return np.where(masked, np.nan, rows.astype(np.float64))


def _in_order(state: State, values: Any) -> Any:
    """Values that are given by id, in the order of a state."""
    if not isinstance(values, Mapping):
        return values
    ids = state.ids.tolist()
    if values.keys() != {*ids} or len(values) != len(ids):
        raise DataError(
            f"new values are those of {list(values)}; the state holds {len(ids)} series, give a "
            f"value for each, NaN where it is missing: {ids[:5]}"
        )
    return [values[name] for name in ids]
