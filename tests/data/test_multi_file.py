"""Several files as one table, from their names to the panel."""

import io
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import forecast
from forecast.cli import main
from forecast.data.column_roles import ColumnRoles
from forecast.data.io.multi_file import files_of
from forecast.data.io.tables import read_table, write_table
from forecast.data.origin import SourceFile
from forecast.data.to_panel import read_panel, to_panel
from forecast.errors import DataError

ONE = "day,units\n2024-01-01,1\n2024-01-02,2\n"
NEXT = "day,units\n2024-01-03,3\n2024-01-04,4\n"
WITH_ID = "store,day,units\n{0},2024-01-01,1\n{0},2024-01-02,2\n"


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def write():
    """Write files of the given content in the current folder, in folders made for them."""

    def write(**files):
        for name, content in files.items():
            path = Path(f"{name.replace('__', '/')}.csv")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)

    return write


def panel_of(*paths, **columns):
    table = read_table(*paths)
    return to_panel(table.frame, table.origin, **columns)


def error_of(*paths, **columns):
    with pytest.raises(DataError) as error:
        panel_of(*paths, **columns)
    assert "\n" not in str(error.value)
    return str(error.value)


# Which files


def test_a_pattern_means_the_files_that_fit_in_order(write):
    write(stores__Ulm=ONE, stores__Bonn=ONE, stores__more__Jena=ONE)

    assert files_of("stores/*.csv") == ["stores/Bonn.csv", "stores/Ulm.csv"]
    assert files_of("stores/[TU]*") == ["stores/Ulm.csv"]
    assert files_of("stores/**/*.csv")[2] == "stores/more/Jena.csv"
    assert files_of("stores/*") == ["stores/Bonn.csv", "stores/Ulm.csv"]  # and not the folder
    assert files_of("stores/U*", "a.csv", "-") == ["stores/Ulm.csv", "a.csv", "-"]


def test_a_file_may_be_called_like_a_pattern(tmp_path):
    for name in ("sales[1].csv", "sales1.csv"):
        (tmp_path / name).write_text(ONE)

    assert files_of("sales[1].csv") == ["sales[1].csv"]
    assert len(read_table("sales[1].csv").frame) == 2


def test_a_pattern_that_nothing_fits_is_named():
    assert error_of("stores/*.csv") == "stores/*.csv: no file matches this pattern; check the path"


def test_a_single_file_that_fits_is_read_as_if_it_were_named(write):
    write(sales=ONE)

    table, named = read_table("s*.csv"), read_table("sales.csv")

    assert table.origin == named.origin
    assert table.frame.equals(named.frame)
    assert "notes" not in table.frame.attrs


# One table


def test_files_stand_one_below_the_other(write):
    write(a=WITH_ID.format("x"), b="units,day,store\n5,2024-01-01,y\n6,2024-01-02,y\n")

    table = read_table("*.csv")

    assert table.origin.source == "*.csv"
    assert table.origin.files == (SourceFile("a.csv", 2, 2), SourceFile("b.csv", 2, 2))
    assert table.frame["store"].tolist() == ["x", "x", "y", "y"]
    assert table.frame["units"].tolist() == [1, 2, 5, 6]
    assert table.frame.attrs["notes"] == ["files: 2, from a.csv to b.csv"]


def test_files_that_are_listed_have_the_name_of_the_first(write):
    write(a=ONE, b=NEXT, c=NEXT)

    assert read_table("b.csv", "a.csv", "c.csv").origin.source == "b.csv and 2 more"


def test_kinds_of_files_may_be_mixed(write):
    write(a=ONE)
    frame = pd.DataFrame({"day": pd.date_range("2024-01-03", periods=2), "units": [3.0, 4.0]})
    write_table(frame, "b.parquet")
    write_table(frame.assign(day=frame["day"] + pd.Timedelta(days=2)), "c.xlsx")

    assert panel_of("?.*").target[:, 0].tolist() == [1, 2, 3, 4, 3, 4]


@pytest.mark.parametrize(
    ("cells", "ids"),
    [
        (("007", "7"), ["007", "7"]),
        (("x", "1.50"), ["1.50", "x"]),
        (("7", "8"), [7, 8]),
        (("x", "true"), ["true", "x"]),
    ],
)
def test_ids_that_are_text_in_one_file_are_text_in_all(write, cells, ids):
    write(a=WITH_ID.format(cells[0]), b=WITH_ID.format(cells[1]))

    panel = panel_of("*.csv")

    assert panel.ids.tolist() == ids
    note = "'store' is text in some files; it was read as text"
    assert (note in panel.notes) == (cells[0] == "007")  # ids that are no whole numbers are text


def test_ids_of_parquet_and_excel_become_the_same_text(write):
    write(a=WITH_ID.format("007"))
    days = pd.date_range("2024-01-01", periods=2)
    for store, name in ((7, "b.parquet"), (8.0, "c.xlsx")):
        write_table(pd.DataFrame({"store": store, "day": days, "units": 1.0}), name)

    assert panel_of("*").ids.tolist() == ["007", "7", "8"]


