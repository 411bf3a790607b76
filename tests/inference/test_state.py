import copy
import pickle
from dataclasses import FrozenInstanceError, replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.data.frequency import parse
from forecast.errors import DataError, OptionError
from forecast.inference.preprocess import recent_values
from forecast.inference.state import State, join


@pytest.fixture(scope="module")
def state(make_model, make_random_panel):
    """Five series of different lengths, on two lags and two layers."""
    panel = make_random_panel([3, 9, 5, 12, 7], missing=0.2)
    return make_model(panel, lags=(2, 4), layers=2).state


def pickled(state):
    return pickle.loads(pickle.dumps(state))


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
        "low": (5, 1),
        "high": (5, 1),
        "static": (5, 0),
        "network.hidden_0": (5, 4),
        "network.cell_0": (5, 4),
        "network.hidden_1": (5, 4),
        "network.cell_1": (5, 4),
    }


def test_it_says_which_series_end_when_and_how_much_it_holds(state):
    # int64 time, float32 value and three lags, float64 location, scale, low and high, two
    # layers of 2 * 4
    size = 5 * (8 + 4 + 3 * 4 + 4 * 8 + 2 * 2 * 4 * 4)

    assert repr(state) == (
        f"State(5 series: 'a' at 2, 'b' at 8, 'c' at 4, 2 more; {size} bytes; "
        f"model {state.fingerprint[:8]})"
    )


def test_up_to_three_series_are_all_named_and_times_are_those_of_the_users_table(
    make_model, make_panel
):
    panel = make_panel([1.0, 2.0], [3.0], [4.0, 5.0], ids=[7, 12, 3], frequency="MS", first=600)
    state = make_model(panel).state

    assert repr(state) == (
        "State(3 series: 7 at 2020-02-01, 12 at 2020-01-01, 3 at 2020-02-01; 228 bytes; "
        f"model {state.fingerprint[:8]})"
    )
    assert repr(state.take(np.array([1]))).startswith("State(1 series: 12 at 2020-01-01; 76 bytes;")


def test_thousands_are_set_apart(state):
    assert "'e' at 6, 'e' at 6, 'e' at 6, 1,997 more; 240,000 bytes;" in repr(
        state.select(["e"]).repeat(2000)
    )


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


def test_a_series_asked_for_twice_comes_twice(state):
    twice = state.select(["b", "a", "b"])

    assert twice.ids.tolist() == ["b", "a", "b"]
    assert bytes_of(twice) == bytes_of(state.take(np.array([1, 0, 1])))


def test_all_branches_of_a_series_are_selected_together_as_often_as_it_is_asked_for(state):
    branched = state.select(["a", "b"]).repeat(2)

    assert branched.select(["b"]).ids.tolist() == ["b", "b"]
    assert branched.select(["b", "a", "b"]).ids.tolist() == ["b", "b", "a", "a", "b", "b"]


def test_a_number_is_told_from_the_text_that_reads_alike_where_both_are_known(
    make_model, make_panel
):
    panel = make_panel([1.0, 2.0], [3.0, 4.0, 5.0], ids=[7, "7"])
    state = make_model(panel).state

    assert state.select([7]).time.tolist() == [1]
    assert state.select(["7"]).time.tolist() == [2]


