import gzip
import io
import os
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from forecast.data.io.tables import read_table, write_table
from forecast.data.to_panel import to_panel
from forecast.data.to_table import to_table
from forecast.errors import DataError, ForecastError

ROWS = "unique_id,ds,y\na,2024-01-01,1.5\na,2024-01-02,2\n"
FRAME = pd.DataFrame(
    {"unique_id": "a", "ds": pd.date_range("2024-01-01", periods=2), "y": [1.5, 2]}
)


@pytest.fixture
def file(tmp_path):
    """Write a file and give its path."""

    def write(content, name="sales.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


def read_panel(path):
    table = read_table(path)
    return to_panel(table.frame, table.origin._replace(source="sales.csv"))


def error_of(path):
    with pytest.raises(DataError) as error:
        read_panel(path)
    return str(error.value).replace(path, "sales.csv")


# Reading


def test_a_table_has_its_origin(file):
    path = file(ROWS)

    table = read_table(path)

    assert table.origin.source == path
    assert table.origin.first_line == 2
    assert table.frame["y"].tolist() == [1.5, 2.0]
    assert table.frame["ds"].tolist() == FRAME["ds"].tolist()


@pytest.mark.parametrize(
    "content",
    [
        ROWS.replace(",", ";"),
        ROWS.replace(",", "\t"),
        ROWS.replace(",", "|"),
        ROWS.replace("\n", "\r\n"),
        ROWS.replace("a,", '"a",'),
        ROWS.rstrip("\n"),
        ROWS + "\n\n",
        "\n\n" + ROWS,
        "\ufeff" + ROWS,
        ROWS.encode("utf-16"),
        gzip.compress(ROWS.encode(), mtime=0),
        ROWS.replace(",", ";").replace("1.5", "1,5"),
        ",unique_id,ds,y\n0,a,2024-01-01,1.5\n1,a,2024-01-02,2\n",
    ],
)
def test_any_common_csv_reads_the_same(file, content):
    panel = read_panel(file(content))

    assert panel.ids.tolist() == ["a"]
    assert panel.target[:, 0].tolist() == [1.5, 2.0]
    assert panel.frequency.name == "D"


def test_parquet_is_recognised_by_its_content(tmp_path):
    FRAME.to_parquet(tmp_path / "table")

    table = read_table(str(tmp_path / "table"))

    assert table.origin.first_line is None
    pd.testing.assert_frame_equal(table.frame, FRAME)


def test_an_index_in_parquet_is_kept(tmp_path):
    FRAME.set_index(["unique_id", "ds"]).to_parquet(tmp_path / "table.parquet")

    assert read_table(str(tmp_path / "table.parquet")).frame.index.names == ["unique_id", "ds"]


@pytest.mark.parametrize("content", [ROWS.encode(), gzip.compress(ROWS.encode(), mtime=0)])
def test_a_dash_is_standard_input(monkeypatch, content):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))

    table = read_table("-")

    assert table.origin.source == "standard input"
    assert table.frame["y"].tolist() == [1.5, 2.0]


def test_a_pipe_is_read_once():
    reading, writing = os.pipe()
    os.write(writing, ROWS.encode())
    os.close(writing)

    assert len(read_table(f"/dev/fd/{reading}").frame) == 2
    os.close(reading)


def test_text_that_is_not_utf8_is_noted(file):
    path = file(ROWS.replace("a,", "Zürich,").replace("y", "Größe").encode("cp1252"))

    frame = read_table(path).frame

    assert frame["unique_id"].tolist() == ["Zürich", "Zürich"]
    assert frame.columns[-1] == "Größe"
    assert frame.attrs["notes"] == [f"{path} is not UTF-8; it was read as Windows-1252"]


