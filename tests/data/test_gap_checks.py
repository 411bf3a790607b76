"""Tables that a regular grid does not fit: what is refused, what is told, and advice that works."""

import numpy as np
import pandas as pd
import pytest

from forecast.data.to_panel import to_panel
from forecast.data.to_table import to_table
from forecast.errors import DataError


def table(times, **columns):
    return pd.DataFrame({**columns, "ds": times, "y": np.arange(float(len(times)))})


def refusal(frame, **options):
    with pytest.raises(DataError) as error:
        to_panel(frame, **options)
    return str(error.value)


def numbered(frame):
    return frame.assign(period=range(1, len(frame) + 1)).drop(columns="ds")


# Months


def test_last_business_days_come_back_as_last_business_days():
    days = pd.date_range("2018-01-31", periods=40, freq="BME")

    panel = to_panel(table(days))
    following = panel.frequency.times(panel.ordinals[-1:] + panel.frequency.step)

    assert panel.frequency.name == "BME"
    assert to_table(panel)["ds"].tolist() == days.tolist()
    assert following.tolist() == [days[-1] + pd.offsets.BMonthEnd()]
    assert panel.lengths.tolist() == [40]


def test_last_trading_days_are_rows_of_their_months_and_told():
    days = pd.date_range("2024-01-01", "2024-12-31", freq="BME").to_series()
    days.iloc[2] = pd.Timestamp("2024-03-28")  # Good Friday is on the 29th

    panel = to_panel(table(days.array))

    assert panel.lengths.tolist() == [12]
    assert panel.notes[1] == (
        "times: 1 of 12 rows (2024-03-28) are near the last business day of their month rather "
        "than on it; taken as rows of their months"
    )


def test_a_later_trading_day_fits_a_model_of_business_months():
    panel = to_panel(table(pd.DatetimeIndex(["2025-04-29"])), frequency="BME")  # the 30th is one

    assert panel.frequency.text(int(panel.start[0])) == "2025-04-30"


def test_months_with_a_time_of_day_are_read_without_it():
    noon = table(pd.date_range("2024-01-31 12:00", periods=12, freq="ME"))

    assert refusal(noon).endswith("Write the dates without the time of day")
    assert to_panel(noon.assign(ds=noon["ds"].dt.normalize())).frequency.name == "ME"


def test_days_that_wander_through_the_month_are_read_as_months():
    days = pd.date_range("2024-01-01", periods=12, freq="WOM-3WED")

    message = refusal(table(days))

    assert "write the months alone, such as 2024-01 (in pandas: .dt.to_period('M'))" in message
    for months in (days.to_series().dt.to_period("M").array, days.strftime("%Y-%m")):
        panel = to_panel(table(months))
        assert (panel.frequency.name, panel.lengths.tolist()) == ("MS", [12])


@pytest.mark.parametrize("weeks", [[4, 4, 5], [4, 5, 4], [5, 4, 4]])
def test_periods_of_four_and_five_weeks_are_numbered(weeks):
    ends = pd.Timestamp("2019-02-02") + pd.to_timedelta(np.cumsum(weeks * 12) * 7, "D")

    message = refusal(table(ends))

    assert message.endswith(
        "Periods of 4 and 5 weeks have no even spacing: number the rows of each series in a "
        "column (1, 2, 3, …) and give it with --time (time= in Python)"
    )
    panel = to_panel(numbered(table(ends)), time="period")
    assert (panel.frequency.name, panel.lengths.tolist()) == ("1", [36])


# Uneven rows


def test_a_stray_row_is_resampled_away():
    hours = pd.date_range("2024-01-01", periods=48, freq="h").append(
        pd.DatetimeIndex(["2024-01-01 05:17"])
    )

    message = refusal(table(hours))

    assert message.endswith("Resample them to one row per step (in pandas: .resample('h').mean())")
    assert to_panel(table(hours).set_index("ds").resample("h").mean()).lengths.tolist() == [48]


def test_a_frequency_that_fits_every_row_is_named_where_it_fills_at_most_half():
    times = pd.Timestamp("2024-01-01") + pd.to_timedelta([0, 20, 40, 70, 90], "min")

    message = refusal(table(times))

    assert "give --frequency 10min (frequency='10min' in Python), which fits every row" in message
    assert to_panel(table(times), frequency="10min").lengths.tolist() == [10]


# Series of different frequencies


