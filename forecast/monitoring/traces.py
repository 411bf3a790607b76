"""What a picture of a monitoring shows: the course of the statistics of a few series."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from forecast.data.panel import Panel
from forecast.evaluation.metrics import mean_observed, valid_scale
from forecast.inference.config import Config
from forecast.inference.new_rows import places_of
from forecast.inference.predictor import Predictor
from forecast.monitoring.findings import Finding
from forecast.monitoring.monitor import Monitor, follow
from forecast.monitoring.statistics import LEVELS
from forecast.plotting.monitoring import MonitorTrace

MAX_SHOWN = 3  # series; a column of plots each


class Followed(NamedTuple):
    """What was monitored.

    Attributes:
        predictor: the model.
        start, monitor: before and after the rows.
        rows: that were followed.
        findings: alarms in the order in which they were raised.
    """

    predictor: Predictor
    start: Monitor
    monitor: Monitor
    rows: Panel
    findings: list[Finding]


def traces_of(result: Followed) -> list[MonitorTrace]:
    """The course of each series that is shown: those with alarms first, as they were raised.

    Their rows are followed once more, so that a monitoring of many series keeps no such course.
    """
    chosen = _chosen(result)
    rows = result.rows.take(chosen)
    places = places_of(result.start.state, rows)
    start, limits = result.start.take(places), result.monitor.limits
    courses: list[list[np.ndarray]] = [[] for _ in chosen]
    for step in follow(result.predictor, start, rows, limits):
        now = step.after.statistics
        scale = valid_scale(now.naive_scale)
        errors = (
            mean_observed(np.abs(part)) / scale for part in (now.window.error, now.window.naive)
        )
        charts = now.charts.value[:, :, 0] - now.charts.value[:, :, 1]  # one side is mostly 0
        shown = [*errors, *(charts.T / limits.chart), *now.window.coverage.T]
        for place, series in enumerate(step.series.tolist()):
            actual = rows.target[rows.indptr[series] + len(courses[series]), start.target]
            error = step.observed.error[place]
            own = [part[series] for part in shown]
            courses[series].append(np.array([actual, actual - error, *own]))
    return [_trace(result, series, np.array(courses[k]).T) for k, series in enumerate(chosen)]


def _chosen(result: Followed) -> np.ndarray:
    """The places among the rows of the series that are shown."""
    names = [finding.series for finding in result.findings]
    ids = result.rows.ids.tolist()
    first = dict.fromkeys([*names, *ids])  # a dict keeps their order
    return np.array([ids.index(name) for name in [*first][:MAX_SHOWN] if name in ids], np.intp)


def _trace(result: Followed, series: int, course: np.ndarray) -> MonitorTrace:
    rows, config = result.rows, result.predictor.config
    actual, forecast, mase, naive, level, scale, *coverage = course
    ordinals = rows.start[series] + rows.frequency.step * np.arange(len(actual))
    name = rows.ids[series]
    first = next((finding for finding in result.findings if finding.series == name), None)
    alarm, change = (None, None) if first is None else _times(config, [first.at, first.since])
    return MonitorTrace(
        name=str(name),
        times=_times(config, ordinals),
        actual=actual,
        forecast=forecast,
        mase=mase,
        naive=naive,
        coverage=dict(zip(LEVELS, coverage, strict=True)),
        level=level,
        scale=scale,
        alarm=alarm,
        change=change,
    )


def _times(config: Config, ordinals: Any) -> np.ndarray:
    """Ordinals as times on the axis of a plot."""
    return np.asarray(config.frequency.times(np.asarray(ordinals, np.int64)))
