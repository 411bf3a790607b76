"""What a monitor has found as sentences, and whether to train again."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from forecast.monitoring.findings import Finding

Text = Callable[[int], str]  # from the ordinal of a row to its time as text


def verdict(found: list[Finding], rows: int, text: Text, is_trained: bool = True) -> str:
    """Whether to train again, and why, in a sentence or two.

    Args:
        found: all alarms, in the order in which they rang.
        rows: that were followed.
        text: the times of rows.
        is_trained: whether the model was trained on the table, or is the pretrained network.
    """
    first = _first_of_each(found)
    lasting = [finding for finding in first if _lasts(finding, found)]
    adapted = [finding for finding in first if not _lasts(finding, found)]
    train = "train again with the new rows" if is_trained else "train on the table"
    if lasting:
        return f"{sentence(lasting[0], text)}{_more(lasting)}: {train}."
    if adapted:
        return (
            f"{sentence(adapted[0], text)}{_more(adapted)}; by now errors are as usual again, the "
            "state has adapted: update is enough."
        )
    if not rows:
        return "There are no new rows: nothing is known."
    return f"No alarm on {rows:,} {'row' if rows == 1 else 'rows'}: update is enough."


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
            return f"The level of {name} {verb} {abs(size):,.3g} {where} the forecasts since {since}"
        case ["scale", _]:
            verb = "have been" if finding.persists else "were"
            return f"Errors of {name} {verb} {size:,.2g} times the usual ones since {since}"
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


def sentences(found: Iterable[Finding], text: Text) -> list[str]:
    """Each alarm in words."""
    endings = {True: ", and still is", False: "; errors are as usual again"}
    return [
        f"{sentence(finding, text)} (alarm at {text(finding.at)}{endings[finding.persists]})"
        for finding in found
    ]


def _first_of_each(found: list[Finding]) -> list[Finding]:
    """The alarm of each series that tells most: a lasting one if there is one, then the first."""
    chosen: dict[object, Finding] = {}
    for finding in sorted(found, key=lambda one: not one.persists):
        chosen.setdefault(finding.series, finding)
    return [finding for finding in found if chosen[finding.series] is finding]


def _lasts(finding: Finding, found: list[Finding]) -> bool:
    return finding.persists and finding in found


def _more(findings: list[Finding]) -> str:
    """That there are further series."""
    count = len(findings) - 1
    return f", and so on in {count:,} more series" if count else ""