def test_text_that_is_not_utf8_is_understood_at_either_end_of_a_file(file):
    names = read_table(file("Århus,ds\n1,2\n".encode("cp1252"))).frame.columns
    ids = read_table(file("y,unique_id\n1,Malmö\n2,Malmé".encode("cp1252"))).frame["unique_id"]

    assert names.tolist() == ["Århus", "ds"]
    assert ids.tolist() == ["Malmö", "Malmé"]


def test_a_decimal_comma_is_understood_between_semicolons(file):
    table = "Datum;Filiale;Umsatz\n01.12.2024;Nord;1,5\n02.12.2024;Nord;-2\n"

    panel = read_panel(file(table))

    assert panel.target[:, 0].tolist() == [1.5, -2.0]
    assert (panel.schema.id, panel.schema.unused) == (None, ("Filiale",))


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (("1.480,10", "-", "190,5"), [1480.1, np.nan, 190.5]),
        (("1.480,1", "1.485", "7"), [1480.1, 1485.0, 7.0]),
        (("-2.000.000,25", "0,5", "1"), [-2_000_000.25, 0.5, 1.0]),
    ],
)
def test_points_between_thousands_are_understood_beside_a_decimal_comma(file, cells, values):
    rows = [f"0{day}.12.2024;{cell}" for day, cell in enumerate(cells, 1)]

    panel = read_panel(file("\n".join(["Datum;Umsatz", *rows])))

    np.testing.assert_array_equal(panel.target[:, 0], values)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (("480,10", "oops", "7"), "line 3, column 'Umsatz': found 'oops'"),
        (("1,480", "2,300", "oops"), "line 4, column 'Umsatz': found 'oops'"),
        (("1.5", "1.480,10", "7"), "line 3, column 'Umsatz': found '1.480,10'"),
    ],
)
def test_the_cell_that_is_not_a_number_in_any_format_is_named(file, cells, message):
    rows = [f"0{day}.12.2024;{cell}" for day, cell in enumerate(cells, 1)]

    with pytest.raises(DataError, match=message):
        read_panel(file("\n".join(["Datum;Umsatz", *rows])))


def test_text_is_kept_where_a_number_has_two_readings(file):
    def sold(*cells):
        days = pd.date_range("2024-12-01", periods=len(cells)).strftime("%d.%m.%Y")
        rows = [f"{day};{cell}" for day, cell in zip(days, cells, strict=True)]
        return read_panel(file("\n".join(["day;sold", *rows])))

    assert sold("977", "1.154", "1.177").target[:, 0].tolist() == [977, 1154, 1177]
    assert sold("1.15", "1.154", "1.177").target[:, 0].tolist() == [1.15, 1.154, 1.177]
    assert sold("1,5", "1.154", "1.177").target[:, 0].tolist() == [1.5, 1154, 1177]


def test_a_number_with_two_readings_is_seen_far_inside_a_file(file):
    days = pd.date_range("1900-01-01", periods=40_000).strftime("%d.%m.%Y")
    cells = ["977"] * len(days)
    cells[20_000] = "1.154"

    panel = read_panel(file("\n".join(["day;sold", *map(";".join, zip(days, cells, strict=True))])))

    assert panel.target[20_000, 0] == 1154
    assert "numbers of 'sold': 1.154 was read as 1154" in panel.notes


@pytest.mark.parametrize(
    ("above", "line", "note"),
    [
        ("# exported 2024-05-01\n# kWh\n", 4, "2 lines above the header (# exported 2024-05-01)"),
        ("sep=;\n", 3, "a line above the header (sep=;)"),
        ('\ufeff"sep=;"\r\n', 3, 'a line above the header ("sep=;")'),
        ("\n#\n\n", 5, "a line above the header (#)"),
    ],
)
def test_comments_above_the_header_are_skipped(file, above, line, note):
    panel = read_panel(path := file(above + "day;sold\n2024-12-01;1,5\n2024-12-02;2\n"))

    assert panel.target[:, 0].tolist() == [1.5, 2]
    assert panel.notes[0] == f"{path}: skipped {note}"
    assert read_table(path).origin.first_line == line


