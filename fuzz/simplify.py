"""The plainest table that shows the same fault."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fuzz.content import IDS, Content, Series
from fuzz.reading import Outcome, Table, can_be_written, check
from fuzz.style import choices, without

MIN_ROWS = 5
MAX_CHECKS = 80  # of one table; a fault that is still not plain then is shown as it is


def simplest(table: Table, outcome: Outcome) -> tuple[Table, Outcome]:
    """Make a table plainer, choice by choice, as long as it has a fault of the same kind."""
    checks = 0
    candidates = iter([*_with_one_choice(table), *_plainer(table)])
    while checks < MAX_CHECKS and (candidate := next(candidates, None)):
        if not can_be_written(candidate):
            continue
        checks += 1
        found = check(candidate)
        if found.kind == outcome.kind:
            table, outcome, candidates = candidate, found, _plainer(candidate)
    return table, outcome


def features(table: Table) -> list[str]:
    """What is special about a table, in words: every choice that is not the plainest."""
    content, style = table
    special = [f"{name} {value!r}" for name, value in choices(style, content.frequency).items()]
    if content.has_id:
        kind = next(name for name, ids in IDS.items() if content.series[0].id in ids)
        special.append(f"{'ids' if len(content.series) > 1 else 'one id'} ({kind})")
    if any(series.left_out for series in content.series):
        special.append("gaps")
    if any(value is None for series in content.series for value in series.values):
        special.append("missing values")
    return special


def _with_one_choice(table: Table) -> Iterator[Table]:
    content, style = table
    made = choices(style, content.frequency)
    for name in made if len(made) > 1 else ():
        others = [other for other in made if other != name]
        yield Table(content, without(style, others, content.frequency))


def _plainer(table: Table) -> Iterator[Table]:
    """Tables with one choice less, the strongest reductions first."""
    content, style = table
    for smaller in _smaller(content):
        yield Table(smaller, style)
    for name in choices(style, content.frequency):
        yield Table(content, without(style, [name], content.frequency))


def _smaller(content: Content) -> Iterator[Content]:
    if len(content.series) > 1:
        yield replace(content, series=content.series[:1])
        if len(content.series) > 2:
            yield replace(content, series=content.series[:2])
    elif content.has_id:
        yield replace(content, has_id=False)
    for change in (_halved, _without_gaps, _without_missing, _without_offset):
        series = tuple(change(one) for one in content.series)
        if series != content.series:
            yield replace(content, series=series)


def _halved(series: Series) -> Series:
    length = max(MIN_ROWS, len(series.values) // 2)
    kept = frozenset(k for k in series.left_out if k < length - 1)
    return replace(series, values=series.values[:length], left_out=kept)


def _without_gaps(series: Series) -> Series:
    return replace(series, left_out=frozenset())


def _without_missing(series: Series) -> Series:
    first = next(value for value in series.values if value is not None)
    return replace(series, values=tuple(first if v is None else v for v in series.values))


def _without_offset(series: Series) -> Series:
    return replace(series, offset=0)
