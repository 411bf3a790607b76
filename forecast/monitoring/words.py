"""What a monitor has found as sentences, and whether to train again."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from forecast.evaluation.number_text import number_text
from forecast.monitoring.findings import Finding
from forecast.monitoring.self_starting import LEAST_ROWS

Text = Callable[[int], str]  # from the ordinal of a row to its time as text
SMALLER = "scale down"  # errors that are smaller than usual are no reason to train


def verdict(
    found: list[Finding],
    rows: int,
    text: Text,
    is_trained: bool = True,
    longest: int = LEAST_ROWS,
) -> str:
    """Whether to train again, and why, in a sentence or two.

    Args:
        found: all alarms, in the order in which they were raised.
        rows: that were followed.
        text: the times of rows.
        is_trained: whether the model was trained on the table, or is the pretrained network.
        longest: of the rows those of the series that has most.
    """
    chosen = _most_telling(found)
    lasting = [one for one in chosen if one.persists and one.test != SMALLER]
    smaller = [one for one in chosen if one.persists and one.test == SMALLER]
    adapted = [one for one in chosen if not one.persists]
    if lasting:
        train = "train again with the new rows" if is_trained else "train on the table"
        return f"{sentence(lasting[0], text)}{_more(lasting)}: {train}."
    if smaller:
        return (
            f"{sentence(smaller[0], text)}{_more(smaller)}: update is enough; training would make "
            "the intervals narrower."
        )
    if adapted:
        return (
            f"{sentence(adapted[0], text)}{_more(adapted)}; errors are as usual again, the state "
            "has adapted: update is enough."
        )
    if not rows:
        return "There are no new rows: nothing is known."
    alarm = f"No alarm on {rows:,} {'row' if rows == 1 else 'rows'}"
    if longest < LEAST_ROWS:
        return (
            f"{alarm}, which are too few to judge the level and the scale of errors ({LEAST_ROWS} "
            "of a series are needed): update is enough so far."
        )
    return f"{alarm}: update is enough."


def needs_training(found: list[Finding]) -> bool:
    """Whether an alarm persists that is more than errors which have become smaller."""
    return any(one.persists and one.test != SMALLER for one in found)


def sentence(finding: Finding, text: Text) -> str:
    """An alarm in words, without a full stop.

    Example:
        >>> sentence(Finding("north", "level up", 12.04, 3, 5, True), str)
        "The level of series 'north' has been 12 above the forecasts since 3"
    """
    name, since, size = f"series '{finding.series}'", text(finding.since), finding.size
    match finding.test.split():
        case ["level", side]:
            where = "above" if side == "up" else "below"
            verb = "has been" if finding.persists else "was"
            distance = number_text(abs(size))
            return f"The level of {name} {verb} {distance} {where} the forecasts since {since}"
        case ["scale", side]:
            verb = "have been" if finding.persists else "were"
            return f"Errors of {name} {verb} {_multiple(size, side == 'up')} since {since}"
        case ["skill"]:
            return (
                f"The seasonal naive forecast was closer than the model on {size:.0%} of the last "
                f"rows of {name} until {text(finding.at)}"
            )
    level = finding.test.removeprefix("coverage-")
    return (
        f"Of the last values of {name} until {text(finding.at)} only {size:.0%} lay within the "
        f"{level} % intervals"
    )


def _multiple(size: float, is_larger: bool) -> str:
    """How large errors are beside the usual ones.

    The chart of the scale measures them by the model's own spread, their size does not: where that
    spread changes, the two may disagree.
    """
    if (size > 1) == is_larger:
        return f"{number_text(size, 2)} times the usual ones"
    return f"{'larger' if is_larger else 'smaller'} than usual beside the model's own spread"


def sentences(found: Iterable[Finding], text: Text) -> list[str]:
    """Each alarm in words."""
    endings = {True: "which persists", False: "which has ended"}
    return [
        f"{sentence(finding, text)} (alarm at {text(finding.at)}, {endings[finding.persists]})."
        for finding in found
    ]


def _most_telling(found: list[Finding]) -> list[Finding]:
    """One alarm of each series: one that persists if there is any, and the first of these."""
    chosen: dict[object, Finding] = {}
    for finding in sorted(found, key=lambda one: (not one.persists, one.test == SMALLER)):
        chosen.setdefault(finding.series, finding)
    return [finding for finding in found if chosen[finding.series] is finding]


def _more(found: list[Finding]) -> str:
    """That there are alarms of further series."""
    count = len(found) - 1
    return f" (and alarms of {count:,} more series)" if count else ""
