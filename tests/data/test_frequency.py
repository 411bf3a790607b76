import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.data.frequency import DAY, HOUR, Frequency, parse
from forecast.data.infer_frequency import infer, irregular
from forecast.errors import DataError, OptionError

ALIASES = ["h", "15min", "D", "B", "W", "MS", "ME", "MS-15", "QS", "QE", "YS", "YE", "10", "s"]
ALIASES += ["BMS", "BME", "BQS", "BQE", "BYS", "BYE"]


def one_series(times):
    return np.array([0, len(times)])


def infer_dates(*dates):
    """The name of the frequency of one series."""
    return infer(pd.DatetimeIndex(dates), one_series(dates)).name


def place(alias, time, *cycles):
    """Sine and cosine of a time in its calendar cycles."""
    frequency = parse(alias)
    waves = frequency.calendar(frequency.ordinals(pd.DatetimeIndex([time])), cycles)
    assert waves.dtype == np.float32
    assert waves.shape == (1, 2 * len(cycles))
    return pytest.approx(waves[0].tolist(), abs=1e-6)


# --- inference -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("h", "h"),
        ("2h", "2h"),
        ("15min", "15min"),
        ("90min", "90min"),
        ("10s", "10s"),
        ("250ms", "250ms"),
        ("D", "D"),
        ("3D", "3D"),
        ("B", "B"),
        ("W-SUN", "W"),
        ("2W-WED", "2W"),
        ("MS", "MS"),
        ("ME", "ME"),
        ("2MS", "2MS"),
        ("QS", "QS"),
        ("QS-FEB", "QS"),
        ("QE", "QE"),
        ("2QE", "2QE"),
        ("YS", "YS"),
        ("YE", "YE"),
        ("YE-JUN", "YE"),
        ("5YS", "5YS"),
        ("BMS", "BMS"),
        ("BME", "BME"),
        ("BQE", "BQE"),
        ("BQS-FEB", "BQS"),
    ],
)
@pytest.mark.parametrize("missing", [[], [4, 9, 10]], ids=["complete", "with gaps"])
@pytest.mark.parametrize("start", ["1899-12-25", "1969-11-03", "2019-12-20"])
def test_the_frequency_of_pandas_date_ranges_is_found(alias, name, missing, start):
    times = pd.date_range(start, periods=24, freq=alias).delete(missing)

    for resolution in ("ms", "us", "ns"):
        assert infer(times.as_unit(resolution), one_series(times)).name == name


@pytest.mark.parametrize(
    ("numbers", "name"), [([3, 4, 5], "1"), ([1990, 1991, 1995], "1"), ([0, 10, 20, 50], "10")]
)
@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint16])
def test_the_spacing_of_integer_time_is_found(numbers, name, dtype):
    assert infer(np.array(numbers, dtype), one_series(numbers)).name == name


def test_each_series_may_have_its_own_phase():
    full = pd.date_range("2024-01-01 00:00", periods=5, freq="h")
    half = pd.date_range("2023-06-07 12:30", periods=3, freq="h")

    assert infer(full.append(half), np.array([0, 5, 8])) == parse("h")


def test_weekly_series_may_lie_on_different_weekdays():
    sundays = pd.date_range("2024-01-07", periods=4, freq="W-SUN")
    mondays = pd.date_range("2024-01-01", periods=4, freq="W-MON")

    assert infer(sundays.append(mondays), np.array([0, 4, 8])) == parse("W")


def test_quarterly_series_may_begin_in_different_months():
    january = pd.date_range("2024-01-01", periods=4, freq="QS-JAN")
    february = pd.date_range("2024-02-01", periods=4, freq="QS-FEB")

    assert infer(january.append(february), np.array([0, 4, 8])) == parse("QS")


def test_the_distance_from_one_series_to_the_next_does_not_count():
    times = pd.DatetimeIndex(["2024-01-01 00:00", "2024-01-01 01:00", "2024-01-01 00:17"] * 2)

    assert infer(times, np.array([0, 2, 3, 5, 6])) == parse("h")


