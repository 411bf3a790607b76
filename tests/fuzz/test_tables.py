"""The fuzzer of tables: what it writes is what it means, what it finds is a fault; a short run."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.errors import DataError
from fuzz import numbers, reading, simplify, style, times, writing
from fuzz.content import Content, Series
from fuzz.numbers import NumberStyle
from fuzz.reading import Table
from fuzz.style import Style

GERMAN = NumberStyle(decimal=",", group=".")
US = NumberStyle(group=",")
# What is written


@pytest.mark.parametrize(
    ("value", "style", "text"),
    [
        ("1234.50", NumberStyle(), "1234.50"),
        ("1234567", US, "1,234,567"),
        ("-1234.5", GERMAN, "-1.234,5"),
        ("0.25", GERMAN, "0,25"),
        ("-7", NumberStyle(negative="()"), "(7)"),
        ("-7", NumberStyle(negative="behind"), "7-"),
        ("-7", NumberStyle(negative="\u2212", before="$"), "$\u22127"),
        ("7", NumberStyle(plus=True, after=" kWh"), "+7 kWh"),
        ("0", NumberStyle(plus=True), "0"),
        ("0.0000001", NumberStyle(), "0.0000001"),
    ],
)
def test_numbers_are_written_in_the_style(value, style, text):
    assert numbers.write(Decimal(value), style) == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("iso", "2024-02-07"),
        ("iso T", "2024-02-07T15:30:00"),
        ("iso of Berlin", "2024-02-07T16:30:00+01:00"),
        ("iso +05:30", "2024-02-07T21:00:00+05:30"),
        ("iso 12 hours", "2024-02-07 3:30 PM"),
        ("dd.mm.yyyy", "07.02.2024"),
        ("m/d/yy h:mm", "2/7/24 15:30"),
        ("mon d, yyyy", "Feb 7, 2024"),
        ("mon-yy", "Feb-24"),
        ("Qq/yyyy", "Q1/2024"),
        ("yyyy-Www-d", "2024-W06-3"),
        ("yyyymmddhh", "2024020715"),
        ("yyyyddd", "2024038"),
        ("yyyy0q", "202401"),
        ("excel", "45329"),
        ("ms", "1707319800000"),
    ],
)
def test_times_are_written_in_the_style(name, text):
    assert times.STYLES[name].write(datetime(2024, 2, 7, 15, 30)) == text


@pytest.mark.parametrize("name", times.STYLES)
def test_a_style_writes_different_times_differently(name):
    for frequency in times.STYLES[name].frequencies:
        start = datetime(2024, 1, 1) if frequency != "1" else times.EPOCH
        written = [times.STYLES[name].write(times.step(start, frequency, k)) for k in range(24)]
        assert len(set(written)) == 24


@pytest.mark.parametrize(
    ("frequency", "start", "ends"),
    [
        ("15min", datetime(2024, 2, 28, 23, 50), datetime(2024, 2, 29, 0, 20)),
        ("D", datetime(2024, 2, 28), datetime(2024, 3, 1)),
        ("B", datetime(2024, 3, 1), datetime(2024, 3, 5)),
        ("ME", datetime(2023, 12, 31), datetime(2024, 2, 29)),
        ("QS", datetime(2023, 10, 1), datetime(2024, 4, 1)),
        ("YS", datetime(2023, 1, 1), datetime(2025, 1, 1)),
    ],
)
def test_steps_follow_the_calendar(frequency, start, ends):
    assert times.step(start, frequency, 2) == ends


def content_of(*values, frequency="D", has_id=False):
    series = Series("north", 0, tuple(None if v is None else Decimal(v) for v in values))
    return Content(frequency, datetime(2024, 1, 1), (series,), has_id)


def test_a_table_is_written_cell_by_cell():
    table = Table(
        content_of("1200", None, "-3.5", has_id=True),
        Style(
            date="dd.mm.yyyy",
            numbers=NumberStyle(decimal=",", group="."),
            delimiter=";",
            quoting="all",
            names="German",
            comments=1,
            missing="NA",
            last_delimiter=True,
            newline="\r\n",
            encoding="utf-8-sig",
        ),
    )

    assert reading.data_of(table).decode() == (
        "\ufeff# exported 2024-05-01\r\n"
        '"Filiale";"Datum";"Umsatz";\r\n'
        '"north";"01.01.2024";"1.200";\r\n'
        '"north";"02.01.2024";"NA";\r\n'
        '"north";"03.01.2024";"-3,5";\r\n'
    )


# What can be known


@pytest.mark.parametrize(
    ("bodies", "values"),
    [
        (["1,153", "977"], [["1153", "977"], ["1.153", "977"]]),
        (["1,153", "0,977"], [["1.153", "0.977"]]),
        (["1,153.5"], [["1153.5"]]),
        (["1.153,5"], [["1153.5"]]),
        (["1,153,000"], [["1153000"]]),
        (["12.34", "1.153"], [["12.34", "1.153"]]),
        (["1 153", "2"], [["1153", "2"]]),
        (["12,34,567"], []),
        (["1'153,5"], [["1153.5"]]),
    ],
)
def test_all_readings_of_a_column_are_known(bodies, values):
    expected = [tuple(map(Decimal, one)) for one in values]

    assert numbers.readings(bodies) == expected


@pytest.mark.parametrize(
    ("bodies", "meant", "delimiter", "accepted"),
    [
        (["1,153", "977"], ["1.153", "977"], ",", [["1153", "977"]]),  # the writing groups
        (["1,153", "977"], ["1153", "977"], ",", []),
        (["1.153", "2.001"], ["1153", "2001"], ";", [["1.153", "2.001"]]),  # a point is usual
        (["1.153", "2.001"], ["1.153", "2.001"], ";", []),
        (["1,153", "2,001"], ["1153", "2001"], ";", [["1.153", "2.001"]]),  # a usual comma
        (["1,153", "2,001"], ["1153", "2001"], "\t", []),
    ],
)
def test_another_reading_is_accepted_only_where_the_writing_favours_it(
    bodies, meant, delimiter, accepted
):
    found = numbers.choice(bodies, tuple(map(Decimal, meant)), delimiter)

    assert found == (True, [tuple(map(Decimal, one)) for one in accepted])


def test_a_column_with_one_reading_leaves_nothing_open():
    assert numbers.choice(["1,153.5"], (Decimal("1153.5"),), ",") == (False, [])


def test_only_what_is_not_plain_may_be_refused():
    content = content_of("1", "2", "3", "4", "5")

    assert style.may_be_refused(content, Style(date="iso")) == []
    assert style.may_be_refused(content, Style(date="iso", title=True)) == [
        "a title above the header"
    ]
    assert style.may_be_refused(content, Style(date="dd/mm/yyyy")) == [
        "day and month can be exchanged"
    ]
    later = replace(content, start=datetime(2024, 1, 10))
    assert style.may_be_refused(later, Style(date="dd/mm/yyyy")) == []


# What is found


PLAIN = Table(content_of("1", "2", None, "4.5", "5"), Style(date="iso"))


def test_a_plain_table_is_read_right():
    assert reading.check(PLAIN) == ("right", "")


def change(panel, **fields):
    return lambda *_, **__: replace(panel, **fields)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"target": np.array([[1], [2], [np.nan], [4.5], [6]])}, "wrong values"),
        ({"target": np.array([[1], [2], [3], [4.5], [5]])}, "wrong values"),
        ({"target": np.array([[1], [2], [np.nan], [np.nextafter(4.5, 5)], [5]])}, "wrong values"),
        ({"start": np.array([0])}, "wrong times"),
        ({"ids": np.array(["a", "b"]), "indptr": np.array([0, 2, 5])}, "wrong ids"),
    ],
)
def test_a_wrong_panel_is_a_fault(monkeypatch, fields, kind):
    frame = pd.DataFrame(
        {"ds": pd.date_range("2024-01-01", periods=5), "y": [1, 2, np.nan, 4.5, 5]}
    )
    right = reading.to_panel(frame)
    monkeypatch.setattr(reading, "to_panel", lambda *_, **__: right)
    assert reading.check(PLAIN).kind == "right"

    monkeypatch.setattr(reading, "to_panel", change(right, **fields))

    found = reading.check(PLAIN)
    assert found.kind == kind
    assert found.is_fault


def raising(error):
    def read(*_, **__):
        raise error

    return read


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (DataError("line 2: not a number"), "refused"),
        (DataError("two\nlines"), "error"),
        (DataError(""), "error"),
        (KeyError("ds"), "error"),
        (UserWarning("could not infer the format"), "error"),
    ],
)
def test_an_error_is_a_fault_unless_there_is_a_reason_for_it(monkeypatch, error, kind):
    monkeypatch.setattr(reading, "read_table", raising(error))

    assert reading.check(PLAIN).kind == kind
    titled = reading.check(PLAIN._replace(style=replace(PLAIN.style, title=True)))
    assert titled.kind == (kind if kind == "error" else "may be refused")


def test_a_table_with_a_fault_is_made_plain(monkeypatch):
    def read(_, __, style):
        raise KeyError("pipes") if style.delimiter == "|" else DataError("all others")

    monkeypatch.setattr(reading, "_read", read)
    wild = Style(date="iso minutes", delimiter="|", quoting="all", missing="NA", rows="reversed")
    table = Table(content_of(*map(str, range(40)), has_id=True), wild)

    found, outcome = simplify.simplest(table, reading.check(table))

    assert outcome.kind == "error"
    assert simplify.features(found) == ["delimiter '|'"]
    assert len(found.content.series[0].values) == 5


# A short run


@pytest.mark.slow
@given(number=st.integers(0, 10**9))
@settings(deadline=None, max_examples=300, derandomize=True, database=None)
def test_tables_are_read_as_they_are_meant_or_refused_for_a_reason(number):
    outcome = reading.check(reading.draw(Random(number)))

    assert not outcome.is_fault, (outcome, f"python -m fuzz replay tables {number}")


def test_writing_leaves_out_what_a_file_cannot_carry():
    content = content_of("1200", "2", "3", "4", "5")
    commas = Style(date="iso", numbers=US, quoting="none")

    assert not reading.can_be_written(Table(content, commas))
    assert reading.can_be_written(Table(content, replace(commas, quoting="minimal")))
    assert not style.fits(content, Style(date="iso", numbers=NumberStyle(group=".")))
    assert writing.lay_out(content, commas).header == ("ds", "y")
