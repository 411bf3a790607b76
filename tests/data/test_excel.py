import builtins
import gzip
import io
import zipfile
from datetime import datetime, time, timedelta
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

from forecast.data.io.tables import read_table, write_table
from forecast.data.to_panel import to_panel
from forecast.errors import DataError

DAYS = [datetime(2024, 1, day) for day in range(1, 5)]
HEADER = ["store", "day", "units"]
ROWS = [["007", day, 1.5 * n] for n, day in enumerate(DAYS)]
SHEET = "xl/worksheets/sheet1.xml"


@pytest.fixture
def book(tmp_path):
    """Write rows as the first sheet of a workbook and give its path."""

    def write(rows, merged=None, others=()):
        workbook = openpyxl.Workbook()
        workbook.active.title = "Data"
        for row in rows:
            workbook.active.append(row)
        for name in others:
            workbook.create_sheet(name)
        if merged:
            workbook.active.merge_cells(merged)
        workbook.save(tmp_path / "sales.xlsx")
        return str(tmp_path / "sales.xlsx")

    return write


@pytest.fixture
def edited(tmp_path):
    """Change one part of a workbook, by a function or to other bytes; None takes it out."""

    def edit(path, part, change):
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        parts[part] = change(parts[part]) if callable(change) else change
        with zipfile.ZipFile(tmp_path / "edited.xlsx", "w") as archive:
            for name, content in parts.items():
                if content is not None:
                    archive.writestr(name, content)
        return str(tmp_path / "edited.xlsx")

    return edit


def read_panel(path):
    table = read_table(path)
    return to_panel(table.frame, table.origin)


def error_of(path):
    with pytest.raises(DataError) as error:
        read_panel(path)
    assert "\n" not in str(error.value)
    return str(error.value).replace(path, "sales.xlsx")


# Reading


def test_the_first_sheet_is_a_table(book):
    frame = read_table(book([HEADER, *ROWS])).frame

    assert frame.dtypes.astype(str).tolist() == ["str", "datetime64[us]", "float64"]
    assert frame.columns.tolist() == HEADER
    assert frame.to_numpy().tolist() == [[name, pd.Timestamp(day), y] for name, day, y in ROWS]
    assert "notes" not in frame.attrs


def test_a_workbook_gives_the_panel_that_its_csv_would(book, tmp_path):
    pd.DataFrame(ROWS, columns=HEADER).to_csv(tmp_path / "sales.csv", index=False)

    panel, expected = read_panel(book([HEADER, *ROWS])), read_panel(str(tmp_path / "sales.csv"))

    assert panel.ids.tolist() == expected.ids.tolist() == ["007"]
    assert panel.ordinals.tolist() == expected.ordinals.tolist()
    assert panel.target.tolist() == expected.target.tolist()
    assert panel.frequency == expected.frequency


def test_a_workbook_is_recognised_by_its_content_gzipped_or_not(book, tmp_path):
    content = Path(book([HEADER, *ROWS])).read_bytes()
    (tmp_path / "table.csv").write_bytes(content)
    (tmp_path / "table.gz").write_bytes(gzip.compress(content))

    assert len(read_table(str(tmp_path / "table.csv")).frame) == 4
    assert len(read_table(str(tmp_path / "table.gz")).frame) == 4


def test_of_several_sheets_the_first_is_read_and_reported(book):
    path = book([HEADER, *ROWS], others=["Notes", "Old"])

    assert read_panel(path).notes[0] == f"{path}: took sheet 'Data', the first of 3 sheets"


def test_empty_rows_and_columns_around_a_table_do_not_count(book):
    rows = [[], [None, " "], *([None, *row[:1], None, *row[1:]] for row in [HEADER, *ROWS]), []]

    frame = read_table(book(rows)).frame

    assert frame.columns.tolist() == HEADER
    assert len(frame) == 4


def test_messages_name_rows_of_the_sheet(book):
    rows = [[], HEADER, *ROWS[:2], [], ["007", DAYS[2], "x"]]

    message = "sales.xlsx, line 6, column 'units': found 'x', where a number should be"
    assert error_of(book(rows)) == message


def test_a_column_of_text_and_numbers_is_text(book):
    rows = [[name, day, y] for name, y in ((7, "-"), ("7a", 2.5)) for day in DAYS]

    panel = read_panel(book([HEADER, *rows]))

    assert panel.ids.tolist() == ["7", "7a"]
    np.testing.assert_array_equal(panel.target[:, 0], [np.nan] * 4 + [2.5] * 4)


def test_dates_and_dates_as_text_may_be_mixed(book):
    days = [DAYS[0], "2024-01-02", DAYS[2], "2024-01-04"]

    panel = read_panel(book([["day", "units"], *([day, 1] for day in days)]))

    assert panel.frequency.name == "D"
    assert panel.lengths.tolist() == [4]


