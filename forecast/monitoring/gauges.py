"""The numbers of a monitor for Prometheus, as plain values; a service formats them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from forecast.evaluation.cutoff_forecasts import ID
from forecast.monitoring.findings import nearest_to_alarm, overall, series_table
from forecast.monitoring.monitor import Monitor
from forecast.monitoring.statistics import LEVELS, TESTS, in_alarm

PREFIX = "forecast_monitor_"
MAX_SERIES = 100  # that have samples of their own: each label is a time series of Prometheus


class Sample(NamedTuple):
    """A value, and the labels that tell it from others of the same name."""

    labels: dict[str, str]
    value: float


class Gauge(NamedTuple):
    """A metric of Prometheus, of type gauge.

    Attributes:
        name: of the metric.
        help: what it is, in one line.
        samples: its values; those that are not known are left out.
    """

    name: str
    help: str
    samples: tuple[Sample, ...]

    @property
    def labels(self) -> list[str]:
        """The names of the labels of its samples."""
        return [*self.samples[0].labels] if self.samples else []


def gauges(monitor: Monitor, max_series: int = MAX_SERIES) -> list[Gauge]:
    """The numbers of a monitor after its last row.

    Args:
        monitor: of any number of series.
        max_series: up to so many have samples of their own; of more, those nearest to an alarm,
            see `nearest_to_alarm`.
    """
    total = overall(monitor)
    counts = [
        _gauge("series", "Series that are watched.", [Sample({}, total["series"])]),
        _gauge("rows", "Rows that were followed, of all series.", [Sample({}, total["rows"])]),
        _gauge("alarms", "Series in alarm now, by test.", _alarms(monitor)),
        _gauge(
            "series_in_alarm", "Series in alarm now, by any test.", [Sample({}, total["alarms"])]
        ),
        _gauge(
            "series_adapted",
            "Series that had an alarm and whose errors are as usual again.",
            [Sample({}, total["adapted"])],
        ),
        _gauge(
            "mase",
            "MASE of one-step forecasts over the window, of all series.",
            [
                Sample({"method": "forecast"}, total["mase"]),
                Sample({"method": "seasonal_naive"}, total["mase_naive"]),
            ],
        ),
        _gauge(
            "coverage_ratio",
            "Share of values inside an interval over the window, of all series.",
            [Sample({"level": f"{level:g}"}, total[f"coverage-{level:g}"]) for level in LEVELS],
        ),
    ]
    return [*counts, *_of_each(monitor, max_series)]


def _alarms(monitor: Monitor) -> list[Sample]:
    counts = in_alarm(monitor.statistics, monitor.limits).sum(axis=0).tolist()
    return [Sample({"test": test}, count) for test, count in zip(TESTS, counts, strict=True)]


def _of_each(monitor: Monitor, max_series: int) -> list[Gauge]:
    """The numbers of single series."""
    whole = series_table(monitor)
    table = whole.iloc[np.sort(nearest_to_alarm(whole, max_series))]
    ids = [str(name) for name in table[ID].tolist()]

    def samples(column: str) -> list[Sample]:
        values = table[column].tolist()
        return [Sample({"series": name}, value) for name, value in zip(ids, values, strict=True)]

    helps = {
        "mase": "MASE of one-step forecasts over the window, of a series.",
        "level_chart": "CUSUM of the level of errors as a share of its threshold.",
        "scale_chart": "CUSUM of the scale of errors as a share of its threshold.",
    }
    return [_gauge(f"series_{name}", text, samples(name)) for name, text in helps.items()]


def _gauge(name: str, text: str, samples: list[Sample]) -> Gauge:
    known = (Sample(one.labels, float(one.value)) for one in samples if math.isfinite(one.value))
    return Gauge(PREFIX + name, text, tuple(known))
