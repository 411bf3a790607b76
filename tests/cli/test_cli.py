"""What a user of the command line sees: data on standard output, words on standard error."""

import gzip
import io
import itertools
import json
import os
import pty
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import forecast
from forecast.cli import main
from forecast.cli.output import print_json
from forecast.report.text_summary import summary
from forecast.training.progress import PlanChange

PROGRAM = [sys.executable, "-c", "from forecast.cli import main; main()"]
PRICED = ["--model", "priced.forecast"]
TEACHER = ["--feedback", "teacher"]  # whose graph is the smallest
TINY = ["--units", "4", "--steps", "6", "--seed", "1", *TEACHER]
AWKWARD = ["a,b", 'say "hi"', "line\nbreak", "Zürich", "😀", "<script>", "$x^2$", "-n", " pad "]


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(*words, stdin=None):
    return CliRunner().invoke(main, list(map(str, words)), input=stdin, prog_name="forecast")


def run_well(*words, stdin=None):
    result = run(*words, stdin=stdin)
    assert result.exit_code == 0, result.output
    return result


def table_of(result):
    return pd.read_csv(io.StringIO(result.stdout), float_precision="round_trip")


@pytest.fixture(scope="module")
def training(sales, tmp_path_factory):
    """One training on the command line: its folder, and what it has printed."""
    folder = tmp_path_factory.mktemp("training")
    sales.to_csv(folder / "sales.csv", index=False)
    place = ["--model", folder / "model.forecast"]
    words = ["train", folder / "sales.csv", "--head", "student_t", "--json", *TINY, *place]
    return folder, run_well(*words)


@pytest.fixture
def saved(training):
    """The table and the model of that training in the present folder."""
    for path in training[0].iterdir():
        shutil.copy(path, path.name)


# train


@pytest.mark.slow
def test_training_says_what_it_read_chose_and_reached_and_how_to_go_on(training):
    folder, result = training
    lines = [line for line in result.stderr.splitlines() if not line.startswith("  weights: ")]

    assert lines[0] == f"Read {folder}/sales.csv: 2 series, 120 rows."
    assert lines[1] == "  took 'day' as the time, 'store' as the id and 'sold' as the target"
    assert lines[2] == "  frequency: daily, inferred from the timestamps"
    assert lines[3] == "Training, for at most 5m; Ctrl-C ends it and keeps the best weights."
    trained = (
        r"Trained lstm \(1 layer of 4 LSTM units; teacher forcing\): 6 gradient steps in \d+ s\."
    )
    assert re.fullmatch(trained, lines[4])
    assert lines[5].startswith("  inputs: last value, lags [7, 14], calendar ['week']; transform: ")
    assert lines[6] == "  forecasts are limited to 0 or above; set other limits with --bounds"
    assert lines[7].startswith("On the held-out last 7 steps of 2 series, the model's MASE is ")
    coverage = (
        r"Empirical coverage on the held-out steps: \d+% \(nominal 80%\), \d+% \(nominal 95%\); "
    )
    assert re.match(coverage, lines[8])
    assert lines[9:] == [
        f"Wrote {folder}/model.forecast. Forecast with: forecast predict --horizon 7 "
        f"--model {folder}/model.forecast"
    ]


@pytest.mark.slow
def test_json_of_a_training_is_its_record_alone_on_standard_output(training):
    folder, result = training

    record = json.loads(result.stdout)

    assert record == forecast.load(folder / "model.forecast").record.to_json()
    assert (record["series"], record["rows"], record["ended"]) == (2, 120, "planned")
    assert record["rounds"][-1]["step"] == 6


def test_the_command_line_trains_the_model_that_python_trains(training, trained):
    ours = forecast.load(training[0] / "model.forecast")

    assert {name: part.tolist() for name, part in ours.weights.items()} == {
        name: part.tolist() for name, part in trained.model_.weights.items()
    }


