from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.data.scaling import measure
from forecast.errors import DataError
from forecast.inference import encoding
from forecast.inference.encoding import encode, history_scale, transformed, walk
from forecast.nn import NETWORKS, step_inputs
from forecast.nn.heads import point
from forecast.nn.layers import CELLS
from forecast.nn.step import ModelStep, StepMemory

NAN = np.nan
CLOSE = {"rtol": 1e-5, "atol": 1e-6}

lengths = st.lists(st.integers(1, 25), min_size=1, max_size=4)
lags = st.sets(st.integers(2, 8), max_size=2).map(lambda found: tuple(sorted(found)))
missing = st.sampled_from([0.0, 0.3])
seeds = st.integers(0, 2**16)


def encoded(model, panel):
    return encode(panel, model.config, model.step, "the model")


def assert_same_state(state, other):
    assert state.ids.tolist() == other.ids.tolist()
    for name, array in state.arrays().items():
        np.testing.assert_allclose(array, other.arrays()[name], **CLOSE, err_msg=name)


def row_by_row(model, panel, s):
    """The state arrays of one series, by observing its rows in a plain loop."""
    config, cell = model.config, model.step
    rows = slice(panel.indptr[s], panel.indptr[s + 1])
    values = panel.target[rows, 0]
    recent = values[-config.context :]
    location, scale = np.nanmean(recent), np.nanstd(recent)
    if not scale > 1e-7 * abs(location):  # a single value
        scale = measure(np.array([[[location]]])).scale.item()
    scaled = ((values - location) / scale).astype(np.float32)
    known = config.calendar(panel.ordinals[rows])
    empty = np.full((1, step_inputs.memory_length(config.lags), 1), NAN, np.float32)
    memory = StepMemory(empty, cell.network.initial_state(1))
    for t in range(len(values)):
        before = scaled[t - 1] if t else NAN
        memory = cell.observe(np.full((1, 1), before, np.float32), memory, known[t : t + 1])
    return {
        "value": scaled[-1:, None],
        "recent": memory.recent,
        **{f"network.{name}": part for name, part in memory.network.items()},
        "location": np.array([[location]]),
        "scale": np.array([[scale]]),
        "low": np.array([[np.nanmin(values)]]),
        "high": np.array([[np.nanmax(values)]]),
    }


@given(lengths=lengths, lags=lags, missing=missing, seed=seeds)
@settings(deadline=None, max_examples=30)
def test_a_history_is_encoded_by_observing_its_rows_one_after_another(
    make_model, make_random_panel, lengths, lags, missing, seed
):
    panel = make_random_panel(lengths, seed, missing, frequency="D", first=19_800)
    model = make_model(panel, seed, lags=lags, layers=2, cycles=("week",))

    state = encoded(model, panel).arrays()

    for s in range(len(lengths)):
        for name, expected in row_by_row(model, panel, s).items():
            np.testing.assert_allclose(state[name][s : s + 1], expected, **CLOSE, err_msg=name)


def test_missing_rows_at_the_end_are_those_after_the_last_value_of_any_target(make_panel):
    first = np.array([[1.0, NAN], [NAN, 2.0], [NAN, NAN], [NAN, NAN]])
    second, third = np.full((3, 2), NAN), np.ones((2, 2))

    assert make_panel(first, second, third).missing_at_end.tolist() == [2, 3, 0]


