"""A model as MLflow calls it: a table of histories in, a table of forecasts out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from forecast.errors import DataError, first_few
from forecast.model import Model


class TableRequest(NamedTuple):
    """What a table asks for.

    Attributes:
        history: the rows to continue; None where the model's own state is continued.
        future: rows with the future covariates; None where there are none.
        series: ids to forecast; None for all.
    """

    history: Any = None
    future: Any = None
    series: list[Any] | None = None


@dataclass(frozen=True)
class TableForecaster:
    """The pyfunc of a model.

    Attributes:
        model: that forecasts.
    """

    model: Model

    def get_raw_model(self) -> Model:
        """The model itself, as `PyFuncModel.get_raw_model` gives it."""
        return self.model

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """Forecast what follows the rows of a table.

        A table with values of the target is a history, which is continued; rows behind it that
        have no value of the target give the future covariates. Without any value the model's own
        state is continued: that of the series that the table names, or of all. So a table without
        rows, or with a column of ids alone, needs no history.

        A table whose cells are lists has a row for each series, and so has the outcome: this is
        how `mlflow.pyfunc.spark_udf` can be given whole histories.

        Args:
            data: the table, or None.
            params: horizon, levels, paths and seed, see `Model.rollout`.

        Returns:
            The table of the forecast; with `paths` the sample paths instead.

        Raises:
            DataError: if the table does not fit.
            OptionError: if a parameter is out of range or does not fit the model.
        """
        table = pd.DataFrame() if data is None else pd.DataFrame(data)
        asked = {name: value for name, value in (params or {}).items() if value is not None}
        if not holds_lists(table):
            return self._forecast(table, asked)
        rows = [self._forecast(unpacked(row), asked) for row in table.to_dict("records")]
        return pd.DataFrame([packed(forecast, self.model) for forecast in rows])

    def _forecast(self, table: pd.DataFrame, asked: Mapping[str, Any]) -> pd.DataFrame:
        history, future, series = requested(table, self.model)
        options = {"horizon": self.model.config.horizon, **asked}
        forecast = self.model.rollout(history=history, future=future, series=series, **options)
        table = forecast.path_table if options.get("paths") else forecast.table
        return pd.DataFrame(table)


def requested(table: pd.DataFrame, model: Model) -> TableRequest:
    """What a table with the columns of a model asks for.

    Raises:
        DataError: if it has times but no column of the target. MLflow leaves out columns that it
            does not know, so a misspelt one must not be taken for a missing one.
    """
    schema, takes_covariates = model.config.schema, bool(model.config.known)
    targets = {str(name) for name in _targets(model)}
    values = [name for name in table.columns if str(name) in targets or schema.turned]
    if table[values].notna().any(axis=None):
        history = as_trained(table, model)
        return TableRequest(history, future=history if takes_covariates else None)
    has_times = schema.time in table.columns
    if has_times and not values:
        raise DataError(
            f"the table has times but no column {first_few(_targets(model))}; give the values that "
            "a forecast continues, or no times to continue the model's own state"
        )
    names = None
    if schema.layout == "long" and schema.id in table.columns:
        names = table[schema.id].drop_duplicates().tolist() or None
    future = table.drop(columns=values) if takes_covariates and has_times else None
    return TableRequest(future=future, series=names)


def _targets(model: Model) -> list[Any]:
    """The names of the columns that hold values to be forecast."""
    schema = model.config.schema
    return model.state.ids.tolist() if schema.layout == "wide" else [*schema.targets]


def as_trained(table: pd.DataFrame, model: Model) -> pd.DataFrame | pd.Series[Any]:
    """A table with its index where the training table had it; MLflow's have columns only."""
    schema = model.config.schema
    labels = [name for name in schema.index if name in table.columns]
    indexed = table.set_index(labels) if labels else table
    return indexed[schema.targets[0]] if schema.is_series else indexed


def holds_lists(table: pd.DataFrame) -> bool:
    """Whether a row of the table holds a whole series, with lists in its cells."""
    return any(is_list(cell) for cell in table.head(1).to_numpy().ravel())


def is_list(cell: Any) -> bool:
    """Whether a cell holds several values."""
    return isinstance(cell, list | tuple | np.ndarray)


def unpacked(row: Mapping[Any, Any]) -> pd.DataFrame:
    """The rows of one series whose cells are lists; other cells hold for all of them."""
    return pd.DataFrame({name: [*cell] if is_list(cell) else cell for name, cell in row.items()})


def packed(forecast: pd.DataFrame, model: Model) -> dict[str, Any]:
    """The forecast of one series as one row, with lists in its cells but that of the id."""
    is_id = {name: name == model.config.schema.id for name in forecast.columns}
    return {
        name: forecast[name].iloc[0] if is_id[name] else forecast[name].tolist()
        for name in forecast.columns
    }
