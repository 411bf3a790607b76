"""All statistics of a monitor as a value: a row of arrays for each series, advanced row by row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np

from forecast.monitoring.charts import MOST, NEVER, Charts
from forecast.monitoring.means import Means, mean_of
from forecast.monitoring.self_starting import LEAST_ROWS, RunningMoments
from forecast.monitoring.thresholds import Limits, limits
from forecast.monitoring.windows import Window

STREAMS = ("level", "scale")
LEVELS = (80.0, 95.0)  # of the intervals whose coverage is watched, in percent
TESTS = (
    *("level up", "level down", "scale up", "scale down"),
    *(f"coverage-{level:g}" for level in LEVELS),
    "skill",
)
FIRST_ROWS = 80  # are learned as usual at once, later ones when they have waited
WAIT = 50  # rows: a change raises an alarm before it could be learned as usual
ROWS_BETWEEN = 10_000  # two false alarms of a whole healthy panel


class Observed(NamedTuple):
    """One row of each of S series beside its forecast; NaN where a value is missing.

    Attributes:
        time: ordinal of the row (S,).
        score: the error as a number that is about standard normal while all is well (S,).
        error: in the units of the data (S,).
        naive: of the seasonal naive forecast, in the same units (S,).
        inside: whether the value lies in the interval of each level, 1 or 0, (S, L); NaN where
            there is none.
    """

    time: np.ndarray
    score: np.ndarray
    error: np.ndarray
    naive: np.ndarray
    inside: np.ndarray


class Alarms(NamedTuple):
    """The first alarm of each test of each series, (S, len(TESTS)) each.

    Attributes:
        at: time of the row on which it was raised, NEVER where it was not.
        since: time of the row at which the change is estimated to have begun; of a window that of
            its last row.
        size: how large the change was by then, see `sizes`; NaN where none was raised.
    """

    at: np.ndarray
    since: np.ndarray
    size: np.ndarray


@dataclass(frozen=True, eq=False)
class Statistics:
    """What is known of S series after some rows; `advance` gives that after the next one.

    Attributes:
        rows: with a value, of each series (S,).
        time: ordinal of the last row (S,).
        moments: of the scores and of their distances from their mean.
        waiting: rows that are not yet learned as usual, the newest last, (S, WAIT, 6): values and
            scores of both streams, and absolute errors of the model and of the naive forecast.
        charts: of both.
        window: the last rows.
        means: over the rows on which nothing was suspicious.
        alarms: the first ones.
    """

    rows: np.ndarray
    time: np.ndarray
    moments: RunningMoments
    waiting: np.ndarray
    charts: Charts
    window: Window
    means: Means
    alarms: Alarms

    @classmethod
    def start(cls, time: np.ndarray, window: int, naive: np.ndarray | None = None) -> Self:
        """Statistics before any row.

        Args:
            time: ordinal of the last row before those that will be watched, (S,).
            window: rows W.
            naive: absolute errors of the seasonal naive forecast on earlier rows, (S, n), NaN
                where unknown.
        """
        series = len(time)
        known = np.zeros((series, 0)) if naive is None else naive
        never = np.full((series, len(TESTS)), NEVER)
        return cls(
            rows=np.zeros(series, np.int64),
            time=time,
            moments=RunningMoments.start(series, len(STREAMS)),
            waiting=np.full((series, WAIT, 6), np.nan),
            charts=Charts.start(series, len(STREAMS)),
            window=Window.start(series, window, len(LEVELS)),
            means=Means.start(known),
            alarms=Alarms(never, never, np.full(never.shape, np.nan)),
        )

    @property
    def usual_error(self) -> np.ndarray:
        """The mean absolute error while nothing was suspicious, (S,); NaN before the first row."""
        return self.means.usual_error

    @property
    def naive_scale(self) -> np.ndarray:
        """That of the seasonal naive forecast, by which MASE divides."""
        return self.means.naive_scale

    def limits(self, rows_between: int = ROWS_BETWEEN) -> Limits:
        """The thresholds of a panel of so many series, see `thresholds.limits`."""
        window = self.window.error.shape[1]
        return limits(len(self.rows), len(TESTS), window, LEVELS, rows_between)

    def take(self, series: np.ndarray) -> Self:
        """The series at the given places, in that order."""
        return type(self).from_arrays({name: part[series] for name, part in self.arrays().items()})

    def arrays(self) -> dict[str, np.ndarray]:
        """Every array by name, each with leading axis S."""
        parts = {
            f"{name}.{field}": array
            for name in ("moments", "charts", "window", "means", "alarms")
            for field, array in getattr(self, name)._asdict().items()
        }
        return {"rows": self.rows, "time": self.time, "waiting": self.waiting, **parts}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Statistics whose `arrays` these are."""

        def part(name: str, fields: tuple[str, ...]) -> list[np.ndarray]:
            return [arrays[f"{name}.{field}"] for field in fields]

        return cls(
            rows=arrays["rows"],
            time=arrays["time"],
            waiting=arrays["waiting"],
            moments=RunningMoments(*part("moments", RunningMoments._fields)),
            charts=Charts(*part("charts", Charts._fields)),
            window=Window(*part("window", Window._fields)),
            means=Means(*part("means", Means._fields)),
            alarms=Alarms(*part("alarms", Alarms._fields)),
        )


