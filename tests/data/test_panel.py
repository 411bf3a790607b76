import json
from dataclasses import asdict
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.data.origin import TableOrigin
from forecast.data.panel import Panel
from forecast.data.schema import Schema
from forecast.data.to_panel import to_panel
from forecast.data.to_table import to_table
from forecast.errors import DataError, OptionError

DAYS = pd.date_range("2024-01-01", periods=4)


def two_stores():
    return pd.DataFrame(
        {
            "unique_id": ["a", "a", "b", "b", "b"],
            "ds": DAYS[[0, 1, 0, 1, 2]],
            "y": [1.0, 2.0, 3.0, 4.0, 5.0],
        }
    )


def one_series(times, values=None, name="y"):
    return pd.DataFrame({"ds": times, name: range(len(times)) if values is None else values})


def assert_same(left: Panel, right: Panel):
    assert left.ids.tolist() == right.ids.tolist()
    assert left.indptr.tolist() == right.indptr.tolist()
    assert left.start.tolist() == right.start.tolist()
    np.testing.assert_array_equal(left.target, right.target)
    assert left.frequency == right.frequency
    assert left.schema == right.schema


# Layouts


def test_a_long_table_becomes_a_panel():
    panel = to_panel(two_stores())

    assert panel.ids.tolist() == ["a", "b"]
    assert panel.indptr.tolist() == [0, 2, 5]
    assert panel.lengths.tolist() == [2, 3]
    assert panel.target.tolist() == [[1.0], [2.0], [3.0], [4.0], [5.0]]
    assert panel.frequency.name == "D"
    assert panel.frequency.times(panel.start).tolist() == [DAYS[0], DAYS[0]]
    assert panel.frequency.times(panel.ordinals).tolist() == DAYS[[0, 1, 0, 1, 2]].tolist()
    assert panel.schema.layout == "long"
    assert panel.notes == ("frequency: daily, inferred from the timestamps",)


def test_a_wide_table_is_a_column_per_series():
    table = pd.DataFrame({"Datum": DAYS, "north": [1, 2, 3, 4], "east": [5, 6, 7, 8]})

    panel = to_panel(table)

    assert panel.ids.tolist() == ["east", "north"]
    assert panel.target[:, 0].tolist() == [5, 6, 7, 8, 1, 2, 3, 4]
    assert panel.schema.layout == "wide"
    assert panel.schema.id == "unique_id"
    assert panel.notes[0] == "took 'Datum' as the time and each of 2 columns of numbers as a series"


def test_a_wide_table_may_have_its_times_in_the_index_and_numbers_as_ids():
    panel = to_panel(pd.DataFrame({10: [1.0, 2.0], 9: [3.0, 4.0]}, index=DAYS[:2]))

    assert panel.ids.tolist() == [9, 10]
    assert panel.target[:, 0].tolist() == [3.0, 4.0, 1.0, 2.0]


def test_a_pivoted_table_keeps_the_name_of_its_ids():
    pivoted = two_stores().pivot(index="ds", columns="unique_id", values="y")

    panel = to_panel(pivoted.rename_axis(columns="store"))

    assert panel.schema.id == "store"
    assert np.isnan(panel.target[2, 0])


def test_a_series_is_one_series_named_after_its_values():
    panel = to_panel(pd.Series([1, 2, 3], index=DAYS[:3], name="visits"))

    assert panel.ids.tolist() == ["visits"]
    assert panel.schema.layout == "series"
    assert panel.schema.id is None


def test_a_series_with_periods_is_counted_in_them():
    months = pd.period_range("2024-01", periods=3, freq="M")

    panel = to_panel(pd.Series([1.0, 2.0, 3.0], index=months))
    future = panel.schema.table(panel.frequency, panel.ids, panel.start + 3, {"forecast": [4.0]})

    assert panel.frequency.name == "MS"
    assert future["ds"].tolist() == [pd.Period("2024-04", "M")]


def test_a_series_with_row_numbers_has_integer_time():
    panel = to_panel(pd.Series([1.0, 2.0, 3.0]))

    assert panel.frequency.unit == "integer"
    assert panel.ordinals.tolist() == [0, 1, 2]