def test_hours_are_exact(book):
    hours = [[DAYS[0] + timedelta(hours=n), n] for n in range(100)]

    assert read_panel(book([["hour", "y"], *hours])).frequency.name == "h"


def test_names_of_wide_tables_may_be_numbers(book):
    panel = read_panel(book([["day", 101, 102.0], *([day, 1, 2] for day in DAYS)]))

    assert panel.ids.tolist() == ["101", "102"]


def test_row_numbers_without_a_name_are_left_aside(book):
    rows = [["", *HEADER], *([n, *row] for n, row in enumerate(ROWS))]

    assert read_panel(book(rows)).schema.id == "store"


def test_the_values_of_formulas_are_read(book, edited):
    path = book([["day", "units"], *([day, "=1+1"] for day in DAYS)])
    computed = edited(path, SHEET, lambda part: part.replace(b"<v />", b"<v>2</v>"))
    assert b"<v>2</v>" in zipfile.ZipFile(computed).read(SHEET)

    assert read_panel(computed).target[:, 0].tolist() == [2.0] * 4


def test_a_formula_may_give_an_empty_text(book, edited):
    path = book([["day", "units"], [DAYS[0], 1], [DAYS[1], "=B1"], [DAYS[2], 3]])
    empty = edited(path, SHEET, lambda part: part.replace(b'r="B3"', b'r="B3" t="str"'))

    np.testing.assert_array_equal(read_panel(empty).target[:, 0], [1, np.nan, 3])


# What cannot be read


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "sales.xlsx: empty; it needs a header line and rows"),
        ([[" "]], "sales.xlsx: empty; it needs a header line and rows"),
        ([HEADER], "sales.xlsx: a header and no rows; it needs some"),
        (
            [["Sales"], [], HEADER, *ROWS],
            "sales.xlsx, line 1: it names 1 of 3 columns; name each, and remove what stands above "
            "the header",
        ),
        (
            ROWS,
            "sales.xlsx, line 1: '007, 2024-01-01, 0', where a header should name the columns",
        ),
        (
            [HEADER, ROWS[0], ["007", DAYS[1], "=C2+1"]],
            "sales.xlsx, line 3, column 'units': a formula without a value; open and save the "
            "workbook in a spreadsheet program",
        ),
        (
            [HEADER, ["=A1", "=B1", "=C1"]],
            "sales.xlsx, line 2, column 'store': a formula without a value; open and save the "
            "workbook in a spreadsheet program",
        ),
        (
            [HEADER, ["007", DAYS[0], "#DIV/0!"], *ROWS[1:]],
            "sales.xlsx, line 2, column 'units': found '#DIV/0!', where a number should be",
        ),
        (
            [HEADER, *ROWS, ["Total", None, 9]],
            "sales.xlsx, line 6, column 'day': no time; every row needs one",
        ),
        (
            [["time", "y"], [time(0), 1], [time(1), 2]],
            "sales.xlsx, line 2, column 'time': found '00:00:00', where a time should be",
        ),
        ([["day", "day"], [1, 2]], "sales.xlsx: two columns are called 'day'; rename one"),
    ],
)
def test_what_cannot_be_read_says_why(book, rows, message):
    assert error_of(book(rows)) == message


def test_an_empty_first_sheet_is_named(book):
    message = "sales.xlsx: empty; sheet 'Data', the first of 2 needs a header line and rows"
    assert error_of(book([], others=["Real"])) == message


def test_merged_cells_are_missing_but_for_the_first(book):
    path = book([HEADER, *ROWS, *(["008", *row[1:]] for row in ROWS)], merged="A2:A5")

    assert error_of(path) == "sales.xlsx, line 3, column 'store': no id; every row needs one"


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_a_cut_off_workbook_is_damaged(book, tmp_path, share):
    content = Path(book([HEADER, *ROWS])).read_bytes()
    (tmp_path / "sales.xlsx").write_bytes(content[: int(len(content) * share)])

    message = error_of(str(tmp_path / "sales.xlsx"))
    assert message.startswith("sales.xlsx: damaged or cut-off Excel workbook or zip file (")


@pytest.mark.parametrize(
    ("part", "change"),
    [
        (SHEET, lambda part: part[:300]),
        (SHEET, b""),
        (SHEET, None),
        (SHEET, lambda part: part.replace(b"<v>", b"<v>q")),
        (SHEET, lambda part: part.replace(b'<row r="2"', b'<row r="99999999999"')),
        ("xl/workbook.xml", b"<a/>"),
    ],
)
def test_a_workbook_whose_parts_are_damaged_says_so(book, edited, part, change):
    message = error_of(edited(book([HEADER, *ROWS]), part, change))

    assert message.startswith("sales.xlsx: damaged Excel workbook (")
    assert message.endswith("in a spreadsheet program, or save the table as CSV")


