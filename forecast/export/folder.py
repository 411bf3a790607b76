"""A model as a folder of graphs, a description and states, for programs in other languages."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save as save_arrays

from forecast.data.io.atomic_write import replace_file
from forecast.errors import ArtifactError
from forecast.export import graphs
from forecast.export.description import description
from forecast.export.graphs import not_empty
from forecast.export.ports import Graph
from forecast.inference.members import Core
from forecast.inference.state import PARTS, State

GRAPHS: dict[str, Callable[[Core, State], Graph | None]] = {
    "rollout.onnx": graphs.rollout,
    "observe.onnx": graphs.observe,
    "encode.onnx": graphs.encode,
    "sample.onnx": graphs.sample,
}
PLACE = "--out (folder= in Python)"
MISSING = {
    "encode.onnx": "the theta method looks for a long season by a Fourier transform, of which "
    "there is no graph; known series continue from their states",
    "sample.onnx": "the model has no distribution to draw from, or one whose draws ONNX has no "
    "functions for",
}


def write(core: Core, state: State, folder: str | Path) -> list[Path]:
    """Write a model and the states of its series.

    Args:
        core: of the model.
        state: of the series that a caller can continue.
        folder: made where there is none; files of an earlier export are replaced.

    Returns:
        The files.

    Raises:
        ArtifactError: if the folder cannot be written.
    """
    place = Path(folder)
    made = {name: graph for name, make in GRAPHS.items() if (graph := make(core, state))}
    missing = {name: reason for name, reason in MISSING.items() if name not in made}
    about = {"fingerprint": state.fingerprint, "ids": state.ids.tolist()}
    arrays = {name: np.ascontiguousarray(array) for name, array in not_empty(state).items()}
    contents = {
        **{name: graph.model.SerializeToString() for name, graph in made.items()},
        PARTS[0]: _json(about),
        PARTS[1]: save_arrays(arrays),
        "model.json": _json(description(core, made, missing)),
    }
    _make(place, missing)
    for name, content in contents.items():
        replace_file(place / name, _writer(content), ArtifactError, PLACE)
    return [place / name for name in contents]


def _writer(content: bytes) -> Callable[[Any], object]:
    return lambda stream: stream.write(content)


def _json(values: Any) -> bytes:
    return json.dumps(values, indent=1, ensure_ascii=False).encode() + b"\n"


def _make(folder: Path, missing: dict[str, str]) -> None:
    """Make the folder, without graphs of an earlier export that this one lacks."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in missing:
            (folder / name).unlink(missing_ok=True)
    except OSError as problem:
        raise ArtifactError(
            f"{folder}: cannot be made a folder: {problem.strerror or problem}; name another one "
            f"with {PLACE}"
        ) from None