@pytest.mark.parametrize("levels", [["unique_id", "ds"], ["ds", "unique_id"]])
def test_id_and_time_may_stand_in_the_index(levels):
    indexed = two_stores().set_index(levels)

    frame, series = to_panel(indexed), to_panel(indexed["y"])

    assert frame.target.tolist() == to_panel(two_stores()).target.tolist()
    assert series.target.tolist() == frame.target.tolist()
    pd.testing.assert_frame_equal(to_table(frame), indexed)
    pd.testing.assert_series_equal(to_table(series), indexed["y"])


@pytest.mark.parametrize("level", ["unique_id", "ds"])
def test_id_or_time_alone_may_stand_in_the_index(level):
    indexed = two_stores().set_index(level)

    pd.testing.assert_frame_equal(to_table(to_panel(indexed)), indexed)


def test_an_index_without_names_comes_back_without_names():
    series = pd.Series([1.0, 2.0], index=DAYS[:2])

    back = to_table(to_panel(series))

    pd.testing.assert_series_equal(back, series, check_freq=False)


# Which column is what


def test_columns_of_odd_names_are_recognised_by_their_type():
    table = pd.DataFrame(
        {
            "Tag": ["01.02.2024", "02.02.2024"],
            "Filiale": ["Nord", "Nord"],
            "Umsatz": [1, 2],
        }
    )

    schema = to_panel(pd.concat([table, table.assign(Filiale="Süd")])).schema

    assert (schema.time, schema.id, schema.targets) == ("Tag", "Filiale", ("Umsatz",))


def test_a_guess_is_noted():
    panel = to_panel(pd.DataFrame({"shop": ["x", "x"], "day": DAYS[:2], "visits": [1, 2]}))

    assert panel.notes[0] == "took 'day' as the time, 'shop' as the id and 'visits' as the target"


def test_columns_that_are_given_are_not_guessed():
    table = two_stores().assign(price=9.0, zone="z")

    panel = to_panel(table, target="price")

    assert panel.target[:, 0].tolist() == [9.0] * 5
    assert panel.schema.id == "unique_id"
    assert "columns not used: 'y', 'zone'" in panel.notes


def test_common_names_come_before_types():
    table = pd.DataFrame({"store": [1, 1], "date": DAYS[:2], "sales": [5, 6], "staff": [2, 2]})

    schema = to_panel(table).schema

    assert (schema.id, schema.time, schema.targets) == ("store", "date", ("sales",))


def test_row_numbers_are_not_ids():
    saved_index = two_stores().reset_index(names="Unnamed: 0")
    numbered = pd.DataFrame({"id": [1, 2, 3], "date": DAYS[:3], "count": [7, 8, 9]})

    assert to_panel(saved_index).target.tolist() == to_panel(two_stores()).target.tolist()
    assert to_panel(numbered).schema.layout == "series"


def test_whole_numbers_named_year_are_time():
    panel = to_panel(pd.DataFrame({"year": [1821, 1822, 1823], "lynx": [269, 321, 585]}))

    assert panel.ordinals.tolist() == [1821, 1822, 1823]
    assert panel.frequency.unit == "integer"


# Times, numbers and ids of many kinds


