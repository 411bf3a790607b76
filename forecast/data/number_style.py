"""How a table writes its numbers: decimal sign, grouping of thousands, currencies and units.

`1,153` may be 1153 or 1.153. Each cell has a value under either decimal sign, or none; all cells of
a column, and then what stands around it, decide between the two.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

DECIMALS = (".", ",")
OTHER = {".": ",", ",": "."}
SPACES = dict.fromkeys(map(ord, "\u00a0\u2002\u2007\u2008\u2009\u200a\u202f"), " ")
MINUS_SIGNS = dict.fromkeys(map(ord, "\u2212\u2012\u2013\uff0d\ufe63"), "-")
APOSTROPHES = dict.fromkeys(map(ord, "\u2019\u2032\u00b4`"), "'")
PLAIN_SIGNS = SPACES | MINUS_SIGNS | APOSTROPHES
CURRENCY = (
    r"(?:[a-z]{0,3}[$\u00a2-\u00a5\u20a0-\u20bf\u0e3f]|usd|eur|gbp|chf|jpy|cny|inr|aud|cad|sek|nok"
    r"|dkk|pln|czk|huf|brl|zar|kr\.?|rs\.?|fr\.|z\u0142|k\u010d|ft)"
)
UNIT = (  # none that might be a factor, as k for thousands and m or b for millions and more
    r"(?:[kmgt]?wh|[kmg]w|k?va|\u00b0[cf]|[kcm\u00b5]m|km/h|mph|m/s|k?g|lbs?|oz|m?l|k?pa|hpa|m?bar"
    r"|pp[mb]|db|[kmg]?hz|[kmg]b|pcs|stk|h|min|m?s)\b"
)
BEFORE = re.compile(rf"\s*(?P<part>[(+-]|{CURRENCY}|%)\s*")
AFTER = re.compile(rf"\s*(?P<part>[)-]|{CURRENCY}|%|(?<=[\d\s)]){UNIT})\s*$")
BODY = {  # at most one sign of grouping, every three digits; or as in India, 12,34,567
    decimal: re.compile(
        rf"(?:(?P<whole>\d+|[1-9]\d{{0,2}}(?P<group>[{other}' _])\d{{3}}(?:(?P=group)\d{{3}})*"
        rf"|[1-9]\d?(?:{other}\d\d)+{other}\d{{3}})(?:[{decimal}](?P<part>\d*))?"
        rf"|[{decimal}](?P<bare>\d+))(?P<exponent>e[+-]?\d+)?"
    )
    for decimal, other in ((".", ","), (",", r"\."))
}
INFINITE = re.compile(r"[+-]?inf(inity)?")
GROUPING = str.maketrans("", "", ".,' _")
UNGROUPED_LIMIT = 10_000  # some write 1234 beside 12,345, nobody writes 12345 beside it
CLEAR_RATIO = 2.0  # of the spreads of two readings, from which they speak for the narrower one
MAX_STRAY_SHARE = 0.05


class Cell(NamedTuple):
    """A cell under either decimal sign; None where it is not a number so written."""

    point: float | None
    comma: float | None
    mark: str = ""  # a sign of currency or percent, or a unit
    is_bare: bool = False  # digits only

    def under(self, decimal: str) -> float | None:
        """Its value under one of DECIMALS."""
        return self.point if decimal == "." else self.comma

    @property
    def is_number(self) -> bool:
        """Whether it is a number under any decimal sign."""
        return self.point is not None or self.comma is not None

    @property
    def is_ambiguous(self) -> bool:
        """Whether its value depends on the decimal sign."""
        return None not in (self.point, self.comma) and self.point != self.comma

    @property
    def sure_decimal(self) -> str | None:
        """The only decimal sign under which it is a number."""
        if (self.point is None) == (self.comma is None):
            return None
        return "." if self.comma is None else ","


NO_NUMBER = Cell(None, None)


def read_cell(text: str) -> Cell:
    """Read one cell under either decimal sign.

    Args:
        text: of the cell; signs of currency and percent, parentheses around a negative number
            and a minus behind it are understood.

    Example:
        >>> read_cell("1,153")[:2], read_cell("(€ 1.202,51)")[:3], read_cell("12:30")[:2]
        ((1153.0, 1.153), (None, -1202.51, '€'), (None, None))
    """
    text = text.translate(PLAIN_SIGNS).strip().lower()
    if INFINITE.fullmatch(text):
        return Cell(float(text), float(text))
    body, parts = _without_signs(text)
    marks = [part for part in parts if part not in "+-()"]
    signs = [part for part in parts if part in "+-("]
    is_one = len(marks) < 2 or (len(marks) == 2 and all(map(is_currency, marks)))
    if len(signs) > 1 or parts.count("(") != parts.count(")") or not is_one:
        return NO_NUMBER
    factor = -1.0 if signs and signs != ["+"] else 1.0
    point, comma = (_value(body, decimal, factor) for decimal in DECIMALS)
    return Cell(point, comma, " ".join(marks), body.isdecimal())


def _without_signs(text: str) -> tuple[str, list[str]]:
    """A cell without what stands before and behind its digits, and those parts, sorted."""
    parts = []
    while match := BEFORE.match(text):
        parts.append(match["part"].strip())
        text = text[match.end() :]
    while match := AFTER.search(text):
        parts.append(match["part"].strip())
        text = text[: match.start()]
    return text, sorted(parts)


def _value(body: str, decimal: str, factor: float) -> float | None:
    match = BODY[decimal].fullmatch(body)
    if match is None or (match["exponent"] and match["group"]):
        return None
    whole = (match["whole"] or "0").translate(GROUPING)
    part = match["part"] or match["bare"] or "0"
    return factor * float(f"{whole}.{part}{match['exponent'] or ''}")


def is_currency(mark: str) -> bool:
    """Whether the mark of a cell is a currency, which may be left out where others have it."""
    return all(re.fullmatch(CURRENCY, part) for part in mark.split())


def looks_like_numbers(texts: Iterable[str]) -> bool:
    """Whether more than half of some texts are numbers, however they are written."""
    are_numbers = [read_cell(text).is_number for text in texts]
    return sum(are_numbers) > len(are_numbers) / 2


def decimal_of(cells: Iterable[Cell]) -> str | None:
    """The decimal sign that some of the cells need and none contradicts; None without evidence."""
    needed = {cell.sure_decimal for cell in cells} - {None}
    return needed.pop() if len(needed) == 1 else None


def decimal_by_bare_numbers(cells: Sequence[Cell]) -> str | None:
    """The decimal sign that numbers without any sign suggest.

    Where 977 stands beside 1,153 and every comma before three digits, commas group thousands:
    decimals would be shorter here and there. But the sizes of the numbers must not clearly speak
    against it, as in 2 beside 1,153; nor must a number of five digits that is not grouped.

    Args:
        cells: of one column, each a number under both signs, some of them ambiguous.

    Returns:
        None where no number but 0 is without a sign, or the evidence is contradictory.
    """
    bare = [abs(cell.point or 0.0) for cell in cells if cell.is_bare]
    if not any(bare):
        return None
    ambiguous = next(cell for cell in cells if cell.is_ambiguous)
    grouped = max(DECIMALS, key=lambda sign: abs(ambiguous.under(sign) or 0.0))
    as_grouped, as_decimals = (_spread(cells, sign) for sign in (grouped, OTHER[grouped]))
    if max(bare) < UNGROUPED_LIMIT:
        return None if as_decimals * CLEAR_RATIO < as_grouped else grouped
    return None if as_grouped * CLEAR_RATIO < as_decimals else OTHER[grouped]


def _spread(cells: Sequence[Cell], decimal: str) -> float:
    """The standard deviation of the logarithms of numbers, which no unit changes."""
    values = [abs(cell.under(decimal) or 0.0) for cell in cells]
    return float(np.std([math.log(value) for value in values if value]))


def stray_cell(cells: Sequence[Cell], decimal: str) -> int | None:
    """The position of a cell that alone decides for a sign, against the size of all others.

    One 12.5 among many such as 977 and 1.154 is a slip, rather than proof that 1.154 has a
    decimal point.

    Args:
        cells: of one column, each a number under the decimal sign.
        decimal: the sign that some of them need.
    """
    sure = [k for k, cell in enumerate(cells) if cell.sure_decimal == decimal]
    others = [cell for cell in cells if cell.sure_decimal is None]
    if not any(cell.is_ambiguous for cell in others) or len(sure) > MAX_STRAY_SHARE * len(cells):
        return None
    return sure[0] if decimal_by_bare_numbers(others) == OTHER[decimal] else None
