"""Times that are split over columns are joined; anything else stays as it is."""

import pandas as pd
import pytest

from forecast.data.column_roles import ColumnRoles
from forecast.data.split_times import join_times
from forecast.data.table_layout import flatten
from forecast.data.to_panel import to_panel
from forecast.errors import DataError


def joined(**columns):
    """The column of times, the columns that are left, and the note; None if nothing is joined."""
    found = join_times(flatten(pd.DataFrame(columns), "t"), ColumnRoles())
    if found is None:
        return None
    return found.flat.frame["date"].tolist(), found.flat.frame.columns.tolist(), found.notes


@pytest.mark.parametrize(
    ("parts", "times"),
    [
        ({"year": [2023, 2024], "quarter": [4, 1]}, ["2023Q4", "2024Q1"]),
        ({"Year": [2023, 2024], "Month": ["Dec", "January"]}, ["2023-12", "2024-01"]),
        ({"yr": [2024, 2024], "mnth": [1, 1], "day": [9, 10]}, ["2024-01-09", "2024-01-10"]),
        (
            {"year": [2024, 2024], "month": [1, 1], "day": [9, 9], "hour": [9, 10]},
            ["2024-01-09 09:00", "2024-01-09 10:00"],
        ),
        (
            {"year": [2024] * 2, "month": [1, 1], "day": [9, 9], "hour": [9, 9], "min": [0, 30]},
            ["2024-01-09 09:00", "2024-01-09 09:30"],
        ),
        (
            {"date": ["2024-01-09"] * 2, "time": ["9:00", "9:30"]},
            ["2024-01-09 9:00", "2024-01-09 9:30"],
        ),
        ({"Date": ["9.1.2024"] * 2, "Hour": [9, 10]}, ["9.1.2024 09:00", "9.1.2024 10:00"]),
        ({"Date": ["9.1.2024"] * 2, "Hour": [1, 24]}, ["9.1.2024 00:00", "9.1.2024 23:00"]),
        (
            {"day": pd.to_datetime(["2024-01-09"] * 2), "time": ["9:00 AM", "9:30 AM"]},
            ["2024-01-09 9:00 AM", "2024-01-09 9:30 AM"],
        ),
    ],
)
def test_the_parts_of_a_time_are_joined(parts, times):
    first, *_, last = parts

    assert joined(**parts, sold=[1, 2])[:2] == (times, ["date", "sold"])
    assert joined(sold=[1, 2], **parts)[1] == ["sold", "date"]
    assert f"joined '{first}' and " in joined(**parts, sold=[1, 2])[2][0]
    assert f"'{last}' to times such as {times[0]}" in joined(**parts, sold=[1, 2])[2][0]


@pytest.mark.parametrize(
    "columns",
    [
        {"year": [2023, 2024], "sold": [1, 2]},
        {"month": [1, 2], "sold": [1, 2]},
        {"year": [2023, 2024], "month": [0, 13]},
        {"year": [1, 2], "month": [1, 2]},
        {"year": [2024, 2024], "month": [2, 2], "day": [29, 30]},  # there is no such day
        {"year": [2023, 2024], "day": [1, 2]},  # without a month
        {"date": ["2024-01-09", "2024-01-10"], "month": [1, 1], "year": [2024, 2024]},
        {"date": ["2024-01-09", "2024-01-10"], "time": ["9:00", "9:30"]},  # days alone are distinct
        {"date": ["2024-01-09 10:00"] * 2, "hour": [1, 2]},
        {"date": ["2024-01-09"] * 2, "hour": [2, 24]},
        {"ds": [1, 2], "year": [2023, 2024], "month": [1, 2]},
    ],
)
def test_what_is_no_split_time_stays_as_it_is(columns):
    assert joined(**columns) is None


def test_a_panel_counts_the_joined_times():
    table = pd.DataFrame({"year": [2023] * 4, "quarter": [1, 2, 3, 4], "gdp": [1.0, 2, 3, 4]})

    panel = to_panel(table)

    assert (panel.frequency.name, panel.schema.time, panel.schema.targets) == (
        "QS",
        "date",
        ("gdp",),
    )
    assert panel.notes[0] == "joined 'year' and 'quarter' to times such as 2023Q1"
    again = to_panel(table, time="date", target="gdp")
    assert again.start.tolist() == panel.start.tolist()


def test_a_column_that_is_named_for_the_time_is_not_joined():
    table = pd.DataFrame({"year": [2023, 2024], "month": [1, 1], "sold": [1.0, 2]})

    assert to_panel(table, time="year", target="sold").schema.time == "year"
    with pytest.raises(DataError, match="no column 'date' for the time"):
        to_panel(table[["year", "sold"]], time="date")
