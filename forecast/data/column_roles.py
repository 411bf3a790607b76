"""Column roles: which columns of a table are its id, its time and its target."""

from __future__ import annotations

import difflib
import functools
import re
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd

from forecast.data.parsing import DECIMAL_COMMA, MISSING_WORDS
from forecast.data.timestamps import is_calendar_code, looks_like_times
from forecast.errors import DataError, first_few, quote

TIME_NAMES = {
    *("ds", "date", "time", "timestamp", "datetime", "t", "step", "hour", "day", "week"),
    *("month", "quarter", "year", "period", "datum", "zeit", "fecha"),
}
ID_NAMES = {
    *("unique_id", "id", "series", "item", "store", "shop", "sensor", "meter", "product", "sku"),
    *("customer", "country", "region", "station", "ticker", "symbol"),
}
TARGET_NAMES = {
    *("y", "target", "value", "values", "sales", "demand", "quantity", "qty", "count", "amount"),
    *("load", "units"),
}
DEFAULT_NAMES = ("unique_id", "ds", "y")  # taken without a note
SHOWN_COLUMNS = 10  # in a message
ROW_NUMBERS = re.compile(r"(Unnamed: \d+|index|level_0|)$", re.IGNORECASE)


@dataclass(frozen=True)
class ColumnRoles:
    """Which columns of a table have which role, as far as they are named.

    Attributes:
        id, time, target: names of the columns; None where they are to be inferred.
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
        return replace(self, **cast(Any, added))


class FoundRoles(NamedTuple):
    """What each column of a table is for, once all of them are found."""

    id: str | None
    time: str
    target: str | None  # None: a wide table, whose series are `wide`
    also: tuple[str, ...]  # targets besides the first one
    wide: tuple[str, ...]
    notes: tuple[str, ...]  # what was inferred, for people


def find_roles(
    frame: pd.DataFrame,
    source: str,
    named: ColumnRoles,
    levels: tuple[str, ...] = (),
    series: Collection[str] = (),
) -> FoundRoles:
    """Find the id, time and target column of a table, inferring those not named.

    The ecosystem's names (unique_id, ds, y) come first, then common names, then the type: the
    only column of dates, the only column of text, the only column of numbers left.

    Args:
        frame: the table, with columns of distinct names.
        source: what to call the table in messages.
        named: the roles that are known already.
        levels: columns that come from the table's index, and so are not targets.
        series: names of the columns of an earlier wide table; where there is such a column this
            table is wide too, whatever the column holds.

    Returns:
        The roles, and the inferred ones as sentences for people.

    Raises:
        DataError: a named column is missing, or a role is ambiguous.
    """
    search = _Search(frame, source, named)
    time = named.time or search.time()
    id, target = named.id, named.target
    if not any(name in series for name in search.left()):
        id = id or search.id()
        search.ignored = levels
        if named.has_target:
            target = target or search.target(may_be_wide=id is None and not named.also)
    search.ignored = levels
    left = search.left()
    wide: tuple[str, ...] = ()
    if target is None and named.has_target:
        is_series = {name: name in series or search.kinds[name] == "number" for name in left}
        wide = tuple(name for name in left if is_series[name])
        left = [name for name in left if not is_series[name]]
        search.inferred.append(f"each of {len(wide)} columns of numbers as a series")
    notes = []
    if search.inferred:
        notes.append(f"took {_listed(search.inferred)}")
    if left:
        notes.append(f"columns not used: {_shown(left)}")
    return FoundRoles(id, time, target, named.also, wide, tuple(notes))


class _Search:
    """The columns without a role, while roles are being found."""

    def __init__(self, frame: pd.DataFrame, source: str, named: ColumnRoles) -> None:
        self.frame, self.source = frame, source
        self.inferred: list[str] = []
        self.taken = [*(name for _, name in named.named), *named.covariates]
        self.ignored: tuple[str, ...] = ()
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
        excluded = {*self.taken, *self.ignored}
        return [n for n in self.frame.columns if n not in excluded and not self._numbers_rows(n)]

    def time(self) -> str:
        left = self.left()
        dates = [n for n in left if self.kinds[n] == "time"]
        named = [n for n in left if _word(n) in TIME_NAMES and self.kinds[n] != "other"]
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

    def id(self) -> str | None:
        left = self.left()
        named = [n for n in left if _is_id_word(n) and self._distinguishes_series(n)]
        texts = [n for n in left if self.kinds[n] == "text" and _word(n) not in {*TIME_NAMES, "y"}]
        if len(texts) > 1:
            texts = [n for n in texts if self.frame[n].nunique() > 1]
        for names in ([n for n in left if n == "unique_id"], named, texts):
            if names:
                return self._only("id", names)
        return None

    def target(self, may_be_wide: bool) -> str | None:
        left = self.left()
        numbers = [n for n in left if self.kinds[n] == "number"]
        named = [n for n in numbers if _word(n) in TARGET_NAMES]
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

    def _distinguishes_series(self, name: str) -> bool:
        """Whether a column named like an id repeats its values; row numbers do not."""
        column = self.frame[name]
        if not pd.api.types.is_integer_dtype(column) or len(column) < 2:
            return self.kinds[name] != "time"
        return not column.is_unique


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
    numbers = pd.to_numeric(texts, errors="coerce").notna()
    numbers |= texts.str.fullmatch(DECIMAL_COMMA.pattern)
    if len(texts) and numbers.mean() > 0.5:
        return "text" if padded else "number"
    return "time" if looks_like_times(texts) else "text"


def _word(name: str) -> str:
    return name.strip().lower()


def _is_id_word(name: str) -> bool:
    word = _word(name)
    return word in ID_NAMES or word.endswith(("_id", " id")) or name.endswith("Id")


def _shown(columns: Iterable[object]) -> str:
    return first_few(columns, SHOWN_COLUMNS)


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