def test_a_workbook_that_needs_a_later_zip_is_damaged(book):
    path = Path(book([HEADER, *ROWS]))
    content = path.read_bytes()
    at = content.index(b"PK\x01\x02") + 6  # the version of zip that it takes to read a member
    path.write_bytes(content[:at] + b"\x7b" + content[at + 1 :])

    assert error_of(str(path)) == (
        "sales.xlsx: damaged or cut-off Excel workbook or zip file (zip file version 12.3); copy "
        "it again"
    )


def test_damage_in_another_sheet_is_found_where_its_formulas_are_looked_at(book, edited):
    notes = b"<row><c><v>1</v></c></row>" * 20_000 + b"</sheetData>"
    whole = book([HEADER, *ROWS, [*ROWS[0][:-1], None]], others=["Notes"])
    change = ("xl/worksheets/sheet2.xml", lambda part: part.replace(b"</sheetData>", notes))
    path = Path(edited(whole, *change))
    content = path.read_bytes()
    at = content.rindex(b"<row>")

    path.write_bytes(content[:at] + b"X" + content[at + 1 :])

    assert error_of(str(path)).startswith(
        "sales.xlsx: damaged or cut-off Excel workbook or zip file (Bad CRC-32 for file"
    )


def test_an_error_of_several_lines_is_shown_in_one(edited, book):
    undated = edited(
        book([HEADER, *ROWS]), "docProps/core.xml", lambda part: part.replace(b"-", b"x")
    )

    message = error_of(undated)

    assert message.startswith("sales.xlsx: damaged Excel workbook (ValueError: Unable to read")
    assert message.endswith("in a spreadsheet program, or save the table as CSV")
    assert "\n" not in message


def test_another_zip_is_not_a_workbook(edited, book):
    path = edited(book([HEADER, *ROWS]), "xl/workbook.xml", None)

    message = "sales.xlsx: a zip file, not an Excel workbook; give the table inside it"
    assert error_of(path) == message


def test_an_old_workbook_has_to_be_saved_as_xlsx(tmp_path):
    (tmp_path / "sales.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))

    assert error_of(str(tmp_path / "sales.xls")) == (
        "sales.xlsx: an Excel workbook of the old kind (.xls) or with a password; save it as .xlsx "
        "without one, or as CSV"
    )


@pytest.fixture
def no_openpyxl(monkeypatch):
    real = builtins.__import__

    def refuse(name, *args, **options):
        if name.partition(".")[0] == "openpyxl":
            raise ImportError(name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)


def test_without_openpyxl_it_is_said_how_to_install_it(book, tmp_path, request):
    path = book([HEADER, *ROWS])
    request.getfixturevalue("no_openpyxl")

    assert error_of(path) == (
        "sales.xlsx: an Excel workbook needs openpyxl: pip install 'forecast-rollout[excel]', or "
        "save the table as CSV"
    )
    with pytest.raises(DataError, match=r"needs openpyxl: pip install .*, or write \.csv"):
        write_table(pd.DataFrame({"y": [1]}), str(tmp_path / "out.xlsx"))


# Writing


def test_a_table_written_as_a_workbook_reads_the_same(tmp_path):
    frame = pd.DataFrame(ROWS, columns=HEADER).assign(count=[1, 2, 3, 4])

    write_table(frame, str(tmp_path / "out.xlsx"))

    back = read_table(str(tmp_path / "out.xlsx")).frame
    pd.testing.assert_frame_equal(back.reset_index(drop=True), frame)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pd.date_range("2024", periods=2, tz="UTC"), "Excel has no time zones, but 'x' has one"),
        (["a", "=A1"], "Excel would change or refuse text of 'x'"),
        (["a", "\x01"], "Excel would change or refuse text of 'x'"),
        (["a", "b" * 32_768], "Excel would change or refuse text of 'x'"),
        (np.zeros(1_048_576), "1,048,576 rows, but a sheet holds 1,048,576"),
    ],
)
def test_what_excel_cannot_hold_is_refused(tmp_path, column, message):
    path = tmp_path / "out.xlsx"
    path.write_bytes(b"old")

    with pytest.raises(DataError) as error:
        write_table(pd.DataFrame({"x": column}), str(path))

    assert str(error.value) == f"{path}: {message}; write .csv"
    assert path.read_bytes() == b"old"


def test_a_workbook_may_come_from_standard_input(book, monkeypatch):
    content = Path(book([HEADER, *ROWS])).read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))

    assert len(read_table("-").frame) == 4


def test_text_with_two_readings_among_numbers_is_refused(book):
    rows = [[day, 2.5] for day in DAYS]

    path = book([["day", "units"], *rows[:-1], [DAYS[-1], "1.154"]])
    with pytest.raises(DataError, match=f"line {len(DAYS) + 1}, column 'units': the text '1.154'"):
        read_panel(path)
    clear = read_panel(book([["day", "units"], *rows[:-1], [DAYS[-1], "7.25"]]))
    assert clear.target[:, 0].tolist() == [*[2.5] * (len(DAYS) - 1), 7.25]
