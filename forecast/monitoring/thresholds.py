"""From a rate of false alarms to the thresholds of all statistics.

The rate is that of the whole panel: with S series and T tests of each, each test may raise one in
S * T times as many rows. So ten thousand healthy series raise no more of them than a single one,
and what they pay for it is a delay that grows with the logarithm of S.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

ALLOWANCE = 0.5  # of a CUSUM: half the shift that is found soonest, in standard deviations
OVERSHOOT = 1.166  # twice the mean excess over a threshold of a walk of normal steps
MARGIN = 0.1  # by which an interval may miss its level without an alarm: that is no change
MOST_ROWS = 1e15  # between false alarms of one test


class Limits(NamedTuple):
    """The thresholds of all statistics of a series.

    Attributes:
        chart: that a CUSUM reaches.
        outside: of W observed rows in a window, for each number of them the least that lie outside
            an interval, by level (L, W + 1).
        worse: the least of them on which a baseline was closer, (W + 1,).
    """

    chart: float
    outside: np.ndarray
    worse: np.ndarray


@functools.cache  # a service asks for them at every step
def limits(
    series: int, tests: int, window: int, levels: tuple[float, ...], rows_between: int
) -> Limits:
    """The thresholds by which S healthy series raise one false alarm in so many rows.

    Args:
        series: S; of none the thresholds are those of one.
        tests: of each series.
        window: rows W.
        levels: of the intervals in percent.
        rows_between: two false alarms of the whole panel, on average.

    Example:
        >>> few, many = (limits(s, 7, 50, (80.0,), 10_000) for s in (1, 10_000))
        >>> round(few.chart, 1), round(many.chart, 1)
        (9.3, 18.5)
        >>> few.outside[0, 50].item(), many.outside[0, 50].item()  # of 50 rows
        (30, 36)
    """
    rows = min(max(series, 1) * tests * rows_between, MOST_ROWS)
    counts = [least_count(window, 1 - level / 100 + MARGIN, 1 / rows) for level in levels]
    outside = np.array(counts).reshape(len(levels), window + 1)
    worse = least_count(window, 0.5, 1 / rows)
    for shared in (outside, worse):
        shared.flags.writeable = False
    return Limits(chart_threshold(rows), outside, worse)


def run_length(threshold: float, allowance: float = ALLOWANCE) -> float:
    """Rows between two false alarms of a one-sided CUSUM of independent normal numbers.

    Siegmund (1985), Sequential Analysis, equation 2.56.

    Example:
        >>> round(run_length(5.0))  # exactly 930 (Lucas & Crosier 1982, 465 for both sides)
        938
    """
    reach = 2 * allowance * (threshold + OVERSHOOT)
    return float((np.exp(reach) - reach - 1) / (2 * allowance**2))


def chart_threshold(rows: float) -> float:
    """The threshold of a one-sided CUSUM that raises one false alarm in so many rows."""
    from scipy.optimize import brentq  # takes a fifth of a second to import

    if rows <= run_length(0.0):
        return 0.0
    return float(brentq(lambda threshold: run_length(threshold) - rows, 0.0, 100.0))


def least_count(window: int, probability: float, rate: float) -> np.ndarray:
    """Of n = 0 … W rows the least number of hits that is rarer than a rate, (W + 1,).

    Where even n hits are not that rare it is n + 1, which is never reached.

    Args:
        window: rows W.
        probability: of a hit.
        rate: that so many or more hits may have at most.
    """
    from scipy.special import bdtrc  # takes a fifth of a second to import

    count = np.arange(window + 1)
    tail = np.asarray(
        bdtrc(count - 1.0, count[:, None], probability)
    )  # P(hits >= count), (n, count)
    tail[:, 0] = 1.0
    is_rare = (tail <= rate) & (count <= count[:, None])
    return np.where(is_rare.any(axis=1), is_rare.argmax(axis=1), count + 1)