def test_a_comment_that_names_the_columns_is_the_header(file):
    panel = read_panel(file("# made by hand\n# day,sold\n2024-12-01,1\n2024-12-02,2\n"))

    assert (panel.schema.time, panel.schema.targets) == ("day", ("sold",))


@pytest.mark.parametrize(("name", "month"), [("month", "{:%Y.%m}"), ("sale day", "{:%m.%Y}")])
def test_months_that_look_like_numbers_are_times(file, name, month):
    months = map(month.format, pd.date_range("2023-01-01", periods=24, freq="MS"))

    panel = read_panel(file("\n".join([f"{name},sold", *(f"{one},1" for one in months)])))

    assert panel.frequency.name == "MS"
    assert panel.schema.text(panel.frequency, int(panel.ordinals[-1])) == "2024-12-01"


def test_a_title_with_delimiters_behind_it_is_refused_too(file):
    table = "Sales,,\n,,\nday,store,sold\n2024-12-01,Bonn,1\n2024-12-02,Bonn,2\n"

    assert "line 1: 'Sales,,' stands above the table, whose header seems" in error_of(file(table))


def test_a_number_sign_in_a_name_stays(file):
    panel = read_panel(file("#5,day\n,2024-12-01\n2,2024-12-02\n"))

    assert panel.schema.targets == ("#5",)


def test_a_title_above_the_header_is_refused_with_the_header(file):
    table = "Sales of 2024\n\nday,store,sold\n2024-12-01,Bonn,1\n2024-12-02,Bonn,2\n"

    assert error_of(file(table)) == (
        "sales.csv, line 1: 'Sales of 2024' stands above the table, whose header seems to be "
        "'day, store, sold'; remove all lines above that one"
    )
    assert len(read_panel(file(table[table.index("day") :])).target) == 2


@pytest.mark.parametrize(
    "table",
    [
        "day;sold;\n2024-12-01;1;\n2024-12-02;2;\n",  # each line ends with the delimiter
        "day;sold\n2024-12-01;1;\n2024-12-02;2;\n",
        " day ; sold \n2024-12-01 ; 1 \n2024-12-02 ; 2 \n",
        "day,sold\n1,2024-12-01,1\n2,2024-12-02,2\n",  # as R writes row numbers
        "day\tsold\t\n2024-12-01\t1\t\n\n2024-12-02\t2\t\n",
    ],
)
def test_margins_of_a_table_are_left_out(file, table):
    panel = read_panel(file(table))

    assert (panel.schema.time, panel.schema.targets) == ("day", ("sold",))
    assert panel.target[:, 0].tolist() == [1, 2]
    assert panel.notes[0] == "took 'day' as the time and 'sold' as the target"


@pytest.mark.parametrize(
    "table",
    [
        "day  sold\n2024-12-01    1\n2024-12-02   10 \n",  # aligned
        'day sold\n"1" 2024-12-01 1\n"2" 2024-12-02 10\n',  # as R writes tables
        '"day", "sold"\n"2024-12-01", "1"\n"2024-12-02", "10"\n',
        'sep=;\n"day"; "sold"\n"2024-12-01"; "1"\n"2024-12-02"; "10"\n',
    ],
)
def test_spaces_between_cells_do_not_matter(file, table):
    panel = read_panel(file(table))

    assert (panel.schema.time, panel.schema.targets) == ("day", ("sold",))
    assert panel.target[:, 0].tolist() == [1, 10]


def test_a_cell_too_many_is_not_taken_for_a_margin(file):
    assert error_of(file("day,sold\n2024-12-01,1,5\n2024-12-02,2,5\n")) == (
        "sales.csv, line 2: found 3 cells, where the header names 2 columns; correct the line, or "
        "quote cells that hold a delimiter"
    )
    assert "line 4: found 3 cells" in error_of(file("#\nday,sold\n2024-12-01,1\n2024-12-02,2,5\n"))


