"""Column roles: which columns of a table are its id, its time and its target."""

from __future__ import annotations

import difflib
import functools
import re
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data.column_names import CALENDAR_PARTS, TARGET_NAMES, TIME_NAMES, is_id_name, word
from forecast.data.number_style import looks_like_numbers
from forecast.data.parsing import MISSING_WORDS
from forecast.data.repeated_times import RepeatedTimes
from forecast.data.timestamps import Times, is_calendar_code, looks_like_times
from forecast.errors import DataError, first_few, quote

DEFAULT_NAMES = ("unique_id", "ds", "y")  # taken without a note
NO_ID = "none"  # says that no column is the id
SHOWN_COLUMNS = 10  # in a message
MOST_CELLS = 0.5  # of a column of ids are there
MONTH = r"(0[1-9]|1[0-2])\.\d{4}"  # such as 01.2024, not a number
ROW_NUMBERS = re.compile(r"(Unnamed: \d+|index|level_0|)$", re.IGNORECASE)


@dataclass(frozen=True)
class ColumnRoles:
    """Which columns of a table have which role, as far as they are named.

    Attributes:
        id, time, target: names of the columns; None where they are to be inferred.
        has_id: False where no column is the id: all rows are one series.
        also: names of the targets besides the first one.
        known: names of the covariates whose future values are known.
        static: names of the covariates with one value per series.
        has_target: False for a table of future covariates, which needs no target.
    """

    id: str | None = None
    time: str | None = None
    target: str | None = None
    also: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    has_target: bool = True
    has_id: bool = True

    @property
    def named(self) -> list[tuple[str, str]]:
        """Pairs of a role and the name of a column, without covariates."""
        pairs = [("id", self.id), ("time", self.time), ("target", self.target)]
        pairs += [("target", name) for name in self.also]
        return [(role, name) for role, name in pairs if name is not None]

    @property
    def covariates(self) -> tuple[str, ...]:
        """Names of all covariates, the known ones first."""
        return (*self.known, *self.static)

    def or_else(self, roles: Mapping[str, str]) -> ColumnRoles:
        """The same roles, with those of "id", "time" and "target" that are not named added."""
        added = {role: name for role, name in roles.items() if getattr(self, role) is None}
        if not self.has_id:
            added.pop("id", None)
        return replace(self, **cast(Any, added))

    def of(self, columns: Collection[str]) -> ColumnRoles:
        """The same roles, where the id "none" says that no column of a table is the id."""
        if self.id != NO_ID or NO_ID in columns:
            return self
        return replace(self, id=None, has_id=False)


@dataclass(frozen=True)
class EarlierRoles:
    """What the columns of an earlier table were, such as that of the training data.

    Attributes:
        series: names of its columns, if it was wide; a table that has one of them is wide too.
        unused: names of those that had no role; they get none.
        is_one_series: whether it had one series and no id; a column is then the id only where
            times repeat, so that the message can name it.
        turned: whether it had times across the top.
    """

    series: Collection[str] = ()
    unused: Collection[str] = ()
    is_one_series: bool = False
    turned: bool = False


NO_EARLIER_ROLES = EarlierRoles()


class FoundRoles(NamedTuple):
    """What each column of a table is for, once all of them are found."""

    id: str | None
    time: str
    times: Times  # of the rows
    target: str | None  # None: a wide table, whose series are `wide`
    also: tuple[str, ...]  # targets besides the first one
    wide: tuple[str, ...]
    unused: tuple[str, ...]  # columns without a role
    notes: tuple[str, ...]  # what was inferred, for people


def find_roles(
    frame: pd.DataFrame,
    source: str,
    named: ColumnRoles,
    read: Callable[[str], Times],
    levels: tuple[str, ...] = (),
    *,
    earlier: EarlierRoles = NO_EARLIER_ROLES,
    files: NDArray[np.intp] | None = None,
) -> FoundRoles:
    """Find the id, time and target column of a table, inferring those not named.

    The ecosystem's names (unique_id, ds, y) come first, then common names, then the type: the
    only column of dates, the only column of numbers left. A column whose name does not say so is
    the id only where times repeat and it tells the rows of one time apart, or where its values
    come in blocks that each begin in time anew.

    Args:
        frame: the table, with columns of distinct names.
        source: what to call the table in messages.
        named: the roles that are known already.
        read: reads the times of a column.
        levels: columns that come from the table's index, and so are not targets.
        earlier: the roles of an earlier table.
        files: the file of each row (N,), where there are several.

    Returns:
        The roles, and the inferred ones as sentences for people.

    Raises:
        DataError: a named column is missing, or a role is ambiguous.
    """
    search = _Search(frame, source, named, earlier.unused)
    time = named.time or search.time()
    times = read(time)
    id, target = named.id, named.target
    if not any(name in earlier.series for name in search.left()):
        if id is None and named.has_id:
            id = search.id(RepeatedTimes(frame, times.values, files), earlier.is_one_series)
        search.ignored = levels
        if named.has_target:
            may_be_wide = id is None and named.has_id and not named.also
            target = target or search.target(may_be_wide)
    search.ignored = levels
    left = search.left()
    wide: tuple[str, ...] = ()
    if target is None and named.has_target:
        is_series = {n: n in earlier.series or search.kinds[n] == "number" for n in left}
        wide = tuple(name for name in left if is_series[name])
        left = [name for name in left if not is_series[name]]
        search.inferred.append(f"each of {len(wide)} columns of numbers as a series")
    notes = []
    if search.inferred:
        notes.append(f"took {_listed(search.inferred)}")
    if left:
        notes.append(f"columns not used: {_shown(left)}")
    unused = (*search.known_unused, *left)
    return FoundRoles(id, time, times, target, named.also, wide, unused, tuple(notes))


