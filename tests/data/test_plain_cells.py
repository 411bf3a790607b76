"""Cells of CSV files without PyArrow: the same tables as with it."""

import io
import sys
from itertools import chain
from random import Random

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.data.io import arrow_cells, csv_table, plain_cells
from forecast.data.io.csv_dialect import Dialect, UnlikeRowsError
from forecast.data.io.tables import read_table, write_table
from forecast.datasets import load, names
from forecast.errors import DataError
from fuzz import reading, writing

NUMBERS = "7 -7 +7 007 0x1F 9223372036854775808 1. .5 1e5 1e 1E+5 1_000 1e400 inf -INF nan NAN"
NUMBERS += " infinity +inf - . 1,5 -1,25 1.5 ٣ 0 1"
DATES = "2024-01-05 2024-02-30 2024-1-5 0000-01-01 9999-12-31 20240105 1500-01-05"
CLOCKS = "12:30 12:30:10 24:00 23:59:60 2:30 12:30:10.5"
MOMENTS = (
    "2024-01-05 10|2024-01-05 10:00|2024-01-05T10:00:00|2024-01-05 10:00:00.5|1500-01-05 10:00:00.5"
    "|2024-01-05 10:00:00.123456789|2024-01-05 10:00:00.1234567890|2024-01-05 1000|2024-01-05 24:00"
    "|2024-01-05t10:00|2024-01-05 10:00:60|2024-01-05 10:00:00."
)
ZONED = (
    "2024-01-05T10:00Z|2024-01-05T10:00+02:00|2024-01-05T10:00:00-0330|2024-01-05T10:00:00.25+02"
    "|2024-01-05T10:00:00 Z|2024-01-05T10Z|2024-01-05T10:00+2:00"
)
WORDS = '|true|false|TRUE|False|tRue|yes|NA|null|NULL|None|n/a|#N/A| |  |a|a b | a|x"y|é|-nan'
KINDS = [
    *(tokens.split(" ") for tokens in (NUMBERS, DATES, CLOCKS)),
    *(tokens.split("|") for tokens in (MOMENTS, ZONED, WORDS)),
]
PADDED = [("", ""), ("", ""), ("", ""), (" ", ""), ("", "\t")]


@st.composite
def columns(draw):
    """Cells of one kind, a few of another one perhaps, some of them missing."""
    usual = draw(st.lists(st.sampled_from(draw(st.sampled_from(KINDS))), min_size=1, max_size=2))
    odd = draw(st.sampled_from(["", "", "NA", *chain(*KINDS)]))
    pads = draw(st.sampled_from(PADDED))
    cells = draw(st.lists(st.sampled_from([*usual, *usual, "", odd]), min_size=1, max_size=5))
    return [pads[0] + cell + pads[1] for cell in cells]


def both(data, **options):
    """What the two modules make of a file, each as a table, or the name of what they raise."""
    dialect = {"delimiter": ";", "header": ["a", "b"], "first_line": 1, "multiline": False}
    dialect |= {"decimal": ".", "text_columns": [], "has_decimals": [], **options}
    return [outcome(module, data, Dialect(**dialect)) for module in (arrow_cells, plain_cells)]


def outcome(module, data, dialect):
    try:
        table = module.parse(io.BytesIO(data), dialect, "utf-8", False)
    except (UnlikeRowsError, UnicodeDecodeError) as error:
        return type(error).__name__
    table = module.without_padding(table)
    blank = module.blank_rows(table)
    rows = None if not blank.any() else (~blank).nonzero()[0]
    kinds = ["time" if kind == "clock" else kind for kind in module.kinds(table)]
    return kinds, blank.tolist(), module.to_pandas(table, rows)


def assert_alike(first, second):
    if isinstance(first, str):
        assert first == second
        return
    assert first[:2] == second[:2]
    frames = [found[2].set_axis([0, 1], axis=1) for found in (first, second)]
    pd.testing.assert_frame_equal(*frames, check_exact=True)