@pytest.mark.usefixtures("eager")
def test_quiet_training_of_awkward_series_prints_nothing_and_forecasts_each_of_them():
    days = pd.date_range("2024-01-01", periods=30)
    level = np.arange(30) % 7 + 1.0
    table = pd.concat(pd.DataFrame({"id": i, "day": days, "y": level}) for i in AWKWARD)
    one_row = pd.DataFrame({"id": ["short"], "day": days[:1], "y": [3.0]})
    no_value = pd.DataFrame({"id": ["void"] * 2, "day": days[:2], "y": [None] * 2})
    pd.concat([table, one_row, no_value]).to_csv("t.csv", index=False)

    result = run_well("train", "t.csv", "--units", 1, "--steps", 1, "--quiet")
    future = table_of(run_well("predict", "--horizon", 2))

    assert result.output == ""
    assert set(future["id"]) == {*AWKWARD, "short"}
    assert len(future) == 2 * (len(AWKWARD) + 1)
    assert np.isfinite(future["forecast"]).all()
    for name in AWKWARD:
        alone = table_of(run_well("predict", "--horizon", 2, f"--series={name}"))
        expected = future.loc[future["id"] == name, "forecast"]
        assert alone["forecast"].to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-5)


@pytest.mark.slow
def test_a_constant_series_is_forecast_to_stay_as_it_is():
    days = pd.date_range("2024-01-01", periods=28)
    pd.DataFrame({"day": days, "y": -7.25}).to_csv("t.csv", index=False)

    told = run_well("train", "t.csv", "--steps", 150, *TEACHER).stderr.splitlines()
    future = table_of(run_well("predict", "--horizon", 14))

    assert told[-1] == "Wrote model.forecast. Forecast with: forecast predict --horizon 3"
    assert future["forecast"].to_numpy() == pytest.approx(np.full(14, -7.25), rel=0.03)


@pytest.mark.usefixtures("saved", "eager")
def test_training_that_diverges_writes_nothing_and_says_what_to_change():
    before = Path("model.forecast").read_bytes()

    result = run("train", "sales.csv", "--learning-rate", "1e38", "--quiet", *TINY)

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: training diverged: weights are beyond 1,000,000 or not")
    assert len(result.stderr.splitlines()) == 1
    assert Path("model.forecast").read_bytes() == before


@pytest.mark.slow
@pytest.mark.usefixtures("saved")
def test_an_interrupt_before_there_is_anything_to_keep_leaves_the_old_model(monkeypatch):
    from forecast.training.fit import Fitted

    before = Path("model.forecast").read_bytes()
    nothing = Fitted({}, (), ended="interrupted", kept_step=0, phases=("teacher",))
    monkeypatch.setattr("forecast.training.fit.fit", lambda *_: nothing)

    result = run("train", "sales.csv", "--quiet")

    assert result.exit_code == 1
    assert result.stderr == "Error: interrupted before it was finished\n"
    assert Path("model.forecast").read_bytes() == before


@pytest.mark.slow
@pytest.mark.usefixtures("saved")
def test_control_c_keeps_the_best_weights_and_a_terminal_shows_how_far_training_is():
    planned = 4_000
    words = ["train", "sales.csv", "--units", "2", "--batch-size", "2", "--steps", planned]

    with on_a_terminal(*words, *TEACHER) as (process, terminal):
        shown = read_until(terminal, b"loss")
        process.send_signal(signal.SIGINT)
        shown += read_to_the_end(terminal)
        status = process.wait(timeout=60)

    record = forecast.load("model.forecast").record
    assert status == 0, shown
    assert b"interrupted: the best weights so far are kept" in shown
    assert re.search(rb"step [\d,]+ of 4,000, loss \d", shown)
    assert b"Traceback" not in shown
    assert not re.search(rb"cuda|oneDNN|absl", shown)  # what TensorFlow says about itself
    assert record.ended == "interrupted"
    assert 0 < record.rounds[-1].step < planned


class on_a_terminal:  # noqa: N801 - reads like a function
    """Run the program with a terminal as its standard error."""

    def __init__(self, *words):
        self.words = [*PROGRAM, *map(str, words)]

    def __enter__(self):
        self.terminal, side = pty.openpty()
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TF_")}
        environment["TERM"] = "xterm"
        self.process = subprocess.Popen(
            self.words, stdout=subprocess.DEVNULL, stderr=side, env=environment
        )
        os.close(side)
        return self.process, self.terminal

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)


def read_until(terminal, word, seconds=120):
    seen, end = b"", time.monotonic() + seconds
    while word not in seen:
        assert time.monotonic() < end, seen
        if select.select([terminal], [], [], 1)[0]:
            seen += os.read(terminal, 65536)
    return seen