class _Search:
    """The columns without a role, while roles are being found."""

    def __init__(
        self, frame: pd.DataFrame, source: str, named: ColumnRoles, unused: Collection[str]
    ) -> None:
        self.frame, self.source = frame, source
        self.inferred: list[str] = []
        self.taken = [*(name for _, name in named.named), *named.covariates]
        self.ignored: tuple[str, ...] = ()
        self.known_unused = tuple(n for n in frame.columns if n in unused and n not in self.taken)
        for role, name in named.named:
            if name not in frame.columns:
                raise self._absent(role, name)
        for name, roles in Counter(self.taken).items():
            if roles > 1 and name in frame.columns:
                raise DataError(
                    f"{source}: column {quote(name)} is given for two roles; each needs one"
                )

    @functools.cached_property
    def kinds(self) -> dict[str, str]:
        """What each column holds; not looked at where every role is given."""
        return {name: kind_of(self.frame[name]) for name in self.frame.columns}

    def left(self) -> list[str]:
        """Columns without a role, except the row numbers that a saved index leaves."""
        excluded = {*self.taken, *self.ignored, *self.known_unused}
        return [n for n in self.frame.columns if n not in excluded and not self._numbers_rows(n)]

    def time(self) -> str:
        left = self.left()
        dates = [n for n in left if self.kinds[n] == "time"]
        named = [n for n in left if word(n) in TIME_NAMES and self.kinds[n] != "other"]
        compact = [n for n in left if is_calendar_code(self.frame[n])]
        for names in ([n for n in left if n == "ds"], dates, named, compact):
            if len(names) > 1 and names is dates:
                names = [n for n in names if n in named] or names
            if names:
                return self._only("time", names)
        raise DataError(
            f"{self.source}: no time column among {_shown(self.frame.columns)}; a table needs "
            "a column of dates, times or step numbers: say which with --time (time= in Python)"
        )

    def id(self, rows: RepeatedTimes, only_where_times_repeat: bool) -> str | None:
        if only_where_times_repeat and not rows.repeat:
            return None
        left = [*self.left(), *self.known_unused]
        if "unique_id" in left:
            return self._only("id", ["unique_id"])
        named = [n for n in left if is_id_name(n) and self._may_name_series(n)]
        if not rows.repeat:
            named = [n for n in named if _is_mostly_filled(self.frame[n])]
        others = [n for n in left if n not in named and self._may_hold_ids(n)]
        if named and (not others or not rows.repeat or rows.repeat_across_files):
            named = rows.telling_apart(named, named=True) or named if len(named) > 1 else named
            return self._only("id", named)
        texts = [n for n in others if self._holds_names(n)]
        if not rows.repeat:
            in_blocks = rows.in_blocks(texts)
            return self._only("id", in_blocks) if in_blocks else None
        if rows.repeat_across_files:
            return None
        whole = [n for n in others if n not in texts]
        found = rows.telling_apart(named, named=True) or rows.telling_apart(texts)
        found = found or rows.dense(whole)
        if found:
            return self._only("id", found)
        together = rows.together([*named, *texts, *whole])
        if together:
            raise DataError(
                f"{self.source}: no column alone names the series, but {_listed_names(together)} "
                "do together; join them into one column and name it with --id (id= in Python)"
            )
        return self._only("id", named) if named else None

    def target(self, may_be_wide: bool) -> str | None:
        left = self.left()
        numbers = [n for n in left if self.kinds[n] == "number"]
        named = [n for n in numbers if word(n) in TARGET_NAMES]
        wide = may_be_wide and len(numbers) > 1
        for names in ([n for n in left if n == "y"], named, numbers):
            if len(names) == 1 or (names and not wide):
                return self._only("target", names)
        if wide:
            return None
        if len(left) == 1:
            return self._only("target", left)
        raise DataError(
            f"{self.source}: no column of numbers to forecast among "
            f"{_shown(self.frame.columns)}; say which with --target (target= in Python)"
        )

    def _only(self, role: str, names: list[str]) -> str:
        if len(names) > 1:
            advice = f"say which with --{role} ({role}= in Python)"
            if role == "id":
                advice += (
                    ", or join them into one column; what is not an id may be --known or --static"
                )
            raise DataError(
                f"{self.source}: the {role} column may be any of {_shown(names)}; {advice}"
            )
        self.taken.append(names[0])
        if names[0] not in DEFAULT_NAMES:
            self.inferred.append(f"{quote(names[0])} as the {role}")
        return names[0]

    def _absent(self, role: str, name: str) -> DataError:
        columns = [str(column) for column in self.frame.columns]
        close = difflib.get_close_matches(name, columns, n=1)
        hint = f"; did you mean {quote(close[0])}?" if close else ""
        return DataError(
            f"{self.source}: no column {quote(name)} for the {role}; it has {_shown(columns)}{hint}"
        )

    def _numbers_rows(self, name: str) -> bool:
        """Whether this is the unnamed column of row numbers that writing an index leaves."""
        if not ROW_NUMBERS.match(name) or not pd.api.types.is_integer_dtype(self.frame[name]):
            return False
        return bool((np.diff(self.frame[name].to_numpy()) == 1).all())

    def _may_name_series(self, name: str) -> bool:
        """Whether a column named like an id holds ids, neither row numbers nor measured values."""
        column = self.frame[name]
        if self.kinds[name] in ("time", "other"):
            return False
        if pd.api.types.is_float_dtype(column):
            return bool((column.dropna() % 1 == 0).all())
        return not pd.api.types.is_integer_dtype(column) or len(column) < 2 or not column.is_unique

    def _may_hold_ids(self, name: str) -> bool:
        """Whether a column that is not named like an id may be one: each row has a name or code."""
        if word(name) in {*TIME_NAMES, *TARGET_NAMES, *chain(*CALENDAR_PARTS.values())}:
            return False
        column = self.frame[name]
        may = self._holds_names(name) or pd.api.types.is_integer_dtype(column)
        return may and not _is_missing(column).any()

    def _holds_names(self, name: str) -> bool:
        """Whether a column holds text or categories."""
        is_category = isinstance(self.frame[name].dtype, pd.CategoricalDtype)
        return self.kinds[name] == "text" or (is_category and self.kinds[name] == "number")