def test_empty_series_and_series_of_one_row_contribute_nothing():
    times = pd.DatetimeIndex(["2001-05-05 05:05", "2024-01-01", "2024-01-02", "2001-05-05 05:05"])

    assert infer(times, np.array([0, 0, 1, 1, 3, 4, 4])) == parse("D")


def test_of_two_equally_common_distances_the_smaller_is_the_step():
    assert infer(np.array([0, 2, 3, 5, 6]), np.array([0, 5])) == parse("1")


def test_a_rare_distance_that_divides_the_common_one_is_not_the_step():
    with pytest.raises(DataError, match=r"every 2 steps of integer time \(3 of 4\)"):
        infer(np.array([0, 2, 4, 6, 7]), np.array([0, 5]))


def test_the_step_may_be_the_commonest_without_being_the_majority():
    gaps = [1, 1, 2, 3, 4, 1, 2, 3, 5]

    assert infer(np.cumsum(gaps), one_series(gaps)) == parse("1")


def test_daily_data_with_a_gap_at_one_weekend_stays_daily():
    assert infer_dates("2024-01-04", "2024-01-05", "2024-01-08", "2024-01-09", "2024-01-13") == "D"


def test_daily_data_of_half_a_week_stays_daily():
    assert infer_dates("2024-01-01", "2024-01-02", "2024-01-03") == "D"


def test_days_that_go_from_friday_to_monday_are_business_days():
    assert infer_dates("2024-01-04", "2024-01-05", "2024-01-08") == "B"


def test_business_days_may_lack_holidays():
    december = ["2023-12-21", "2023-12-22", "2023-12-27", "2023-12-28", "2023-12-29"]
    january = ["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08"]

    assert infer_dates(*december, *january) == "B"


def test_weekdays_with_a_time_of_day_are_daily():
    assert infer_dates("2024-01-04 16:00", "2024-01-05 16:00", "2024-01-08 16:00") == "D"


@pytest.mark.parametrize(
    ("dates", "name"),
    [
        (["2021-07-01", "2021-08-01", "2021-09-01"], "MS"),  # 31 days each
        (["2021-01-01", "2022-01-01", "2023-01-01"], "YS"),  # 365 days each
        (["2021-02-01", "2021-03-01"], "MS"),  # four weeks
        (["2021-02-28", "2022-02-28", "2023-02-28"], "YE"),
        (["2023-02-28", "2024-02-29", "2025-02-28"], "YE"),
        (["2023-02-28", "2024-02-28", "2025-02-28"], "YS-28"),
        (["2024-01-28", "2024-02-28", "2024-03-28"], "MS-28"),
        (["2024-04-30", "2024-06-30"], "2ME"),
        (["2024-04-30", "2024-06-30", "2024-08-31", "2024-12-31"], "2ME"),
        (["2023-12-15", "2024-01-15", "2024-02-15", "2024-05-15"], "MS-15"),
        (["2024-01-15", "2024-04-15", "2024-07-15", "2025-01-15"], "QS-15"),
        (["1969-11-30", "1969-12-31", "1970-01-31"], "ME"),
    ],
)
def test_dates_on_one_day_of_the_month_are_counted_in_months(dates, name):
    assert infer_dates(*dates) == name


def test_uneven_months_are_an_error_in_months():
    with pytest.raises(DataError, match=r"quarterly \(2 of 3\), but 2024-08-01 .*frequency='MS'"):
        infer_dates("2024-01-01", "2024-04-01", "2024-07-01", "2024-08-01")


def test_without_two_rows_of_one_series_the_error_says_how_many_are_needed():
    times = pd.DatetimeIndex(["2024-01-01", "2024-01-02"])

    with pytest.raises(DataError, match=r"at least 2 rows .* --frequency D \(frequency='D' in"):
        infer(times, np.array([0, 1, 2]))
    with pytest.raises(DataError, match="at least 2 rows"):
        infer(times[:0], np.array([0]))


