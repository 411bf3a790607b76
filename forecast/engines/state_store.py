"""States of any number of series in one file, updated in place.

The file is a database of SQLite, which keeps each transaction whole or not at all, whatever ends
the process. Series are updated some thousand at a time, each such part in one transaction. A row
that a state has seen already is passed over, so an update that was ended can be run again, and none
is counted twice.
"""

from __future__ import annotations

import os
import sqlite3
import unicodedata
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from forecast.data.origin import TableOrigin
from forecast.data.panel import Panel
from forecast.engines.parts import ROWS, without_states
from forecast.errors import ArtifactError, DataError
from forecast.inference.new_rows import rows_seen, unseen
from forecast.inference.news import news
from forecast.inference.predictor import Predictor
from forecast.inference.state import State, require_state_of
from forecast.inference.state_records import from_records, to_records

if TYPE_CHECKING:
    import pyarrow as pa

    from forecast.engines.lake import Written

FORMAT = 1
MARK = 0x464F5243  # of a file of ours, among databases of SQLite
TABLES = (
    "CREATE TABLE model (format INTEGER, fingerprint TEXT, name TEXT, changes INTEGER)",
    "CREATE TABLE state (id NOT NULL PRIMARY KEY, time INTEGER NOT NULL, record BLOB NOT NULL)",
)
REPLACE = (
    "ON CONFLICT (id) DO UPDATE SET time = excluded.time, record = excluded.record"  # of a series
)
WHOLE = ("BEGIN IMMEDIATE", ("ROLLBACK",), "COMMIT")  # how a transaction begins, is undone, is kept
PART = ("SAVEPOINT part", ("ROLLBACK TO part", "RELEASE part"), "RELEASE part")
MEMORY = ":memory:"  # no file
PATIENCE = 60.0  # seconds to wait for another process that writes
SERIES = 10_000  # that are worked on together
PARAMETERS = 30_000  # of one statement; SQLite takes 32,766


class Updated(NamedTuple):
    """What an update has done.

    Attributes:
        rows: that states have taken in.
        seen: rows that they had seen before, which are passed over.
        series: of the rows.
        new: series that had no state.
    """

    rows: int = 0
    seen: int = 0
    series: int = 0
    new: int = 0

    def plus(self, other: Updated) -> Updated:
        """Both together."""
        return Updated(*(own + more for own, more in zip(self, other, strict=True)))


