"""The core of every engine: whole series in Arrow tables go in, Arrow tables come out.

An engine holds rows of several roles: histories, states, new rows, future covariates. It puts them
into one table, marked where there are several roles, brings the rows of each series together, and
gives them to a `Task`. What comes out for a series is the same whatever else its partition holds,
but for rounding: the order in which a matrix product adds up depends on its size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecast.engines.parts import ROWS, without_states
from forecast.errors import DataError, ForecastError, OptionError, first_few
from forecast.inference.predictor import Predictor

HISTORY, FUTURE, STATE, NEW_ROWS = "history", "future", "state", "new_rows"  # roles of rows
ROLE = "__role"  # the column that tells them apart, where there are several
ERROR = "error"  # the column that says why a series was not forecast
SHOWN = 10  # columns in a message
Tables = Mapping[str, pa.Table]  # by role
Work = Callable[[Predictor, Tables, Mapping[str, Any], str], pa.Table]


@dataclass(frozen=True)
class Task:
    """What is done to whole series, wherever they lie; a value that travels.

    Attributes:
        model: that does it, see `without_states`.
        work: from the model, the tables by role, the options and what to call the tables in
            messages, to the outcome.
        columns: of the rows of each role.
        schema: of the outcome.
        options: of the work.
        shared: tables that hold for all series.
        reports: whether a series that cannot be used becomes a row of its id and an error; by
            default it ends the work.
    """

    model: Predictor
    work: Work
    columns: Mapping[str, list[str]]
    schema: pa.Schema
    options: Mapping[str, Any] = field(default_factory=dict)
    shared: Tables = field(default_factory=dict)
    reports: bool = False

    @property
    def id(self) -> str | None:
        """The column that names the series; None where a table holds a single one."""
        return self.model.config.schema.id

    def run(self, batches: Iterable[pa.RecordBatch], rows: int = ROWS) -> Iterator[pa.Table]:
        """The outcome for series, so many rows at a time, see `parts`."""
        for _, outcome in self.parts(batches, rows):
            yield outcome

    def parts(
        self, batches: Iterable[pa.RecordBatch], rows: int = ROWS
    ) -> Iterator[tuple[pa.Table, pa.Table]]:
        """The rows that were worked on together, and the outcome for their series.

        Args:
            batches: rows of all roles, see `marked`; those of a series follow each other.
            rows: that are worked on together, or a single series.
        """
        for part in whole_series(batches, self.id, rows):
            yield part, self._outcome(part)

    def _outcome(self, rows: pa.Table, source: str = "the table") -> pa.Table:
        """The outcome for the series of some rows.

        Args:
            rows: of all roles, see `marked`.
            source: what to call them in messages.

        Raises:
            ForecastError: naming the first series that cannot be used, unless that is reported.
        """
        is_only = len(self.columns) == 1
        tables = {
            role: (rows if is_only else rows.filter(pc.equal(rows[ROLE], role))).select(columns)
            for role, columns in self.columns.items()
        }
        try:
            found = self.work(self.model, {**self.shared, **tables}, self.options, source)
            return as_schema(found, self.schema)
        except OptionError:
            raise
        except ForecastError as error:
            if self.id is None:
                raise
            problem = error
        ids = pc.unique(rows[self.id])
        if len(ids) > 1:
            is_first = pc.is_in(rows[self.id], ids[: len(ids) // 2])
            halves = (rows.filter(is_first), rows.filter(pc.invert(is_first)))
            return pa.concat_tables([self._outcome(half) for half in halves])
        name = f"series '{ids[0]}'"
        if source != name:  # once more, so that the message has its name and counts its rows
            return self._outcome(rows, name)
        if not self.reports:
            raise problem
        return as_schema(pa.table({self.id: ids, ERROR: [str(problem)]}), self.schema)


def by_use(frames: Mapping[str, Any], id: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Frames by role, those that hold rows of series apart from those that hold for all.

    Args:
        frames: None for those that are not there.
        id: the column that names the series.
    """
    given = {role: frame for role, frame in frames.items() if frame is not None}
    apart = {role for role in given if role == FUTURE and id not in _columns(given[role])}
    own = {role: frame for role, frame in given.items() if role not in apart}
    return own, {role: given[role] for role in apart}


def kind(frame: Any) -> str:
    """A frame's package and type, in words."""
    return f"{type(frame).__module__.partition('.')[0]} {type(frame).__name__}"


def _columns(frame: Any) -> Any:
    """The names of a frame's columns; Arrow and Ray have names of their own for these."""
    names = getattr(frame, "column_names", None) or frame.columns
    return names() if callable(names) else names


def marked(tables: Tables, id: str | None) -> pa.Table:
    """Tables as one, the rows of a series together; of several, each row has its role."""
    parts = list(tables.values())
    if len(tables) > 1:
        parts = [
            table.append_column(ROLE, pa.repeat(pa.scalar(role), table.num_rows))
            for role, table in tables.items()
        ]
    joined = pa.concat_tables(parts, promote_options="permissive")
    return joined if id is None else joined.sort_by(id)