@pytest.mark.parametrize(
    ("cells", "frequency", "following"),
    [
        (["2024-01", "2024-02"], "MS", "2024-03"),
        (["2024-01-31", "2024-02-29"], "ME", "2024-03-31"),
        (["2024-01-31 10:00", "2024-01-31 11:00"], "h", "2024-01-31 12:00"),
        (["2024-01-31T10:00:00", "2024-01-31T10:15:00"], "15min", "2024-01-31T10:30:00"),
        (["31.12.2024", "01.01.2025"], "D", "02.01.2025"),
        (["01.02.2024", "02.02.2024"], "D", "03.02.2024"),
        (["01.02.24", "02.02.24"], "D", "03.02.24"),
        (["31.12.2024 23:00", "01.01.2025 00:00"], "h", "01.01.2025 01:00"),
        (["31/12/2024", "01/01/2025"], "D", "02/01/2025"),
        (["12/31/2024", "01/01/2025"], "D", "01/02/2025"),
        (["2024/01/31", "2024/02/01"], "D", "2024/02/02"),
        (["31 Jan 2024", "01 Feb 2024"], "D", "02 Feb 2024"),
        (["Jan 2024", "Feb 2024"], "MS", "Mar 2024"),
        (["2024Q3", "2024Q4"], "QS", "2025Q1"),
        (["2024-Q3", "2024-Q4"], "QS", "2025-Q1"),
        ([20240131, 20240201], "D", 20240202),
        ([202411, 202412], "MS", 202501),
        ([date(2024, 1, 31), date(2024, 2, 1)], "D", date(2024, 2, 2)),
        ([1821.0, 1822.0], "1", 1823.0),
    ],
)
def test_times_are_read_and_written_in_the_users_own_way(cells, frequency, following):
    table = one_series(cells)

    panel = to_panel(table)
    last = panel.ordinals[-1:]
    future = panel.schema.table(panel.frequency, panel.ids, last + panel.frequency.step, {})

    assert panel.frequency.name == frequency
    assert future["ds"].tolist() == [following]
    pd.testing.assert_frame_equal(to_table(panel), table)


def test_hours_of_a_time_zone_are_counted_in_utc():
    hours = pd.date_range("2024-03-31", periods=5, freq="h", tz="Europe/Berlin")

    panel = to_panel(one_series(hours))

    assert panel.frequency.name == "h"
    assert panel.lengths.tolist() == [5]
    assert to_table(panel)["ds"].tolist() == hours.tolist()


def test_one_row_of_a_time_zone_is_counted_in_utc_when_steps_are_hours():
    midnight = pd.DatetimeIndex(["2024-06-01"], tz="Europe/Berlin")

    panel = to_panel(one_series(midnight), frequency="h")

    assert panel.frequency.times(panel.start)[0] == pd.Timestamp("2024-05-31 22:00")


@pytest.mark.parametrize(
    ("zone", "begin"),
    [("Europe/Berlin", "2024-03-29"), ("America/Sao_Paulo", "2017-10-13")],
)
def test_days_of_a_time_zone_are_counted_by_the_clock_on_the_wall(zone, begin):
    wall = pd.date_range(begin, periods=4)
    days = wall.tz_localize(zone, nonexistent="shift_forward")

    panel = to_panel(one_series(days))

    assert panel.frequency.name == "D"
    assert panel.frequency.times(panel.ordinals).tolist() == wall.tolist()
    assert to_table(panel)["ds"].tolist() == days.tolist()


def test_days_of_utc_shown_in_another_zone_stay_days_of_utc():
    days = pd.date_range("2024-03-29", periods=4, tz="UTC").tz_convert("Europe/Berlin")

    panel = to_panel(one_series(days))

    assert panel.frequency.name == "D"
    assert to_table(panel)["ds"].tolist() == days.tolist()


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1.5", "2", " 3 "], [1.5, 2, 3]),
        (["NA", "", "1"], [np.nan, np.nan, 1]),
        ([True, False, True], [1, 0, 1]),
        (pd.Series([True, None, False], dtype=object), [1, np.nan, 0]),
        ([Decimal("1.5"), None, Decimal(2)], [1.5, np.nan, 2]),
        (pd.array([1, None, 3], dtype="Int64"), [1, np.nan, 3]),
        (pd.array([1, None, 3], dtype="double[pyarrow]"), [1, np.nan, 3]),
        (pd.Categorical([1, 2, 1]), [1, 2, 1]),
        ([7.0, 7.0, 7.0], [7, 7, 7]),
    ],
)
def test_numbers_of_many_kinds_are_read(cells, values):
    panel = to_panel(one_series(DAYS[:3], cells))

    np.testing.assert_array_equal(panel.target[:, 0], values)


@pytest.mark.parametrize("dtype", ["int64", "Int64", "float32", "Float64", "bool", "uint8"])
def test_the_target_keeps_its_dtype_where_nothing_is_missing(dtype):
    table = one_series(DAYS[:2], pd.array([1, 0], dtype=dtype))

    assert to_table(to_panel(table))["y"].dtype == dtype


