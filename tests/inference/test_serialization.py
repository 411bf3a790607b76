import errno
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load as load_arrays

import forecast
from forecast import ArtifactError
from forecast.data.scaling import UsualSpread
from forecast.inference.conformal import Calibration
from forecast.inference.serialization import FORMAT, PARTS
from forecast.inference.state import ids_array

CONFIG, WEIGHTS, HELD, STATE, _, TRAINING = PARTS


@pytest.fixture(scope="module")
def model(make_model, make_random_panel):
    """Two series, one of which ends with a missing lag; a head with sample paths."""
    panel = make_random_panel([9, 5], missing=0.3)
    model = make_model(panel, head="student_t", lags=(2, 7), units=2)
    scores = np.sort(np.random.default_rng(0).gamma(1.0, 1.0, (3, 25, 1)), axis=1)
    return replace(model, calibration=Calibration(scores.astype(np.float32)))


@pytest.fixture
def saved(model, tmp_path):
    path = tmp_path / "model.forecast"
    model.save(path)
    return path


def assert_same_model(model, other):
    assert other.config == model.config
    assert other.record == model.record
    assert other.state.fingerprint == model.state.fingerprint
    ours, theirs = (one.calibration and one.calibration.scores.tobytes() for one in (model, other))
    assert theirs == ours
    assert other.state.ids.tolist() == model.state.ids.tolist()
    assert other.state.ids.dtype == model.state.ids.dtype
    for ours, theirs in [
        (model.weights, other.weights),
        (model.state.arrays(), other.state.arrays()),
    ]:
        assert {k: (v.dtype, v.shape, v.tobytes()) for k, v in theirs.items()} == {
            k: (v.dtype, v.shape, v.tobytes()) for k, v in ours.items()
        }


# Round trip


@given(
    head=st.sampled_from(["point", "student_t"]),
    layers=st.integers(1, 2),
    lags=st.sampled_from([(), (2, 9)]),
    ids=st.sampled_from([["b", "ü"], [3, 12]]),
    frequency=st.sampled_from(["1", "h", "MS-15", "B"]),
    seed=st.integers(0, 2**16),
)
@settings(deadline=None, max_examples=30)
def test_round_trip_a_loaded_model_is_the_saved_one_and_forecasts_bit_for_bit_the_same(
    make_model, make_random_panel, tmp_path_factory, head, layers, lags, ids, frequency, seed
):
    panel = make_random_panel([12, 6], seed, missing=0.3, ids=ids, frequency=frequency)
    cycles = panel.frequency.cycles
    model = make_model(panel, seed, head=head, layers=layers, lags=lags, cycles=cycles, power=0.5)
    path = tmp_path_factory.mktemp("models") / "model.forecast"

    model.save(path)
    loaded = forecast.load(path)

    assert_same_model(model, loaded)
    paths = 4 if head == "student_t" else 0
    ours, theirs = (one.rollout(5, paths=paths, seed=seed) for one in (model, loaded))
    assert theirs.table.equals(ours.table)
    if paths:
        assert theirs.paths.tobytes() == ours.paths.tobytes()


def test_the_same_model_makes_the_same_bytes(saved, tmp_path):
    again = tmp_path / "again.forecast"
    forecast.load(saved).save(again)

    assert again.read_bytes() == saved.read_bytes()


def test_the_usual_spreads_of_a_panel_are_kept(make_model, make_random_panel, tmp_path):
    usual = (UsualSpread(0.5, 0.1), UsualSpread())
    panel = make_random_panel([12, 6], targets=2)
    make_model(panel, usual_spreads=usual).save(tmp_path / "model.forecast")

    assert forecast.load(tmp_path / "model.forecast").config.usual_spreads == usual


def test_a_file_from_before_usual_spreads_is_read(saved, model, archive):
    archive.change(saved, CONFIG, lambda about: about.update(format=5))

    assert "usual_spreads" not in json.loads(archive.parts(saved)[CONFIG])["model"]
    assert_same_model(model, forecast.load(saved))


@pytest.fixture
def seasonal(make_model, make_random_panel, tmp_path):
    """A direct model that looks at seasons, and its file."""
    choices = {"network": "seasonal", "head": "quantiles", "direct": True, "season": 4}
    model = make_model(make_random_panel([30, 9], missing=0.3), **choices)
    model.save(tmp_path / "seasonal.forecast")
    return model, tmp_path / "seasonal.forecast"


