"""Forecast time series any number of steps ahead with recurrent networks."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from forecast._version import __version__ as __version__

if TYPE_CHECKING:
    from forecast.backtest import Backtest
    from forecast.errors import (
        ArtifactError,
        DataError,
        ForecastError,
        ForecastWarning,
        OptionError,
    )
    from forecast.evaluation.splits import RollingOrigin
    from forecast.explanation import Explanation
    from forecast.forecaster import Forecaster
    from forecast.inference.bounds import between, non_negative
    from forecast.inference.forecast import Forecast
    from forecast.inference.state import State
    from forecast.inference.stopping import above, below, unchanged
    from forecast.inference.streaming import Step
    from forecast.model import Model, load
    from forecast.monitoring.monitoring import Monitoring
    from forecast.training_record import TrainingRecord
    from forecast.tuning.tuning_result import Tuning

__all__ = [
    "ArtifactError",
    "Backtest",
    "DataError",
    "Explanation",
    "Forecast",
    "ForecastError",
    "ForecastWarning",
    "Forecaster",
    "Model",
    "Monitoring",
    "OptionError",
    "RollingOrigin",
    "State",
    "Step",
    "TrainingRecord",
    "Tuning",
    "above",
    "below",
    "between",
    "load",
    "non_negative",
    "unchanged",
]
if not TYPE_CHECKING and find_spec("sklearn") is None:  # the small installation
    __all__.remove("Forecaster")

_HOMES = {
    "ArtifactError": "errors",
    "Backtest": "backtest",
    "DataError": "errors",
    "Explanation": "explanation",
    "Forecast": "inference.forecast",
    "ForecastError": "errors",
    "ForecastWarning": "errors",
    "Forecaster": "forecaster",
    "Model": "model",
    "Monitoring": "monitoring.monitoring",
    "OptionError": "errors",
    "RollingOrigin": "evaluation.splits",
    "State": "inference.state",
    "Step": "inference.streaming",
    "TrainingRecord": "training_record",
    "Tuning": "tuning.tuning_result",
    "above": "inference.stopping",
    "below": "inference.stopping",
    "between": "inference.bounds",
    "load": "model",
    "non_negative": "inference.bounds",
    "unchanged": "inference.stopping",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import forecast` stays light."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """The public names."""
    return sorted([*globals(), *__all__])
