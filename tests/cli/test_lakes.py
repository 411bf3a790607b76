import re

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from forecast.cli import main
from forecast.data.to_panel import to_panel

CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def run(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def table(tmp_path, monkeypatch, make_shops):
    """Sales of shops, in the current folder as Parquet files of a few days each."""
    monkeypatch.chdir(tmp_path)
    table = make_shops(7)
    (tmp_path / "lake").mkdir()
    for day, rows in table.groupby(table["day"].dt.day // 10):
        rows.to_parquet(f"lake/{day}.parquet", index=False)
    table.to_csv("lake.csv", index=False)
    return table


@pytest.fixture
def model(table, make_model):
    model = make_model(to_panel(table), lags=(1, 3), head="student_t")
    model.save("m.forecast")
    return model


def read(folder):
    return pd.concat([pd.read_parquet(part) for part in sorted(folder.iterdir())])


def assert_same(found, expected):
    assert (
        found[["shop", "day"]].to_numpy().tolist() == expected[["shop", "day"]].to_numpy().tolist()
    )
    np.testing.assert_allclose(found.iloc[:, 2:], expected.iloc[:, 2:], **CLOSE)


def test_parquet_files_are_forecast_into_a_folder(tmp_path, table, model):
    words = ["predict", "lake/*.parquet", "--model", "m.forecast", "-n", 3, "--levels", "80"]

    first = run(*words, "--out", "out/")
    again = run(*words, "--out", "out")  # which is a folder by now

    assert first.exit_code == 0, first.output
    assert first.stderr == "Wrote out/: 1 file, 21 rows.\n"
    assert again.stderr == "out has all of this forecast: 1 file, 21 rows.\n"
    assert_same(read(tmp_path / "out"), model.predict(3, table, levels=80))


def test_states_are_made_updated_and_forecast(tmp_path, table, model):
    made = run("update", "lake/0.parquet", "--model", "m.forecast", "--states", "all.states")
    assert made.exit_code == 0, made.output
    assert "Took in 63 rows of 7 series, 7 of them new." in made.stderr
    both = run("update", "lake/*.parquet", "--model", "m.forecast", "--states", "all.states")
    assert "Took in 77 rows of 7 series, 63 seen before." in both.stderr
    csv = run("update", "lake.csv", "--model", "m.forecast", "--states", "all.states")
    assert "Took in 0 rows of 7 series, 140 seen before." in csv.stderr

    words = ["predict", "--model", "m.forecast", "--states", "all.states", "-n", 3]
    found = run(*words, "--out", "out/")

    assert found.exit_code == 0, found.output
    first = table["day"] < "2024-01-10"
    expected = model.observe(model.encode(table[first]), table[~first])
    assert_same(read(tmp_path / "out"), model.predict(3, state=expected))


def test_what_a_forecast_warns_of_is_said_once(table, make_model):
    make_model(to_panel(table), horizon=2).save("short.forecast")
    made = run("update", "lake.csv", "--model", "short.forecast", "--states", "all.states")
    assert made.exit_code == 0, made.output
    words = ["predict", "--model", "short.forecast", "-n", 5, "--out"]

    for more in (["out/", "lake/0.parquet"], ["tonight/", "--states", "all.states"]):
        outcome = run(*words, *more)

        assert outcome.exit_code == 0, outcome.output
        assert outcome.stderr.count("training practised 2 of the 5 steps") == 1


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas")
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # Spark's socket to Java stays open
@pytest.mark.filterwarnings("ignore::DeprecationWarning:ray")  # of its own settings
@pytest.mark.parametrize("engine", ["dask", "spark", "ray"])
def test_an_engine_forecasts_and_says_what_is_wrong_in_one_line(
    tmp_path, table, model, engine, request
):
    fixture, *setting = {
        "dask": ("table", "scheduler=threads"),
        "spark": ("spark", "sql.shuffle.partitions=2"),
        "ray": ("ray_data", "num_cpus=2"),
    }[engine]
    request.getfixturevalue(fixture)  # a session that stays
    pd.concat([table, table.tail(1)]).to_parquet(tmp_path / "twice.parquet", index=False)
    words = ["--model", "m.forecast", "-n", 3, "--engine", engine, "--engine-option", *setting]

    done = run("predict", f"{tmp_path}/lake/*.parquet", *words, "--out", f"{tmp_path}/out/")
    again = run("predict", f"{tmp_path}/lake/*.parquet", *words, "--out", f"{tmp_path}/out/")
    bad = run("predict", f"{tmp_path}/twice.parquet", *words, "--out", f"{tmp_path}/bad/")

    assert done.exit_code == 0, done.output
    assert re.fullmatch(rf"Wrote {tmp_path}/out/: \d files?, 21 rows.\n", done.stderr)
    found = pd.concat([pd.read_parquet(part) for part in (tmp_path / "out").glob("*.parquet")])
    assert_same(found.sort_values(["shop", "day"]), model.predict(3, table))
    assert again.exit_code == 1
    assert "out holds something; name another folder, or empty it" in again.stderr
    assert bad.exit_code == 1
    assert bad.stderr.count("\n") == 1
    assert "series 'shop 6', row " in bad.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--out", "out/", "--plot", "x.png"], "--plot does not go with --out FOLDER/"),
        (["--out", "out/", "--until", "value<2"], "--until does not go with --out FOLDER/"),
        (["--out", "x.csv", "--bad-series", "report"], "--bad-series goes with --out FOLDER/"),
        (["--states", "all.states"], "--states goes with --out FOLDER/"),
        (["--out", "out/", "--states", "all.states"], "give a TABLE or --states to continue"),
        (["--out", "x.csv", "--engine", "dask"], "--engine goes with --out FOLDER/"),
        (["--out", "out/", "--engine-option", "a=b"], "name one with --engine"),
        (["--out", "out/", "--engine", "dask", "--engine-option", "a"], "not NAME=VALUE"),
        (["--out", "out/", "--engine", "dask", "--model", "pretrained"], "takes a model file"),
        (["--out", "out/", "--model", "pretrained"], "--out FOLDER/ takes a model file, and"),
    ],
)
@pytest.mark.usefixtures("model")
def test_what_does_not_go_together_is_refused(words, message):
    known = [] if "--model" in words else ["--model", "m.forecast"]

    outcome = run("predict", "lake/0.parquet", "-n", 3, *known, *words)

    assert outcome.exit_code == 2
    assert message in outcome.stderr
    assert "Traceback" not in outcome.stderr


@pytest.mark.usefixtures("model")
def test_a_store_that_is_not_there_is_named():
    outcome = run("predict", "--model", "m.forecast", "--states", "x.db", "-n", 3, "--out", "out/")

    assert outcome.exit_code == 1
    assert (
        "there is no store of states x.db; make one with: forecast update HISTORY" in outcome.stderr
    )


def test_a_bad_series_is_one_line_or_reported(tmp_path, table, model):
    pd.concat([table, table.tail(1)]).to_parquet("twice.parquet", index=False)
    words = ["predict", "twice.parquet", "--model", "m.forecast", "-n", 3]

    ended = run(*words, "--out", "ended/")
    reported = run(*words, "--out", "reported/", "--bad-series", "report")

    assert ended.exit_code == 1
    assert ended.stderr.count("\n") == 1
    assert "series 'shop 6', row " in ended.stderr
    assert reported.exit_code == 0
    found = read(tmp_path / "reported")
    assert found[found["error"].notna()]["shop"].tolist() == ["shop 6"]
    good = found[found["error"].isna()].drop(columns="error")
    assert_same(good, model.predict(3, table).query("shop != 'shop 6'"))
