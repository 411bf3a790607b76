"""The example in JavaScript forecasts what the model does."""

import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecast import Model
from forecast.data.covariates import learn
from forecast.data.to_panel import to_panel
from forecast.datasets import load

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).parents[2] / "examples" / "onnx"


@pytest.fixture(scope="module")
def forecast_in_javascript(tmp_path_factory):
    """Runs the example with its packages, which are installed into a folder of their own."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed")
    folder = tmp_path_factory.mktemp("javascript") / "onnx"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("node_modules"))
    install = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"]
    done = subprocess.run(install, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"npm cannot install onnxruntime-web: {done.stderr[-200:]}")

    def run(model, table, horizon, without=()):
        for file in model.export(folder / "model"):
            if file.name in without:
                file.unlink()
        table.to_csv(folder / "table.csv", index=False)
        command = ["node", "forecast.mjs", "model", "table.csv", str(horizon)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return pd.read_csv(io.StringIO(done.stdout))

    return run


def assert_forecast(table, expected):
    assert list(table) == list(expected)
    for name in table.columns[:-1]:
        assert table[name].tolist() == expected[name].astype(str).tolist()
    np.testing.assert_allclose(table.iloc[:, -1], expected.iloc[:, -1], rtol=1e-5)


@pytest.fixture(scope="module")
def pretrained():
    """The pretrained network and theta, with the state after some rows of a table, and all rows."""
    air = load("air_passengers")
    return Model.untrained(to_panel(air[:130]), calibrated=False), air


def test_the_pretrained_network_and_theta_read_a_history(forecast_in_javascript, pretrained):
    model, air = pretrained

    assert_forecast(forecast_in_javascript(model, air, 18), model.predict(18, air))


def test_they_continue_a_series_that_they_know(forecast_in_javascript, pretrained):
    model, air = pretrained

    table = forecast_in_javascript(model, air, 18, without=["encode.onnx"])

    assert_forecast(table, model.update(air[130:]).predict(18))


def test_a_network_encodes_histories_and_takes_covariates(forecast_in_javascript, make_model):
    days, rng = pd.date_range("2023-11-30", periods=50), np.random.default_rng(3)
    shops = [
        pd.DataFrame(
            {
                "shop": name,
                "day": days,
                "sold": rng.gamma(4.0, 2.5, 50).round(3),
                "price": rng.random(50).round(3),
                "kind": rng.choice(["sale", "usual"], 50),
                "region": name[0],
            }
        )
        for name in ("north", "south")
    ]
    table = pd.concat([shops[0], shops[1][9:]], ignore_index=True).drop(index=[5, 60])
    is_past = table["day"] < days[44]
    past, future = table[is_past], table[~is_past].drop(columns="sold")
    panel = to_panel(past, target="sold", known=("price", "kind"), static=("region",))
    known, static = (learn(part, "the table") for part in (panel.known, panel.static))
    choices = {"cycles": ("week", "year"), "lags": (7,), "known": known, "static": static}
    model = make_model(panel, network="attention", reads=20, **choices)

    forecast = forecast_in_javascript(model, table.assign(sold=table["sold"].where(is_past)), 6)

    assert_forecast(forecast, model.predict(6, past, future=future))
