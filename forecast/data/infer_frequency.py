"""Inferring the frequency of timestamps, and finding those that break it."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.data.frequency import (
    DAY,
    MAX_HOLIDAY_SHIFT,
    WEEK,
    Frequency,
    Integers,
    Times,
    day_anchor,
    parse,
    plain_times,
)
from forecast.errors import DataError

LEAST_MONTH = (28 - MAX_HOLIDAY_SHIFT) * DAY  # between the business days that end two months
NUMBER_THEM = (
    "number the rows of each series in a column (1, 2, 3, …) and give it with --time (time= in "
    "Python)"
)


def infer(times: Times, indptr: Integers) -> Frequency:
    """Infer the frequency of a panel from the distances between its rows.

    The step is the most common distance (the smaller of two equally common ones), and every
    distance must be a multiple of it; rows may be missing. Days without any weekend are
    business days. Dates on one day of the month are counted in months, and so are those on the
    first or last business day, of which a minority may be moved up to 4 days by holidays.

    Args:
        times: Naive timestamps or integers (N,), increasing within each series.
        indptr: Where each series begins and, last, N: (S+1,).

    Returns:
        The frequency that all series share; their phases may differ.

    Raises:
        DataError: No series has two rows, or the rows are not increasing or evenly spaced.

    Example:
        >>> infer(pd.DatetimeIndex(["2024-01-31", "2024-02-29", "2024-04-30"]), np.array([0, 3]))
        Frequency(unit='month', step=1, anchor='end')
    """
    times = plain_times(times)
    frequency = Frequency("microsecond" if times.dtype.kind == "M" else "integer", 1)
    gaps = _gaps(times.view(np.int64), indptr)
    if not len(gaps):
        raise DataError(
            "cannot infer the frequency: no series has two rows. Give at least 2 rows of one "
            "series, or name the frequency, such as --frequency D (frequency='D' in Python)"
        )
    if gaps.min() < 1:
        raise DataError(
            "cannot infer the frequency: rows of one series repeat a time, run backwards, or lie "
            "less than a microsecond apart"
        )
    is_dated = frequency.unit == "microsecond"
    if is_dated and gaps.min() >= 28 * DAY and (anchor := _month_anchor(times)):
        frequency = Frequency("month", 1, anchor)
        gaps = _gaps(frequency.ordinals(times), indptr)
    frequency = replace(frequency, step=_most_common(gaps))
    is_monthly = is_dated and gaps.min() >= LEAST_MONTH and frequency.unit == "microsecond"
    if is_monthly and _are_uneven(gaps, frequency) and (anchor := _business_anchor(times)):
        frequency = Frequency("month", 1, anchor)
        gaps = _gaps(frequency.ordinals(times), indptr)
        frequency = replace(frequency, step=_most_common(gaps))
    if _are_uneven(gaps, frequency):
        raise _irregular_error(times, indptr, frequency, gaps)
    if frequency == parse("D") and _skips_weekends(times, gaps):
        return parse("B")
    return frequency


def share_of_grid(times: Times) -> float:
    """How much of a regular grid some times fill: the evidence for one reading of them.

    Args:
        times: Naive timestamps or integers (N,), in any order.

    Returns:
        The share of the grid's rows that there are, 1 for a single time; 0 where the times are
        unevenly spaced.

    Example:
        >>> share_of_grid(np.array([3, 1, 2])), share_of_grid(np.array([1, 2, 3, 6]))
        (1.0, 0.6666666666666666)
    """
    distinct = np.unique(plain_times(times))
    if len(distinct) < 2:
        return 1.0
    try:
        frequency = infer(distinct, np.array([0, len(distinct)]))
    except DataError:
        return 0.0
    first, last = frequency.ordinals(distinct[[0, -1]])
    return len(distinct) / float((last - first) // frequency.step + 1)


def irregular(times: Times, indptr: Integers, frequency: Frequency) -> npt.NDArray[np.bool_]:
    """Mark the rows that do not fit a frequency.

    Args:
        times: Naive timestamps or integers (N,).
        indptr: Where each series begins and, last, N: (S+1,).
        frequency: The spacing that the rows should have.

    Returns:
        bool (N,): True at a row that is off the frequency's grid, or whose distance to the row
        before it in its series is not a positive multiple of the step.

    Raises:
        DataError: The times are of the wrong kind for the frequency.
    """
    wrong = frequency.off_grid(times)
    gaps = np.diff(frequency.ordinals(times))
    odd = np.flatnonzero((gaps != frequency.step) & ~_crosses(indptr, len(gaps)))
    wrong[odd + 1] |= (gaps[odd] <= 0) | (gaps[odd] % frequency.step != 0)
    return wrong


def _crosses(indptr: Integers, length: int) -> npt.NDArray[np.bool_]:
    """Mark the differences between neighbouring rows of different series."""
    begins = np.asarray(indptr)[1:-1]
    crosses = np.zeros(length, np.bool_)
    crosses[begins[(begins > 0) & (begins <= length)] - 1] = True
    return crosses


def _gaps(ordinals: Integers, indptr: Integers) -> Integers:
    """Distances between neighbouring rows of the same series, in units."""
    gaps = np.diff(ordinals)
    return gaps if len(indptr) <= 2 else gaps[~_crosses(indptr, len(gaps))]


def _are_uneven(gaps: Integers, frequency: Frequency) -> bool:
    return bool((gaps[gaps != frequency.step] % frequency.step).any())


def _most_common(gaps: Integers) -> int:
    """The most common value; the smallest of equally common ones."""
    least = gaps.min()
    if 2 * np.count_nonzero(gaps == least) >= len(gaps):  # spares the sorting of millions
        return int(least)
    values, counts = np.unique(gaps, return_counts=True)
    return int(values[counts.argmax()])


def _month_anchor(stamps: npt.NDArray[np.datetime64]) -> str:
    """The day of the month that all times share; "" where there is none, or a time of day."""
    stamps = pd.unique(stamps)  # the series of a panel share most of them
    days = stamps.astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    day = (days - months.astype("datetime64[D]")).view(np.int64) + 1
    if (stamps != days).any():
        return ""
    if (days + 1 == (months + 1).astype("datetime64[D]")).all():
        return "end"
    is_shared = day.min() == day.max() <= 28
    return day_anchor(int(day[0])) if is_shared else ""


def _business_anchor(stamps: npt.NDArray[np.datetime64]) -> str:
    """The first or last business day of the month, where most times are one; "" otherwise."""
    stamps = pd.unique(stamps)
    for anchor in ("business end", "business start"):
        monthly = Frequency("month", 1, anchor)
        if not monthly.off_grid(stamps).any() and 2 * monthly.moved(stamps).sum() < len(stamps):
            return anchor
    return ""


def _skips_weekends(stamps: npt.NDArray[np.datetime64], gaps: Integers) -> bool:
    """Whether daily rows go from Friday to Monday and never fall on a weekend."""
    if not (gaps == 3 * DAY).any():
        return False
    return not Frequency("business day", 1).off_grid(stamps).any()


def _irregular_error(
    times: npt.NDArray[Any], indptr: Integers, frequency: Frequency, gaps: Integers
) -> DataError:
    """The error that says which row breaks the most common spacing, and what to do."""
    row = int(irregular(times, indptr, frequency).argmax())
    count = np.count_nonzero(gaps == frequency.step)
    return DataError(
        f"the rows are not evenly spaced: the most common spacing is {frequency.label} ({count} "
        f"of {len(gaps)}), but {_show(times[row])} follows {_show(times[row - 1])}. "
        f"{_advice(times, indptr, frequency, gaps)}"
    )


def _advice(times: npt.NDArray[Any], indptr: Integers, frequency: Frequency, gaps: Integers) -> str:
    """What to do about uneven rows, so that they can be read."""
    if frequency.unit == "microsecond":
        if gaps.min() >= LEAST_MONTH and _is_one_a_month(times, indptr):
            return _monthly_advice(times)
        if set(np.unique(gaps)) <= {4 * WEEK, 5 * WEEK}:
            return f"Periods of 4 and 5 weeks have no even spacing: {NUMBER_THEM}"
        if frequency.step > WEEK:
            return f"{NUMBER_THEM[0].upper()}{NUMBER_THEM[1:]}"
    advice = "Number the rows evenly"
    if frequency.unit != "integer":
        alias = _usual_alias(frequency, gaps)
        advice = f"Resample them to one row per step (in pandas: .resample({alias!r}).mean())"
    widest = replace(frequency, step=int(np.gcd.reduce(gaps)))
    if gaps.sum() // widest.step + len(indptr) - 1 <= 2 * len(times):  # at most half are gaps
        advice += (
            f", or give --frequency {widest.name} (frequency={widest.name!r} in Python), which "
            "fits every row"
        )
    return advice


def _usual_alias(frequency: Frequency, gaps: Integers) -> str:
    """The alias of the most common spacing or, where most gaps differ, of the next usual one."""
    if 2 * np.count_nonzero(gaps == frequency.step) >= len(gaps) or frequency.unit != "microsecond":
        return frequency.name.split("-")[0]
    usual = np.median(gaps)
    return parse(next((a for a in ("s", "min", "h", "D") if parse(a).step >= usual), "W")).name


def _is_one_a_month(stamps: npt.NDArray[np.datetime64], indptr: Integers) -> bool:
    """Whether no two rows of a series lie in the same month."""
    return bool(_gaps(stamps.astype("datetime64[M]").view(np.int64), indptr).min() >= 1)


def _monthly_advice(stamps: npt.NDArray[np.datetime64]) -> str:
    days = stamps.astype("datetime64[D]").astype("datetime64[us]")
    if (days != stamps).any() and (_month_anchor(days) or _business_anchor(days)):
        return "Write the dates without the time of day"
    month = str(stamps[0].astype("datetime64[M]"))
    return (
        f"If each row stands for its month, write the months alone, such as {month} (in pandas: "
        ".dt.to_period('M')); otherwise " + NUMBER_THEM
    )


def _show(time: Any) -> str:
    if isinstance(time, np.datetime64):
        return str(pd.Timestamp(time)).removesuffix(" 00:00:00")
    return str(time)
