"""`forecast explain`."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from forecast.cli import main
from forecast.data.covariates import learn
from forecast.data.to_panel import to_panel

pytestmark = pytest.mark.usefixtures("files")


@pytest.fixture
def files(make_model, sales, tmp_path, monkeypatch):
    """A history, a future and a model of both, in the current folder."""
    monkeypatch.chdir(tmp_path)
    table = sales.assign(price=np.arange(len(sales)) % 3 + 1.0)
    panel = to_panel(table, known=["price"], target="sold")
    model = make_model(panel, lags=(7,), known=learn(panel.known, "the table"))
    model.save("model.forecast")
    table.to_csv("sales.csv", index=False)
    days = pd.date_range("2024-03-01", periods=5)
    pd.DataFrame({"day": days, "price": 2.0}).to_csv("prices.csv", index=False)
    return model


def explain(*words):
    return CliRunner().invoke(main, ["explain", "sales.csv", "-n", "5", *words])


def test_the_effects_are_said_kind_by_kind():
    result = explain("--future", "prices.csv")

    lines = result.stdout.splitlines()
    assert result.exit_code == 0, result.stderr
    assert lines[0].startswith("Mean absolute effect on sold over 5 steps of 2 series")
    assert [line.split(",")[0] for line in lines[1:5]] == [
        "future covariates",
        "covariates in the history",
        "lagged inputs of the forecast steps",
        "stretches of the history",
    ]


def test_json_and_the_table_hold_what_python_gives(files):
    result = explain("--future", "prices.csv", "--json", "--out", "effects.csv", "--draws", "8")

    history, future = (
        pd.read_csv(name, parse_dates=["day"]) for name in ("sales.csv", "prices.csv")
    )
    expected = files.explain(5, history, future=future, draws=8)
    printed = json.loads(result.stdout)
    assert printed["target"] == "sold"
    factors = pd.DataFrame(printed["factors"])
    pd.testing.assert_frame_equal(factors, expected.summary, check_dtype=False)
    written = pd.read_csv("effects.csv", parse_dates=["day"])
    pd.testing.assert_frame_equal(written, expected.table, check_dtype=False)


def test_one_series_is_explained_on_request():
    result = explain("--future", "prices.csv", "--series", "south", "--out", "effects.csv")

    assert result.exit_code == 0
    assert set(pd.read_csv("effects.csv")["store"]) == {"south"}


def test_the_pretrained_network_is_explained_without_training():
    result = explain("--model", "pretrained", "--target", "sold")

    assert result.exit_code == 0, result.stderr
    assert "No training" in result.stderr
    assert "stretches of the history" in result.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "the model takes the future covariates ['price']"),
        (
            ("--future", "prices.csv", "--of", "price"),
            "target is 'price'; the model forecasts sold",
        ),
        (("--future", "prices.csv", "--out", "-"), "--out cannot be standard output"),
        (("--future", "prices.csv", "--out", "sales.csv"), "would overwrite the table itself"),
        (
            ("--future", "prices.csv", "--plot", "effects.txt"),
            "effects.txt: a picture's name must end in",
        ),
    ],
)
def test_what_cannot_be_explained_is_one_line(words, message):
    result = explain(*words)

    assert result.exit_code > 0
    assert message in result.stderr.splitlines()[-1]
    assert result.stderr.splitlines()[-1].startswith("Error: ")


@pytest.mark.slow
def test_the_effects_are_drawn():
    assert explain("--future", "prices.csv", "--plot", "effects.png").exit_code == 0

    assert Path("effects.png").read_bytes().startswith(b"\x89PNG")
