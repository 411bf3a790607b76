"""Tables of Polars and PyArrow, on their way to a panel and back."""

from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from forecast import Forecaster
from forecast.data.dataframes import alike, is_table, to_pandas
from forecast.data.to_panel import to_panel
from forecast.errors import DataError
from forecast.plotting import plot_forecast

DAYS = [datetime(2024, 1, 1) + timedelta(days=day) for day in range(30)]
STORES = pl.Enum(["Ulm", "Bonn", "Jena"])
TABLE = pl.DataFrame(
    {"store": ["Bonn"] * 30 + ["Ulm"] * 30, "day": DAYS * 2, "sold": [*range(30), *range(30)]},
    schema={"store": STORES, "day": pl.Date, "sold": pl.Float64},
)
NEXT = TABLE.filter(pl.col("day") == date(2024, 1, 30)).with_columns(
    day=pl.col("day").dt.offset_by("1d")
)


@pytest.fixture
def model(make_model):
    return make_model(to_panel(TABLE), head="student_t")


# In


def test_tables_of_pandas_and_other_values_stay_as_they_are():
    frame = pd.DataFrame({"y": [1]})

    for value in (frame, frame["y"], [1, 2], np.ones(2), {"y": 1}, None, pl.Series([1])):
        assert to_pandas(value) is value


def test_a_table_is_distinguished_from_other_values():
    assert is_table(TABLE)
    assert is_table(TABLE.lazy())
    assert is_table(TABLE.to_arrow())
    assert is_table(TABLE.to_pandas())
    assert not any(map(is_table, ([1], np.ones(2), pl.Series([1]), to_panel(TABLE), None)))


@pytest.mark.parametrize("convert", [lambda table: table, pl.DataFrame.to_arrow])
@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("day", pl.Date),
        ("day", pl.Datetime("ms")),
        ("day", pl.Datetime("ns")),
        ("day", pl.String),
        ("store", STORES),
        ("store", pl.Categorical),
        ("store", pl.String),
        ("sold", pl.Int16),
        ("sold", pl.Float32),
        ("sold", pl.Decimal(9, 2)),
        ("sold", pl.String),
    ],
)
def test_any_kind_of_column_gives_the_same_panel(column, kind, convert):
    expected = to_panel(
        pd.DataFrame(
            {"store": ["Bonn"] * 30 + ["Ulm"] * 30, "day": DAYS * 2, "sold": [*range(30)] * 2}
        )
    )

    panel = to_panel(convert(TABLE.with_columns(pl.col(column).cast(kind))))

    assert panel.ids.tolist() == expected.ids.tolist()
    assert panel.ordinals.tolist() == expected.ordinals.tolist()
    assert panel.target.tolist() == expected.target.tolist()
    assert panel.frequency == expected.frequency


def test_a_time_zone_is_kept():
    zoned = TABLE.with_columns(
        pl.col("day").cast(pl.Datetime("us")).dt.replace_time_zone("Europe/Berlin")
    )

    assert to_panel(zoned).schema.time_dtype == "datetime64[us, Europe/Berlin]"


def test_null_and_nan_are_both_missing():
    sold = pl.Series([None, float("nan"), *range(58)], dtype=pl.Float64)

    panel = to_panel(TABLE.with_columns(sold=sold))

    assert np.isnan(panel.target[:, 0]).tolist() == [True, True] + [False] * 58


def test_covariates_of_every_kind_are_those_of_pandas():
    beside = {
        "price": np.linspace(1, 2, 60),
        "promotion": [True, None, False] * 20,
        "weather": pl.Series(["sun", "rain", None] * 20, dtype=pl.Enum(["rain", "sun"])),
    }
    table = TABLE.with_columns(**{name: pl.Series(values) for name, values in beside.items()})
    roles = {"id": "store", "time": "day", "target": "sold", "known": [*beside]}

    panel, expected = to_panel(table, **roles), to_panel(table.to_pandas(), **roles)

    np.testing.assert_array_equal(panel.known.values, expected.known.values)
    assert panel.known.names == ("price", "promotion", "weather")