@given(lengths=lengths, lags=lags, missing=missing, seed=seeds, reads=st.integers(1, 30))
@settings(deadline=None, max_examples=30)
def test_of_a_long_history_the_network_reads_the_last_rows_and_the_lags_before_them(
    make_model, make_random_panel, lengths, lags, missing, seed, reads
):
    panel = make_random_panel(lengths, seed, missing)
    model = make_model(panel, seed, lags=lags, context=1)
    config = replace(model.config, reads=reads)

    state = encode(panel, config, model.step, "the model").arrays()

    whole, scale = encoded(model, panel).arrays(), encoded(model, panel).scale
    scaled = (panel.target[:, 0] - np.repeat(scale.location[:, 0], panel.lengths)) / np.repeat(
        scale.scale[:, 0], panel.lengths
    )
    for s, (first, end) in enumerate(zip(panel.indptr[:-1], panel.indptr[1:], strict=True)):
        values = np.concatenate([np.full(40, NAN), scaled[first:end]]).astype(np.float32)
        observed = np.flatnonzero(~np.isnan(values))
        begin = max(observed[-1] + 1 - reads, 40)
        memory = model.step.network.initial_state(1)
        for t in range(begin, len(values)):
            lagged = [values[None, None, t - lag] for lag in lags]
            x = step_inputs.step_input(
                np, values[None, None, t - 1], lagged, np.zeros((1, 0), np.float32)
            )
            memory = model.step.network.observe(x, memory)
        for name, part in memory.items():
            np.testing.assert_allclose(state[f"network.{name}"][[s]], part, **CLOSE, err_msg=name)
    for name in ("value", "recent", "location", "scale", "low", "high", "time"):
        np.testing.assert_allclose(state[name], whole[name], **CLOSE, err_msg=name)


@pytest.mark.parametrize("reads", [1, 9, 40])
def test_a_direct_model_reads_the_last_rows_as_if_there_were_no_others(
    make_model, make_random_panel, reads
):
    panel = make_random_panel([30, 14])
    model = make_model(panel, network="seasonal", head="quantiles", direct=True, context=1)
    rows = np.minimum(panel.lengths, reads)

    config = replace(model.config, reads=reads)
    state = encode(panel, config, model.step, "the model")

    recent = encoded(model, panel.cut(np.arange(2), rows, panel.lengths - rows))
    for name, part in recent.memory.network.items():
        np.testing.assert_allclose(state.memory.network[name], part, **CLOSE, err_msg=name)
    np.testing.assert_array_equal(state.memory.recent, recent.memory.recent)


@given(lengths=lengths, lags=lags, missing=missing, seed=seeds, data=st.data())
@settings(deadline=None, max_examples=30)
def test_company_a_series_is_encoded_alike_alone_and_in_any_company(
    make_model, make_random_panel, lengths, lags, missing, seed, data
):
    panel = make_random_panel(lengths, seed, missing)
    model = make_model(panel, seed, lags=lags)
    ids = panel.ids.tolist()
    some = data.draw(st.lists(st.sampled_from(ids), min_size=1, unique=True).map(sorted))

    together = encoded(model, panel)

    assert_same_state(encoded(model, panel.select(some)), together.select(some))


@given(
    network=st.sampled_from(sorted(NETWORKS)),
    cell=st.sampled_from(sorted(CELLS)),
    residual=st.booleans(),
    sizes=st.tuples(st.integers(1, 3), st.integers(1, 9)),
    lengths=lengths,
    lags=lags,
    missing=missing,
    seed=seeds,
)
@settings(deadline=None, max_examples=40)
def test_no_edge_of_a_chunk_or_a_block_shows_in_a_state_of_any_network(
    make_model, make_random_panel, network, cell, residual, sizes, lengths, lags, missing, seed
):
    panel = make_random_panel(lengths, seed, missing, frequency="D", first=19_800)
    model = make_model(
        panel, seed, network=network, cell=cell, residual=residual, lags=lags, layers=2, units=3
    )
    with pytest.MonkeyPatch.context() as patch:
        for name, size in zip(("CHUNK_SERIES", "BLOCK_ROWS"), sizes, strict=True):
            patch.setattr(encoding, name, size)
        state = encoded(model, panel).arrays()

    for s in range(len(lengths)):
        for name, expected in row_by_row(model, panel, s).items():
            np.testing.assert_allclose(state[name][s : s + 1], expected, **CLOSE, err_msg=name)


