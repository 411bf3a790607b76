"""Inputs and outputs of a graph: declared once, for the file and for its description."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import onnx

from forecast.export.tensor import Tensor, as_tensor
from forecast.export.trace import Trace, described

Dimensions = tuple[int | str, ...]  # sizes; a name stands for one that each call chooses


class Port(NamedTuple):
    """An input or an output.

    Attributes:
        name: of it.
        type: of its elements, such as "float32".
        shape: its sizes.
        meaning: in words.
    """

    name: str
    type: str
    shape: Dimensions
    meaning: str


class Graph(NamedTuple):
    """A finished graph.

    Attributes:
        model: of ONNX.
        about: what it computes.
        inputs, outputs: of it.
    """

    model: onnx.ModelProto
    about: str
    inputs: Sequence[Port]
    outputs: Sequence[Port]

    def to_json(self) -> dict[str, Any]:
        """What a caller has to know, as plain values."""
        ports = {"inputs": self.inputs, "outputs": self.outputs}
        return {
            "about": self.about,
            **{kind: [port._asdict() for port in own] for kind, own in ports.items()},
        }


class Draft:
    """A graph in the making, with the inputs and outputs that it has so far."""

    def __init__(self) -> None:
        """An empty one."""
        self.trace = Trace()
        self._inputs: list[Port] = []
        self._outputs: list[Port] = []

    def input(self, name: str, type: str, shape: Dimensions, meaning: str) -> Tensor:
        """Declare an input."""
        self._inputs.append(Port(name, type, shape, meaning))
        sizes = tuple(size if isinstance(size, int) else None for size in shape)
        return Tensor(self.trace, name, np.dtype(type), sizes)

    def output(self, name: str, value: Any, shape: Dimensions, meaning: str) -> None:
        """Declare an output; an array that does not depend on any input becomes one, too."""
        tensor = as_tensor(self.trace, value)
        self.trace.emit("Identity", [tensor.name], names=[name])
        self._outputs.append(Port(name, str(tensor.dtype), shape, meaning))

    def finished(self, name: str, about: str) -> Graph:
        """The graph with all its inputs and outputs."""
        ports = (self._inputs, self._outputs)
        inputs, outputs = (
            [described(port.name, np.dtype(port.type), port.shape) for port in own] for own in ports
        )
        return Graph(self.trace.model(name, inputs, outputs, about), about, *ports)
