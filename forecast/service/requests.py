"""What requests hold and what they are answered, as the OpenAPI page shows it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
)

from forecast.pretrained.zero_shot import MAX_SEASON


def _written(text: str) -> str:
    """Text that files and databases can hold: JSON knows halves of characters too."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("the text holds half of a character") from None
    return text


Text = Annotated[StrictStr, AfterValidator(_written)]
Whole = Annotated[StrictInt, Field(ge=-(2**63), lt=2**63)]  # as tables and databases hold
Cell = Text | Whole | StrictFloat | StrictBool | None
Row = dict[Text, Cell]
Id = Text | Whole
ModelName = Annotated[
    Text | None,
    Field(description="Which model, by the name of its file; not needed where there is one"),
]
Levels = Annotated[
    list[Annotated[StrictFloat | StrictInt, Field(ge=1, lt=100)]],
    Field(max_length=20, description="Widths of intervals in percent"),
]
ROWS = "rows with the columns of the training table, each an object of names and cells"


class Body(BaseModel):
    """What all bodies have; other fields than theirs are refused."""

    model_config = ConfigDict(extra="forbid")

    model: ModelName = None


class PredictRequest(Body):
    """A forecast."""

    horizon: Annotated[StrictInt, Field(ge=1, description="How many steps")]
    series: Annotated[
        list[Id] | None, Field(min_length=1, description="Ids; by default all series")
    ] = None
    levels: Levels = []
    paths: Annotated[StrictInt, Field(ge=0, description="Sample paths of each series")] = 0
    seed: Annotated[StrictInt, Field(ge=0, lt=2**64, description="Of the sample paths")] = 0
    history: Annotated[
        list[Row] | None, Field(min_length=1, description=f"What to continue: {ROWS}")
    ] = None
    future: Annotated[
        list[Row] | None,
        Field(min_length=1, description="Future covariates: rows with the time and their columns"),
    ] = None
    new_series: Annotated[
        list[Row] | None,
        Field(
            min_length=1,
            max_length=100,
            description="Series without a history, forecast by the series that are most like "
            "them: rows with the id and the static covariates, as far as they are known",
        ),
    ] = None

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"horizon": 12, "levels": [80]}]}
    )


class ChartRequest(Body):
    """A series that is to be drawn."""

    series: Annotated[Id, Field(description="Its id")]
    horizon: Annotated[
        StrictInt | None, Field(ge=1, description="How many steps; by default training's")
    ] = None
    known: Annotated[
        Row | None,
        Field(description="Future covariates that hold for all steps, for a model that takes some"),
    ] = None


class UntrainedRequest(BaseModel):
    """A table to forecast without a model, and how its columns are read."""

    horizon: Annotated[StrictInt, Field(ge=1, description="How many steps")]
    history: Annotated[
        list[Row], Field(min_length=1, description="Rows, each an object of names and cells")
    ]
    levels: Levels = []
    id: Annotated[Text | None, Field(description="The column that names the series")] = None
    time: Annotated[Text | None, Field(description="The column of times")] = None
    target: Annotated[Text | None, Field(description="The column to forecast")] = None
    season: Annotated[
        StrictInt | None,
        Field(ge=1, le=MAX_SEASON, description="Steps in a season; by default the frequency's"),
    ] = None

    model_config = ConfigDict(extra="forbid")


class ObserveRequest(Body):
    """New rows."""

    rows: Annotated[list[Row], Field(min_length=1, description=ROWS[0].upper() + ROWS[1:])]
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"rows": [{"id": "a", "ds": "2026-11-30", "y": 1.5}]}]},
    )

    fill_gaps: Annotated[StrictBool, Field(description="Take skipped rows as missing values")] = (
        False
    )


class Forecasts(BaseModel):
    """The forecasts of some series."""

    model: str
    forecast: Annotated[list[dict[str, Any]], Field(description="Rows, like those of the library")]
    paths: Annotated[list[dict[str, Any]] | None, Field(description="Sample paths")] = None
    notes: Annotated[list[str], Field(description="What there is to say about it")]


class Observed(BaseModel):
    """What new rows have done; by the time of the answer it is on the disk."""

    model: str
    rows: Annotated[int, Field(description="Rows that states have taken in")]
    seen: Annotated[int, Field(description="Rows that they had seen before, passed over")]
    series: Annotated[int, Field(description="Series of the rows")]
    new: Annotated[int, Field(description="Series that had no state")]
    notes: Annotated[list[str], Field(description="What is remarkable about the rows")]


class ModelDescription(BaseModel):
    """A model that is served."""

    name: str
    fingerprint: str
    series: Annotated[int, Field(description="How many have a state")]
    frequency: str
    horizon: Annotated[int, Field(description="Steps that training practised")]
    id: Annotated[str | None, Field(description="The column that names the series")]
    time: str
    targets: list[str]
    known: Annotated[list[str], Field(description="Future covariates")]
    static: list[str]
    needs_token: Annotated[bool, Field(description="Whether /observe wants one")]


class SeriesEntry(BaseModel):
    """A series that has a state."""

    id: Id
    last_time: str


class SeriesPage(BaseModel):
    """Some series, in the order of their ids."""

    series: list[SeriesEntry]
    total: Annotated[int, Field(description="How many series there are in all")]
    next: Annotated[Id | None, Field(description="Give it as `after` for those that follow")]


class Health(BaseModel):
    """That the service is there."""

    status: str
    version: str
    models: list[str]
