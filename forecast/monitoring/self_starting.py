"""Self-starting charts: how unusual a number is beside all before it.

A number is judged by all before it: the distance from their mean, in units of their spread, has
Student's distribution if they are normal, and becomes a normal score (Hawkins 1987). So no rows are
set aside for learning, and few rows raise no more false alarms than many.

A network leaves some of the past in its errors. Positively correlated scores wander further than
independent ones, by the factor sqrt((1 + r) / (1 - r)) for the autocorrelation r at lag 1, and are
divided by it (Johnson & Bagshaw 1974).
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

LARGEST_SCORE = 4.0  # a single row, however far off, counts for no more
LEAST_ROWS = 20  # that a judgement needs
INDEPENDENT = 10.0  # scores that are taken for known before the first one
LARGEST_CORRELATION = 0.8
TINY = 1e-9  # spread of a stream that never changes
UNIT = 1.0  # spread that such a stream is taken to have where outliers are capped
MAD_TO_SPREAD = 1.4826  # of normal numbers


class RunningMoments(NamedTuple):
    """Moments of S series of K streams, (S, K) each.

    Attributes:
        rows: how many there were.
        mean, squares: their mean, and the sum of squared distances from it.
        lagged, power: sums of products of neighbouring scores, and of squared scores.
        last: the last score, NaN before the first one.
    """

    rows: np.ndarray
    mean: np.ndarray
    squares: np.ndarray
    lagged: np.ndarray
    power: np.ndarray
    last: np.ndarray

    @classmethod
    def start(cls, series: int, streams: int) -> Self:
        """Nothing is known yet."""
        zeros = np.zeros((series, streams))
        rows = np.zeros(zeros.shape, np.int64)
        return cls(rows, zeros, zeros, zeros, zeros, np.full(zeros.shape, np.nan))

    def column(self, stream: int) -> RunningMoments:
        """One stream alone, (S, 1) each."""
        return RunningMoments(*(part[:, stream : stream + 1] for part in self))

    @property
    def correlation(self) -> np.ndarray:
        """The autocorrelation of the scores at lag 1, at least 0, and a standard error more."""
        scores = self.power + INDEPENDENT
        upper = self.lagged / scores + 1 / np.sqrt(scores)
        return np.asarray(np.clip(upper, 0.0, LARGEST_CORRELATION))

    @property
    def shrinkage(self) -> np.ndarray:
        """By how much correlated scores are multiplied, to wander like independent ones."""
        r = self.correlation
        return np.asarray(np.sqrt((1 - r) / (1 + r)))

    def mean_uncertainty(self, threshold: float) -> np.ndarray:
        """What an unknown mean adds to the allowance of a CUSUM, (S, K).

        The mean of n rows is off by b, normal with the variance 1 / n, for as long as it is not
        estimated again. A CUSUM with the allowance k raises false alarms at a rate in proportion to
        exp(-2 k h) for the threshold h, and with b to exp(-2 (k - b) h), whose mean over b is
        exp(-2 (k - h / n) h). An allowance of k + h / n makes that the former rate.
        """
        return np.asarray(threshold / np.maximum(self.rows, LEAST_ROWS))

    @property
    def spread(self) -> np.ndarray:
        """The standard deviation of the values, (S, K); NaN while too few are known."""
        n = np.where(self.rows >= LEAST_ROWS, self.rows, np.nan)
        return np.asarray(np.sqrt(self.squares / (n - 1)))

    def score(self, value: np.ndarray) -> np.ndarray:
        """How unusual the next values (S, K) are, as normal scores; NaN while little is known."""
        from scipy.special import ndtri, stdtr  # takes a fifth of a second to import

        n = np.maximum(self.rows, LEAST_ROWS)
        distance = (value - self.mean) / np.maximum(self.spread * np.sqrt(1 + 1 / n), TINY)
        tail = ndtri(stdtr(n - 1, -np.abs(distance)))
        return np.asarray(np.sign(distance) * np.minimum(-tail, LARGEST_SCORE))

    def capped(self, value: np.ndarray) -> np.ndarray:
        """Values (S, K), as far from the mean as LARGEST_SCORE at most; any while little is known.

        What is learned, so that a single row neither hides later changes nor seems to be one.
        """
        reach = np.where(np.isnan(self.spread), np.inf, reach_of(self.spread))
        return np.asarray(np.clip(value, self.mean - reach, self.mean + reach))

    def relearned(self, series: np.ndarray, stream: int, first: np.ndarray) -> Self:
        """With the moments of a stream of some series (B,) from their first values alone (B, n).

        Outliers among these are capped by their median and its median absolute deviation.
        """
        centre = np.median(first, axis=1, keepdims=True)
        deviation = np.median(np.abs(first - centre), axis=1, keepdims=True)
        reach = reach_of(MAD_TO_SPREAD * deviation)
        values = np.clip(first, centre - reach, centre + reach)
        mean, squares = self.mean.copy(), self.squares.copy()
        mean[series, stream] = values.mean(axis=1)
        squares[series, stream] = values.shape[1] * values.var(axis=1)
        return self._replace(mean=mean, squares=squares)

    def learned(self, value: np.ndarray, score: np.ndarray) -> Self:
        """After more values and their scores, (S, K) each; NaN where there is none to learn."""
        counts = ~np.isnan(value)
        rows = self.rows + 1
        change = value - self.mean
        mean = self.mean + change / rows
        squares = self.squares + change * (value - mean)
        own = np.nan_to_num(score)
        lagged = self.lagged + own * np.nan_to_num(self.last)
        after = (rows, mean, squares, lagged, self.power + own**2, own)
        return type(self)(
            *(np.where(counts, new, old) for new, old in zip(after, self, strict=True))
        )


def reach_of(spread: np.ndarray) -> np.ndarray:
    """How far from the mean a value may be that is learned, for the spread of the others."""
    return np.asarray(LARGEST_SCORE * np.where(spread > TINY, spread, UNIT))
