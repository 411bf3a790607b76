import threading

import numpy as np
import pytest

from forecast.monitoring.gauges import gauges
from forecast.monitoring.monitor import advanced, begin
from forecast.service.watcher import Watcher


@pytest.fixture(scope="module")
def model(make_model, make_random_panel):
    return make_model(make_random_panel([30, 30, 28]), lags=(1, 2))


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(3).gamma(4.0, 2.5, (3, 40))


def one(make_panel, rows, name, at, count=1):
    place = "abc".index(name)
    first = (30, 30, 28)[place] + at
    return make_panel(rows[place, at : at + count], ids=[name], first=first)


def test_rows_that_arrive_one_by_one_are_followed_as_all_at_once(model, rows, make_panel):
    watcher = Watcher(model)
    for at in range(40):
        for name in "cab":
            watcher.add(one(make_panel, rows, name, at))
        if at in (5, 6, 30):
            watcher.gauges()  # somebody looks now and then

    found = watcher.gauges()

    expected = begin(model)
    for name in "abc":
        expected = advanced(model, expected, one(make_panel, rows, name, 0, 40))
    for ours, theirs in zip(found, gauges(expected), strict=True):
        assert ours.name == theirs.name
        assert [sample.labels for sample in ours.samples] == [s.labels for s in theirs.samples]
        np.testing.assert_allclose(
            [sample.value for sample in ours.samples],
            [sample.value for sample in theirs.samples],
            rtol=1e-5,
            err_msg=ours.name,
        )


def test_rows_seen_before_are_passed_over_and_skipped_ones_are_missing(model, rows, make_panel):
    watcher = Watcher(model)
    watcher.add(one(make_panel, rows, "a", 0, 3))
    watcher.add(one(make_panel, rows, "a", 1, 3))  # two of them again
    watcher.add(one(make_panel, rows, "a", 6))

    (followed,) = (g for g in watcher.gauges() if g.name == "forecast_monitor_rows")

    assert followed.samples[0].value == 5  # with a value; 4 and 5 were skipped
    assert watcher._monitor.state.time.tolist() == [36, 29, 27]


def test_series_that_are_new_are_not_watched(model, make_panel):
    watcher = Watcher(model)
    watcher.add(make_panel([1.0, 2.0], ids=["new"]))
    watcher.add(make_panel([1.0], [2.0], ids=["a", "new"], first=30))

    found = {gauge.name: gauge.samples for gauge in watcher.gauges()}

    assert found["forecast_monitor_series"][0].value == 3
    assert found["forecast_monitor_rows"][0].value == 1


def test_many_rows_do_not_wait_for_somebody_to_look(model, rows, make_panel, monkeypatch):
    monkeypatch.setattr("forecast.service.watcher.MANY", 3)
    watcher = Watcher(model)

    for at in range(3):
        watcher.add(one(make_panel, rows, "a", at))
    for thread in threading.enumerate():
        if thread.name == "watcher":
            thread.join()

    assert watcher._monitor.state.time[0] == 32
    assert len(watcher._waiting) == 0
