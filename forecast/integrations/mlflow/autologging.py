"""What is logged of a training to MLflow, when asked or by itself."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import mlflow
from mlflow.entities import Metric
from mlflow.utils.autologging_utils import autologging_integration
from mlflow.utils.autologging_utils.safety import safe_patch

from forecast.integrations.mlflow.flavor import FLAVOR, log_model
from forecast.report import ReportRequest, render

if TYPE_CHECKING:
    from forecast.forecaster import Forecaster
    from forecast.training_record import TrainingRecord

MAX_METRICS = 1_000  # in one request, which is what MLflow takes at most
TRAINS = ("fit", "tune")  # methods of a forecaster


@autologging_integration(FLAVOR)  # type: ignore[untyped-decorator]  # MLflow's own has no types
def autolog(
    log_models: bool = True,
    disable: bool = False,  # noqa: ARG001 - the decorator reads it, and the next two
    exclusive: bool = False,  # noqa: ARG001
    silent: bool = False,  # noqa: ARG001
    registered_model_name: str | None = None,
    extra_tags: dict[str, str] | None = None,
) -> None:
    """Log every training of a `Forecaster` from now on, see `log_training`.

    A training is logged to the active run, or to one of its own. What cannot be logged becomes a
    warning, and the training goes on.

    Args:
        log_models: whether the model is logged, too.
        disable: log no trainings any more.
        exclusive: leave runs alone that the user has started.
        silent: whether to leave out MLflow's messages.
        registered_model_name: under which each model is registered.
        extra_tags: of the runs that are started.
    """
    from forecast.forecaster import Forecaster

    def train_and_log(
        original: Callable[..., Forecaster], forecaster: Forecaster, *given: Any, **options: Any
    ) -> Forecaster:
        fitted = original(forecaster, *given, **options)
        log_training(fitted, log_models=log_models, registered_model_name=registered_model_name)
        return fitted

    for method in TRAINS:
        safe_patch(
            FLAVOR, Forecaster, method, train_and_log, manage_run=True, extra_tags=extra_tags
        )


def log_training(
    forecaster: Forecaster, *, log_models: bool = True, registered_model_name: str | None = None
) -> None:
    """Log a training to the active run, or to one that is started.

    Parameters are the options and what was chosen for them. Metrics are the losses by gradient
    step, the errors on the held-out steps beside those of the seasonal naive forecast, the
    coverage of intervals there, and the seconds. `training.json` is the training record,
    `report.html` the report, and `tuning.csv` the trials of a tuning.

    Args:
        forecaster: that is fitted.
        log_models: whether the model is logged, too.
        registered_model_name: under which it is registered.
    """
    model, record = forecaster.model_, forecaster.model_.record
    run = mlflow.active_run() or mlflow.start_run()
    mlflow.log_params(parameters(forecaster))
    model_id = None
    if log_models:
        model_id = log_model(model, registered_model_name=registered_model_name).model_id
    if record is not None:
        mlflow.log_metrics(metrics(record), model_id=model_id)
        _log_losses(run.info.run_id, record, model_id)
        mlflow.log_dict(record.to_json(), "training.json")
    if hasattr(forecaster, "tuning_"):
        mlflow.log_text(forecaster.tuning_.table.to_csv(index=False), "tuning.csv")
    mlflow.log_text(render(ReportRequest(model)), "report.html")


def parameters(forecaster: Forecaster) -> dict[str, Any]:
    """The options of a forecaster that are set, and what its plan has for the others."""
    given = forecaster.get_params(deep=False)
    options = {name: value for name, value in given.items() if value not in (None, ())}
    record = forecaster.model_.record
    return options if record is None else {**options, **asdict(record.plan)}


def metrics(record: TrainingRecord) -> dict[str, float]:
    """The measures of a training that are one number each, and finite."""
    found: dict[str, float | None] = {"seconds": record.rounds[-1].seconds}
    for target, comparison in {"": record.comparison, **record.also}.items():
        measures = asdict(comparison) if comparison else {}
        of = f"_{target}" if target else ""
        found |= {f"holdout_{name}{of}": value for name, value in measures.items()}
    found |= {f"coverage_{level}": share for level, share in (record.coverage or {}).items()}
    return {_name(n): float(v) for n, v in found.items() if v is not None and math.isfinite(v)}


def _name(name: str) -> str:
    """A name without the characters that MLflow refuses."""
    return re.sub(r"[^\w\-. :/]", "_", name, flags=re.ASCII)


def _log_losses(run_id: str, record: TrainingRecord, model_id: str | None) -> None:
    """Log the losses by gradient step."""
    losses = [*_losses(record, model_id)]
    for first in range(0, len(losses), MAX_METRICS):
        mlflow.MlflowClient().log_batch(run_id, losses[first : first + MAX_METRICS])


def _losses(record: TrainingRecord, model_id: str | None) -> Iterator[Metric]:
    now = int(time.time() * 1000)
    for progress in record.rounds:
        losses = {"training_loss": progress.loss, "validation_loss": progress.validation_loss}
        for name, value in losses.items():
            if value is not None:
                yield Metric(name, value, now, progress.step, model_id=model_id)
