"""Whether a model is better than naive forecasts, by how much, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from forecast.evaluation.metrics import FORECAST, by_forecast

if TYPE_CHECKING:
    from forecast.backtest import Backtest

RESAMPLES = 2_000
SURE = 0.95
FEWEST = 5  # series or cutoffs to draw from; with fewer there is no interval
WORDS = {
    "naive": "repeating the last value",
    "seasonal_naive": "repeating the last season",
    "drift": "the line through the first and the last value",
    "naive2": "repeating the last value of the seasonally adjusted series",
    "auto_ets": "exponential smoothing (AutoETS)",
    "auto_theta": "the theta method (AutoTheta)",
}


@dataclass(frozen=True)
class Verdict:
    """A model's error next to that of the best baseline.

    Attributes:
        baseline: the one with the smallest error.
        measure: "MASE", or "MAE" where no series has a scale.
        ours, theirs: the errors, means over all forecasts.
        low, high: 95 % interval of how much smaller ours is, as a share of theirs; NaN where there
            are too few units.
        units: what was drawn to tell the interval, such as "414 series".
    """

    baseline: str
    measure: str
    ours: float
    theirs: float
    low: float
    high: float
    units: str

    @property
    def gain(self) -> float:
        """How much smaller the model's error is, as a share of the baseline's."""
        return 1 - self.ours / self.theirs if self.theirs else -np.inf

    def sentence(self) -> str:
        """The same in words."""
        naive = WORDS.get(self.baseline, self.baseline)
        if not self.theirs:
            return (
                f"The best baseline, {naive}, is without error (the model's {self.measure} is "
                f"{self.ours:.3g})."
            )
        errors = f"{self.measure} {self.ours:.3g} against {self.theirs:.3g}"
        if np.isnan(self.low):
            sure = f"{self.units} are too few to say how sure that is"
        else:
            sure = f"95% interval by bootstrap over {self.units}: {_range(self.low, self.high)}"
        if self.low <= 0 <= self.high:
            return (
                f"The model is not clearly better or worse than the best baseline, {naive} "
                f"({errors}; {sure})."
            )
        return (
            f"The model's error is {_size(self.gain)} than that of the best baseline, {naive} "
            f"({errors}; {sure})."
        )


def _size(gain: float) -> str:
    """How much smaller, or larger, an error is."""
    return f"{abs(gain):.0%} {'smaller' if gain > 0 else 'larger'}"


def _range(low: float, high: float) -> str:
    """From the least to the largest gain, in words."""
    if low > 0:
        return f"{low:.0%} to {high:.0%} smaller"
    if high < 0:
        return f"{-high:.0%} to {-low:.0%} larger"
    return f"from {_size(low)} to {_size(high)}"


def judge(backtest: Backtest) -> Verdict | None:
    """Hold the model against the best baseline, pair by pair.

    Series are drawn with replacement, with all their forecasts, where there are at least five;
    otherwise cutoffs are. (Of overlapping forecasts the interval is then too narrow.)

    Returns:
        None where nothing was observed, or there is no baseline.
    """
    from scipy.stats import bootstrap

    found = by_forecast(backtest)
    measure = "mase" if found["mase"].notna().any() else "mae"
    errors = found[measure].unstack("model").replace(np.inf, np.nan).dropna()
    baselines = [str(name) for name in errors if name != FORECAST]
    if errors.empty or not baselines:
        return None
    means = {str(name): float(mean) for name, mean in errors.mean().items()}
    best = min(baselines, key=lambda name: means[name])
    ids, times = backtest.ids[errors.index], backtest.cutoffs[errors.index]
    by, of = (ids, "series") if len(set(ids.tolist())) >= FEWEST else (times, "cutoffs")
    units = errors[[FORECAST, best]].groupby(by).agg(["sum", "count"])
    low = high = float("nan")
    if len(units) >= FEWEST and means[best] > 0:
        ours, theirs = (units[name]["sum"].to_numpy() for name in (FORECAST, best))
        drawn = bootstrap(
            (ours, theirs),
            lambda a, b, axis: 1 - a.sum(axis) / b.sum(axis),
            paired=True,
            vectorized=True,
            n_resamples=RESAMPLES,
            confidence_level=SURE,
            method="percentile",
            rng=np.random.default_rng(0),
        )
        low, high = map(float, drawn.confidence_interval)
    return Verdict(
        best,
        measure.upper(),
        means[FORECAST],
        means[best],
        low,
        high,
        f"{len(units):,} {of}",
    )
