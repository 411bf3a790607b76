"""Which of many series a picture shows, and how its title says so."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

MAX_SHOWN_SERIES = 12  # up to so many are all drawn
RANKS = ("best", "median", "worst")


class SeriesChoice(NamedTuple):
    """The series that a picture shows.

    Attributes:
        indices: of the shown series among all S, (P,).
        ranks: "best", "median", "worst" or "", for each shown series.
        description: for the title, such as "the first 12 of 10,000 series"; empty for one series.
    """

    indices: np.ndarray
    ranks: tuple[str, ...]
    description: str


def choose_series(
    count: int,
    errors: np.ndarray | None = None,
    measure: str = "error",
    max_shown: int = MAX_SHOWN_SERIES,
    per_rank: int = 1,
) -> SeriesChoice:
    """All series if they are few, else the best, the median and the worst, or the first ones.

    Args:
        count: number of all series S.
        errors: of each series (S,), NaN where unknown; None if no error is known.
        measure: name of the error, for the description.
        max_shown: how many series are shown at most when all, or the first ones, are shown.
        per_rank: how many of the best, of the median and of the worst are shown.

    Returns:
        The choice; it shows the first series if fewer than `3 * per_rank` errors are known.

    Example:
        >>> choose_series(5, np.array([3.0, 1.0, 4.0, 2.0, 5.0]), "MASE", max_shown=3)[:2]
        (array([1, 0, 4]), ('best', 'median', 'worst'))
        >>> choose_series(10_000).description
        'the first 12 of 10,000 series'
    """
    if count <= max_shown:
        description = {1: "", 2: "both series"}.get(count, f"all {count} series")
        return SeriesChoice(np.arange(count), ("",) * count, description)
    n_known = 0 if errors is None else int((~np.isnan(errors)).sum())
    if errors is None or n_known < 3 * per_rank:
        first = "the first" if max_shown == 1 else f"the first {max_shown}"
        description = f"{first} of {count:,} series"
        return SeriesChoice(np.arange(max_shown), ("",) * max_shown, description)
    ranking = np.argsort(errors, kind="stable")[:n_known]
    middle = (n_known - per_rank) // 2
    indices = np.concatenate(
        [ranking[:per_rank], ranking[middle : middle + per_rank], ranking[n_known - per_rank :]]
    )
    shown = "the best, the median and the worst"
    if per_rank > 1:
        shown = f"the {per_rank} best, the {per_rank} around the median and the {per_rank} worst"
    ranks = tuple(np.repeat(RANKS, per_rank).tolist())
    return SeriesChoice(indices, ranks, f"{shown} of {count:,} series by {measure}")
