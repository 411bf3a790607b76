"""Times across the top: a row per series is read as the long table that it stands for."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.data.io.tables import read_table
from forecast.data.to_panel import to_panel
from forecast.errors import DataError

DAYS = pd.date_range("2024-01-20", periods=30)
LANDS = ["Aland", "Borduria", "Syldavia"]


def across(labels, ids=LANDS, column="Country/Region", **others):
    """A row for each id, whose value in column k is 100 s + k."""
    values = {label: [100 * s + k for s in range(len(ids))] for k, label in enumerate(labels)}
    return pd.DataFrame({column: ids, **others, **values})


def error_of(table, **named):
    with pytest.raises(DataError) as error:
        to_panel(table, **named)
    return str(error.value)


def test_days_across_the_top_are_rows_of_each_series(tmp_path):
    labels = [f"{day.month}/{day.day}/{day:%y}" for day in DAYS]
    across(labels, Lat=[1.5, 2, 3], Long=[4, 5, 6]).to_csv(tmp_path / "cases.csv", index=False)
    read = read_table(str(tmp_path / "cases.csv"))

    panel = to_panel(read.frame, read.origin)

    assert panel.ids.tolist() == LANDS
    assert panel.target[:, 0].tolist() == [100 * s + k for s in range(3) for k in range(30)]
    assert panel.frequency.times(panel.start).tolist() == [DAYS[0]] * 3
    assert (panel.schema.id, panel.schema.time) == ("Country/Region", "date")
    assert panel.schema.unused == ("Lat", "Long")
    assert panel.notes[:2] == (
        "took each row as the times '1/20/24' to '2/18/24' of a series of 'Country/Region': 90 "
        "rows",
        "columns not used: 'Lat', 'Long'",
    )


@pytest.mark.parametrize(
    ("labels", "times"),
    [
        (["1960", "1961", "1962"], [1960, 1961, 1962]),
        ([1960, 1961, 1962], [1960, 1961, 1962]),
        (["1960 [YR1960]", "1961 [YR1961]", "1962 [YR1962]"], [1960, 1961, 1962]),
        (["2010Q1", "2010Q2", "2010Q3"], ["2010-01", "2010-04", "2010-07"]),
        (["2024-01", "2024-02", "2024-03"], ["2024-01", "2024-02", "2024-03"]),
        (["Jan 2024", "Feb 2024", "Mar 2024"], ["2024-01", "2024-02", "2024-03"]),
        (["20240101", "20240102", "20240103"], ["2024-01-01", "2024-01-02", "2024-01-03"]),
        (["31.01.2024", "01.02.2024", "02.02.2024"], ["2024-01-31", "2024-02-01", "2024-02-02"]),
        ([*pd.date_range("2024-01-31", periods=3)], ["2024-01-31", "2024-02-01", "2024-02-02"]),
        ([*pd.period_range("2024-01", periods=3, freq="M")], ["2024-01", "2024-02", "2024-03"]),
    ],
)
def test_times_of_many_kinds_stand_across_the_top(labels, times):
    codes = {"Country Code": ["ALD", "BRD", "SLD"], "Indicator": "Population"}

    panel = to_panel(across(labels, column="Country Name", **codes))

    assert panel.schema.id == "Country Name"
    assert panel.target[:3, 0].tolist() == [0, 1, 2]
    found = panel.frequency.times(panel.ordinals[:3])
    assert list(found) == ([*map(pd.Timestamp, times)] if isinstance(times[0], str) else times)


def test_ids_in_the_index_and_dates_as_labels_are_read_like_their_long_form():
    table = across(DAYS).set_index("Country/Region")
    table.columns = pd.DatetimeIndex(table.columns, name="day")

    panel = to_panel(table)

    assert (panel.schema.id, panel.schema.time) == ("Country/Region", "day")
    assert panel.target[:, 0].tolist() == table.to_numpy().ravel().tolist()


def test_a_cell_at_fault_is_named_by_the_row_of_the_users_table():
    table = across(DAYS.strftime("%Y-%m-%d")).astype({"2024-01-22": object})
    table.loc[1, "2024-01-22"] = np.inf

    assert error_of(table) == (
        "the table, row 1, column 'value': inf is infinite; leave unknown values empty"
    )


def test_a_table_with_a_column_of_times_is_not_turned():
    wide = pd.DataFrame({"date": DAYS, **{str(1960 + k): range(30) for k in range(4)}})

    assert to_panel(wide).ids.tolist() == ["1960", "1961", "1962", "1963"]


def test_columns_that_name_the_rows_only_together_are_to_be_joined():
    table = across(
        DAYS.strftime("%Y-%m-%d"), ["Aland", "Aland", "Syldavia"], Province=["N", "S", None]
    )

    line = error_of(table)
    joined = table.assign(both=table["Country/Region"] + " " + table["Province"].fillna(""))

    assert line == (
        "the table: times across the top, and no column alone names the rows, but "
        "'Country/Region', 'Province' do together; join them into one column and name it with "
        "--id (id= in Python)"
    )
    assert to_panel(joined, id="both").ids.tolist() == ["Aland N", "Aland S", "Syldavia "]


def test_rows_that_nothing_names_are_to_be_melted():
    labels = DAYS.strftime("%Y-%m-%d").tolist()
    table = across(labels, ["Aland", "Aland", "Syldavia"])

    line = error_of(table)
    named = table.assign(number=[*"abc"])
    long = named.melt(["Country/Region", "number"], labels, "date", "value")

    assert line.endswith(
        "no column names each row once; make the table long, with a column of ids, one of times "
        "and one of values (in pandas: melt)"
    )
    assert to_panel(long).schema.id == "number"


@pytest.mark.parametrize(
    ("parts", "following"),
    [
        (
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
            "MS",
        ),
        (["Q1", "Q2", "Q3", "Q4"], "QS"),
    ],
)
def test_parts_of_the_years_in_the_rows_are_no_series(parts, following):
    years = pd.DataFrame({"Year": [2020, 2021, 2022], **{name: [1.0, 2, 3] for name in parts}})

    line = error_of(years)
    long = years.melt("Year", parts, "part", "value")
    form = "%Y %b" if following == "MS" else None
    text = long["Year"].astype(str) + (" " if form else "") + long["part"]
    long["date"] = pd.to_datetime(text, format=form) if form else text

    assert line == (
        f"the table: the columns '{parts[0]}' to '{parts[-1]}' are parts of a year, not series; "
        "make the table long, with a column of times (in pandas: melt, then join the year and its "
        "part)"
    )
    panel = to_panel(long[["date", "value"]])
    assert panel.frequency.name == following
    assert panel.target[:, 0].tolist() == [year for year in (1, 2, 3) for _ in parts]


def test_a_model_reads_later_tables_of_either_layout(make_model):
    labels = [f"{day.month}/{day.day}/{day:%y}" for day in DAYS]
    whole = across(labels, Lat=[1.5, 2, 3])
    model = make_model(to_panel(whole.drop(columns=labels[25:])))
    long = whole.melt(["Country/Region"], labels[25:], "date", "value")
    one_more = whole[["Country/Region", "Lat", labels[25]]]

    updated = model.update(whole.drop(columns=labels[:25]))
    step_by_step = model.update(one_more).update(whole.drop(columns=labels[:26]))
    from_long = model.update(long)

    future = updated.predict(2)
    assert future.columns.tolist() == ["Country/Region", "date", "forecast"]
    assert future["date"].tolist() == ["2/19/24", "2/20/24"] * 3
    pd.testing.assert_frame_equal(step_by_step.predict(2), future)
    pd.testing.assert_frame_equal(from_long.predict(2), future)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.text("abcÄß x", min_size=1, max_size=5).map("i{}".format),
        min_size=2,
        max_size=4,
        unique=True,
    ),
    st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%y", "%d %b %Y", "%Y%m%d"]),
    st.randoms(use_true_random=False),
)
def test_a_turned_table_is_read_as_its_long_form(ids, form, random):
    labels = DAYS.strftime(form).tolist()
    table = across(labels, ids, "place", note=None, colour="red")
    columns = random.sample([*table.columns], len(table.columns))
    rows = random.sample(range(len(ids)), len(ids))
    long = table.melt("place", labels, "date", "value")

    turned = to_panel(table[columns].iloc[rows])
    expected = to_panel(long, id="place")

    assert turned.ids.tolist() == expected.ids.tolist()
    assert turned.ordinals.tolist() == expected.ordinals.tolist()
    assert turned.target.tolist() == expected.target.tolist()
