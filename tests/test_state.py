from dataclasses import FrozenInstanceError
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.errors import DataError
from forecast.state import join


@pytest.fixture(scope="module")
def state(make_model, make_random_panel):
    """Five series of different lengths, on two lags and two layers."""
    panel = make_random_panel([3, 9, 5, 12, 7], missing=0.2)
    return make_model(panel, lags=(2, 4), layers=2).state


def bytes_of(state):
    return {name: array.tobytes() for name, array in state.arrays().items()}


def test_every_array_has_one_row_per_series(state):
    shapes = {name: array.shape for name, array in state.arrays().items()}

    assert shapes == {
        "time": (5,),
        "value": (5, 1),
        "recent": (5, 3, 1),
        "location": (5, 1),
        "scale": (5, 1),
        "network.hidden": (5, 2, 4),
        "network.cell": (5, 2, 4),
    }


def test_it_says_how_much_it_holds(state):
    # int64 time, float32 value and three lags, float64 location and scale, two layers of 2 * 4
    size = 5 * (8 + 4 + 3 * 4 + 2 * 8 + 2 * 2 * 4 * 4)

    assert repr(state) == f"State(5 series, {size} bytes, model {state.fingerprint[:8]})"


def test_series_are_taken_in_the_order_asked_for_as_often_as_asked_for(state):
    taken = state.take(np.array([3, 0, 3]))

    assert taken.ids.tolist() == ["d", "a", "d"]
    for name, array in taken.arrays().items():
        np.testing.assert_array_equal(array, state.arrays()[name][[3, 0, 3]])
    assert taken.fingerprint == state.fingerprint


def test_series_are_selected_by_id(state):
    assert bytes_of(state.select(["d", "a"])) == bytes_of(state.take(np.array([3, 0])))
    assert state.select(["d", "a"]).ids.tolist() == ["d", "a"]


def test_series_with_numbers_for_ids_are_found_by_number_and_by_text(make_model, make_panel):
    state = make_model(make_panel([1.0, 2.0], [3.0, 4.0], ids=[7, 12])).state

    assert state.select([12]).ids.tolist() == [12]
    assert state.select(["12", "7"]).ids.tolist() == [12, 7]


def test_an_unknown_series_is_named_next_to_some_known_ones(state):
    with pytest.raises(DataError, match=r"no series \['nowhere'\].*5 series.*'a', 'b'"):
        state.select(["a", "nowhere"])


def test_a_fork_shares_nothing_with_its_twin(state):
    before = bytes_of(state)
    fork = state.take(np.arange(5))

    for array in fork.arrays().values():
        array[:] = 99

    assert bytes_of(state) == before


def test_a_state_cannot_be_reassigned(state):
    with pytest.raises(FrozenInstanceError):
        state.time = state.time + 1


@given(cuts=st.sets(st.integers(1, 4)))
@settings(deadline=None, max_examples=16)
def test_parts_of_a_state_join_to_the_whole(state, cuts):
    bounds = [0, *sorted(cuts), 5]
    parts = [state.take(np.arange(a, b)) for a, b in pairwise(bounds)]

    whole = join(parts)

    assert whole.ids.tolist() == state.ids.tolist()
    assert whole.fingerprint == state.fingerprint
    assert bytes_of(whole) == bytes_of(state)
