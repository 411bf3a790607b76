"""Models as graphs of ONNX, for programs in other languages.

The step of a network is code over an array namespace, and what comes before and after it is code
for NumPy. Both are run once on symbolic arrays, which write down what they are asked to compute. So
a new network or head is exported without another line. The modules:

- `trace`: a graph in the making; `ports`: its inputs and outputs.
- `tensor`: symbolic arrays under NumPy's protocols; `composed`: functions of several nodes.
- `onnx_namespace`: the array namespace of networks.
- `loop`: a step, many times.
- `steps`: forecasting and observing, by all members of a model; `histories`: encoding.
- `graphs`: the graphs of a model.
- `description`: what a caller has to know; `folder`: all of it as files.

The package onnx is imported when a model is exported.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from forecast.errors import OptionError, pip_install

if TYPE_CHECKING:
    from forecast.inference.predictor import Predictor

FORMATS = ("onnx",)


def export(model: Predictor, folder: str | Path, to: str = "onnx") -> list[Path]:
    """Write a model as graphs that other languages run, see `Model.export`.

    Args:
        model: with the states of the series that can be continued.
        folder: of the files.
        to: an entry of FORMATS.

    Returns:
        The files.

    Raises:
        OptionError: if there is no such format, the folder has no name, or onnx is not installed.
        ArtifactError: if the folder holds other files, or cannot be written.
    """
    if to not in FORMATS:
        raise OptionError(f"to is {to!r}; it must be {', '.join(map(repr, FORMATS))}")
    if not str(folder):
        raise OptionError("the folder has no name; give one with --out (folder= in Python)")
    try:
        import onnx  # noqa: F401 - the modules that need it cannot say how to install it
    except ImportError:
        raise OptionError(
            f"an export takes the package onnx; install it with: {pip_install('onnx')}"
        ) from None
    from forecast.export import folder as folders

    return folders.write(model, model.state, folder)