def read_to_the_end(terminal):
    seen = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # Linux's way to say that nobody writes any more
            return seen
        if not piece:
            return seen
        seen += piece


# predict


@pytest.mark.slow
@pytest.mark.usefixtures("saved")
def test_a_forecast_is_the_users_table_continued_on_standard_output_alone():
    result = run_well("predict", "--horizon", 2)

    lines = result.stdout.splitlines()
    assert result.stderr == ""
    assert lines[0] == "store,day,forecast"
    assert [line.rsplit(",", 1)[0] for line in lines[1:]] == [
        "north,2024-03-01",
        "north,2024-03-02",
        "south,2024-03-01",
        "south,2024-03-02",
    ]


@pytest.mark.slow
@pytest.mark.usefixtures("saved")
def test_a_forecast_is_that_of_python():
    ours = table_of(run_well("predict", "--horizon", 3))

    expected = forecast.load("model.forecast").predict(3)
    assert ours["forecast"].tolist() == expected["forecast"].tolist()


@pytest.mark.slow
@pytest.mark.usefixtures("saved")
def test_the_same_table_gives_the_same_forecast_in_every_way_it_can_come(sales):
    plain = Path("sales.csv").read_bytes()
    Path("packed.csv.gz").write_bytes(gzip.compress(plain))
    sales.to_parquet("sales.parquet")
    sales.to_csv("semicolons.csv", index=False, sep=";", decimal=",")
    sales.iloc[::-1].to_csv("backwards.csv", index=False)
    expected = run_well("predict", "--horizon", 3).stdout

    ways = ("sales.csv", "packed.csv.gz", "sales.parquet", "semicolons.csv", "backwards.csv")
    results = [run_well("predict", way, "--horizon", 3) for way in ways]
    results.append(run_well("predict", "-", "--horizon", 3, stdin=plain))

    assert [result.stdout for result in results] == [expected] * 6
    notes = [result.stderr for result in results]
    assert notes.pop(3) == "  numbers of 'sold': another decimal sign than in training\n"
    assert notes == [""] * 5


@pytest.mark.slow
@pytest.mark.usefixtures("saved")
def test_new_series_of_any_length_are_forecast_after_their_own_last_row(sales):
    new = sales[sales["store"] == "north"].assign(store="new")
    for rows in (1, 2, 10):
        new[:rows].to_csv("new.csv", index=False)

        future = table_of(run_well("predict", "new.csv", "--horizon", 1))

        assert future[["store", "day"]].values.tolist() == [["new", f"2024-01-{rows + 1:02}"]]
        assert np.isfinite(future["forecast"]).all()


@pytest.mark.slow
@pytest.mark.usefixtures("saved")
def test_gaps_and_columns_not_used_are_told_and_quiet_is_quiet(sales):
    sales.drop(index=[5, 6, 90]).assign(weather="fine").to_csv("gaps.csv", index=False)

    told = run_well("predict", "gaps.csv", "--horizon", 1)
    quiet = run_well("predict", "gaps.csv", "--horizon", 1, "--quiet", "--out", "future.csv")

    assert told.stderr.splitlines() == [
        "  columns not used: 'weather'",
        "  missing rows inserted for gaps: 3, in 2 of 2 series ('north', 'south')",
        "  missing values: 3 of 120",
    ]
    assert quiet.output == ""
    assert Path("future.csv").read_text() == told.stdout


@pytest.mark.slow
@pytest.mark.usefixtures("saved")
def test_series_come_in_the_order_asked_for_and_once_each():
    asked = ["--series", "south", "--series", "north", "--series", "south"]
    future = table_of(run_well("predict", "--horizon", 1, *asked))
    from_table = table_of(run_well("predict", "sales.csv", "--horizon", 1, *asked))

    assert future["store"].tolist() == ["south", "north"]
    assert from_table["store"].tolist() == ["south", "north"]


@pytest.mark.slow
@pytest.mark.usefixtures("saved")
def test_a_series_without_a_value_is_no_obstacle_where_others_are_asked_for():
    table = Path("sales.csv").read_text() + "void,2024-01-01,\n"

    result = run_well("predict", "-", "--horizon", 1, "--series", "north", stdin=table)

    assert table_of(result)["store"].tolist() == ["north"]


