"""Cells and columns of numbers in the styles of many programs and countries."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.data.number_columns import NumberReader
from forecast.data.number_style import (
    decimal_by_bare_numbers,
    decimal_of,
    looks_like_numbers,
    read_cell,
)
from forecast.data.origin import IN_MEMORY, Place, TableOrigin
from forecast.errors import DataError

THIN, NARROW = "\u2009", "\u202f"
GROUPINGS = {".": (",", " ", "'", "\u00a0", NARROW, "\u2019"), ",": (".", " ", "'", "\u00a0")}


def reader(delimiter="", **columns):
    """A reader of columns given by their cells, in a file if there is a delimiter."""
    remembered, decimal = columns.pop("remembered", None), columns.pop("decimal", None)
    origin = TableOrigin("t.csv", 2, (), delimiter) if delimiter else IN_MEMORY
    frame = pd.DataFrame(columns)
    return NumberReader(frame, Place(origin, frame.index), decimal, remembered)


def read(*cells, **surroundings):
    """The numbers of a column `x`."""
    return reader(x=[*cells], **surroundings).read("x").tolist()


def error_of(*cells, **surroundings):
    with pytest.raises(DataError) as error:
        read(*cells, **surroundings)
    return str(error.value)


# Cells


@pytest.mark.parametrize(
    ("text", "point", "comma"),
    [
        ("1,153", 1153, 1.153),
        ("1.153", 1.153, 1153),
        ("977", 977, 977),
        ("12.51", 12.51, None),
        ("12,51", None, 12.51),
        ("0,123", None, 0.123),  # nobody groups with a leading zero
        ("1.202,51", None, 1202.51),
        ("3,996.95", 3996.95, None),
        ("1,234,567", 1234567, None),
        ("1.234.567", None, 1234567),
        ("12,34,567.8", 1234567.8, None),  # as in India
        (f"1{NARROW}234,5", None, 1234.5),
        (f"1{THIN}234.5", 1234.5, None),
        ("1 234", 1234, 1234),
        ("1\u2019234.50", 1234.5, None),
        ("1_000", 1000, 1000),
        ("1.5e-3", 0.0015, None),
        ("1,5E+3", None, 1500),
        ("1.153e3", 1153, None),  # with an exponent nothing is grouped
        (".5", 0.5, None),
        ("5.", 5, None),
        ("+7", 7, 7),
        ("\u22123", -3, -3),
        ("5-", -5, -5),
        ("(5)", -5, -5),
        ("$1,234.50", 1234.5, None),
        ("-$5", -5, -5),
        ("1.000,00 \u20ac", None, 1000),
        ("R$ 2,5", None, 2.5),
        ("CHF 1'000.00", 1000, None),
        ("12 %", 12, 12),
        ("1,5 kWh", None, 1.5),
        ("-3\u00b0C", -3, -3),
    ],
)
def test_a_cell_has_a_value_under_each_decimal_sign(text, point, comma):
    cell = read_cell(text)

    assert (cell.point, cell.comma) == (point, comma)


@pytest.mark.parametrize(
    "text",
    [
        *("", "-", "x", "e5", ",", "+", "1/2", "12:30", "2024-01-31", "31.12.2024", "12 apples"),
        *("1,2,3", "1.2.3", "1,23,45", "1 23", "10 000 0", "(5", "--5", "-(5)", "$5%"),
    ],
)
def test_other_text_is_no_number(text):
    assert not read_cell(text).is_number


@given(
    whole=st.integers(0, 10**12),
    part=st.text("0123456789", max_size=6),
    decimal=st.sampled_from(".,"),
    negative=st.sampled_from(["-{}", "({})", "{}-", "\u2212{}", ""]),
    data=st.data(),
)
def test_a_written_number_is_among_the_readings(whole, part, decimal, negative, data):
    grouping = data.draw(st.sampled_from(GROUPINGS[decimal]))
    text = f"{whole:,}".replace(",", grouping) + (f"{decimal}{part}" if part else "")
    number = float(f"{whole}.{part or 0}") * (-1 if negative else 1)

    cell = read_cell(negative.format(text) if negative else text)

    assert cell.under(decimal) == number


def test_the_decimal_sign_follows_from_cells_that_have_one_reading():
    cells = [read_cell(text) for text in ("2,092", "977", "12.51")]

    assert decimal_of(cells) == "."
    assert decimal_of(cells[:2]) is None
    assert decimal_of([*cells, read_cell("3,5")]) is None


def test_numbers_without_a_sign_tell_grouping_from_decimals():
    def suggested(*texts):
        return decimal_by_bare_numbers([read_cell(text) for text in texts])

    assert suggested("977", "1,153", "1,222") == "."
    assert suggested("977", "1.153", "1.222") == ","
    assert suggested("5", "1,200", "80", "3,400") == "."
    assert suggested("2", "1,153", "3,482") is None  # 1.153 to 3.482 would be of like sizes
    assert suggested("1,153", "1,222") is None
    assert suggested("0", "1,153") is None
    assert suggested("12345", "11.153", "12.222") is None  # not grouped, but for the sizes
    assert suggested("12345", "950.125") == "."


def test_text_looks_like_numbers_where_most_cells_are():
    assert looks_like_numbers(["$1", "(2)", "none"])
    assert not looks_like_numbers(["2024-01-31", "1"])
    assert not looks_like_numbers([])


# Columns


def test_a_column_is_read_by_the_evidence_of_all_its_cells():
    assert read("977", "1,153", "2,000") == [977, 1153, 2000]
    assert read("977", "1.153", "2.000", delimiter=";") == [977, 1153, 2000]
    assert read("1.153", "2.5") == [1.153, 2.5]
    assert read("1.153", "2,5") == [1153, 2.5]
    assert read("1,153", "2.5", None)[:2] == [1153, 2.5]
    assert np.isnan(read("1,153", "2.5", None, "n/a")[2:]).all()


def test_the_other_columns_decide_where_a_column_does_not():
    both = {"x": ["2,092", "3,101"], "price": ["12.51", "9.99"]}
    german = {"x": ["2.092", "3.101"], "price": ["12,51", "9,99"]}
    parsed = {"x": ["2,092", "3,101"], "price": [12.51, 9.99]}

    assert reader(**both).read("x").tolist() == [2092, 3101]
    assert reader(";", **german).read("x").tolist() == [2092, 3101]
    assert reader(**parsed).read("x").tolist() == [2092, 3101]


def test_ids_say_nothing_of_decimal_signs():
    columns = {"x": ["30,238", "31,999"], "release_id": ["1.10", "1.2"]}

    with pytest.raises(DataError, match="nothing in the table settles which"):
        reader(";", **columns).read("x")


def test_the_delimiter_and_dates_decide_where_no_column_does():
    dates = ["01.12.2024", "02.12.2024"]

    assert read("1,153", "2,222", delimiter=",") == [1153, 2222]
    assert read("1.153", "2.222", delimiter=",") == [1.153, 2.222]
    assert read("1.153", "2.222", delimiter="\t") == [1.153, 2.222]
    assert reader(";", x=["1,153", "2,222"], day=dates).read("x").tolist() == [1.153, 2.222]


@pytest.mark.parametrize(("delimiter", "sign"), [(";", "."), (";", ","), ("\t", ","), ("", ",")])
def test_where_nothing_decides_both_readings_are_shown_and_either_can_be_chosen(delimiter, sign):
    cells = [f"1{sign}153", f"2{sign}222"]
    other = "," if sign == "." else "."

    assert error_of(*cells, delimiter=delimiter) == (
        f"{'t.csv, line 2' if delimiter else 'the table, row 0'}, column 'x': found '1{sign}153', "
        "which may be 1.153 or 1153, and nothing in the table settles which; say --decimal . or "
        "--decimal , (decimal= in Python)"
    )
    assert read(*cells, delimiter=delimiter, decimal=sign) == [1.153, 2.222]
    assert read(*cells, delimiter=delimiter, decimal=other) == [1153, 2222]


def test_what_an_earlier_table_had_decides_first():
    assert read("1.180", delimiter=";", remembered={"x": ","}) == [1180]
    assert read("1.180", delimiter=",", remembered={"x": "."}) == [1.18]
    assert read("977", "1.153", remembered={"x": "."}) == [977, 1.153]
    assert read("12.5", remembered={"x": ","}) == [12.5]  # which has one reading alone


def test_another_decimal_sign_than_the_remembered_one_is_reported():
    numbers = reader(x=["12.5", "7.25"], y=["1,5", "2"], remembered={"x": ",", "y": ","})
    numbers.read("x"), numbers.read("y")

    assert numbers.notes == ("numbers of 'x': another decimal sign than in training",)


def test_the_decimal_sign_of_each_column_is_kept():
    numbers = reader(a=["1.202,5"], b=["3"], c=["1,5"], d=["2.5"])
    for name in "abcd":
        numbers.read(name)

    assert numbers.decimals == {"a": ",", "c": ",", "d": "."}


def test_a_reading_that_was_decided_is_reported_once_for_all_columns_like_it():
    numbers = reader(a=["977", "1,153"], b=["5", "9"], c=["812", "2,000"], d=["$805", "$1,200"])
    for name in "abcd":
        numbers.read(name)

    assert numbers.notes == (
        "numbers of 'a', 'c': 1,153 was read as 1153",
        "numbers of 'd': $1,200 was read as 1200",
    )


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (
            ["5", "12,5", "12.5", "7,5"],
            "found '12.5', beside 12,5; write all with one decimal sign",
        ),
        (
            ["$5", "\u20ac7"],
            "found '\u20ac7', where other numbers have the sign '$'; write all in one unit",
        ),
        (["5%", "0.5"], "'0.5', where other numbers have the sign '%'; write all in one unit"),
        (["900", "5 kg"], "'900', where other numbers have the sign 'kg'; write all in one unit"),
        (["5", "five"], "found 'five', where a number should be"),
        (["5", "-inf"], "-inf is infinite; leave unknown values empty"),
    ],
)
def test_a_cell_that_does_not_fit_the_others_is_named(cells, message):
    assert error_of(*cells).endswith(message)


def test_a_slip_does_not_turn_thousands_into_fractions():
    cells = [*(f"1.{k:03}" for k in range(100, 160)), "977", "968", "12.5"]

    assert error_of(*cells, delimiter=";") == (
        "t.csv, line 64, column 'x': found '12.5', where the other numbers have no decimal point; "
        "correct it, or say --decimal . (decimal= in Python)"
    )
    assert read(*cells, delimiter=";", decimal=".")[:1] == [1.1]


def test_a_given_sign_that_a_number_does_not_have_is_refused():
    assert error_of("1.5", "2", decimal=",").endswith(
        "found '1.5', which has no decimal comma, as --decimal says"
    )


@given(
    values=st.lists(st.integers(-(10**7), 10**7), min_size=8, max_size=20),
    digits=st.integers(0, 4),
    decimal=st.sampled_from(".,"),
    data=st.data(),
)
def test_a_column_in_one_style_is_read_as_it_was_meant(values, digits, decimal, data):
    grouping = data.draw(st.sampled_from(["", *GROUPINGS[decimal]]))
    delimiter = data.draw(st.sampled_from([",", ";", "\t", "|"]))
    numbers = [value / 10**digits for value in values]
    texts = [
        f"{number:,.{digits}f}".replace(",", "g").replace(".", decimal).replace("g", grouping)
        for number in numbers
    ]

    is_clear = any(read_cell(text).sure_decimal for text in texts)

    if is_clear or not any(read_cell(text).is_ambiguous for text in texts):
        assert read(*texts, delimiter=delimiter) == numbers
    assert read(*texts, delimiter=delimiter, decimal=decimal) == numbers
