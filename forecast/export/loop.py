"""The rollout engine's twin in a graph: a step, traced once, is the body of a loop of ONNX."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from onnx import helper

from forecast.errors import OptionError
from forecast.export.tensor import Array, Tensor, as_tensor
from forecast.export.trace import Trace, described


def rollout(
    trace: Trace,
    step: Callable[[Any, Any], tuple[Any, Any]],
    value: Any,
    state: Any,
    steps: Tensor,
) -> tuple[Array, Any]:
    """Feed a step its own values back, as `forecast.inference.loop.rollout` does, on tensors.

    Args:
        trace: the graph.
        step: from (value, state) to the next value and the state after it.
        value: the value before the first step, a tensor.
        state: tensors, and arrays that no step changes, in tuples and dicts.
        steps: how many H, a scalar.

    Returns:
        The path of values (H, ...), and the state after the last step.

    Raises:
        OptionError: if the step changes an array of the state.
    """
    before = (value, state)
    carried = [leaf for leaf in leaves(before) if isinstance(leaf, Tensor)]
    with trace.body() as nodes:
        fed = [replace(tensor, name=trace.new_name("carried")) for tensor in carried]
        pairs = [*zip(leaves(step(*rebuilt(before, iter(fed)))), leaves(before), strict=True)]
        if any(_is_changed(leaf, old) for leaf, old in pairs if not isinstance(old, Tensor)):
            raise OptionError(
                "a step that changes what does not depend on an input cannot be exported to ONNX; "
                "begin with a tensor, such as numpy.zeros_like of one"
            )
        new = [
            as_tensor(trace, leaf).astype(old.dtype).name  # the types of a loop stay
            for leaf, old in pairs
            if isinstance(old, Tensor)
        ]
        goes_on = trace.new_name("goes_on")  # a condition that stays true
        results = [trace.emit("Identity", [name])[0] for name in (goes_on, *new, new[0])]
    types = [(np.dtype("bool"), ()), *((tensor.dtype, tensor.shape) for tensor in carried)]
    names = [goes_on, *(tensor.name for tensor in fed)]
    count = described(trace.new_name("count"), np.dtype("int64"), ())
    inputs = [described(name, *type) for name, type in zip(names, types, strict=True)]
    outputs = [
        described(name, *type) for name, type in zip(results, [*types, types[1]], strict=True)
    ]
    body = helper.make_graph(nodes, trace.new_name("body"), [count, *inputs], outputs)
    given = [steps.name, "", *(tensor.name for tensor in carried)]
    *ends, path = trace.emit("Loop", given, outputs=len(carried) + 1, body=body)
    last = (replace(tensor, name=name) for tensor, name in zip(carried, ends, strict=True))
    _, state_after = rebuilt(before, last)
    return replace(carried[0], name=path, shape=(None, *carried[0].shape)), state_after


def _is_changed(leaf: Any, old: Any) -> bool:
    """Whether a step has made another array, or a tensor, of one."""
    return leaf is not old and (isinstance(leaf, Tensor) or not np.array_equal(leaf, old))


def leaves(tree: Any) -> Iterator[Any]:
    """The tensors and arrays of nested tuples, lists and dicts, in order."""
    if isinstance(tree, dict):
        tree = tuple(tree[name] for name in sorted(tree))
    if isinstance(tree, tuple | list):
        for part in tree:
            yield from leaves(part)
    else:
        yield tree


def rebuilt(tree: Any, tensors: Iterator[Tensor]) -> Any:
    """The same tree with other tensors, in the order of `leaves`; arrays stay."""
    if isinstance(tree, dict):
        return {name: rebuilt(tree[name], tensors) for name in sorted(tree)}
    if isinstance(tree, tuple | list):
        parts = [rebuilt(part, tensors) for part in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
    return next(tensors) if isinstance(tree, Tensor) else tree
