"""Times as people write them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1)
SUBDAILY = ("15min", "h")
DAYS = ("D", "B", "W")
MONTHS = ("MS", "ME", "QS", "YS")
FREQUENCIES = (*SUBDAILY, *DAYS, *MONTHS, "1")
BERLIN = ZoneInfo("Europe/Berlin")
INDIA = timezone(timedelta(hours=5, minutes=30))
NAMES = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


class DateStyle(NamedTuple):
    """A way to write times."""

    write: Callable[[datetime], str]
    frequencies: tuple[str, ...]  # for which it is used
    whole: str = ""  # written as a whole number: "code" of a calendar, or "count" of equal steps
    order: str = ""  # "dm" or "md" where days and months could be exchanged
    span: str = ""  # the period that is written, where it is longer than a day
    zone: str = ""  # "offset" where all times have the same, "offsets" where it changes
    short_year: bool = False
    may_be_refused: bool = False  # more than one calendar writes such numbers


def step(time: datetime, frequency: str, n: int) -> datetime:
    """The time n steps of a frequency later."""
    if frequency in ("15min", "h"):
        return time + n * timedelta(minutes=15 if frequency == "15min" else 60)
    if frequency in ("D", "1", "W"):
        return time + n * timedelta(days=7 if frequency == "W" else 1)
    if frequency == "B":
        week, day = divmod(time.weekday() + n, 5)
        return time + timedelta(days=7 * week + day - time.weekday())
    months = n * {"MS": 1, "ME": 1, "QS": 3, "YS": 12}[frequency] + time.month - 1
    first = datetime(time.year + months // 12, months % 12 + 1, 1)
    return step(first, "MS", 1) - timedelta(days=1) if frequency == "ME" else first


def since_1970(time: datetime) -> int:
    """Seconds."""
    return round((time - EPOCH).total_seconds())


def _clock(time: datetime) -> str:
    return f"{(time.hour + 11) % 12 + 1}:{time.minute:02}{' PM' if time.hour > 11 else ' AM'}"


def _mon(time: datetime) -> str:
    return NAMES[time.month - 1][:3]


def _quarter(time: datetime) -> int:
    return (time.month + 2) // 3


def _week(time: datetime, form: str) -> str:
    year, week, day = time.isocalendar()
    return form.format(year=year, week=week, day=day)


def _in(zone: timezone | ZoneInfo) -> Callable[[datetime], str]:
    return lambda time: time.replace(tzinfo=UTC).astimezone(zone).isoformat()


def _with(form: str) -> Callable[[datetime], str]:
    return lambda t: form.format(
        t=t, y=t.year % 100, mon=_mon(t), month=NAMES[t.month - 1], q=_quarter(t), clock=_clock(t)
    )


_DATED = (*DAYS, *MONTHS)
_ALL = (*SUBDAILY, *_DATED)
_BY_MONTH = ("MS", "QS")

STYLES: dict[str, DateStyle] = {
    "iso": DateStyle(lambda t: t.date().isoformat(), _DATED),
    "iso slashes": DateStyle(_with("{t:%Y/%m/%d}"), _DATED),
    "iso minutes": DateStyle(lambda t: t.isoformat(" ", "minutes"), _ALL),
    "iso seconds": DateStyle(lambda t: t.isoformat(" "), _ALL),
    "iso T": DateStyle(lambda t: t.isoformat(), _ALL),
    "iso ms": DateStyle(lambda t: f"{t.isoformat(' ')}.000", _ALL),
    "iso Z": DateStyle(lambda t: f"{t.isoformat()}Z", _ALL, zone="offset"),
    "iso UTC": DateStyle(lambda t: f"{t.isoformat(' ')} UTC", _ALL, zone="offset"),
    "iso +00:00": DateStyle(lambda t: f"{t.isoformat(' ')}+00:00", _ALL, zone="offset"),
    "iso +05:30": DateStyle(_in(INDIA), SUBDAILY, zone="offset"),
    "iso of Berlin": DateStyle(_in(BERLIN), SUBDAILY, zone="offsets"),
    "iso 12 hours": DateStyle(_with("{t:%Y-%m-%d} {clock}"), SUBDAILY),
    "dd.mm.yyyy": DateStyle(_with("{t:%d.%m.%Y}"), _DATED),
    "d.m.yyyy": DateStyle(_with("{t.day}.{t.month}.{t.year}"), _DATED),
    "dd.mm.yy": DateStyle(_with("{t:%d.%m}.{y:02}"), _DATED, short_year=True),
    "dd.mm.yyyy hh:mm": DateStyle(_with("{t:%d.%m.%Y %H:%M}"), _ALL),
    "dd/mm/yyyy": DateStyle(_with("{t:%d/%m/%Y}"), _DATED, order="dm"),
    "dd/mm/yy": DateStyle(_with("{t:%d/%m}/{y:02}"), _DATED, order="dm", short_year=True),
    "dd/mm/yyyy hh:mm": DateStyle(_with("{t:%d/%m/%Y %H:%M}"), _ALL, order="dm"),
    "dd-mm-yyyy": DateStyle(_with("{t:%d-%m-%Y}"), _DATED, order="dm"),
    "mm/dd/yyyy": DateStyle(_with("{t:%m/%d/%Y}"), _DATED, order="md"),
    "m/d/yyyy": DateStyle(_with("{t.month}/{t.day}/{t.year}"), _DATED, order="md"),
    "m/d/yy": DateStyle(_with("{t.month}/{t.day}/{y:02}"), _DATED, order="md", short_year=True),
    "m/d/yy h:mm": DateStyle(
        _with("{t.month}/{t.day}/{y:02} {t.hour}:{t:%M}"), _ALL, order="md", short_year=True
    ),
    "m/d/yyyy 12 hours": DateStyle(
        _with("{t.month}/{t.day}/{t.year} {clock}"), SUBDAILY, order="md"
    ),
    "d mon yyyy": DateStyle(_with("{t.day} {mon} {t.year}"), _DATED),
    "d month yyyy": DateStyle(_with("{t.day} {month} {t.year}"), _DATED),
    "dd-mon-yyyy": DateStyle(_with("{t:%d}-{mon}-{t.year}"), _DATED),
    "dd-mon-yy": DateStyle(_with("{t:%d}-{mon}-{y:02}"), _DATED, short_year=True),
    "mon d, yyyy": DateStyle(_with("{mon} {t.day}, {t.year}"), _DATED),
    "yyyy-mm": DateStyle(_with("{t:%Y-%m}"), _BY_MONTH, span="M"),
    "yyyy/mm": DateStyle(_with("{t:%Y/%m}"), _BY_MONTH, span="M"),
    "mm/yyyy": DateStyle(_with("{t:%m/%Y}"), _BY_MONTH, span="M"),
    "mm.yyyy": DateStyle(_with("{t:%m.%Y}"), _BY_MONTH, span="M"),
    "mon yyyy": DateStyle(_with("{mon} {t.year}"), _BY_MONTH, span="M"),
    "month yyyy": DateStyle(_with("{month} {t.year}"), _BY_MONTH, span="M"),
    "mon-yyyy": DateStyle(_with("{mon}-{t.year}"), _BY_MONTH, span="M"),
    "mon-yy": DateStyle(_with("{mon}-{y:02}"), _BY_MONTH, span="M", short_year=True),
    "yyyy mon": DateStyle(_with("{t.year} {mon}"), _BY_MONTH, span="M"),
    "yyyyMmm": DateStyle(_with("{t.year}M{t.month:02}"), _BY_MONTH, span="M"),
    "yyyyQq": DateStyle(_with("{t.year}Q{q}"), ("QS",), span="Q"),
    "yyyy-Qq": DateStyle(_with("{t.year}-Q{q}"), ("QS",), span="Q"),
    "yyyy Qq": DateStyle(_with("{t.year} Q{q}"), ("QS",), span="Q"),
    "Qq yyyy": DateStyle(_with("Q{q} {t.year}"), ("QS",), span="Q"),
    "Qq/yyyy": DateStyle(_with("Q{q}/{t.year}"), ("QS",), span="Q"),
    "yyyy-Www": DateStyle(lambda t: _week(t, "{year}-W{week:02}"), ("W",), span="W"),
    "yyyyWww": DateStyle(lambda t: _week(t, "{year}W{week:02}"), ("W",), span="W"),
    "yyyy-Www-d": DateStyle(lambda t: _week(t, "{year}-W{week:02}-{day}"), ("D", "W")),
    "yyyy": DateStyle(lambda t: str(t.year), ("YS",), whole="count", span="Y"),
    "yyyymmdd": DateStyle(_with("{t:%Y%m%d}"), _DATED, whole="code"),
    "yyyymmddhh": DateStyle(_with("{t:%Y%m%d%H}"), ("h",), whole="code"),
    "yyyymmddhhmm": DateStyle(_with("{t:%Y%m%d%H%M}"), SUBDAILY, whole="code"),
    "yyyymmddhhmmss": DateStyle(_with("{t:%Y%m%d%H%M%S}"), SUBDAILY, whole="code"),
    "yyyymm": DateStyle(_with("{t:%Y%m}"), _BY_MONTH, whole="code", span="M"),
    "yyyyddd": DateStyle(_with("{t:%Y%j}"), ("D",), whole="code", may_be_refused=True),
    "yyyyq": DateStyle(_with("{t.year}{q}"), ("QS",), "code", span="Q", may_be_refused=True),
    "yyyy0q": DateStyle(_with("{t.year}0{q}"), ("QS",), "code", span="Q", may_be_refused=True),
    "yyyyww": DateStyle(
        lambda t: _week(t, "{year}{week:02}"), ("W",), "code", span="W", may_be_refused=True
    ),
    "excel": DateStyle(
        lambda t: str((t - datetime(1899, 12, 30)).days), ("D", "W"), "count", may_be_refused=True
    ),
    "s": DateStyle(lambda t: str(since_1970(t)), (*SUBDAILY, *DAYS), whole="count"),
    "ms": DateStyle(lambda t: f"{since_1970(t)}000", (*SUBDAILY, *DAYS), whole="count"),
    "us": DateStyle(lambda t: f"{since_1970(t)}000000", (*SUBDAILY, *DAYS), whole="count"),
    "ns": DateStyle(lambda t: f"{since_1970(t)}000000000", (*SUBDAILY, *DAYS), whole="count"),
    "step": DateStyle(lambda t: str((t - EPOCH).days), ("1",), whole="count"),
}


def plainest(frequency: str) -> str:
    """The style that no reader can mistake."""
    if frequency == "1":
        return "step"
    return "iso seconds" if frequency in SUBDAILY else "iso"


def could_be_exchanged(times: list[datetime], style: DateStyle) -> bool:
    """Whether day and month of all times could be the other way round."""
    return bool(style.order) and max(time.day for time in times) <= 12
