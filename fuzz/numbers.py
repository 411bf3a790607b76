"""Numbers as people write them, and all the ways in which written ones can be read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

SIGNS = (".", ",")  # one of them is the decimal sign
GROUPS = ("", ",", ".", " ", "\u00a0", "\u2009", "\u202f", "'", "\u2019")
BEFORE = ("", "$", "€", "£", "US$", "EUR ")
AFTER = ("", "%", " %", " €", " USD", " kWh")
NEGATIVES = ("-", "\u2212", "()", "behind")

Reading = tuple[Decimal, ...]


class NumberStyle(NamedTuple):
    """How numbers are written."""

    decimal: str = "."
    group: str = ""  # between thousands
    before: str = ""  # such as a currency
    after: str = ""
    negative: str = "-"  # one of NEGATIVES
    plus: bool = False  # before positive numbers


def write(value: Decimal, style: NumberStyle) -> str:
    """Write a number.

    Example:
        >>> write(Decimal("-1234.50"), NumberStyle(",", ".", after=" €", negative="behind"))
        '1.234,50- €'
    """
    text = body(value, style)
    if value < 0:
        text = {"()": f"({text})", "behind": f"{text}-"}.get(
            style.negative, f"{style.negative}{text}"
        )
    elif style.plus and value > 0:
        text = f"+{text}"
    return f"{style.before}{text}{style.after}"


def body(value: Decimal, style: NumberStyle) -> str:
    """The digits of a number with their signs, without that of a negative one."""
    whole, _, part = f"{abs(value):f}".partition(".")
    if style.group:
        whole = f"{int(whole):,}".replace(",", style.group)
    return f"{whole}{style.decimal}{part}" if part else whole


def readings(bodies: Sequence[str]) -> list[Reading]:
    """All readings of a column: decimal sign and grouping sign are the same in all its cells.

    Grouping signs stand before every three digits or nowhere in a number, and no group begins
    with 0.

    Args:
        bodies: as `body` gives them.

    Example:
        >>> [[str(value) for value in one] for one in readings(["977", "1.154"])]
        [['977', '1154'], ['977', '1.154']]
        >>> [[str(value) for value in one] for one in readings(["0.977", "1.154"])]
        [['0.977', '1.154']]
    """
    found: list[Reading] = []
    for decimal in SIGNS:
        for group in GROUPS:
            if group != decimal:
                one = _read(bodies, decimal, group)
                if one is not None and one not in found:
                    found.append(one)
    return sorted(found, reverse=True)


def _read(bodies: Sequence[str], decimal: str, group: str) -> Reading | None:
    grouped = rf"|[1-9]\d{{0,2}}(?:{re.escape(group)}\d{{3}})+" if group else ""
    pattern = re.compile(rf"(\d+{grouped})(?:{re.escape(decimal)}(\d+))?")
    values = []
    for text in bodies:
        match = pattern.fullmatch(text)
        if match is None:
            return None
        whole = match[1].replace(group, "") if group else match[1]
        values.append(Decimal(f"{whole}.{match[2] or 0}").normalize() + 0)
    return tuple(values)


class Choice(NamedTuple):
    """What the writing of a column leaves open."""

    is_open: bool  # there are several readings
    accepted: list[Reading]  # besides the one that was meant


def choice(bodies: Sequence[str], meant: Reading, delimiter: str) -> Choice:
    """Which readings of a column a careful reader could take.

    Where several are possible, a reading other than the meant one is accepted where the writing
    favours it: numbers without the sign are all below 1,000 and those with it have exactly three
    digits behind it, so it groups; or nothing of that kind is seen, and it is the usual one (a
    point is the decimal sign; a comma is one in files with semicolons, and groups in others).

    Args:
        bodies: as `body` gives them.
        meant: the values that were written.
        delimiter: of the file, "" for none.
    """
    possible = readings(bodies)
    others = [one for one in possible if one != tuple(value.normalize() + 0 for value in meant)]
    if not others:
        return Choice(False, [])
    sign = "." if any("." in text for text in bodies) else ","
    bare = [len(text) for text in bodies if sign not in text]
    favours_groups = bool(bare) and max(bare) <= 3
    usually_groups = sign == "," and delimiter != ";"
    takes_groups = favours_groups or usually_groups
    largest = max(possible)
    return Choice(True, [one for one in others if (one == largest) == takes_groups])
