"""A model as a folder of graphs, a description and states, for programs in other languages."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save as save_arrays

from forecast.errors import ArtifactError
from forecast.export import graphs
from forecast.export.description import description
from forecast.export.graphs import not_empty
from forecast.export.ports import Graph
from forecast.inference.members import Core
from forecast.inference.state import PARTS, State

ABOUT = "model.json"
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
        ABOUT: _json(description(core, made, missing)),
    }
    _refuse_other_files(place)
    _replace(place, contents)
    for name in missing:  # of an earlier export
        (place / name).unlink(missing_ok=True)
    return [place / name for name in contents]


def _refuse_other_files(folder: Path) -> None:
    """Raise ArtifactError unless a folder is an earlier export, empty, or not there."""
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    try:
        is_ours = "graphs" in json.loads((folder / ABOUT).read_bytes())
    except (OSError, ValueError, TypeError):
        is_ours = False
    if not is_ours:
        raise ArtifactError(
            f"{folder}: holds other files than those of an export; name an empty folder with "
            f"{PLACE}"
        )


def _replace(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write files into a draft first: where the disk has no room, those of the folder stay."""
    draft = folder / f".{uuid.uuid4().hex}.tmp"
    try:
        draft.mkdir(parents=True)
        for name, content in contents.items():
            (draft / name).write_bytes(content)
        for name in contents:
            (draft / name).replace(folder / name)
    except OSError as problem:
        raise ArtifactError(
            f"{folder}: cannot be written: {problem.strerror or problem}; nothing was changed. "
            f"Name another folder with {PLACE}"
        ) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _json(values: Any) -> bytes:
    return json.dumps(values, indent=1, ensure_ascii=False).encode() + b"\n"
