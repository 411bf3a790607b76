"""`forecast monitor` on models of random weights."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from forecast.cli import main
from forecast.data.to_panel import to_panel

DAYS = pd.date_range("2024-01-01", periods=200)


def run(*arguments, status=0):
    result = CliRunner().invoke(main, ["monitor", *map(str, arguments)])
    assert result.exit_code == status, result.output
    return result


@pytest.fixture(autouse=True)
def folder(make_model, tmp_path, monkeypatch):
    """A model of the first 100 rows of a store in the current folder, sound and broken tables."""
    monkeypatch.chdir(tmp_path)
    sold = 10 + np.random.default_rng(1).normal(0, 0.5, 200)
    table = pd.DataFrame({"store": "north", "day": DAYS, "sold": sold})
    make_model(to_panel(table[:100]), season=7, lags=(7,), context=60, horizon=7).save(
        "model.forecast"
    )
    table.to_csv("newer.csv", index=False)
    table.assign(sold=sold + 5.0 * (np.arange(200) >= 150)).to_csv("broken.csv", index=False)


def test_a_sound_table_ends_with_what_to_do():
    before = Path("model.forecast").read_bytes()
    result = run("newer.csv")

    lines = result.stdout.splitlines()
    assert lines[0] == "Followed 100 rows of 1 series."
    assert lines[2].split()[:2] == ["rows", "MASE"]
    assert lines[3].split()[:2] == ["north", "100"]
    assert lines[-1] == "No alarm on 100 rows: update is enough."
    assert Path("model.forecast").read_bytes() == before


def test_a_break_is_named_and_changes_the_status_only_where_that_is_asked_for():
    shown = run("broken.csv").stdout
    failed = run("broken.csv", "--fail-on-alarm", status=3).stdout

    assert "The level of series 'north' has been " in shown
    assert shown.endswith(": train again with the new rows.\n")
    assert failed == shown
    run("newer.csv", "--fail-on-alarm")


def test_json_has_everything_as_plain_values():
    found = json.loads(run("broken.csv", "--json").stdout)

    assert found["needs_training"] is True
    assert found["series"][0]["store"] == "north"
    assert found["overall"]["rows"] == 100
    assert found["alarms"][0]["test"] == "level up"
    assert abs(pd.Timestamp(found["alarms"][0]["since"]) - DAYS[150]).days <= 1
    assert found["alarms"][0]["sentence"].startswith("The level of series 'north'")
    assert (found["window"], found["horizon"], found["rows_between"]) == (56, 7, 10_000)


def test_a_picture_is_drawn():
    run("broken.csv", "--plot", "monitor.png")

    assert Path("monitor.png").read_bytes().startswith(b"\x89PNG")


def test_the_pretrained_network_needs_a_table_alone():
    result = run("newer.csv", "--model", "pretrained", "--since", DAYS[120].date())

    assert "Followed 80 rows of 1 series." in result.stdout
    assert "No training: the pretrained network forecasts" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message", "status"),
    [
        (["gone.csv"], "gone.csv", 1),
        (["newer.csv", "--model", "gone.forecast"], "there is no model file gone.forecast", 1),
        (["newer.csv", "--since", "never"], "since is 'never'; give a time", 2),
        (["newer.csv", "--of", "price"], "target is 'price'; the model forecasts sold", 2),
        (["newer.csv", "--plot", "picture.bmp"], "picture.bmp", 2),
        (["newer.csv", "--season", "7"], "--season tells the pretrained network", 2),
        (["newer.csv", "--plot", "newer.csv"], "would overwrite the table itself", 2),
    ],
)
def test_bad_input_is_refused_in_one_line(arguments, message, status):
    stderr = run(*arguments, status=status).stderr.splitlines()

    assert message in stderr[-1]
    assert stderr[-1].startswith("Error: ")


def test_a_gap_is_refused_unless_it_is_to_be_filled():
    pd.read_csv("newer.csv")[105:].to_csv("late.csv", index=False)

    assert "--fill-gaps" in run("late.csv", status=1).stderr
    assert run("late.csv", "--fill-gaps").stdout.startswith("Followed 95 rows")