def test_the_error_for_uneven_rows_names_the_spacing_the_rows_and_the_remedy():
    times = ["2024-01-01 00:00", "2024-01-01 01:00", "2024-01-01 02:00", "2024-01-01 02:20"]

    with pytest.raises(DataError) as error:
        infer_dates(*times)

    assert str(error.value) == (
        "the rows are not evenly spaced: the most common spacing is hourly (2 of 3), but "
        "2024-01-01 02:20:00 follows 2024-01-01 02:00:00. Resample them to one row per step (in "
        "pandas: .resample('h').mean()), or give --frequency 20min (frequency='20min' in Python), "
        "which fits every row"
    )


def test_no_frequency_is_proposed_that_would_be_almost_all_gaps():
    with pytest.raises(DataError) as error:
        infer_dates("2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04 00:00:01")

    assert str(error.value).endswith("one row per step (in pandas: .resample('D').mean())")


def test_the_error_for_uneven_integers_does_not_speak_of_resampling():
    with pytest.raises(DataError) as error:
        infer(np.array([0, 10, 20, 25]), np.array([0, 4]))

    assert str(error.value) == (
        "the rows are not evenly spaced: the most common spacing is every 10 steps of integer "
        "time (2 of 3), but 25 follows 20. Number the rows evenly, or give --frequency 5 "
        "(frequency='5' in Python), which fits every row"
    )


@pytest.mark.parametrize(
    ("dates", "advice"),
    [
        (
            ["2024-01-31 12:00", "2024-02-29 12:00", "2024-03-31 12:00"],
            "Write the dates without the time of day",
        ),
        (
            ["2024-01-10", "2024-02-01", "2024-03-02", "2024-04-20"],
            "Number the rows of each series in a column",
        ),
        (
            ["2024-01-01", "2024-02-03", "2024-03-02", "2024-04-06"],
            "If each row stands for its month, write the months alone, such as 2024-01",
        ),
        (
            ["2019-03-02", "2019-03-30", "2019-05-04", "2019-06-01"],
            "Periods of 4 and 5 weeks have no even spacing: number the rows of each series",
        ),
    ],
)
def test_monthly_rows_without_a_common_day_get_advice_on_months(dates, advice):
    with pytest.raises(DataError) as error:
        infer_dates(*dates)

    assert advice in str(error.value)


@pytest.mark.parametrize(
    ("dates", "name"),
    [
        (["2024-03-28", "2024-04-30", "2024-05-31", "2024-06-28"], "BME"),  # Good Friday: 29 March
        (["2023-12-01", "2024-01-02", "2024-02-01", "2024-03-01"], "BMS"),  # after New Year
    ],
)
def test_holidays_may_move_a_minority_of_business_days(dates, name):
    assert infer_dates(*dates) == name
    assert parse(name).moved(pd.DatetimeIndex(dates)).sum() == 1


def test_four_weeks_between_fridays_stay_weeks():
    assert infer_dates("2024-05-31", "2024-06-28") == "4W"


@pytest.mark.parametrize(
    ("alias", "dates"),
    [
        ("BME", ["2024-08-30", "2024-09-30", "2024-11-29"]),  # 31 August is a Saturday
        ("BMS", ["2024-06-03", "2024-07-01", "2024-09-02"]),  # 1 June is a Saturday
        ("BQE", ["2024-03-29", "2024-06-28", "2024-12-31"]),
    ],
)
def test_business_months_are_dated_by_weekdays(alias, dates):
    frequency, times = parse(alias), pd.DatetimeIndex(dates)

    assert frequency.times(frequency.ordinals(times)).tolist() == times.tolist()
    assert frequency.name == alias


def test_the_error_names_the_rows_of_a_later_series():
    with pytest.raises(DataError, match="but 105 follows 102"):
        infer(np.array([0, 2, 4, 100, 102, 105, 107]), np.array([0, 3, 7]))


