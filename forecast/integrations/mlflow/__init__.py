"""Models as a flavour of MLflow: saved, logged, registered, served, and logged by themselves.

The modules:

- `flavor`: saves, logs and loads a model, with what it requires.
- `pyfunc`: the model as MLflow calls it: a table in, a table out.
- `signature`: the columns and parameters that it takes, and an example of a table.
- `autologging`: what is logged of a training.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forecast.integrations.mlflow.autologging import autolog, log_training
    from forecast.integrations.mlflow.flavor import (
        load_model,
        log_model,
        requirements,
        save_model,
    )

__all__ = ["autolog", "load_model", "log_model", "log_training", "requirements", "save_model"]

_HOMES = {
    **dict.fromkeys(("autolog", "log_training"), "autologging"),
    **dict.fromkeys(("load_model", "log_model", "requirements", "save_model"), "flavor"),
    "_load_pyfunc": "flavor",  # which MLflow calls by this name
}


def __getattr__(name: str) -> Any:
    """Import a name when it is first used, and MLflow with it.

    Raises:
        ImportError: if MLflow is not installed.
    """
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name != "mlflow":
            raise
        raise ImportError(
            "forecast.integrations.mlflow needs mlflow; install it with: "
            "pip install 'forecast-rollout[mlflow]'"
        ) from error