def test_series_are_walked_in_chunks_and_blocks_that_end_where_a_series_leaves(monkeypatch):
    monkeypatch.setattr(encoding, "CHUNK_SERIES", 2)
    monkeypatch.setattr(encoding, "BLOCK_ROWS", 4)
    monkeypatch.setattr("forecast.inference.parallel.cores", lambda: 1)
    blocks = []

    def consume(value, memory, values, features):
        blocks.append((value[:, 0].tolist(), values[..., 0].tolist(), features[..., 0].tolist()))
        total = memory.network["total"] + values.sum(1)
        return StepMemory(memory.recent, {"total": total})

    rows = np.arange(1.0, 11.0)[:, None]  # series of 1, 5, 3 and 1 rows; features are 10 times that
    start = StepMemory(np.empty((4, 0, 1)), {"total": np.zeros((4, 1))})
    indptr = np.array([0, 1, 6, 9, 10])
    after = walk(consume, -np.arange(4.0)[:, None], start, rows, 10 * rows, indptr)

    assert after.network["total"].ravel().tolist() == [1, 20, 24, 10]
    assert blocks == [
        ([-1, -2], [[2, 3], [7, 8]], [[20, 30], [70, 80]]),
        ([3, 8], [[4], [9]], [[40], [90]]),  # the third series leaves
        ([4], [[5, 6]], [[50, 60]]),
        ([0, -3], [[1], [10]], [[10], [100]]),
    ]


class Count(NamedTuple):
    """A network that only observes, and counts what it has observed."""

    def initial_state(self, batch):
        return {"seen": np.zeros(batch, int)}

    def observe(self, _, state):
        return {"seen": state["seen"] + 1}

    def absorb(self, _, x, state):
        return {"seen": state["seen"] + x.shape[1]}


def test_every_row_is_observed_once_and_nothing_is_forecast(make_config, make_random_panel):
    panel = make_random_panel([3, 8, 1, 8])

    state = encode(panel, make_config(panel), ModelStep(np, Count(), point, ()), "the model")

    assert state.memory.network["seen"].tolist() == [3, 8, 1, 8]


def test_the_state_is_at_the_last_row_of_every_series(make_model, make_panel):
    panel = make_panel([1.0, 2.0, 3.0], [5.0, 7.0], first=[10, 20])

    state = encoded(make_model(panel, context=2), panel)

    assert state.ids.tolist() == ["a", "b"]
    assert state.time.tolist() == [12, 21]
    assert state.value.tolist() == [[1.0], [1.0]]  # 3 under 2.5 ± 0.5, and 7 under 6 ± 1
    assert state.scale.location.tolist() == [[2.5], [6.0]]
    assert state.scale.scale.tolist() == [[0.5], [1.0]]
    assert state.fingerprint == "the model"


def test_the_memory_of_the_lags_is_what_came_before_the_last_value(make_model, make_panel):
    panel = make_panel([2.0, 4.0, 6.0, 8.0], [5.0, 7.0])
    model = make_model(panel, context=2, lags=(4,))

    state = encoded(model, panel)

    # 2, 4, 6 under 7 ± 1; and of the short series only 5, under 6 ± 1
    np.testing.assert_array_equal(state.memory.recent[..., 0], [[-5, -3, -1], [NAN, NAN, -1]])


def test_what_is_kept_of_values_is_single_precision(make_model, make_random_panel):
    state = make_model(make_random_panel([9]), lags=(3,)).state

    dtypes = {name: array.dtype.name for name, array in state.arrays().items()}
    assert dtypes == {
        "time": "int64",
        "value": "float32",
        "recent": "float32",
        "location": "float64",
        "scale": "float64",
        "low": "float64",
        "high": "float64",
        "static": "float32",
        "network.hidden_0": "float32",
        "network.cell_0": "float32",
    }


# Streaming