def test_ids_keep_their_leading_zeros(file):
    table = "id,ds,y\n007,2024-01-01,1\n007,2024-01-02,2\n010,2024-01-01,1\n010,2024-01-02,1\n"

    assert read_panel(file(table)).ids.tolist() == ["007", "010"]


def test_leading_zeros_far_inside_a_file_are_seen(file):
    def days(name):
        return "".join(f"{name},2024-01-{day:02},1\n" for day in range(1, 32))

    table = "id,ds,y\n" + "".join(days(name) for name in range(1000, 1800)) + days("0042")

    assert "0042" in read_panel(file(table)).ids


def test_an_id_may_be_called_na(file):
    mixed = "id,ds,y\nNA,2024-01-01,1\nNA,2024-01-02,NA\nEU,2024-01-01,1\n"
    alone = "id,ds,y\nNA,2024-01-01,1\nNA,2024-01-02,2\n"

    assert read_panel(file(mixed)).ids.tolist() == ["EU", "NA"]
    assert read_panel(file(alone)).ids.tolist() == ["NA"]


def test_an_offset_from_utc_is_kept(file):
    panel = read_panel(file("ds,y\n2024-01-01 00:00+01:00,1\n2024-01-01 01:00+01:00,2\n"))

    assert panel.frequency.name == "h"
    assert to_table(panel)["ds"].tolist() == ["2024-01-01 00:00+01:00", "2024-01-01 01:00+01:00"]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (ROWS + "a,2024-01-03,x\n", 4),
        ("\n" + ROWS + "a,2024-01-03,x\n", 5),
        (ROWS + "\n\na,2024-01-03,x\n\n", 6),
        (ROWS.replace("\n", "\r\n") + "\r\na,2024-01-03,x\r\n", 5),
        (ROWS + ",,\na,2024-01-03,x\n", 5),
    ],
)
def test_blank_lines_do_not_shift_line_numbers(file, content, line):
    found = "column 'y': found 'x', where a number should be"

    assert error_of(file(content)) == f"sales.csv, line {line}, {found}"


def test_line_ends_within_quotes_leave_rows_to_be_counted(file):
    table = ROWS + '"a\nb",2024-01-01,1\n"a\nb",2024-01-02,x\n'

    assert error_of(file(table)).startswith("sales.csv, row 3, column 'y': found 'x'")


# What cannot be read


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "sales.csv: empty; it needs a header line and rows"),
        ("\n \n", "sales.csv: empty; it needs a header line and rows"),
        ("unique_id,ds,y", "sales.csv: a header and no rows; it needs some"),
        ("unique_id,ds,y\n\n", "sales.csv: a header and no rows; it needs some"),
        (b"\x00\x01\x02", "sales.csv: binary, not a table; give a CSV, Parquet or Excel file"),
        (
            b"\x89PNG\r\n\x1a\n\x03\xff",
            "sales.csv: binary, not a table; give a CSV, Parquet or Excel file",
        ),
        (
            b"PK\x03\x04",
            "sales.csv: damaged or cut-off Excel workbook or zip file (File is not a zip file); "
            "copy it again",
        ),
        (
            "a,2024-01-01,1\na,2024-01-02,2\n",
            "sales.csv, line 1: 'a,2024-01-01,1', where a header should name the columns",
        ),
        (
            "1949,112\n1950,118\n",
            "sales.csv, line 1: '1949,112', where a header should name the columns",
        ),
        (
            ROWS + "a,2024-01-03\n",
            "sales.csv, line 4: found 2 cells, where the header names 3 columns; "
            "correct the line, or quote cells that hold a delimiter",
        ),
        (
            ROWS + "\na,2024-01-03,1,000\n",
            "sales.csv, line 5: found 4 cells, where the header names 3 columns; "
            "correct the line, or quote cells that hold a delimiter",
        ),
        (
            ROWS + '"a,2024-01-03,1\n',
            "sales.csv, line 4: found 1 cells, where the header names 3 columns; "
            "correct the line, or quote cells that hold a delimiter",
        ),
        (
            "id,ds,y\na,2024-01-01,1\n,2024-01-02,1\n",
            "sales.csv, line 3, column 'id': no id; every row needs one",
        ),
        (
            "y\n1\n2\n",
            "sales.csv: no time column among 'y'; a table needs a column of dates, times or step "
            "numbers: say which with --time (time= in Python)",
        ),
        (
            "ds,y\n2024-01-01 00:00+01:00,1\n2024-06-01 00:00,2\n",
            "sales.csv, line 3, column 'ds': '2024-06-01 00:00' has another time zone than "
            "'2024-01-01 00:00+01:00' (line 2); write all times in one zone, such as UTC",
        ),
        (
            "time,y\n10:00,1\n11:00,2\n",
            "sales.csv, line 2, column 'time': found '10:00:00', where a time should be",
        ),
    ],
)
def test_what_cannot_be_read_says_why(file, content, message):
    assert error_of(file(content)) == message


