"""A state in a file of its own: whatever is wrong with the file is one line."""

import errno
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import forecast
from forecast import ArtifactError, State
from forecast.inference.state import FORMAT, PARTS

ABOUT, ARRAYS = PARTS
FOREIGN = "not a state file of forecast, or a damaged one; keep the state again"


@pytest.fixture(scope="module")
def state(make_model, make_random_panel):
    """Two series, one of which ends with a missing lag."""
    return make_model(make_random_panel([9, 5], missing=0.3), lags=(2, 7), units=2).state


@pytest.fixture
def saved(state, tmp_path):
    path = tmp_path / "held.state"
    state.save(path)
    return path


@pytest.fixture(scope="module")
def whole(state, tmp_path_factory):
    """The bytes of the file."""
    path = tmp_path_factory.mktemp("whole") / "held.state"
    state.save(path)
    return path.read_bytes()


def refusal(path):
    """The one line with which a file is refused; it begins with the path."""
    with pytest.raises(ArtifactError) as error:
        State.load(path)
    message = str(error.value)
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def test_the_file_is_a_zip_of_json_and_safetensors(saved, state, archive):
    parts = archive.parts(saved)

    assert tuple(parts) == PARTS
    about = json.loads(parts[ABOUT])
    digest = about.pop("digest")
    assert about == {
        "format": FORMAT,
        "library": forecast.__version__,
        "fingerprint": state.fingerprint,
        "network": "lstm",
        "frequency": "1",
        "ids": ["a", "b"],
    }
    assert (len(digest), int(digest, 16) > 0) == (32, True)


# No file, or one of another kind


def test_a_missing_file_says_how_to_keep_one(tmp_path):
    path = tmp_path / "held.state"

    assert refusal(path) == (
        f"there is no state file {path}; keep one with: forecast predict --keep-state FILE"
    )


def test_a_folder_is_refused(tmp_path):
    assert refusal(tmp_path) == f"cannot read {tmp_path}: Is a directory"


@pytest.mark.parametrize("content", [b"", b"ds,y\n2024-01-01,5\n", b"PK\x03\x04", b"\x80\x04N."])
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    path = tmp_path / "held.state"
    path.write_bytes(content)

    assert refusal(path) == FOREIGN


@pytest.mark.parametrize("part", PARTS)
def test_a_file_without_one_of_its_parts_is_refused(saved, archive, part):
    parts = archive.parts(saved)
    del parts[part]
    archive.write(saved, parts)

    assert refusal(saved) == FOREIGN


@pytest.mark.parametrize("content", [b"[1, 2]", b"null", b"{", b"\xff", b"[" * 100_000])
def test_a_part_that_is_not_json_or_json_of_another_kind_is_refused(saved, archive, content):
    archive.write(saved, {**archive.parts(saved), ABOUT: content})

    assert refusal(saved) == FOREIGN


@pytest.mark.parametrize("part", PARTS)
def test_a_pickle_in_the_place_of_a_part_is_refused_and_not_run(saved, tmp_path, archive, part):
    mark = tmp_path / "mark"
    archive.write(saved, {**archive.parts(saved), part: archive.trap(mark)})

    assert refusal(saved) == FOREIGN
    assert not mark.exists()


def test_a_compressed_file_is_refused_before_it_is_unpacked(saved, archive):
    parts = archive.parts(saved)
    with zipfile.ZipFile(saved, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name, content)

    assert refusal(saved) == "state.json is compressed, unlike those of a state file"


def test_a_part_that_is_larger_than_a_state_can_be_is_not_even_read(saved, monkeypatch):
    monkeypatch.setattr("forecast.data.io.archive.MAX_PART_BYTES", 100)

    assert refusal(saved) == "state.json is larger than a state can be"


# Damage


def test_a_file_cut_off_anywhere_is_refused(saved, whole):
    ends = range(len(whole) - 100, len(whole))  # every byte where the zip says what it holds
    for length in {*range(0, len(whole), 5), *ends}:
        saved.write_bytes(whole[:length])

        assert refusal(saved) == FOREIGN


@pytest.mark.parametrize("part", PARTS)
def test_a_part_cut_off_anywhere_in_a_sound_zip_is_refused(saved, archive, part):
    parts = archive.parts(saved)

    for length in range(0, len(parts[part]), 7):
        archive.write(saved, {**parts, part: parts[part][:length]})

        assert refusal(saved) == FOREIGN


