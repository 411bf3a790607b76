"""`forecast tune`: words on standard error, the trials as a table, a picture and JSON."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

import forecast
from forecast import Forecaster
from forecast.cli import main

EAGER = """
from forecast.cli import main
from forecast.training.keras_model import TrainableNetwork
compile = TrainableNetwork.compile  # tracing a graph would take far longer than few steps
TrainableNetwork.compile = lambda self, **options: compile(self, **options, run_eagerly=True)
main()
"""
UNITS = ["--try", "units=2,3,5"]


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch, sales):
    monkeypatch.chdir(tmp_path)
    sales.to_csv("sales.csv", index=False)


def run(*words, status=0):
    arguments = ["tune", *map(str, words)]
    result = CliRunner().invoke(main, arguments, prog_name="forecast")
    assert result.exit_code == status, result.output
    return result


def refused(*words, status=2):
    """The only line on standard error of a command that is refused."""
    result = run(*words, status=status)
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert result.stderr.splitlines()[-1] == line
    assert not Path("model.forecast").exists()
    return line


@pytest.mark.usefixtures("untrained")
def test_it_says_what_was_tried_and_chosen_and_writes_the_model(sales):
    result = run("sales.csv", *UNITS, "--seed", 1)

    lines = result.stderr.splitlines()
    assert result.stdout == ""
    assert lines[0] == "Read sales.csv: 2 series, 120 rows."
    assert lines[3] == (
        "Tuning: up to 30 trials of at most 39 s, 20m in all; Ctrl-C ends the trials and trains "
        "with the best options so far."
    )
    assert re.fullmatch(
        r"  Trial 1 of 30: MASE \S+ in \d+ s \(default options, units=32\)", lines[4]
    )
    assert all(line.startswith(f"  Trial {k} of 30: MASE ") for k, line in enumerate(lines[4:8], 1))
    assert "of 4 trials: all combinations there are" in lines[8]
    assert any(
        line.startswith("On the last 7 steps, by which nothing was chosen") for line in lines
    )
    assert lines[-1] == "Wrote model.forecast. Forecast with: forecast predict --horizon 7"
    tuned = Forecaster(seed=1).tune(sales, space={"units": [2, 3, 5]})
    found, expected = (model.predict(3) for model in (forecast.load("model.forecast"), tuned))
    assert found["forecast"].tolist() == expected["forecast"].tolist()


@pytest.mark.usefixtures("untrained")
def test_the_trials_are_written_as_a_table_and_drawn():
    result = run("sales.csv", *UNITS, "--out", "trials.csv", "--plot", "tuning.svg")

    table = pd.read_csv("trials.csv")
    assert table.columns.tolist() == [
        *("trial", "state", "error", "best", "seconds", "units", "problem"),
    ]
    assert table["trial"].tolist() == [1, 2, 3, 4]
    assert sorted(table["units"]) == [2, 3, 5, 32]
    assert "Wrote trials.csv: 4 rows." in result.stderr
    assert "Drew tuning.svg." in result.stderr
    assert Path("tuning.svg").read_text().startswith("<?xml")


@pytest.mark.usefixtures("untrained")
def test_json_has_all_trials():
    values = json.loads(run("sales.csv", *UNITS, "--json", "--quiet").stdout)

    best = min(values["trials"], key=lambda trial: trial["error"])
    assert values["best"] == best["number"]
    assert len(values["trials"]) == 4
    assert values["ended"] == "combinations"


@pytest.mark.usefixtures("untrained")
def test_quiet_says_nothing():
    result = run("sales.csv", *UNITS, "--quiet")

    assert (result.stdout, result.stderr) == ("", "")


@pytest.mark.usefixtures("untrained")
def test_it_goes_on_with_the_trials_of_a_file():
    words = ["sales.csv", "--try", "learning_rate=1e-3..1e-2", "--storage", "sales.journal"]

    first = run(*words, "--trials", 2)
    more = run(*words, "--trials", 3)

    def trials(result):
        return re.findall(r"Trial (\d) of", result.stderr)

    assert (trials(first), trials(more)) == (["1", "2"], ["3"])
    line = refused_again(*words, "--seed", 5)
    assert "sales.journal: its trials are of another seed" in line


def refused_again(*words):
    """The last line of a command that is refused where a model is there already."""
    return run(*words, status=1).stderr.splitlines()[-1]


@pytest.mark.usefixtures("untrained")
def test_values_are_read_as_the_option_has_them():
    words = ["--try", "learning-rate=0.001, 0.01", "--try", "units=2..4", "--try", "residual=no"]

    values = json.loads(
        run("sales.csv", *words, "--try", "transform=log,none", "--trials", 4, "--json").stdout
    )

    assert [*values["trials"][0]["options"]] == [
        *("learning_rate", "units", "residual", "transform"),
    ]
    for trial in values["trials"][1:]:
        options = trial["options"]
        assert options["learning_rate"] in (0.001, 0.01)
        assert options["units"] in (2, 3, 4)
        assert options["residual"] is False
        assert options["transform"] in ("log", "none")


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--try", "unit=1,2"], "'unit' is not an option of the training; there are holidays"),
        (["--try", "units"], "'units' names nothing to try; write units=32,64"),
        (["--try", "units="], "'units=' names nothing to try"),
        (["--try", "units=32,many"], "'units=32,many': 'many' is not a whole number"),
        (["--try", "units=32,"], "'units=32,': '' is not a whole number"),
        (["--try", "residual=perhaps"], "'perhaps' is not yes or no"),
        (["--try", "learning_rate=1e-2..1e-3"], "is an empty range"),
        (["--try", "learning_rate=1e-2.."], "'' is not a number"),
        (["--try", "network=lstm,gru"], "network is 'gru'; it must be one of"),
        (["--try", "network=a..b"], "network is not a number, so there is no range of it"),
        (["--try", "seed=1,2"], "seed must be the same in all trials"),
        (["--try", "units=2", "--try", "units=3"], "--try units is given twice"),
        (["--units", "8", *UNITS], "units is set to 8, and is to be tried too"),
        (["--budget", "1m"], "1.94 s for each of 30 trials"),
        (["--budget", "soon"], "budget is 'soon'"),
        (["--steps", "0"], "steps is 0: the pretrained network"),
        (["--out", "-"], "--out cannot be standard output; print the trials with --json"),
        (["--plot", "tuning.txt"], "a picture's name must end in .png"),
        (["--storage", "sales.csv"], "--storage sales.csv would overwrite the table itself"),
        (["--model", "pretrained"], "--model pretrained is the network"),
    ],
)
def test_wrong_usage_is_refused_in_one_line(words, message):
    assert message in refused("sales.csv", *words)


@pytest.mark.usefixtures("untrained")
def test_a_table_or_a_file_that_cannot_be_used_is_refused_in_one_line(sales, monkeypatch):
    sales.groupby("store").head(14).to_csv("short.csv", index=False)
    Path("other.csv").write_text("a,b\n1,2\n")

    assert "ask for fewer --cutoffs" in refused("short.csv", status=1)
    assert "other.csv: is not a file of forecast tune" in refused(
        "sales.csv", "--storage", "other.csv", status=1
    )
    assert "there is no folder" in refused("sales.csv", "--storage", "no/a.journal", status=1)
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert "pip install 'forecast-rollout[tune]'" in refused("sales.csv", status=1)


BAR = """
import os
from forecast.cli.output import Say
from forecast.cli.progress import progress_and_words
from forecast.training.progress import Progress
with progress_and_words(Say(False)) as (progress, say):
    os.write(2, b"noise of a library")
    for step in (10, 20):
        progress(Progress(step, 40, 1.0, 0.5, 0.25))
        say(f"[trial {step}]")
