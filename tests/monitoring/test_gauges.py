import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecast.monitoring.charts import NEVER
from forecast.monitoring.findings import nearest_to_alarm
from forecast.monitoring.gauges import gauges
from forecast.monitoring.monitor import advanced, begin


@pytest.fixture(scope="module")
def monitor(make_model, make_random_panel):
    table = make_random_panel([60] * 3)
    model = make_model(table.until(30), season=7, lags=(7,))
    rows = table.cut(np.arange(3), np.full(3, 30), np.full(3, 30))
    return advanced(model, begin(model), rows)


def by_name(found):
    return {gauge.name.removeprefix("forecast_monitor_"): gauge for gauge in found}


def test_gauges_are_plain_finite_values_with_names_and_help(monitor):
    found = gauges(monitor)

    json.dumps(found)
    assert all(gauge.name.isidentifier() and gauge.help.endswith(".") for gauge in found)
    assert all(math.isfinite(sample.value) for gauge in found for sample in gauge.samples)
    assert len({gauge.name for gauge in found}) == len(found)


def test_they_say_how_many_series_and_rows_there_are(monitor):
    found = by_name(gauges(monitor))

    assert found["series"].samples == (({}, 3.0),)
    assert found["rows"].samples == (({}, 90.0),)
    assert [sample.labels["method"] for sample in found["mase"].samples] == [
        "forecast",
        "seasonal_naive",
    ]


def test_what_is_not_known_is_left_out(monitor):
    assert by_name(gauges(monitor))["coverage_ratio"].samples == ()  # there is no calibration


def test_of_many_series_those_nearest_to_an_alarm_have_samples(monitor):
    found = by_name(gauges(monitor, max_series=1))["series_level_chart"].samples
    charts = monitor.statistics.charts.value.max(axis=(1, 2))

    assert [sample.labels["series"] for sample in found] == [monitor.state.ids[charts.argmax()]]
    assert len(by_name(gauges(monitor))["series_mase"].samples) == 3


def test_a_series_that_was_in_alarm_is_no_nearer_to_the_next_one(monitor):
    now = monitor.statistics
    value = np.zeros((3, 2, 2))
    value[:, 0, 0] = np.array([0.1, 0.2, 0.0]) * monitor.limits.chart
    at = np.full(now.alarms.at.shape, NEVER)
    at[2, 0] = 5  # long ago
    charts, alarms = now.charts._replace(value=value), now.alarms._replace(at=at)
    ended = replace(monitor, statistics=replace(now, charts=charts, alarms=alarms))

    found = by_name(gauges(ended, max_series=2))["series_level_chart"].samples

    assert [sample.labels["series"] for sample in found] == ["a", "b"]


def test_series_in_alarm_come_first_then_those_with_the_largest_share_of_a_threshold():
    table = pd.DataFrame(
        {
            "level_chart": [0.2, 1.1, 0.0, 0.1, 0.9],
            "scale_chart": [0.5, 0.0, 1.9, 0.0, 0.0],
            "alarm": ["", "level up", "scale up", "coverage-80", ""],
        }
    )

    assert nearest_to_alarm(table, 4).tolist() == [2, 1, 3, 4]


def test_a_monitor_of_no_series_has_nothing_to_say(monitor):
    found = by_name(gauges(monitor.take(np.array([], int))))

    assert found["series"].samples == (({}, 0.0),)
    assert found["series_in_alarm"].samples == (({}, 0.0),)
    assert found["mase"].samples == found["series_mase"].samples == ()