def test_series_named_by_numbers_are_found(make_model, make_random_panel):
    make_model(make_random_panel([5, 6, 7], ids=[1, 2, 10])).save("numbers.forecast")

    future = run_well("predict", "-m", "numbers.forecast", "-n", 1, "--series", 10, "--series", 2)

    assert [line.split(",")[0] for line in future.stdout.splitlines()] == ["store", "10", "2"]


@pytest.mark.slow
@pytest.mark.usefixtures("saved")
@pytest.mark.parametrize(("wide", "how"), [("95", "calibrated"), ("99.5", "paths")])
def test_levels_are_intervals_around_the_middle_the_wider_the_higher(wide, how):
    levels = ["--levels", f"80,{wide}", "--intervals", how]
    future = table_of(run_well("predict", "--horizon", 5, *levels))

    bounds = [f"forecast-lo-{wide}", "forecast-lo-80", "forecast-hi-80", f"forecast-hi-{wide}"]
    assert set(future.columns) == {"store", "day", "forecast", *bounds}
    assert (np.diff(future[bounds].to_numpy(), axis=1) > 0).all()


@pytest.mark.slow
@pytest.mark.usefixtures("saved")
def test_sums_and_paths_are_written_where_they_are_asked_for():
    words = ["predict", "--horizon", 7, "--levels", 80, "--paths", 30, "--paths-out", "paths.csv"]

    told = run_well(*words, "--sum-by", "all", "--sum-over", "week", "--out", "weeks.csv")

    weeks, paths = pd.read_csv("weeks.csv"), pd.read_csv("paths.csv")
    assert weeks.columns.tolist() == [
        *("all", "day", "values", "forecast", "forecast-lo-80", "forecast-hi-80")
    ]
    assert weeks["values"].sum() == 2 * 7
    assert len(paths) == 2 * 200 * 7  # intervals rest on no fewer than 200
    assert told.stderr.splitlines() == [
        "Wrote paths.csv: 2,800 rows.",
        f"Wrote weeks.csv: {len(weeks)} rows.",
    ]
    alone = run_well("predict", "--horizon", 7, "--sum-over", "all")
    assert len(alone.stdout.splitlines()) == 1 + 2


@pytest.mark.slow
@pytest.mark.usefixtures("saved")
def test_a_seed_chooses_the_sample_paths_and_nothing_else():
    words = ["predict", "--horizon", 2, "--levels", 80, "--seed"]
    one, again, other = (table_of(run_well(*words, seed)) for seed in (1, 1, 2**32 - 1))

    assert one.equals(again)
    assert one["forecast"].equals(other["forecast"])
    assert not one["forecast-lo-80"].equals(other["forecast-lo-80"])


@pytest.mark.slow
@pytest.mark.usefixtures("saved")
def test_the_compiled_runtime_forecasts_the_same():
    compiled = run_well("predict", "--horizon", 5, "--runtime", "compiled")
    expected = table_of(run_well("predict", "--horizon", 5, "--runtime", "numpy"))

    assert compiled.stderr == ""
    assert table_of(compiled)["forecast"].to_numpy() == pytest.approx(
        expected["forecast"].to_numpy(), rel=1e-4
    )


def test_a_very_long_horizon_goes_past_the_year_9999(make_model, make_random_panel):
    panel = make_random_panel([30], frequency="MS", first=(9990 - 1970) * 12)
    make_model(panel, lags=(12,)).save("model.forecast")

    result = run_well("predict", "--horizon", 2_000)

    lines = result.stdout.splitlines()
    assert len(lines) == 2_001
    assert lines[1].startswith("a,9992-07-01")
    assert lines[-1].startswith("a,10159-02-01")
    assert np.isfinite([float(line.rsplit(",", 1)[1]) for line in lines[1:]]).all()