@pytest.mark.parametrize(
    "times",
    [np.array([1, 1]), np.array([2, 1]), pd.to_datetime([0, 1], unit="ns")],
    ids=["repeated", "backwards", "nanoseconds"],
)
def test_times_that_do_not_increase_by_whole_microseconds_are_an_error(times):
    with pytest.raises(DataError, match="repeat a time, run backwards, or lie less than a micro"):
        infer(times, np.array([0, 2]))


@pytest.mark.parametrize("values", [np.array([0.0, 1.0]), np.array(["a", "b"], object)])
def test_times_are_timestamps_or_whole_numbers(values):
    with pytest.raises(DataError, match="naive timestamps or whole numbers"):
        infer(values, np.array([0, 2]))


# --- rows that do not fit --------------------------------------------------------------------


def test_a_row_is_irregular_unless_it_is_a_multiple_of_the_step_after_the_row_before():
    times = pd.DatetimeIndex(
        ["2024-01-01 00:00", "2024-01-01 01:00", "2024-01-01 03:00", "2024-01-01 03:30"]
    )

    assert irregular(times, np.array([0, 4]), parse("h")).tolist() == [False, False, False, True]


def test_a_row_that_repeats_or_precedes_the_row_before_is_irregular():
    assert irregular(np.array([5, 5, 4]), np.array([0, 3]), parse("1")).tolist() == [
        False,
        True,
        True,
    ]


def test_a_date_off_the_grid_is_irregular_even_as_the_first_row():
    saturday_monday = pd.DatetimeIndex(["2024-01-06", "2024-01-08", "2024-01-09"])

    assert irregular(saturday_monday, np.array([0, 1, 3]), parse("B")).tolist() == [
        True,
        False,
        False,
    ]


def test_month_ends_do_not_fit_month_starts():
    times = pd.date_range("2024-01-31", periods=3, freq="ME")

    assert irregular(times, one_series(times), parse("MS")).all()
    assert not irregular(times, one_series(times), parse("ME")).any()


@pytest.mark.parametrize(
    ("alias", "time"),
    [
        ("B", "2024-01-06"),
        ("B", "2024-01-05 16:00"),
        ("MS", "2024-01-02"),
        ("MS", "2024-01-01 00:01"),
        ("ME", "2023-02-27"),
        ("ME", "2024-02-28"),
        ("MS-15", "2024-01-14"),
        ("h", "2024-01-01 00:00:00.000000001"),
    ],
)
def test_times_without_an_ordinal_are_off_the_grid(alias, time):
    assert parse(alias).off_grid(pd.DatetimeIndex([time])).tolist() == [True]


@pytest.mark.parametrize(
    ("alias", "time"),
    [
        ("B", "2024-01-05"),
        ("MS", "1960-02-01"),
        ("ME", "2023-02-28"),
        ("ME", "2024-02-29"),
        ("YE", "1899-12-31"),
        ("MS-15", "2024-01-15"),
        ("h", "2024-01-01 00:17"),
    ],
)
def test_times_that_an_ordinal_stands_for_are_on_the_grid(alias, time):
    assert parse(alias).off_grid(pd.DatetimeIndex([time])).tolist() == [False]


def test_integers_are_always_on_the_grid():
    assert parse("10").off_grid(np.array([-3, 7])).tolist() == [False, False]


# --- ordinals and times ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("alias", "time", "ordinal"),
    [
        ("h", "1970-01-01 01:00", HOUR),
        ("D", "1969-12-31", -DAY),
        ("MS", "1970-01-01", 0),
        ("ME", "1970-01-31", 0),
        ("YE", "1969-12-31", -1),
        ("QS", "2024-04-01", 54 * 12 + 3),
        ("B", "1970-01-01", 0),  # a Thursday
        ("B", "1970-01-05", 2),
        ("B", "1969-12-31", -1),
    ],
)
def test_ordinals_count_units_since_1970(alias, time, ordinal):
    ordinals = parse(alias).ordinals(pd.DatetimeIndex([time]))

    assert ordinals.tolist() == [ordinal]
    assert ordinals.dtype == np.int64