def two_series(*spans):
    parts = [
        table(pd.date_range("2023-01-01", periods=rows, freq=alias), id=name)
        for name, (alias, rows) in zip("ab", spans, strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize(
    ("spans", "words"),
    [
        ([("D", 400), ("MS", 14)], "'a' is daily, 'b' is monthly"),
        ([("D", 20), ("MS", 60)], "'a' is daily, 'b' is monthly"),
        ([("15min", 400), ("h", 100)], "'a' is every 15 minutes, 'b' is hourly"),
        ([("10min", 40), ("15min", 40)], "'a' is every 10 minutes, 'b' is every 15 minutes"),
        ([("D", 400), ("W", 50)], "'a' is daily, 'b' is weekly"),
    ],
)
def test_series_of_different_frequencies_are_told_and_read_one_by_one(spans, words):
    both = two_series(*spans)

    message = refusal(both)

    assert message == (
        f"the table: series have different frequencies: {words}; put the series of each frequency "
        "into a table of their own, or bring all to one frequency"
    )
    for name, (_, rows) in zip("ab", spans, strict=True):
        assert to_panel(both[both["id"] == name]).lengths.tolist() == [rows]


def test_a_series_with_a_few_scattered_rows_is_filled_beside_a_daily_one():
    days = pd.date_range("2024-01-01", periods=200)
    scattered = table(days[[3, 4, 11, 30, 31, 77, 150, 199]], id="rare")

    panel = to_panel(pd.concat([table(days, id="usual"), scattered], ignore_index=True))

    assert panel.lengths.tolist() == [197, 200]
    assert "missing rows inserted for gaps: 189, in 1 of 2 series ('rare')" in panel.notes


# Grids that would be mostly gaps


@pytest.mark.parametrize(
    ("kept", "filled"),
    [
        ([*range(100), *range(400, 500)], 300),  # a long outage
        ([day for day in range(700) if day % 365 < 120], 245),  # open in the season only
        ([day for day in range(300) if day * 7919 % 10 < 7], 90),  # 30 % are missing
    ],
)
def test_outages_and_scattered_gaps_are_filled_and_told(kept, filled):
    days = pd.date_range("2024-01-01", periods=max(kept) + 1)[kept]

    panel = to_panel(table(days))

    assert f"missing rows inserted for gaps: {filled}" in panel.notes


def test_scattered_days_are_refused_unless_their_frequency_is_given():
    kept = np.cumsum([1, 1, 1, 5, 3, 1, 9, 2, 1, 4, 1, 7, 2, 1, 6])
    events = table(pd.Timestamp("2024-01-01") + pd.to_timedelta(kept, "D"))

    message = refusal(events)

    assert message == (
        "the table, row 6, column 'ds': 2024-01-22 follows 2024-01-13, where the most common "
        "spacing is daily: a regular grid would have 30 missing rows for 15; if they are of "
        "several series, name their column with --id (id= in Python); if they are events, "
        "resample them (in pandas: .resample('D').sum()); if these rows are really missing, say "
        "so with --frequency D (frequency='D' in Python)"
    )
    filled = to_panel(events, frequency="D")
    assert "missing rows inserted for gaps: 30" in filled.notes
    resampled = to_panel(events.set_index("ds").resample("D").sum())
    assert resampled.lengths.tolist() == filled.lengths.tolist() == [45]


def test_a_last_row_far_behind_the_others_is_no_outage():
    days = pd.date_range("2024-01-01", periods=28).append(pd.DatetimeIndex(["2025-01-29"]))

    assert "row 28, column 'ds': 2025-01-29 follows 2024-01-28" in refusal(table(days))


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        (
            [int(f"2024{month:02}{day:02}24") for month in (1, 2, 3) for day in (1, 2, 3)]
            + [int(f"202401{day:02}{hour:02}") for day in range(1, 29) for hour in range(24)],
            "looks like YYYYMMDDHH, but 2024010124 is no such time",
        ),
        (
            [int(f"{year}{quarter}") for year in range(2010, 2024, 3) for quarter in (1, 2)],
            "looks like YYYYQ; if so, say --date-format '%Y%q' (date_format= in Python)",
        ),
        ([1, 2, 3, 90, 91, 300], "number the rows of each series in a column"),
    ],
)
def test_whole_numbers_that_would_be_mostly_invented_are_refused(codes, words):
    message = refusal(table(sorted(set(codes))), time="ds")

    assert words in message
    assert "say so with --frequency 1 (frequency='1' in Python)" in message


def test_whole_numbers_with_gaps_are_filled_where_the_step_is_given():
    assert to_panel(table([1, 2, 3, 90, 91, 99]), frequency="1").lengths.tolist() == [99]


# Clocks


def test_an_hour_that_occurs_twice_when_clocks_are_set_back_is_told():
    zoned = pd.date_range("2024-10-26", periods=72, freq="h", tz="Europe/Berlin")
    local = zoned.tz_localize(None)

    message = refusal(table(local))

    assert "2024-10-27 02:00:00 is in row 26 already: clocks are set back at such hours" in message
    with_offset = to_panel(table([t.isoformat() for t in zoned]))
    in_utc = to_panel(table(zoned.tz_convert("UTC").tz_localize(None)))
    assert with_offset.lengths.tolist() == in_utc.lengths.tolist() == [72]


def test_other_repeated_hours_are_not_blamed_on_the_clocks():
    hours = pd.date_range("2024-10-25", periods=30, freq="h")

    assert "keep one row per time" in refusal(table(hours.append(hours[[5]])))
