"""What a table means: series of times and values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from fuzz.times import EPOCH, FREQUENCIES, SUBDAILY, step

Value = Decimal | None  # None: missing

IDS: dict[str, tuple[str, ...]] = {
    "words": ("north", "south", "east", "west", "centre"),
    "with spaces": ("New York", "San Juan", "Den Haag", "La Paz", "Rio Claro"),
    "unicode": ("München", "Orléans", "Malmö", "Cádiz", "Århus"),
    "far scripts": ("東京", "Łódź", "Афины", "القاهرة", "서울"),
    "numbers": ("3", "12", "7", "104", "25"),
    "padded": ("007", "012", "0104", "3", "025"),
    "codes": ("A1", "B2", "SKU-7", "x_9", "Z.3"),
    "countries": ("DE", "NA", "US", "NO", "NULL"),
    "versions": ("1.1", "1.10", "2.0", "2.20", "3.5"),
    "like powers": ("1e5", "2e5", "3e1", "4e07", "5e2"),
    "long numbers": (
        *("00340123450000000017", "12345678901234567890", "12345678901234567891"),
        *("9007199254740993", "9007199254740992"),
    ),
    "truths": ("true", "false", "True", "yes", "no"),
    "with signs": ("Smith, John", 'the "old" one', "a;b", "#5", "50%"),
}


@dataclass(frozen=True)
class Series:
    """One series: rows at consecutive steps, some of which may be left out of the table."""

    id: str
    offset: int  # steps after the start of the table
    values: tuple[Value, ...]
    left_out: frozenset[int] = frozenset()  # positions in `values`


@dataclass(frozen=True)
class Content:
    """All that a table says."""

    frequency: str  # one of FREQUENCIES
    start: datetime
    series: tuple[Series, ...]
    has_id: bool = True  # False: one series and no column that names it
    seed: int = 0  # of the order of rows and the like

    def times(self, series: Series) -> list[datetime]:
        """Of all rows of a series, those left out too."""
        first = step(self.start, self.frequency, series.offset)
        return [step(first, self.frequency, k) for k in range(len(series.values))]


def draw(random: Random) -> Content:
    """Make up a table's content."""
    frequency = random.choice(FREQUENCIES)
    count = random.choice((1, 1, 2, 3, 5))
    rows = random.randint(5, 40 if count == 1 else 14)
    kind = random.choice(list(IDS)) if random.random() < 0.5 else "words"
    ids = random.sample(IDS[kind], count)
    offsets = [random.choice((0, 0, 0, 1, 3)) for _ in ids]
    draw_value = random.choice(VALUES)
    missing = random.choice((0.0, 0.0, 0.1))
    gaps = random.choice((0, 0, 1, 2))
    series = tuple(
        Series(
            id=name,
            offset=offset - min(offsets),
            values=_with_missing(random, [draw_value(random) for _ in range(rows)], missing),
            left_out=frozenset(random.sample(range(1, rows - 1), min(gaps, rows // 5))),
        )
        for name, offset in zip(ids, offsets, strict=True)
    )
    has_id = count > 1 or random.random() < 0.3
    start = _start(random, frequency)
    return Content(frequency, start, series, has_id, random.randrange(2**32))


def _with_missing(random: Random, values: list[Decimal], share: float) -> tuple[Value, ...]:
    """Leave some values out, but none of the first and the last two."""
    inner = range(2, len(values) - 2)
    lost = {k for k in inner if random.random() < share}
    return tuple(None if k in lost else value for k, value in enumerate(values))


def _start(random: Random, frequency: str) -> datetime:
    if frequency == "1":
        return EPOCH + timedelta(days=random.choice((0, 1, 1, 17, 100)))
    day = datetime(1995, 1, 1) + timedelta(days=random.randrange(30 * 365))
    if frequency in SUBDAILY:
        return day + timedelta(hours=random.randrange(24))
    if frequency == "B":
        return day - timedelta(days=max(day.weekday() - 4, 0))
    if frequency == "W":
        return day - timedelta(days=day.weekday()) if random.random() < 0.5 else day
    if frequency == "D":
        return day
    month = {"QS": day.month - (day.month - 1) % 3, "YS": 1}.get(frequency, day.month)
    first = datetime(day.year - 25 * (frequency == "YS"), month, 1)
    return step(first, "ME", 0) if frequency == "ME" else first


def _digits(random: Random, low: float, high: float, digits: int) -> Decimal:
    return Decimal(f"{random.uniform(low, high):.{digits}f}") + 0


def _count(random: Random) -> Decimal:
    return Decimal(random.choice((0, 0, 1, 2, 3, 5, 17)))


def _whole(random: Random) -> Decimal:
    return Decimal(random.randint(0, 2_500))


def _large(random: Random) -> Decimal:
    return Decimal(random.randint(1_000, 9_999_999))


def _thousands(random: Random) -> Decimal:
    return Decimal(random.randint(1_000, 999_999))


def _huge(random: Random) -> Decimal:
    return Decimal(random.randint(10**9, 10**15))


def _price(random: Random) -> Decimal:
    return _digits(random, 0, 4_000, 2)


def _short(random: Random) -> Decimal:
    """As a program writes it, without zeros at the end."""
    return _plain(_digits(random, 0, 300, 2))


def _three_digits(random: Random) -> Decimal:
    return _digits(random, 0, 60, 3)


def _signed(random: Random) -> Decimal:
    return _digits(random, -2_000, 2_000, 1)


def _tiny(random: Random) -> Decimal:
    return _digits(random, 0, 0.001, 7)


def _fine(random: Random) -> Decimal:
    return _digits(random, -5, 5, 12)


def _plain(value: Decimal) -> Decimal:
    return Decimal(f"{value.normalize():f}")


VALUES = (
    *(_count, _whole, _large, _thousands, _huge, _price),
    *(_short, _three_digits, _signed, _tiny, _fine),
)
