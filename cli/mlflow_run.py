"""A run of MLflow for a command that was given --mlflow."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from forecast.errors import ForecastError

from .output import Say

if TYPE_CHECKING:
    from forecast.forecaster import Forecaster

QUIET = {"MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}  # where results go


@dataclass(frozen=True)
class Run:
    """What a training is logged to.

    Attributes:
        name: of the run; None where none is wanted.
        place: address of the store.
    """

    name: str | None = None
    place: str = ""

    def log(self, forecaster: Forecaster, say: Say) -> None:
        """Log a training, and say where."""
        if self.name is None:
            return
        from forecast.integrations.mlflow import log_training

        log_training(forecaster)
        say(f"Logged the training to MLflow, run {self.name} at {self.place}.")


@contextmanager
def mlflow_run(is_wanted: bool) -> Iterator[Run]:
    """A run that begins before anything is trained, so that a store out of reach is known by then.

    Raises:
        ForecastError: if MLflow is not installed, or its store cannot be used.
    """
    if not is_wanted:
        yield Run()
        return
    os.environ.update({**QUIET, **os.environ})
    try:
        import mlflow
    except ModuleNotFoundError:
        raise ForecastError(
            "--mlflow needs the package mlflow; install it with: "
            "pip install 'forecast-rollout[mlflow]'"
        ) from None
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    is_begun = False
    try:
        with mlflow.start_run() as run:
            is_begun = True
            yield Run(run.info.run_id, mlflow.get_tracking_uri())
    except mlflow.MlflowException as error:
        raise ForecastError(_of_store(error)) from error
    except Exception as error:
        if is_begun:  # a fault of the training, not of the store
            raise
        raise ForecastError(_of_store(error)) from error


def _of_store(error: Exception) -> str:
    """What is wrong with a store, which may be any database."""
    first_line = (str(error).splitlines() or [type(error).__name__])[0]
    return f"--mlflow: {first_line}; MLFLOW_TRACKING_URI names the store"
