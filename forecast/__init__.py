"""Forecast time series any number of steps ahead with recurrent networks."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forecast.backtest import Backtest
    from forecast.bounds import between, non_negative
    from forecast.errors import (
        ArtifactError,
        DataError,
        ForecastError,
        ForecastWarning,
        OptionError,
    )
    from forecast.forecaster import Forecaster
    from forecast.model import Model, load
    from forecast.outcome import Forecast
    from forecast.splits import RollingOrigin
    from forecast.state import State
    from forecast.stopping import above, below, unchanged
    from forecast.streaming import Step

__version__ = "0.1.0"

__all__ = [
    "ArtifactError",
    "Backtest",
    "DataError",
    "Forecast",
    "ForecastError",
    "ForecastWarning",
    "Forecaster",
    "Model",
    "OptionError",
    "RollingOrigin",
    "State",
    "Step",
    "above",
    "below",
    "between",
    "load",
    "non_negative",
    "unchanged",
]

_HOMES = {
    "ArtifactError": "errors",
    "Backtest": "backtest",
    "DataError": "errors",
    "Forecast": "outcome",
    "ForecastError": "errors",
    "ForecastWarning": "errors",
    "Forecaster": "forecaster",
    "Model": "model",
    "OptionError": "errors",
    "RollingOrigin": "splits",
    "State": "state",
    "Step": "streaming",
    "above": "stopping",
    "below": "stopping",
    "between": "bounds",
    "load": "model",
    "non_negative": "bounds",
    "unchanged": "stopping",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import forecast` stays light."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """The public names."""
    return sorted([*globals(), *__all__])
