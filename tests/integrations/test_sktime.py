"""The forecaster as one of sktime's.

sktime's own checks make several hundred fits. They look at the interface, so training is left out
of them here: the weights are random ones. With training, and for all of the parameters that sktime
is given for tests, they take an hour or more:

    python -c "from forecast.integrations.sktime import RecurrentForecaster as R; \\
        from sktime.utils.estimator_checks import check_estimator as c; c(R, raise_exceptions=True)"
"""

import dataclasses
import importlib
import inspect
import sys

import numpy as np
import pandas as pd
import pytest
from sktime.forecasting.base import ForecastingHorizon
from sktime.forecasting.model_selection import ForecastingGridSearchCV
from sktime.split import SlidingWindowSplitter
from sktime.transformations.series.detrend import Detrender
from sktime.transformations.series.difference import Differencer
from sktime.utils.estimator_checks import check_estimator

from forecast import DataError, Forecaster, OptionError
from forecast.integrations.sktime import RecurrentForecaster
from forecast.training.options import ColumnOptions

TINY = RecurrentForecaster.get_test_params()[0]
ROWS = 60

pytestmark = [
    pytest.mark.slow,
    # sktime 1.2 says of each of its own forecasters that a default will change
    pytest.mark.filterwarnings("ignore:The default of config:FutureWarning"),
]


@pytest.fixture
def y():
    """Sixty days with the rhythm of a week."""
    days = pd.date_range("2024-01-01", periods=ROWS, freq="D")
    noise = np.random.default_rng(0).normal(0, 1, ROWS)
    return pd.Series(50 + 10 * np.sin(2 * np.pi * np.arange(ROWS) / 7) + noise, days, name="sold")


@pytest.fixture
def prices(y):
    """The prices of those days and of seven more; what a column is called need not be text."""
    days = pd.date_range(y.index[0], periods=ROWS + 7, freq="D")
    return pd.DataFrame({0: np.arange(ROWS + 7) % 5 + 1.0}, days)


# By the rules of sktime


@pytest.mark.usefixtures("untrained")
@pytest.mark.filterwarnings("ignore")  # of many kinds, from within sktime
def test_sktime_finds_that_its_rules_are_kept():
    found = check_estimator(RecurrentForecaster(**TINY), verbose=False)

    assert {name: what for name, what in found.items() if what != "PASSED"} == {}
    assert len(found) > 300


def test_its_choices_are_those_of_the_forecaster_but_for_those_of_columns():
    own, given = (
        {name: one.default for name, one in inspect.signature(kind).parameters.items()}
        for kind in (RecurrentForecaster, Forecaster)
    )

    assert own == {
        name: default
        for name, default in given.items()
        if name not in {field.name for field in dataclasses.fields(ColumnOptions)}
    }


def test_without_sktime_one_line_says_how_to_install_it(monkeypatch):
    monkeypatch.delitem(sys.modules, "forecast.integrations.sktime")
    monkeypatch.setitem(sys.modules, "sktime", None)
    monkeypatch.setitem(sys.modules, "sktime.forecasting.base", None)

    with pytest.raises(ImportError, match=r"with: pip install 'forecast-rollout\[sktime\]'$"):
        importlib.import_module("forecast.integrations.sktime")


# Forecasts


def test_a_forecast_is_that_of_the_forecaster(y):
    fitted = RecurrentForecaster(**TINY).fit(y)

    found = fitted.predict(fh=[3, 1])

    expected = Forecaster(**TINY).fit(y).predict(3)["forecast"]
    assert found.tolist() == expected[[0, 2]].tolist()
    assert found.index.tolist() == [pd.Timestamp("2024-03-01"), pd.Timestamp("2024-03-03")]
    assert found.name == "sold"


@pytest.mark.usefixtures("untrained")
def test_a_horizon_may_be_told_by_its_times_and_is_after_the_data(y):
    fitted = RecurrentForecaster(**TINY).fit(y)
    days = ForecastingHorizon(pd.DatetimeIndex(["2024-03-02"], freq="D"), is_relative=False)

    assert fitted.predict(days).tolist() == fitted.predict([2]).tolist()
    with pytest.raises(NotImplementedError, match="can not perform in-sample prediction"):
        fitted.predict([-1, 1])