@pytest.mark.parametrize("dtype", ["str", "string", "object", "category"])
def test_text_ids_keep_their_dtype(dtype):
    table = two_stores().astype({"unique_id": dtype})

    panel = to_panel(table)
    future = panel.schema.table(panel.frequency, panel.ids, panel.start, {"forecast": [1.0, 2.0]})

    assert panel.ids.tolist() == ["a", "b"]
    assert future["unique_id"].dtype == dtype
    pd.testing.assert_frame_equal(to_table(panel), table)


@pytest.mark.parametrize("dtype", ["int64", "int32", "Int64"])
def test_numeric_ids_are_sorted_as_numbers_and_keep_their_dtype(dtype):
    table = two_stores().replace({"unique_id": {"a": "10", "b": "9"}})

    panel = to_panel(table.astype({"unique_id": dtype}))

    assert panel.ids.tolist() == [9, 10]
    assert to_table(panel)["unique_id"].dtype == dtype


def test_ids_of_mixed_types_are_sorted_as_text():
    panel = to_panel(two_stores().assign(unique_id=pd.Series([7, 7, "5", "5", "5"], dtype=object)))

    assert panel.ids.tolist() == ["5", 7]


def test_arrows_own_dtypes_are_understood():
    arrow = two_stores().convert_dtypes(dtype_backend="pyarrow")

    assert to_panel(arrow).target.tolist() == to_panel(two_stores()).target.tolist()


def test_a_schema_survives_json():
    for table in (
        two_stores(),
        pd.Series([1, 2], index=DAYS[:2]),
        one_series(["2024Q1", "2024Q2"]),
    ):
        schema = to_panel(table).schema

        assert Schema(**json.loads(json.dumps(asdict(schema)))) == schema


def test_a_forecast_table_has_the_users_columns_first():
    panel = to_panel(two_stores().rename(columns={"unique_id": "store", "ds": "day"}))

    table = panel.schema.table(
        panel.frequency, panel.ids, panel.start + panel.frequency.step, {"forecast": np.ones(2)}
    )

    assert table.columns.tolist() == ["store", "day", "forecast"]
    assert table["day"].tolist() == [DAYS[1], DAYS[1]]
    assert table.dtypes[["store", "day"]].tolist() == ["str", "datetime64[us]"]


def test_a_forecast_table_of_a_single_series_has_no_id():
    panel = to_panel(one_series(DAYS))

    table = panel.schema.table(panel.frequency, panel.ids, panel.start, {"forecast": [1.0]})

    assert table.columns.tolist() == ["ds", "forecast"]


# Gaps and missing values


def test_gaps_become_rows_of_missing_values_and_are_counted():
    table = two_stores().drop(index=3).assign(unique_id=["a", "a", "b", "b"])

    panel = to_panel(table)

    np.testing.assert_array_equal(panel.target[:, 0], [1, 2, 3, np.nan, 5])
    assert "missing rows inserted for gaps: 1, in 1 of 2 series ('b')" in panel.notes
    assert "missing values: 1 of 5" in panel.notes


def test_integers_with_gaps_come_back_as_floats():
    back = to_table(to_panel(one_series(DAYS[[0, 1, 3]], [1, 2, 4])))

    assert back["ds"].tolist() == DAYS.tolist()
    np.testing.assert_array_equal(back["y"], [1.0, 2.0, np.nan, 4.0])


def test_series_without_any_value_are_named():
    panel = to_panel(two_stores().assign(y=[1, 2, None, None, None]))

    assert "series without any value: 'b'" in panel.notes


def test_series_may_stand_at_their_own_phase():
    half_past = pd.Timedelta("30min")
    hours = pd.date_range("2024-01-01", periods=2, freq="h")
    table = pd.DataFrame(
        {
            "unique_id": list("aabb"),
            "ds": [*hours, *(hours + half_past)],
            "y": [1.0, 2.0, 3.0, 4.0],
        }
    )

    panel = to_panel(table)

    assert panel.lengths.tolist() == [2, 2]
    assert to_table(panel)["ds"].tolist() == table["ds"].tolist()


