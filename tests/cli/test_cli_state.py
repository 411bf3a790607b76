"""State on the command line: files of it, stops, and bounds."""

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from forecast import Model, State, below
from forecast.cli import main
from forecast.inference.encoding import encode
from forecast.inference.members import Core


def run(*arguments, status=0):
    result = CliRunner().invoke(main, [str(part) for part in arguments])
    assert result.exit_code == status, result.output
    return result


def error_of(*arguments, status=1):
    """The one line that a refused command prints."""
    stderr = run(*arguments, status=status).stderr
    if status == 1:
        assert stderr.count("\n") == 1
    return stderr.splitlines()[-1]


@pytest.fixture
def model(make_model, make_random_panel, tmp_path, monkeypatch):
    """A model in the current folder; two series that end on 2024-03-26 and three days before."""
    monkeypatch.chdir(tmp_path)
    panel = make_random_panel([12, 9], frequency="D", first=19_797)
    model = make_model(panel, 2, head="student_t", lags=(2, 3), size=1.2)
    model.save("model.forecast")
    return model


def table_of(result):
    return pd.read_csv(io.StringIO(result.stdout), parse_dates=["day"])


def test_a_forecast_goes_on_from_the_state_that_the_one_before_has_kept(model):
    first = run("predict", "-n", 3, "--keep-state", "later.state")
    rest = run("predict", "-n", 2, "--state", "later.state")

    assert "with: forecast predict --state later.state --horizon 3\n" in first.stderr
    assert State.load("later.state") == model.rollout(3).state
    whole = model.predict(5)
    parts = pd.concat([table_of(first), table_of(rest)]).sort_values(["store", "day"])
    assert parts["day"].tolist() == whole["day"].tolist()
    np.testing.assert_allclose(parts["forecast"], whole["forecast"], rtol=1e-5)


def test_a_state_can_be_continued_in_place(model):
    run("predict", "-n", 3, "--keep-state", "later.state", "--quiet")
    run("predict", "-n", 2, "--state", "later.state", "--keep-state", "later.state", "--quiet")

    assert State.load("later.state").time.tolist() == model.rollout(5).state.time.tolist()


def test_some_series_of_a_state_are_chosen(model):
    run("predict", "-n", 3, "--keep-state", "later.state")

    table = table_of(run("predict", "-n", 2, "--state", "later.state", "--series", "b"))

    assert table["store"].tolist() == ["b", "b"]
    assert len(model.state.ids) == 2


def test_a_condition_ends_the_series_one_by_one(model):
    limit = model.predict(6)["forecast"].median()

    table = table_of(run("predict", "-n", 6, "--until", f"value<{limit}"))

    expected = model.predict(6, until=below(limit))
    assert table["day"].tolist() == expected["day"].tolist()
    assert len(table) < 12


def test_a_condition_needs_the_most_steps(model):
    assert "Missing option '--horizon'" in error_of("predict", "--until", "value<1", status=2)
    assert model.state.ids.tolist() == ["a", "b"]


@pytest.mark.usefixtures("model")
def test_a_condition_that_is_not_understood_is_refused_with_examples():
    line = error_of("predict", "-n", 3, "--until", "cold", status=2)

    assert "the condition 'cold' is not understood; write \"value<20\"" in line


def test_bounds_hold_and_one_side_can_be_left_open(model):
    low, high = model.predict(9)["forecast"].quantile([0.4, 0.6])

    both = table_of(run("predict", "-n", 9, "--bounds", f"{low},{high}"))["forecast"]
    one = table_of(run("predict", "-n", 9, "--bounds", f",{high}"))["forecast"]

    np.testing.assert_allclose([both.min(), both.max()], [low, high], rtol=1e-6)
    assert one.min() < low
    np.testing.assert_allclose(one.max(), high, rtol=1e-6)


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ("low", "'low' is neither one of none, non_negative nor a pair such as 0,100"),
        ("1,2,3", "nor a pair such as 0,100"),
        ("a,1", "nor a pair such as 0,100"),
        ("5,1", "bounds are (5.0, 1.0); give"),
    ],
)
def test_what_are_no_bounds_is_refused(bounds, message):
    assert message in error_of("predict", "-n", 3, "--bounds", bounds, status=2)


@pytest.mark.usefixtures("model")
def test_a_forecast_far_beyond_the_data_is_told_on_standard_error(make_model, make_panel):
    panel = make_panel([1.0, 2.0, 3.0])
    wild = make_model(panel)
    wild.weights["head.bias"][:] = 40.0
    state = encode(panel, wild.config, wild.step, Core(wild.config, wild.weights).fingerprint)
    replace(wild, state=state).save("wild.forecast")

    result = run("predict", "-n", 2, "-m", "wild.forecast")

    assert result.stderr.startswith("  the forecast of series 'a' goes far beyond its data from")
    assert len(result.stdout.splitlines()) == 3


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["new.csv", "--state", "x.state"], 2, "give a TABLE or a --state to continue, not both"),
        (["--state", "x.state"], 1, "there is no state file x.state; keep one with: forecast"),
        (["--state", "new.csv"], 1, "new.csv: not a state file of forecast, or a damaged one"),
        (["--keep-state", "model.forecast"], 2, "would overwrite the model; name another file"),
        (["new.csv", "--keep-state", "new.csv"], 2, "would overwrite the table itself"),
        (["--keep-state", "no/x.state"], 1, "cannot write no/x.state: there is no folder"),
    ],
)
def test_states_that_cannot_be_read_or_kept_are_refused(arguments, status, message, tmp_path):
    (tmp_path / "new.csv").write_text("store,day,sold\na,2024-03-27,5\n")
    before = (tmp_path / "model.forecast").read_bytes()

    line = error_of("predict", "-n", 2, "--out", "out.csv", *arguments, status=status)

    assert message in line
    assert (tmp_path / "model.forecast").read_bytes() == before


