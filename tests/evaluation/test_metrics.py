from dataclasses import replace

import numpy as np
import pytest

from forecast.backtest import Backtest
from forecast.data.to_panel import to_panel
from forecast.evaluation.cutoff_forecasts import Past

NAN = np.nan


@pytest.fixture(scope="module")
def found(make_model, sales):
    """A backtest of random weights, with intervals."""
    model = make_model(to_panel(sales), head="student_t", lags=(7,))
    return model.backtest(sales, horizon=4, cutoffs=3, stride=5)


def backtest_of(found, actual, forecasts, change=1.0, ids=("a",), cutoffs=(9,), ends=None):
    """A backtest with the given values, of the schema of another."""
    actual = np.array(actual, float)
    count = len(actual)
    one = np.ones(count)
    return Backtest(
        ids=np.resize(np.array(ids, object), count),
        cutoffs=np.resize(np.array(cutoffs), count),
        actual=actual,
        forecasts={name: np.array(path, float) for name, path in forecasts.items()},
        ends=ends or {},
        past=Past(change * one, change**2 * one, 0 * one, 10 * one, 0 * one),
        season=1,
        target="sold",
        schema=found.schema,
        frequency=found.frequency,
    )


# Against utilsforecast on the same table; it is imported by these tests alone, since it takes long


def test_the_table_is_what_utilsforecast_evaluates(found, sales):
    from utilsforecast import losses
    from utilsforecast.evaluation import evaluate

    given = {"id_col": "store", "time_col": "day", "target_col": "sold"}
    metrics = [losses.mae, losses.rmse, losses.smape, losses.bias]
    models = list(found.forecasts)

    table = evaluate(found.table, metrics, models=models, **given)

    for metric in metrics:
        theirs = table[table["metric"] == metric.__name__][models].mean()
        theirs *= 200 if metric is losses.smape else 1
        np.testing.assert_allclose(found.overall[metric.__name__][models], theirs, rtol=1e-9)
    for metric in (losses.mase, losses.rmsse):
        theirs = metric(found.table, models, found.season, train_df=sales, **given)[models].mean()
        np.testing.assert_allclose(found.overall[metric.__name__][models], theirs, rtol=1e-9)


def test_quantile_losses_and_coverage_are_those_of_utilsforecast_too(found):
    from utilsforecast import losses

    table = found.table.assign(all="all")
    sides = [f"forecast-lo-{level}" for level in (80, 60, 40, 20)]
    sides += ["forecast", *(f"forecast-hi-{level}" for level in (20, 40, 60, 80))]
    given = {"id_col": "all", "target_col": "sold", "cutoff_col": "-"}

    wql = losses.scaled_crps(table, {"forecast": sides}, np.arange(1, 10) / 10, **given)
    held = losses.coverage(table, ["forecast"], level=95, **given)

    ours = found.overall.loc["forecast"]
    assert ours["wql"] == pytest.approx(wql["forecast"].item())
    assert ours["coverage-95"] == pytest.approx(100 * held["forecast"].item())


# By hand


def test_the_measures_by_hand(found):
    actual = [[1, 2], [4, NAN]]
    forecasts = {"forecast": [[2, 2], [1, 9]], "naive": [[1, 4], [4, 4]]}
    test = backtest_of(found, actual, forecasts, change=2.0)

    measures = test.overall

    # errors 1, 0 and -3: means of the forecasts 0.5 and 3, half of them scaled
    assert measures.loc["forecast", ["mae", "mase", "bias"]].tolist() == [1.75, 0.875, -1.25]
    rmse = (np.sqrt(0.5) + 3) / 2
    np.testing.assert_allclose(measures.loc["forecast", ["rmse", "rmsse"]], [rmse, rmse / 2])
    # 200 * 1/3 and 0; 200 * 3/5
    assert measures.loc["forecast", "smape"] == pytest.approx((100 / 3 + 120) / 2)
    assert measures.loc["naive", "mae"] == 0.5
    assert {"crps", "wql", "owa"}.isdisjoint(measures)


def test_a_forecast_without_intervals_is_all_of_its_own_quantiles(found):
    levels = (20.0, 40.0, 60.0, 80.0)
    sharp = np.array([[3.0, 5.0]])
    test = backtest_of(
        found,
        [[1, 5]],
        {"forecast": sharp, "naive": sharp},
        ends=dict.fromkeys(levels, (sharp, sharp)),
    )

    measures = test.overall

    # a distribution in one point has its absolute error as CRPS: 2 and 0; of values 1 and 5
    assert measures["crps"].tolist() == pytest.approx([1, 1])
    assert measures["wql"].tolist() == pytest.approx([2 / 6, 2 / 6])
    assert measures.loc["forecast", "coverage-80"] == 50
    assert np.isnan(measures.loc["naive", "coverage-80"])


def test_measures_of_steps_series_and_cutoffs(found):
    test = backtest_of(
        found,
        [[0, 0], [0, 0], [0, 0]],
        {"forecast": [[1, 2], [3, 4], [5, 6]]},
        ids=("b", "a", "b"),
        cutoffs=(8, 8, 9),
    )

    assert test.by_step["mae"].to_dict() == {(1, "forecast"): 3, (2, "forecast"): 4}
    assert test.by_series["mae"].to_dict() == {("b", "forecast"): 3.5, ("a", "forecast"): 3.5}
    assert test.by_series.index.names == ["store", "model"]
    assert test.by_cutoff["mae"].tolist() == [2.5, 5.5]
    times = test.by_cutoff.index.get_level_values("cutoff")
    assert times.tolist() == test.schema.times(test.frequency, np.array([8, 9])).tolist()


def test_series_without_changes_have_no_scaled_error(found):
    actual, path = [[1], [1]], {"forecast": [[2], [4]]}
    test = backtest_of(found, actual, path, ids=("a", "b"))
    test = replace(test, past=test.past._replace(change=np.array([0.0, 2.0])))

    assert test.by_series["mase"].dropna().to_dict() == {("b", "forecast"): 1.5}
    assert test.overall.loc["forecast", "mase"] == 1.5


def test_owa_is_relative_to_naive2(found):
    paths = {"forecast": [[2]], "naive2": [[3]]}
    test = backtest_of(found, [[1]], paths)

    # sMAPE 200/3 against 100; MASE 1 against 2
    assert test.overall["owa"].tolist() == pytest.approx([(2 / 3 + 1 / 2) / 2, 1])
