"""`forecast export`: what it writes, and what it says."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from safetensors.numpy import load_file

from forecast.cli import main
from forecast.data.to_panel import to_panel
from forecast.datasets import load


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(*words):
    return CliRunner().invoke(main, ["export", *words], prog_name="forecast")


@pytest.fixture
def air(make_model, tmp_path):
    """A file of a table, and a model that has seen its first ten years."""
    table = load("air_passengers")
    table.to_csv(tmp_path / "air.csv", index=False)
    model = make_model(to_panel(table[:120]), cycles=("year",), lags=(12,))
    model.save(tmp_path / "model.forecast")
    return table, model


def test_a_model_is_written_as_graphs_with_the_states_of_its_series(air, tmp_path):
    _, model = air

    result = run("--out", "graphs/")

    assert result.exit_code == 0, result.output
    assert result.stderr.splitlines() == [
        "Wrote graphs/: rollout.onnx, observe.onnx, encode.onnx, model.json, and the states of "
        "1 series."
    ]
    time = load_file(tmp_path / "graphs/state.safetensors")["time"]
    assert time.tolist() == model.state.time.tolist()


def test_with_a_table_the_states_are_those_after_its_rows(air, tmp_path):
    table, model = air

    assert run("model.forecast", "air.csv", "--out", "graphs").exit_code == 0

    expected = model.encode(table).arrays()
    for name, array in load_file(tmp_path / "graphs/state.safetensors").items():
        np.testing.assert_array_equal(array, expected[name])


@pytest.mark.usefixtures("air")
def test_the_pretrained_network_is_exported_for_a_table(tmp_path):
    result = run("pretrained", "air.csv", "--time", "ds", "--out", "graphs")

    assert result.exit_code == 0, result.output
    assert result.stderr.startswith("No training: the pretrained network and the theta method")
    about = json.loads((tmp_path / "graphs/model.json").read_text())
    assert [member["kind"] for member in about["members"]] == ["network", "theta"]


@pytest.mark.usefixtures("air")
def test_what_cannot_be_done_takes_one_line():
    for words, message in (
        (["missing.forecast", "--out", "graphs"], "there is no model file missing.forecast; make"),
        (["pretrained", "--out", "graphs"], "the pretrained network knows no series of its own"),
        (
            ["--out", "air.csv"],
            "air.csv: cannot be written: Not a directory; nothing was changed",
        ),
    ):
        result = run(*words)
        assert result.exit_code in (1, 2)
        assert result.stderr.startswith(f"Error: {message}")
        assert len(result.stderr.splitlines()) == 1
