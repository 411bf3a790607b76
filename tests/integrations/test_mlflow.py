"""Models as a flavour of MLflow: saved, logged, served, on Spark; trainings that log themselves."""

import doctest
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import warnings
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from pyspark.sql import functions

import forecast
from forecast import ArtifactError, DataError, Forecaster, Model
from forecast.cli import main
from forecast.data.to_panel import to_panel

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of MLflow, about type hints of its own
    from forecast.integrations.mlflow import (
        autolog,
        load_model,
        log_model,
        requirements,
        save_model,
    )

pytestmark = [
    pytest.mark.slow,
    # of MLflow 3.17 and of the libraries that it imports
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning:mlflow"),
    pytest.mark.filterwarnings("ignore::UserWarning:mlflow"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

RTOL = 1e-6  # of series that are forecast alone rather than together, in single precision


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    """A store of its own for each test, in whose folder it works."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address := f"sqlite:///{tmp_path / 'mlflow.db'}")
    mlflow.set_tracking_uri(address)
    yield
    while mlflow.active_run():
        mlflow.end_run()
    autolog(disable=True)
    mlflow.set_tracking_uri(None)


def priced(table):
    """The table with a price that is known in advance."""
    return table.assign(price=np.arange(len(table)) % 3 + 1.0)


def model_for(make_model, table, **roles):
    """A model of random weights, as it is after the rows of a table."""
    from forecast.data.covariates import learn

    panel = to_panel(table, **roles)
    known, static = (learn(part, "the table") for part in (panel.known, panel.static))
    choices = {"head": "student_t", "lags": (7,), "horizon": 5}
    return make_model(panel, known=known, static=static, **choices)


@pytest.fixture
def model(make_model, sales):
    return model_for(make_model, sales)


def pyfunc_of(model, path="saved"):
    save_model(model, path)
    return mlflow.pyfunc.load_model(str(path))


# Saved and loaded


def test_a_saved_model_forecasts_the_same(model, sales):
    save_model(model, "saved")

    again = load_model("saved")

    assert isinstance(again, Model)
    assert again.predict(5, sales[:100], levels=80).equals(model.predict(5, sales[:100], levels=80))


def test_a_logged_and_registered_model_forecasts_the_same_by_every_name(model, sales):
    with mlflow.start_run():
        info = log_model(model, registered_model_name="stores")

    for uri in (info.model_uri, "models:/stores/1"):
        assert load_model(uri).predict(3).equals(model.predict(3))
        pyfunc = mlflow.pyfunc.load_model(uri)
        assert pyfunc.predict(sales, params={"horizon": 3}).equals(model.predict(3, sales))
        assert pyfunc.get_raw_model().predict(2).equals(model.predict(2))


def test_what_a_saved_model_requires_has_no_library_that_only_trains(model):
    save_model(model, "saved")

    lines = Path("saved/requirements.txt").read_text().splitlines()

    assert {*requirements()} <= {*lines}
    assert not [line for line in lines if line.startswith(("tensorflow", "keras", "scikit-learn"))]


def test_a_loaded_model_forecasts_without_libraries_that_only_train(model):
    save_model(model, "saved")
    code = (
        "import sys, mlflow, pandas\n"
        "mlflow.pyfunc.load_model('saved').predict(pandas.DataFrame())\n"
        "assert not {'tensorflow', 'keras', 'matplotlib'} & {*sys.modules}\n"
        "assert 'forecast.forecaster' not in sys.modules"
    )

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert run.returncode == 0, run.stderr


def test_a_model_of_another_flavour_is_refused():
    class Nothing(mlflow.pyfunc.PythonModel):
        def predict(self, model_input):
            return model_input

    mlflow.pyfunc.save_model("other", python_model=Nothing(), pip_requirements=[])

    with pytest.raises(ArtifactError, match="has the flavours python_function but not forecast"):
        load_model("other")


# A table in, a table out


def test_parameters_are_those_of_a_rollout(model, sales):
    pyfunc = pyfunc_of(model)

    assert len(pyfunc.predict(sales)) == 2 * model.config.horizon
    with_levels = pyfunc.predict(sales, params={"horizon": 3, "levels": [80, 95]})
    assert with_levels.equals(model.predict(3, sales, levels=(80, 95)))
    drawn = pyfunc.predict(sales, params={"horizon": 3, "paths": 4, "seed": 7})
    assert drawn.equals(model.rollout(3, sales, paths=4, seed=7).path_table)


def test_without_a_history_the_models_own_state_is_continued(model):
    pyfunc = pyfunc_of(model)
    everything, south = (model.predict(5, series=names) for names in (None, ["south"]))

    assert pyfunc.predict(pd.DataFrame()).equals(everything)
    assert pyfunc.predict(pd.DataFrame({"store": ["south"]})).equals(south)
    with pytest.raises(DataError, match=r"no series \['east'\]"):
        pyfunc.predict(pd.DataFrame({"store": ["east"]}))


def test_rows_behind_the_history_give_the_future_covariates(make_model, sales):
    table = priced(sales)
    model = model_for(make_model, table, known=["price"])
    past = table[table["day"] < table["day"].max() - pd.Timedelta(days=4)]
    prepared = table.assign(sold=table["sold"].where(table.index.isin(past.index)))
    expected = model.predict(5, past, future=table.drop(columns="sold"))

    assert pyfunc_of(model).predict(prepared).equals(expected)


def test_rows_without_any_value_are_the_future_of_the_models_own_state(make_model, sales):
    model = model_for(make_model, priced(sales), known=["price"])
    days = pd.date_range(sales["day"].max(), periods=6)[1:]
    future = pd.DataFrame({"day": days, "price": [1.0, 2.0, 3.0, 2.0, 1.0]})
    pyfunc = pyfunc_of(model)

    forecast = pyfunc.predict(future.assign(sold=np.nan))

    assert forecast.equals(model.predict(5, future=future))


def test_a_table_whose_target_is_missing_is_refused_instead_of_left_out(model, sales):
    with pytest.raises(DataError, match="the table has times but no column 'sold'"):
        pyfunc_of(model).predict(sales.rename(columns={"sold": "Sold"}))


def layouts(sales):
    """One table in every layout that a model can have been trained on."""
    one = sales[sales["store"] == "north"].drop(columns="store")
    wide = sales.pivot(index="day", columns="store", values="sold")
    return {
        "long": sales,
        "whole numbers": sales.assign(sold=sales["sold"].round().astype(int)),
        "text": sales.assign(day=sales["day"].dt.strftime("%d.%m.%Y")),
        "numbered": sales.assign(day=(sales["day"] - sales["day"].min()).dt.days),
        "zoned": sales.assign(day=sales["day"].dt.tz_localize("Europe/Berlin")),
        "one series": one,
        "indexed": one.set_index("day"),
        "a Series": one.set_index("day")["sold"],
        "wide": wide.reset_index(),
        "wide and indexed": wide,
    }


@pytest.mark.parametrize("layout", ["long", "whole numbers", "text", "numbered", "zoned"])
def test_a_long_table_of_any_kind_of_times_and_numbers_is_taken(layout, make_model, sales):
    table = layouts(sales)[layout]
    model = model_for(make_model, table)

    assert pyfunc_of(model).predict(table).equals(model.predict(5, table))


@pytest.mark.parametrize(
    "layout", ["one series", "indexed", "a Series", "wide", "wide and indexed"]
)
def test_a_table_of_another_layout_is_taken_as_columns(layout, make_model, sales):
    table = layouts(sales)[layout]
    model = model_for(make_model, table)
    flat = table.reset_index() if layout in ("indexed", "a Series", "wide and indexed") else table

    assert pyfunc_of(model).predict(flat).equals(model.predict(5, table))


def test_a_table_with_times_across_the_top_is_taken(make_model, sales):
    across = sales.pivot(index="store", columns="day", values="sold")
    across.columns = across.columns.strftime("%Y-%m-%d")
    table = across.rename_axis(columns=None).reset_index()
    model = model_for(make_model, table)

    assert pyfunc_of(model).predict(table).equals(model.predict(5, table))


def test_the_example_of_a_model_is_a_table_that_it_takes(make_model, sales):
    table = priced(sales).assign(region=sales["store"].str[0])
    model = model_for(make_model, table, known=["price"], static=["region"])
    pyfunc = pyfunc_of(model)

    example = pyfunc.input_example

    assert example.columns.tolist() == ["store", "day", "sold", "price", "region"]
    north = example["sold"][example["store"] == "north"].dropna()
    np.testing.assert_allclose(north.mean(), sales["sold"][:60].mean(), rtol=0.2)
    assert not {*north} & {*sales["sold"]}  # no real value is shown to all who see the model
    assert len(pyfunc.predict(example)) == 2 * 5


def test_a_row_of_lists_holds_a_whole_series(model, sales):
    nested = sales.groupby("store", as_index=False).agg(list)[::-1]

    rows = pyfunc_of(model).predict(nested, params={"horizon": 3})

    flat = rows.explode(["day", "forecast"]).sort_values(["store", "day"])
    assert rows["store"].tolist() == ["south", "north"]
    np.testing.assert_allclose(flat["forecast"].tolist(), model.predict(3, sales)["forecast"], RTOL)


# Served


@contextmanager
def served(path):
    """The address of a saved model, served as `mlflow models serve` does."""
    script = Path("bin/uvicorn")  # which MLflow looks for on the path; this one has our Python
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -m uvicorn "$@"\n')
    script.chmod(0o755)
    port = free_port()
    words = [sys.executable, "-m", "mlflow", "models", "serve", "-m", path, "-p", str(port)]
    with Path("server.txt").open("w") as log:
        process = subprocess.Popen(
            [*words, "--env-manager", "local"],
            stdout=log,
            stderr=log,
            env={**os.environ, "PATH": f"{script.parent.absolute()}:{os.environ['PATH']}"},
            start_new_session=True,
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/ping", process)
        yield f"http://127.0.0.1:{port}/invocations"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def wait_for(address, process):
    for _ in range(120):
        assert process.poll() is None, Path("server.txt").read_text()
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise TimeoutError(Path("server.txt").read_text())


def ask(address, body):
    """The predictions that a server answers with."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(address, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return pd.DataFrame(json.load(answer)["predictions"])


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_a_served_model_answers_as_predict_does(make_model, sales):
    table = sales.assign(sold=sales["sold"].round())  # whole numbers, as JSON may have them
    model = model_for(make_model, table)
    save_model(model, "saved")
    rows = json.loads(
        table.assign(
            day=table["day"].dt.strftime("%Y-%m-%d"), sold=table["sold"].astype(int)
        ).to_json(orient="records")
    )

    with served("saved") as address:
        answer = ask(address, {"dataframe_records": rows, "params": {"horizon": 3, "levels": [80]}})
        own_state = ask(address, {"dataframe_records": [], "params": {"horizon": 2}})

    expected = model.predict(3, table, levels=80)
    answer["day"] = pd.to_datetime(answer["day"])
    pd.testing.assert_frame_equal(answer, expected, check_dtype=False, rtol=RTOL)
    assert own_state["forecast"].tolist() == model.predict(2)["forecast"].tolist()


# On Spark


@pytest.mark.filterwarnings("ignore")
def test_on_spark_a_row_with_lists_gives_a_row_with_lists(model, sales, spark):
    save_model(model, "saved")
    udf = mlflow.pyfunc.spark_udf(
        spark,
        str(Path("saved").absolute()),
        result_type="struct<day: array<string>, forecast: array<double>>",
        params={"horizon": 3},
        env_manager="local",
    )
    lists = (functions.collect_list(name).alias(name) for name in ("day", "sold"))
    nested = spark.createDataFrame(sales).groupBy("store").agg(*lists)

    answer = nested.select("store", udf(functions.struct("store", "day", "sold")).alias("next"))

    rows = answer.orderBy("store").toPandas()["next"]
    expected = model.predict(3, sales)
    np.testing.assert_allclose(
        [*chain(*(row["forecast"] for row in rows))], expected["forecast"], RTOL
    )
    assert [day[:10] for row in rows for day in row["day"]] == [*expected["day"].astype(str)]


@pytest.mark.filterwarnings("ignore")
def test_on_spark_the_rows_of_a_series_are_forecast_together_through_pandas(model, sales, spark):
    pyfunc = pyfunc_of(model)

    def forecast(rows):
        return pyfunc.predict(rows, params={"horizon": 3})

    schema = "store string, day timestamp_ntz, forecast double"
    answer = spark.createDataFrame(sales).groupBy("store").applyInPandas(forecast, schema)

    found = answer.orderBy("store", "day").toPandas()
    np.testing.assert_allclose(found["forecast"], model.predict(3, sales)["forecast"], RTOL)


# Trainings that log themselves


def only_run():
    runs = mlflow.search_runs(output_format="list", search_all_experiments=True)
    assert len(runs) == 1
    return runs[0]


def artifacts_of(run):
    return {file.path for file in mlflow.MlflowClient().list_artifacts(run.info.run_id)}


def history_of(run, name):
    return [
        (m.step, m.value) for m in mlflow.MlflowClient().get_metric_history(run.info.run_id, name)
    ]


@pytest.mark.usefixtures("eager")
def test_a_training_logs_itself_to_a_run_of_its_own(sales):
    autolog(extra_tags={"team": "stores"})

    forecaster = Forecaster(steps=3, units=3, head="student_t", seed=1).fit(sales)

    run, record = only_run(), forecaster.model_.record
    assert run.info.status == "FINISHED"
    assert run.data.tags["team"] == "stores"
    assert run.data.params["units"] == "3"
    assert run.data.params["learning_rate"] == str(record.plan.learning_rate)
    assert run.data.metrics["holdout_mase"] == record.comparison.mase
    assert run.data.metrics["coverage_80"] == record.coverage["80"]
    assert history_of(run, "training_loss") == [(p.step, p.loss) for p in record.rounds]
    assert artifacts_of(run) == {"report.html", "training.json"}
    address = f"runs:/{run.info.run_id}/training.json"
    assert mlflow.artifacts.load_dict(address) == json.loads(json.dumps(record.to_json()))
    logged = load_model(f"runs:/{run.info.run_id}/model")
    assert logged.predict(4).equals(forecaster.predict(4))


@pytest.mark.usefixtures("untrained")
def test_a_training_within_a_run_is_logged_to_it_and_leaves_it_open(sales):
    autolog(log_models=False)

    with mlflow.start_run() as run:
        Forecaster(steps=1).fit(sales)
        assert mlflow.active_run().info.run_id == run.info.run_id

    assert "training.json" in artifacts_of(only_run())
    assert mlflow.search_logged_models(output_format="list") == []


@pytest.mark.usefixtures("untrained")
def test_no_training_is_logged_after_autologging_is_disabled(sales):
    fit = Forecaster.fit
    autolog()
    assert Forecaster.fit is not fit
    autolog(disable=True)

    Forecaster(steps=1).fit(sales)

    assert mlflow.search_runs(output_format="list") == []


@pytest.mark.usefixtures("untrained")
def test_a_training_goes_on_where_it_cannot_be_logged(sales, monkeypatch):
    autolog()
    monkeypatch.setattr("mlflow.log_params", lambda _: 1 / 0)

    forecaster = Forecaster(steps=1).fit(sales)

    assert len(forecaster.predict(2)) == 4


@pytest.mark.usefixtures("untrained")
def test_an_error_of_a_training_is_the_users_own(sales):
    autolog()

    with pytest.raises(DataError, match="no column"):
        Forecaster(steps=1, target="price").fit(sales)

    assert only_run().info.status == "FAILED"


@pytest.mark.usefixtures("untrained", "small_backtests")
def test_a_tuning_is_logged_with_its_trials_once(sales):
    autolog(log_models=False)

    forecaster = Forecaster(steps=1).tune(sales, space={"units": [2, 4]}, trials=2, budget="60s")

    run = only_run()
    assert run.data.params["units"] == str(forecaster.units)
    assert "tuning.csv" in artifacts_of(run)


@pytest.mark.usefixtures("untrained")
def test_the_network_without_training_logs_its_options_and_the_model(sales):
    autolog()

    forecaster = Forecaster(steps=0).fit(sales)

    run = only_run()
    assert run.data.params["steps"] == "0"
    assert load_model(f"runs:/{run.info.run_id}/model").predict(3).equals(forecaster.predict(3))


# On the command line


@pytest.mark.usefixtures("untrained")
def test_a_training_on_the_command_line_is_logged_on_request(sales):
    sales.to_csv("sales.csv", index=False)

    result = CliRunner().invoke(main, ["train", "sales.csv", "--steps", "1", "--mlflow", "--json"])

    run = only_run()
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["library"]  # and nothing else
    assert f"Logged the training to MLflow, run {run.info.run_id} at sqlite:///" in result.stderr
    logged = load_model(f"runs:/{run.info.run_id}/model")
    assert logged.predict(3).equals(forecast.load("model.forecast").predict(3))


@pytest.mark.usefixtures("untrained")
def test_a_training_on_the_command_line_is_not_logged_without_request(sales):
    sales.to_csv("sales.csv", index=False)

    assert CliRunner().invoke(main, ["train", "sales.csv", "--steps", "1"]).exit_code == 0

    assert mlflow.search_runs(output_format="list") == []


@pytest.mark.parametrize("store", ["nosuch://place", "sqlite:///broken.db"])
def test_a_store_that_cannot_be_used_is_one_line_before_the_training(sales, store):
    sales.to_csv("sales.csv", index=False)
    Path("broken.db").write_bytes(b"no database" * 100)
    mlflow.set_tracking_uri(store)

    result = CliRunner().invoke(main, ["train", "sales.csv", "--mlflow"])

    assert result.exit_code == 1
    line = result.stderr.splitlines()[-1]
    assert line.startswith("Error: --mlflow: ")
    assert "this is a bug" not in line
    assert not Path("model.forecast").exists()


# Without MLflow


def test_without_mlflow_one_line_says_how_to_install_it(monkeypatch, sales):
    for name in [name for name in sys.modules if name.startswith("forecast.integrations.mlflow.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    sales.to_csv("sales.csv", index=False)

    with pytest.raises(ImportError, match=r"pip install 'forecast-rollout\[mlflow\]'"):
        importlib.import_module("forecast.integrations.mlflow").save_model  # noqa: B018
    result = CliRunner().invoke(main, ["train", "sales.csv", "--mlflow"])

    assert result.stderr.splitlines()[-1] == (
        "Error: --mlflow needs the package mlflow; install it with: "
        "pip install 'forecast-rollout[mlflow]'"
    )


# The page


@pytest.mark.usefixtures("untrained")
def test_the_examples_of_the_page_are_true():
    page = Path(__file__).parents[2] / "docs/mlflow.md"

    outcome = doctest.testfile(str(page), module_relative=False)

    assert outcome.attempted > 10
    assert outcome.failed == 0