def test_a_direct_model_with_seasons_is_read_and_forecasts_bit_for_bit_the_same(seasonal):
    model, path = seasonal

    loaded = forecast.load(path)

    assert_same_model(model, loaded)
    assert (loaded.config.seasons, loaded.config.direct) == ((4, 12), True)
    ours, theirs = (one.rollout(5, levels=80, paths=200, seed=1) for one in (model, loaded))
    assert theirs.table.equals(ours.table)
    assert theirs.paths.tobytes() == ours.paths.tobytes()


def test_a_file_from_before_seasons_is_read(saved, model, archive):
    archive.change(saved, CONFIG, lambda about: about.update(format=6))

    assert not {"seasons", "direct"} & json.loads(archive.parts(saved)[CONFIG])["model"].keys()
    assert_same_model(model, forecast.load(saved))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"seasons": [4, 8]}, "lags .* are not those of its seasons"),
        ({"lags": [2, 4, 5, 8, 12, 14]}, "lags .* are not those of its seasons"),
        ({"lags": [], "seasons": []}, "not the steps of a shorter and a longer one"),
        ({"seasons": [4]}, "not the steps of a shorter and a longer one"),
        ({"seasons": [4, 12, 24]}, "not the steps of a shorter and a longer one"),
        ({"seasons": [0, 12]}, "not the steps of a shorter and a longer one"),
        ({"seasons": [4, -12]}, "not the steps of a shorter and a longer one"),
        ({"network": "lstm"}, "without seasons"),
        ({"head": "point"}, "has no quantiles"),
    ],
)
def test_seasons_that_are_not_those_of_the_inputs_are_refused(seasonal, archive, changed, message):
    _, path = seasonal
    archive.change(path, CONFIG, lambda about: about["model"].update(changed))

    with pytest.raises(ArtifactError, match=message):
        forecast.load(path)


@pytest.mark.parametrize("usual", [[[0.5, -0.1]], [["a", None]], [[0.5, None]] * 2, [[1]]])
def test_impossible_usual_spreads_are_refused(saved, archive, usual):
    archive.change(saved, CONFIG, lambda about: about["model"].update(usual_spreads=usual))

    with pytest.raises(ArtifactError, match=r"spread|belong together"):
        forecast.load(saved)


def test_the_file_is_a_zip_of_json_and_safetensors(saved, model, archive):
    parts = archive.parts(saved)

    assert tuple(parts) == PARTS
    about = json.loads(parts[CONFIG])
    assert (about["format"], about["library"]) == (FORMAT, forecast.__version__)
    assert about["model"]["head"] == "student_t"
    assert load_arrays(parts[WEIGHTS]).keys() == model.weights.keys()
    assert json.loads(parts[TRAINING]) == {}  # it was not trained


def test_arrays_that_are_not_contiguous_are_saved_as_they_read(model, tmp_path):
    turned = {name: np.asfortranarray(array) for name, array in model.weights.items()}
    path = tmp_path / "turned.forecast"

    replace(model, weights=turned).save(path)

    assert_same_model(model, forecast.load(path))


def test_whole_numbers_as_ids_stay_whole_numbers():
    assert ids_array([3, 12]).dtype == np.int64
    assert ids_array(["3", "12"]).dtype == object
    assert ids_array([3, "b"]).tolist() == [3, "b"]
    assert ids_array([True]).dtype == object
    assert ids_array([2**63 - 1, -(2**63)]).dtype == np.int64
    assert ids_array([2**63, 1]).tolist() == [2**63, 1]  # too large for an int64


# Never pickle