@given(
    before=st.integers(1, 15),
    after=st.integers(1, 10),
    lags=lags,
    missing=missing,
    seed=seeds,
)
@settings(deadline=None, max_examples=30)
def test_streaming_new_rows_observed_one_by_one_equal_the_whole_history_under_the_same_scale(
    make_model, make_random_panel, before, after, lags, missing, seed
):
    whole = make_random_panel([before + after, before + after], seed, missing)
    model = make_model(whole, seed, lags=lags)
    with pytest.MonkeyPatch.context() as patch:
        scale = history_scale(whole, whole.target, 8)
        patch.setattr(encoding, "history_scale", lambda *_: scale)
        state, expected = encoded(model, whole.until(after)), encoded(model, whole)

    cell, value, memory = model.step, state.value, state.memory
    for row in range(before, before + after):
        memory = cell.observe(value, memory, np.empty((2, 0), np.float32))
        new = whole.target[whole.indptr[:-1] + row]
        value = ((new - scale.location) / scale.scale).astype(np.float32)

    np.testing.assert_array_equal(value, expected.value)
    np.testing.assert_array_equal(memory.recent, expected.memory.recent)
    for name, part in expected.memory.network.items():
        np.testing.assert_allclose(memory.network[name], part, **CLOSE)


# Scale


def test_the_last_rows_of_a_series_set_its_scale(make_panel):
    panel = make_panel([1e9, 1e9, 4.0, NAN, 8.0], [1.0, 3.0])

    scale = history_scale(panel, panel.target, context=3)

    assert scale.location.tolist() == [[6.0], [2.0]]
    assert scale.scale.tolist() == [[2.0], [1.0]]


def test_where_the_last_rows_are_missing_all_rows_set_the_scale(make_panel):
    panel = make_panel([2.0, 4.0, NAN, NAN], [9.0, 9.0, 1.0, 3.0])

    scale = history_scale(panel, panel.target, context=2)

    assert scale.location.tolist() == [[3.0], [2.0]]
    assert scale.scale.tolist() == [[1.0], [1.0]]


def test_a_series_that_was_never_observed_is_named(make_model, make_panel):
    panel = make_panel([1.0, 2.0, 3.0], [NAN, NAN])
    model = make_model(make_panel([1.0, 2.0, 3.0]))

    with pytest.raises(DataError, match="series 'b' has no observed value; leave it out"):
        encoded(model, panel)


# Transform


def test_a_transform_is_applied_before_the_scale(make_model, make_panel):
    state = make_model(make_panel([4.0, 16.0]), power=0.5).state

    assert (state.scale.location.item(), state.scale.scale.item()) == (3.0, 1.0)


@pytest.mark.parametrize(
    ("power", "values", "wanted"),
    [
        (0.0, [1.0, 0.0], "0, but the model was trained on positive values only"),
        (0.0, [1.0, -2.5], "-2.5, but the model was trained on positive values only"),
        (0.5, [1.0, -2.5], "-2.5, but the model was trained on non-negative values only"),
    ],
)
def test_a_value_that_the_transform_cannot_take_is_named_with_its_series(
    make_panel, power, values, wanted
):
    panel = make_panel([3.0, 4.0], values, [5.0])

    with pytest.raises(DataError, match=f"series 'b' has a value {wanted}; .*--transform none"):
        transformed(panel, (power,))


def test_values_that_a_transform_can_just_take_are_taken(make_panel):
    assert transformed(make_panel([0.0, 4.0]), (0.5,)).tolist() == [[0.0], [2.0]]
    assert transformed(make_panel([-1.0, 4.0]), (1.0,)).tolist() == [[-1.0], [4.0]]
    np.testing.assert_array_equal(transformed(make_panel([1.0, NAN]), (0.0,)), [[0.0], [NAN]])


# Invariant 8


@given(cutoff=st.integers(1, 19), lags=lags, missing=missing, seed=seeds)
@settings(deadline=None, max_examples=30)
def test_no_leak_values_after_the_cutoff_change_no_state_at_the_cutoff(
    make_model, make_random_panel, make_panel, cutoff, lags, missing, seed
):
    panel = make_random_panel([20, 20], seed, missing)
    changed = panel.target.reshape(2, 20).copy()
    changed[:, cutoff:] = 1e6
    other = make_panel(*changed)
    model = make_model(panel, seed, lags=lags)

    state, same = (encoded(model, p.until(20 - cutoff)) for p in (panel, other))

    for name, array in state.arrays().items():
        assert array.tobytes() == same.arrays()[name].tobytes(), name
    if cutoff < 19:  # and the state is not deaf: at the end it knows the change
        assert encoded(model, other).value.tobytes() != encoded(model, panel).value.tobytes()