@pytest.mark.slow
@pytest.mark.usefixtures("saved")
@pytest.mark.slow
def test_a_table_and_a_picture_are_written_and_told():
    result = run_well("predict", "--horizon", 3, "--out", "future.csv", "--plot", "future.svg")

    assert result.stdout == ""
    assert result.stderr.splitlines() == ["Drew future.svg.", "Wrote future.csv: 6 rows."]
    assert len(Path("future.csv").read_text().splitlines()) == 1 + 6
    assert b"<svg" in Path("future.svg").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "start"), [("p.png", b"\x89PNG"), ("p.PDF", b"%PDF"), ("p.svg", b"<?xml")]
)
def test_a_picture_is_of_the_kind_its_name_says_whatever_the_series_are_called(
    make_model, make_random_panel, name, start
):
    panel = make_random_panel([9] * 6, ids=AWKWARD[:6], frequency="D", first=19_723)
    make_model(panel).save("model.forecast")

    run_well("predict", "--horizon", 3, "--quiet", "--out", "x.csv", "--plot", name)

    assert Path(name).read_bytes().startswith(start)
    assert b"<script>" not in Path(name).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["csv", "csv.gz", "tsv", "parquet"])
@pytest.mark.usefixtures("saved")
def test_a_forecast_is_written_as_the_kind_of_file_its_name_says(kind):
    run_well("predict", "--horizon", 2, "--out", f"future.{kind}")

    if kind == "parquet":
        future = pd.read_parquet("future.parquet")
    else:
        future = pd.read_csv(f"future.{kind}", sep="\t" if kind == "tsv" else ",")
    assert future.columns.tolist() == ["store", "day", "forecast"]
    assert len(future) == 4