@pytest.mark.usefixtures("untrained")
def test_missing_values_are_no_hindrance(y):
    y.iloc[[5, 30, 59]] = np.nan

    assert RecurrentForecaster(**TINY).fit(y).predict([1, 2]).notna().all()


@pytest.mark.usefixtures("untrained")
def test_exogenous_columns_are_known_ones(y, prices):
    fitted = RecurrentForecaster(**TINY).fit(y, X=prices)

    found = fitted.predict([1, 7], X=prices[ROWS:])
    dear = fitted.predict([1, 7], X=prices[ROWS:] + 3.0)

    assert fitted.model_.config.known[0].name == "0"
    assert (found != dear).all()
    with pytest.raises(DataError, match=r"'0' of series .* must be known at 2024-03-01; add"):
        fitted.predict([2], X=prices[ROWS + 1 :])
    with pytest.raises(OptionError, match=r"the model takes the future covariates \['0'\]"):
        fitted.predict([2])


@pytest.mark.usefixtures("untrained")
def test_quantiles_are_the_ends_of_the_models_intervals(y):
    fitted = RecurrentForecaster(**TINY).fit(y)
    table = fitted.model_.predict(2, levels=(50, 90))

    quantiles = fitted.predict_quantiles([2], alpha=[0.05, 0.5, 0.75])["sold"]
    interval = fitted.predict_interval([2], coverage=0.9)["sold"][0.9]

    wanted = ["forecast-lo-90", "forecast", "forecast-hi-50"]
    assert quantiles.loc["2024-03-02"].tolist() == table.loc[1, wanted].tolist()
    ends = table.loc[1, ["forecast-lo-90", "forecast-hi-90"]]
    assert interval.loc["2024-03-02"].tolist() == ends.tolist()


# New rows


@pytest.mark.parametrize("update_params", [True, False])
@pytest.mark.usefixtures("untrained")
def test_new_rows_are_observed_and_the_weights_stay(y, update_params):
    fitted = RecurrentForecaster(**TINY).fit(y[:50])
    before = fitted.model_

    fitted.update(y[45:], update_params=update_params)  # five of them it has seen

    assert fitted.model_.weights is before.weights
    assert fitted.model_.state == before.observe(before.state, y[50:].to_numpy()[None])
    assert fitted.predict([1]).index[0] == pd.Timestamp("2024-03-01")


@pytest.mark.usefixtures("untrained")
def test_new_rows_bring_their_exogenous_columns(y, prices):
    fitted = RecurrentForecaster(**TINY).fit(y[:50], X=prices[:50])

    fitted.update(y[50:], X=prices[50:ROWS])

    assert fitted.predict([1], X=prices[ROWS:]).notna().all()
    assert fitted.model_.state.time[0] > 0


@pytest.mark.usefixtures("untrained")
def test_rows_left_out_are_missing_ones_and_rows_long_seen_are_refused(y):
    fitted = RecurrentForecaster(**TINY).fit(y[:50])
    gap = y[50:].where(y[50:].index > "2024-02-25").to_numpy()

    observed = fitted.model_.observe(fitted.model_.state, gap[None])

    assert fitted.clone().fit(y[:50]).update(y[56:]).model_.state == observed
    with pytest.raises(DataError, match=r"the rows end at 2024-02-09 .* refit to forecast from"):
        fitted.update(y[30:40])


# In company


@pytest.mark.usefixtures("untrained")
def test_a_pipeline_takes_it_as_its_last_step(y):
    pipeline = Differencer(lags=7) * Detrender() * RecurrentForecaster(**TINY)

    found = pipeline.fit(y, fh=[1, 2, 3]).predict()

    assert found.index[0] == pd.Timestamp("2024-03-01")
    assert found.notna().all()


@pytest.mark.usefixtures("untrained")
def test_its_choices_can_be_searched_for(y):
    folds = SlidingWindowSplitter(fh=[1, 2], window_length=40, step_length=15)
    grid = {"units": [2, 3]}

    search = ForecastingGridSearchCV(  # in this process: others would import TensorFlow, and train
        RecurrentForecaster(**TINY), cv=folds, param_grid=grid, backend="None"
    )
    search.fit(y)

    assert search.best_params_["units"] in (2, 3)
    assert len(search.predict([1, 2, 3])) == 3
