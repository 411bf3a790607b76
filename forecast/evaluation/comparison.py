"""How good forecasts are, next to the seasonal naive one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from utilsforecast import losses

from forecast.data.panel import Panel
from forecast.evaluation.baselines import seasonal_naive

COMPARED = 1_000  # series that the comparison looks at, drawn once when there are more


MARGIN = 0.005  # a smaller gain would be told as 0%
EXPOSED = 0.1  # a smaller gap is not worth a word


@dataclass(frozen=True)
class Comparison:
    """Errors on the held-out tail, which training has not seen.

    MASE (Hyndman & Koehler 2006) is the mean absolute error in units of the mean absolute
    change from season to season of the series' own history, so that series of any size count
    alike; sMAPE is in percent.

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
        ours, naive, measure = self.mae, self.naive_mae, "mean absolute error"
        if self.mase is not None and self.naive_mase is not None:
            ours, naive, measure = self.mase, self.naive_mase, "MASE"
        many = "series" if self.series == 1 else f"{self.series:,} series"
        last = "last step" if self.steps == 1 else f"last {self.steps} steps"
        where = f"On the {last} of {'the ' if self.series == 1 else ''}{many}"
        what = f"({measure} {ours:.3g} against {naive:.3g})"
        repeated = f"repeating {self._season()} {what}"
        if ours < (1 - MARGIN) * naive:
            gain = f"error is {1 - ours / naive:.0%} smaller than that of"
            return f"{where}, which it had not seen, the model's {gain} {repeated}."
        verdict = " does no better than"
        if 0 < (1 + MARGIN) * naive < ours:
            verdict = f"'s error is {ours / naive - 1:.0%} larger than that of"
        return (
            f"{where}, which it had not seen, the model{verdict} {repeated}. Use that instead, or "
            "give more data or a longer budget."
        )

    def _season(self) -> str:
        return "the last value" if self.season == 1 else f"the last {self.season} steps"


@dataclass(frozen=True)
class Exposure:
    """What it costs a network to be fed own values instead of true ones, step by step.

    Mean absolute errors over series on the validation tail, in units of the mean absolute change
    from season to season of the series' own history, as in MASE; NaN for a step without a value.

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
        one, far = (float(np.nanmean(errors)) for errors in (self.one_step, self.rollout))
        steps = len(self.rollout)
        found = (
            f"On the {'step' if steps == 1 else f'{steps} steps'} of the validation its error "
            f"(MASE) is {one:.3g}{_ends(self.one_step)} fed with true values, and "
            f"{far:.3g}{_ends(self.rollout)} in a rollout, fed with its own"
        )
        found += f" ({far / one - 1:+.0%})" if one else ""
        if not far > (1 + EXPOSED) * one:
            return f"{found}: they do it no harm."
        advice = (
            "; training with --feedback free or scheduled can help, over as many steps as "
            "--train-horizon says"
            if advises
            else ""
        )
        return f"{found}: later steps are harder to know, and it meets errors of its own{advice}."


def _ends(errors: list[float]) -> str:
    """The first and the last error that were measured, of several."""
    known = [error for error in errors if np.isfinite(error)]
    return f" ({known[0]:.3g} at first, {known[-1]:.3g} at last)" if len(known) > 1 else ""


def exposure(
    history: Panel, actual: np.ndarray, one_step: np.ndarray, rollout: np.ndarray, season: int
) -> Exposure | None:
    """Hold forecasts of both kinds against what came.

    Args:
        history: all rows before the compared ones.
        actual: what came, (S, H, D), NaN where missing.
        one_step, rollout: (S, H, D), fed with true values and with own ones.
        season: steps in a season, by which the errors are scaled.

    Returns:
        The mean errors over the first target; None if nothing can be compared.
    """
    pasts = np.split(history.target[:, 0], history.indptr[1:-1])
    scale = np.array([_seasonal_change(past, season) for past in pasts])
    usable = np.isfinite(scale) & (scale > 0)
    errors = [
        np.abs(forecast - actual)[usable, :, 0] / scale[usable, None]
        for forecast in (one_step, rollout)
    ]
    if not usable.any() or not np.isfinite(errors[1]).any():
        return None
    return Exposure(*(_means(each) for each in errors))


def _seasonal_change(past: np.ndarray, season: int) -> float:
    """The mean absolute change from season to season (T,); NaN where none is observed."""
    changes = np.abs(past[season:] - past[:-season])
    observed = changes[~np.isnan(changes)]
    return float(observed.mean()) if len(observed) else float("nan")


def _means(errors: np.ndarray) -> list[float]:
    """Means over series (S, H), NaN for a step that no series has a value for."""
    count = np.isfinite(errors).sum(axis=0)
    total = np.where(np.isfinite(errors), errors, 0.0).sum(axis=0)
    return [float(t / n) if n else float("nan") for t, n in zip(total, count, strict=True)]


def compare(
    history: Panel, actual: np.ndarray, forecast: np.ndarray, season: int
) -> Comparison | None:
    """Hold forecasts and the seasonal naive one against what came.

    Args:
        history: all rows before the compared ones.
        actual: what came, (S, H, D), NaN where missing.
        forecast: (S, H, D).
        season: steps in a season.

    Returns:
        The comparison over the first target; None if nothing was observed.
    """
    horizon = actual.shape[1]
    naive = seasonal_naive(history, season, horizon)
    ids = np.arange(len(history.ids))
    table = pd.DataFrame(
        {
            "unique_id": np.repeat(ids, horizon),
            "y": actual[..., 0].ravel(),
            "model": forecast[..., 0].ravel(),
            "naive": naive[..., 0].ravel(),
        }
    ).dropna()
    if table.empty:
        return None
    past = pd.DataFrame({"unique_id": np.repeat(ids, history.lengths), "y": history.target[:, 0]})
    models = ["model", "naive"]
    scaled = losses.mase(table, models, seasonality=season, train_df=past)[models].to_numpy()
    scaled = scaled[np.isfinite(scaled).all(axis=1)]  # a flat history has no scale
    smape = losses.smape(table, models)[models].mean() * 200  # utilsforecast gives half of it
    mae = losses.mae(table, models)[models].mean()
    return Comparison(
        steps=horizon,
        series=int(table["unique_id"].nunique()),
        season=season,
        mase=float(scaled[:, 0].mean()) if len(scaled) else None,
        smape=float(smape["model"]),
        mae=float(mae["model"]),
        naive_mase=float(scaled[:, 1].mean()) if len(scaled) else None,
        naive_smape=float(smape["naive"]),
        naive_mae=float(mae["naive"]),
    )