def test_numbers_with_a_word_for_missing_ones_in_one_file_are_numbers(write):
    write(a=ONE, b=NEXT.replace(",3", ",-"))

    np.testing.assert_array_equal(panel_of("*.csv").target[:, 0], [1, 2, np.nan, 4])


def test_a_file_without_values_leaves_the_column_to_the_others(write):
    write(
        a=WITH_ID.format("x"), b=WITH_ID.format("y").replace(",1\n", ",\n").replace(",2\n", ",\n")
    )

    panel = panel_of("*.csv", id="store")

    np.testing.assert_array_equal(panel.target[:, 0], [1, 2, np.nan, np.nan])


def test_decimal_points_and_commas_are_not_mixed_up(write):
    write(a="day;units\n2024-01-01;1,5\n2024-01-02;2,5\n", b=NEXT.replace("3\n", "1.48\n"))
    assert panel_of("*.csv").target[:, 0].tolist() == [1.5, 2.5, 1.48, 4]  # each file on its own

    write(b=NEXT.replace("3\n", "1.485\n").replace(",4", ",-"))
    assert error_of("*.csv") == (
        "b.csv: decimal points in column 'units', where a.csv has decimal commas; write all files "
        "the same way"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "date,units\n2024-01-01,1\n",
            "b.csv: unlike a.csv it lacks 'day' and has 'date' besides; give all files the same "
            "columns, or leave this one out",
        ),
        (
            "day,units,price\n2024-01-01,1,2\n",
            "b.csv: unlike a.csv it has 'price' besides; give all files the same columns, or leave "
            "this one out",
        ),
        ("day,day,units\n1,1,1\n", "b.csv: two columns are called 'day'; rename one"),
        ("", "b.csv: empty; it needs a header line and rows"),
        ("\x00", "b.csv: binary, not a table; give a CSV, Parquet or Excel file"),
        (
            "day,units\n2024-01-03\n",
            "b.csv, line 2: found 1 cells, where the header names 2 columns; correct the line, or "
            "quote cells that hold a delimiter",
        ),
        (
            "\n" + NEXT + "\n\n2024-01-05,x\n",
            "*.csv, line 7 of b.csv, column 'units': found 'x', where a number should be",
        ),
        (
            ONE + "2024-01-02,7\n",
            "*.csv, line 2 of b.csv, column 'day': 2024-01-01 is in line 2 of a.csv already; keep "
            "one row per time; if a column names several series, give it with --id (id= in "
            "Python)",
        ),
        (
            "day,units\n2024-01-01 00:00+01:00,1\n",
            "*.csv, line 2 of b.csv, column 'day': '2024-01-01 00:00+01:00' has another time zone "
            "than '2024-01-01' (line 2 of a.csv); write all times in one zone, such as UTC",
        ),
    ],
)
def test_a_file_at_fault_is_named_with_its_line(write, content, message):
    write(a=ONE, b=content)

    assert error_of("*.csv") == message


def test_rows_are_counted_within_a_file_whose_lines_are_not(write):
    write(a=ONE)
    pd.DataFrame({"day": ["2024-01-03", "2024-01-04"], "units": ["3", "x"]}).to_parquet("b.parquet")

    assert error_of("a.csv", "b.parquet").startswith("a.csv and 1 more, row 1 of b.parquet, column")


def test_what_can_be_read_once_only_is_not_one_of_several(write):
    write(a=ONE)
    os.mkfifo("pipe")

    assert error_of("a.csv", "-") == (
        "standard input: a pipe cannot be one of several tables; save it as a file"
    )
    assert error_of("a.csv", "pipe").startswith("pipe: a pipe cannot be one of several")
    assert error_of("a.csv", "none.csv") == "none.csv: no such file; check the path"


# Names of files as ids


def test_names_of_files_are_ids_where_nothing_else_distinguishes_their_rows(write):
    write(Bonn=ONE, Ulm=ONE)

    panel = panel_of("*.csv")

    assert panel.ids.tolist() == ["Bonn", "Ulm"]
    assert (panel.schema.id, panel.schema.layout) == ("file", "long")
    assert "took the names of the files as the id, 'file'" in panel.notes


def test_files_that_follow_each_other_are_one_series(write):
    write(january=ONE, later=NEXT)

    panel = panel_of("*.csv")

    assert panel.lengths.tolist() == [4]
    assert panel.schema.layout == "series"
    assert "took the files as parts of one series" in panel.notes


def test_files_of_one_name_in_several_folders_are_one_series(write):
    write(y1__Bonn=ONE, y1__Ulm=ONE, y2__Bonn=NEXT)

    panel = panel_of("y*/*.csv")

    assert panel.ids.tolist() == ["Bonn", "Ulm"]
    assert panel.lengths.tolist() == [4, 2]


