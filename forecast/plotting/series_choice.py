"""Which of many series a picture shows, and what to say of that."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

MOST = 12  # series that are drawn one and all
RANKS = ("best", "median", "worst")


class Choice(NamedTuple):
    """Series that are drawn.

    Attributes:
        places: among all series (P,).
        ranks: "best", "median", "worst" or "" of each.
        words: which they are, such as "the first 12 of 10,000 series"; none for a single one.
    """

    places: np.ndarray
    ranks: tuple[str, ...]
    words: str


def choose(
    count: int,
    errors: np.ndarray | None = None,
    measure: str = "error",
    most: int = MOST,
    each: int = 1,
) -> Choice:
    """All series if they are few, else the best, the median and the worst, or the first ones.

    Args:
        count: of all series S.
        errors: of each (S,), NaN where it is not known; None where none is.
        measure: what they are called.
        most: series that are drawn if they are all, or the first ones.
        each: how many of the best, of the median and of the worst.

    Example:
        >>> choose(5, np.array([3.0, 1.0, 4.0, 2.0, 5.0]), "MASE", most=3)[:2]
        (array([1, 0, 4]), ('best', 'median', 'worst'))
        >>> choose(10_000).words
        'the first 12 of 10,000 series'
    """
    if count <= most:
        words = {1: "", 2: "both series"}.get(count, f"all {count} series")
        return Choice(np.arange(count), ("",) * count, words)
    known = 0 if errors is None else int((~np.isnan(errors)).sum())
    if errors is None or known < 3 * each:
        words = "the first" if most == 1 else f"the first {most}"
        return Choice(np.arange(most), ("",) * most, f"{words} of {count:,} series")
    order = np.argsort(errors, kind="stable")[:known]
    middle = (known - each) // 2
    places = np.concatenate([order[:each], order[middle : middle + each], order[known - each :]])
    ranks = tuple(np.repeat(RANKS, each).tolist())
    many = "the best, the median and the worst"
    if each > 1:
        many = f"the {each} best, the {each} around the median and the {each} worst"
    return Choice(places, ranks, f"{many} of {count:,} series by {measure}")
