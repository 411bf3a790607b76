"""Sample paths as a table, and their sums over series and time."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecast.data.covariates import Covariate, CovariateColumns
from forecast.errors import DataError, OptionError
from forecast.inference.encoding import encode
from forecast.inference.members import Core
from forecast.inference.network_rollout import make_step
from forecast.model import Model

REGION = Covariate("region", 0.0, 1.0, ("east", "west"), has_missing=False)
MONDAY = pd.Timestamp("2024-01-01")


@pytest.fixture
def model(make_model, make_random_panel):
    """Three daily series; the rows after them begin on a Saturday, 2024-01-13."""
    first = (MONDAY - pd.Timestamp("1970-01-01")).days
    panel = make_random_panel([12, 12, 12], frequency="D", first=first)
    static = CovariateColumns(("region",), np.array([[0.0], [1.0], [0.0]]), (REGION.categories,))
    return make_model(replace(panel, static=static), head="normal", static=(REGION,))


@pytest.fixture
def forecast(model):
    return model.rollout(12, paths=40)


# A table of paths


def test_the_table_of_paths_has_a_row_for_each_step_of_each_path(forecast):
    table = forecast.path_table

    assert table.columns.tolist() == ["store", "day", "path", "value"]
    assert table["value"].tolist() == forecast.paths.ravel().tolist()
    row = table.iloc[(1 * 40 + 7) * 12 + 5]  # series b, path 7, step 6
    assert (row["store"], row["path"], row["day"]) == ("b", 7, pd.Timestamp("2024-01-18"))
    assert row["value"] == forecast.paths[1, 7, 5, 0]


def test_paths_of_series_that_have_ended_end_with_them(model):
    ended = model.rollout(5, paths=3, until=lambda path: path[-1] > np.inf or len(path) == 2)

    table = ended.path_table

    assert len(table) == 3 * 3 * 2
    assert table["value"].notna().all()


def test_without_paths_there_is_neither_a_table_nor_a_sum(model):
    plain = model.rollout(2)

    with pytest.raises(OptionError, match="totals add up sample paths; give a forecast of rollout"):
        model.totals(plain.table)

    with pytest.raises(OptionError, match="the forecast has no sample paths; ask for some with pa"):
        _ = plain.path_table
    with pytest.raises(OptionError, match="totals add up sample paths; give a forecast of rollout"):
        model.totals(plain)


# Sums


def test_sums_of_a_region_are_those_of_its_series(model, forecast):
    table = model.totals(forecast, by="region", levels=(80,))

    east = forecast.paths[0, ..., 0] + forecast.paths[2, ..., 0]  # (n, H)
    rows = table[table["region"] == "east"]
    np.testing.assert_allclose(rows["forecast"], np.median(east, axis=0))
    np.testing.assert_allclose(rows["forecast-lo-80"], np.percentile(east, 10, axis=0))
    np.testing.assert_allclose(rows["forecast-hi-80"], np.percentile(east, 90, axis=0))
    assert rows["values"].tolist() == [2] * 12
    assert table.columns[:2].tolist() == ["region", "day"]


def test_sums_over_weeks_begin_on_mondays_and_tell_how_many_days_they_have(model, forecast):
    table = model.totals(forecast, over="week")

    week = forecast.paths[1, :, 2:9, 0].sum(axis=1)
    rows = table[table["store"] == "b"]
    assert rows["day"].dt.strftime("%m-%d").tolist() == ["01-08", "01-15", "01-22"]
    assert rows["values"].tolist() == [2, 7, 3]
    assert rows["forecast"].iloc[1] == pytest.approx(np.median(week))


@pytest.mark.parametrize("over", [None, "day", "month", "all"])
def test_the_sum_of_all_is_the_same_whatever_it_is_cut_into(model, forecast, over):
    table = model.totals(forecast, by="all", over=over)

    assert table["values"].sum() == 36
    assert len(table) == {None: 12, "day": 12, "month": 1, "all": 1}[over]
    if len(table) == 1:
        whole = forecast.paths[..., 0].sum(axis=(0, 2))
        assert table["forecast"].item() == pytest.approx(np.median(whole))


def test_groups_can_be_given_for_each_id(model, forecast):
    table = model.totals(forecast, by={"a": "x", "b": "x", "c": "y"}, over="all")

    assert table["group"].tolist() == ["x", "y"]
    assert table["values"].tolist() == [24, 12]
    groups = pd.Series({"a": "x", "b": "x", "c": "y"})
    assert table.equals(model.totals(forecast, by=groups, over="all"))
    with pytest.raises(DataError, match="series 'c' has no group; give one for every id"):
        model.totals(forecast, by={"a": "x", "b": "x"})


def test_steps_that_were_not_forecast_are_in_no_sum(model):
    ended = model.rollout(4, paths=5, until=lambda path: len(path) == 2)

    assert model.totals(ended, by="all", over="all")["values"].item() == 6


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"by": "colour"}, r"no static column of categories 'colour' to add up by; the model has"),
        ({"by": ["region"]}, r"by is \['region'\]; give a static column, 'all', or a group for"),
        ({"over": "decade"}, "over is 'decade'; it must be one of day, week, month, quarter, year"),
        ({"levels": 101}, r"levels are \[101\]; each must lie from 1 to below 100 percent"),
    ],
)
def test_sums_that_cannot_be_made_are_refused(model, forecast, how, message):
    with pytest.raises(OptionError, match=message):
        model.totals(forecast, **how)


def test_time_in_whole_numbers_has_no_weeks(make_model, make_random_panel):
    model = make_model(make_random_panel([9]), head="normal")
    forecast = model.rollout(3, paths=4)

    with pytest.raises(OptionError, match="over is 'week', but time is counted in whole numbers"):
        model.totals(forecast, over="week")
    assert model.totals(forecast, over="all")["values"].item() == 3


# Paths are joint


def test_the_variance_of_a_sum_is_that_of_an_autoregressive_process(make_config, make_panel):
    """The network is made by hand: its location is 0.8 times the last value, its scale is 1.

    With z small, tanh(tanh(0.001 z)) is 0.001 z: input and output gates are open, the forget gate
    is shut, and the read-out multiplies by 800. Sum of H steps of such a process from a known
    value: sum over j of ((1 - 0.8 ** j) / 0.2) ** 2, j from 1 to H.
    """
    panel = make_panel(np.tile([-1.0, 1.0], 10))  # mean 0, standard deviation 1
    config = make_config(panel, head="normal", units=1, context=20)
    gates = np.array([20.0, -20.0, 0.0, 20.0], np.float32)  # i, f, g, o
    weights = {
        "decoder_0.kernel": np.array([[0, 0, 0.001, 0], [0, 0, 0, 0]], np.float32),
        "decoder_0.recurrent": np.zeros((1, 4), np.float32),
        "decoder_0.bias": gates,
        "head.kernel": np.array([[800.0, 0.0]], np.float32),
        "head.bias": np.array([0.0, np.log(np.expm1(1.0 - 1e-4))], np.float32),
    }
    cell, mark = make_step(config, weights), Core(config, weights).fingerprint
    model = Model(config=config, weights=weights, state=encode(panel, config, cell, mark))

    paths = model.rollout(24, paths=20_000).paths[0, ..., 0]

    steps = np.arange(1, 25)
    expected = (((1 - 0.8**steps) / 0.2) ** 2).sum()
    assert paths.sum(axis=1).var() == pytest.approx(expected, rel=0.03)
    apart = paths.var(axis=0).sum()  # what independent marginals would give
    assert apart < 0.2 * expected