class StateStore:
    """The states of the series of a model, in a file. Threads may use one in turns.

    Attributes:
        path: of the file, which is made where there is none; ":memory:" for none.
        model: that the states belong to.

    Example:
        >>> from forecast import Forecaster
        >>> from forecast.datasets import load
        >>> air = load("air_passengers")
        >>> model = Forecaster(steps=2).fit(air[:140]).model_
        >>> with StateStore(":memory:", model) as store:
        ...     store.update(air[:140]), len(store)
        (Updated(rows=140, seen=0, series=1, new=1), 1)
    """

    def __init__(self, path: str | Path, model: Predictor) -> None:
        """Open a store, or make one.

        Raises:
            ArtifactError: if the file is no store, or one of another model, or cannot be written.
        """
        self.path, self.model = Path(path), without_states(model)
        with self._readable():
            if str(path) != MEMORY and not self.path.exists():
                self._make_file()
            self._database = sqlite3.connect(
                self.path,
                isolation_level=None,
                timeout=PATIENCE,
                check_same_thread=False,  # threads may take turns
            )
            try:
                self._file = None if str(path) == MEMORY else self.path.stat()
                if self._file is None:
                    self._fill(self._database)
                self._begin()
            except BaseException:
                self.close()
                raise

    def _begin(self) -> None:
        run = self._database.execute
        tables = "SELECT 1 FROM sqlite_master"
        if not run(tables).fetchone():
            raise ArtifactError(
                f"{self.path}: an empty file, which no store of states is: it may have been lost; "
                "restore a copy, or remove it to begin again"
            )
        if run("PRAGMA application_id").fetchone() != (MARK,):
            raise ArtifactError(f"{self.path}: no store of states; name another file")
        self._database.create_function("folded", 1, _folded, deterministic=True)
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = FULL")  # what is done is on the disk
        made, fingerprint = run("SELECT format, fingerprint FROM model").fetchone()
        if made != FORMAT:
            raise ArtifactError(
                f"{self.path}: its format {made} is not {FORMAT}; a newer version of forecast made "
                "it: upgrade, or name another file"
            )
        if fingerprint != self.model.state.fingerprint:
            raise ArtifactError(
                f"{self.path}: its states belong to model {fingerprint[:8]}, this is model "
                f"{self.model.state.fingerprint[:8]}; give that model, or name another file"
            )

    def _make_file(self) -> None:
        """Make the file whole or not at all; another process may be first."""
        draft = self.path.with_name(f".{self.path.name}.{uuid.uuid4().hex}.tmp")
        try:
            with closing(sqlite3.connect(draft, isolation_level=None)) as database:
                self._fill(database)
            with suppress(FileExistsError):
                os.link(draft, self.path)
        except OSError as error:
            raise ArtifactError(f"{self.path}: cannot make the file: {error.strerror}") from None
        finally:
            draft.unlink(missing_ok=True)

    def _fill(self, database: sqlite3.Connection) -> None:
        """Make the tables of an empty database."""
        database.execute(f"PRAGMA application_id = {MARK}")
        for statement in TABLES:
            database.execute(statement)
        about = (FORMAT, self.model.state.fingerprint, uuid.uuid4().hex)
        database.execute("INSERT INTO model VALUES (?, ?, ?, 0)", about)

    def __repr__(self) -> str:
        """Say where it is, and how many series it has."""
        return f"{type(self).__name__}({str(self.path)!r}: {len(self):,} series)"

    def __enter__(self) -> Self:
        """The store."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __len__(self) -> int:
        """How many series there are."""
        count: int = self._read("SELECT count(*) FROM state")[0][0]
        return count

    def put(self, state: State) -> None:
        """Put the states of series in where the store has none, or an earlier one.

        Args:
            state: of the model; each series once.

        Raises:
            OptionError: if it belongs to another model.
        """
        require_state_of(state, self.model.config, self.model.state.fingerprint)
        with self.transaction():
            self._write(state, f"{REPLACE} WHERE excluded.time > state.time")

    def last_times(self, search: str = "", after: Any = None, limit: int = -1) -> dict[Any, int]:
        """The ordinals of the last rows of series, by id, in the order of the ids.

        Args:
            search: text that is part of an id, in capitals or not, with accents or without.
            after: the id that the first series comes after.
            limit: how many series at most; -1 for all.
        """
        where = [] if after is None else ["id > ?"]
        where += ["instr(folded(id), folded(?))"] if search else []
        given = [value for value in (after, search or None) if value is not None]
        clause = f"WHERE {' AND '.join(where)}" if where else ""
        query = f"SELECT id, time FROM state {clause} ORDER BY id LIMIT ?"
        return dict(self._read(query, (*given, limit)))

    def has(self, ids: Sequence[Any]) -> bool:
        """Whether all of some different series have a state."""
        return len(self._of("id", ids)) == len(ids)

    def states(self, ids: Sequence[Any]) -> State | None:
        """The states of those of some series that have one; None where none has."""
        found = self._of("id, record", ids)
        return self._state(found) if found else None

    def _of(self, columns: str, ids: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Columns of those of some series that have a state."""
        found = []
        for begin in range(0, len(ids), PARAMETERS):
            some = [_plain(name) for name in ids[begin : begin + PARAMETERS]]
            marks = ",".join("?" * len(some))
            found += self._read(f"SELECT {columns} FROM state WHERE id IN ({marks})", some)
        return found

    def parts(self, series: int = SERIES, after: Any = None) -> Iterator[State]:
        """All states in the order of their ids, so many at a time.

        Args:
            series: how many.
            after: the id that the first series comes after.
        """
        last = after
        while True:
            where, given = ("", ()) if last is None else ("WHERE id > ?", (last,))
            query = f"SELECT id, record FROM state {where} ORDER BY id LIMIT ?"
            found = self._read(query, (*given, series))
            if not found:
                return
            yield self._state(found)
            last = found[-1][0]

    def forecast(
        self, folder: str, horizon: int, *, series: int = SERIES, **options: Any
    ) -> Iterator[Written]:
        """Forecast all series into a folder of Parquet files.

        Args:
            folder: made where there is none; a forecast that was ended is gone on with.
            horizon: steps H.
            series: that are worked on together.
            options: of `Model.rollout`.

        Returns:
            See `forecast.engines.lake.write_parts`; its rows are series.

        Raises:
            DataError: if the folder holds something else.
            OptionError: if an option does not fit.
        """
        from forecast.engines.batches import STATE, marked  # PyArrow, which updates do without
        from forecast.engines.lake import digest, write_parts
        from forecast.engines.tasks import as_rows, forecasting

        if not len(self):
            raise ArtifactError(
                f"{self.path}: has no series; make their states from histories first"
            )
        like = as_rows(self.model, self.model.state).schema
        task = forecasting(self.model, {STATE: like}, horizon, **options)
        version = self._read("SELECT name, changes FROM model")
        request = digest(self.model, version, horizon, sorted(options.items()))

        def batches_after(last: Any) -> Iterator[pa.RecordBatch]:
            for state in self.parts(series, last):
                yield from marked({STATE: as_rows(self.model, state)}, None).to_batches()

        return write_parts(task, batches_after, len(self), folder, request, series - 1)

    def update(
        self, new_rows: Any, source: str = "the new rows", *, fill_gaps: bool = False
    ) -> Updated:
        """Take new rows in; a series without a state gets one from them.

        Args:
            new_rows: a table of any library with the columns that the model was trained on, or a
                `Panel`; of each series from the row after its last one on, or from an earlier one.
            source: what to call the table in messages.
            fill_gaps: whether rows may be missing before the new ones; they are then taken as
                missing values.

        Raises:
            DataError: if rows cannot be used; those of the other series are not taken in either.
            ArtifactError: if another process is at work on the file for longer than a minute.
        """
        panel = new_rows
        if not isinstance(panel, Panel):
            panel = self.model.panel(new_rows, TableOrigin(source), all_missing=True)
        with self.transaction():  # from before the states are read, so that none is overtaken
            return self._update(panel, fill_gaps)

    def news(self, panel: Panel) -> list[str]:
        """What is remarkable about rows that are not taken in yet, as sentences for people."""
        known = self.states(panel.ids.tolist())
        rows = unseen(panel, rows_seen(panel, known))
        return [*news(rows, known, self.model.config)] if len(rows.ids) else []

    def _update(self, panel: Panel, fill_gaps: bool) -> Updated:
        known = self.states(panel.ids.tolist())
        seen = rows_seen(panel, known)
        rows = unseen(panel, seen)
        done = Updated(len(rows.target), int(seen.sum()), len(panel.ids))
        if not len(rows.ids):
            return done
        if known is None:
            self._write(self.model.encode(rows))
            return done._replace(new=len(rows.ids))
        state = self.model.observe(known, rows, fill_gaps=fill_gaps)
        changed = {*rows.ids.tolist()}
        self._write(state.take(np.array([name in changed for name in state.ids.tolist()])))
        return done._replace(new=len(changed - {*known.ids.tolist()}))

    def update_in_parts(
        self, batches: Iterable[pa.RecordBatch], rows: int = ROWS, *, fill_gaps: bool = False
    ) -> Iterator[Updated]:
        """`update`, some rows at a time, from batches: rows of a series follow each other.

        Yields:
            What has been done so far, after each part.
        """
        from forecast.engines.batches import whole_series

        done = Updated()
        for part in whole_series(batches, self.model.config.schema.id, rows):
            done = done.plus(self.update(part, fill_gaps=fill_gaps))
            yield done

    def _state(self, found: Sequence[tuple[Any, ...]]) -> State:
        ids, records = zip(*found, strict=True)
        try:
            return from_records(records, ids, self.model.state)
        except DataError as error:  # the file is at fault, and no table
            raise ArtifactError(f"{self.path}: {error}") from None

    def _read(self, query: str, given: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._readable():
            return self._database.execute(query, given).fetchall()

    def _write(self, state: State, conflict: str = REPLACE) -> None:
        """Write states, within a transaction.

        Args:
            state: of the series.
            conflict: what becomes of the states that series had, as a clause of SQLite.
        """
        ids = map(_plain, state.ids.tolist())
        rows = zip(ids, state.time.tolist(), to_records(state), strict=True)
        before = self._database.total_changes
        self._database.executemany(f"INSERT INTO state VALUES (?, ?, ?) {conflict}", rows)
        if self._database.total_changes > before:
            self._database.execute("UPDATE model SET changes = changes + 1")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Let no other process write meanwhile, and keep all or nothing of what is written.

        Within another one it is a part: if it fails, it alone is undone.
        """
        begin, undo, keep = PART if self._database.in_transaction else WHOLE
        self._refuse_without_file()
        with self._readable():
            self._database.execute(begin)
            try:
                yield
                self._database.execute(keep)
            except BaseException:
                if self._database.in_transaction:  # a full disk has ended it already
                    for statement in undo:
                        self._database.execute(statement)
                raise

    def _refuse_without_file(self) -> None:
        """Raise ArtifactError where the open file is no longer that of the path: it is lost then.

        What is written to a file that was removed is gone with the last process that has it open.
        """
        try:
            is_there = self._file is None or os.path.samestat(self._file, self.path.stat())
        except OSError:
            is_there = False
        if not is_there:
            raise ArtifactError(
                f"{self.path}: was removed or replaced while it was open; put it back, and start "
                "again"
            )

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Turn what SQLite raises into an ArtifactError of one line."""
        try:
            yield
        except sqlite3.Error as error:
            raise ArtifactError(f"{self.path}: {self._problem(error)}") from None

    def _problem(self, error: sqlite3.Error) -> str:
        """What SQLite found, and what to do."""
        if self.path.is_dir():
            return "a folder, not a store of states; name a file"
        if not self.path.parent.is_dir():
            return "there is no such folder; make it first"
        if isinstance(error, sqlite3.OperationalError):  # a full disk, a lock
            return str(error)
        return f"not a readable store of states ({error}); restore a copy, or make it again"


def _plain(name: Any) -> Any:
    """An id as SQLite keeps it: text, or a number; of a larger one than it knows the text."""
    plain = name.item() if isinstance(name, np.generic) else name
    is_large = isinstance(plain, int) and not -(2**63) <= plain < 2**63
    return str(plain) if is_large else plain


def _folded(name: Any) -> str:
    """An id as searches compare it: without accents, in small letters."""
    parts = unicodedata.normalize("NFKD", str(name))
    return "".join(char for char in parts if not unicodedata.combining(char)).casefold()