def test_repeated_series_stand_side_by_side(state):
    repeated = state.repeat(3)

    assert repeated.ids.tolist() == list("aaabbbcccdddeee")
    assert bytes_of(repeated) == bytes_of(state.take(np.arange(15) // 3))
    assert repeated.fingerprint == state.fingerprint
    assert state.repeat(1) == state


@pytest.mark.parametrize("n", [0, -1, 1.5, "2", None])
def test_a_state_is_repeated_a_whole_number_of_times(state, n):
    with pytest.raises(OptionError, match=f"n is {n!r}; it must be a whole number of at least 1"):
        state.repeat(n)


def test_an_unknown_series_is_named_next_to_some_known_ones(state):
    with pytest.raises(DataError, match=r"no series \['nowhere'\].*5 series.*'a', 'b'"):
        state.select(["a", "nowhere"])


@pytest.mark.parametrize(
    "fork",
    [
        lambda state: state,
        lambda state: state.take(np.arange(5)),
        lambda state: state.repeat(2),
        lambda state: join([state, state]),
        lambda state: replace(state, value=state.value + 1),
    ],
    ids=["itself", "take", "repeat", "join", "replace"],
)
def test_whatever_is_done_with_a_fork_its_twin_cannot_see(state, fork):
    before, ids = bytes_of(state), state.ids.tolist()

    for array in (fork(state).ids, *fork(state).arrays().values()):
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 99

    assert (bytes_of(state), state.ids.tolist()) == (before, ids)


def test_a_state_cannot_be_reassigned(state):
    with pytest.raises(FrozenInstanceError):
        state.time = state.time + 1


# Equality


def with_array(state, name, array):
    """The state with another array in the place of one."""
    if name in ("time", "value"):
        return replace(state, **{name: array})
    for field in ("scale", "extent"):
        part = getattr(state, field)
        if name in part._fields:
            return replace(state, **{field: part._replace(**{name: array})})
    memory = state.memory
    if name == "recent":
        return replace(state, memory=memory._replace(recent=array))
    network = memory.network | {name.removeprefix("network."): array}
    return replace(state, memory=memory._replace(network=network))


def test_a_state_equals_a_copy_of_itself_missing_values_included(state):
    assert np.isnan(state.memory.recent).any()  # a series of three rows has no third lag
    assert state == state.take(np.arange(5))
    assert state == state


@pytest.mark.parametrize(
    "name",
    [
        *("time", "value", "recent", "location", "scale", "low", "high"),
        *("network.hidden_0", "network.cell_1"),
    ],
)
@pytest.mark.parametrize("row", [0, 4])
def test_a_state_with_another_number_anywhere_is_another_state(state, name, row):
    array = state.arrays()[name]
    assert with_array(state, name, array.copy()) == state

    changed = array.copy()
    changed[row] = np.where(np.isnan(array[row]), 0, array[row] + 1)

    assert with_array(state, name, changed) != state


def test_a_missing_value_equals_no_number(state):
    value = state.value.copy()
    value[0] = np.nan
    other = with_array(state, "value", value)

    assert other != state
    assert other == other.take(np.arange(5))


@pytest.mark.parametrize(
    "change",
    [
        {"ids": np.array(list("abcdx"), dtype=object)},
        {"fingerprint": "0" * 32},
        {"frequency": parse("D")},
        {"network": "gru"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_state_of_other_series_model_or_steps_is_another_state(state, change):
    assert replace(state, **change) != state


def test_the_order_and_the_number_of_series_matter(state):
    assert state.take(np.array([1, 0, 2, 3, 4])) != state
    assert state.take(np.arange(4)) != state
    assert state.repeat(2) != state


def test_numbers_for_ids_are_not_their_text(make_model, make_panel):
    state = make_model(make_panel([1.0, 2.0], ids=[7])).state

    assert replace(state, ids=np.array(["7"], dtype=object)) != state


@pytest.mark.parametrize("other", [None, 0, "State", ("a", "b"), {}, object()])
def test_a_state_equals_nothing_of_another_type(state, other):
    assert state != other
    assert (state == other) is False


def test_a_state_cannot_be_hashed(state):
    with pytest.raises(TypeError, match="unhashable type: 'State'"):
        hash(state)


# Files


@given(
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=5),
    missing=st.sampled_from([0.0, 0.4]),
    lags=st.sampled_from([(), (2,), (3, 7)]),
    layers=st.integers(1, 2),
    are_numbers=st.booleans(),
    frequency=st.sampled_from(["1", "h", "15min", "MS-15", "B", "W"]),
    steps=st.integers(0, 2),
    seed=st.integers(0, 2**16),
)
@settings(deadline=None, max_examples=40)
def test_round_trip_a_loaded_state_is_the_saved_one_bit_for_bit(
    make_model,
    make_random_panel,
    tmp_path_factory,
    lengths,
    missing,
    lags,
    layers,
    are_numbers,
    frequency,
    steps,
    seed,
):
    numbers = [2**62, -1, 0, 7, 5] if are_numbers else ["b", "ü ", "", "7", "a\nb"]
    ids = numbers[: len(lengths)]
    panel = make_random_panel(lengths, seed, missing, ids=ids, frequency=frequency)
    model = make_model(panel, seed, lags=lags, layers=layers)
    state = model.rollout(steps).state if steps else model.state
    path = tmp_path_factory.mktemp("states") / "held.state"

    state.save(path)
    loaded = State.load(path)

    assert loaded == state
    assert loaded.ids.dtype == state.ids.dtype
    assert [type(name) for name in loaded.ids.tolist()] == [type(name) for name in ids]
    assert [a.dtype for a in loaded.arrays().values()] == [a.dtype for a in state.arrays().values()]
    assert bytes_of(loaded) == bytes_of(state)
    assert model.predict(3, state=loaded).equals(model.predict(3, state=state))


def test_a_state_with_branches_is_saved_with_all_of_them(state, tmp_path):
    state.repeat(2).save(tmp_path / "held.state")

    assert State.load(tmp_path / "held.state") == state.repeat(2)


def test_the_same_state_makes_the_same_bytes(state, tmp_path):
    first, again = tmp_path / "first.state", tmp_path / "again.state"
    state.save(first)
    State.load(first).save(again)

    assert again.read_bytes() == first.read_bytes()


def test_the_state_within_a_model_file_can_be_loaded_alone(make_model, make_random_panel, tmp_path):
    model = make_model(make_random_panel([5, 9]), lags=(3,))
    model.save(tmp_path / "model.forecast")

    state = State.load(tmp_path / "model.forecast")

    assert state == model.state
    assert model.predict(3, state=state).equals(model.predict(3))


# Parts


@given(cuts=st.sets(st.integers(1, 4)))
@settings(deadline=None, max_examples=16)
def test_parts_of_a_state_join_to_the_whole(state, cuts):
    bounds = [0, *sorted(cuts), 5]
    parts = [state.take(np.arange(a, b)) for a, b in pairwise(bounds)]

    whole = join(parts)

    assert whole.ids.tolist() == state.ids.tolist()
    assert whole.fingerprint == state.fingerprint
    assert bytes_of(whole) == bytes_of(state)


@pytest.mark.parametrize("copy_of", [copy.copy, copy.deepcopy, pickled])
def test_a_copy_of_a_state_is_equal_and_cannot_be_written_to_either(state, copy_of):
    twin = copy_of(state)

    assert twin == state
    for array in (twin.ids, *twin.arrays().values()):
        with pytest.raises(ValueError, match="read-only"):
            array[:] = array


def test_one_id_alone_is_no_list_of_letters(make_model, make_panel):
    model = make_model(make_panel([1.0], [2.0], [3.0], ids=["a", "b", "ab"]))

    assert model.state.select("ab").ids.tolist() == ["ab"]
    assert model.predict(1, series="ab")["store"].tolist() == ["ab"]


def test_the_last_values_of_a_state_are_those_of_the_table(make_model, make_panel):
    values = np.arange(2.0, 22.0)
    model = make_model(make_panel(values), lags=(3,))

    recent = recent_values(model.state, model.config)[0, :, 0]

    np.testing.assert_allclose(recent, values[-len(recent) :], rtol=1e-6)
    assert len(recent) == 3  # as far back as the longest lag
