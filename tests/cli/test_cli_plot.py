"""`forecast plot`, and --plot of train: pictures in files, charts of text on standard output."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import forecast
from forecast.cli import main
from forecast.data.to_panel import to_panel
from forecast.inference.conformal import Calibration
from forecast.training.progress import Progress

ROUNDS = tuple(Progress(step, 20, 1.0, 1 / step, 2 / step) for step in (5, 10, 20))


@pytest.fixture(autouse=True)
def saved(sales, make_model, make_record, tmp_path, monkeypatch):
    """A folder with two stores, and models of random weights that know their first days."""
    monkeypatch.chdir(tmp_path)
    sales.to_csv("sales.csv", index=False)
    panel = to_panel(sales.groupby("store").head(40))
    scores = np.linspace(0.1, 2, 200).reshape(1, 200, 1).repeat(8, axis=0)
    model = make_model(panel, lags=(7,), cycles=("week",), horizon=8)
    record = make_record(
        rounds=ROUNDS, kept_step=10, phase_starts=(0, 15), last=int(panel.ordinals.max())
    )
    calibration = Calibration(scores.astype(np.float32))
    replace(model, calibration=calibration, record=record).save("model.forecast")
    make_model(panel, network="attention", horizon=4).save("attention.forecast")


def run(*words, **options):
    return CliRunner().invoke(main, list(map(str, words)), prog_name="forecast", **options)


def run_well(*words, **options):
    result = run(*words, **options)
    assert result.exit_code == 0, result.output
    return result


def error_of(*words, status):
    result = run(*words)
    assert (result.exit_code, result.stdout) == (status, "")
    return result.stderr.splitlines()[-1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["forecast"], "svg"),
        (["forecast"], "pdf"),
        (["forecast", "sales.csv", "-n", 3, "--levels", "50,80", "--series", "south"], "png"),
        (["training"], "png"),
        (["attention", "--model", "attention.forecast", "--horizon", 2], "png"),
        (["forecasts", "sales.csv", "--horizon", 4, "--cutoffs", 3], "png"),
        (["errors", "sales.csv", "--horizon", 4, "--cutoffs", 3, "--stride", 2], "png"),
        (["calibration", "sales.csv", "--levels", "80"], "png"),
    ],
    ids=lambda given: given if isinstance(given, str) else given[0],
)
def test_every_picture_is_drawn_into_a_file(words, kind):
    result = run_well("plot", *words, "--out", f"p.{kind}")

    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[kind]
    assert Path(f"p.{kind}").read_bytes().startswith(start)
    assert result.stdout == ""
    assert result.stderr.splitlines()[-1] == f"Drew p.{kind}."


def test_without_a_place_a_forecast_is_a_chart_of_the_first_series():
    lines = run_well("plot", "forecast", "sales.csv", "--horizon", 5).stdout.splitlines()

    assert lines[0] == "sold: north, the first of 2 series"
    assert len(lines) == 15
    assert any("│" in line for line in lines)
    assert lines[-1].split() == ["2024-02-06", "2024-03-05"]  # 24 rows before, 5 steps after


def test_without_a_place_errors_and_training_are_charts_that_name_their_lines():
    errors = run_well("plot", "errors", "sales.csv", "--horizon", 4, "--cutoffs", 3).stdout
    training = run_well("plot", "training").stdout

    assert errors.startswith("MASE by step of the horizon\n")
    names = ["model", "naive", "seasonal naive", "drift", "naive2"]
    assert sum(line.endswith(tuple(names)) for line in errors.splitlines()) == len(names)
    assert errors.splitlines()[-1].split() == ["step", "1", "step", "4"]
    assert training.splitlines()[-1].split() == ["step", "5", "step", "20"]
    assert " validation" in training


@pytest.mark.parametrize("columns", [30, 60, 300])
def test_a_chart_is_as_wide_as_the_terminal_but_not_endless(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))

    lines = run_well("plot", "training").stdout.splitlines()

    assert max(map(len, lines)) <= min(columns, 100)
    assert len(lines[-2]) > min(columns, 100) // 3


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_dots_has_a_chart_of_ascii(encoding):
    program = [sys.executable, "-c", "from forecast.cli import main; main()"]
    environment = {**os.environ, "PYTHONIOENCODING": encoding}

    done = subprocess.run(
        [*program, "plot", "training"], env=environment, capture_output=True, check=True
    )

    assert done.stdout.isascii()
    assert b"+----" in done.stdout


def test_the_notes_of_a_backtest_are_printed_for_people(make_model, make_record, sales):
    model = make_model(to_panel(sales))
    record = make_record(last=int(model.state.time.max()))
    replace(model, record=record).save("model.forecast")
    words = ["errors", "sales.csv", "--horizon", 4, "--cutoffs", 2]

    assert "4 of 4 forecasts begin within the training data" in run_well("plot", *words).stderr
    assert run_well("plot", *words, "--quiet").stderr == ""


@pytest.mark.parametrize(
    ("words", "status", "line"),
    [
        (["pie"], 2, "'pie' is not one of 'forecast', 'training', 'attention', 'forecasts'"),
        (["errors"], 2, "the picture 'errors' needs a TABLE whose last rows are forecast"),
        (["training", "sales.csv"], 2, "TABLE has no effect on the picture 'training'; leave"),
        (["forecast", "--cutoffs", 2], 2, "--cutoffs has no effect on the picture 'forecast'"),
        (["errors", "sales.csv", "--future", "f.csv"], 2, "--future has no effect on the"),
        (["attention"], 2, "'attention' has no text chart; write a picture with --out"),
        (["forecasts", "sales.csv"], 2, "'forecasts' has no text chart; write a"),
        (["attention", "--out", "a.png"], 2, "the network 'lstm' has no attention; train with"),
        (["training", "--out", "a.gif"], 2, "a.gif: a picture's name must end in .png, .svg, .pdf"),
        (["training", "--out", "no/a.png"], 1, "cannot write no/a.png: there is no folder"),
        (["training", "--model", "attention.forecast"], 2, "the model has no training record"),
        (["training", "--model", "nowhere"], 1, "Error: there is no model file nowhere; make one"),
        (["forecast", "none.csv"], 1, "Error: none.csv: "),
        (
            ["forecast", "--series", "east"],
            1,
            "no series ['east']; the 2 series that are known begin",
        ),
        (["errors", "sales.csv", "--horizon", 90], 1, "10 cutoffs need a series of more"),
        (
            ["calibration", "sales.csv", "-m", "attention.forecast", "-o", "c.png"],
            2,
            "the backtest has no intervals",
        ),
    ],
)
def test_a_picture_that_cannot_be_drawn_says_why(words, status, line):
    assert line in error_of("plot", *words, status=status)


def test_a_picture_takes_the_place_of_nothing_that_it_is_made_from():
    Path("sales.png").write_text("a table with a strange name")

    line = error_of("plot", "forecast", "sales.png", "--out", "sales.png", status=2)

    assert line == "Error: --out sales.png would overwrite the table itself; name another file"


@pytest.mark.usefixtures("eager")
def test_training_draws_its_curves_and_its_record_knows_the_turns():
    tiny = ["--units", 2, "--steps", 4, "--feedback", "teacher,free", "--model", "new.forecast"]

    result = run_well("train", "sales.csv", *tiny, "--plot", "curves.svg")

    record = forecast.load("new.forecast").record
    assert result.stderr.splitlines()[-1] == "Drew curves.svg."
    assert b"<svg" in Path("curves.svg").read_bytes()
    assert record.phase_starts[0] == 0
    assert len(record.phase_starts) == len(record.phases)


@pytest.mark.parametrize(
    ("place", "status", "line"),
    [
        ("curves.gif", 2, "curves.gif: a picture's name must end in .png, .svg, .pdf"),
        ("no/curves.png", 1, "cannot write no/curves.png: there is no folder"),
        ("new.png", 2, "--plot new.png would overwrite what --model writes"),
    ],
)
def test_a_place_for_the_curves_is_looked_at_before_training(place, status, line):
    words = ["train", "sales.csv", "--model", "new.png", "--plot", place]

    assert line in error_of(*words, status=status)
    assert not Path("new.png").exists()
