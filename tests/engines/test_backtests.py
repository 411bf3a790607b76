"""Backtests of whole series in Arrow tables: the same in any part as of the whole table."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast import DataError
from forecast.data.to_table import to_table
from forecast.engines.backtests import BASELINES, backtesting
from forecast.engines.batches import HISTORY, marked

CLOSE = {"rtol": 1e-5, "atol": 1e-5}
ASKED = {"horizon": 3, "cutoffs": 4, "stride": 2}


@pytest.fixture(scope="module")
def panel(make_random_panel):
    """Series of which the second and the fourth do not reach back to the first cutoff."""
    return make_random_panel([12, 9, 15, 3, 30], frequency="D", missing=0.1)


@pytest.fixture(scope="module")
def model(make_model, panel):
    return make_model(panel, lags=(1, 3), season=2)


@pytest.fixture(scope="module")
def history(panel):
    return pa.Table.from_pandas(to_table(panel), preserve_index=False)


def run(model, history, rows, **options):
    task = backtesting(model, {HISTORY: history}, **ASKED, **options)
    found = task.run(marked({HISTORY: history}, "store").to_batches(), rows)
    return pa.concat_tables([task.schema.empty_table(), *found]).to_pandas()


@settings(deadline=None, max_examples=20)
@given(rows=st.integers(1, 100), order=st.permutations(range(69)), carry=st.booleans())
def test_forecasts_are_the_same_in_parts(model, panel, history, rows, order, carry):
    found = run(model, history.take(pa.array(order)), rows, carry=carry)

    expected = model.backtest(panel, **ASKED, baselines=BASELINES, carry=carry).table
    by = ["store", "cutoff", "day"]
    assert found.columns.tolist() == expected.columns.tolist()
    found, expected = (part.sort_values(by, ignore_index=True) for part in (found, expected))
    assert found[by].equals(expected[by])
    np.testing.assert_allclose(found.iloc[:, 3:], expected.iloc[:, 3:], **CLOSE)


@pytest.mark.parametrize("rows", [1, 1000])
def test_so_are_the_measures_of_each_forecast(model, panel, history, rows):
    found = run(model, history, rows, measures=True)

    backtest = model.backtest(panel, **ASKED, baselines=BASELINES)
    expected = backtest.by_forecast.reset_index()
    cutoffs = backtest.table["cutoff"].to_numpy()[:: ASKED["horizon"]]
    expected["store"] = backtest.ids[expected["forecast"]]
    expected["cutoff"] = cutoffs[expected["forecast"]]
    expected = expected.drop(columns="forecast")[found.columns.tolist()]
    by = ["store", "cutoff", "model"]
    found, expected = (part.sort_values(by, ignore_index=True) for part in (found, expected))
    assert found[by].equals(expected[by].astype(found[by].dtypes))
    np.testing.assert_allclose(found.iloc[:, 3:], expected.iloc[:, 3:], **CLOSE)


def test_a_bad_series_is_named_or_reported(model, history):
    twice = pa.concat_tables([history, history.slice(20, 1)])

    with pytest.raises(DataError, match=r"^series 'b', row 9, column 'day'"):
        run(model, twice, 1000)
    found = run(model, twice, 1000, reports=True)

    assert found[found["error"].notna()]["store"].tolist() == ["b"]