def test_a_wide_table_has_a_series_in_each_column():
    wide = pl.DataFrame({"day": DAYS, "a": range(30), "b": range(30)})

    assert to_panel(wide).ids.tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            TABLE.lazy(),
            "the table: a LazyFrame, whose rows are not computed yet; give it after .collect() "
            "(.compute() in Dask, .toPandas() in Spark)",
        ),
        (TABLE["sold"], "the table: a Series, where a DataFrame should be"),
        (pl.DataFrame(), "the table: no rows; it needs some"),
        (TABLE[:0], "the table: no rows; it needs some"),
        (
            pa.table([[1], [2]], names=["y", "y"]),
            "the table: pandas cannot hold it: Expected unique column names, got: - 'y' 2 times",
        ),
        (
            TABLE.with_columns(pl.lit(1).cast(pl.Int128).alias("big")),
            "the table: pandas cannot hold it: Invalid or unsupported format string: '_pli128'",
        ),
        (
            TABLE.with_columns(sold=pl.lit([1, 2])),
            "the table, row 0, column 'sold': found '[1 2]', where a number should be",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(table, message):
    with pytest.raises(DataError) as error:
        to_panel(table)

    assert str(error.value) == message


# And back


def test_a_history_is_answered_in_its_own_library(model):
    pandas = model.predict(3, TABLE.to_pandas())

    polars = model.predict(3, TABLE)
    arrow = model.predict(3, TABLE.to_arrow())

    assert polars.schema == pl.Schema({"store": STORES, "day": pl.Date, "forecast": pl.Float64})
    assert polars["forecast"].to_list() == pandas["forecast"].tolist()
    assert polars["store"].to_list() == pandas["store"].tolist()
    assert polars["day"][0] == date(2024, 1, 31)
    assert isinstance(arrow, pa.Table)
    assert arrow.schema.field("day").type == pa.date32()
    assert arrow["forecast"].to_pylist() == pandas["forecast"].tolist()


def test_without_a_table_the_answer_is_of_pandas(model):
    assert isinstance(model.predict(3), pd.DataFrame)
    assert isinstance(model.predict(3, to_panel(TABLE)), pd.DataFrame)
    assert isinstance(model.predict(3, TABLE.to_pandas()), pd.DataFrame)


def test_what_is_made_of_a_forecast_is_of_its_library(model):
    forecast = model.rollout(3, TABLE, levels=80, paths=4)

    assert forecast.table.columns[2:] == ["forecast", "forecast-lo-80", "forecast-hi-80"]
    assert forecast.path_table.schema["store"] == STORES
    assert len(forecast.path_table) == 2 * 200 * 3
    assert model.totals(forecast, by="all")["day"].dtype == pl.Date
    assert plot_forecast(model.config, forecast).axes


def test_new_rows_are_observed(model):
    expected = model.observe(model.state, NEXT.to_pandas())

    assert model.observe(model.state, NEXT) == expected
    assert model.update(NEXT).state == expected
    assert model.observe(model.state, pl.Series([29.0, 29.0])) == expected


@pytest.mark.usefixtures("untrained")
def test_a_future_is_answered_in_its_own_library():
    priced = TABLE.with_columns(price=pl.int_range(60) % 7)
    roles = {"id": "store", "time": "day", "target": "sold", "known": ["price"]}
    fitted = Forecaster(**roles, steps=1, units=2).fit(priced)
    future = priced[:5].select(pl.col("day").dt.offset_by("30d"), "price")

    answer = fitted.predict(5, future=future)

    assert isinstance(answer, pl.DataFrame)
    assert answer["day"].dtype == pl.Date
    expected = fitted.predict(5, future=future.to_pandas())
    assert isinstance(expected, pd.DataFrame)
    assert answer["forecast"].to_list() == expected["forecast"].tolist()
    with pytest.raises(DataError, match=r"^the future: a LazyFrame, whose rows"):
        fitted.predict(5, future=future.lazy())


def test_hours_are_not_cut_to_dates():
    hours = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=3, freq="h")})

    assert alike(hours, TABLE)["day"].dtype == pl.Datetime("us")


def test_an_id_outside_of_an_enum_is_text():
    assert alike(pd.DataFrame({"store": ["Bonn", "Kiel"]}), TABLE)["store"].dtype == pl.String


def test_periods_become_the_times_when_they_begin():
    months = pd.DataFrame({"day": pd.period_range("2024-01", periods=2, freq="M")})

    assert alike(months, TABLE)["day"].to_list() == [date(2024, 1, 1), date(2024, 2, 1)]
