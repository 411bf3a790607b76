"""The forecaster as one of sktime's, for its pipelines, tuners and evaluation."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from forecast.errors import DataError
from forecast.forecaster import Forecaster
from forecast.training.options import TrainingOptions

try:
    from sktime.forecasting.base import BaseForecaster
except ImportError as error:
    raise ImportError(
        "forecast.integrations.sktime needs sktime; install it with: "
        "pip install 'forecast-rollout[sktime]'"
    ) from error

TIME = "time"  # what the columns of a table are called on the way to the forecaster
TARGET = "y"


class RecurrentForecaster(TrainingOptions, BaseForecaster):  # type: ignore[misc]  # untyped
    """A recurrent network on one series, by the rules of sktime.

    The arguments are those of `forecast.Forecaster`, but for the names of columns, which sktime
    fixes. Exogenous data `X` are future covariates; a forecast needs theirs for every step up to
    its last. Missing values may stand anywhere. Intervals and quantiles are those that `levels`
    gives, see `Model.rollout`.

    `update` observes the new rows without training, whatever `update_params` says: the weights stay
    the same, and the state of the series advances. Panels and hierarchies are broadcast, a network
    for each series; one network for all of them is what `forecast.Forecaster` trains.

    Attributes:
        model_: the fitted `Model`.

    Example:
        >>> from sktime.datasets import load_airline
        >>> from forecast.integrations.sktime import RecurrentForecaster
        >>> forecaster = RecurrentForecaster(steps=20, seed=1).fit(load_airline())
        >>> forecaster.predict(fh=[1, 12]).index.astype(str).tolist()
        ['1961-01', '1961-12']
    """

    _tags = {  # noqa: RUF012 - sktime's own way
        "authors": ["forecast"],
        "maintainers": ["forecast"],
        "y_inner_mtype": "pd.Series",
        "X_inner_mtype": "pd.DataFrame",
        "requires-fh-in-fit": False,
        "capability:exogenous": True,
        "capability:non_contiguous_X": False,
        "capability:insample": False,
        "capability:missing_values": True,
        "capability:pred_int": True,
        "capability:pred_int:insample": False,
        "capability:update": True,
    }
    _config = {"remember_data": False}  # noqa: RUF012 - the state of the series is in the model

    def __init__(self, **options: Any) -> None:
        """Keep the options; they are checked when `fit` uses them."""
        TrainingOptions.__init__(self, **options)
        BaseForecaster.__init__(self)
        self._y = self._X = None  # kept where a user sets remember_data, which expects them here

    __init__.__signature__ = inspect.signature(TrainingOptions.__init__)  # type: ignore[attr-defined]

    def _fit(self, y: pd.Series[Any], X: pd.DataFrame | None, fh: Any) -> RecurrentForecaster:  # noqa: ARG002, N803 - sktime's names
        """Train on a series."""
        known = () if X is None else [str(name) for name in X.columns]
        forecaster = Forecaster(
            time=TIME, target=TARGET, known=known, **self.get_params(deep=False)
        )
        self.model_ = forecaster.fit(_table(y, X)).model_
        self._name, self._until = y.name, y.index[-1]
        return self

    def _predict(self, fh: Any, X: pd.DataFrame | None) -> pd.Series[Any]:  # noqa: N803
        """The forecast at a horizon's steps."""
        values = self._ahead(fh, X)["forecast"].to_numpy()
        return pd.Series(values, fh.to_absolute_index(self.cutoff), name=self._name)

    def _predict_quantiles(
        self,
        fh: Any,
        X: pd.DataFrame | None,  # noqa: N803
        alpha: Sequence[float],
    ) -> pd.DataFrame:
        """The ends of the intervals that probabilities stand for; the forecast is the median."""
        levels = [round(100 * abs(1 - 2 * probability), 9) for probability in alpha]
        rows = self._ahead(fh, X, tuple(sorted({*levels} - {0.0})))
        names = [
            "forecast" if not level else f"forecast-{'lo' if at < 0.5 else 'hi'}-{level:g}"
            for at, level in zip(alpha, levels, strict=True)
        ]
        columns = pd.MultiIndex.from_product([self._get_varnames(), alpha])
        index = fh.to_absolute_index(self.cutoff)
        return pd.DataFrame(rows[names].to_numpy(), index=index, columns=columns)

    def _update(
        self,
        y: pd.Series[Any],
        X: pd.DataFrame | None = None,  # noqa: N803
        update_params: bool = True,  # noqa: ARG002
    ) -> RecurrentForecaster:
        """Take in what is new of some rows; rows left out between are taken as missing."""
        if y.index[-1] < self._until:
            raise DataError(
                f"the rows end at {y.index[-1]}, but the model has seen those up to {self._until}; "
                "refit to forecast from an earlier time"
            )
        new = y[y.index > self._until]
        if len(new):
            self.model_ = self.model_.update(_table(new, X), fill_gaps=True)
            self._until = y.index[-1]
        return self

    def _ahead(
        self,
        fh: Any,
        X: pd.DataFrame | None,  # noqa: N803
        levels: tuple[float, ...] = (),
    ) -> pd.DataFrame:
        """The rows of the forecast's table at the steps of a horizon, none of them in-sample."""
        steps = fh.to_relative(self.cutoff).to_numpy().astype(np.int64)
        future = None if X is None or not self.model_.config.known else _future(X)
        table = self.model_.predict(int(steps.max()), levels=levels, future=future)
        rows: pd.DataFrame = table.iloc[steps - 1]
        return rows

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:  # noqa: ARG003
        """Options with which sktime's checks take seconds rather than hours."""
        tiny = {"steps": 1, "units": 2, "layers": 1, "feedback": "teacher", "holdout": 0}
        return [{**tiny, "head": "student_t"}, {**tiny, "head": "normal", "cell": "gru"}]


def _table(y: pd.Series[Any], X: pd.DataFrame | None) -> pd.DataFrame:  # noqa: N803
    """A series and its exogenous columns as one table."""
    table = y.to_frame(TARGET).rename_axis(index=TIME)
    return table if X is None else table.join(_future(X))


def _future(X: pd.DataFrame) -> pd.DataFrame:  # noqa: N803
    """Exogenous columns as a table of the forecaster's, whose names are text."""
    return X.rename(columns=str).rename_axis(index=TIME)