def test_business_days_are_counted_as_numpy_counts_them():
    days = pd.bdate_range("1960-01-01", "2030-01-01")

    expected = np.busday_count("1970-01-01", days.to_numpy().astype("datetime64[D]"))

    assert parse("B").ordinals(days).tolist() == expected.tolist()


def test_a_weekend_counts_as_the_monday_after_it():
    weekend = pd.DatetimeIndex(["2024-01-06", "2024-01-07", "2024-01-08"])

    assert len(set(parse("B").ordinals(weekend))) == 1


@settings(max_examples=60, deadline=None)
@given(
    alias=st.sampled_from(ALIASES),
    ordinals=st.lists(st.integers(-1500, 1500), max_size=20),
)
def test_ordinals_to_times_and_back_lose_nothing(alias, ordinals):
    frequency = parse(alias)
    ordinals = np.array(ordinals, np.int64) * frequency.step

    times = frequency.times(ordinals)

    assert frequency.ordinals(times).tolist() == ordinals.tolist()
    assert not frequency.off_grid(times).any()


@settings(max_examples=60, deadline=None)
@given(
    alias=st.sampled_from([alias for alias in ALIASES if alias != "10"]),
    start=st.datetimes(pd.Timestamp("1900-01-01"), pd.Timestamp("2100-01-01")),
)
def test_times_go_on_where_pandas_goes_on(alias, start):
    offset = pd.tseries.frequencies.to_offset(alias.removesuffix("-15"))
    shift = pd.Timedelta(14 if alias == "MS-15" else 0, "D")
    dates = pd.date_range(pd.Timestamp(start).normalize(), periods=30, freq=offset) + shift
    frequency = parse(alias)
    first = int(frequency.ordinals(dates[:1])[0])

    phases = {"Q": 3, "Y": 12}.get(alias.lstrip("B")[:1], 1)

    assert frequency.step % phases == 0
    assert frequency.times(first + frequency.step * np.arange(30)).tolist() == dates.tolist()


@settings(max_examples=60, deadline=None)
@given(
    alias=st.sampled_from(ALIASES),
    kept=st.sets(st.integers(0, 60), min_size=2, max_size=30),
    start=st.integers(-500, 500),
)
def test_rows_taken_out_of_a_regular_series_are_regular(alias, kept, start):
    frequency = parse(alias)
    times = frequency.times((start + np.array(sorted(kept))) * frequency.step)

    assert not irregular(times, one_series(times), frequency).any()
    numbers = frequency.numbers(frequency.ordinals(times))
    assert (numbers - start).tolist() == sorted(kept)


def test_times_are_in_microseconds():
    assert parse("h").times(np.array([0])).dtype == "datetime64[us]"
    assert parse("ME").times(np.array([0])).dtype == "datetime64[us]"


def test_month_ends_follow_leap_years_and_year_ends():
    ends = parse("ME").times(parse("ME").ordinals(pd.DatetimeIndex(["2023-12-31"])) + np.arange(3))

    assert ends.strftime("%Y-%m-%d").tolist() == ["2023-12-31", "2024-01-31", "2024-02-29"]


def test_the_business_day_after_a_friday_is_monday():
    friday = parse("B").ordinals(pd.DatetimeIndex(["2023-12-29"]))

    assert parse("B").times(friday + 1).strftime("%A %d %B").tolist() == ["Monday 01 January"]


def test_neighbours_have_neighbouring_numbers_at_any_phase():
    half_past = pd.date_range("1969-12-31 22:30", periods=4, freq="h")
    hourly = parse("h")

    assert hourly.numbers(hourly.ordinals(half_past)).tolist() == [-2, -1, 0, 1]