def test_a_state_of_another_model_is_refused(model, make_model, make_random_panel):
    make_model(make_random_panel([12], frequency="D"), 7).state.save("foreign.state")

    line = error_of("predict", "-n", 2, "--state", "foreign.state", status=2)

    assert "the state belongs to model" in line
    assert f"this is model {model.state.fingerprint[:8]}" in line


def test_inspecting_a_state_shows_each_series_and_where_it_ends(model):
    shown = run("inspect", "--state").stdout.splitlines()

    low, high = model.state.extent.low[0, 0], model.state.extent.high[0, 0]
    assert shown[0].startswith("model.forecast: the state of 2 series, ")
    assert shown[1] == f"  a: until 2024-03-26, values from {low:g} to {high:g}"
    assert shown[2].startswith("  b: until 2024-03-23, values from ")
    assert len(shown) == 3


def test_inspecting_a_state_of_many_series_shows_the_first_and_json_all(
    make_model, make_random_panel, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    make_model(make_random_panel([3] * 25)).state.save("many.state")

    shown = run("inspect", "many.state", "--state").stdout.splitlines()
    everything = json.loads(run("inspect", "many.state", "--state", "--json").stdout)

    assert len(shown) == 22
    assert shown[-1] == "  and 5 more; --json shows all"
    assert len(everything["series"]) == 25
    assert everything["series"][0].keys() == {"id", "last_time", "low", "high"}


@pytest.mark.usefixtures("untrained")
def test_training_takes_bounds_and_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    days = pd.date_range("2024-01-01", periods=40, freq="D")
    pd.DataFrame({"ds": days, "y": np.arange(40) % 7 - 1.5}).to_csv("sales.csv", index=False)

    result = run("train", "sales.csv", "--steps", 1, "--units", 2, "--bounds", "-10,10")

    assert "  forecasts are limited to -10 to 10; set other limits with --bounds" in result.stderr
    assert Model.load("model.forecast").config.bounds == ((-10.0, 10.0),)


def test_it_says_how_many_series_ended_before_the_horizon(model):
    limit = model.predict(6)["forecast"].median()
    ends = model.rollout(6, until=below(limit)).state.time - model.state.time
    early = int((ends < 6 * model.state.frequency.step).sum())

    result = run("predict", "-n", 6, "--until", f"value<{limit}")

    assert early
    assert f"ended before 6 steps: {early} of 2 series" in result.stderr


def test_the_command_to_continue_with_can_be_pasted(model):
    model.save("my shop")

    result = run("predict", "-n", 2, "-m", "my shop", "--keep-state", "it's.state")

    continued = "forecast predict --state 'it'\"'\"'s.state' --horizon 2 --model 'my shop'\n"
    assert continued in result.stderr


@pytest.mark.usefixtures("model")
def test_a_table_that_is_short_of_a_context_is_told_to_be():
    rows = [f"a,2024-04-0{day},5" for day in range(1, 5)]
    Path("new.csv").write_text("\n".join(["store,day,sold", *rows]))

    result = run("predict", "new.csv", "-n", 2)

    assert "new.csv has fewer rows of 1 series than the 8 that" in result.stderr
    assert "use forecast update" in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--out", "model.forecast"], "--out model.forecast would overwrite the model"),
        (["--plot", "a.png", "--out", "a.png"], "--plot a.png would overwrite what --out writes"),
        (["--out", "x", "--keep-state", "x"], "--keep-state x would overwrite what --out writes"),
        (
            ["--state", "held.state", "--out", "held.state"],
            "--out held.state would overwrite the state itself",
        ),
        (["--keep-state", "notes.txt"], "notes.txt would overwrite a file that is not a state"),
    ],
)
def test_no_file_is_overwritten_by_another_kind_of_content(model, options, message):
    model.state.save("held.state")
    Path("notes.txt").write_text("mine")

    line = error_of("predict", "-n", 1, *options, status=2)

    assert message in line
    assert State.load("held.state") == model.state
    assert Path("notes.txt").read_text() == "mine"


@pytest.mark.usefixtures("model")
def test_every_place_is_looked_at_before_anything_is_written(tmp_path):
    line = error_of("predict", "-n", 1, "--out", "t.csv", "--keep-state", "nowhere/x.state")

    assert "cannot write nowhere/x.state: there is no folder" in line
    assert not (tmp_path / "t.csv").exists()


def test_a_file_with_a_state_alone_is_told_from_a_damaged_model(model):
    model.state.save("held.state")

    assert "held.state: a state, not a model; show it with" in error_of("inspect", "held.state")


@pytest.mark.usefixtures("model")
def test_bounds_that_leave_all_data_out_are_told():
    result = run("predict", "-n", 1, "--bounds", "1000,2000")

    assert "the bounds, from 1000 to 2000, leave out all data of series 'a'" in result.stderr
