"""The columns and parameters that a model takes in MLflow, and an example of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
from mlflow.types.schema import AnyType

from forecast.data import scaling
from forecast.data.covariates import Covariate, CovariateColumns
from forecast.data.panel import Panel
from forecast.data.to_table import to_table
from forecast.model import Model

EXAMPLE_SERIES = 2  # that an example shows at most
LEAST_ROWS, MOST_ROWS = 7, 48  # of each
DIGITS = 3


def signature_of(model: Model) -> ModelSignature:
    """The signature of a model: its columns in, its forecast out, and the parameters of a rollout.

    Columns may be left out, as the model's own state can be continued without any. Their types are
    left to the model: a column that MLflow knows as double refuses whole numbers, and one that it
    knows as datetime reads 01.02.2024 as the second of January.
    """
    return ModelSignature(inputs=_inputs(model), outputs=_outputs(model), params=_parameters(model))


def example_of(model: Model) -> pd.DataFrame:
    """A table as the model takes it, of made-up values: an example is seen by many.

    They swing about the level of the first series, by its spread. Covariates have their usual
    value, and known ones rows for the steps of a forecast, too.
    """
    table = to_table(_made_up(model))
    return table.reset_index() if model.config.schema.index else pd.DataFrame(table)


def _inputs(model: Model) -> Schema | None:
    """The columns; None for a table with times across the top, whose columns are times."""
    schema, config = model.config.schema, model.config
    if schema.turned:
        return None
    labels = [schema.time] if schema.layout != "long" else [schema.id, schema.time]
    values = model.state.ids.tolist() if schema.layout == "wide" else schema.targets
    covariates = [covariate.name for covariate in (*config.known, *config.static)]
    return Schema(
        [ColSpec(AnyType(), str(n), required=False) for n in (*labels, *values, *covariates)]
    )


def _outputs(model: Model) -> Schema:
    """Those columns of a forecast that it always has."""
    schema, state = model.config.schema, model.state
    labels = schema.table(state.frequency, state.ids[:1], state.time[:1], {})
    types = {str(name): _type_of(labels[name]) for name in labels}
    types |= dict.fromkeys(schema.forecasts, DataType.double)
    return Schema([ColSpec(kind, name) for name, kind in types.items()])


def _type_of(labels: pd.Series[Any]) -> DataType:
    if pd.api.types.is_datetime64_any_dtype(labels.dtype):
        return DataType.datetime
    return DataType.long if pd.api.types.is_integer_dtype(labels.dtype) else DataType.string


def _parameters(model: Model) -> ParamSchema:
    return ParamSchema(
        [
            ParamSpec("horizon", DataType.long, model.config.horizon),
            ParamSpec("levels", DataType.double, [], shape=(-1,)),
            ParamSpec("paths", DataType.long, 0),
            ParamSpec("seed", DataType.long, 0),
        ]
    )


def _made_up(model: Model) -> Panel:
    """A season and more of some series as a panel, with rows for their future covariates."""
    config = model.config
    state = model.state.take(np.arange(min(len(model.state.ids), EXAMPLE_SERIES)))
    series, steps = len(state.ids), config.horizon if config.known else 0
    season = min(max(config.season, LEAST_ROWS), MOST_ROWS)
    swing = np.sin(2 * np.pi * np.arange(season) / season)[None, :, None]
    values = scaling.backward(swing, state.scale, config.powers)
    values = np.array([float(f"{value:.{DIGITS}g}") for value in values.ravel()])
    values = values.reshape(series, season, -1)
    values = np.pad(values, ((0, 0), (0, steps), (0, 0)), constant_values=np.nan)
    rows, step = values.shape[1], config.frequency.step
    return Panel(
        ids=state.ids,
        indptr=np.arange(series + 1) * rows,
        start=state.time - (rows - steps - 1) * step,
        target=values.reshape(series * rows, -1),
        frequency=config.frequency,
        schema=config.schema,
        known=_usual(config.known, series * rows),
        static=_usual(config.static, series),
    )


def _usual(covariates: Sequence[Covariate], rows: int) -> CovariateColumns:
    """The usual values of covariates: the mean of numbers, the first of categories."""
    cells = np.array([0.0 if c.categories else c.location for c in covariates])
    return CovariateColumns(
        names=tuple(covariate.name for covariate in covariates),
        values=np.broadcast_to(cells, (rows, len(cells))),
        categories=tuple(covariate.categories for covariate in covariates),
    )
