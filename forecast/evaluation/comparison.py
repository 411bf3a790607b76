"""How good forecasts of held-out steps are, next to the seasonal naive ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecast.data.panel import Panel
from forecast.evaluation.baselines import seasonal_naive
from forecast.evaluation.metrics import (
    GROUP,
    PERCENT,
    mean_observed,
    seasonal_differences,
    seasonal_scale,
    valid_scale,
)

MIN_RELATIVE_GAIN = 0.005  # a smaller one would be printed as 0%
MIN_RELATIVE_GAP = 0.1  # a smaller exposure gap is not worth a word


@dataclass(frozen=True)
class Comparison:
    """Errors on the held-out steps, which training has not seen.

    MASE (Hyndman & Koehler 2006) is the mean absolute error divided by the mean absolute seasonal
    difference of the series' own history, so that series of any size count alike; sMAPE is in
    percent.

    Attributes:
        steps: held-out steps of each series.
        series: how many series were compared.
        season: period of the seasonal naive forecast in steps.
        mase, smape, mae: of the model, means over the series.
        naive_mase, naive_smape, naive_mae: of the seasonal naive forecast.
    """

    steps: int
    series: int
    season: int
    mase: float | None
    smape: float
    mae: float
    naive_mase: float | None
    naive_smape: float
    naive_mae: float

    def sentence(self) -> str:
        """The comparison in words, also when the model loses."""
        model, baseline, measure = self.mae, self.naive_mae, "mean absolute error"
        if self.mase is not None and self.naive_mase is not None:
            model, baseline, measure = self.mase, self.naive_mase, "MASE"
        series = "the series" if self.series == 1 else f"{self.series:,} series"
        steps = "last step" if self.steps == 1 else f"last {self.steps} steps"
        start = f"On the held-out {steps} of {series}, the model's {measure} is"
        naive = f"{self._baseline()} ({model:.3g} against {baseline:.3g})"
        if model < (1 - MIN_RELATIVE_GAIN) * baseline:
            return f"{start} {1 - model / baseline:.0%} below that of {naive}."
        relation = "no better than"
        if 0 < (1 + MIN_RELATIVE_GAIN) * baseline < model:
            relation = f"{model / baseline - 1:.0%} above"
        return (
            f"{start} {relation} that of {naive}. Use that forecast instead, or give more data or "
            "a longer time budget."
        )

    def _baseline(self) -> str:
        return "the naive forecast" if self.season == 1 else "the seasonal naive forecast"


@dataclass(frozen=True)
class Exposure:
    """What it costs a network to be fed own values instead of true ones, step by step.

    Mean absolute errors over series on the validation rows, scaled as in MASE; NaN for a step
    without a value.

    Attributes:
        one_step: of the steps of a forecast, each fed with the true value before it.
        rollout: of the same steps, fed with the network's own.
    """

    one_step: list[float]
    rollout: list[float]

    def sentence(self, advises: bool = True) -> str:
        """Both errors in words, and what they mean.

        Args:
            advises: whether to name what can help: not where it was tried, or cannot be.
        """
        one_step, rollout = (float(np.nanmean(errors)) for errors in (self.one_step, self.rollout))
        steps = len(self.rollout)
        measured = (
            f"On the {'step' if steps == 1 else f'{steps} steps'} of the validation rows its MASE "
            f"is {one_step:.3g}{_first_and_last(self.one_step)} one step ahead, and "
            f"{rollout:.3g}{_first_and_last(self.rollout)} in a rollout"
        )
        measured += f" ({rollout / one_step - 1:+.0%})" if one_step else ""
        if not rollout > (1 + MIN_RELATIVE_GAP) * one_step:
            return f"{measured}: feeding predictions back does no harm."
        advice = (
            "; training with --feedback free or scheduled can help, over as many steps as "
            "--train-horizon says"
            if advises
            else ""
        )
        return f"{measured}: later steps are harder, and the network meets its own errors{advice}."


def _first_and_last(errors: list[float]) -> str:
    """The first and the last error that were measured, of several."""
    measured = [error for error in errors if np.isfinite(error)]
    if len(measured) < 2:
        return ""
    return f" ({measured[0]:.3g} at the first step, {measured[-1]:.3g} at the last)"


def exposure(
    history: Panel, actual: np.ndarray, one_step: np.ndarray, rollout: np.ndarray, season: int
) -> Exposure | None:
    """Compare forecasts of both kinds with the actuals.

    Args:
        history: all rows before the compared ones.
        actual: the actuals (S, H, D), NaN where missing.
        one_step, rollout: (S, H, D), fed with true values and with own ones.
        season: steps in a season, by whose differences the errors are scaled.

    Returns:
        The mean errors over the first target; None if nothing can be compared.
    """
    scale = mase_scale(history, season)[:, None]
    errors = [
        np.abs(forecast - actual)[..., 0] / scale for forecast in (one_step, rollout)
    ]  # (S, H) each
    if not np.isfinite(errors[1]).any():
        return None
    return Exposure(*(mean_observed(values, axis=0).tolist() for values in errors))


def compare(
    history: Panel, actual: np.ndarray, forecast: np.ndarray, season: int
) -> Comparison | None:
    """Compare forecasts and the seasonal naive ones with the actuals.

    Args:
        history: all rows before the compared ones.
        actual: the actuals (S, H, D), NaN where missing.
        forecast: (S, H, D).
        season: steps in a season.

    Returns:
        The comparison over the first target; None if nothing was observed.
    """
    from utilsforecast import losses

    horizon = actual.shape[1]
    naive = seasonal_naive(history, season, horizon)
    table = pd.DataFrame(
        {
            GROUP: np.repeat(np.arange(len(history.ids)), horizon),
            "y": actual[..., 0].ravel(),
            "model": forecast[..., 0].ravel(),
            "naive": naive[..., 0].ravel(),
        }
    ).dropna()
    if table.empty:
        return None
    models = ["model", "naive"]
    by_series = losses.mae(table, models).set_index(GROUP)
    scale = mase_scale(history, season)[by_series.index]
    mae, mase = by_series.mean(), by_series.div(scale, axis=0).mean()  # a flat history has no MASE
    smape = PERCENT * losses.smape(table, models)[models].mean()
    return Comparison(
        steps=horizon,
        series=len(by_series),
        season=season,
        mase=_number_or_none(mase["model"]),
        smape=float(smape["model"]),
        mae=float(mae["model"]),
        naive_mase=_number_or_none(mase["naive"]),
        naive_smape=float(smape["naive"]),
        naive_mae=float(mae["naive"]),
    )


def mase_scale(history: Panel, season: int) -> np.ndarray:
    """The scale of MASE of each series (S,), NaN where it has none."""
    differences = seasonal_differences(history, season)[:, 0]
    return valid_scale(
        seasonal_scale(differences, history.indptr[:-1], history.indptr[1:]).absolute
    )


def _number_or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
