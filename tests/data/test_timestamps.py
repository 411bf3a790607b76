import random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.data.origin import IN_MEMORY, Place
from forecast.data.text_times import candidates, first_of_hundred
from forecast.data.time_formats import Codec, check_format
from forecast.data.timestamps import (
    has_zone,
    is_calendar_code,
    looks_like_times,
    read_times,
    write_times,
    zoned,
)
from forecast.errors import DataError, OptionError

STRFTIME = {  # as Python writes them: an alias of pandas for each
    **{"%d/%m/%Y": "D", "%m/%d/%Y": "D", "%d.%m.%Y": "D", "%d-%m-%Y": "D", "%Y/%m/%d": "D"},
    **{"%d/%m/%y": "D", "%m/%d/%y": "D", "%d.%m.%y": "D", "%Y-%m-%d": "D", "%y-%m-%d": "D"},
    **{"%d/%m/%Y %H:%M": "h", "%m/%d/%Y %I:%M %p": "h", "%Y-%m-%d %I:%M:%S %p": "h"},
    **{"%d.%m.%y %H:%M:%S": "h", "%d.%m.%Y, %H:%M": "30min", "%Y-%m-%dT%H": "h"},
    **{"%d-%b-%Y": "D", "%d %B %Y": "D", "%b %d, %Y": "D", "%B %d, %Y": "D", "%d-%b-%y": "D"},
    **{"%Y-%b-%d": "D", "%a %d %b %Y": "D", "%A, %d %B %Y": "D", "%d%b%Y:%H:%M:%S": "h"},
    **{"%b %Y": "MS", "%B %Y": "MS", "%Y %b": "MS", "%b-%y": "MS", "%b-%Y": "MS", "%Y/%m": "MS"},
    **{"%m/%Y": "MS", "%YM%m": "MS", "%Y-M%m": "MS", "M%m %Y": "MS", "%Y-%m": "MS"},
    **{"%G-W%V": "W-MON", "%GW%V": "W-MON", "%G-W%V-%u": "D", "W%V %G": "W-MON", "%Y": "YS"},
    **{"%d%m%Y": "D", "%Y%m%dT%H%M": "h", "%Y-%m-%d %H:%M:%S UTC": "h", "%Y-%m-%dT%H:%MZ": "h"},
    **{"%d/%m/%Y %H:%M GMT": "h", "%Y-%m-%dT%H:%M:%S+02:00": "h", "%m/%d/%Y %H:%M -0330": "h"},
}
WRITERS = {  # those that Python does not know
    "2010Q1": ("QS", lambda t: f"{t.year}Q{t.quarter}"),
    "2010-Q1": ("QS", lambda t: f"{t.year}-Q{t.quarter}"),
    "2010 q1": ("QS", lambda t: f"{t.year} q{t.quarter}"),
    "Q1 2010": ("QS", lambda t: f"Q{t.quarter} {t.year}"),
    "Q12010": ("QS", lambda t: f"Q{t.quarter}{t.year}"),
    "1Q2010": ("QS", lambda t: f"{t.quarter}Q{t.year}"),
    "Q1-10": ("QS", lambda t: f"Q{t.quarter}-{t.year % 100:02}"),
    "1/2/24": ("D", lambda t: f"{t.month}/{t.day}/{t.year % 100:02}"),
    "1.2.2024": ("D", lambda t: f"{t.day}.{t.month}.{t.year}"),
    "1/2/2024 1:00 pm": (
        "h",
        lambda t: f"{t.month}/{t.day}/{t.year} {t.hour % 12 or 12}:00 {'ap'[t.hour // 12]}m",
    ),
    "1/2/24 0:00": ("h", lambda t: f"{t.day}/{t.month}/{t.year % 100:02} {t.hour}:00"),
    "JAN-1960": ("MS", lambda t: t.strftime("%b-%Y").upper()),
    "may 2024": ("MS", lambda t: t.strftime("%B %Y").lower()),
    "2024w5": ("W-MON", lambda t: f"{t.isocalendar()[0]}w{t.isocalendar()[1]}"),
}
CODES = {
    **{"%Y%m%d": "D", "%Y%m": "MS", "%Y%m%d%H": "h", "%Y%m%d%H%M": "30min", "%G%V": "W-MON"},
    **{"%Y%j": "D", "%Y%m%d%H%M%S": "10s"},
}
EPOCHS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


def read(cells, name="ds", **options):
    column = pd.Series(cells, name=name)
    return read_times(column, Place(IN_MEMORY, column.index), **options)