def test_a_note_of_the_reader_comes_first():
    table = two_stores()
    table.attrs["notes"] = ["sales.csv is not UTF-8; it was read as Windows-1252"]

    assert to_panel(table).notes[0] == "sales.csv is not UTF-8; it was read as Windows-1252"


# Parts of a panel


def test_select_keeps_the_panels_order():
    panel = to_panel(two_stores())

    part = panel.select(["b"])

    assert part.ids.tolist() == ["b"]
    assert part.indptr.tolist() == [0, 3]
    assert part.target[:, 0].tolist() == [3.0, 4.0, 5.0]
    assert_same(panel.select(["b", "a", "b"]), panel)


def test_select_finds_numeric_ids_by_their_text():
    panel = to_panel(two_stores().replace({"unique_id": {"a": 1, "b": 2}}), id="unique_id")

    assert panel.select(["2"]).target[:, 0].tolist() == [3.0, 4.0, 5.0]


def test_select_names_an_unknown_id_and_what_comes_close():
    panel = to_panel(two_stores().replace({"unique_id": {"a": "north", "b": "south"}}))

    with pytest.raises(DataError, match=r"^no series 'nort'; did you mean 'north'\?$"):
        panel.select(["nort"])
    with pytest.raises(DataError, match=r"^no series .7.; there are 'north', 'south'$"):
        panel.select([7])


def test_until_cuts_the_end_of_every_series():
    panel = to_panel(two_stores())

    assert panel.until(1).target[:, 0].tolist() == [1.0, 3.0, 4.0]
    assert panel.until(2).lengths.tolist() == [0, 1]
    assert panel.until(9).indptr.tolist() == [0, 0, 0]
    assert_same(panel.until(0), panel)


# Bad input: one line says where, what and what to do