@pytest.mark.slow
@pytest.mark.usefixtures("saved")
def test_whoever_reads_only_the_beginning_of_a_forecast_sees_no_complaint():
    process = subprocess.Popen(
        [*PROGRAM, "predict", "--horizon", "5000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with process:
        assert process.stdout.readline() == b"store,day,forecast\n"
        process.stdout.close()
        note, *others = process.stderr.read().splitlines()
    assert note.startswith(b"  training practised 8 of the 5000 steps")
    assert others == []


# inspect


@pytest.mark.slow
@pytest.mark.usefixtures("saved")
def test_a_model_is_described_in_words():
    lines = run_well("inspect").stdout.splitlines()

    assert re.fullmatch(r"model\.forecast: \d+ weights, model [0-9a-f]{8}", lines[0])
    assert lines[1] == (
        "Data: long table, id 'store', time 'day', target 'sold'; daily; trained on 2 series, "
        "120 rows."
    )
    assert lines[2] == "State: 2 series, until 2024-02-29."
    assert (
        "Head: student_t. Windows: random, 14 steps of context and 8 to forecast. "
        "Feedback: teacher." in lines
    )
    assert any(line.startswith("On the held-out last 7 steps of 2 series") for line in lines)


@pytest.mark.slow
@pytest.mark.usefixtures("saved")
def test_a_model_is_described_as_json():
    result = run_well("inspect", "model.forecast", "--json")

    facts, model = json.loads(result.stdout), forecast.load("model.forecast")
    assert facts["training"] == model.record.to_json()
    assert facts["model"]["units"] == 4
    assert (facts["series"], facts["last_time"]) == (2, "2024-02-29")
    assert facts["weights"] == sum(part.size for part in model.weights.values())


@pytest.mark.usefixtures("saved", "eager")
def test_every_network_is_trained_and_drawn_from_the_command_line():
    words = ["--network", "attention", "--attention-score", "additive", "--cell", "gru"]
    words += ["-m", "other"]
    words += ["--feedback", "teacher>scheduled", "--teacher-forcing-ratio", "1,0.5"]
    words += ["--context", 8, "--train-horizon", 4]
    run_well("train", "sales.csv", *words, "--units", 4, "--steps", 4)

    run_well("predict", "-n", 3, "-m", "other", "--attention", "looks.png", "--out", "f.csv")

    plan = forecast.load("other").record.plan
    assert (plan.feedback, plan.teacher_forcing_ratio) == (("teacher", "scheduled"), (1.0, 0.5))
    assert Path("looks.png").read_bytes().startswith(b"\x89PNG")
    lines = run_well("inspect", "other").stdout.splitlines()
    trained = (
        "Trained attention (1 layer of 4 GRU units; teacher forcing, then scheduled sampling): "
        "4 gradient steps in "
    )
    assert any(line.startswith(trained) for line in lines)
    assert any("(100% to 50% true values, linear, exact, by step)" in line for line in lines)
    assert lines[-1].startswith("On the 7 steps of the validation rows its MASE is")


def test_a_comparison_that_was_interrupted_is_not_told_as_one_that_was_not_wanted(trained):
    record = replace(trained.model_.record, comparison=None)
    unwanted = replace(record, plan=replace(record.plan, holdout=0))

    told = [summary(replace(trained.model_, record=each))[-1] for each in (record, unwanted)]

    assert told == [
        "The held-out steps were not evaluated, so there is no comparison with a naive forecast.",
        "No steps were held out, so there is no comparison with a naive forecast.",
    ]


def test_a_training_that_the_budget_has_shortened_says_when_and_how_far(trained, tmp_path):
    first, second = PlanChange(20, 61.5, 4000, 1030), PlanChange(900, 118.0, 1030, 950)
    told = {}
    for changes in ((), (first,), (first, second)):
        record = replace(trained.model_.record, ended="budget", changes=changes)
        replace(trained.model_, record=record).save(tmp_path / "model.forecast")
        lines = run_well("inspect", tmp_path / "model.forecast").stdout.splitlines()
        told[len(changes)] = [line for line in lines if line.startswith("  planned: ")]
        written = json.loads(run_well("inspect", tmp_path / "model.forecast", "--json").stdout)
        assert written["training"]["changes"] == [vars(change) for change in changes]

    assert told == {
        0: [],
        1: ["  planned: 4,000 steps, lowered to 1,030 by --budget at step 20"],
        2: [
            "  planned: 4,000 steps, lowered to 950 by --budget at step 20 and again, last at "
            "step 900"
        ],
    }


def test_json_says_null_for_numbers_that_are_not_finite(capsys):
    print_json({"loss": float("nan"), "all": [1, float("inf"), {"x": -float("inf")}], "n": "nan"})

    assert json.loads(capsys.readouterr().out) == {
        "loss": None,
        "all": [1, None, {"x": None}],
        "n": "nan",
    }


# datasets


def test_datasets_are_listed_with_source_and_licence():
    lines = run_well("datasets").stdout.splitlines()

    assert lines[0].startswith("air_passengers: International airline passengers")
    assert lines[1] == "  1 series, 144 rows, MS"
    assert sum(line.startswith("  source: ") for line in lines) == 7
    assert sum(line.startswith("  licence: ") for line in lines) == 7


def test_a_dataset_is_written_as_a_table():
    printed = run_well("datasets", "air_passengers")
    told = run_well("datasets", "air_passengers", "--out", "air.csv")

    assert printed.stdout.splitlines()[:2] == ["ds,y", "1949-01-01,112"]
    assert printed.stderr == ""
    assert Path("air.csv").read_text() == printed.stdout
    assert (told.stdout, told.stderr) == ("", "Wrote air.csv: 144 rows.\n")


# Help


COMMANDS = {(): main, **{(name,): command for name, command in main.commands.items()}}


def examples(words):
    """The commands after "Example:" in a help text."""
    _, _, after = run_well(*words, "--help").stdout.partition("Example")
    lines = [line.strip() for line in after.partition("\n\n")[0].splitlines()[1:]]
    assert all(line.startswith("forecast ") for line in lines)
    return lines


def run_example(line):
    """Run a command as a shell would, but train in a second; the files that it names."""
    words, _, target = line.partition(">")
    words = shlex.split(words)[1:]
    trains = words[0] == "train" or (words[0] == "backtest" and "--model" not in words)
    fast = ["--units", "2", "--steps", "2"] if trains else []
    fast = ["--steps", "2", "--trials", "2"] if words[0] == "tune" else fast
    result = run_well(*words, *fast)
    if target:
        Path(target.strip()).write_text(result.stdout)
    written = {"--model", "--out", "--plot", "--keep-state", "--storage"}
    named = [word for option, word in itertools.pairwise(words) if option in written]
    return [name for name in named if name != "pretrained"]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.slow
@pytest.mark.usefixtures("untrained", "small_backtests", "ends_at_once")
def test_every_example_of_every_help_runs_as_it_stands(training, sales, words):
    priced = sales.assign(price=np.arange(len(sales)) % 5, visitors=2 * sales["sold"])
    Path("stores").mkdir()
    for store, rows in sales.groupby("store"):
        rows.to_csv(f"stores/{store}.csv", index=False)
    priced.rename(columns={"sold": "units"}).to_csv("sales.csv", index=False)
    if words in [("predict",), ("explain",)]:
        run_well("train", "sales.csv", "--target", "units", "--known", "price", *TINY, *PRICED)
        later = pd.date_range("2024-03-01", periods=30)
        pd.DataFrame({"day": later, "price": 3}).to_csv("prices.csv", index=False)
        Path("priced.csv").write_text(Path("sales.csv").read_text())
    sales.to_csv("newer.csv", index=False)
    reads_sales = [("predict",), ("backtest",), ("plot",), ("explain",), ("monitor",)]
    if words in reads_sales:
        sales.to_csv("sales.csv", index=False)
    for name, day in [("today.csv", "2024-03-01"), ("since-monday.csv", "2024-03-04")]:
        sales.groupby("store").head(1).assign(day=day).to_csv(name, index=False)
    if words not in [(), ("train",), ("tune",)]:
        for model in ("model.forecast", "stores.forecast", "sales.forecast", "energy.forecast"):
            shutil.copy(training[0] / "model.forecast", model)
        forecast.load("model.forecast").rollout(2).state.save("later.state")
    for folder, rows in [("lake", sales), ("today", sales.groupby("store").tail(1))]:
        Path(folder).mkdir()
        rows.to_parquet(f"{folder}/rows.parquet", index=False)
    if words == ("predict",):
        states = ["--model", "stores.forecast", "--states", "all.states"]
        run_well("update", "lake/rows.parquet", *states)
    lines = examples(words)

    named = [name for line in lines for name in run_example(line)]

    assert len(lines) >= 1
    assert all(Path(name).exists() for name in named)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_option_of_every_command_is_explained(words):
    command = COMMANDS[words]
    options = [option for option in command.params if isinstance(option, click.Option)]

    assert run_well(*words, "-h").stdout == run_well(*words, "--help").stdout
    assert command.help
    assert all(option.help for option in options)


def test_the_version_is_that_of_the_package():
    assert run_well("--version").stdout == f"forecast, version {forecast.__version__}\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["train", "--help"],
        ["predict", "-n", "3"],
        ["inspect", "--json"],
        ["datasets"],
        ["plot", "training"],
    ],
    ids=" ".join,
)
@pytest.mark.usefixtures("saved")
def test_nothing_heavy_is_imported_where_nothing_is_trained(words):
    heavy = "{'tensorflow', 'keras', 'sklearn', 'matplotlib', 'scipy'}"
    program = (
        "import sys; from forecast.cli import main; "
        f"main({words}, standalone_mode=False); print({heavy} & set(sys.modules), file=sys.stderr)"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "set()\n")


