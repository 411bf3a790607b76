"""What commonly goes wrong with forecasts: looked for in a backtest, with what to try."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from forecast.evaluation.comparison import Exposure
from forecast.evaluation.cutoff_forecasts import FORECAST, CutoffForecasts
from forecast.evaluation.metrics import mean_observed
from forecast.evaluation.significance import Verdict

COPY_RATIO = 0.1  # of the data's first move; a first step that moves less is a copy
FLAT_RATIO = 0.1  # of the data's moves; rollouts that move less are flat
MIN_FORECASTS_PER_SERIES = 3  # with fewer of them nothing is said of a series
WORSE_RATIO = 1.05  # times a baseline's error
MIN_SHARE_WORSE = 0.1  # of the series that must do worse to be reported
EXPOSURE_RATIO = 2.0  # of the error of a rollout to that of single steps
COVERAGE_TOLERANCE = 0.05  # of an empirical coverage, besides chance
NAMED_SERIES = 3  # in a sentence

ADVICE = {  # what to try, by kind
    "lag-copy": "Train longer (--budget), or add future covariates (--known).",
    "flat": "If those moves can be predicted at all, train longer (--budget), with a longer "
    "--context, or with --feedback free.",
    "drift": "Set limits (--bounds), train with --feedback free, or with a smaller "
    "--learning-rate.",
    "worse than naive": "Use it for them, give more data, or distinguish series by a column "
    "(--static).",
    "exposure gap": "Train with --feedback free or scheduled, over as many steps as "
    "--train-horizon says.",
    "intervals": "Train on later rows too, or with a larger --holdout.",
}
ADVICE_UNTRAINED = {  # of the pretrained network
    "lag-copy": "If more can be predicted, name the season (--season) or train.",
    "flat": "If those moves can be predicted at all, name the season (--season), or train.",
    "drift": "Set limits (--bounds), or train.",
    "worse than naive": "Use it for them, or train.",
    "intervals": "Give more rows, since intervals are calibrated on them, or train.",
}


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with forecasts.

    Attributes:
        kind: "lag-copy", "flat", "drift", "worse than naive", "exposure gap" or "intervals".
        series: ids of the series concerned, the worst first.
        sentence: what is wrong, and what to try.
    """

    kind: str
    series: tuple[Any, ...]
    sentence: str


def findings(
    forecasts: CutoffForecasts,
    verdict: Verdict | None = None,
    exposure: Exposure | None = None,
    trained: bool = True,
) -> tuple[Finding, ...]:
    """All that is wrong, as far as the forecasts show it.

    Args:
        forecasts: of a model.
        verdict: which baseline is the best one.
        exposure: the exposure gap that the model's training has measured.
        trained: whether the model was trained on a table, which decides what to try.
    """
    problems = (
        *lag_copies(forecasts),
        *flat_rollouts(forecasts),
        *drifting_rollouts(forecasts),
        *worse_than_baseline(forecasts, verdict),
        *exposure_gap(forecasts, exposure),
        *miscalibrated_intervals(forecasts),
    )
    advice = ADVICE if trained else ADVICE_UNTRAINED
    return tuple(
        replace(problem, sentence=f"{problem.sentence} {advice[problem.kind]}")
        for problem in problems
    )


def lag_copies(forecasts: CutoffForecasts) -> Iterator[Finding]:
    """Series whose forecasts begin with the last value, though the data move on."""
    last = forecasts.past.last
    forecast_move = _by_series(forecasts, np.abs(forecasts.forecasts[FORECAST][:, 0] - last))
    actual_move = _by_series(forecasts, np.abs(forecasts.actual[:, 0] - last))
    series = _below(forecast_move / actual_move, COPY_RATIO)
    if series:
        yield Finding(
            "lag-copy",
            series,
            f"Forecasts begin by repeating the last value, in {_named(series, forecasts)}: the "
            "model does little more than to copy.",
        )


def flat_rollouts(forecasts: CutoffForecasts) -> Iterator[Finding]:
    """Series whose rollouts hardly move, though the data do."""
    if forecasts.horizon == 1:
        return
    forecast_moves = _by_series(forecasts, _mean_move(forecasts.forecasts[FORECAST]))
    actual_moves = _by_series(forecasts, _mean_move(forecasts.actual))
    series = _below(forecast_moves / actual_moves, FLAT_RATIO)
    if series:
        yield Finding(
            "flat",
            series,
            f"Rollouts are flat where the data move, in {_named(series, forecasts)}.",
        )


