"""Frequencies: regular spacings of time, and the ordinals that count time in them."""

import math
import re
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.errors import DataError, OptionError

Unit = Literal["integer", "microsecond", "business day", "month"]
Integers = npt.NDArray[np.int64]
Times = pd.DatetimeIndex | npt.NDArray[Any]

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY

MAX_HOLIDAY_SHIFT = 4  # days between the last trading day of a month and its last weekday
_PLACES = {"": "", "start": "S", "end": "E", "business start": "S", "business end": "E"}
_MAX_SEASON_STEPS = 10_080  # a week of minutes; longer seasons need more history than series have


class _Span(NamedTuple):
    alias: str
    units: int
    every_unit: str
    plural: str


# The widest span that divides a step gives the step its name.
_SPANS: dict[Unit, tuple[_Span, ...]] = {
    "integer": (_Span("", 1, "every step of integer time", "steps of integer time"),),
    "microsecond": (
        _Span("W", WEEK, "weekly", "weeks"),
        _Span("D", DAY, "daily", "days"),
        _Span("h", HOUR, "hourly", "hours"),
        _Span("min", MINUTE, "every minute", "minutes"),
        _Span("s", SECOND, "every second", "seconds"),
        _Span("ms", 1000, "every millisecond", "milliseconds"),
        _Span("us", 1, "every microsecond", "microseconds"),
    ),
    "business day": (_Span("B", 1, "business-daily", "business days"),),
    "month": (
        _Span("Y", 12, "yearly", "years"),
        _Span("Q", 3, "quarterly", "quarters"),
        _Span("M", 1, "monthly", "months"),
    ),
}
_CYCLES: dict[Unit, dict[str, int]] = {
    "integer": {},
    "microsecond": {"day": DAY, "week": WEEK, "year": 365 * DAY},
    "business day": {"week": 5, "year": 261},
    "month": {"year": 12},
}


