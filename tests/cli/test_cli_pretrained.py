"""The pretrained network on the command line: a table, no model file, and no training."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from forecast import Forecaster
from forecast.cli import main
from forecast.data.to_panel import to_panel
from forecast.model import Model
from forecast.pretrained.practised import KINDS, longest_horizon
from forecast.pretrained.zero_shot import evidence, shipped

NO_TRAINING = (
    "No training: the pretrained network forecasts with a season of 7 steps (daily). "
    "Training may do better: forecast train sales.csv"
)
NO_MODEL = (
    "Error: there is no model file model.forecast; make one with: forecast train TABLE, or give a "
    "TABLE and --model pretrained, which needs no training"
)
NOTES = [
    "  took 'day' as the time, 'store' as the id and 'sold' as the target",
    "  frequency: daily, inferred from the timestamps",
]
PLACE = ["--model", "pretrained"]


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch, sales):
    monkeypatch.chdir(tmp_path)
    sales.to_csv("sales.csv", index=False)


def run(*words, status=0, stdin=None):
    arguments = [*map(str, words)]
    result = CliRunner().invoke(main, arguments, prog_name="forecast", input=stdin)
    assert result.exit_code == status, result.output
    return result


def error_of(*words, status=2):
    """The only line of a command that fails, and writes nothing on standard output."""
    result = run(*words, status=status)
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line


def table_of(result):
    return pd.read_csv(io.StringIO(result.stdout), float_precision="round_trip")


# predict


def test_a_table_without_a_model_is_forecast_untrained_which_one_line_says(sales):
    result = run("predict", "sales.csv", "--horizon", 3)

    assert result.stderr.splitlines() == [NO_TRAINING, *NOTES]
    expected = Forecaster(steps=0).fit(sales).predict(3)
    found = table_of(result)
    assert found.columns.tolist() == ["store", "day", "forecast"]
    np.testing.assert_array_equal(found["forecast"], expected["forecast"])


def test_of_monthly_steps_the_line_names_the_theta_method_too():
    run("datasets", "air_passengers", "--out", "air.csv")

    result = run("predict", "air.csv", "-n", 2)

    assert result.stderr.splitlines()[0] == (
        "No training: the pretrained network and the theta method forecast with a season of 12 "
        "steps (monthly). Training may do better: forecast train air.csv"
    )
    run("train", "air.csv", "--steps", 0, "--members", 1)
    assert "mean of" not in run("inspect").stdout
    run("train", "air.csv", "--steps", 0)
    line = "forecasts are the mean of the pretrained network 60%, the theta method 40%"
    assert line in run("inspect").stdout


def test_it_can_be_asked_for_by_name_beside_a_model_which_goes_first(make_model, sales):
    make_model(to_panel(sales)).save("model.forecast")

    by_file = run("predict", "sales.csv", "-n", 2)
    by_name = run("predict", "sales.csv", "-n", 2, *PLACE)

    assert "No training" not in by_file.stderr
    assert by_name.stderr.splitlines()[0] == NO_TRAINING
    assert by_file.stdout != by_name.stdout


def test_a_file_of_that_name_is_reached_by_its_path(make_model, sales):
    make_model(to_panel(sales)).save("pretrained")

    assert "No training" in run("predict", "sales.csv", "-n", 2, *PLACE).stderr
    assert "No training" not in run("predict", "sales.csv", "-n", 2, "-m", "./pretrained").stderr


@pytest.mark.parametrize("command", ["train", "update"])
def test_nothing_is_written_under_that_name(command):
    assert error_of(command, "sales.csv", *PLACE) == (
        "Error: --model pretrained is the network that comes with this program, which never "
        "changes; name another file, or ./pretrained"
    )
    assert not Path("pretrained").exists()


def test_without_a_table_and_a_model_the_error_says_how_to_go_on():
    assert error_of("predict", "-n", 2, status=1) == NO_MODEL
    assert error_of("predict", "-n", 2, *PLACE) == (
        "Error: the pretrained network knows no series of its own; give a TABLE"
    )


def test_a_model_that_is_named_but_missing_is_not_replaced():
    line = error_of("predict", "sales.csv", "-n", 2, "--model", "sales.forecast", status=1)

    assert line == NO_MODEL.replace("model.forecast", "sales.forecast")


def test_a_dead_link_in_place_of_the_model_is_an_error():
    Path("model.forecast").symlink_to("gone.forecast")

    assert "model.forecast" in error_of("predict", "sales.csv", "-n", 2, status=1)


def test_columns_are_named_by_the_options_of_train(sales):
    sales.assign(price=1.5, noise=np.arange(len(sales))).to_csv("wide.csv", index=False)
    columns = ["--id", "store", "--time", "day", "--target", "sold"]
    more = ["--frequency", "D", "--season", 5, "--decimal", ".", "--date-format", "year-first"]

    result = run("predict", "wide.csv", "-n", 2, *columns, *more)

    assert result.stderr.splitlines()[0] == (
        "No training: the pretrained network forecasts with a season of 5 steps (daily). Training "
        "may do better: forecast train wide.csv --id store --time day --target sold --frequency D "
        "--season 5 --decimal . --date-format year-first"
    )
    expected = Forecaster(steps=0, season=5).fit(sales).predict(2)
    np.testing.assert_array_equal(table_of(result)["forecast"], expected["forecast"])


@pytest.mark.parametrize(
    "words",
    [
        ["predict", "sales.csv", "-n", 2],
        ["plot", "forecast", "sales.csv"],
        ["report", "sales.csv", "--model", "model.forecast", "--out", "page.html"],
    ],
)
def test_a_model_file_knows_its_columns(words, make_model, sales):
    make_model(to_panel(sales)).save("model.forecast")

    assert error_of(*words, "--target", "sold") == (
        "Error: --target tells the pretrained network how to read TABLE; the model model.forecast "
        "knows it from its training: leave --target out"
    )


def test_future_covariates_need_training():
    Path("future.csv").write_text("day,price\n2024-03-01,2\n")

    assert error_of("predict", "sales.csv", "-n", 2, "--future", "future.csv") == (
        "Error: --future has the future covariates of a model; the pretrained network takes none: "
        "train with --known COLUMN, or leave --future out"
    )


def test_a_table_from_standard_input_is_read_once():
    result = run("predict", "-", "-n", 2, stdin=Path("sales.csv").read_text())

    assert result.stderr.splitlines()[0].endswith("forecast train TABLE")
    assert result.stdout == run("predict", "sales.csv", "-n", 2).stdout


def test_the_other_options_of_a_forecast_do_what_they_do_for_a_model(sales):
    words = ["predict", "sales.csv", "-n", 4, "--series", "south", "--bounds", "0,205"]

    result = run(
        *words, "--levels", "50,80", "--paths", 20, "--paths-out", "paths.csv", "--until",
        "value>204",
    )  # fmt: skip

    model = Forecaster(steps=0).fit(sales).model_
    expected = model.rollout(
        4, series=["south"], levels=(50, 80), bounds=(0, 205), until="value>204"
    )
    found = table_of(result)
    assert found.columns.tolist() == expected.table.columns.tolist()
    np.testing.assert_array_equal(found.iloc[:, 2:], expected.table.iloc[:, 2:])
    paths = pd.read_csv("paths.csv")
    assert paths["path"].nunique() >= 20
    assert paths["value"].max() <= 205


def test_sums_have_intervals_of_their_own():
    words = ["predict", "sales.csv", "-n", 4, "--sum-by", "all", "--sum-over", "all"]

    found = table_of(run(*words, "--levels", 80))

    assert found["values"].tolist() == [8]
    assert (found["forecast-lo-80"] < found["forecast"]).all()


def test_a_kept_state_is_continued_with_the_table_that_it_came_from():
    whole = table_of(run("predict", "sales.csv", "-n", 5))

    first = run("predict", "sales.csv", "-n", 2, "--keep-state", "later.state")
    more = first.stderr.splitlines()[-1]
    words = more.removeprefix("Wrote later.state. Continue it with: forecast ").split()
    rest = table_of(run(*words))

    assert words == ["predict", "sales.csv", "--state", "later.state", "--horizon", "2", *PLACE]
    pieces = pd.concat([table_of(first), rest]).sort_values(["store", "day"])
    of_four = whole.groupby("store").head(4)
    np.testing.assert_allclose(pieces["forecast"], of_four["forecast"], rtol=1e-6)


def test_intervals_that_nobody_asked_for_are_not_calibrated(monkeypatch):
    def refuse(*_):
        raise AssertionError("calibrated")

    monkeypatch.setattr("forecast.pretrained.zero_shot.calibration_of", refuse)

    run("predict", "sales.csv", "-n", 2)
    run("predict", "sales.csv", "-n", 2, "--levels", 80, "--intervals", "paths")
    assert run("predict", "sales.csv", "-n", 2, "--levels", 80, status=1).stdout == ""


# what it cannot do


@pytest.mark.parametrize("role", ["known", "static", "also"])
def test_covariates_and_several_targets_need_training(role):
    assert error_of("train", "sales.csv", "--steps", 0, f"--{role}", "price") == (
        f"Error: {role} is ('price',), but with 0 steps the pretrained network forecasts as it is, "
        f"from one target alone; leave --{role} ({role} in Python) out, or train with more --steps"
    )


def test_a_season_that_was_not_practised_is_reported():
    result = run("predict", "sales.csv", "-n", 2, "--season", 301)

    assert result.stderr.splitlines()[-1] == (
        "  the pretrained network has not practised a season of 301 steps: compare it with "
        "baselines, by forecast backtest TABLE --horizon N --model pretrained, or train"
    )
    assert "practised" not in run("predict", "sales.csv", "-n", 2, "--season", 59).stderr


def test_a_horizon_that_was_not_practised_is_reported():
    most = longest_horizon(7)

    result = run("predict", "sales.csv", "-n", most + 1)

    assert result.stderr.splitlines()[-1] == (
        f"  pretraining practised {most} of the {most + 1} steps, later ones may be less accurate; "
        f"train with --train-horizon {most + 1} (train_horizon={most + 1} in Python)"
    )
    assert "practised" not in run("predict", "sales.csv", "-n", most).stderr


def test_series_of_two_values_are_forecast_and_reported(sales):
    few = sales.groupby("store").head(2)
    few.to_csv("few.csv", index=False)

    result = run("predict", "few.csv", "-n", 2)

    assert result.stderr.splitlines()[-1] == (
        "  2 series have fewer than 3 values ('north', 'south'): little more than the last value "
        "is known of what follows"
    )
    assert table_of(result)["forecast"].notna().all()


# backtest


@pytest.mark.usefixtures("small_backtests")
def test_a_backtest_needs_no_training_and_equals_that_of_python(sales):
    words = ["backtest", "sales.csv", "-n", 3, "--cutoffs", 3, *PLACE]

    result = run(*words, "--json")

    assert result.stderr.splitlines() == [
        "Read sales.csv: 2 series, 120 rows.",
        *NOTES,
        NO_TRAINING,
    ]
    found = json.loads(result.stdout)
    expected = Forecaster(steps=0).backtest(sales, 3, 3)
    ours = expected.overall.loc["forecast"]
    assert found["overall"]["forecast"]["mae"] == ours["mae"]
    assert found["overall"]["forecast"]["coverage-80"] == ours["coverage-80"]
    assert {"naive", "seasonal_naive", "drift", "naive2"} < found["overall"].keys()


@pytest.mark.parametrize(
    ("option", "value"), [("--steps", 5), ("--known", "price"), ("--also", "price")]
)
def test_options_of_a_training_are_refused(option, value):
    assert error_of("backtest", "sales.csv", "-n", 3, *PLACE, option, value) == (
        f"Error: {option} needs training, which --model pretrained does without; leave one out"
    )


@pytest.mark.usefixtures("small_backtests")
def test_a_backtest_heeds_how_the_table_is_read_and_its_bounds():
    words = ["backtest", "sales.csv", "-n", 3, "--cutoffs", 2, *PLACE, "--out", "out.csv"]

    result = run(*words, "--target", "sold", "--season", 5, "--bounds", "0,12")

    assert "season of 5 steps" in result.stderr
    assert pd.read_csv("out.csv")["forecast"].max() <= 12


@pytest.mark.usefixtures("small_backtests")
def test_a_backtest_of_0_steps_says_that_nothing_is_trained():
    result = run("backtest", "sales.csv", "-n", 3, "--cutoffs", 2, "--steps", 0)

    assert result.stderr.splitlines()[-1] == "No training: the pretrained network forecasts."


# train --steps 0, update


@pytest.fixture
def untrained_file():
    return run("train", "sales.csv", "--steps", 0)


def test_training_of_0_steps_writes_a_model_that_forecasts_the_same(untrained_file):
    assert untrained_file.stderr.splitlines() == [
        "Read sales.csv: 2 series, 120 rows.",
        *NOTES,
        "Nothing was trained: the pretrained network forecasts; season: 7 steps; scale: last 21 "
        f"steps; practised: {longest_horizon(7)} steps ahead.",
        "  forecasts are limited to 0 or above; set other limits with --bounds",
        f"Wrote model.forecast. Forecast with: forecast predict --horizon {longest_horizon(7)}",
    ]
    levels = ["-n", 4, "--levels", "80,95"]

    by_file = run("predict", *levels)

    assert by_file.stdout == run("predict", "sales.csv", *levels, *PLACE).stdout
    assert Model.load("model.forecast").is_zero_shot


@pytest.mark.usefixtures("untrained_file")
def test_such_a_model_is_updated_by_new_rows(sales):
    last = pd.Timestamp(sales["day"].max())
    new = pd.DataFrame({"store": ["north", "south"], "day": last + pd.Timedelta("1D"), "sold": 9.0})
    new.to_csv("today.csv", index=False)

    run("update", "today.csv")

    found = table_of(run("predict", "-n", 2))
    assert found["day"].min() == str((last + pd.Timedelta("2D")).date())
    assert Model.load("model.forecast").is_zero_shot


@pytest.mark.parametrize(
    ("words", "option"), [(["--json"], "--json"), (["--plot", "curves.png"], "--plot")]
)
def test_what_shows_a_training_is_refused_where_there_is_none(words, option):
    assert error_of("train", "sales.csv", "--steps", 0, *words) == (
        f"Error: {option} shows how the training went, and with --steps 0 there is none; leave "
        f"{option} out"
    )
    assert not Path("model.forecast").exists()


@pytest.mark.usefixtures("untrained_file")
def test_inspecting_such_a_model_says_that_nothing_was_trained():
    lines = run("inspect").stdout.splitlines()

    assert lines[1].endswith("; daily.")
    assert lines[3].startswith("Nothing was trained: the pretrained network forecasts; season: 7")
    assert json.loads(run("inspect", "--json").stdout)["training"] == {}


@pytest.mark.usefixtures("untrained_file")
def test_there_is_no_picture_of_a_training_that_did_not_take_place():
    assert error_of("plot", "training") == (
        "Error: the pretrained network was not trained on a table, so there is no training record"
    )
    assert error_of("plot", "training", *PLACE) == (
        "Error: the pretrained network was not trained here: there are no losses to draw"
    )


# inspect


@pytest.mark.parametrize("words", [["pretrained"], PLACE])
def test_the_card_says_what_was_practised_and_what_it_is_not_for(words):
    lines = run("inspect", *words).stdout.splitlines()

    size = sum(array.size for array in shipped().weights.values())
    assert lines[0].startswith(f"pretrained: {size:,} weights, ")
    assert lines[1] == (
        "Trained for 12,000 gradient steps (2 hours of one core) on generated series alone, never "
        "on real data. It has practised:"
    )
    assert lines[2] == "  no season: 5 to 140 rows, up to 12 steps ahead"
    assert lines[6] == "  seasons of 7 and 364 steps: 370 to 900 rows, up to 60 steps ahead"
    assert lines[8] == "  seasons of 24 and 168 steps: 180 to 700 rows, up to 168 steps ahead"
    assert lines[13] == "  any season of 2 to 300 steps: 10 to 500 rows, up to 60 steps ahead"
    assert lines[14] == "What it reached on the test parts of public sets:"
    assert lines[16] == "  M4 hourly, alone: OWA 0.523 (seasonal naive 0.628)"
    assert lines[17] == "It is bad at:"
    assert "  covariates and several targets: train with --known, --static or --also" in lines


def test_the_card_in_json_has_all_kinds():
    card = json.loads(run("inspect", *PLACE, "--json").stdout)

    assert [tuple(kind["seasons"]) for kind in card["practised"]] == [k.seasons for k in KINDS]
    assert card["weights"] == sum(array.size for array in shipped().weights.values())
    assert (card["steps"], len(card["reached"]), len(card["bad_at"])) == (12_000, 2, 3)


def test_the_card_is_of_a_network_without_a_state():
    assert error_of("inspect", "pretrained", "--state") == (
        "Error: the pretrained network has no state, since it knows no series yet"
    )
    assert error_of("inspect", "pretrained", *PLACE) == (
        "Error: MODEL and --model are the same; give one of them"
    )


# plot, report


@pytest.mark.slow
def test_a_picture_of_its_forecast_and_of_a_model_beside_it(make_model, sales):
    make_model(to_panel(sales)).save("model.forecast")
    words = ["plot", "forecast", "sales.csv", "-n", 5, "--out"]

    alone = run(*words, "alone.svg", *PLACE, "--levels", 80)
    run(*words, "both.svg", "--compare", "pretrained")
    run(*words, "other.svg", *PLACE, "--compare", "model.forecast", "--series", "south")

    whose = f"  {evidence(Model.untrained(to_panel(sales)).calibration)}"
    assert alone.stderr.splitlines() == [NO_TRAINING, *NOTES, whose, "Drew alone.svg."]
    assert "<!-- pretrained -->" not in Path("alone.svg").read_text()
    assert "<!-- pretrained -->" in Path("both.svg").read_text()
    assert "<!-- model.forecast -->" in Path("other.svg").read_text()


def test_two_forecasts_need_a_picture_and_a_table(make_model, sales):
    make_model(to_panel(sales)).save("model.forecast")

    assert error_of("plot", "forecast", "--compare", "pretrained") == (
        "Error: --compare draws two forecasts; write the picture with --out FILE.png"
    )
    assert error_of("plot", "forecast", "--compare", "pretrained", "--out", "both.png") == (
        "Error: --compare pretrained forecasts a TABLE without training; give one"
    )
    assert error_of("plot", "forecast", "-", "--compare", "model.forecast", "--out", "a.png") == (
        "Error: --compare reads TABLE again; name a file instead of standard input"
    )
    assert error_of("plot", "forecast", "--compare", "a.png", "--out", "a.png") == (
        "Error: --out a.png would overwrite the other model; name another file"
    )
    assert error_of("plot", "errors", "sales.csv", "--compare", "pretrained") == (
        "Error: --compare has no effect on the picture 'errors'; leave it out"
    )


def test_a_chart_of_text_and_one_of_errors():
    first = run("plot", "forecast", "sales.csv", "-n", 3, *PLACE)
    errors = run("plot", "errors", "sales.csv", "-n", 3, "--cutoffs", 2, *PLACE)

    assert first.stdout.splitlines()[0] == "sold: north, the first of 2 series"
    assert "by step of the horizon" in errors.stdout.splitlines()[0]


@pytest.mark.usefixtures("small_backtests")
@pytest.mark.parametrize("words", [["pretrained", "sales.csv"], ["sales.csv", *PLACE]])
def test_a_report_without_training(words):
    result = run("report", *words, "-n", 3, "--cutoffs", 2, "--out", "page.html")

    page = Path("page.html").read_text()
    assert result.stderr.splitlines()[0] == NO_TRAINING
    assert "Nothing was trained: the pretrained network forecasts as it is." in page
    assert "forecast report pretrained TABLE" in page


# What is loaded


@pytest.mark.slow
def test_a_forecast_without_training_loads_no_library_for_training():
    code = (
        "import sys; from forecast.cli import main\n"
        "main(['predict', 'sales.csv', '-n', '3'], standalone_mode=False)\n"
        "print(sorted({'tensorflow', 'keras', 'sklearn', 'matplotlib', 'scipy'} & {*sys.modules}))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[0] == "store,day,forecast"
    assert done.stdout.splitlines()[-1] == "[]"