@pytest.mark.parametrize(
    ("alias", "times"),
    [("10", pd.DatetimeIndex(["2024-01-01"])), ("h", np.array([1])), ("MS", np.array([1]))],
)
def test_a_frequency_of_another_kind_of_time_is_an_error(alias, times):
    with pytest.raises(DataError, match=f"'{alias}' does not fit"):
        parse(alias).ordinals(times)


# --- what a frequency knows of the calendar --------------------------------------------------

CALENDAR = [
    # alias, label, seasons, lags, cycles
    ("h", "hourly", (24, 168), (24, 48, 72, 168, 336), ("day", "week", "year")),
    ("2h", "every 2 hours", (12, 84), (12, 24, 36, 84, 168), ("day", "week", "year")),
    ("12h", "every 12 hours", (2, 14), (2, 4, 6, 14, 28), ("day", "week", "year")),
    ("7h", "every 7 hours", (24,), (24, 48), ("day", "week", "year")),
    ("30min", "every 30 minutes", (48, 336), (48, 96, 144, 336, 672), ("day", "week", "year")),
    ("15min", "every 15 minutes", (96, 672), (96, 192, 288, 672, 1344), ("day", "week", "year")),
    ("min", "every minute", (1440, 10080), (1440, 2880, 4320, 10080, 20160),
     ("day", "week", "year")),
    ("10s", "every 10 seconds", (8640,), (8640, 17280, 25920), ("day", "week", "year")),
    ("s", "every second", (), (), ("day", "week", "year")),
    ("D", "daily", (7, 365), (7, 14, 364), ("week", "year")),
    ("2D", "every 2 days", (), (), ("week", "year")),
    ("B", "business-daily", (5, 261), (5, 10, 260), ("week", "year")),
    ("5B", "every 5 business days", (), (), ("year",)),
    ("W", "weekly", (52,), (52, 104), ("year",)),
    ("2W", "every 2 weeks", (26,), (26, 52), ("year",)),
    ("3W", "every 3 weeks", (), (), ("year",)),
    ("MS", "monthly", (12,), (12, 24), ("year",)),
    ("ME", "monthly", (12,), (12, 24), ("year",)),
    ("BME", "monthly (last business day)", (12,), (12, 24), ("year",)),
    ("BQS", "quarterly (first business day)", (4,), (4, 8), ("year",)),
    ("MS-15", "monthly", (12,), (12, 24), ("year",)),
    ("2MS", "every 2 months", (6,), (6, 12), ("year",)),
    ("5MS", "every 5 months", (), (), ("year",)),
    ("QS", "quarterly", (4,), (4, 8), ("year",)),
    ("2QE", "every 2 quarters", (2,), (2, 4), ("year",)),
    ("YE", "yearly", (), (), ()),
    ("10YS", "every 10 years", (), (), ()),
    ("1", "every step of integer time", (), (), ()),
    ("10", "every 10 steps of integer time", (), (), ()),
]  # fmt: skip


@pytest.mark.parametrize(("alias", "label", "seasons", "lags", "cycles"), CALENDAR)
def test_each_frequency_has_its_seasons_lags_and_cycles(alias, label, seasons, lags, cycles):
    frequency = parse(alias)

    assert frequency.label == label
    assert frequency.seasons == seasons
    assert frequency.lags == lags
    assert frequency.cycles == cycles


@pytest.mark.parametrize(
    ("alias", "period"), [("h", 24), ("D", 7), ("MS", 12), ("YS", 1), ("1", 1)]
)
def test_the_seasonal_naive_forecast_repeats_the_shortest_season(alias, period):
    assert parse(alias).season_length == period


def test_a_day_begins_at_midnight():
    assert place("h", "2024-05-06 00:00", "day") == [0, 1]
    assert place("h", "2024-05-06 06:00", "day") == [1, 0]
    assert place("h", "2024-05-06 12:00", "day") == [0, -1]
    assert place("15min", "1969-05-06 21:00", "day") == [-(0.5**0.5), 0.5**0.5]