@given(where=st.floats(0, 1, exclude_max=True), flipped=st.integers(1, 255))
@settings(deadline=None, max_examples=300)
def test_a_damaged_byte_anywhere_is_refused_or_does_no_harm(
    state, whole, tmp_path_factory, where, flipped
):
    path = tmp_path_factory.getbasetemp() / "damaged.state"
    place = int(where * len(whole))

    path.write_bytes(whole[:place] + bytes([whole[place] ^ flipped]) + whole[place + 1 :])

    try:
        assert State.load(path) == state
    except ArtifactError:
        assert refusal(path)


def test_most_damaged_bytes_are_noticed(saved, whole):
    refused = 0
    for place in range(0, len(whole), 3):
        saved.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            State.load(saved)
        except ArtifactError:
            refused += 1

    assert refused > 0.9 * len(whole) / 3  # the rest are dates and the like, which nothing reads


# Other versions


def test_a_file_of_a_newer_format_says_to_upgrade(saved, archive):
    archive.change(saved, ABOUT, lambda about: about.update(format=FORMAT + 1))

    assert refusal(saved) == (
        f"the file has format 3, this version of forecast ({forecast.__version__}) reads format "
        "2; upgrade forecast or keep the state again"
    )


def test_a_newer_format_is_named_even_where_everything_else_has_changed(saved, archive):
    archive.write(saved, {**archive.parts(saved), ABOUT: b'{"format": 99}'})

    assert refusal(saved).startswith("the file has format 99, this version of forecast")


# Edited and zipped again


def put(name, value):
    return lambda arrays: arrays.__setitem__(name, value)


def poke(name, value):
    return lambda arrays: arrays[name].__setitem__((0,) * arrays[name].ndim, value)


@pytest.mark.parametrize(
    "change",
    [
        poke("time", 99),
        poke("value", 0.125),
        poke("value", np.nan),
        poke("recent", 0.125),
        poke("location", 0.125),
        poke("scale", 0.125),
        poke("low", 0.125),
        poke("high", 0.125),
        poke("network.hidden_0", 0.125),
        poke("network.cell_0", 0.125),
    ],
)
def test_a_number_that_was_changed_is_noticed(saved, archive, change):
    archive.change(saved, ARRAYS, change)

    assert refusal(saved) == "its state is not as it was written; keep the state again"


@pytest.mark.parametrize(
    "change",
    [
        {"ids": ["b", "a"]},
        {"ids": ["a", "c"]},
        {"ids": [1, 2]},
        {"ids": [2**70, 1]},
        {"fingerprint": "0" * 32},
        {"frequency": "D"},
        {"digest": "0" * 32},
        {"digest": None},
    ],
)
def test_another_name_that_was_written_in_is_noticed(saved, archive, change):
    archive.change(saved, ABOUT, lambda about: about.update(change))

    assert refusal(saved) == "its state is not as it was written; keep the state again"


def test_rewriting_the_digest_makes_another_state(saved, state, archive):
    archive.change(saved, ARRAYS, poke("value", 0.125), sealed=True)

    loaded = State.load(saved)

    assert loaded.value.tolist() == [[0.125], *state.value[1:].tolist()]
    assert loaded != state