def advance(before: Statistics, row: Observed, limits: Limits) -> Statistics:
    """The statistics after another row of each series; those of a missing value stay.

    A row is judged by the first rows and by those that have waited since. None is learned while a
    chart is at half of its threshold or above, so that a change is not taken for usual; and of an
    outlier no more than the largest distance that counts.

    Args:
        before: of S series.
        row: of the same series.
        limits: thresholds, see `Statistics.limits`.
    """
    counts = ~np.isnan(row.score)
    values, scores = _judged(before.moments, row.score)
    waiting = _queued(before.waiting, (values, scores, row), counts)
    is_calm = counts & (before.charts.value < limits.chart / 2).all(axis=(1, 2))
    is_first = before.rows < FIRST_ROWS
    ready = np.where(is_first[:, None], waiting[:, -1], before.waiting[:, 0])
    is_new = is_first | (before.rows >= FIRST_ROWS + WAIT)  # else it was learned at once
    ready = np.where((is_calm & is_new)[:, None], ready, np.nan)
    shrunk = scores * before.moments.shrinkage
    after = Statistics(
        rows=before.rows + counts,
        time=np.where(counts, row.time, before.time),
        moments=before.moments.learned(ready[:, :2], ready[:, 2:4]),
        waiting=waiting,
        charts=before.charts.added(
            shrunk,
            before.moments.mean_uncertainty(limits.chart),
            (row.time, row.error),
            MOST * limits.chart,
        ),
        window=before.window.pushed((row.error, row.naive, row.inside), counts),
        means=before.means.added(ready[:, 4], ready[:, 5], before.rows < LEAST_ROWS),
        alarms=before.alarms,
    )
    after = _without_first_outliers(after, np.flatnonzero(counts & (after.rows == LEAST_ROWS)))
    return _with_alarms(after, in_alarm(after, limits))


def in_alarm(now: Statistics, limits: Limits) -> np.ndarray:
    """Which tests are beyond their thresholds after the last row, (S, len(TESTS))."""
    charts = _by_test(now.charts.value) >= limits.chart
    outside, observed = now.window.outside
    worse, compared = now.window.worse
    levels = np.arange(outside.shape[1])
    is_low = outside >= limits.outside[levels, observed]
    return np.column_stack([charts, is_low, worse >= limits.worse[compared]])


def sizes(now: Statistics) -> np.ndarray:
    """How large a change each test shows after the last row, (S, len(TESTS)).

    Of the level the mean error since the change, in the units of the data; of the scale the mean
    absolute error since then, as a multiple of the usual one; of an interval the share of values
    inside; of the skill the share of rows on which the seasonal naive forecast was closer. Over
    the window, the latter two.
    """
    rows = now.charts.rows
    signed, absolute = mean_of(now.charts.signed, rows), mean_of(now.charts.absolute, rows)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = absolute[:, 1] / now.usual_error[:, None]
    return np.column_stack([signed[:, 0], ratio, now.window.coverage, mean_of(*now.window.worse)])


def _judged(moments: RunningMoments, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The values of both streams in a row, and how unusual they are, (S, 2) each.

    Distances from the mean count, and are learned, as far as a single row counts.
    """
    level, of_level = score[:, None], moments.column(0)
    level_score = of_level.score(level)
    scale = np.abs(level_score) * of_level.spread
    scale_score = moments.column(1).score(scale)
    values = np.column_stack([of_level.capped(level), scale])
    return values, np.column_stack([level_score, scale_score])


def _queued(
    waiting: np.ndarray, newest: tuple[np.ndarray, np.ndarray, Observed], counts: np.ndarray
) -> np.ndarray:
    """What waits after another row, of the series where it counts (S,)."""
    values, scores, row = newest
    errors = np.abs(np.column_stack([row.error, row.naive]))
    last = np.concatenate([values, scores, errors], axis=1)[:, None]
    after = np.concatenate([waiting[:, 1:], last], axis=1)
    return np.where(counts[:, None, None], after, waiting)


def _without_first_outliers(now: Statistics, series: np.ndarray) -> Statistics:
    """The statistics of series (B,) after LEAST_ROWS rows, from which outliers are taken out.

    Later rows are capped by what is known before them; these have been learned as they were.
    """
    if not len(series):
        return now
    first = now.waiting[series, -LEAST_ROWS:]
    moments = now.moments.relearned(series, 0, first[:, :, 0])
    return replace(now, moments=moments, means=now.means.recounted(series, first[:, :, 4:]))


def _by_test(charts: np.ndarray) -> np.ndarray:
    """A part of both charts (S, K, 2) in the order of TESTS, (S, 2 K)."""
    return np.concatenate([charts[:, 0], charts[:, 1]], axis=1)


def _with_alarms(now: Statistics, alarm: np.ndarray) -> Statistics:
    """The statistics with the alarms that are raised for the first time."""
    is_first = alarm & (now.alarms.at == NEVER)
    if not is_first.any():
        return now
    time = np.broadcast_to(now.time[:, None], alarm.shape)
    since = time.copy()
    charts = _by_test(now.charts.since)
    since[:, : charts.shape[1]] = charts
    now_known = Alarms(time, since, sizes(now))
    changed = (np.where(is_first, *pair) for pair in zip(now_known, now.alarms, strict=True))
    return replace(now, alarms=Alarms(*changed))