IN_FILE = TableOrigin("sales.csv", first_line=2)
STORES = two_stores()
WITHIN = ["a", "a", "b", "b", "b"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            [1, 2, 3],
            "sales.csv: a list, where a DataFrame should be",
        ),
        (
            STORES.iloc[:0],
            "sales.csv: no rows; it needs some",
        ),
        (
            STORES.set_axis(["ds", "ds", "y"], axis=1),
            "sales.csv: two columns are called 'ds'; rename one",
        ),
        (
            pd.concat({"y": STORES}, axis=1),
            "sales.csv: the columns have several levels; use one name per column",
        ),
        (
            STORES.set_index("ds").assign(ds=1),
            "sales.csv: 'ds' is both an index level and a column; rename one",
        ),
        (
            STORES[["y"]],
            "sales.csv: no time column among 'y'; a table needs a column of dates, times or step "
            "numbers: say which with --time (time= in Python)",
        ),
        (
            STORES.assign(day=STORES["ds"]).drop(columns="ds").assign(date=STORES["ds"]),
            "sales.csv: the time column may be any of 'day', 'date'; say which with --time "
            "(time= in Python)",
        ),
        (
            STORES.rename(columns={"unique_id": "store"}).assign(item=[*"xxyyy"]),
            "sales.csv: the id column may be any of 'store', 'item'; say which with --id "
            "(id= in Python), or join them into one column; what is not an id may be --known or "
            "--static",
        ),
        (
            STORES.rename(columns={"y": "left"}).assign(right=1),
            "sales.csv: the target column may be any of 'left', 'right'; say which with --target "
            "(target= in Python)",
        ),
        (
            STORES[["unique_id", "ds"]],
            "sales.csv: no column of numbers to forecast among 'unique_id', 'ds'; say which with "
            "--target (target= in Python)",
        ),
        (
            STORES.assign(y=["1", "2", "many", "4", "5"]),
            "sales.csv, line 4, column 'y': found 'many', where a number should be",
        ),
        (
            STORES.assign(y=["1", "2.5", "1.234,5", "4", "5"]),
            "sales.csv, line 4, column 'y': found '1.234,5', beside 2.5; write all "
            "with one decimal sign",
        ),
        (
            STORES.assign(y=STORES["ds"]),
            "sales.csv, line 2, column 'y': found 2024-01-01 00:00:00, where a number should be",
        ),
        (
            STORES.assign(y=[1, 2, 3, -np.inf, 5]),
            "sales.csv, line 5, column 'y': -inf is infinite; leave unknown values empty",
        ),
        (
            STORES.assign(y=np.nan),
            "sales.csv: column 'y' has no value at all",
        ),
        (
            STORES.assign(unique_id=["a", None, "b", "b", "b"]),
            "sales.csv, line 3, column 'unique_id': no id; every row needs one",
        ),
        (
            STORES.assign(unique_id=["a", "a", "b", " ", "b"]),
            "sales.csv, line 5, column 'unique_id': no id; every row needs one",
        ),
        (
            STORES.assign(ds=STORES["ds"].where(STORES.index != 2)),
            "sales.csv, line 4, column 'ds': no time; every row needs one",
        ),
        (
            STORES.assign(ds=["2024-01-01", "NA", "2024-01-01", "2024-01-02", "2024-01-03"]),
            "sales.csv, line 3, column 'ds': no time; every row needs one",
        ),
        (
            STORES.assign(ds=["2024-01-01", "2024-13-02", "2024-01-01", "2024-01-02", "soon"]),
            "sales.csv, line 3, column 'ds': '2024-13-02' is not a time like '2024-01-01'",
        ),
        (
            STORES.assign(ds=["01/02/2024", "02/02/2024"] * 2 + ["03/02/2024"]),
            "sales.csv, line 2, column 'ds': '01/02/2024' may be day/month/year (2024-02-01) or "
            "month/day/year (2024-01-02), and no row settles which; say --date-format day-first or "
            "--date-format month-first (date_format= in Python)",
        ),
        (
            STORES.assign(ds=[True] * 5),
            "sales.csv, line 2, column 'ds': found 'True', where a time should be",
        ),
        (
            STORES.assign(ds=[1.0, 2.5, 1.0, 2.0, 3.0]),
            "sales.csv, line 3, column 'ds': 2.5 is not a whole number, nor a time",
        ),
        (
            STORES.assign(ds=["2024-01-01 00:00+01:00", "2024-01-02 00:00"] * 2 + ["x"]),
            "sales.csv, line 3, column 'ds': '2024-01-02 00:00' has another time zone than "
            "'2024-01-01 00:00+01:00' (line 2); write all times in one zone, such as UTC",
        ),
        (
            STORES.assign(ds=["2024-01-01 00:00", "2024-01-02 00:00Z"] * 2 + ["2024-01-03"]),
            "sales.csv, line 3, column 'ds': '2024-01-02 00:00Z' has another time zone than "
            "'2024-01-01 00:00' (line 2); write all times in one zone, such as UTC",
        ),
        (
            STORES.iloc[[4, 0, 1, 2, 3, 1]].reset_index(drop=True),
            "sales.csv, line 7, column 'ds': 2024-01-02 of series 'a' is in line 4 already; "
            "keep one row per time",
        ),
        (
            one_series(DAYS[[0, 1, 1]]),
            "sales.csv, line 4, column 'ds': 2024-01-02 is in line 3 already; keep one row per "
            "time; if a column names several series, give it with --id (id= in Python)",
        ),
        (
            one_series(["2024-01-01", "2024-01-02", "2024-01-03", "2204-01-04"]),
            "sales.csv, line 5, column 'ds': 2204-01-04 follows 2024-01-03: filling such gaps at a "
            "frequency of 'D' (daily) takes 65,743 rows for 4; correct a mistyped time, or name "
            "the frequency with --frequency (frequency= in Python)",
        ),
    ],
)
def test_a_table_that_cannot_be_used_says_why(table, message):
    with pytest.raises(DataError) as error:
        to_panel(table, origin=IN_FILE)

    assert str(error.value) == message


def test_a_column_that_is_given_must_be_there():
    with pytest.raises(DataError) as error:
        to_panel(two_stores(), target="yy")

    assert str(error.value) == (
        "the table: no column 'yy' for the target; it has 'unique_id', 'ds', 'y'; did you mean 'y'?"
    )


def test_a_column_has_one_role():
    with pytest.raises(DataError, match="column 'y' is given for two roles; each needs one"):
        to_panel(two_stores(), id="y", target="y")