def test_a_week_begins_on_monday():
    assert place("D", "2024-01-01", "week") == [0, 1]
    assert place("h", "2024-01-02 18:00", "week") == [1, 0]  # a quarter of 168 hours is 42
    assert place("h", "2024-01-04 12:00", "week") == [0, -1]
    assert place("B", "2024-01-05", "week") == [np.sin(8 * np.pi / 7), np.cos(8 * np.pi / 7)]


def test_a_year_begins_in_january_and_knows_leap_years():
    assert place("D", "2024-01-01", "year") == [0, 1]
    assert place("D", "2024-07-02", "year") == [0, -1]  # 183 of 366 days have passed
    assert place("h", "2023-07-02 12:00", "year") == [0, -1]  # 182.5 of 365
    assert place("B", "2024-07-02", "year") == [0, -1]


@pytest.mark.parametrize("day", ["2023-04-01", "2023-04-15", "2023-04-30"])
def test_months_move_by_twelfths_of_a_year_wherever_their_anchor_lies(day):
    alias = {"01": "MS", "15": "MS-15", "30": "ME"}[day[-2:]]

    assert place(alias, day, "year") == [1, 0]


def test_cycles_come_in_the_order_asked_for():
    assert place("h", "2023-07-02 12:00", "year", "day") == [0, -1, 0, -1]
    assert place("h", "2024-01-04 00:00", "day", "week") == [
        0,
        1,
        np.sin(6 * np.pi / 7),
        np.cos(6 * np.pi / 7),
    ]


def test_the_calendar_of_many_times_has_a_row_for_each():
    hourly = parse("h")

    assert hourly.calendar(np.arange(5) * HOUR, hourly.cycles).shape == (5, 6)
    assert parse("1").calendar(np.arange(5), ()).shape == (5, 0)


@pytest.mark.parametrize(("alias", "cycle"), [("1", "day"), ("h", "moon")])
def test_a_cycle_that_time_does_not_have_is_an_error(alias, cycle):
    with pytest.raises(OptionError, match=cycle):
        parse(alias).calendar(np.arange(5), (cycle,))


# --- names -----------------------------------------------------------------------------------


@pytest.mark.parametrize("alias", [row[0] for row in CALENDAR] + ALIASES)
def test_a_name_is_read_back_as_the_same_frequency(alias):
    assert parse(alias).name == alias
    assert parse(parse(alias).name) == parse(alias)


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("24h", "D"),
        ("7D", "W"),
        ("60min", "h"),
        ("3MS", "QS"),
        ("12ME", "YE"),
        ("W-SUN", "W"),
        ("QS-OCT", "QS"),
        ("YE-JUN", "YE"),
        ("MS-1", "MS"),
        ("MS-05", "MS-5"),
        ("H", "h"),
        ("30T", "30min"),
        ("S", "s"),
        ("M", "ME"),
        ("Q-DEC", "QE"),
        ("A", "YE"),
        ("Y-DEC", "YE"),
        ("AS", "YS"),
        (" D ", "D"),
        ("BM", "BME"),
        ("BQ-DEC", "BQE"),
    ],
)
def test_other_spellings_of_a_frequency_are_understood(alias, name):
    assert parse(alias).name == name


@pytest.mark.parametrize(
    "alias",
    ["", " ", "-", "0", "0h", "-1", "1.5h", "hourly", "CBMS", "BME-15", "MS-29", "MS-0", "ME-15",
     "D-SUN", "W-JAN", "W-", "10-15", "fortnight", "٣h", "9" * 19, "9" * 18 + "W", "9" * 5000],
)  # fmt: skip
def test_an_unknown_alias_is_an_error_that_lists_examples(alias):
    with pytest.raises(OptionError, match=r"not known. Use a pandas alias such as 'h', '15min'"):
        parse(alias)


def test_frequencies_are_values():
    assert Frequency("month", 1, "start") == parse("MS")
    assert len({parse("h"), parse("60min")}) == 1