def test_a_column_that_names_the_series_comes_first(write):
    write(a=WITH_ID.format("x"), b=WITH_ID.format("y"))

    assert panel_of("*.csv").schema.id == "store"


def test_names_of_files_are_ids_if_they_are_asked_for(write):
    write(january=ONE, later=NEXT, own="file,day,units\nx,2024-01-01,1\nx,2024-01-02,2\n")

    assert panel_of("january.csv", "later.csv", id="file").ids.tolist() == ["january", "later"]
    assert panel_of("later.csv", id="file").ids.tolist() == ["later"]
    assert panel_of("own.csv", id="file").ids.tolist() == ["x"]  # a column of the table's own


def test_rows_to_come_are_never_split_by_file(write):
    write(a=ONE, b=ONE)
    table = read_table("*.csv")

    with pytest.raises(DataError, match=r"is in line 2 of a\.csv already"):
        read_panel(table.frame, ColumnRoles(time="day", has_target=False), table.origin)


# On the command line


def run(*words):
    return CliRunner().invoke(main, [*words], prog_name="forecast")


def run_well(*words):
    result = run(*words)
    assert result.exit_code == 0, result.output
    return result


def table_of(result):
    return pd.read_csv(io.StringIO(result.stdout))


@pytest.fixture
def trained(write, untrained):  # noqa: ARG001
    """A model of two stores, each in a file of its own, with a price."""
    rng = np.random.default_rng(1)
    days = pd.date_range("2024-01-01", periods=40)
    for store in ("Bonn", "Ulm"):
        table = pd.DataFrame({"day": days, "units": rng.gamma(4, 2, 40), "price": rng.random(40)})
        write(**{f"stores__{store}": table[:36].to_csv(index=False)})
        write(**{f"today__{store}": table[36:37].to_csv(index=False)})
        write(**{f"prices__{store}": table[36:][["day", "price"]].to_csv(index=False)})
    words = ["stores/*.csv", "--known", "price", "--target", "units", "--units", "3"]
    return run_well("train", *words, "--steps", "2").stderr


def test_a_pattern_is_trained_on_updated_with_and_forecast(trained):
    assert "Read stores/*.csv: 2 series, 72 rows." in trained
    assert "  files: 2, from stores/Bonn.csv to stores/Ulm.csv" in trained
    assert "  took the names of the files as the id, 'file'" in trained

    update = run_well("update", "today/*.csv").stderr
    result = run_well("predict", "-n", "3", "--future", "prices/*.csv", "--out", "out.csv")

    assert "Read today/*.csv: 2 series, 2 rows." in update
    assert "new series" not in update
    assert "files: 2, from prices/Bonn.csv" in result.stderr
    table = pd.read_csv("out.csv")
    assert table["file"].tolist() == ["Bonn"] * 3 + ["Ulm"] * 3
    assert table["day"].iloc[0] == "2024-02-07"


@pytest.mark.usefixtures("trained")
def test_the_history_of_one_file_is_its_series():
    words = ["-n", "4", "--future", "prices/Bonn.csv"]  # a single table holds for all

    alone = table_of(run_well("predict", "stores/Bonn.csv", *words))
    both = table_of(run_well("predict", "stores/Bonn.csv", "stores/Ulm.csv", *words))

    assert both["file"].tolist() == ["Bonn"] * 4 + ["Ulm"] * 4
    pd.testing.assert_frame_equal(alone, both[:4], rtol=1e-5)


@pytest.mark.usefixtures("trained")
def test_a_model_of_files_speaks_of_them_in_python():
    history = pd.read_csv("stores/Bonn.csv", parse_dates=["day"])
    future = pd.read_csv("prices/Bonn.csv", parse_dates=["day"])

    model = forecast.load("model.forecast")

    assert len(model.predict(2, history.assign(file="Bonn"), future=future)) == 2
    with pytest.raises(DataError, match="no column 'file' for the id"):
        model.predict(2, history, future=future)


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize(
    "words",
    [
        ["train", "stores/*.csv", "--model", "stores/Ulm.csv"],
        ["predict", "stores/*.csv", "-n", "1", "--out", "stores/Ulm.csv"],
        ["predict", "-n", "1", "--future", "prices/*", "--out", "prices/Bonn.csv"],
    ],
)
def test_no_file_of_a_pattern_is_overwritten(words):
    result = run(*words)

    assert result.exit_code == 2
    assert "would overwrite" in result.stderr


@pytest.mark.parametrize("words", [["train", "x*.csv"], ["update", "x*.csv"]])
def test_a_pattern_without_files_is_one_line(words, make_model, make_random_panel):
    make_model(make_random_panel([9])).save("model.forecast")

    result = run(*words)

    assert result.exit_code == 1
    assert result.stderr == "Error: x*.csv: no file matches this pattern; check the path\n"