def test_uneven_times_name_the_first_row_at_fault():
    uneven = one_series(["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04 07:13"])

    with pytest.raises(
        DataError, match=r"^sales.csv, line 5: .*2024-01-04 07:13.* follows 2024-01"
    ):
        to_panel(uneven, origin=IN_FILE)


def test_uneven_months_name_their_dates():
    uneven = one_series(["2024-01-01", "2024-02-03", "2024-03-02"])

    with pytest.raises(DataError, match=r"^sales.csv: .*2024-02-03 follows 2024-01-01"):
        to_panel(uneven, origin=IN_FILE)


def test_single_rows_have_no_frequency_until_it_is_given():
    single = two_stores().iloc[[0, 2]]

    with pytest.raises(DataError, match=r"^the table: cannot infer the frequency"):
        to_panel(single)
    assert to_panel(single, frequency="D").lengths.tolist() == [1, 1]


def test_a_given_frequency_must_fit():
    weekend = one_series(["2024-01-05", "2024-01-06"])
    half_hours = one_series(["2024-01-05 10:00", "2024-01-05 10:30"])

    with pytest.raises(DataError) as off_grid:
        to_panel(weekend, frequency="B", origin=IN_FILE)
    with pytest.raises(DataError) as uneven:
        to_panel(half_hours, frequency="h", origin=IN_FILE)
    with pytest.raises(DataError, match=r"^sales.csv, column 'ds': .*'h'.* int64"):
        to_panel(one_series([1, 2]), frequency="h", origin=IN_FILE)
    with pytest.raises(OptionError, match="'fortnight' is not known"):
        to_panel(weekend, frequency="fortnight")

    assert str(off_grid.value) == (
        "sales.csv, line 3, column 'ds': 2024-01-06 is not a time of the frequency 'B' "
        "(business-daily); correct it or name another with --frequency (frequency=)"
    )
    assert str(uneven.value) == (
        "sales.csv, line 3, column 'ds': 2024-01-05 10:30 follows 2024-01-05 10:00, not in whole "
        "steps of the frequency 'h' (hourly); correct it or name another with --frequency "
        "(frequency=)"
    )


def test_rows_count_from_zero_where_there_is_no_file():
    with pytest.raises(DataError, match=r"^the table, row 2, column 'y': found 'x'"):
        to_panel(two_stores().assign(y=["1", "2", "x", "4", "5"]))


def test_the_index_of_a_file_with_blank_lines_counts_lines():
    table = two_stores().assign(y=["1", "2", "x", "4", "5"]).set_axis([0, 1, 5, 6, 7])

    with pytest.raises(DataError, match=r"^sales.csv, line 7, column 'y': found 'x'"):
        to_panel(table, origin=IN_FILE)


# Properties

ALIASES = ["h", "15min", "D", "W", "MS", "QS"]
ID_KINDS = st.text("abcxyzÄ7 ", min_size=1).map(lambda t: f"s{t}"), st.integers(-5, 10**12)
POSITIONS = st.sets(st.integers(0, 30), min_size=1, max_size=12)


def ids_of(kind, fewest):
    return st.lists(kind, unique=True, min_size=fewest, max_size=4).map(sorted)


@st.composite
def long_tables(draw, min_series=1):
    """A sorted long table with gaps, as its parts: frequency, table, table without gaps."""
    alias = draw(st.sampled_from(ALIASES))
    grid = pd.date_range("2024-01-01", periods=31, freq=alias)
    grid = grid.as_unit(draw(st.sampled_from(["s", "ms", "us", "ns"])))
    grid = grid.tz_localize(draw(st.sampled_from([None, "UTC"])))
    ids = draw(st.one_of(ids_of(kind, min_series) for kind in ID_KINDS))
    dtype = draw(st.sampled_from(["float64", "float32", "int64", "Int64"]))
    parts, wholes = [], []
    for name in ids:
        kept = sorted(draw(POSITIONS))
        values = draw(st.lists(st.integers(-1000, 1000), min_size=len(kept), max_size=len(kept)))
        part = pd.DataFrame({"shop": name, "when": grid[kept], "sold": values})
        parts.append(part.astype({"sold": dtype}))
        span = range(kept[0], kept[-1] + 1)
        full = pd.Series(values, index=kept, dtype="float64").reindex(span)
        wholes.append(pd.DataFrame({"shop": name, "when": grid[list(span)], "sold": full.array}))
    whole = pd.concat(wholes, ignore_index=True)
    is_full = whole["sold"].notna().all()
    whole = whole.astype({"sold": "float64" if dtype == "int64" and not is_full else dtype})
    return alias, pd.concat(parts, ignore_index=True), whole