@pytest.mark.parametrize("cut", [-30, -8, 12])
def test_a_cut_off_gzip_file_is_damaged(file, cut):
    path = file(gzip.compress(ROWS.encode() * 500)[:cut], "sales.csv.gz")

    assert error_of(path).startswith("sales.csv: damaged or cut-off gzip file")
    assert "\n" not in error_of(path)


def test_a_changed_byte_anywhere_in_parquet_is_refused_or_does_no_harm(tmp_path):
    path = tmp_path / "table.parquet"
    table = pd.DataFrame({"ds": range(9), "y": np.random.default_rng(0).normal(size=9)})
    write_table(table, str(path))
    whole = path.read_bytes()
    places = range(0, len(whole), 3)
    refused = 0

    for at in places:
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        try:
            assert read_table(str(path)).frame.equals(table)
        except DataError:
            refused += 1

    assert refused > len(places) / 5  # the rest describes what nothing reads


def test_a_parquet_file_with_only_an_index_is_refused(tmp_path):
    path = tmp_path / "table.parquet"
    FRAME.set_index(["unique_id", "ds"])[[]].to_parquet(path)

    assert error_of(str(path)) == "sales.csv: an index and no columns; a table needs one of values"


def test_a_parquet_file_whose_notes_for_pandas_are_damaged_is_refused(tmp_path):
    path = tmp_path / "table.parquet"
    table = pa.table({"ds": [1, 2], "y": [1.5, 2.0]})
    pq.write_table(table.replace_schema_metadata({"pandas": '{"columns"; []}'}), path)

    assert error_of(str(path)).startswith(
        "sales.csv: damaged Parquet file: Expecting ':' delimiter"
    )


def test_a_cut_off_parquet_file_is_damaged(file, tmp_path):
    FRAME.to_parquet(tmp_path / "whole")
    path = file((tmp_path / "whole").read_bytes()[:-20])

    assert error_of(path).startswith("sales.csv: damaged Parquet file")


def test_a_file_must_be_there_and_be_a_file(tmp_path):
    assert error_of(str(tmp_path / "none.csv")) == "sales.csv: no such file; check the path"
    assert error_of(str(tmp_path)) == "sales.csv: a folder; name a file inside it"


def test_a_file_must_be_permitted(file, monkeypatch):
    path = file(ROWS)

    def refuse(*_args, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)

    assert error_of(path) == "sales.csv: not permitted to read it; check its permissions"


CELLS = st.sampled_from(["2024-01-01", "2024-01-02", "a", "007", "1,5", "NA", "", "1e400", '"x'])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=2, max_size=3), max_size=4), st.sampled_from(",;\t"))
def test_odd_tables_are_read_or_refused_in_one_line(rows, delimiter):
    lines = [delimiter.join(["unique_id", "ds", "y"]), *(delimiter.join(row) for row in rows)]
    read_or_refuse("\n".join(lines).encode())


