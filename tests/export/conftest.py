"""Graphs that are run by onnxruntime, next to the code that they were traced from."""

from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest

from forecast.export import graphs


def session_of(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options)


def run(graph, given):
    """The outputs of a graph by name, from all inputs that it has among those given."""
    session = session_of(graph.model)
    names = [one.name for one in session.get_inputs()]
    outputs = [one.name for one in session.get_outputs()]
    assert names == [port.name for port in graph.inputs]
    assert outputs == [port.name for port in graph.outputs]
    return dict(zip(outputs, session.run(outputs, {n: given[n] for n in names}), strict=True))


def calendars(model, times):
    """The step features of each network of a model, at ordinals (H, B)."""
    return {
        f"{place}.step_features" if place else "step_features": np.ascontiguousarray(
            config.calendar(times).transpose(1, 0, 2)
        )
        for place, config in graphs.networks(model).items()
    }


def not_empty(state):
    """The arrays of a state that are no empty ones."""
    arrays = state.arrays().items()
    return {name: np.asarray(array) for name, array in arrays if 0 not in array.shape[1:]}


def assert_state(outputs, expected, tolerance=1e-5):
    """Equal to so much of the size of each array's values."""
    for name, array in not_empty(expected).items():
        size = max(1.0, np.abs(array, where=np.isfinite(array), out=np.zeros(array.shape)).mean())
        np.testing.assert_allclose(
            outputs[f"after.{name}"], array, rtol=tolerance, atol=tolerance * size, err_msg=name
        )


def rolled_out(model, state, horizon):
    given = {**not_empty(state), "horizon": np.array(horizon)}
    given |= calendars(model, state.times_after(horizon))
    return run(graphs.rollout(model, model.state), given)


@pytest.fixture(scope="session")
def onnx():
    """Ways to run graphs, and to compare the states that they give."""
    return SimpleNamespace(
        run=run,
        session=session_of,
        calendars=calendars,
        arrays=not_empty,
        assert_state=assert_state,
        rollout=rolled_out,
    )