def rewritten(times):
    return write_times(times.values, times.dtype, times.local).tolist()


def regular(start, alias, length=60):
    """A regular series of at least two years, months or days with two-figure numbers."""
    return pd.date_range(pd.Timestamp(start).floor("h"), periods=length, freq=alias)


def instants(times):
    """Naive times; those with a zone in UTC."""
    if not has_zone(times.dtype):
        return times.values
    return zoned(times.values, times.dtype, times.local).tz_convert("UTC").tz_localize(None)


def assert_reads_back(cells, expected, **options):
    times = read(cells, **options)

    assert instants(times).tolist() == list(expected)
    assert rewritten(times) == list(cells)
    again = read(cells[:1], earlier_dtype=times.dtype, **options)  # one row, as in an update
    assert again.values[0] == times.values[0]


STARTS = st.datetimes(pd.Timestamp("1990-01-01"), pd.Timestamp("2024-06-01"))
SEEDS = st.integers(0, 10**6).map(random.Random)


@pytest.mark.parametrize("form", STRFTIME)
@settings(max_examples=4, deadline=None)
@given(start=STARTS, order=SEEDS)
def test_text_in_the_formats_of_python_is_read_and_written(form, start, order):
    alias = STRFTIME[form]
    moments = regular(start, alias, 60 if alias != "YS" else 15)
    if alias in ("D", "W-MON", "MS", "YS"):
        moments = moments.normalize()
    moments = [t.replace(second=0) for t in order.sample(list(moments), len(moments))]
    cells = [t.to_pydatetime().strftime(form) for t in moments]
    offset = pd.Timedelta({"+02:00": "2h", "-0330": "-3h30min"}.get(form.split(":%S")[-1][-6:], 0))
    offset = pd.Timedelta("-3h30min") if form.endswith("-0330") else offset

    assert_reads_back(cells, [t - offset for t in moments], subdaily=alias in ("h", "30min"))


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=4, deadline=None)
@given(start=STARTS, order=SEEDS)
def test_text_in_other_formats_is_read_and_written(name, start, order):
    alias, write = WRITERS[name]
    moments = regular(start, alias, 350 if alias in ("D", "h") else 60)
    moments = moments if alias == "h" else moments.normalize()
    moments = order.sample(list(moments), len(moments))

    assert_reads_back([write(t) for t in moments], moments)


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize("form", CODES)
@settings(max_examples=4, deadline=None)
@given(start=STARTS, order=SEEDS)
def test_calendar_codes_are_read_and_written(form, as_text, start, order):
    alias = CODES[form]
    moments = regular(start, alias, 400)
    moments = moments if alias in ("h", "30min", "10s") else moments.normalize()
    moments = order.sample(list(moments), len(moments))
    codes = [t.to_pydatetime().strftime(form) for t in moments]

    assert_reads_back(codes if as_text else [int(code) for code in codes], moments)


@pytest.mark.parametrize("zero", ["", "0"])
@settings(max_examples=4, deadline=None)
@given(start=STARTS, order=SEEDS)
def test_codes_of_quarters_are_read_and_written(zero, start, order):
    quarters = regular(start, "QS", 20).normalize()
    quarters = order.sample(list(quarters), len(quarters))

    assert_reads_back([int(f"{t.year}{zero}{t.quarter}") for t in quarters], quarters, name="t")


