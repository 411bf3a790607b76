"""What a monitor has found: a row for each series, and each alarm."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from forecast.data.frequency import Frequency
from forecast.data.schema import Schema
from forecast.evaluation.cutoff_forecasts import ID
from forecast.evaluation.metrics import mean_observed, valid_scale
from forecast.monitoring.charts import NEVER
from forecast.monitoring.monitor import Monitor
from forecast.monitoring.statistics import LEVELS, TESTS, in_alarm, sizes

CONFIDENCE = 0.95  # of the band in which an empirical coverage lies while its level is right


class Finding(NamedTuple):
    """An alarm of a series.

    Attributes:
        series: its id.
        test: which of TESTS.
        size: how large the change is, see `statistics.sizes`: now where it persists, else by then.
        since, at: ordinals of the row at which the change is estimated to have begun, and of that
            on which the alarm was raised.
        persists: whether the test is still in alarm after the last row.
    """

    series: Any
    test: str
    size: float
    since: int
    at: int
    persists: bool


def findings(monitor: Monitor) -> list[Finding]:
    """All alarms in the order in which they were raised."""
    now = monitor.statistics
    lasting, current, alarms = in_alarm(now, monitor.limits), sizes(now), now.alarms
    series, test = np.nonzero(alarms.at != NEVER)
    order = np.lexsort((test, series, alarms.at[series, test]))
    ids = monitor.state.ids.tolist()
    return [
        Finding(
            ids[s],
            TESTS[t],
            float((current if lasting[s, t] else alarms.size)[s, t]),
            int(alarms.since[s, t]),
            int(alarms.at[s, t]),
            bool(lasting[s, t]),
        )
        for s, t in zip(series[order].tolist(), test[order].tolist(), strict=True)
    ]


def alarms_table(found: list[Finding], schema: Schema, frequency: Frequency) -> pd.DataFrame:
    """The alarms as a table, times as the user writes them."""
    columns = dict(zip(Finding._fields, zip(*found, strict=True), strict=False))
    values = {name: list(columns.get(name, ())) for name in Finding._fields}
    times = {
        name: schema.column(frequency, np.array(values[name], np.int64)) for name in ("since", "at")
    }
    others = {name: values[name] for name in ("test", "size")}
    ids = {schema.id or ID: values["series"]}
    return pd.DataFrame({**ids, **others, **times, "persists": values["persists"]})


def series_table(monitor: Monitor, name: str = ID) -> pd.DataFrame:
    """The measures of each series over its window, and which tests are in alarm after its last row.

    Args:
        monitor: of S series.
        name: of the column of ids.
    """
    now, limits = monitor.statistics, monitor.limits
    scale = valid_scale(now.naive_scale)
    error, naive = (mean_observed(np.abs(part)) for part in (now.window.error, now.window.naive))
    alarm = in_alarm(now, limits)
    charts = now.charts.value.max(axis=2) / limits.chart
    coverage = {f"coverage-{level:g}": now.window.coverage[:, k] for k, level in enumerate(LEVELS)}
    with np.errstate(invalid="ignore", divide="ignore"):
        columns = {
            name: monitor.state.ids,
            "rows": now.rows,
            "mase": error / scale,
            "mase_naive": naive / scale,
            **coverage,
            "mean_error": mean_observed(now.window.error),
            "times_usual": error / now.usual_error,
            "level_chart": charts[:, 0],
            "scale_chart": charts[:, 1],
            "alarm": _names(alarm),
            "adapted": _names((now.alarms.at != NEVER) & ~alarm),
        }
    return pd.DataFrame(columns)


def _names(alarm: np.ndarray) -> list[str]:
    """The names of the tests that are in alarm, of each series."""
    return [", ".join(name for name, own in zip(TESTS, row, strict=True) if own) for row in alarm]


def nearest_to_alarm(table: pd.DataFrame, most: int) -> np.ndarray:
    """The places of the series that are nearest to an alarm, the nearest first.

    Series in alarm come first; among them, and among the others, those whose level or scale has
    the largest share of its threshold.

    Args:
        table: of `series_table`.
        most: how many series at most.
    """
    share = table[["level_chart", "scale_chart"]].max(axis=1).to_numpy()
    return np.lexsort((-share, table["alarm"].to_numpy() == ""))[:most]


def coverage_band(level: float, rows: int) -> tuple[float, float]:
    """Between which shares of independent rows lie inside an interval, if its level is right.

    The central 95 % of the binomial distribution.

    Example:
        >>> coverage_band(80.0, 50)
        (0.68, 0.9)
    """
    from scipy.special import bdtr  # takes a fifth of a second to import

    distribution = bdtr(np.arange(rows + 1), rows, level / 100)
    tails = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
    low, high = (int(np.searchsorted(distribution, tail)) / rows for tail in tails)
    return low, high


def overall(monitor: Monitor) -> dict[str, float]:
    """The measures of all series together, over their windows."""
    now, limits = monitor.statistics, monitor.limits
    scale = valid_scale(now.naive_scale)[:, None]
    alarm = in_alarm(now, limits).any(axis=1)
    measures = {
        "series": len(now.rows),
        "rows": int(now.rows.sum()),
        "mase": _mean(np.abs(now.window.error) / scale),
        "mase_naive": _mean(np.abs(now.window.naive) / scale),
    }
    for k, level in enumerate(LEVELS):
        inside = now.window.inside[..., k]
        observed = int((~np.isnan(inside)).sum())
        band = coverage_band(level, observed) if observed else (np.nan, np.nan)
        name = f"coverage-{level:g}"
        measures |= {name: _mean(inside), f"{name}-low": band[0], f"{name}-high": band[1]}
    measures["alarms"] = int(alarm.sum())
    measures["adapted"] = int(((now.alarms.at != NEVER).any(axis=1) & ~alarm).sum())
    return measures


def _mean(values: np.ndarray) -> float:
    return float(mean_observed(values.ravel()))