"""


@pytest.mark.slow
def test_lines_stand_above_the_bar_of_a_terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    ours, theirs = os.openpty()

    subprocess.run([sys.executable, "-c", BAR], stderr=theirs, check=True)

    text = os.read(ours, 100_000).decode()
    os.close(ours)
    os.close(theirs)
    lines = re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text))
    assert {"[trial 10]", "[trial 20]"} <= {*lines}
    assert any(line.startswith("step 20 of 40, loss 0.25") for line in lines)
    assert "noise" not in text


@pytest.mark.slow
def test_ctrl_c_ends_the_trials_and_trains_with_the_best_one():
    """In a process of its own, where the libraries' lines are kept off standard error too."""
    words = ["sales.csv", "--trials", "100", "--steps", "4", "--feedback", "teacher"]
    words += ["--try", "units=2..40", "--storage", "a.journal", "--out", "trials.csv"]
    program, lines = [sys.executable, "-c", EAGER, "tune", *words], []

    with subprocess.Popen(program, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            lines.append(line.rstrip())
            if line.startswith("  Trial 2 of"):
                process.send_signal(signal.SIGINT)
    lines = lines[lines.index("Read sales.csv: 2 series, 120 rows.") :]  # those of the command

    assert process.returncode == 0, lines
    assert any("before it was interrupted" in line for line in lines)
    assert lines[-1].startswith("Wrote model.forecast.")
    own = ("Read", "  ", "Tuning", "The ", "On the ", "Wrote", "Training", "Trained", "Empirical")
    assert all(line.startswith(own) for line in lines), lines
    assert 2 <= len(pd.read_csv("trials.csv")) < 100
    assert Path("model.forecast").exists()