@settings(max_examples=400, deadline=None)
@given(columns(), columns(), st.sampled_from(".,"))
def test_columns_have_the_same_types_and_values(one, other, decimal):
    size = max(len(one), len(other))
    one, other = (cells + [""] * (size - len(cells)) for cells in (one, other))
    data = "\n".join(f"{a};{b}" for a, b in zip(one, other, strict=True)).encode() + b"\n"

    assert_alike(*both(data, decimal=decimal))


@pytest.mark.parametrize(
    "data",
    [
        b'1;"x\n2;3\n',
        b'1;"x""y"z\n',
        b'1;x"y"\n',
        b"1;2\r\r3;4",
        b"1;2\r\n\r\n3;4\r\n\r\n",
        b"\n\n1;2\n",
        b"1;2\n \n",
        b"1;2;3\n",
        b"1;2\n3\n",
        b"1;\xff\n",
        b"",
    ],
)
def test_quotes_line_ends_and_blank_lines_are_the_same(data):
    assert_alike(*both(b"\xff\n" + data, first_line=2))


def test_times_that_nanoseconds_cannot_count_are_text():
    found = both(b"0000-01-01;x\n2024-01-05 10:00:00.123456789;y\n")

    assert_alike(*found)
    assert found[1][0] == ["text", "text"]


@pytest.mark.parametrize("cell", ["9" * 5000, "-" + "9" * 5000, "-" + "0" * 5000 + "1"])
def test_numbers_of_thousands_of_digits_are_read_alike(cell):
    assert_alike(*both(f"{cell};1\n5;0x1F\n".encode()))


def test_columns_of_text_keep_what_is_written():
    found = both(b"007;NA\n1.0;\n", text_columns=[0, 1])

    assert_alike(*found)
    assert found[1][2].to_numpy().tolist() == [["007", "NA"], ["1.0", ""]]


def read_both(path, monkeypatch):
    """The table of a file with PyArrow and without, or the error."""
    tables = []
    for module in (arrow_cells, plain_cells):
        monkeypatch.setattr(csv_table, "cells_module", lambda module=module: module)
        try:
            tables.append(read_table(str(path)))
        except DataError as error:
            tables.append(str(error))
    return tables


def assert_same_table(first, second):
    if isinstance(first, str):
        assert first == second
        return
    pd.testing.assert_frame_equal(first.frame, second.frame, check_exact=True)
    assert first.origin == second.origin
    assert first.frame.attrs == second.frame.attrs


@pytest.mark.parametrize("number", range(300))
def test_tables_in_any_style_are_read_alike(number, tmp_path, monkeypatch):
    table = reading.draw(Random(number))
    path = tmp_path / "table"
    path.write_bytes(writing.to_bytes(writing.lay_out(*table), table.style))

    assert_same_table(*read_both(path, monkeypatch))


@pytest.mark.parametrize("name", [name for name in names() if name != "traffic"])
def test_the_shipped_tables_are_read_alike(name, tmp_path, monkeypatch):
    path = tmp_path / "table.csv"
    load(name).to_csv(path, index=False)

    assert_same_table(*read_both(path, monkeypatch))


def test_what_needs_pyarrow_says_so(tmp_path, monkeypatch):
    frame = pd.DataFrame({"day": ["2024-01-01"], "sold": [1.0]})
    frame.to_parquet(tmp_path / "table.parquet")
    monkeypatch.setattr("forecast.data.io.parquet.is_pyarrow_installed", lambda: False)

    with pytest.raises(DataError, match="needs PyArrow: pip install 'forecast-rollout"):
        read_table(str(tmp_path / "table.parquet"))
    with pytest.raises(DataError, match="or write"):
        write_table(frame, str(tmp_path / "other.parquet"))


def test_the_standard_library_is_used_where_pyarrow_is_missing(monkeypatch):
    assert csv_table.cells_module() is arrow_cells
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert csv_table.cells_module() is plain_cells