@pytest.mark.parametrize("name", ["ids", "fingerprint", "network", "frequency", "digest"])
def test_what_the_file_lacks_is_named(saved, archive, name):
    archive.change(saved, ABOUT, lambda about: about.pop(name))

    assert refusal(saved) == f"it lacks '{name}'; keep the state again"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"network": "gru"}, "it is of an unknown network 'gru'"),
        ({"network": "g\nru"}, "it is of an unknown network 'g ru'"),
        ({"frequency": "fortnight"}, "fortnight"),
        ({"frequency": "x" * 5000}, "xxx"),
        ({"frequency": 5}, ""),
        ({"ids": ["a"]}, "the arrays of its state do not fit"),
        ({"ids": ["a", ["b"]]}, "its ids are neither text nor numbers"),
        ({"ids": ["a", None]}, "its ids are neither text nor numbers"),
        ({"ids": "ab"}, "its ids are neither text nor numbers"),
        ({"ids": {"a": 1, "b": 2}}, "its ids are neither text nor numbers"),
        ({"ids": 5}, ""),
        ({"network": ["lstm"]}, ""),
    ],
)
def test_names_that_are_impossible_are_refused(saved, archive, change, message):
    archive.change(saved, ABOUT, lambda about: about.update(change))

    line = refusal(saved)

    assert message in line
    assert line.endswith("; keep the state again")
    assert "\n" not in line
    assert len(line) < 350


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays: arrays.clear(), "it lacks 'value'"),
        (lambda arrays: arrays.pop("time"), "the arrays of its state do not fit"),
        (lambda arrays: arrays.pop("low"), "the arrays of its state do not fit"),
        (lambda arrays: arrays.pop("value"), "it lacks 'value'"),
        (put("more", np.zeros(2)), "the arrays of its state do not fit"),
        (put("network.more", np.zeros((3, 2), np.float32)), "the arrays of its state do not fit"),
        (put("time", np.zeros(3, np.int64)), "the arrays of its state do not fit"),
        (put("value", np.zeros((3, 1), np.float32)), "the arrays of its state do not fit"),
        (put("value", np.zeros(2, np.float32)), ""),
        (put("recent", np.zeros((2, 5, 2), np.float32)), "the arrays of its state do not fit"),
        (put("network.cell_0", np.zeros((3, 2), np.float32)), "the arrays of its state do not fit"),
        (put("high", np.zeros((2, 2))), "the arrays of its state do not fit"),
        (put("time", np.zeros(2)), "its state time cannot be float64"),
        (put("time", np.zeros(2, np.int32)), "its state time cannot be int32"),
        (put("value", np.zeros((2, 1))), "its state value cannot be float64"),
        (put("scale", np.ones((2, 1), np.float32)), "its state scale cannot be float32"),
        (put("network.hidden_0", np.zeros((2, 2))), "its state network.hidden_0 cannot be float64"),
        (poke("scale", 0.0), "its state holds impossible scales"),
        (poke("scale", -1.0), "its state holds impossible scales"),
        (poke("scale", np.nan), "its state scale holds numbers that are not finite"),
        (poke("low", -np.inf), "its state low holds numbers that are not finite"),
        (poke("network.hidden_0", np.nan), "its state network.hidden_0 holds numbers"),
        (poke("value", np.inf), "its state value holds numbers"),
        (poke("recent", -np.inf), "its state recent holds numbers"),
    ],
)
def test_arrays_that_are_not_a_state_are_refused_whatever_the_digest(
    saved, archive, change, message
):
    archive.change(saved, ARRAYS, change, sealed=True)

    line = refusal(saved)

    assert line.startswith(message)
    assert line.endswith("; keep the state again")


@pytest.mark.parametrize(
    "change",
    [
        put("recent", np.zeros((2, 9, 1), np.float32)),
        put("network.hidden_0", np.zeros((2, 3), np.float32)),
        put("network.more", np.zeros((2, 2), np.float32)),
        lambda arrays: arrays.pop("network.cell_0"),
    ],
)
def test_a_state_with_the_memory_of_another_network_is_distinguished_from_the_models(
    saved, archive, make_model, make_random_panel, change
):
    model = make_model(make_random_panel([9, 5], missing=0.3), lags=(2, 7), units=2)
    archive.change(saved, ARRAYS, change, sealed=True)

    with pytest.raises(
        forecast.OptionError, match=r"^the state does not fit the model: the arrays"
    ):
        model.rollout(2, state=State.load(saved))


@pytest.mark.parametrize(("part", "change"), [(ABOUT, put("ids", [])), (ARRAYS, poke("time", 99))])
def test_an_edited_state_within_a_model_file_is_refused_alone_too(
    archive, make_model, make_random_panel, tmp_path, part, change
):
    path = tmp_path / "model.forecast"
    make_model(make_random_panel([9, 5])).save(path)
    archive.change(path, part, change)

    assert refusal(path).endswith("; keep the state again")


# The old file survives


def full_disk(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("place", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(monkeypatch, state, saved, place):
    monkeypatch.setattr(*{"fsync": (os, "fsync"), "replace": (Path, "replace")}[place], full_disk)

    with pytest.raises(ArtifactError) as error:
        state.repeat(2).save(saved)

    assert str(error.value) == (
        f"{saved}: cannot be written: No space left on device; nothing was changed, "
        "make room or write elsewhere with --keep-state"
    )
    assert State.load(saved) == state
    assert [path.name for path in saved.parent.iterdir()] == ["held.state"]