def _is_missing(column: pd.Series[Any]) -> pd.Series[bool]:
    """Whether each cell is missing or blank, (N,)."""
    missing = column.isna()
    if pd.api.types.is_numeric_dtype(column.dtype):
        return missing
    codes, distinct = pd.factorize(column)
    blank = np.array([isinstance(cell, str) and not cell.strip() for cell in distinct], dtype=bool)
    return missing | np.append(blank, True)[codes]


def _is_mostly_filled(column: pd.Series[Any]) -> bool:
    return bool(_is_missing(column).mean() <= 1 - MOST_CELLS)


def kind_of(column: pd.Series[Any]) -> str:
    """Infer what a column holds from its type and, for text, from its first cells.

    Args:
        column: any column.

    Returns:
        "time", "number", "text" or "other".
    """
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return kind_of(pd.Series(dtype.categories, name=column.name)) if len(column) else "text"
    if pd.api.types.is_datetime64_any_dtype(dtype) or isinstance(dtype, pd.PeriodDtype):
        return "time"
    if pd.api.types.is_numeric_dtype(dtype):
        return "number"
    is_object = pd.api.types.is_object_dtype(dtype)
    if not (pd.api.types.is_string_dtype(dtype) or is_object):
        return "other"
    cells = column.iloc[:1000].dropna()
    if not all(isinstance(cell, Hashable) for cell in cells):
        return "other"
    cells = cells.drop_duplicates().iloc[:20]
    return _kind_of_cells(cells)


def _kind_of_cells(cells: pd.Series[Any]) -> str:
    kind = pd.api.types.infer_dtype(cells)
    if kind in ("date", "datetime", "datetime64", "period"):
        return "time"
    if kind in ("decimal", "integer", "floating", "boolean", "mixed-integer-float"):
        return "number"
    texts = cells.astype(str).str.strip()
    texts = texts[~texts.str.lower().isin(MISSING_WORDS)]
    padded = texts.str.fullmatch(r"0\d+").any()
    if len(texts) and texts.str.fullmatch(MONTH).all() and texts.str.startswith("0").any():
        return "time"
    if looks_like_numbers(texts):
        return "text" if padded else "number"
    return "time" if looks_like_times(texts) else "text"


def _shown(columns: Iterable[object]) -> str:
    return first_few(columns, SHOWN_COLUMNS)


def _listed_names(names: Iterable[str]) -> str:
    return _listed([quote(name) for name in names])


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
