"""A model in one file: a zip of config, weights, state and training record. Never pickle."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from forecast import __version__, features
from forecast.cell import Memory
from forecast.config import Config
from forecast.errors import ArtifactError, ForecastError
from forecast.files import replace_file
from forecast.network import NETWORKS
from forecast.scaling import Scale
from forecast.state import State

FORMAT = 1  # raised when a file of a new kind can no longer be read by the code before it
LARGEST = 4 << 30  # bytes of one part; a larger one is taken for an attack
DTYPES = {"time": "int64", "location": "float64", "scale": "float64"}  # the others: float32
PARTS = ("config.json", "weights.safetensors", "state.safetensors", "training.json")


def save(
    path: str | Path,
    config: Config,
    weights: dict[str, np.ndarray],
    state: State,
    record: dict[str, Any],
) -> None:
    """Write a model to one file, under a temporary name first: a crash leaves the old file.

    Args:
        path: where to.
        config, weights, state, record: the parts of a Model.

    Raises:
        ArtifactError: if the place cannot be written.
    """
    about = {"format": FORMAT, "library": __version__, "fingerprint": state.fingerprint}
    parts = (
        json.dumps(
            {**about, "model": config.to_json(), "ids": state.ids.tolist()}, default=str
        ).encode(),
        save_arrays({name: np.ascontiguousarray(part) for name, part in weights.items()}),
        save_arrays({name: np.ascontiguousarray(part) for name, part in state.arrays().items()}),
        json.dumps(record).encode(),
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name, part in zip(PARTS, parts, strict=True):
            file.writestr(zipfile.ZipInfo(name), part)  # a fixed date: same model, same bytes
    content = packed.getvalue()
    replace_file(path, lambda stream: stream.write(content), ArtifactError, "--model")


def load(path: str | Path) -> tuple[Config, dict[str, np.ndarray], State, dict[str, Any]]:
    """Read and check a model file.

    Returns:
        The parts of a Model, in the order of its fields.

    Raises:
        ArtifactError: if the file is missing, damaged, foreign, or of a newer format.
    """
    about, weights, arrays, record = _read(Path(path))
    if about.get("format") != FORMAT:
        raise ArtifactError(
            f"{path}: the file has format {about.get('format')}, this version of forecast "
            f"({__version__}) reads format {FORMAT}; upgrade forecast or train again"
        )
    try:
        config = Config.from_json(about["model"])
        state = _state(config, about, weights, arrays)
    except (KeyError, TypeError, ValueError, AttributeError, ForecastError) as error:
        raise ArtifactError(f"{path}: {_damage(error)}; train again") from None
    return config, weights, state, record


def _read(path: Path) -> tuple[dict[str, Any], Any, Any, dict[str, Any]]:
    """The four parts, parsed but not yet checked against each other."""
    try:
        with zipfile.ZipFile(path) as file:
            for name in PARTS:
                part = file.getinfo(name)
                if part.file_size > LARGEST:
                    raise ArtifactError(f"{path}: {name} is larger than a model can be")
                if part.compress_type != zipfile.ZIP_STORED:  # a little file could fill the memory
                    raise ArtifactError(f"{path}: {name} is compressed, as no model file is")
            about, weights, state, record = (file.read(name) for name in PARTS)
        parsed = json.loads(about), load_arrays(weights), load_arrays(state), json.loads(record)
    except ArtifactError:
        raise
    except FileNotFoundError:
        raise ArtifactError(
            f"there is no model file {path}; make one with: forecast train TABLE"
        ) from None
    except OSError as error:
        raise ArtifactError(f"cannot read {path}: {error.strerror or error}") from None
    except (zipfile.BadZipFile, KeyError, ValueError, SafetensorError, EOFError, RuntimeError):
        raise ArtifactError(
            f"{path}: not a model file of forecast, or a damaged one; train again"
        ) from None
    if not (isinstance(parsed[0], dict) and isinstance(parsed[3], dict)):
        raise ArtifactError(f"{path}: not a model file of forecast; train again")
    return parsed


def _state(
    config: Config, about: dict[str, Any], weights: dict[str, np.ndarray], arrays: Any
) -> State:
    """The state, after everything in the file has been held against the config."""
    series, d = len(about["ids"]), config.targets
    if not all(isinstance(name, str | int | float) for name in about["ids"]):
        raise ValueError("its ids are neither text nor numbers")
    if not isinstance(about["ids"], list) or len(set(about["ids"])) < series:
        raise ValueError("its ids are no list of different names")
    if config.layers > len(weights):  # the list of the shapes itself could fill the memory
        raise ValueError(f"it has weights for fewer than {config.layers} layers")
    _check("weights", weights, _weight_shapes(config))
    network = NETWORKS[config.network].of(np, weights)
    empty = network.initial_state(series)
    expected = {
        "time": (series,),
        "value": (series, d),
        "recent": (series, features.memory_length(config.lags), d),
        "location": (series, d),
        "scale": (series, d),
        **{f"network.{name}": part.shape for name, part in empty._asdict().items()},
    }
    _check("state", arrays, expected, may_be_missing=("value", "recent"))
    if not (arrays["scale"] > 0).all():
        raise ValueError("its state holds impossible scales")
    return State(
        ids=ids_array(about["ids"]),
        time=arrays["time"],
        value=arrays["value"],
        memory=Memory(
            arrays["recent"], type(empty)(*(arrays[f"network.{n}"] for n in empty._fields))
        ),
        scale=Scale(arrays["location"], arrays["scale"]),
        fingerprint=str(about["fingerprint"]),
    )


def ids_array(ids: list[Any]) -> np.ndarray:
    """Ids as the array that a Panel holds: whole numbers as int64, the rest as objects."""
    if ids and all(type(name) is int for name in ids):
        return np.array(ids, dtype=np.int64)
    return np.array(ids, dtype=object)


def _weight_shapes(config: Config) -> dict[str, tuple[int, ...]]:
    sizes = (config.inputs, config.units, config.layers, config.outputs)
    shapes: dict[str, tuple[int, ...]] = NETWORKS[config.network].shapes(*sizes)
    return shapes


def _check(
    what: str,
    arrays: dict[str, np.ndarray],
    expected: dict[str, tuple[int, ...]],
    may_be_missing: tuple[str, ...] = (),
) -> None:
    """Raise ValueError unless the arrays have the names, shapes, dtypes and finiteness expected."""
    found = {name: array.shape for name, array in arrays.items()}
    if found != expected:
        raise ValueError(f"its {what} have the shapes {found} where {expected} belong")
    for name, array in arrays.items():
        if array.dtype != DTYPES.get(name, "float32"):
            raise ValueError(f"its {what} {name} cannot be {array.dtype}")
        bad = np.isinf(array) if name in may_be_missing else ~np.isfinite(array)
        if bad.any():
            raise ValueError(f"its {what} {name} holds numbers that are not finite")


def _damage(error: Exception) -> str:
    """What is wrong with the file, in words."""
    if isinstance(error, KeyError):
        return f"it lacks {error}"
    return str(error)
