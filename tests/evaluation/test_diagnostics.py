from dataclasses import replace

import numpy as np
import pytest

from forecast.backtest import Backtest
from forecast.data.frequency import parse
from forecast.data.schema import Schema
from forecast.evaluation.comparison import Exposure
from forecast.evaluation.cutoff_forecasts import Past

SCHEMA = Schema("long", "store", "day", ("sold",), "str", "int64")
CUTOFFS, HORIZON = 8, 6


def backtest_of(model, series=4, seed=0, sigma=0.0):
    """Forecasts of series that go up and down, by a function of what came and the last value."""
    rng = np.random.default_rng(seed)
    count = series * CUTOFFS
    ids = np.tile([f"s{k}" for k in range(series)], CUTOFFS).astype(object)
    cutoffs = np.repeat(np.arange(CUTOFFS), series)
    time = cutoffs[:, None] + np.arange(HORIZON + 1)
    values = 10 + 3 * np.sin(2 * np.pi * time / 5) + rng.normal(0, 0.3, (count, HORIZON + 1))
    last, actual = values[:, 0], values[:, 1:]
    forecast = model(actual, last, rng)
    one = np.ones(count)
    width = np.array([[1.2816]]) * sigma
    return Backtest(
        ids=ids,
        cutoffs=cutoffs,
        actual=actual,
        forecasts={"forecast": forecast, "naive": np.repeat(last[:, None], HORIZON, axis=1)},
        ends={80.0: (forecast - width, forecast + width)} if sigma else {},
        past=Past(one, one, 6.5 * one, 13.5 * one, last),
        season=1,
        target="sold",
        schema=SCHEMA,
        frequency=parse("1"),
    )


def good(actual, last, rng):  # noqa: ARG001
    return actual + rng.normal(0, 0.5, actual.shape)


def copy(actual, last, rng):  # noqa: ARG001
    return np.repeat(last[:, None], actual.shape[1], axis=1)


def constant(actual, last, rng):  # noqa: ARG001
    return np.full_like(actual, 10.0)


def exploding(actual, last, rng):
    return good(actual, last, rng) * 1.7 ** np.arange(actual.shape[1])


def kinds(backtest, exposure=None):
    return [finding.kind for finding in backtest.findings(exposure)]


def test_nothing_is_said_of_a_good_model():
    assert kinds(backtest_of(good, sigma=0.5), None) == []


def test_a_copy_of_the_last_value_is_found():
    found = backtest_of(copy).findings()

    assert [one.kind for one in found] == ["lag-copy", "flat"]
    assert found[0].series == ("s0", "s1", "s2", "s3")
    assert "in 4 of 4 series ('s0', 's1', 's2', …): the model does little more" in found[0].sentence


def test_without_training_no_option_of_a_training_is_advised():
    backtest = backtest_of(exploding)

    trained, untrained = (
        {one.kind: one.sentence for one in backtest.findings(trained=given)}
        for given in (True, False)
    )

    assert untrained.keys() == trained.keys() >= {"drift", "worse than naive"}
    assert trained["drift"].endswith(
        "Set limits (--bounds), train with --feedback free, or with a smaller --learning-rate."
    )
    assert untrained["drift"].endswith("Set limits (--bounds), or train.")
    assert untrained["worse than naive"].endswith("Use it for them, or train.")


def test_a_copy_that_moves_later_on_is_a_copy_too():
    def late(actual, last, rng):
        path = good(actual, last, rng)
        path[:, 0] = last + 0.01
        return path

    assert kinds(backtest_of(late)) == ["lag-copy"]


def test_a_constant_is_flat_and_no_copy():
    assert kinds(backtest_of(constant)) == ["flat"]


def test_data_that_do_not_move_make_no_flat_forecast():
    backtest = backtest_of(constant)

    still = replace(
        backtest,
        actual=np.full_like(backtest.actual, 10.0),
        past=backtest.past._replace(last=np.full(32, 10.0)),
    )

    assert kinds(still) == []


def test_an_exploding_rollout_drifts():
    found = backtest_of(exploding).findings()

    assert {one.kind for one in found} >= {"drift", "worse than naive"}
    drift = next(one for one in found if one.kind == "drift")
    assert set(drift.series) == {"s0", "s1", "s2", "s3"}
    assert "--bounds" in drift.sentence


def test_a_forecast_of_a_new_level_that_came_is_no_drift():
    backtest = backtest_of(good)

    risen = replace(
        backtest,
        actual=backtest.actual + 100,
        forecasts={name: path + 100 for name, path in backtest.forecasts.items()},
        past=backtest.past._replace(last=backtest.past.last + 100),
    )

    assert kinds(risen) == []


def test_series_that_a_naive_forecast_does_better_on_are_named_the_worst_first():
    backtest = backtest_of(good, series=5)
    path = backtest.forecasts["forecast"].copy()
    path[backtest.ids == "s3"] += 20
    path[backtest.ids == "s1"] -= 9

    found = replace(backtest, forecasts={**backtest.forecasts, "forecast": path}).findings()

    losers = next(one for one in found if one.kind == "worse than naive")
    assert losers.series == ("s3", "s1")
    assert "The baseline 'naive' is more accurate in 2 of 5 series ('s3', 's1')" in losers.sentence


def test_one_loser_among_many_is_not_worth_a_word():
    backtest = backtest_of(good, series=20)
    path = backtest.forecasts["forecast"].copy()
    path[backtest.ids == "s3"] += 5

    assert kinds(replace(backtest, forecasts={**backtest.forecasts, "forecast": path})) == []


@pytest.mark.parametrize(("sigma", "what"), [(0.1, "too narrow"), (3.0, "too wide")])
def test_intervals_that_miss_are_found(sigma, what):
    (found,) = backtest_of(good, series=20, sigma=sigma).findings()

    assert found.kind == "intervals"
    assert (
        f"Intervals are {what}: the 80% intervals have an empirical coverage of" in found.sentence
    )
    assert len(found.series) == 20


def test_a_few_forecasts_do_not_prove_intervals_wrong():
    backtest = backtest_of(good, series=1, sigma=0.3)

    held = (backtest.ends[80.0][0] <= backtest.actual) & (backtest.actual <= backtest.ends[80.0][1])
    assert held.mean() < 0.7
    assert kinds(backtest) == []


@pytest.mark.parametrize(("rollout", "found"), [(1.9, []), (2.1, ["exposure gap"])])
def test_an_exposure_gap_of_the_training_is_told(rollout, found):
    exposure = Exposure(one_step=[0.5, 1.5], rollout=[rollout, rollout])

    assert kinds(backtest_of(good), exposure) == found


def test_missing_values_and_few_forecasts_are_no_obstacle():
    backtest = backtest_of(copy)
    holes = backtest.actual.copy()
    holes[:, ::2] = np.nan

    assert kinds(replace(backtest, actual=np.full_like(holes, np.nan))) == []
    assert kinds(backtest.take(np.arange(4))) == []  # one cutoff says little of a series
    assert kinds(replace(backtest, actual=holes)) == []  # no neighbours are known