@dataclass(frozen=True)
class Frequency:
    """A regular spacing of time, counted in whole numbers (ordinals).

    Only distances have meaning: each series may start at its own phase (one hourly series at
    the full hour, another at half past), as long as its own rows are whole steps apart.

    Args:
        unit: What an ordinal counts.
        step: Units from one observation to the next, at least 1.
        anchor: Where in the month its time lies, for the unit "month" only: "start", "end", the
            first or last business day ("business start", "business end") or the day of the
            month as text, "1" to "28". Month and business-day times lie at midnight.

    Example:
        >>> hourly = parse("h")
        >>> hourly.label, hourly.seasons, hourly.cycles
        ('hourly', (24, 168), ('day', 'week', 'year'))
    """

    unit: Unit
    step: int
    anchor: str = ""

    @property
    def name(self) -> str:
        """Alias in pandas' style, which `parse` reads back: "h", "15min", "W", "MS", "10"."""
        span = self._span
        count = self.step // span.units
        place = _PLACES.get(self.anchor, f"S-{self.anchor}")
        business = "B" if self.is_business_month else ""
        return f"{'' if count == 1 and span.alias else count}{business}{span.alias}{place}"

    @property
    def label(self) -> str:
        """The frequency in words: "hourly", "every 15 minutes", "business-daily"."""
        span = self._span
        count = self.step // span.units
        words = span.every_unit if count == 1 else f"every {count} {span.plural}"
        if self.is_business_month:
            words += f" ({'first' if self.anchor == 'business start' else 'last'} business day)"
        return words

    @property
    def is_business_month(self) -> bool:
        """Whether months are dated by their first or last business day."""
        return self.anchor in ("business start", "business end")

    @property
    def seasons(self) -> tuple[int, ...]:
        """Seasonal periods in steps, shortest first: a day, a week, a year, where whole.

        A year counts only where steps are whole days; it is 365 days, 52 weeks, 261 business
        days or 12 months. A season of more than 10,080 steps is left out.
        """
        return tuple(self._seasons.values())

    @property
    def season_length(self) -> int:
        """The shortest seasonal period in steps, or 1: that of the seasonal naive forecast."""
        return next(iter(self.seasons), 1)

    @property
    def lags(self) -> tuple[int, ...]:
        """Useful lags besides the last step: three days, two weeks and a year back.

        Two years where no shorter season exists. A longer season is rounded down to whole
        shorter ones, so that a year ago (364 days) means the same weekday.
        """
        seasons = self._seasons
        times = {"day": 3, "week": 2, "year": 1 if len(seasons) > 1 else 2}
        whole = {cycle: steps - steps % self.season_length for cycle, steps in seasons.items()}
        back = {n * whole[cycle] for cycle in whole for n in range(1, times[cycle] + 1)}
        return tuple(sorted(back))

    @property
    def cycles(self) -> tuple[str, ...]:
        """Calendar cycles that change from step to step, among "day", "week" and "year"."""
        return tuple(cycle for cycle, units in self._cycles.items() if self.step % units)

    @property
    def is_subdaily(self) -> bool:
        """Whether steps are shorter than a day, or not whole days."""
        return self.unit == "microsecond" and self.step % DAY != 0

    def repeated(self, steps: int) -> tuple[str, ...]:
        """The cycles that a number of steps covers at least twice."""
        return tuple(c for c in self.cycles if steps * self.step >= 2 * self._cycles[c])

    def steps_in(self, cycle: str) -> float:
        """How many steps a calendar cycle has."""
        return self._cycles[cycle] / self.step

    def ordinals(self, times: Times) -> Integers:
        """Count times in whole units; neighbouring observations differ by `step`.

        Args:
            times: Naive timestamps or, for integer time, integers, (N,).

        Returns:
            int64 (N,): microseconds since 1970, months since January 1970, business days since
            1 January 1970 (a weekend counts as the Monday after it), or the integers.

        Raises:
            DataError: The times are of the wrong kind, such as integers for daily data.
        """
        values = plain_times(times)
        if (values.dtype.kind == "M") != (self.unit != "integer"):
            raise DataError(
                f"a frequency of {self.name!r} does not fit times that are {values.dtype}"
            )
        if self.unit == "month":
            return values.astype("datetime64[M]").astype(np.int64)
        microseconds = values.view(np.int64)
        if self.unit != "business day":
            return microseconds
        week, weekday = np.divmod(microseconds // DAY + 3, 7)  # 1 January 1970: a Thursday
        return week * 5 + np.minimum(weekday, 5) - 3

    @property
    def per_year(self) -> float:
        """Steps in a year; infinite for integer time."""
        return _CYCLES[self.unit].get("year", math.inf) / self.step

    def times(self, ordinals: Integers) -> pd.DatetimeIndex | Integers:
        """Give the times of ordinals, the inverse of `ordinals`.

        Args:
            ordinals: Whole numbers of units, int64 (N,).

        Returns:
            A naive DatetimeIndex in microseconds (N,), or int64 (N,) for integer time.
        """
        ordinals = np.asarray(ordinals, np.int64)
        if self.unit == "integer":
            return ordinals
        return pd.DatetimeIndex(self._microseconds(ordinals).view("datetime64[us]"))

    def text(self, ordinal: int) -> str:
        """One time as text for people.

        Example:
            >>> parse("D").text(0), parse("h").text(0), parse("10").text(30)
            ('1970-01-01', '1970-01-01 00:00:00', '30')
        """
        time = str(self.times(np.array([ordinal]))[0])
        return time if self.is_subdaily else time.removesuffix(" 00:00:00")

    def off_grid(self, times: Times) -> npt.NDArray[np.bool_]:
        """Mark times without an ordinal, such as a Saturday among business days.

        Where months are dated by their first or last business day, a row may lie on another
        weekday of the month up to 4 days from it, since holidays move it.

        Args:
            times: Naive timestamps or integers (N,).

        Returns:
            bool (N,): True where the time of the ordinal differs from the time.

        Raises:
            DataError: The times are of the wrong kind.
        """
        ordinals = self.ordinals(times)
        if self.unit == "integer":
            return np.zeros(len(ordinals), np.bool_)
        stamps = np.asarray(times)
        if self.is_business_month:
            return ~self._is_near_business_day(stamps, ordinals)
        back = self._microseconds(ordinals).view("datetime64[us]")
        off: npt.NDArray[np.bool_] = back.astype(stamps.dtype, copy=False) != stamps
        return off

    def moved(self, times: Times) -> npt.NDArray[np.bool_]:
        """Mark times that differ from the time of their ordinal, as holidays move business days.

        Args:
            times: Naive timestamps or integers (N,).
        """
        if not self.is_business_month:
            return np.zeros(len(times), np.bool_)
        stamps = plain_times(times).view(np.int64)
        moved: npt.NDArray[np.bool_] = self._microseconds(self.ordinals(times)) != stamps
        return moved

    def _is_near_business_day(
        self, stamps: npt.NDArray[Any], ordinals: Integers
    ) -> npt.NDArray[np.bool_]:
        """Whether times are weekdays of their month, at midnight, up to 4 days from the anchor."""
        anchor = self._microseconds(ordinals).view("datetime64[us]")
        distance = anchor - stamps if self.anchor == "business end" else stamps - anchor
        days = distance.astype("timedelta64[D]")
        is_near = (days >= np.timedelta64(0, "D")) & (
            days <= np.timedelta64(MAX_HOLIDAY_SHIFT, "D")
        )
        is_weekday = (stamps.astype("datetime64[D]").view(np.int64) + 3) % 7 < 5
        near: npt.NDArray[np.bool_] = (days == distance) & is_near & is_weekday
        return near

    def numbers(self, ordinals: Integers) -> Integers:
        """Number the steps, so that neighbouring observations differ by 1.

        Args:
            ordinals: Whole numbers of units, int64 (N,).

        Returns:
            int64 (N,): ordinals divided by the step, rounded down.
        """
        return np.asarray(ordinals, np.int64) // self.step

    def calendar(self, ordinals: Integers, cycles: tuple[str, ...]) -> npt.NDArray[np.float32]:
        """Encode times as points on the circle of each calendar cycle.

        A day begins at midnight, a week on Monday, a year on 1 January. Time moves evenly
        along a cycle; monthly data moves by twelfths of a year.

        Args:
            ordinals: Whole numbers of units, int64 (N,), or of any other shape.
            cycles: Any of "day", "week" and "year"; none for integer time.

        Returns:
            float32 (N, 2 * len(cycles)): the sine and the cosine of each cycle, in order.

        Raises:
            OptionError: A cycle is unknown, or integer time has no calendar.
        """
        ordinals = np.asarray(ordinals, np.int64)
        waves = np.empty((*ordinals.shape, 2 * len(cycles)), np.float32)
        for k, cycle in enumerate(cycles):
            angle = 2 * np.pi * self._phase(ordinals, cycle)
            np.sin(angle, out=waves[..., 2 * k])
            np.cos(angle, out=waves[..., 2 * k + 1])
        return waves

    @property
    def _span(self) -> _Span:
        return next(span for span in _SPANS[self.unit] if self.step % span.units == 0)

    @property
    def _cycles(self) -> dict[str, int]:
        """Length of each calendar cycle in units."""
        if self.unit == "microsecond" and self.step % WEEK == 0:
            return _CYCLES[self.unit] | {"year": 52 * WEEK}
        return _CYCLES[self.unit]

    @property
    def _seasons(self) -> dict[str, int]:
        """Length in steps of each cycle that is a season."""
        step = self.step
        return {
            cycle: units // step
            for cycle, units in self._cycles.items()
            if units % step == 0
            and step < units <= _MAX_SEASON_STEPS * step
            and not (cycle == "year" and self.is_subdaily)
        }

    def _microseconds(self, ordinals: Integers) -> Integers:
        """Microseconds since 1970 of ordinals of any unit but integer time."""
        if self.unit == "microsecond":
            return ordinals
        if self.unit == "business day":
            week, weekday = np.divmod(ordinals + 3, 5)
            return (week * 7 + weekday - 3) * DAY
        if self.anchor in ("end", "business end"):
            days = (ordinals + 1).view("datetime64[M]").astype("datetime64[D]").view(np.int64) - 1
        else:
            day = int(self.anchor) if self.anchor.isdecimal() else 1
            days = ordinals.view("datetime64[M]").astype("datetime64[D]").view(np.int64) + day - 1
        if self.is_business_month:
            past_friday = np.maximum((days + 3) % 7 - 4, 0)  # 1 on Saturdays, 2 on Sundays
            is_end = self.anchor == "business end"
            days = days + np.where(past_friday, -past_friday if is_end else 3 - past_friday, 0)
        return days * DAY

    def _phase(self, ordinals: Integers, cycle: str) -> npt.NDArray[np.float64]:
        """Share of the cycle that has passed, from 0 to 1, in the shape of the ordinals."""
        if self.unit == "integer" or cycle not in _CYCLES["microsecond"]:
            raise OptionError(f"{self.label} has no calendar cycle {cycle!r}")
        if cycle == "year" and self.unit == "month":
            return ordinals % 12 / 12
        now = self._microseconds(ordinals)
        if cycle == "day":
            return now % DAY / DAY
        if cycle == "week":
            return (now + 3 * DAY) % WEEK / WEEK
        year = now.view("datetime64[us]").astype("datetime64[Y]")
        begin = year.astype("datetime64[us]").view(np.int64)
        end = (year + 1).astype("datetime64[us]").view(np.int64)
        return (now - begin) / (end - begin)


_WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_OLD_ALIASES = {
    **{"H": "h", "T": "min", "S": "s", "L": "ms", "U": "us"},
    **{"M": "ME", "Q": "QE", "A": "YE", "Y": "YE", "AS": "YS"},
    **{"BM": "BME", "BQ": "BQE", "BA": "BYE", "BY": "BYE", "BAS": "BYS"},
}
_NAMED = {"": Frequency("integer", 1), "B": Frequency("business day", 1)}
_NAMED |= {span.alias: Frequency("microsecond", span.units) for span in _SPANS["microsecond"]}
_NAMED |= {f"{span.alias}S": Frequency("month", span.units, "start") for span in _SPANS["month"]}
_NAMED |= {f"{span.alias}E": Frequency("month", span.units, "end") for span in _SPANS["month"]}
_NAMED |= {
    f"B{span.alias}{place}": Frequency("month", span.units, f"business {where}")
    for span in _SPANS["month"]
    for place, where in (("S", "start"), ("E", "end"))
}


def parse(alias: str) -> Frequency:
    """Read a frequency from its pandas-style alias.

    Args:
        alias: A count and a unit, such as "h", "15min", "D", "B", "W", "MS", "QE" or "YS"; a
            day of the month after "MS", "QS" or "YS", such as "MS-15"; "BMS" and "BME", "BQE"
            and so on for the first or last business day; a bare number for integer time.
            Anchors such as the "SUN" of "W-SUN" are accepted and ignored: each series keeps its
            own phase. The aliases of older pandas work too.

    Returns:
        The frequency.

    Raises:
        OptionError: The alias is not understood, or the step too long to count.

    Example:
        >>> parse("30min")
        Frequency(unit='microsecond', step=1800000000, anchor='')
    """
    match = re.fullmatch(r"(\d*)([A-Za-z]*)(?:-(\w+))?", alias.strip(), re.ASCII)
    count, word, place = match.groups(default="") if match else ("", "", "")
    base = _NAMED.get(_OLD_ALIASES.get(word, word)) if count or word else None
    anchor = _parse_place(base, place) if base else None
    if base and anchor is not None and len(count) < 20:
        step = base.step * int(count or 1)
        if 1 <= step < 2**63:
            return replace(base, step=step, anchor=anchor)
    raise OptionError(
        f"frequency {alias!r} is not known. Use a pandas alias such as 'h', '15min', 'D', 'B', "
        "'W', 'MS', 'ME', 'QS', 'YE', with a count in front if wanted ('2h'), 'MS-15' for the "
        "15th of each month, 'BME' for its last business day, or a number such as '1' or '10' for "
        "integer time"
    )


def _parse_place(base: Frequency, place: str) -> str | None:
    """The anchor given by the part after the hyphen; None where it has no meaning."""
    if base.anchor == "start" and place.isdecimal() and 1 <= int(place) <= 28:
        return day_anchor(int(place))
    phases = {WEEK: _WEEKDAYS, 3: _MONTHS, 12: _MONTHS}.get(base.step, ())
    return base.anchor if not place or place in phases else None


def plain_times(times: Times) -> npt.NDArray[Any]:
    """The times as datetime64[us] or int64."""
    values = np.asarray(times)
    if values.dtype.kind not in "Miu":
        raise DataError(f"times need to be naive timestamps or whole numbers, not {values.dtype}")
    return values.astype("datetime64[us]" if values.dtype.kind == "M" else np.int64, copy=False)


def day_anchor(day: int) -> str:
    """Name the anchor of times on one day of the month."""
    return "start" if day == 1 else str(day)