@pytest.mark.parametrize("dtype", ["int64", "float64", "str"])
@pytest.mark.parametrize("unit", EPOCHS)
@settings(max_examples=4, deadline=None)
@given(start=STARTS, alias=st.sampled_from(["h", "15min", "D"]), order=SEEDS)
def test_counts_since_1970_are_read_and_written(unit, dtype, start, alias, order):
    moments = regular(start, alias)
    moments = order.sample(list(moments), len(moments))
    cells = pd.Series([t.as_unit("ns").value // EPOCHS[unit] for t in moments]).astype(dtype)

    assert_reads_back(cells.tolist(), moments, name="x")


@pytest.mark.parametrize("alias", ["D", "W", "B", "h", "15min"])
@settings(max_examples=4, deadline=None)
@given(start=STARTS, order=SEEDS)
def test_serial_days_of_spreadsheets_are_read_and_written(alias, start, order):
    is_whole = alias in "DWB"
    moments = regular(start, alias)
    moments = moments.normalize() if is_whole else moments
    moments = order.sample(list(moments), len(moments))
    serial = [(t - pd.Timestamp("1899-12-30")) / pd.Timedelta("1D") for t in moments]

    assert_reads_back([int(s) for s in serial] if is_whole else serial, moments, name="Date")


# What decides


@pytest.mark.parametrize(
    ("cells", "name", "dtype"),
    [
        ([45292, 45293, 45294], "step", "int64"),
        ([45292, 45299, 45306], "date", "int64:excel"),
        ([45292, 45293, 46999], "date", "int64"),  # no steady days
        ([201001, 201002, 201003, 201004], "t", "int64:%Y%m"),
        ([201001, 201002, 201003, 201004], "quarter", "int64:%Y0%q"),
        ([202401, 202402, 202403], "Week", "int64:%G%V"),
        ([202411, 202412, 202501], "t", "int64:%Y%m"),
        ([202413, 202414, 202415], "t", "int64"),
        ([20241, 20242, 20243], "t", "int64"),
        ([20241, 20242, 20243], "quarter", "int64:%Y%q"),
        ([2024001, 2024002, 2024003], "t", "int64"),
        ([2024001, 2024002, 2024003], "ds", "int64:%Y%j"),
        ([202413, 202414, 202415], "period", "int64:%G%V"),
        ([1704067201, 1704067202, 1704067203], "t", "int64"),
        ([1704067201, 1704067202, 1704067203], "timestamp", "int64:epoch[s]"),
        ([1990, 1991, 1992], "year", "int64"),
        ([99_999, 100_000, 100_001], "t", "int64"),
    ],
)
def test_whole_numbers_are_times_where_the_evidence_says_so(cells, name, dtype):
    assert read(cells, name).dtype == dtype


def test_months_that_may_be_weeks_are_told():
    assert read([202401, 202402, 202403], "t").notes == (
        "times: taken as YYYYMM; if they are YYYY0Q, say --date-format '%Y0%q' (date_format= in "
        "Python)",
    )
    assert read([202408, 202409], "t").notes == (
        "times: taken as YYYYMM; if they are YYYYWW, say --date-format '%G%V' (date_format= in "
        "Python)",
    )
    assert read([202408, 202409], "t", date_format="%G%V").values[0] == pd.Timestamp("2024-02-19")
    assert read([202411, 202412, 202501], "t").notes == ()


@pytest.mark.parametrize(
    ("years", "first"),
    [([60, 79], 1940), ([99, 0, 1], 1975), ([24], 2000), ([50, 62], 1929), ([0, 10, 20], 1981)],
)
def test_two_digit_years_lie_in_one_stretch_that_ends_by_2049(years, first):
    assert first_of_hundred(np.array(years)) == first


def test_a_century_is_told_and_remembered():
    months = pd.date_range("1960-01-01", "1979-12-01", freq="MS")

    times = read([t.strftime("%b-%y") for t in months])
    later = read(["Jan-80"], earlier_dtype=times.dtype)

    assert times.values.tolist() == months.tolist()
    assert times.notes == ("times: two-digit years, taken as 1960 to 1979",)
    assert later.values.tolist() == [pd.Timestamp("1980-01-01")]
    assert later.notes == ()


def test_the_order_that_gives_an_even_spacing_is_taken_and_told():
    months = pd.date_range("2022-01-01", periods=24, freq="MS")

    times = read([t.strftime("%d/%m/%Y") for t in months])

    assert times.values.tolist() == months.tolist()
    assert times.notes == ("times: day/month/year, the only even spacing, as in 01/01/2022",)


def test_days_of_one_month_are_not_taken_for_years():
    hyphens = read(["23-01-03", "23-01-05", "23-01-07"])
    slashes = read(["13/02/24", "14/02/24", "15/02/24"])

    assert hyphens.values[-1] == pd.Timestamp("2023-01-07")
    assert slashes.values[-1] == pd.Timestamp("2024-02-15")
    assert hyphens.notes[0] == "times: year/month/day, as in 23-01-03"


AMBIGUOUS = ["01/02/2024", "02/02/2024", "03/02/2024"]


@pytest.mark.parametrize(
    ("word", "first"), [("day-first", "2024-02-01"), ("month-first", "2024-01-02")]
)
def test_where_nothing_decides_both_readings_and_the_choice_are_shown(word, first):
    with pytest.raises(DataError) as error:
        read(AMBIGUOUS)

    assert str(error.value) == (
        "the table, row 0, column 'ds': '01/02/2024' may be day/month/year (2024-02-01) or "
        "month/day/year (2024-01-02), and no row settles which; say --date-format day-first or "
        "--date-format month-first (date_format= in Python)"
    )
    assert read(AMBIGUOUS, date_format=word).values[0] == pd.Timestamp(first)


@pytest.mark.parametrize(
    ("cells", "date_format", "first"),
    [
        (AMBIGUOUS, "%m/%d/%Y", "2024-01-02"),
        (["24-02-01", "24-02-02"], "year-first", "2024-02-01"),
        ([201001, 201002], "%Y0%q", "2010-01-01"),
        ([202401, 202402], "%G%V", "2024-01-01"),
        ([45292, 45293], "excel", "2024-01-01"),
        ([1704067200, 1704067201], "epoch[s]", "2024-01-01"),
        (["01/02/2024 00:00+02:00", "02/02/2024 00:00+02:00"], "%d/%m/%Y %H:%M%z", "2024-02-01"),
    ],
)
def test_a_date_format_decides(cells, date_format, first):
    assert read(cells, date_format=date_format).values[0] == pd.Timestamp(first)


@pytest.mark.parametrize("form", ["hello", "%Y-%Q", "%d/%d/%Y", ""])
def test_a_date_format_that_is_not_understood_is_refused(form):
    with pytest.raises(OptionError, match="give day-first, month-first, year-first or a format"):
        check_format(form)


@pytest.mark.parametrize(
    ("cell", "earlier", "first"),
    [
        ("01/02/2024", "text:%d/%m/%Y", "2024-02-01"),
        ("01/02/2024", "text:%m/%d/%y", "2024-01-02"),
        ("01/02/24", "text[since=1930]:%d/%m/%y", "2024-02-01"),
        ("Jan-70", "text[since=1995]:%b-%y", "2070-01-01"),
        ("Jan-60", "text:%b-%y", "2060-01-01"),  # of an old model: strptime's century
        ("2024Q2", "text:%YQ%q", "2024-04-01"),
        (201001, "int64:%Y0%q", "2010-01-01"),
        (201001, "int64:%G%V", "2010-01-04"),
        (20240131, "int64:%Y%m%d", "2024-01-31"),
        (202401, "int64:%Y%m", "2024-01-01"),
        (45292, "int64:excel", "2024-01-01"),
        ("2024-02-01", "text:%d.%m.%Y", "2024-02-01"),
        ("2024-02-01", "datetime64[us]", "2024-02-01"),
    ],
)
def test_what_the_model_remembers_decides_for_one_row(cell, earlier, first):
    assert read([cell], earlier_dtype=earlier).values[0] == pd.Timestamp(first)


def test_whole_numbers_stay_steps_for_a_model_that_counts_steps():
    assert read([20240131], earlier_dtype="int64").values.tolist() == [20240131]


def test_months_and_days_without_a_year_are_refused():
    with pytest.raises(DataError, match="'Jan 01' looks like a day and a month without a year"):
        read([f"Jan {day:02}" for day in range(1, 32)] + ["Feb 01"])


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["01.02.2024", "x", "03.02.2024"], "row 1, column 'ds': 'x' is not a time like '01.02"),
        (["31.01.2024", "30.02.2024"], "row 1, column 'ds': '30.02.2024' is not a time like '31"),
        (["x", "y"], "row 0, column 'ds': 'x' is not a time; dates are best written as 2024-01"),
        (["2024010101", "2024010188"], "row 0, column 'ds': '2024010101' is not a time"),
    ],
)
def test_a_cell_that_is_not_a_time_is_named(cells, message):
    with pytest.raises(DataError) as error:
        read(cells)

    assert message in str(error.value)


