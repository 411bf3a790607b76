"""Repeated times: which columns tell the rows of one time apart, and so name the series."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MAX_TOGETHER = 3  # columns that name the series only together
MAX_PAIRED = 12  # columns of which combinations are tried
FEW_REPEATS = 0.05  # of the repeats may remain: rows that are there twice by mistake
MOST_ROWS = 0.8  # of the times between its first and its last row, where a series has few gaps
OFTEN = 0.1  # of the times have several rows, where there are several series
FEWEST_ROWS = 4  # of a series with many gaps, on average


@dataclass(frozen=True, eq=False)
class RepeatedTimes:
    """The rows of a table by time, to find the columns that tell the rows of one time apart.

    Attributes:
        frame: the table, of N rows.
        times: of the rows (N,).
        files: the file of each row (N,), where there are several.
    """

    frame: pd.DataFrame
    times: pd.DatetimeIndex | NDArray[np.int64]
    files: NDArray[np.intp] | None = None

    @functools.cached_property
    def repeat(self) -> bool:
        """Whether a time has several rows."""
        return not pd.Index(self.times).is_unique

    @functools.cached_property
    def repeat_across_files(self) -> bool:
        """Whether times repeat between the files but not within one: the files are the series."""
        return self.repeat and self.files is not None and self._left(self.files) == 0

    def telling_apart(self, names: Iterable[str], *, named: bool = False) -> list[str]:
        """The columns each of which tells the rows of one time apart.

        Columns that leave a few repeats count where no column leaves none; columns whose series
        have many gaps only where no other has few.

        Args:
            names: of columns.
            named: whether the names say that they are ids; otherwise there must be evidence that
                the series are series: times repeat often, or series have few gaps.
        """
        found = [(name, self._codes([name])) for name in names]
        apart = [(name, codes) for name, codes in found if self._tells_apart(codes, named)]
        exact = [(name, codes) for name, codes in apart if self._left(codes) == 0] or apart
        dense = [name for name, codes in exact if self._density(codes) >= MOST_ROWS]
        return dense or [name for name, _ in exact]

    def dense(self, names: Iterable[str]) -> list[str]:
        """Those of `telling_apart` whose series have few gaps."""
        found = self.telling_apart(names)
        return [name for name in found if self._density(self._codes([name])) >= MOST_ROWS]

    def together(self, names: Sequence[str]) -> tuple[str, ...]:
        """The fewest columns that tell the rows of one time apart together, without many gaps."""
        for count in range(2, MAX_TOGETHER + 1):
            for chosen in itertools.combinations(names[:MAX_PAIRED], count):
                codes = self._codes(chosen)
                if self._left(codes) == 0 and self._tells_apart(codes, named=False):
                    return chosen
        return ()

    def in_blocks(self, names: Iterable[str]) -> list[str]:
        """The columns whose values come in blocks of rows that each begin in time anew.

        So where series do not overlap: within a block times only rise or only fall, as in all
        others, but from block to block they turn back. And they have few gaps.
        """
        return [name for name in names if self._begins_anew(self._codes([name]))]

    def _begins_anew(self, codes: NDArray[np.intp]) -> bool:
        blocks, distinct = int((np.diff(codes) != 0).sum()) + 1, int(codes.max(initial=-1)) + 1
        if distinct < 2 or blocks > distinct or len(codes) < FEWEST_ROWS * distinct:
            return False
        rises, is_inside = np.diff(self._ranks) > 0, np.diff(codes) == 0
        within = rises[is_inside]
        turns_back = len({*rises.tolist()}) > 1 and len({*within.tolist()}) == 1
        return turns_back and self._density(codes) >= MOST_ROWS

    @functools.cached_property
    def _ranks(self) -> NDArray[np.intp]:
        """The place of each row's time among the distinct times of the table, (N,)."""
        return pd.factorize(pd.Index(self.times), sort=True)[0]

    @functools.cached_property
    def _repeats(self) -> int:
        """How many rows have the time of an earlier one."""
        return len(self._ranks) - int(self._ranks.max()) - 1

    def _codes(self, names: Sequence[str]) -> NDArray[np.intp]:
        """The rows that agree in some columns have one code, (N,); missing cells agree too."""
        codes = np.zeros(len(self.frame), dtype=np.intp)
        for name in names:
            own, distinct = pd.factorize(self.frame[name], use_na_sentinel=False)
            codes = pd.factorize(codes * len(distinct) + own)[0]
        return codes

    def _left(self, codes: NDArray[np.intp]) -> int:
        """How many rows have the time and the code of an earlier one."""
        cells = pd.Index(codes.astype(np.int64) * (int(self._ranks.max()) + 1) + self._ranks)
        return len(cells) - int(cells.nunique())

    def _tells_apart(self, codes: NDArray[np.intp], named: bool) -> bool:
        if self._left(codes) > FEW_REPEATS * self._repeats:
            return False
        if named or int(self._ranks.max()) == 0:
            return True
        rows_per_series = len(codes) / (int(codes.max()) + 1)
        is_sparse_panel = self._often and rows_per_series >= FEWEST_ROWS
        return is_sparse_panel or (rows_per_series > 1 and self._density(codes) >= MOST_ROWS)

    @functools.cached_property
    def _often(self) -> bool:
        """Whether the share of times that have several rows is more than a few mistakes."""
        return bool((np.bincount(self._ranks) > 1).mean() >= OFTEN)

    def _density(self, codes: NDArray[np.intp]) -> float:
        """The rows of all series as a share of the times between their first and last ones."""
        ends = pd.Series(self._ranks).groupby(codes).agg(["min", "max"])
        spans: Any = ends["max"] - ends["min"] + 1
        return len(codes) / float(spans.sum())