def make_task(
    model: Predictor,
    work: Work,
    tables: Mapping[str, Any],
    fields: list[pa.Field],
    *,
    options: Mapping[str, Any] | None = None,
    shared: Tables | None = None,
    reports: bool = False,
) -> Task:
    """A task for whole series.

    Args:
        model: that does it.
        work, options, shared, reports: see `Task`.
        tables: the rows by role, or the schemas of such tables.
        fields: of the outcome; with `reports` the error follows.
    """
    for table in tables.values():
        refuse_text(model, _schema(table))
    columns = {role: _schema(table).names for role, table in tables.items()}
    errors = [pa.field(ERROR, pa.string())] if reports else []
    schema = pa.schema([*fields, *errors])
    return Task(without_states(model), work, columns, schema, options or {}, shared or {}, reports)


def whole_series(
    batches: Iterable[pa.RecordBatch], id: str | None, rows: int
) -> Iterator[pa.Table]:
    """Cut batches, in which the rows of a series follow each other, where a series ends.

    Args:
        batches: in order.
        id: the column that names the series; None where there is one.
        rows: of a part, at least, but for the last one.
    """
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if id is None or sum(part.num_rows for part in held) <= rows:
            continue
        table, begin = pa.Table.from_batches(held), 0
        for end in _ends(table[id])[:-1]:  # more rows of the last series may follow
            if end - begin >= rows:
                yield table.slice(begin, end - begin)
                begin = end
        held = table.slice(begin).to_batches()
    if any(part.num_rows for part in held):
        yield pa.Table.from_batches(held)


def _ends(ids: pa.ChunkedArray) -> list[int]:
    """Where each series ends."""
    encoded = pc.dictionary_encode(ids.combine_chunks(), null_encoding="encode")
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    ends: list[int] = (np.flatnonzero(np.diff(codes)) + 1).tolist()
    return [*ends, len(codes)]


def labels(model: Predictor, tables: Mapping[str, Any]) -> list[pa.Field]:
    """The fields of the id, where there is one, and of the time.

    Args:
        model: whose training had these columns.
        tables: the rows by role, or the schemas of such tables; the first has the types.

    Raises:
        DataError: if a column is missing.
        OptionError: if the model was trained on a table of another layout.
    """
    names, like = model.config.schema, _schema(next(iter(tables.values())))
    if names.layout == "wide" or names.index or names.is_series:
        raise OptionError(
            "the model was trained on a table with a column for each series, or with ids or times "
            "in its index; an engine needs a model of a long table, with columns for id and time"
        )
    wanted = [name for name in (names.id, names.time) if name is not None]
    missing = [name for name in wanted if name not in like.names]
    if missing:
        raise DataError(
            f"the table has no column '{missing[0]}', which the model was trained with; its "
            f"columns are {first_few(like.names, SHOWN)}"
        )
    return [like.field(name).with_nullable(True) for name in wanted]


def refuse_text(model: Predictor, schema: pa.Schema) -> None:
    """Raise DataError for times or numbers in text: how these are meant all rows tell, no part."""
    names = model.config.schema
    numbers = [covariate.name for covariate in model.config.known if not covariate.categories]
    numbers += [covariate.name for covariate in model.config.static if not covariate.categories]
    for name in (names.time, *names.targets, *numbers):
        if name in schema.names and is_text(schema.field(name).type):
            wanted = "times, as timestamps or dates" if name == names.time else "numbers"
            raise DataError(
                f"the table has text in column '{name}', which may be read in another way in "
                f"another part of it; give it as {wanted}"
            )


def needed(model: Predictor, names: Iterable[str]) -> list[str]:
    """Those of some columns that a model needs, and records of states."""
    known = model.config.schema
    covariates = (covariate.name for covariate in (*model.config.known, *model.config.static))
    wanted = {known.id, known.time, *known.targets, *covariates, STATE}
    return [name for name in names if name in wanted]


def is_text(dtype: pa.DataType) -> bool:
    """Whether a type of Arrow is text."""
    dtype = dtype.value_type if pa.types.is_dictionary(dtype) else dtype
    return any(
        is_kind(dtype)
        for is_kind in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    )


def _schema(table: pa.Table | pa.Schema) -> pa.Schema:
    """The schema of a table, which may be given alone."""
    return table if isinstance(table, pa.Schema) else table.schema


def as_schema(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The columns of a schema; those that a table lacks are null."""
    columns = [
        table[field.name].cast(field.type)
        if field.name in table.column_names
        else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def as_number(setting: str) -> str | int:
    """A setting of an engine, which tells numbers from text."""
    return int(setting) if setting.isdecimal() else setting