def test_a_cell_that_does_not_fit_the_given_format_is_named():
    for cells in (["01/02/2024", "31/12/2024"], [202401, 202402]):
        with pytest.raises(DataError, match=r"' is not a time of the date format '%m/%d/%Y'"):
            read(cells, date_format="%m/%d/%Y")


def test_milliseconds_come_back_in_three_digits():
    cells = ["2024-01-01T00:00:00.250Z", "2024-01-01T00:00:00.500Z"]

    assert rewritten(read(cells)) == cells


# Offsets from UTC


def clock_change(alias):
    """Local times in Berlin across the end of summer time, as ISO text with offsets."""
    times = pd.date_range("2023-10-27", "2023-11-01", freq=alias, tz="Europe/Berlin")
    return times, [t.isoformat() for t in times]


def test_hours_across_a_change_of_clocks_are_read_as_instants_and_written_in_utc():
    times, cells = clock_change("h")

    read_in = read(cells)

    assert instants(read_in).tolist() == times.tz_convert("UTC").tz_localize(None).tolist()
    assert rewritten(read_in)[-1] == "2023-10-31T23:00:00+00:00"
    assert read_in.notes == (
        "times: UTC offsets +02:00 and +01:00, read as instants and written in UTC",
    )
    assert instants(read(rewritten(read_in))).tolist() == instants(read_in).tolist()


