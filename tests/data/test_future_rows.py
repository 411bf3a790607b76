"""Rows at the end without a value: a future that is prepared, or a silent sensor."""

import numpy as np
import pandas as pd
import pytest

from forecast import Forecaster
from forecast.data.io.tables import read_table
from forecast.data.to_panel import to_panel

DAYS = pd.date_range("2024-01-01", periods=30)


def prepared(future=3, stores=("Bonn", "Ulm"), **columns):
    """Stores of 30 days, the last ones without a value."""
    parts = [
        pd.DataFrame(
            {
                "store": store,
                "day": DAYS,
                "units": [*map(float, range(30 - future)), *[None] * future],
                "price": np.arange(30) % 7 + 1.0,
                **columns,
            }
        )
        for store in stores
    ]
    return pd.concat(parts, ignore_index=True)


def test_rows_that_no_series_has_a_value_in_are_left_out_at_the_end():
    panel = to_panel(prepared().drop(columns="price"))

    assert panel.lengths.tolist() == [27, 27]
    assert not np.isnan(panel.target).any()
    assert panel.notes[-1] == (
        "the last 3 rows of each series without a value left out: the forecast begins after "
        "2024-01-27"
    )


def test_known_columns_of_those_rows_are_to_be_given_as_the_future(make_model):
    table = prepared()

    panel = to_panel(table, target="units", known=["price"])
    model = make_model(to_panel(table[table["units"].notna()], target="units"))

    assert panel.notes[-1].endswith("; give their known columns with --future (future= in Python)")
    assert model.predict(1)["day"].tolist() == [DAYS[27]] * 2


@pytest.mark.usefixtures("untrained")
def test_the_table_itself_serves_as_the_future_that_the_note_asks_for():
    table = prepared()
    model = Forecaster(target="units", known=["price"], holdout=0).fit(table).model_

    future = model.predict(3, future=table)

    assert future["day"].tolist() == [*DAYS[27:]] * 2


def test_a_forecast_after_such_a_table_begins_where_its_target_ends(make_model):
    table = prepared().drop(columns="price")
    model = make_model(to_panel(table))

    for given in (table, table[table["units"].notna()]):
        assert model.predict(1, given)["day"].tolist() == [DAYS[27]] * 2


def test_a_silent_sensor_keeps_its_rows():
    table = prepared().drop(columns="price")
    table.loc[len(table) - 1, "units"] = 7.0

    panel = to_panel(table)

    assert panel.lengths.tolist() == [30, 30]
    assert "missing values: 5 of 60" in panel.notes


def test_only_the_rows_that_all_series_lack_are_left_out():
    table = prepared().drop(columns="price")
    table.loc[25:26, "units"] = None  # of the first store, which falls silent two days earlier

    panel = to_panel(table)

    assert panel.lengths.tolist() == [27, 27]
    assert np.isnan(panel.target[25:27, 0]).all()


def test_series_without_any_value_do_not_count():
    table = pd.concat([prepared(), prepared(30, ["void"])]).drop(columns="price")

    panel = to_panel(table)

    assert panel.lengths.tolist() == [27, 27, 27]
    assert "series without any value: 'void'" in panel.notes


def test_a_row_with_one_of_several_targets_is_a_row_with_a_value():
    table = prepared(2, visits=[*range(29), None])

    panel = to_panel(table, target="units", also=["visits"])

    assert panel.lengths.tolist() == [29, 29]


def test_the_end_of_a_wide_table_and_of_one_series_is_left_out_too():
    wide = pd.DataFrame({"day": DAYS, "a": [1.0] * 28 + [None] * 2, "b": [1.0] * 29 + [None]})

    assert to_panel(wide).lengths.tolist() == [29, 29]
    assert to_panel(wide[["day", "a"]]).notes[-1] == (
        "the last 2 rows without a value left out: the forecast begins after 2024-01-28"
    )


def test_an_update_takes_rows_without_a_value_as_they_are(make_model):
    table = prepared(0).drop(columns="price")
    model = make_model(to_panel(table[table["day"] < "2024-01-28"]))

    after = model.update(table[table["day"] >= "2024-01-28"].assign(units=np.nan))

    assert after.predict(1)["day"].tolist() == [pd.Timestamp("2024-01-31")] * 2


# Ids and names that are written in two ways


@pytest.mark.parametrize("other", ["Bonn ", "bonn", "Ｂonn"])
def test_ids_that_are_spelled_alike_are_noted(other):
    panel = to_panel(prepared(0, ["Bonn", other, "Ulm"]).drop(columns="price"))

    assert (
        "ids that differ only in spaces, case or Unicode form: "
        f"{min('Bonn', other)!r} and {max('Bonn', other)!r}"
    ) in panel.notes


def test_columns_are_found_with_and_without_spaces_around_their_names(make_model):
    spaced = prepared(0).rename(columns={"units": " units ", "store": "store "})

    panel = to_panel(spaced, target="units", id="store", known=["price"])
    own = to_panel(spaced.drop(columns="price"))

    assert panel.schema.targets == ("units",)
    assert own.schema.id == "store "  # the user's own name
    assert make_model(own).panel(prepared(0)).ids.tolist() == ["Bonn", "Ulm"]


@pytest.mark.parametrize("name", ["sales.parquet", "sales.xlsx"])
def test_names_in_files_are_read_without_spaces_around_them(tmp_path, name):
    path = tmp_path / name
    table = prepared(0).rename(columns={"units": " units ", "day": "day "})
    table.to_excel(path, index=False) if name.endswith("x") else table.to_parquet(path, index=False)

    assert read_table(str(path)).frame.columns.tolist() == ["store", "day", "units", "price"]
