"""`forecast backtest`: the measures on standard output, words on standard error."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from forecast.cli import main
from forecast.model import Model

TINY = ["--units", 4, "--steps", 2, "--seed", 1, "--feedback", "teacher"]


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch, sales):
    monkeypatch.chdir(tmp_path)
    sales.to_csv("sales.csv", index=False)


@pytest.fixture
def saved(trained):
    trained.model_.save("model.forecast")
    return trained.model_


def run(*words, status=0):
    arguments = ["backtest", *map(str, words)]
    result = CliRunner().invoke(main, arguments, prog_name="forecast")
    assert result.exit_code == status, result.output
    return result


@pytest.mark.slow
def test_a_model_is_trained_and_held_against_naive_forecasts():
    result = run("sales.csv", "-n", 5, "--cutoffs", 3, "--stride", 2, *TINY)

    assert result.stderr.splitlines() == [
        "Read sales.csv: 2 series, 120 rows.",
        "  took 'day' as the time, 'store' as the id and 'sold' as the target",
        "  frequency: daily, inferred from the timestamps",
        "Training on the rows before the first cutoff, for at most 5m.",
    ]
    lines = result.stdout.splitlines()
    cutoffs = "cutoffs from 2024-02-20 to 2024-02-24, 2 rows apart."
    assert lines[0] == f"6 forecasts of 5 steps: 2 series, {cutoffs}"
    assert lines[2].split()[:4] == ["MASE", "sMAPE", "%", "MAE"]
    named = [line.split()[0] for line in lines[3:10]]
    simple = ["naive", "seasonal_naive", "drift", "naive2"]
    assert named == ["forecast", *simple, "auto_ets", "auto_theta"]
    assert lines[11].startswith("The model")


@pytest.mark.usefixtures("small_backtests")
def test_its_figures_are_those_of_python(saved, sales):
    found = saved.backtest(sales, 5, 3, stride=2)

    told = json.loads(
        run(
            "sales.csv", "-n", 5, "--cutoffs", 3, "--stride", 2, "-m", "model.forecast", "--json"
        ).stdout
    )

    assert told["forecasts"] == 6
    assert told["overall"]["forecast"]["mae"] == pytest.approx(found.overall.loc["forecast", "mae"])
    assert told["overall"]["naive"]["coverage-80"] is None
    assert [row["mae"] for row in told["by_step"]] == pytest.approx(found.by_step["mae"].tolist())
    assert {row["store"] for row in told["by_series"]} == {"north", "south"}
    assert told["by_cutoff"][0]["cutoff"] == "2024-02-20"
    assert told["verdict"]["baseline"] == found.verdict.baseline
    assert told["notes"] == list(found.notes)
    assert [one["kind"] for one in told["findings"]] == [
        one.kind for one in found.findings(saved.record.exposure)
    ]


def test_every_forecast_is_written_beside_what_came(saved, sales):
    result = run(
        "sales.csv",
        "-n",
        4,
        "--cutoffs",
        2,
        "-m",
        "model.forecast",
        "-o",
        "out.csv",
        "--levels",
        "80",
    )

    table = pd.read_csv("out.csv", parse_dates=["day", "cutoff"])
    expected = saved.backtest(sales, 4, 2, levels=80).table
    assert "Wrote out.csv: 16 rows." in result.stderr
    assert table.columns.tolist() == expected.columns.tolist()
    np.testing.assert_allclose(table["forecast"], expected["forecast"])
    assert table["cutoff"].tolist() == expected["cutoff"].tolist()


@pytest.mark.usefixtures("small_backtests")
def test_forecasts_are_drawn_against_what_came(saved):  # noqa: ARG001
    words = ["sales.csv", "-n", 4, "--cutoffs", 2, "-m", "model.forecast"]

    result = run(*words, "--plot", "backtest.svg")

    assert "Drew backtest.svg." in result.stderr
    assert Path("backtest.svg").read_text().startswith("<?xml")


@pytest.mark.parametrize(
    ("by", "first"), [("step", "1  forecast"), ("series", ""), ("cutoff", "2024-02-21")]
)
def test_measures_of_each_step_series_or_cutoff(saved, by, first):  # noqa: ARG001
    words = ["sales.csv", "-n", 4, "--cutoffs", 2, "--stride", 4, "-m", "model.forecast"]

    lines = run(*words, "--by", by, "--baseline", "naive").stdout.splitlines()

    rows = [line for line in lines if "  forecast " in line or "  naive " in line]
    assert len(rows) == {"step": 8, "series": 4, "cutoff": 4}[by]
    assert rows[0].startswith(first)
    if by == "series":  # the worst first
        worst = [line.split()[2] for line in rows if "forecast" in line]
        assert worst == sorted(worst, key=float, reverse=True)


@pytest.mark.usefixtures("small_backtests")
def test_rows_of_the_training_are_said_to_flatter(saved):  # noqa: ARG001
    result = run("sales.csv", "-n", 4, "-m", "model.forecast", "--cutoffs", 2)

    assert "  4 of 4 forecasts begin within the training data, which ends at" in result.stdout


@pytest.mark.usefixtures("untrained")
def test_refit_and_carry_are_passed_on(monkeypatch):
    from forecast import Forecaster

    asked = {}
    original = Forecaster.backtest

    def spy(self, *given, **options):
        asked.update(options)
        return original(self, *given, **options)

    monkeypatch.setattr(Forecaster, "backtest", spy)
    words = ["sales.csv", "-n", 4, "--cutoffs", 2, "--levels", 80, "--refit", 1, "--carry"]
    said = run(*words, *TINY).stderr

    assert (asked["refit"], asked["carry"]) == (1, True)
    assert (
        "Training on the rows before the first cutoff, refitted at each cutoff, for at most" in said
    )


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["-m", "model.forecast", "--units", 3], 2, "--units is an option of the training, and"),
        (["-m", "model.forecast", "--refit", 3], 2, "--refit trains models of its own"),
        (["-m", "model.forecast", "--of", "price"], 2, "target is 'price'; the model forecasts"),
        (["-m", "model.forecast", "--baseline", "ets"], 2, "baselines are ['ets']; there are"),
        (["-m", "model.forecast", "--cutoffs", 70], 1, "70 cutoffs need a series of more than"),
        (["-m", "absent.forecast"], 1, "absent.forecast"),
        (["-m", "model.forecast", "-o", "sales.csv"], 2, "would overwrite the table itself"),
        (["-m", "model.forecast", "-o", "no/such/out.csv"], 1, "there is no folder"),
        (["-m", "model.forecast", "--plot", "a.gif"], 2, "a picture's name must end in .png"),
        (["-m", "model.forecast", "-o", "-"], 2, "--out cannot be standard output"),
        (["--cutoffs", 100], 1, "100 cutoffs need a series of more than"),
        (["--layers", 1, "--dropout", 0.2], 2, "dropout is 0.2, but acts between layers"),
        (["-m", "model.forecast", "--levels", "0"], 2, "is not a list of percents"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(saved, words, status, message):  # noqa: ARG001
    result = run("sales.csv", "-n", 4, *words, status=status)

    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert message in errors[0]
    assert result.stdout == ""


@pytest.mark.usefixtures("small_backtests")
def test_one_of_several_targets_is_judged(make_model, make_random_panel):
    panel = make_random_panel([30], targets=2)
    model = make_model(panel)
    model.save("both.forecast")
    days = np.arange(30)
    table = pd.DataFrame(
        {"store": "a", "day": days, "sold": panel.target[:, 0], "came": panel.target[:, 1]}
    )
    table.to_csv("both.csv", index=False)

    words = ["both.csv", "-n", 3, "-m", "both.forecast", "--cutoffs", 2, "--json"]
    first, second = (json.loads(run(*words, *of).stdout) for of in ([], ["--of", "came"]))

    found = Model.load("both.forecast").backtest(table, 3, 2, target="came")
    assert second["overall"]["naive"]["mae"] == pytest.approx(found.overall.loc["naive", "mae"])
    assert first["overall"]["naive"]["mae"] != second["overall"]["naive"]["mae"]