@pytest.mark.slow
def test_loading_and_forecasting_never_unpickle(saved):
    code = f"""
import sys

def refuse(event, arguments):
    if event.startswith("pickle"):
        raise SystemExit(f"{{event}} {{arguments}}")

import forecast.model
sys.addaudithook(refuse)
model = forecast.load({str(saved)!r})
model.rollout(3, paths=2)
model.save({str(saved)!r})
import pickle
try:
    pickle.loads(pickle.dumps(print))
except SystemExit:
    print("the guard was on")
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (run.stdout, run.stderr) == ("the guard was on\n", "")


@pytest.mark.parametrize("part", PARTS)
def test_a_pickle_in_the_place_of_a_part_is_refused_and_not_run(saved, tmp_path, part, archive):
    mark = tmp_path / "mark"
    archive.write(saved, {**archive.parts(saved), part: archive.trap(mark)})

    with pytest.raises(ArtifactError, match="not a model file of forecast, or a damaged one"):
        forecast.load(saved)
    assert not mark.exists()


# Damage


def test_a_missing_file_says_how_to_make_one(tmp_path):
    path = tmp_path / "model.forecast"

    with pytest.raises(ArtifactError) as error:
        forecast.load(path)

    assert str(error.value) == (
        f"there is no model file {path}; make one with: forecast train TABLE"
    )


@pytest.mark.parametrize("content", [b"", b"ds,y\n2024-01-01,5\n", b"PK\x03\x04", b"\x80\x04N."])
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    path = tmp_path / "table.csv"
    path.write_bytes(content)

    with pytest.raises(ArtifactError, match=r"table.csv: not a model file of forecast"):
        forecast.load(path)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(ArtifactError, match=r"cannot read .*: Is a directory"):
        forecast.load(tmp_path)


def test_a_zip_of_other_things_is_refused(tmp_path, archive):
    path = tmp_path / "foreign.zip"
    archive.write(path, {"readme.txt": b"hello"})

    with pytest.raises(ArtifactError, match="not a model file of forecast"):
        forecast.load(path)


@pytest.mark.parametrize("part", PARTS)
def test_a_file_without_one_of_its_parts_is_refused(saved, part, archive):
    parts = archive.parts(saved)
    del parts[part]
    archive.write(saved, parts)

    with pytest.raises(ArtifactError, match="not a model file of forecast, or a damaged one"):
        forecast.load(saved)


@pytest.mark.parametrize("part", [CONFIG, TRAINING])
def test_a_part_that_is_json_of_another_kind_is_refused(saved, part, archive):
    archive.write(saved, {**archive.parts(saved), part: b"[1, 2]"})

    with pytest.raises(ArtifactError, match="not a model file of forecast"):
        forecast.load(saved)


def test_a_file_cut_off_anywhere_is_refused(saved):
    whole = saved.read_bytes()

    ends = range(len(whole) - 100, len(whole))  # every byte where the zip says what it holds
    for length in {*range(0, len(whole), 5), *ends}:
        saved.write_bytes(whole[:length])
        with pytest.raises(ArtifactError, match="not a model file of forecast, or a damaged one"):
            forecast.load(saved)


@pytest.mark.parametrize("part", PARTS)
def test_a_part_cut_off_anywhere_in_a_sound_zip_is_refused(saved, part, archive):
    parts = archive.parts(saved)

    for length in range(0, len(parts[part]), 7):
        archive.write(saved, {**parts, part: parts[part][:length]})
        with pytest.raises(ArtifactError):
            forecast.load(saved)


def test_a_damaged_byte_anywhere_is_refused_or_does_no_harm(model, saved):
    whole = saved.read_bytes()
    places = range(0, len(whole), 3)
    refused = 0

    for place in places:
        saved.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            assert_same_model(model, forecast.load(saved))
        except ArtifactError:
            refused += 1

    assert refused > 0.9 * len(places)  # the rest are dates and the like, which nothing reads


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_compressed_file_is_refused_before_it_is_unpacked(saved, method, archive):
    parts = archive.parts(saved)
    with zipfile.ZipFile(saved, "w", method) as file:
        for name, content in parts.items():
            file.writestr(name, content)

    with pytest.raises(
        ArtifactError, match=r"config.json is compressed, unlike those of a model file"
    ):
        forecast.load(saved)


def test_a_part_that_is_larger_than_a_model_can_be_is_not_even_read(saved, monkeypatch):
    monkeypatch.setattr("forecast.data.io.archive.MAX_PART_BYTES", 100)

    with pytest.raises(ArtifactError, match=r"config.json is larger than a model can be"):
        forecast.load(saved)


# Other versions


def test_a_file_of_a_newer_format_says_to_upgrade(saved, archive):
    archive.change(saved, CONFIG, lambda about: about.update(format=FORMAT + 1))

    with pytest.raises(ArtifactError) as error:
        forecast.load(saved)

    assert str(error.value) == (
        f"{saved}: the file has format {FORMAT + 1}, this version of forecast "
        f"({forecast.__version__}) reads format {FORMAT}; upgrade forecast or train again"
    )


def test_a_newer_format_is_told_even_where_everything_else_has_changed(saved, archive):
    parts = {**archive.parts(saved), CONFIG: json.dumps({"format": 99}).encode()}
    archive.write(saved, parts)

    with pytest.raises(ArtifactError, match="the file has format 99"):
        forecast.load(saved)


# Contents that do not fit together


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda about: about.pop("model"), "it lacks 'model'"),
        (lambda about: about["model"].pop("units"), "units"),
        (lambda about: about["model"].update(mystery=1), "mystery"),
        (lambda about: about["model"].update(network="gru"), "its network is 'gru', none of"),
        (lambda about: about["model"].update(head="cauchy"), "its head is 'cauchy', none of"),
        (lambda about: about["model"].update(frequency="fortnight"), "fortnight"),
        (lambda about: about["model"].update(schema=None), ""),
        (lambda about: about["model"].update(lags=None), ""),
        (lambda about: about["model"].update(units=3), "the arrays of its weights do not fit"),
        (lambda about: about["model"].update(layers=2), "the arrays of its weights do not fit"),
        (lambda about: about["model"].update(layers=10**12), "it has weights for fewer than"),
        (lambda about: about["model"].update(units=10**12), "the arrays of its weights do not fit"),
        (lambda about: about["model"].update(lags=[2]), "the arrays of its weights do not fit"),
        (lambda about: about["model"].update(lags=[2, 6]), "the arrays of its state do not fit"),
        (lambda about: about["model"].update(lags=[3, 7]), "its parts do not belong together"),
        (lambda about: about["model"].update(frequency="D"), "its state is of the kind"),
        (lambda about: about["model"].update(bounds=[[5, 1]]), r"bounds are \(5, 1\)"),
        (lambda about: about["model"].update(bounds=[]), "its targets, powers and bounds are not"),
        (lambda about: about["model"].update(powers=[1, 1]), "its targets, powers and bounds are"),
        (lambda about: about["model"].update(bounds=5), ""),
        (lambda about: about["model"].pop("bounds"), "it lacks 'bounds'"),
        (lambda about: about["model"].update(horizon="4"), "its horizon cannot be '4'"),
        (lambda about: about["model"].update(horizon=0), "its horizon is 0; it is at least 1"),
        (lambda about: about["model"].update(context=True), "its context cannot be True"),
        (lambda about: about["model"].update(lags=[0, 7]), r"its lags \[0, 7\] are not all at"),
        (lambda about: about["model"].update(lags=[2.5, 7]), r"its lags cannot be \(2.5, 7\)"),
        (lambda about: about["model"].update(powers=[3.0]), r"its powers \[3.0\] are not those"),
        (lambda about: about["model"].update(holidays=5), "its holidays cannot be 5"),
        (lambda about: about["model"]["schema"].update(time=None), "its time cannot be None"),
        (lambda about: about["model"]["schema"].update(layout="flat"), "its layout cannot be"),
        (lambda about: about["model"]["schema"].update(time_dtype="bytes9"), "bytes9"),
        (lambda about: about["model"]["schema"].update(id_dtype="float64"), "could not convert"),
    ],
)
def test_a_config_that_does_not_fit_the_rest_is_refused(saved, change, message, archive):
    archive.change(saved, CONFIG, change)

    with pytest.raises(ArtifactError, match=f"model.forecast: .*{message}.*; train again"):
        forecast.load(saved)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda held: held.pop("ids"), "it lacks 'ids'"),
        (lambda held: held.pop("fingerprint"), "it lacks 'fingerprint'"),
        (lambda held: held.pop("network"), "it lacks 'network'"),
        (lambda held: held.pop("frequency"), "it lacks 'frequency'"),
        (lambda held: held.pop("digest"), "it lacks 'digest'"),
        (lambda held: held.update(ids=["a"]), "the arrays of its state do not fit"),
        (lambda held: held.update(ids=5), ""),
        (lambda held: held.update(network="gru"), "it is of an unknown network 'gru'"),
        (lambda held: held.update(frequency="fortnight"), "fortnight"),
        (lambda held: held.update(fingerprint="0" * 32), "its state is not as it was written"),
        (lambda held: held.update(frequency="D"), "its state is not as it was written"),
        (lambda held: held.update(ids=["b", "a"]), "its state is not as it was written"),
    ],
)
def test_what_is_said_of_the_state_and_does_not_fit_the_rest_is_refused(
    saved, archive, change, message
):
    archive.change(saved, HELD, change)

    with pytest.raises(ArtifactError, match=f"model.forecast: .*{message}.*; train again"):
        forecast.load(saved)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fingerprint": "0" * 32}, "its parts do not belong together"),
        ({"frequency": "D"}, r"its state is of the kind \('lstm', 'D'\) where \('lstm', '1'\)"),
        ({"ids": ["a", "a"]}, "its ids are not all different"),
    ],
)
def test_a_whole_state_that_is_not_that_of_the_model_is_refused(saved, archive, change, message):
    archive.change(saved, HELD, lambda held: held.update(change), sealed=True)

    with pytest.raises(ArtifactError, match=f"model.forecast: {message}.*; train again"):
        forecast.load(saved)


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record.pop("plan"),
        lambda record: record.update(rounds=[]),
        lambda record: record.update(rounds=5),
        lambda record: record["rounds"][0].update(seconds=None),
        lambda record: record.update(ended="later"),
        lambda record: record.update(kept=float("inf")),
        lambda record: record.update(rows="60"),
        lambda record: record.update(turns=[0]),
        lambda record: record.update(coverage=0.8),
        lambda record: record.update(coverage={"80": [79.0]}),
        lambda record: record.update(also={"came": 5}),
        lambda record: record.update(exposure={"one_step": 1.0, "rollout": [1.0]}),
        lambda record: record["plan"].update(holdout="no"),
        lambda record: record.update(notes=[5]),
    ],
)
def test_a_training_record_that_is_none_is_refused(model, make_record, tmp_path, archive, change):
    path = tmp_path / "model.forecast"
    replace(model, record=make_record()).save(path)
    assert forecast.load(path).record == make_record()

    archive.change(path, TRAINING, change)

    with pytest.raises(ArtifactError, match=r"its training record is damaged; train again$"):
        forecast.load(path)


def put(name, value):
    return lambda arrays: arrays.__setitem__(name, value)


def poke(name, value):
    return lambda arrays: arrays[name].__setitem__((0,) * arrays[name].ndim, value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays: arrays.clear(), "it has weights for fewer than 1 layers"),
        (lambda arrays: arrays.pop("head.bias"), "the arrays of its weights do not fit"),
        (lambda arrays: arrays.pop("decoder_0.kernel"), "the arrays of its weights do not fit"),
        (lambda arrays: arrays.pop("decoder_0.recurrent"), "the arrays of its weights do not fit"),
        (put("lstm_1.bias", np.zeros(8, np.float32)), "the arrays of its weights do not fit"),
        (put("head.bias", np.zeros(4, np.float32)), "the arrays of its weights do not fit"),
        (
            put("decoder_0.recurrent", np.array(1, np.float32)),
            "the arrays of its weights do not fit",
        ),
        (put("head.bias", np.zeros(3)), "its weights head.bias cannot be float64"),
        (put("head.bias", np.zeros(3, np.int32)), "its weights head.bias cannot be int32"),
        (put("head.bias", np.zeros(3, np.float16)), "its weights head.bias cannot be float16"),
        (poke("head.bias", np.nan), "its weights head.bias holds numbers that are not finite"),
        (poke("decoder_0.kernel", np.inf), "its weights decoder_0.kernel holds numbers"),
    ],
)
def test_weights_that_are_not_those_of_the_config_are_refused(saved, change, message, archive):
    archive.change(saved, WEIGHTS, change)

    with pytest.raises(ArtifactError, match=f"model.forecast: .*{message}.*; train again"):
        forecast.load(saved)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays: arrays.pop("time"), "the arrays of its state do not fit"),
        (put("more", np.zeros(2)), "the arrays of its state do not fit"),
        (put("value", np.zeros((3, 1), np.float32)), "the arrays of its state do not fit"),
        (put("recent", np.zeros((2, 5, 1), np.float32)), "the arrays of its state do not fit"),
        (put("network.cell_0", np.zeros((2, 3), np.float32)), "the arrays of its state do not fit"),
        (put("time", np.zeros(2)), "its state time cannot be float64"),
        (put("time", np.zeros(2, np.int32)), "its state time cannot be int32"),
        (put("value", np.zeros((2, 1))), "its state value cannot be float64"),
        (put("scale", np.ones((2, 1), np.float32)), "its state scale cannot be float32"),
        (put("network.hidden_0", np.zeros((2, 2))), "its state network.hidden_0 cannot be float64"),
        (poke("scale", 0.0), "impossible scales"),
        (poke("scale", -1.0), "impossible scales"),
        (poke("scale", np.nan), "its state scale holds numbers that are not finite"),
        (poke("location", np.inf), "its state location holds numbers that are not finite"),
        (poke("network.hidden_0", np.nan), "its state network.hidden_0 holds numbers"),
        (poke("value", np.inf), "its state value holds numbers"),
        (poke("recent", -np.inf), "its state recent holds numbers"),
        (put("high", np.zeros((2, 2))), "the arrays of its state do not fit"),
        (poke("low", -np.inf), "its state low holds numbers that are not finite"),
        (poke("high", np.nan), "its state high holds numbers that are not finite"),
    ],
)
def test_a_state_that_is_not_that_of_the_model_is_refused(saved, archive, change, message):
    archive.change(saved, STATE, change, sealed=True)

    with pytest.raises(ArtifactError, match=f"model.forecast: .*{message}.*; train again"):
        forecast.load(saved)


def test_weights_of_another_model_of_the_same_shapes_are_refused(saved, archive):
    archive.change(saved, WEIGHTS, poke("head.bias", 0.125))

    with pytest.raises(ArtifactError, match=r"its parts do not belong together; train again"):
        forecast.load(saved)


@pytest.mark.parametrize("name", ["value", "recent", "low", "location", "network.cell_0"])
def test_a_number_of_the_state_that_was_changed_later_is_noticed(saved, archive, name):
    archive.change(saved, STATE, poke(name, 0.125))

    with pytest.raises(ArtifactError) as error:
        forecast.load(saved)

    assert str(error.value) == f"{saved}: its state is not as it was written; train again"


def test_a_missing_last_value_or_lag_is_no_damage(saved, archive):
    archive.change(saved, STATE, poke("value", np.nan), sealed=True)
    archive.change(saved, STATE, poke("recent", np.nan), sealed=True)

    assert np.isnan(forecast.load(saved).state.value[0, 0])


# The old file survives


@pytest.fixture
def other(make_model, make_random_panel):
    """A model to be written over the saved one."""
    return make_model(make_random_panel([7]), seed=1)


def full_disk(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def interrupt(*_):
    raise KeyboardInterrupt


@pytest.mark.parametrize("place", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(monkeypatch, model, saved, other, place):
    monkeypatch.setattr(*{"fsync": (os, "fsync"), "replace": (Path, "replace")}[place], full_disk)

    with pytest.raises(ArtifactError) as error:
        other.save(saved)

    assert str(error.value) == (
        f"{saved}: cannot be written: No space left on device; nothing was changed, "
        "make room or write elsewhere with --model"
    )
    assert_same_model(model, forecast.load(saved))
    assert [path.name for path in saved.parent.iterdir()] == ["model.forecast"]


@pytest.mark.parametrize("place", ["fsync", "replace"])
def test_an_interrupt_before_the_move_leaves_the_old_file(monkeypatch, model, saved, other, place):
    monkeypatch.setattr(*{"fsync": (os, "fsync"), "replace": (Path, "replace")}[place], interrupt)

    with pytest.raises(KeyboardInterrupt):
        other.save(saved)

    assert_same_model(model, forecast.load(saved))
    assert [path.name for path in saved.parent.iterdir()] == ["model.forecast"]


def test_at_the_moment_of_the_move_the_new_file_is_whole(monkeypatch, model, saved, other):
    seen, move = {}, Path.replace

    def look(temporary, target):
        seen["new"], seen["old"] = forecast.load(temporary), forecast.load(target)
        move(temporary, target)

    monkeypatch.setattr(Path, "replace", look)
    other.save(saved)

    assert_same_model(other, seen["new"])
    assert_same_model(model, seen["old"])
    assert_same_model(other, forecast.load(saved))


def test_a_folder_that_is_not_there_is_named(model, tmp_path):
    path = tmp_path / "nowhere" / "model.forecast"

    with pytest.raises(
        ArtifactError, match=f"{path}: cannot be written: No such file or directory"
    ):
        model.save(path)


def test_a_folder_in_the_place_of_the_file_is_left_alone(model, tmp_path):
    path = tmp_path / "model.forecast"
    path.mkdir()

    with pytest.raises(ArtifactError, match=f"{path}: cannot be written: Is a directory"):
        model.save(path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link_and_its_file_is_replaced(saved, other):
    link = saved.with_name("latest.forecast")
    link.symlink_to(saved)

    other.save(link)

    assert link.readlink() == saved
    assert_same_model(other, forecast.load(saved))


def test_a_pipe_is_written_to_and_not_replaced(saved, model, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)

    model.save(pipe)

    assert os.read(end, 1 << 16) == saved.read_bytes()
    assert pipe.is_fifo()
    os.close(end)


def test_the_file_has_the_permissions_that_new_files_have_here(saved, tmp_path):
    plain = tmp_path / "plain"
    plain.write_bytes(b"")

    assert saved.stat().st_mode == plain.stat().st_mode
