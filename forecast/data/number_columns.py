"""Columns of numbers, however their table writes them: to arrays, by the evidence of all cells."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data.column_names import is_id_name
from forecast.data.number_style import (
    DECIMALS,
    Cell,
    decimal_by_bare_numbers,
    decimal_of,
    is_currency,
    looks_like_numbers,
    read_cell,
    stray_cell,
)
from forecast.data.origin import Place
from forecast.data.parsing import BOOLEANS, MISSING_WORDS, first, plain
from forecast.errors import DataError, first_few, quote

DOTTED_DATE = r"\s*\d{1,2}\.\d{1,2}\.\d{2,4}\b.*"
MACHINE_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?"
AMBIGUOUS_POINT = r"[+-]?[1-9]\d{0,2}\.\d{3}"
SAMPLE = 200  # cells that show whether a column holds numbers or dates
NAMES = {".": "point", ",": "comma"}
ALL_COLUMNS = ""  # stands for those of a wide table


class _Decimal(NamedTuple):
    """The decimal sign of a column."""

    sign: str
    example: int | None = None  # a distinct cell with two readings, to be reported


class _TextColumn(NamedTuple):
    """A column of text, of K distinct cells."""

    name: str
    codes: NDArray[Any]  # (N,) which of them each cell is, -1 where missing
    texts: Sequence[str]  # (K,)
    cells: list[Cell]  # (K,)
    present: list[int]  # positions of those that are not missing


class NumberReader:
    """Reads the columns of numbers of one table.

    Attributes:
        decimals: the decimal sign of each column that has shown one.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        place: Place,
        decimal: str | None = None,
        remembered: Mapping[str, str] | None = None,
        no_numbers: Collection[str | None] = (),
    ) -> None:
        """Read from a table of N rows.

        Args:
            frame: the table.
            place: names its rows in messages.
            decimal: the decimal sign that the user has given.
            remembered: that of columns of an earlier table; it decides where a column does not.
            no_numbers: names of columns, such as that of ids, which say nothing of numbers.
        """
        self.frame, self.place, self.decimal = frame, place, decimal
        self.remembered = remembered or {}
        self.no_numbers = no_numbers
        self.decimals: dict[str, str] = {}
        self._told: dict[str, tuple[str, list[str]]] = {}  # an example, and the columns like it

    @property
    def notes(self) -> tuple[str, ...]:
        """How cells with two readings, or with signs of currency or percent, were read."""
        notes = [
            f"numbers of {first_few(columns)}: {reading}"
            for reading, columns in self._told.values()
        ]
        unlike = [n for n, sign in self.decimals.items() if self._remembered(n) not in (None, sign)]
        if unlike:
            notes.append(f"numbers of {first_few(unlike)}: another decimal sign than in training")
        return tuple(notes)

    def read(self, name: str) -> NDArray[np.float64]:
        """Parse a column of numbers, booleans, or numbers as text.

        Returns:
            (N,) with NaN where missing.

        Raises:
            DataError: a cell is not a number or infinite, or has two readings that nothing decides.
        """
        column = plain(self.frame[name])
        if column.dtype.kind in "biuf":
            values = column.to_numpy(dtype=np.float64, na_value=np.nan)
            self._note_parsed(column)
        elif pd.api.types.is_string_dtype(column.dtype) or column.dtype == object:
            values = self._read_text(column)
        else:
            problem = f"found {column.iloc[0]}, where a number should be"
            raise self.place.error(0, column.name, problem)
        infinite = np.isinf(values)
        if infinite.any():
            at = first(infinite)
            raise self.place.error(
                at, column.name, f"{values[at]} is infinite; leave unknown values empty"
            )
        return values

    def _note_parsed(self, column: pd.Series[Any]) -> None:
        """Keep the decimal sign of a column that the reader of its file has parsed."""
        name = str(column.name)
        sign = self.place.origin.decimals.get(name)
        if sign is None:
            return
        if self.decimal not in (None, sign):
            raise DataError(
                f"{self.place.source}: column {quote(name)} has decimal {NAMES[sign]}s, unlike "
                f"--decimal {self.decimal} (decimal= in Python)"
            )
        self.decimals[name] = sign

    def _read_text(self, column: pd.Series[Any]) -> NDArray[np.float64]:
        if pd.api.types.infer_dtype(column).startswith("mixed"):
            column = column.astype("str")
        codes, distinct = pd.factorize(column)
        texts = pd.Series(distinct).astype("str").str.strip().str.lower().replace(BOOLEANS)
        missing = texts.isin(MISSING_WORDS).to_numpy()
        values = self._machine_numbers(column, texts, missing)
        if values is None:
            cells = [*map(read_cell, texts)]
            present = np.flatnonzero(~missing).tolist()
            written = pd.Series(distinct).astype("str").str.strip().tolist()
            name = str(column.name)
            values = self._by_evidence(_TextColumn(name, codes, written, cells, present))
        return np.append(values, np.nan)[codes]  # code -1, a missing cell, takes the last

    def _machine_numbers(
        self, column: pd.Series[Any], texts: pd.Series[Any], missing: NDArray[np.bool_]
    ) -> NDArray[np.float64] | None:
        """Numbers that a program has written, such as 12.5 or 1e-7; None where others are there."""
        has_point = texts.str.contains(".", regex=False) & ~missing
        are_plain = (texts.str.fullmatch(MACHINE_NUMBER) | missing).all()
        is_ambiguous = texts[has_point].str.fullmatch(AMBIGUOUS_POINT).any()
        if not are_plain or is_ambiguous or (has_point.any() and self.decimal == ","):
            return None
        if has_point.any():
            self.decimals[str(column.name)] = "."
        numbers: NDArray[np.float64] = pd.to_numeric(texts, errors="coerce").to_numpy(np.float64)
        return numbers

    def _by_evidence(self, column: _TextColumn) -> NDArray[np.float64]:
        """The numbers of the distinct cells of a column, NaN where missing."""
        for k in column.present:
            if not column.cells[k].is_number:
                raise self._error(column, k, "where a number should be")
        self._refuse_two_marks(column)
        decided = self._decimal_of(column)
        values = np.full(len(column.cells), np.nan)
        values[column.present] = [column.cells[k].under(decided.sign) for k in column.present]
        if any(column.cells[k].point != column.cells[k].comma for k in column.present):
            self.decimals[column.name] = decided.sign
        marked = next((k for k in column.present if column.cells[k].mark), None)
        example = marked if decided.example is None else decided.example
        if example is not None:
            key = f"{decided.sign}{column.cells[example].mark}"
            reading = f"{column.texts[example]} was read as {values[example]:.15g}"
            self._told.setdefault(key, (reading, []))[1].append(column.name)
        return values

    def _refuse_two_marks(self, column: _TextColumn) -> None:
        """Raise DataError where cells are in several units, or some of them in none but 0."""
        first_with = {column.cells[k].mark: k for k in reversed(column.present)}
        marks = [mark for mark in first_with if mark]
        if len(marks) > 1:
            raise self._error(
                column,
                max(first_with[mark] for mark in marks),
                f"where other numbers have the sign {marks[-1]!r}; write all in one unit",
            )
        unmarked = [k for k in column.present if not column.cells[k].mark and column.cells[k].point]
        if marks and unmarked and not is_currency(marks[0]):
            raise self._error(
                column,
                unmarked[0],
                f"where other numbers have the sign {marks[0]!r}; write all in one unit",
            )

    def _decimal_of(self, column: _TextColumn) -> _Decimal:
        """The decimal sign of a column."""
        cells = [column.cells[k] for k in column.present]
        fitting = [sign for sign in DECIMALS if all(c.under(sign) is not None for c in cells)]
        if self.decimal is not None:
            if self.decimal in fitting:
                return _Decimal(self.decimal)
            k = next(k for k in column.present if column.cells[k].under(self.decimal) is None)
            name = NAMES[self.decimal]
            raise self._error(column, k, f"which has no decimal {name}, as --decimal says")
        if not fitting:
            raise self._two_signs(column)
        if len(fitting) == 1:
            self._refuse_stray(column, cells, fitting[0])
            return _Decimal(fitting[0])
        ambiguous = next((k for k in column.present if column.cells[k].is_ambiguous), None)
        if ambiguous is None:
            return _Decimal(self._remembered(column.name) or ".")
        return self._decide(column, cells, ambiguous)

    def _decide(self, column: _TextColumn, cells: Sequence[Cell], ambiguous: int) -> _Decimal:
        """The decimal sign of a column each of whose cells fits either one.

        In this order: that of the earlier table, by the column's numbers without a
        sign, by the other columns, by the delimiter and the dates.
        """
        sign = (
            self._remembered(column.name)
            or decimal_by_bare_numbers(cells)
            or self._other_columns(column.name)
            or self._by_surroundings(cells)
        )
        cell, delimiter = column.cells[ambiguous], self.place.origin.delimiter
        if sign is None:
            readings = sorted((cell.point or 0.0, cell.comma or 0.0), key=abs)
            raise self._error(
                column,
                ambiguous,
                "which may be {:.15g} or {:.15g}, and nothing in the table settles which; say "
                "--decimal . or --decimal , (decimal= in Python)".format(*readings),
            )
        is_usual = sign == "." and delimiter == "," and _written_signs(cells) == {"."}
        return _Decimal(sign, None if is_usual else ambiguous)

    def _refuse_stray(self, column: _TextColumn, cells: Sequence[Cell], sign: str) -> None:
        stray = stray_cell(cells, sign)
        if stray is not None:
            raise self._error(
                column,
                column.present[stray],
                f"where the other numbers have no decimal {NAMES[sign]}; correct it, or say "
                f"--decimal {sign} (decimal= in Python)",
            )

    def _two_signs(self, column: _TextColumn) -> DataError:
        """What is wrong where some cells need a decimal point, and others a comma."""
        by_sign = {
            sign: [k for k in column.present if column.cells[k].sure_decimal == sign]
            for sign in reversed(DECIMALS)
        }
        rare, usual = sorted(by_sign.values(), key=len)
        return self._error(
            column, rare[0], f"beside {column.texts[usual[0]]}; write all with one decimal sign"
        )

    def _error(self, column: _TextColumn, k: int, problem: str) -> DataError:
        at = first(column.codes == k)
        return self.place.error(at, column.name, f"found {quote(column.texts[k])}, {problem}")

    def _remembered(self, name: str) -> str | None:
        return self.remembered.get(name) or self.remembered.get(ALL_COLUMNS)

    def _other_columns(self, name: str) -> str | None:
        """The decimal sign that the other columns need; None where they need none, or both."""
        others = (
            other
            for other in self.frame.columns
            if other != name and other not in self.no_numbers and not is_id_name(other)
        )
        signs = {self._sure_sign(other) for other in others} - {None}
        return signs.pop() if len(signs) == 1 else None

    def _sure_sign(self, name: str) -> str | None:
        column, origin = self.frame[name], self.place.origin
        if name in origin.decimals:
            return origin.decimals[name]
        if column.dtype.kind == "f":
            in_memory = origin.first_line is None and not origin.files
            has_fractions = bool((column.to_numpy(np.float64) % 1 > 0).any())
            return "." if in_memory and has_fractions else None
        if not pd.api.types.is_string_dtype(column.dtype):
            return None
        distinct = column.dropna().drop_duplicates().astype("str")
        if not looks_like_numbers(distinct.iloc[:SAMPLE]):
            return None
        return decimal_of(map(read_cell, distinct))

    def _by_surroundings(self, cells: Sequence[Cell]) -> str | None:
        """The decimal sign that suits the delimiter and the dates; None where nothing speaks."""
        written, delimiter = _written_signs(cells), self.place.origin.delimiter
        if len(written) > 1:
            return None
        if delimiter == ",":
            return "."
        if delimiter == ";":
            return "," if written == {","} and self._has_dotted_dates() else None
        return "." if written == {"."} else None

    def _has_dotted_dates(self) -> bool:
        """Whether a column holds dates such as 31.12.2024, as where decimal commas are used."""
        heads = (self.frame[name].iloc[:SAMPLE] for name in self.frame.columns)
        texts = (head.dropna() for head in heads if pd.api.types.is_string_dtype(head.dtype))
        return any(
            len(text) and text.astype("str").str.fullmatch(DOTTED_DATE).all() for text in texts
        )


def _written_signs(cells: Sequence[Cell]) -> set[str]:
    """The signs of the cells that have two readings: each is small as a decimal sign."""
    ambiguous = (cell for cell in cells if cell.is_ambiguous)
    return {"." if abs(cell.point or 0.0) < abs(cell.comma or 0.0) else "," for cell in ambiguous}
