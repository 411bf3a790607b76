"""Which rows train, which choose, and which check the choice; and the errors there."""

import numpy as np
import pytest

from forecast.errors import DataError, OptionError
from forecast.tuning.rolling_error import tuning_rows


def rows_of(panel, horizon=4, cutoffs=3, stride=None, seed=0):
    return tuning_rows(panel, horizon, cutoffs, stride, seed)


def test_the_last_rows_choose_nothing_and_a_third_at_most_is_not_trained_on(make_random_panel):
    rows = rows_of(make_random_panel([60]))

    assert rows.rows_after.tolist() == [16, 12, 8]  # the last forecast ends 4 rows before the end
    assert rows.history.lengths.tolist() == [44]


def test_few_rows_are_divided_by_a_smaller_stride(make_random_panel):
    assert rows_of(make_random_panel([30])).rows_after.tolist() == [10, 9, 8]
    assert rows_of(make_random_panel([30]), stride=5).rows_after.tolist() == [18, 13, 8]


def test_series_that_begin_behind_the_first_cutoff_are_left_out(make_random_panel):
    rows = rows_of(make_random_panel([60, 16, 17]))

    assert rows.history.ids.tolist() == rows.panel.ids.tolist() == ["a", "c"]


def test_of_many_series_some_are_drawn_once(make_random_panel, monkeypatch):
    monkeypatch.setattr("forecast.tuning.rolling_error.MAX_SERIES", 3)
    panel = make_random_panel([40] * 8)

    drawn = [rows_of(panel, seed=seed).panel.ids.tolist() for seed in (0, 0, 1)]

    assert len(drawn[0]) == 3
    assert drawn[0] == sorted(drawn[0]) == drawn[1] != drawn[2]
    assert len(rows_of(panel).history.ids) == 8  # all are trained on


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"horizon": 0}, "horizon is 0"),
        ({"cutoffs": 0}, "cutoffs is 0"),
        ({"stride": 0}, "stride is 0"),
    ],
)
def test_numbers_out_of_range_are_refused(make_random_panel, choice, message):
    with pytest.raises(OptionError, match=message):
        rows_of(make_random_panel([60]), **choice)


def test_a_table_without_a_row_before_the_first_cutoff_is_refused(make_random_panel):
    with pytest.raises(DataError, match="3 cutoffs need a series of more than 10 rows"):
        rows_of(make_random_panel([10]))


def test_the_errors_are_those_of_a_backtest(make_random_panel, make_model):
    panel = make_random_panel([60, 50])
    model, rows = make_model(panel), rows_of(panel)

    error, test_error = rows.error(model), rows.test_error(model)

    choosing = model.backtest(panel.until(4), 4, 3, stride=4, levels=(), baselines=None).overall
    assert error.model == pytest.approx(choosing.loc["forecast", "mase"], rel=1e-9)
    assert error.naive == pytest.approx(choosing.loc["seasonal_naive", "mase"], rel=1e-9)
    assert error.measure == "MASE"
    last = model.backtest(panel, 4, 1, levels=()).overall
    assert test_error == pytest.approx(last.loc["forecast", "mase"], rel=1e-9)


def test_the_error_that_chooses_does_not_see_the_last_rows(make_random_panel, make_model):
    panel = make_random_panel([60])
    model = make_model(panel)
    before = rows_of(panel).error(model)
    panel.target[-4:] = 1e6

    assert rows_of(panel).error(model) == before
    assert rows_of(panel).test_error(model) > 100 * before.model


def test_constant_series_are_measured_by_their_absolute_error(make_panel, make_model):
    panel = make_panel(np.r_[np.full(54, 5.0), np.full(6, 7.0)])

    error = rows_of(panel).error(make_model(panel))

    assert error.measure == "MAE"
    assert error.naive == pytest.approx(1 / 3)  # by 2 in half of the last of three forecasts


def test_rows_without_a_value_choose_nothing(make_random_panel, make_model):
    panel = make_random_panel([60])
    model = make_model(panel)
    panel.target[-4:] = np.nan
    assert rows_of(panel).test_error(model) is None

    panel.target[44:56] = np.nan
    with pytest.raises(DataError, match="no value is observed in the rows by which options"):
        rows_of(panel).error(model)