def drifting_rollouts(forecasts: CutoffForecasts) -> Iterator[Finding]:
    """Series whose rollouts leave the range of the data by more than that range, wrongly."""
    path, past = forecasts.forecasts[FORECAST], forecasts.past
    width = (past.high - past.low)[:, None]
    outside = np.maximum(path - past.high[:, None], past.low[:, None] - path)
    is_wrong = ~(np.abs(path - forecasts.actual) <= width)
    share = _by_series(forecasts, ((outside > width) & is_wrong).mean(axis=1), min_forecasts=1)
    series = tuple(share[share > 0].sort_values(ascending=False).index)
    if series:
        yield Finding(
            "drift",
            series,
            f"Rollouts drift far out of the range of the data, in {_named(series, forecasts)}.",
        )


def worse_than_baseline(forecasts: CutoffForecasts, verdict: Verdict | None) -> Iterator[Finding]:
    """Series on which the best baseline of all does better."""
    if verdict is None:
        return
    model_error, baseline_error = (
        _by_series(forecasts, mean_observed(np.abs(forecasts.forecasts[name] - forecasts.actual)))
        for name in (FORECAST, verdict.baseline)
    )
    ratio = (model_error / baseline_error).dropna().sort_values(ascending=False)
    series = tuple(ratio[ratio > WORSE_RATIO].index)
    if len(series) > MIN_SHARE_WORSE * len(ratio):
        yield Finding(
            "worse than naive",
            series,
            f"The baseline {verdict.baseline!r} is more accurate in {_named(series, forecasts)}.",
        )


def exposure_gap(forecasts: CutoffForecasts, exposure: Exposure | None) -> Iterator[Finding]:
    """Rollouts that lose much by being fed their own values, as training has measured."""
    if exposure is None:
        return
    one_step, rollout = (float(np.nanmean(e)) for e in (exposure.one_step, exposure.rollout))
    if rollout > EXPOSURE_RATIO * one_step:
        yield Finding(
            "exposure gap",
            tuple(dict.fromkeys(forecasts.ids.tolist())),
            f"In a rollout the model's error is {rollout / one_step:.1f} times that of the same "
            "steps fed with true values.",
        )


def miscalibrated_intervals(forecasts: CutoffForecasts) -> Iterator[Finding]:
    """Intervals whose empirical coverage is far from the nominal one."""
    observed = ~np.isnan(forecasts.actual)
    wrong, worst = [], (0.0, np.zeros(len(forecasts.ids)))
    for level, (low, high) in sorted(forecasts.ends.items()):
        is_inside = (low <= forecasts.actual) & (forecasts.actual <= high)
        covered = np.where(observed, is_inside, np.nan)
        nominal = level / 100
        empirical = float(np.nanmean(covered)) if observed.any() else nominal
        chance = 2 * np.sqrt(nominal * (1 - nominal) / len(forecasts.ids))  # forecasts, not steps
        if abs(empirical - nominal) > COVERAGE_TOLERANCE + chance:
            wrong.append(f"the {level:g}% intervals have an empirical coverage of {empirical:.0%}")
            by_rollout = (empirical - nominal, mean_observed(covered) - nominal)
            worst = max(worst, by_rollout, key=lambda gap: abs(gap[0]))
    if wrong:
        gap, gaps = worst
        by_series = _by_series(forecasts, gaps * np.sign(gap), min_forecasts=1)
        by_series = by_series[by_series > COVERAGE_TOLERANCE]
        series = tuple(by_series.sort_values(ascending=False).index)
        yield Finding(
            "intervals",
            series,
            f"Intervals are too {'narrow' if gap < 0 else 'wide'}: {', '.join(wrong)}; mostly "
            f"in {_named(series, forecasts)}.",
        )


def _mean_move(paths: np.ndarray) -> np.ndarray:
    """The mean absolute change from step to step of paths (M, H), (M,)."""
    return mean_observed(np.abs(np.diff(paths, axis=1)))


def _by_series(
    forecasts: CutoffForecasts, values: np.ndarray, min_forecasts: int = MIN_FORECASTS_PER_SERIES
) -> pd.Series[float]:
    """The mean of values (M,) over the forecasts of each series that has enough of them."""
    grouped = pd.Series(values).groupby(pd.Series(forecasts.ids), sort=False)
    means: pd.Series[float] = grouped.mean()
    return means[grouped.count() >= min_forecasts]


def _below(ratio: pd.Series[float], limit: float) -> tuple[Any, ...]:
    """The ids whose ratio is below a limit, the smallest first."""
    return tuple(ratio[ratio < limit].sort_values().index)


def _named(series: tuple[Any, ...], forecasts: CutoffForecasts) -> str:
    """How many series those are, and the first of them."""
    count = len(set(forecasts.ids.tolist()))
    if count == 1:
        return "the series"
    more = ", …" if len(series) > NAMED_SERIES else ""
    names = ", ".join(repr(str(name)) for name in series[:NAMED_SERIES])
    return f"{len(series):,} of {count:,} series ({names}{more})"