# Errors


def test_debug_shows_the_traceback_before_the_error_and_nothing_else_does():
    plain = run("inspect", "nowhere.forecast")
    debug = run("inspect", "nowhere.forecast", "--debug")

    assert plain.stderr.splitlines() == debug.stderr.splitlines()[-1:]
    assert debug.stderr.startswith("Traceback (most recent call last):")
    assert (plain.exit_code, debug.exit_code) == (1, 1)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (RuntimeError("what\nnow"), "unexpected RuntimeError: what now; this is a bug, please"),
        (MemoryError(), "not enough memory; use fewer series or steps, or a smaller --units"),
        (OSError(5, "Input/output error", "disk"), "disk: Input/output error"),
        (
            ModuleNotFoundError("No module named 'sklearn'", name="sklearn.base"),
            "training needs the full installation: pip install forecast-rollout",
        ),
        (
            ModuleNotFoundError("No module named 'pyarrow'", name="pyarrow.csv"),
            "pyarrow is not installed; install it with: pip install 'forecast-rollout[parquet]'",
        ),
        (
            ModuleNotFoundError("No module named 'other'", name="other"),
            "other is not installed; install it with: pip install other",
        ),
        (ModuleNotFoundError("No module", name="forecast.x"), "unexpected ModuleNotFoundError"),
        (KeyboardInterrupt(), "interrupted before it was finished"),
        (forecast.DataError("a \x1b[2Jb"), "a \N{REPLACEMENT CHARACTER}[2Jb"),
    ],
)
def test_whatever_goes_wrong_is_one_line(monkeypatch, error, line):
    def fail(_):
        raise error

    monkeypatch.setattr(forecast.Model, "load", fail)

    result = run("inspect")

    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {line}")
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""
