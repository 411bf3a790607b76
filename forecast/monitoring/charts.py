"""Page's CUSUM of normal scores, upward and downward, and since when it has been growing.

Page (1954): a sum of what the scores exceed an allowance by, which starts again whenever it falls
below 0. It begins to grow where a change begins; the last row at which it was 0 is the estimate of
the row before the change.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from forecast.monitoring.thresholds import ALLOWANCE

SIDES = np.array([1.0, -1.0])  # upward, downward
# Of the streams, level and scale. The absolute value of a normal number, which the scale is judged
# by, has a longer tail than a normal one: this multiple of it exceeds a threshold as rarely.
SHARES = np.array([1.0, 0.65])
NEVER = np.iinfo(np.int64).min
MOST = 2.0  # thresholds that a chart can reach: so that it also comes down again


class Charts(NamedTuple):
    """CUSUMs of S series, K streams and both sides, (S, K, 2) each.

    Attributes:
        value: the sums.
        since: time of the first row of the growth, NEVER where the sum is 0.
        rows: that the growth has lasted.
        signed, absolute: sums of the errors of these rows, and of their absolute values.
    """

    value: np.ndarray
    since: np.ndarray
    rows: np.ndarray
    signed: np.ndarray
    absolute: np.ndarray

    @classmethod
    def start(cls, series: int, streams: int) -> Self:
        """Charts that nothing was added to."""
        zeros = np.zeros((series, streams, 2))
        return cls(zeros, np.full(zeros.shape, NEVER), zeros.astype(np.int64), zeros, zeros)

    def added(
        self, scores: np.ndarray, more: np.ndarray, row: tuple[np.ndarray, np.ndarray], most: float
    ) -> Self:
        """After another row.

        Args:
            scores: of the streams, (S, K); NaN leaves a chart as it is.
            more: what is added to the allowance, (S, K).
            row: its time and its error, (S,) each.
            most: that a chart reaches.
        """
        is_row = ~np.isnan(scores)[..., None]
        excess = np.nan_to_num(scores)[..., None] * SIDES - ALLOWANCE - more[..., None]
        steps = SHARES[:, None] * excess
        value = np.clip(self.value + steps, 0.0, most)
        time, error = (part[:, None, None] for part in row)
        grown = (
            value,
            np.where(self.value > 0, self.since, time),
            self.rows + 1,
            self.signed + error,
            self.absolute + np.abs(error),
        )
        rest = (value, NEVER, 0, 0.0, 0.0)
        after = (np.where(value > 0, new, none) for new, none in zip(grown, rest, strict=True))
        return type(self)(
            *(np.where(is_row, new, old) for new, old in zip(after, self, strict=True))
        )