@settings(max_examples=60, deadline=None)
@given(st.binary())
@example(b"\x0b")  # white space to Python, though not to an editor
def test_any_bytes_are_read_or_refused_in_one_line(content):
    read_or_refuse(content)


def read_or_refuse(content):
    message = ""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "odd.csv"
        path.write_bytes(content)
        try:
            read_panel(str(path))
        except ForecastError as error:
            message = str(error)
    assert "\n" not in message


# Writing


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz", "out.tsv", "out.parquet", "out"])
def test_a_table_is_written_by_its_suffix(tmp_path, name):
    path = str(tmp_path / name)

    write_table(FRAME, path)

    back = read_table(path).frame
    assert back.astype({"ds": FRAME["ds"].dtype}).equals(FRAME)
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("path", [None, "-"])
def test_a_table_goes_to_standard_output(capsys, path):
    write_table(FRAME, path)

    assert capsys.readouterr().out == ROWS.replace(",2\n", ",2.0\n")


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "out.csv"
    path.write_text("old")

    def fail(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(DataError) as error:
        write_table(FRAME, str(path))

    assert str(error.value) == (
        f"{path}: cannot be written: No space left on device; nothing was changed, "
        "make room or write elsewhere with --out"
    )
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_written_file_keeps_its_permissions(tmp_path):
    path = tmp_path / "out.csv"
    path.touch(mode=0o600)

    write_table(FRAME, str(path))

    assert path.stat().st_mode & 0o777 == 0o600


def test_a_link_is_written_through(tmp_path):
    (tmp_path / "link.csv").symlink_to(tmp_path / "out.csv")

    write_table(FRAME, str(tmp_path / "link.csv"))

    assert (tmp_path / "link.csv").is_symlink()
    assert len(read_table(str(tmp_path / "out.csv")).frame) == 2


def test_a_pipe_is_written_and_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reading = os.open(tmp_path / "pipe", os.O_RDWR | os.O_NONBLOCK)

    write_table(FRAME, str(tmp_path / "pipe"))

    assert os.read(reading, 1000).startswith(b"unique_id,ds,y\na,")
    os.close(reading)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none/out.csv", "cannot be written: No such file or directory"),
        ("", "cannot be written: Is a directory"),
        ("out.xls", "unknown file type; name it .csv, .csv.gz, .tsv, .parquet or .xlsx"),
    ],
)
def test_what_cannot_be_written_says_why(tmp_path, name, message):
    path = str(tmp_path / name)

    with pytest.raises(DataError) as error:
        write_table(FRAME, path)

    assert str(error.value).startswith(f"{path}: {message}")


def test_a_table_that_parquet_cannot_hold_says_why(tmp_path):
    mixed = pd.DataFrame({"unique_id": pd.Series([1, "x"], dtype=object)})

    with pytest.raises(DataError, match=r"out.parquet: the table cannot be written as Parquet: "):
        write_table(mixed, str(tmp_path / "out.parquet"))
    assert list(tmp_path.iterdir()) == []


def test_a_header_longer_than_the_sample_is_read_whole(tmp_path):
    names = [f"series number {n:0386}" for n in range(1_000)]  # 400 kB
    rows = ["ds," + ",".join(names)]
    rows += [f"2024-01-0{day}" + ",1" * len(names) for day in (1, 2)]
    (tmp_path / "wide.csv").write_text("\n".join(rows))

    frame = read_table(str(tmp_path / "wide.csv")).frame

    assert frame.shape == (2, 1_001)
    assert frame.columns[-1] == names[-1]


def test_a_table_in_a_pipe_is_utf_8_on_windows_too(monkeypatch):
    content = io.BytesIO()
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(content, encoding="cp1252"))

    write_table(pd.DataFrame({"store": ["Gdańsk"], "sold": [1]}), "-")

    assert content.getvalue() == "store,sold\nGdańsk,1\n".encode()
