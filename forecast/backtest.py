"""`Backtest`: forecasts from many cutoffs, with their measures, baselines and diagnostics."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from forecast.errors import OptionError
from forecast.evaluation.comparison import Exposure
from forecast.evaluation.cutoff_forecasts import CutoffForecasts
from forecast.evaluation.diagnostics import Finding, findings
from forecast.evaluation.metrics import by_cutoff, by_forecast, by_series, by_step, overall
from forecast.evaluation.significance import Verdict, compare_with_best_baseline

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class Backtest(CutoffForecasts):
    """Forecasts of many series from many cutoffs, compared with the actuals and baselines.

    The arrays are those of `CutoffForecasts`: `ids`, `cutoffs`, `actual`, `forecasts`, `ends`.
    Measures, verdict and findings are computed from them when they are asked for.
    """

    @cached_property
    def overall(self) -> pd.DataFrame:
        """The measures of the model and of each baseline, see `evaluation.metrics.overall`."""
        return overall(self, self.by_forecast)

    @cached_property
    def by_forecast(self) -> pd.DataFrame:
        """The same for each forecast, that of one series from one cutoff."""
        return by_forecast(self)

    @cached_property
    def by_step(self) -> pd.DataFrame:
        """The same for each step of the horizon."""
        return by_step(self)

    @cached_property
    def by_series(self) -> pd.DataFrame:
        """The same for each series."""
        return by_series(self)

    @cached_property
    def by_cutoff(self) -> pd.DataFrame:
        """The same for each cutoff."""
        return by_cutoff(self)

    @cached_property
    def verdict(self) -> Verdict | None:
        """Whether the model beats the best baseline, see `forecast.evaluation.significance`."""
        return compare_with_best_baseline(self, self.by_forecast)

    def findings(
        self, exposure: Exposure | None = None, trained: bool = True
    ) -> tuple[Finding, ...]:
        """What is wrong with the forecasts, and what to try, see `evaluation.diagnostics`.

        Args:
            exposure: the exposure gap of the model's training, `model.record.exposure`.
            trained: whether the model was trained on a table, `not model.is_zero_shot`.
        """
        return findings(self, self.verdict, exposure, trained)

    def plot(self, kind: str = "forecasts") -> Figure:
        """Draw a picture, see `forecast.plotting`.

        Args:
            kind: "forecasts" against the actuals, of chosen series; "errors" by step of the
                horizon, beside the baselines; or "calibration", the empirical coverage of the
                intervals.

        Returns:
            A figure of matplotlib, which a notebook shows; `savefig` writes it.

        Raises:
            OptionError: if there is no such kind, or there are no intervals.

        Example:
            >>> from forecast import Forecaster
            >>> from forecast.datasets import load
            >>> backtest = Forecaster(steps=2).backtest(load("air_passengers"), 12, cutoffs=3)
            >>> backtest.plot("errors").get_suptitle()
            'Error by step of the horizon: the mean of 3 forecasts of 1 series'
        """
        from forecast import plotting

        kinds = {
            "forecasts": plotting.plot_backtest,
            "errors": plotting.plot_errors,
            "calibration": plotting.plot_calibration,
        }
        if kind not in kinds:
            raise OptionError(f"kind is {kind!r}; it must be one of {', '.join(kinds)}")
        return kinds[kind](self)
