"""Parquet files larger than memory, forecast on this machine: so many rows at a time, resumable.

DuckDB brings the rows of each series together, on the disk where memory does not hold them. Each
part of the forecast is a file, written whole or not at all; the next run begins after the last one.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from forecast.data.io.atomic_write import replace_file
from forecast.data.io.multi_file import refuse_unlike
from forecast.engines.batches import (
    FUTURE,
    HISTORY,
    ROLE,
    Task,
    by_use,
    is_text,
    needed,
)
from forecast.engines.parts import ROWS
from forecast.engines.tasks import forecasting
from forecast.errors import DataError, OptionError, pip_install
from forecast.inference.predictor import Predictor

MEMORY = "1GB"  # that DuckDB takes before it uses the disk
BATCH = 100_000  # rows that it hands over
READ = "read_parquet(?, union_by_name = true)"
MARK = b"forecast"  # of what a part's file says about itself


Rows = TypeVar("Rows", pa.Table, pa.RecordBatch)


class Lake(NamedTuple):
    """Parquet files of one table.

    Attributes:
        files: their paths.
        schema: of the first, or of those columns of it that are read.
        rows: of all.
    """

    files: tuple[str, ...]
    schema: pa.Schema
    rows: int

    @property
    def columns(self) -> list[str]:
        """The names of its columns."""
        names: list[str] = self.schema.names
        return names

    @classmethod
    def of(cls, files: Sequence[str]) -> Lake:
        """Look at the files.

        Raises:
            DataError: if one is no Parquet file, or unlike the first.
        """
        rows, schemas = 0, []
        for path in files:
            try:
                with pq.ParquetFile(path) as file:
                    rows += file.metadata.num_rows
                    schemas.append(file.schema_arrow)
            except (OSError, pa.ArrowException) as error:
                if Path(path).is_dir():
                    problem = f"a folder; name its files, such as '{path.rstrip('/')}/*.parquet'"
                    raise DataError(f"{path}: {problem}") from None
                problem = re.split(r"\. |\n", str(error))[0]
                raise DataError(
                    f"{path}: not a readable Parquet file, which is what can be read in parts: "
                    f"{problem:.120}"
                ) from None
        refuse_unlike([schema.empty_table().to_pandas() for schema in schemas], files)
        for path, schema in zip(files, schemas, strict=True):
            for name in schema.names:
                if is_text(schema.field(name).type) != is_text(schemas[0].field(name).type):
                    raise DataError(
                        f"{path}: '{name}' is text here or in {files[0]}, but not in both; give "
                        "the column one type"
                    )
        return cls(tuple(files), schemas[0], rows)

    def only(self, names: Sequence[str]) -> Lake:
        """The lake with some of its columns."""
        return self._replace(schema=pa.schema([self.schema.field(name) for name in names]))

    def restored(self, rows: Rows) -> Rows:
        """Rows from DuckDB, which keeps no time zone but its own, with those of the files."""
        for place, field in enumerate(rows.schema):
            own = self.schema.field(field.name).type if field.name in self.columns else field.type
            if pa.types.is_timestamp(own) and own.tz is not None and own != field.type:
                rows = rows.set_column(place, field.with_type(own), rows.column(place).cast(own))
        return rows


def in_order(
    lakes: Mapping[str, Lake], id: str | None, after: Any = None
) -> Iterator[pa.RecordBatch]:
    """The rows of some tables, those of a series together, in the order of ids, see `marked`.

    Args:
        lakes: by role.
        id: the column that names the series; None where there is one.
        after: the id that the first series comes after.

    Raises:
        DataError: if the files cannot be read together.
        OptionError: if DuckDB is not installed.
    """
    where = "" if after is None else f"WHERE {quoted(str(id))} > ?"
    roles = [f", '{role}' AS {ROLE}" if len(lakes) > 1 else "" for role in lakes]
    selects = [
        f"SELECT {', '.join(map(quoted, lake.columns))}{role} FROM {READ} {where}"
        for lake, role in zip(lakes.values(), roles, strict=True)
    ]
    order = "" if id is None else f" ORDER BY {quoted(id)}"
    query = " UNION ALL BY NAME ".join(selects) + order
    own = [] if after is None else [after]
    given = [value for lake in lakes.values() for value in (list(lake.files), *own)]
    with opened(*lakes.values()) as database:
        for rows in database.sql(query, params=given).to_arrow_reader(BATCH):
            yield functools.reduce(lambda held, lake: lake.restored(held), lakes.values(), rows)


@contextmanager
def opened(*lakes: Lake) -> Iterator[Any]:
    """DuckDB's connection to files, within a limit of memory.

    Args:
        lakes: that will be read.

    Raises:
        DataError: if the files cannot be read.
        OptionError: if DuckDB is not installed.
    """
    try:
        import duckdb
    except ImportError:
        raise OptionError(
            f"to read files larger than memory takes DuckDB; install it with: {pip_install('lake')}"
        ) from None

    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as database:
        database.execute(f"SET memory_limit = '{MEMORY}'")
        database.execute("SET temp_directory = ?", [folder])
        try:
            yield database
        except duckdb.Error as error:
            problem = str(error).splitlines()[0]
            files = ", ".join(lake.files[0] for lake in lakes)
            raise DataError(f"{files}: DuckDB cannot read them: {problem}") from None


class Written(NamedTuple):
    """How far a forecast has come.

    Attributes:
        rows: of the lake that are done.
        parts: files that are written.
        forecasts: their rows.
    """

    rows: int = 0
    parts: int = 0
    forecasts: int = 0


def forecast_lake(
    model: Predictor,
    lake: Lake,
    folder: str,
    horizon: int,
    *,
    future: Lake | None = None,
    rows: int = ROWS,
    reports: bool = False,
    **options: Any,
) -> Iterator[Written]:
    """Forecast the series of Parquet files into a folder of such files.

    Args:
        model: which forecasts.
        lake: the histories.
        folder: made where there is none; a forecast that was ended is gone on with.
        horizon: steps H.
        future: covariates of the steps, for a model that takes some.
        rows: that are worked on together, or a single series.
        reports: see `Task`.
        options: of `Model.rollout`.

    Returns:
        See `write_parts`.

    Raises:
        DataError: see `write_parts`.
        OptionError: if an option does not fit.
    """
    lakes = {HISTORY: lake, FUTURE: future}
    needs = {role: one and one.only(needed(model, one.columns)) for role, one in lakes.items()}
    own, apart = by_use(needs, model.config.schema.id)
    shared = {role: pa.concat_tables(map(pq.read_table, apart[role].files)) for role in apart}
    task = forecasting(model, own, horizon, shared=shared, reports=reports, **options)
    tables = [*own.values(), *apart.values()]
    found = [(path, Path(path).stat()) for table in tables for path in table.files]
    files = [(path, about.st_size, about.st_mtime_ns) for path, about in found]
    request = digest(model, files, horizon, reports, sorted(options.items()))
    total = sum(table.rows for table in own.values())
    if not lake.rows:
        raise DataError(f"{lake.files[0]}: no rows; a forecast needs some")
    return write_parts(
        task, lambda last: in_order(own, task.id, last), total, folder, request, rows
    )


def write_parts(
    task: Task,
    batches_after: Callable[[Any], Iterable[pa.RecordBatch]],
    total: int,
    folder: str,
    request: str,
    rows: int = ROWS,
) -> Iterator[Written]:
    """Write the outcome of a task to a folder, a file for each part.

    Args:
        task: what to do.
        batches_after: the marked rows in the order of the ids, from the series after an id on, or
            all for None.
        total: how many rows there are.
        folder: made where there is none; what was ended is gone on with.
        request: a name for what is done, and to which rows.
        rows: that are worked on together, or a single series.

    Yields:
        What has been done so far, before the first part and after each.

    Raises:
        DataError: if a series cannot be used, or the folder holds something else.
    """
    done, last = _found(Path(folder), request)
    yield done
    if done.rows == total:
        return
    for part, outcome in task.parts(batches_after(last), rows):
        last = None if task.id is None else part[task.id][-1].as_py()
        about = {"request": request, "rows": part.num_rows, "last": last}
        _write(outcome, about, Path(folder) / f"part-{done.parts:06}.parquet")
        rows_so_far = done.rows + part.num_rows
        done = Written(rows_so_far, done.parts + 1, done.forecasts + outcome.num_rows)
        yield done


def digest(model: Predictor, *about: Any) -> str:
    """A name for what is done with a model: a hash."""
    return hashlib.blake2b(repr((model.fingerprint, *about)).encode(), digest_size=16).hexdigest()


def _write(found: pa.Table, about: dict[str, Any], path: Path) -> None:
    """Write a part, with what is to be known of it."""
    told = {**(found.schema.metadata or {}), MARK: json.dumps(about).encode()}

    def write(stream: IO[bytes]) -> None:
        pq.write_table(found.replace_schema_metadata(told), stream)

    replace_file(str(path), write, DataError, "--out")


def _found(folder: Path, request: str) -> tuple[Written, Any]:
    """What has been written before, and the last series of it.

    Raises:
        DataError: if the folder cannot be made, or holds something else.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{folder}: cannot make the folder: {error.strerror}") from None
    done, last = Written(), None
    visible = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    strangers = [path for path in visible if not path.match("part-*.parquet")]
    parts = sorted(folder.glob("part-*.parquet"))
    for number, path in enumerate(parts):
        try:
            told = (pq.read_schema(path).metadata or {}).get(MARK)
        except pa.ArrowException:  # damaged, or of another kind
            told = None
        about = json.loads(told) if told else {}
        if about.get("request") != request or path.name != f"part-{number:06}.parquet":
            strangers.append(path)
            break
        rows = pq.read_metadata(path).num_rows
        done = Written(done.rows + about["rows"], done.parts + 1, done.forecasts + rows)
        last = about["last"]
    if strangers:
        raise DataError(
            f"{folder} holds {strangers[0].name}, which is no part of this forecast: it has "
            "another model, table, horizon or options; name another folder, or remove what it holds"
        )
    return done, last


def quoted(name: str) -> str:
    """A name as SQL takes it."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