def test_days_across_a_change_of_clocks_are_days_of_local_time():
    times, cells = clock_change("D")

    read_in = read(cells)

    assert read_in.values.tolist() == times.tz_localize(None).tolist()
    assert rewritten(read_in)[-1] == "2023-11-01T00:00:00"
    for later in ("2023-11-02T00:00:00+01:00", "2023-11-02T00:00:00"):
        again = read([later], earlier_dtype=read_in.dtype)
        assert again.values.tolist() == [pd.Timestamp("2023-11-02")]
        assert not has_zone(again.dtype)


def test_a_model_of_one_offset_takes_hours_of_another():
    trained = read(["2023-10-28T00:00:00+02:00", "2023-10-28T01:00:00+02:00"])

    later = read(["2023-10-29T02:00:00+01:00"], subdaily=True, earlier_dtype=trained.dtype)

    assert later.values.tolist() == [pd.Timestamp("2023-10-29 01:00")]
    assert has_zone(later.dtype)


def test_days_of_a_model_of_one_offset_stay_local_days_under_another():
    trained = read(["2023-10-27T00:00:00+02:00", "2023-10-28T00:00:00+02:00"])

    later = read(
        ["2023-10-29T00:00:00+02:00", "2023-10-30T00:00:00+01:00"], earlier_dtype=trained.dtype
    )

    assert trained.local
    assert later.values.tolist() == [pd.Timestamp("2023-10-29"), pd.Timestamp("2023-10-30")]
    assert has_zone(later.dtype)


# Columns of times among others


@pytest.mark.parametrize(
    ("texts", "is_time"),
    [
        (["Q1 2010", "Q2 2010"], True),
        (["2024-W05", "2024-W06"], True),
        (["01/02/2024", "02/02/2024"], True),
        (["2024-01-01 00:00:00 UTC", "2024-01-01 01:00:00 UTC"], True),
        (["1/1/24 0:00", "1/1/24 1:00"], True),
        (["Jan-60", "Feb-60"], True),
        (["2024-01-01", "x", "2024-01-03"], True),
        (["north", "south"], False),
        (["A1", "A2"], False),
        (["May", "June"], False),
        (["10-20", "30-40"], False),
        ([], False),
    ],
)
def test_columns_of_text_times_are_recognised(texts, is_time):
    assert looks_like_times(pd.Series(texts, dtype="str")) is is_time


@pytest.mark.parametrize(
    ("cells", "is_code"),
    [
        ([20240131, 20240201], True),
        ([2024013122, 2024013123], True),
        ([1704067200000000000, 1704070800000000000], True),
        ([1, 2, 3], False),
        ([20240131, 20249999], False),
        ([1.5, 2.5], False),
    ],
)
def test_columns_of_calendar_codes_are_recognised(cells, is_code):
    assert is_calendar_code(pd.Series(cells, name="x")) is is_code


@pytest.mark.parametrize(
    "codec",
    [
        Codec("text", "%b-%y", since=1940),
        Codec("text", "%Y-%m-%d %H:%M UTC", "UTC"),
        Codec("text", "%d/%m/%y %H:%M+02:00", "UTC+02:00", 1999),
        Codec("int64", "epoch[ns]"),
    ],
)
def test_a_codec_survives_as_text(codec):
    assert Codec.parse(codec.dtype) == codec


@pytest.mark.parametrize("dtype", ["datetime64[us, UTC+01:00]", "period[Q-DEC]", "date", "int64"])
def test_plain_dtypes_are_no_codecs(dtype):
    assert Codec.parse(dtype) is None


def test_a_format_is_proposed_for_each_order_that_a_date_may_have():
    assert candidates("13/02/24 1:30 pm") == [
        "%d/%m/%y %I:%M %~p",
        "%m/%d/%y %I:%M %~p",
        "%y/%m/%d %I:%M %~p",
    ]
    assert candidates("10.20.30.40") == []
