"""Whether a model is better than the best baseline, by how much, and with what confidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecast.evaluation.cutoff_forecasts import FORECAST, CutoffForecasts

BOOTSTRAP_RESAMPLES = 2_000
CONFIDENCE_LEVEL = 0.95
MIN_CLUSTERS_FOR_BOOTSTRAP = 5  # series or cutoffs; with fewer there is no interval
DESCRIPTIONS = {
    "naive": "the naive forecast",
    "seasonal_naive": "the seasonal naive forecast",
    "drift": "the drift forecast",
    "naive2": "the Naive2 forecast",
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
        units: what was resampled for the interval, such as "414 series".
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
        baseline = DESCRIPTIONS.get(self.baseline, self.baseline)
        if not self.theirs:
            return (
                f"The best baseline, {baseline}, is without error (the model's {self.measure} is "
                f"{self.ours:.3g})."
            )
        errors = f"{self.measure} {self.ours:.3g} against {self.theirs:.3g}"
        if np.isnan(self.low):
            confidence = f"{self.units} are too few for a confidence interval"
        else:
            confidence = f"95% bootstrap interval over {self.units}: {_range(self.low, self.high)}"
        if self.low <= 0 <= self.high:
            return (
                f"The model is not clearly better or worse than the best baseline, {baseline} "
                f"({errors}; {confidence})."
            )
        return (
            f"The model's error is {_size(self.gain)} than that of the best baseline, {baseline} "
            f"({errors}; {confidence})."
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


def compare_with_best_baseline(
    forecasts: CutoffForecasts, measures: pd.DataFrame
) -> Verdict | None:
    """Compare the model with the best baseline, pair by pair.

    Series are resampled with all their forecasts, where there are at least five; otherwise
    cutoffs are. (Of overlapping forecasts the interval is then too narrow.)

    Args:
        forecasts: of the model and of each baseline.
        measures: of each forecast, see `evaluation.metrics.by_forecast`.

    Returns:
        None where nothing was observed, or there is no baseline.
    """
    measure = "mase" if measures["mase"].notna().any() else "mae"
    errors = measures[measure].unstack("model").replace(np.inf, np.nan).dropna()
    baselines = [str(name) for name in errors if name != FORECAST]
    if errors.empty or not baselines:
        return None
    means = {str(name): float(mean) for name, mean in errors.mean().items()}
    best = min(baselines, key=lambda name: means[name])
    clusters, unit = _clusters(errors, best, forecasts)
    low = high = float("nan")
    if len(clusters) >= MIN_CLUSTERS_FOR_BOOTSTRAP and means[best] > 0:
        low, high = _bootstrap_interval(clusters[FORECAST], clusters[best])
    return Verdict(
        baseline=best,
        measure=measure.upper(),
        ours=means[FORECAST],
        theirs=means[best],
        low=low,
        high=high,
        units=f"{len(clusters):,} {unit}",
    )


def _clusters(
    errors: pd.DataFrame, baseline: str, forecasts: CutoffForecasts
) -> tuple[pd.DataFrame, str]:
    """The summed errors of the units that are resampled, and what the units are."""
    ids, cutoffs = forecasts.ids[errors.index], forecasts.cutoffs[errors.index]
    is_by_series = len(set(ids.tolist())) >= MIN_CLUSTERS_FOR_BOOTSTRAP
    by, unit = (ids, "series") if is_by_series else (cutoffs, "cutoffs")
    return errors[[FORECAST, baseline]].groupby(by).sum(), unit


def _bootstrap_interval(ours: pd.Series[float], theirs: pd.Series[float]) -> tuple[float, float]:
    """The interval of the relative gain, by a paired percentile bootstrap."""
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, len(ours), (BOOTSTRAP_RESAMPLES, len(ours)))
    gains = 1 - ours.to_numpy()[drawn].sum(1) / theirs.to_numpy()[drawn].sum(1)
    tail = (1 - CONFIDENCE_LEVEL) / 2
    low, high = map(float, np.quantile(gains, (tail, 1 - tail)))
    return low, high
