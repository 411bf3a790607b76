"""The small installation: all but training, without TensorFlow, at a tenth of the size."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from forecast.cli import main

pytestmark = pytest.mark.slow

MAX_SIZE = 250e6  # bytes
LEFT_OUT = ("tensorflow", "keras", "sklearn", "scipy", "pyarrow", "matplotlib")
MODEL = """
from forecast import Model
from forecast.data.io.tables import read_table
from forecast.data.to_panel import to_panel
Model.untrained(to_panel(*read_table("air.csv"))).save("model.forecast")
"""
STORE = """
from forecast import load
from forecast.data.io.tables import read_table
from forecast.engines.state_store import StateStore
model = load("model.forecast")
with StateStore("states.db", model) as store:
    print(store.update(read_table("air.csv").frame), len(store))
    print(store.states(model.state.ids.tolist()).ids)
"""
STREAM = """
import json
import subprocess
import sys
from pathlib import Path
from forecast import load
model = load("{}.forecast")
stream = model.stream(quantiles=(0.1, 0.9))
steps = [next(stream).quantiles for _ in range(3)]
paths = model.rollout(3, paths=2).path_table.iloc[:, -1]
print(json.dumps([*steps[-1].ravel().tolist(), *paths.tolist()]))
"""
FORECASTER = """
import forecast
from forecast import *
try:
    forecast.Forecaster
except ImportError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def sold(sales, make_model, small):
    """The environment with a table, and models of two heads that draw by quantiles."""
    from forecast.data.to_panel import to_panel

    sales.to_csv(small.work / "sales.csv", index=False)
    for head in ("student_t", "negative_binomial"):
        model = make_model(
            to_panel(sales.assign(sold=sales["sold"].round().abs())), head=head, lags=(7,)
        )
        model.save(small.work / f"{head}.forecast")
    return small


@pytest.fixture(scope="module")
def air(small):
    """The environment with a table, and a model of it that was made without training."""
    small.forecast("datasets", "air_passengers", "--out", "air.csv")
    small.python(MODEL)
    return small


def here(folder, *arguments):
    """What the command of this environment prints in another one's folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("forecast.evaluation.rolling_origin.is_installed", lambda: False)
        result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def same_tables(first, second):
    first, second = (pd.read_csv(io.StringIO(text)) for text in (first, second))
    pd.testing.assert_frame_equal(first, second, rtol=1e-5)


def test_it_is_small_and_has_no_library_of_a_training(small):
    code = f"from importlib.util import find_spec; print([*map(find_spec, {LEFT_OUT})])"

    assert small.python(code).strip() == str([None] * len(LEFT_OUT))
    assert small.size() < MAX_SIZE


def test_forecasts_are_those_of_the_full_installation(air):
    for arguments in (
        ("predict", "air.csv", "--horizon", "12", "--levels", "80,95"),
        ("predict", "--model", "model.forecast", "--horizon", "12"),
        ("backtest", "air.csv", "--model", "pretrained", "--horizon", "6"),
    ):
        printed = air.forecast(*arguments)

        assert len(printed.splitlines()) > 5
        if arguments[0] == "predict":
            same_tables(printed, here(air.work, *arguments))
        else:
            assert printed == here(air.work, *arguments)


def test_new_rows_are_taken_in(air):
    row = "ds,y\n1961-01-01,450\n"
    (air.work / "new.csv").write_text(row)

    (air.work / "later.forecast").write_bytes((air.work / "model.forecast").read_bytes())

    air.forecast("update", "new.csv", "--model", "later.forecast")

    after = air.forecast("predict", "--model", "later.forecast", "--horizon", "1")
    assert after.splitlines()[1].startswith("1961-02-01,")


def test_it_inspects_and_reports(air):
    air.forecast("report", "air.csv", "--model", "pretrained", "--out", "report.html")

    assert "56,978 weights" in air.forecast("inspect", "model.forecast")
    assert "LSTM units" in air.forecast("inspect", "pretrained")
    assert "uPlot" in (air.work / "report.html").read_text()


def test_states_are_kept_in_a_store(air):
    assert air.python(STORE).strip() == "Updated(rows=144, seen=0, series=1, new=1) 1\n['y']"


@pytest.mark.parametrize("head", ["student_t", "negative_binomial"])
def test_streams_and_sample_paths_are_those_of_the_full_installation(sold, head, capsys):
    code = STREAM.format(sold.work / head)

    printed = json.loads(sold.python(code))

    exec(code, {})
    np.testing.assert_allclose(printed, json.loads(capsys.readouterr().out), rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ("train", "air.csv"),
            "training needs the full installation: pip install forecast-rollout",
        ),
        (("tune", "air.csv"), "training needs the full installation: pip install forecast-rollout"),
        (
            ("plot", "forecast", "air.csv", "--model", "pretrained", "--out", "air.png"),
            "pictures need Matplotlib; install it with: pip install 'forecast-rollout-small[plot]'",
        ),
    ],
)
def test_what_it_cannot_do_is_said_in_one_line(air, arguments, line):
    done = air.run("forecast", *arguments)

    assert done.returncode != 0
    assert done.stderr.splitlines()[-1] == f"Error: {line}"
    assert "Traceback" not in done.stderr


def test_a_parquet_file_says_what_to_install(air):
    pd.DataFrame({"ds": ["2024-01-01"], "y": [1.0]}).to_parquet(air.work / "table.parquet")

    done = air.run("forecast", "predict", "table.parquet", "--horizon", "1")

    assert "pip install 'forecast-rollout-small[" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_forecaster_says_what_it_needs(small):
    assert small.python(FORECASTER).strip() == (
        "a Forecaster trains, and training needs the full installation: pip install "
        "forecast-rollout"
    )


SERVICE = """
from fastapi.testclient import TestClient
from forecast.service.app import create_app
from forecast.service.settings import Settings
with TestClient(create_app(Settings.of(("model.forecast",), ""))) as client:
    row = {"ds": "1961-01-01", "y": 450}
    print(client.post("/observe", json={"rows": [row]}).json()["rows"])
    answer = client.post("/predict", json={"horizon": 2, "levels": [80]}).json()
    print([row["ds"] for row in answer["forecast"]])
    chart = client.post("/chart", json={"series": "y"})
    print(chart.status_code, client.get("/").status_code)
"""


def test_without_the_extra_the_service_says_what_to_install(air):
    done = air.run("forecast", "serve", "model.forecast", "--port", "0")

    assert done.stderr.splitlines() == [
        "Error: uvicorn is not installed; install it with: "
        "pip install 'forecast-rollout-small[serve]'"
    ]


def test_it_serves_with_the_extra(air):
    command = [sys.executable, "-m", "pip", "--python", air.folder / "bin" / "python", "install"]
    libraries = ["fastapi", "httpx2", "prometheus-client", "uvicorn"]
    constraint = ["--constraint", Path(__file__).parents[2] / "constraints.txt"]
    subprocess.run([*command, "--quiet", *constraint, *libraries], check=True)

    printed = air.python(SERVICE)

    assert printed.splitlines() == ["1", "['1961-02-01', '1961-03-01']", "200 200"]
