"""One number for how good a model is on the rows that follow."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecast.data.covariates import Covariate, CovariateColumns
from forecast.data.to_panel import to_panel
from forecast.errors import DataError
from forecast.evaluation.scoring import score

PRICE = Covariate("price", 2.0, 0.5, (), has_missing=False)


@pytest.fixture
def model(make_model, sales):
    """Random weights that have seen all but the last six days."""
    return make_model(to_panel(sales).until(6), lags=(7,), cycles=("week",), size=0.8)


def last(sales, rows):
    return sales.groupby("store").tail(rows)


def expected(model, sales, rows):
    """The same from the tables that a user sees."""
    seen = sales.groupby("store").head(60 - 6)
    units = seen.groupby("store")["sold"].agg(lambda values: values.max() - values.min())
    found = model.predict(6).merge(rows, on=["store", "day"])
    errors = (found["forecast"] - found["sold"]).abs().groupby(found["store"]).mean()
    return -(errors / units).mean()


def test_it_is_minus_the_error_of_the_rollout_as_a_share_of_the_range(model, sales):
    rows = last(sales, 6)

    assert score(model, rows) == pytest.approx(expected(model, sales, rows), rel=1e-6)
    assert score(model, rows) < 0


def test_a_perfect_forecast_scores_nothing_less_than_zero(model):
    table = model.predict(4).rename(columns={"forecast": "sold"})

    assert score(model, table) == pytest.approx(0.0, abs=1e-9)


def test_the_targets_are_not_seen_by_the_rollout(model, sales):
    rows = last(sales, 6)
    first_day = rows["day"].min()
    other = rows.assign(sold=rows["sold"].where(rows["day"] > first_day, 0.0))

    change = score(model, other) - score(model, rows)

    seen = to_panel(sales).until(6)
    units = [
        np.ptp(seen.target[a:b]) for a, b in zip(seen.indptr[:-1], seen.indptr[1:], strict=True)
    ]
    forecast = model.predict(1)["forecast"].to_numpy()
    true = rows[rows["day"] == first_day]["sold"].to_numpy()
    by_hand = np.mean((np.abs(forecast - true) - np.abs(forecast)) / 6 / units)
    assert change == pytest.approx(by_hand, rel=1e-5)


def test_series_may_have_different_numbers_of_rows_and_gaps(model, sales):
    rows = last(sales, 6)
    north = rows["store"] == "north"
    rows = rows[~north | (rows["day"] < rows["day"].max())]
    rows = rows.drop(index=rows.index[2]).assign(sold=lambda t: t["sold"].where(t.index != 118))

    assert score(model, rows) == pytest.approx(expected(model, sales, rows.dropna()), rel=1e-6)


def test_rows_that_begin_later_than_the_next_are_rolled_out_to(model, sales):
    rows = last(sales, 2)

    assert score(model, rows) == pytest.approx(expected(model, sales, rows), rel=1e-6)


def test_some_of_the_series_will_do_and_units_make_no_difference(make_model, sales):
    panel = to_panel(sales)
    rows = last(sales, 6)
    tenfold = replace(panel, target=10 * panel.target)

    one, other = (make_model(part.until(6), size=0.8) for part in (panel, tenfold))

    assert score(one, rows) == pytest.approx(
        score(other, rows.assign(sold=10 * rows["sold"])), 1e-6
    )
    parts = [score(one, rows[rows["store"] == name]) for name in ("north", "south")]
    assert score(one, rows) == pytest.approx(np.mean(parts), rel=1e-6)


@pytest.mark.parametrize(("level", "unit"), [(7.0, 7.0), (-4.0, 4.0), (0.0, 1.0)])
def test_a_constant_series_is_measured_by_its_level(make_panel, make_model, level, unit):
    panel = make_panel([level] * 9)
    model = make_model(panel, size=0.0)
    rows = replace(make_panel([level + 2.0], first=9), schema=panel.schema)

    forecast = model.predict(1)["forecast"].item()

    assert score(model, rows) == pytest.approx(-abs(forecast - level - 2.0) / unit)


def test_known_columns_are_those_of_the_rows(make_model, make_random_panel):
    panel = make_random_panel([12])
    prices = CovariateColumns(("price",), np.linspace(1, 3, 12)[:, None], ((),))
    panel = replace(panel, known=prices)
    model = make_model(panel.until(3), known=(PRICE,), size=0.8)
    rows = pd.DataFrame(
        {
            "store": "a",
            "day": [9, 10, 11],
            "sold": panel.target[9:, 0],
            "price": prices.values[9:, 0],
        }
    )

    forecast = model.predict(3, future=rows)["forecast"]

    low, high = panel.target[:9].min(), panel.target[:9].max()
    by_hand = -(forecast - rows["sold"]).abs().mean() / (high - low)
    assert score(model, rows) == pytest.approx(by_hand, rel=1e-6)
    with pytest.raises(DataError, match="'price' of series 'a' must be known at 9"):
        score(model, rows[1:])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda t: t.assign(day=t["day"] - pd.Timedelta(days=6)),
            "the table: the rows of series 'n",
        ),
        (lambda t: t.assign(store="west"), r"no series \['west'\]; the 2 series that are known"),
        (lambda t: t.assign(sold=np.nan), "has no value at all"),
        (lambda t: t.drop(columns="sold"), "no column 'sold' for the target"),
    ],
)
def test_rows_that_cannot_be_scored_are_refused(model, sales, change, message):
    rows = last(sales, 6).drop_duplicates("day")

    with pytest.raises(DataError, match=message):
        score(model, change(rows))