ROLES = {"id": "shop", "time": "when", "target": "sold"}


@settings(max_examples=25, deadline=None)
@given(long_tables(), st.randoms(use_true_random=False))
def test_a_long_table_comes_back_whole_whatever_the_order_of_its_rows(example, random):
    alias, table, whole = example
    order = random.sample(range(len(table)), len(table))

    panel = to_panel(table, frequency=alias, **ROLES)
    shuffled = to_panel(table.iloc[order], frequency=alias, **ROLES)
    back = to_table(panel)

    assert_same(shuffled, panel)
    pd.testing.assert_frame_equal(back, whole)
    assert_same(to_panel(back, frequency=alias, **ROLES), to_panel(whole, frequency=alias, **ROLES))


@settings(max_examples=25, deadline=None)
@given(long_tables(min_series=2), st.booleans())
def test_a_wide_table_comes_back_whole(example, is_indexed):
    alias, table, _ = example
    wide = table.astype({"sold": "float64"}).pivot(index="when", columns="shop", values="sold")
    grid = pd.date_range(
        wide.index[0], wide.index[-1], freq=alias, unit=wide.index.unit, name="when"
    )
    layout = wide if is_indexed else wide.rename_axis(columns=None).reset_index()

    back = to_table(to_panel(layout, frequency=alias))

    expected = wide.reindex(grid)
    expected = expected if is_indexed else expected.rename_axis(columns=None).reset_index()
    pd.testing.assert_frame_equal(back, expected, check_freq=False)


@settings(max_examples=25, deadline=None)
@given(long_tables(), st.booleans())
def test_a_single_series_comes_back_whole(example, is_period):
    alias, table, whole = example
    first = table["shop"].iloc[0]
    series, expected = (
        t[t["shop"] == first].set_index("when")["sold"].astype("float64") for t in (table, whole)
    )
    if is_period:
        period = {"MS": "M", "QS": "Q"}.get(alias, alias)
        series, expected = (s.tz_localize(None).to_period(period) for s in (series, expected))

    back = to_table(to_panel(series, frequency=alias))

    pd.testing.assert_series_equal(back, expected, check_freq=False)


def test_the_advice_for_events_without_a_usual_spacing_names_a_usual_step():
    minutes = np.random.default_rng(3).permutation(3 * 24 * 60)[:60]  # some 70 minutes apart
    events = pd.DataFrame(
        {"y": 1.0}, index=pd.Timestamp("2024-01-01") + pd.to_timedelta(minutes, "m")
    )

    with pytest.raises(DataError, match=r"resample\('h'\)\.mean") as error:
        to_panel(events)
    assert "not evenly spaced" in str(error.value)
    assert to_panel(events.sort_index().resample("h").mean()).frequency.name == "h"


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame({"forecast": pd.date_range("2024-01-01", periods=3), "y": [1.0, 2.0, 3.0]}),
        pd.DataFrame({"forecast": ["a"] * 3, "ds": [1, 2, 3], "y": [1.0, 2.0, 3.0]}),
    ],
)
def test_columns_of_ids_and_times_are_not_called_like_those_of_forecasts(table):
    with pytest.raises(DataError, match="column 'forecast' cannot be that of ids or times"):
        to_panel(table, id="forecast" if "ds" in table else None)


def test_an_offset_that_no_place_has_names_its_row():
    times = ["2024-01-01T00:00:00+02:00", "2024-01-01T01:00:00+99:00", "2024-01-01T02:00:00+02:00"]

    with pytest.raises(DataError, match=r"row 1, column 'ds': .* is further from UTC than any"):
        to_panel(pd.DataFrame({"ds": times, "y": [1.0, 2.0, 3.0]}))
