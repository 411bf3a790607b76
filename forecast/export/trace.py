"""A graph in the making: nodes of ONNX in the order in which a traced program asks for them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 18  # of the operators; onnxruntime reads it from 1.14 on
IR_VERSION = 8  # of the file
TYPES = {
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
    "int32": TensorProto.INT32,
    "int64": TensorProto.INT64,
    "bool": TensorProto.BOOL,
}


class Trace:
    """The graph that is being written, and the bodies of loops within it.

    Nodes go to the innermost one, which may use the values of those around it. Constants belong
    to the outermost graph, each distinct array once.
    """

    def __init__(self) -> None:
        """A graph without nodes."""
        self._open: list[list[onnx.NodeProto]] = [[]]
        self._numbers = itertools.count()
        self._constants: dict[tuple[Any, ...], onnx.TensorProto] = {}

    def emit(
        self,
        operator: str,
        inputs: Sequence[str],
        outputs: int = 1,
        names: Sequence[str] | None = None,
        **attributes: Any,
    ) -> Sequence[str]:
        """Add a node.

        Args:
            operator: of ONNX.
            inputs: names of values.
            outputs: how many it has.
            names: of the outputs; by default new ones.
            attributes: of the operator.

        Returns:
            The names of the outputs.
        """
        given = names or [self.new_name(operator) for _ in range(outputs)]
        self._open[-1].append(helper.make_node(operator, inputs, given, **attributes))
        return given

    def new_name(self, kind: str) -> str:
        """A name that no other value has."""
        return f"{kind.lower()}_{next(self._numbers)}"

    def constant(self, array: np.ndarray) -> str:
        """The name of an array that is part of the file."""
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            name = self.new_name("constant")
            self._constants[key] = numpy_helper.from_array(np.asarray(array, order="C"), name)
        return self._constants[key].name

    @contextmanager
    def body(self) -> Iterator[list[onnx.NodeProto]]:
        """Within this context nodes are those of a new body, which is given."""
        self._open.append([])
        try:
            yield self._open[-1]
        finally:
            self._open.pop()

    def model(
        self,
        name: str,
        inputs: Sequence[onnx.ValueInfoProto],
        outputs: Sequence[onnx.ValueInfoProto],
        about: str,
    ) -> onnx.ModelProto:
        """The finished graph, checked.

        Args:
            name: of the graph.
            inputs, outputs: of the graph.
            about: what it computes, in one line.
        """
        graph = helper.make_graph(
            self._open[0], name, inputs, outputs, [*self._constants.values()], about
        )
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(
            graph, opset_imports=[opset], ir_version=IR_VERSION, producer_name="forecast"
        )
        onnx.checker.check_model(model, full_check=True)
        return model


def described(
    name: str, dtype: np.dtype[Any], dimensions: Sequence[int | str | None] | None
) -> onnx.ValueInfoProto:
    """What a file says of an input or output: its name, type and shape; names stand for sizes."""
    return helper.make_tensor_value_info(name, TYPES[str(dtype)], dimensions)
