"""Models as a flavour of MLflow: saved, logged, registered, served, and logged by themselves.

The modules:

- `flavor`: saves, logs and loads a model, with what it requires.
- `pyfunc`: the model as MLflow calls it: a table in, a table out.
- `signature`: the columns and parameters that it takes, and an example of a table.
- `autologging`: what is logged of a training.
"""

try:
    import mlflow
except ModuleNotFoundError as error:
    raise ImportError(
        "forecast.integrations.mlflow needs mlflow; install it with: "
        "pip install 'forecast-rollout[mlflow]'"
    ) from error

from forecast.integrations.mlflow.autologging import autolog, log_training
from forecast.integrations.mlflow.flavor import (
    _load_pyfunc,
    load_model,
    log_model,
    requirements,
    save_model,
)

__all__ = [
    "_load_pyfunc",  # which MLflow calls by this name
    "autolog",
    "load_model",
    "log_model",
    "log_training",
    "mlflow",
    "requirements",
    "save_model",
]
