"""Panels: the normal form of all series."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.data.covariates import NO_COVARIATES, CovariateColumns
from forecast.data.frequency import Frequency
from forecast.data.schema import Schema
from forecast.errors import DataError, first_few, quote

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Panel:
    """Many series of one frequency, sorted by id and time, with gaps as rows of NaN.

    Row k of series s is row `indptr[s] + k` of `target`, at `start[s] + k * frequency.step`.
    """

    ids: NDArray[Any]  # (S,) sorted; for a single series without id the target's name
    indptr: Integers  # (S+1,)
    start: Integers  # (S,) ordinal of each series' first row
    target: NDArray[np.float64]  # (N, D), NaN where missing
    frequency: Frequency
    schema: Schema
    notes: tuple[str, ...] = ()  # what was assumed, as sentences for people
    source: str = "the table"  # what to call it in messages
    known: CovariateColumns = NO_COVARIATES  # of the N rows
    static: CovariateColumns = NO_COVARIATES  # of the S series

    @property
    def lengths(self) -> Integers:
        """Rows per series, (S,)."""
        lengths: Integers = np.diff(self.indptr)
        return lengths

    @property
    def ordinals(self) -> Integers:
        """The time of every row, counted by `frequency`, (N,)."""
        step, lengths = self.frequency.step, self.lengths
        ordinals: Integers = np.arange(self.indptr[-1], dtype=np.int64) * step
        ordinals += np.repeat(self.start - self.indptr[:-1] * step, lengths)
        return ordinals

    def select(self, ids: Iterable[Any]) -> Panel:
        """Keep some series.

        Args:
            ids: ids, in any order; text finds numeric ids too.

        Returns:
            The panel of those series, in the panel's order.

        Raises:
            DataError: an id is unknown.
        """
        positions: dict[Any, int] = {str(name): s for s, name in enumerate(self.ids.tolist())}
        positions |= {name: s for s, name in enumerate(self.ids.tolist())}
        requested_ids = list(ids)
        for name in requested_ids:
            if name not in positions:
                raise self._unknown(name)
        chosen = sorted({positions[name] for name in requested_ids})
        return self.take(np.array(chosen, dtype=np.intp))

    def until(self, steps_before_end: int) -> Panel:
        """Cut the same number of rows off the end of every series.

        Args:
            steps_before_end: rows to cut, at least 0.

        Returns:
            The shorter panel; a series that was not longer keeps zero rows.
        """
        lengths = np.maximum(self.lengths - steps_before_end, 0)
        return self.cut(np.arange(len(self.ids)), lengths)

    def take(self, chosen: NDArray[np.intp]) -> Panel:
        """The series at the given positions, in that order."""
        return self.cut(chosen, self.lengths[chosen])

    def preceded_by(self, missing: Integers) -> Panel:
        """The panel with rows of missing values added before the first row of each series.

        Args:
            missing: number of rows to add to each series (S,).
        """
        lengths = self.lengths + missing
        indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        target = np.full((indptr[-1], self.target.shape[1]), np.nan)
        shift = np.repeat(indptr[1:] - self.indptr[1:], self.lengths)
        new_rows = np.arange(len(self.target)) + shift
        target[new_rows] = self.target
        start = self.start - missing * self.frequency.step
        old_rows = np.full(len(target), -1)
        old_rows[new_rows] = np.arange(len(new_rows))
        known = self.known.take(old_rows) if self.known.names else self.known
        return replace(self, indptr=indptr, start=start, target=target, known=known)

    def cut(
        self, chosen: NDArray[np.intp], lengths: Integers, first: Integers | None = None
    ) -> Panel:
        """Consecutive rows of the series at the given positions, which may repeat.

        Args:
            chosen: positions of series (M,).
            lengths: number of rows of each (M,).
            first: the row of each at which they begin (M,); by default 0.
        """
        begin = np.zeros(len(chosen), np.int64) if first is None else first
        indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        shift = np.repeat(self.indptr[:-1][chosen] + begin - indptr[:-1], lengths)
        rows = shift + np.arange(indptr[-1])
        return replace(
            self,
            ids=self.ids[chosen],
            indptr=indptr,
            start=self.start[chosen] + begin * self.frequency.step,
            target=self.target[rows],
            known=self.known.take(rows) if self.known.names else self.known,
            static=self.static.take(chosen) if self.static.names else self.static,
        )

    @property
    def missing_at_end(self) -> Integers:
        """How many rows of each series follow the last one with a value, (S,); all without one."""
        rows = np.arange(len(self.target))
        observed = np.where(np.isnan(self.target).all(axis=1), -1, rows)
        last = np.maximum(np.maximum.reduceat(observed, self.indptr[:-1]), self.indptr[:-1] - 1)
        return np.asarray(self.indptr[1:] - 1 - last)

    def drop_unobserved(self) -> Panel:
        """Drop the series that were never observed.

        Returns:
            The panel of the others.

        Raises:
            DataError: none is left.
        """
        is_observed = ~np.isnan(self.target).all(axis=1)  # (N,)
        has_values = np.add.reduceat(is_observed, self.indptr[:-1]) > 0
        if not has_values.any():
            raise DataError("no series has an observed value")
        return self if has_values.all() else self.select(self.ids[has_values].tolist())

    def _unknown(self, name: object) -> DataError:
        names = [str(own_name) for own_name in self.ids.tolist()]
        close = difflib.get_close_matches(str(name), names, n=3)
        hint = f"did you mean {first_few(close)}?" if close else f"there are {first_few(names)}"
        return DataError(f"no series {quote(name)}; {hint}")
