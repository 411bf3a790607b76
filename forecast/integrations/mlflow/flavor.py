"""A model in MLflow's format: saved, logged and loaded."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow.pyfunc  # which MLflow would import later, with warnings of its own
from mlflow import artifacts
from mlflow.models import Model as MLModel
from mlflow.models import ModelSignature
from mlflow.models.model import ModelInfo

from forecast._version import __version__
from forecast.errors import ArtifactError
from forecast.integrations.mlflow.pyfunc import TableForecaster
from forecast.integrations.mlflow.signature import example_of, signature_of
from forecast.model import Model

FLAVOR = "forecast"
MODULE = "forecast.integrations.mlflow"  # which MLflow imports to load a model
FILE = "model.forecast"
DATA = f"data/{FILE}"  # where MLflow puts it
DISTRIBUTION = "forecast-rollout-small"  # without what only a training needs
LIBRARIES = ("numpy", "pandas", "safetensors", "threadpoolctl")


def requirements() -> list[str]:
    """What a process needs that serves a model, as lines for pip: no TensorFlow among it."""
    return [f"{DISTRIBUTION}=={__version__}", *(f"{name}=={version(name)}" for name in LIBRARIES)]


def save_model(
    model: Model,
    path: str | Path,
    *,
    mlflow_model: MLModel | None = None,
    signature: ModelSignature | None = None,
    input_example: Any = None,
    pip_requirements: Sequence[str] | str | None = None,
    extra_pip_requirements: Sequence[str] | str | None = None,
    conda_env: dict[str, Any] | str | None = None,
    code_paths: Sequence[str] | None = None,
    metadata: dict[str, Any] | None = None,
) -> None:
    """Save a model as a folder in MLflow's format, with the flavours `forecast` and `pyfunc`.

    Args:
        model: to be saved.
        path: of the folder, which must not exist.
        mlflow_model: that the flavours are added to; MLflow gives it.
        signature: by default that of the model, see `signature.signature_of`.
        input_example: by default a table from the state of the model.
        pip_requirements: by default `requirements()`.
        extra_pip_requirements, conda_env, code_paths, metadata: of `mlflow.pyfunc.save_model`.

    Raises:
        ArtifactError: if the model cannot be written.

    Example:
        >>> import tempfile
        >>> from forecast import Forecaster
        >>> from forecast.datasets import load
        >>> from forecast.integrations.mlflow import load_model, save_model
        >>> model = Forecaster(steps=2).fit(load("air_passengers")).model_
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_model(model, f"{folder}/air")
        ...     load_model(f"{folder}/air").predict(2)["ds"].dt.month.tolist()
        [1, 2]
    """
    packaged = mlflow_model or MLModel()
    packaged.add_flavor(FLAVOR, data=DATA, forecast_version=__version__)
    if pip_requirements is None and conda_env is None:
        pip_requirements = requirements()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / FILE
        model.save(file)
        mlflow.pyfunc.save_model(
            path=str(path),
            loader_module=MODULE,
            data_path=str(file),
            mlflow_model=packaged,
            signature=signature or signature_of(model),
            input_example=example_of(model) if input_example is None else input_example,
            pip_requirements=pip_requirements,
            extra_pip_requirements=extra_pip_requirements,
            conda_env=conda_env,
            code_paths=code_paths,
            metadata=metadata,
        )


def log_model(
    model: Model,
    name: str = "model",
    *,
    registered_model_name: str | None = None,
    **options: Any,
) -> ModelInfo:
    """Log a model to the active run of MLflow, or to one that is started.

    Args:
        model: to be logged.
        name: of the logged model.
        registered_model_name: under which a version is registered.
        options: those of `save_model`, and of `mlflow.models.Model.log`: params, tags, step.

    Returns:
        What MLflow knows of it, with its `model_uri`.

    Raises:
        ArtifactError: if the model cannot be written.
    """
    logged: ModelInfo = MLModel.log(
        artifact_path=None,
        name=name,
        flavor=import_module(MODULE),
        registered_model_name=registered_model_name,
        model=model,
        **options,
    )
    return logged


def load_model(model_uri: str | Path, dst_path: str | None = None) -> Model:
    """Load a model that was saved or logged, as a `forecast.Model` with all of its methods.

    Args:
        model_uri: a folder, or an address such as "models:/sales/1" or "runs:/ID/model".
        dst_path: a folder to download it to; by default a temporary one.

    Raises:
        ArtifactError: if it is not a model of this flavour, or is damaged.
    """
    folder = Path(artifacts.download_artifacts(artifact_uri=str(model_uri), dst_path=dst_path))
    flavors = MLModel.load(str(folder)).flavors
    if FLAVOR not in flavors:
        raise ArtifactError(
            f"{model_uri} has the flavours {', '.join(sorted(flavors))} but not {FLAVOR}; load it "
            "with mlflow.pyfunc.load_model"
        )
    return Model.load(folder / flavors[FLAVOR]["data"])


def _load_pyfunc(path: str) -> TableForecaster:
    """What `mlflow.pyfunc.load_model` calls, with the path of the model file."""
    return TableForecaster(Model.load(path))
