"""Archives of named parts: a zip of JSON and safetensors, validated when read. Never pickle."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from forecast._version import __version__
from forecast.data.io.atomic_write import replace_file
from forecast.errors import ArtifactError, ForecastError, one_line

MAX_PART_BYTES = 4 << 30  # a larger part is taken for an attack
MAX_PROBLEM_LENGTH = 300  # characters of a message; the file decides what it quotes
WRONG_CONTENT = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)


class FileKind(NamedTuple):
    """A kind of file, in words for messages."""

    name: str
    how_to_make: str
    how_to_repair: str
    path_option: str  # of the command line that names another path


def pack(path: str | Path, parts: Mapping[str, Any], kind: FileKind) -> None:
    """Write parts to one file, under a temporary name first: after a crash the old file stays.

    Args:
        path: of the file.
        parts: by name; plain values for a name that ends in .json, named arrays for others.
        kind: of file.

    Raises:
        ArtifactError: if the file cannot be written.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name, part in parts.items():
            file.writestr(zipfile.ZipInfo(name), _bytes(name, part))  # a fixed date: same bytes
    content = packed.getvalue()
    replace_file(path, lambda stream: stream.write(content), ArtifactError, kind.path_option)


def _bytes(name: str, part: Any) -> bytes:
    if name.endswith(".json"):
        return json.dumps(part, default=str).encode()
    return save_arrays({key: np.ascontiguousarray(array) for key, array in part.items()})


def unpack(path: str | Path, names: Sequence[str], kind: FileKind) -> list[Any]:
    """Read parts that `pack` has written.

    Returns:
        The parts, parsed but not yet checked against each other; JSON parts are dicts.

    Raises:
        ArtifactError: if the file is missing, unreadable, damaged or of another kind.
    """
    foreign = f"{path}: not a {kind.name} file of forecast, or a damaged one; {kind.how_to_repair}"
    try:
        with zipfile.ZipFile(path) as file:
            for name in names:
                _refuse_bombs(path, file.getinfo(name), kind)
            parts = [_parsed(name, file.read(name)) for name in names]
    except ArtifactError:
        raise
    except FileNotFoundError:
        raise ArtifactError(f"there is no {kind.name} file {path}; {kind.how_to_make}") from None
    except OSError as error:
        raise ArtifactError(f"cannot read {path}: {error.strerror or error}") from None
    except (zipfile.BadZipFile, KeyError, ValueError, SafetensorError, EOFError, RuntimeError):
        raise ArtifactError(foreign) from None
    if not all(isinstance(part, dict) for part in parts):
        raise ArtifactError(foreign)
    return parts


def is_packed(path: str | Path, names: Sequence[str]) -> bool:
    """Whether a file holds exactly the parts of the given names."""
    try:
        with zipfile.ZipFile(path) as file:
            return sorted(file.namelist()) == sorted(names)
    except (OSError, zipfile.BadZipFile, ValueError, EOFError, RuntimeError):
        return False  # reading it raises the error


def _refuse_bombs(path: str | Path, info: zipfile.ZipInfo, kind: FileKind) -> None:
    if info.file_size > MAX_PART_BYTES:
        raise ArtifactError(f"{path}: {info.filename} is larger than a {kind.name} can be")
    if info.compress_type != zipfile.ZIP_STORED:  # a little file could fill the memory
        raise ArtifactError(
            f"{path}: {info.filename} is compressed, unlike those of a {kind.name} file"
        )


def _parsed(name: str, content: bytes) -> Any:
    return json.loads(content) if name.endswith(".json") else load_arrays(content)


def check_arrays(
    what: str,
    arrays: Mapping[str, np.ndarray],
    shapes: Mapping[str, tuple[int, ...]],
    dtypes: Mapping[str, str],
    may_be_missing: Sequence[str] = (),
) -> None:
    """Raise ValueError unless arrays have the names, shapes, dtypes and finiteness expected.

    Args:
        what: the arrays belong to, in words.
        arrays: by name.
        shapes: of each array.
        dtypes: of the arrays that are not float32.
        may_be_missing: names of the arrays that may hold NaN.
    """
    check_shapes(what, arrays, shapes)
    for name, array in arrays.items():
        if array.dtype != dtypes.get(name, "float32"):
            raise ValueError(f"its {what} {name} cannot be {array.dtype}")
        bad = np.isinf(array) if name in may_be_missing else ~np.isfinite(array)
        if bad.any():
            raise ValueError(f"its {what} {name} holds numbers that are not finite")


def check_shapes(
    what: str, arrays: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]]
) -> None:
    """Raise ValueError unless arrays have the names and shapes expected, see `check_arrays`."""
    actual = {name: array.shape for name, array in arrays.items()}
    wrong = sorted(k for k in actual.keys() | shapes.keys() if actual.get(k) != shapes.get(k))
    if wrong:
        name, more = wrong[0], f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise ValueError(
            f"the arrays of its {what} do not fit: {name} has {_shape(actual.get(name))} where "
            f"{_shape(shapes.get(name))} belongs{more}"
        )


def _shape(shape: tuple[int, ...] | None) -> str:
    return "nothing" if shape is None else f"shape {shape}"


@contextmanager
def readable_errors(path: str | Path, kind: FileKind) -> Iterator[None]:
    """Turn what a check raises about the parts of a file into an ArtifactError of one line."""
    try:
        yield
    except (*WRONG_CONTENT, ForecastError) as error:
        problem = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        shown = one_line(problem, MAX_PROBLEM_LENGTH)
        raise ArtifactError(f"{path}: {shown}; {kind.how_to_repair}") from None


def refuse_other_format(path: str | Path, actual: object, expected: int, kind: FileKind) -> None:
    """Raise ArtifactError unless a file has the format that this version reads."""
    if actual != expected:
        raise ArtifactError(
            f"{path}: the file has format {actual!r:.40}, this version of forecast ({__version__}) "
            f"reads format {expected}; upgrade forecast or {kind.how_to_repair}"
        )
