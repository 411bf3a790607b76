"""The rollout engine's twin in a graph: a step, traced once, is the body of a loop of ONNX."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from onnx import helper

from forecast.export.tensor import Tensor, as_tensor
from forecast.export.trace import Trace, described


def rollout(
    trace: Trace,
    step: Callable[[Any, Any], tuple[Any, Any]],
    value: Any,
    state: Any,
    steps: Tensor,
) -> tuple[Tensor, Any]:
    """Feed a step its own values back, as `forecast.inference.loop.rollout` does, on tensors.

    Args:
        trace: the graph.
        step: from (value, state) to the next value and the state after it.
        value: the value before the first step, a tensor.
        state: tensors, and arrays that no step changes, in tuples and dicts.
        steps: how many H, a scalar.

    Returns:
        The path of values (H, ...), and the state after the last step.
    """
    before = [leaf for leaf in leaves((value, state)) if isinstance(leaf, Tensor)]
    with trace.body() as nodes:
        fed = [Tensor(trace, trace.new_name("carried"), t.dtype, t.shape) for t in before]
        own_value, own_state = rebuilt((value, state), iter(fed))
        next_value, next_state = step(own_value, own_state)
        after = [
            as_tensor(trace, new)
            for new, old in zip(
                leaves((next_value, next_state)), leaves((value, state)), strict=True
            )
            if isinstance(old, Tensor)
        ]
        again = trace.emit("Identity", [go := trace.new_name("go")])
        results = [trace.emit("Identity", [t.name])[0] for t in (*after, after[0])]
    inputs = [
        described(count := trace.new_name("count"), np.dtype("int64"), ()),
        described(go, np.dtype("bool"), ()),
        *(described(t.name, t.dtype, t.shape) for t in fed),
    ]
    kinds = [*before, before[0]]
    outputs = [
        described(again[0], np.dtype("bool"), ()),
        *(described(name, t.dtype, t.shape) for name, t in zip(results, kinds, strict=True)),
    ]
    del count
    body = helper.make_graph(nodes, trace.new_name("body"), inputs, outputs)
    given = [steps.name, "", *(t.name for t in before)]
    *ends, path = trace.emit("Loop", given, outputs=len(before) + 1, body=body)
    final = iter(
        [Tensor(trace, name, t.dtype, t.shape) for name, t in zip(ends, before, strict=True)]
    )
    _, state_after = rebuilt((value, state), final)
    return Tensor(trace, path, before[0].dtype, (None, *before[0].shape)), state_after


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
