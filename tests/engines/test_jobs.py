"""Forecasts of Parquet files on an engine that is named."""

import sys

import numpy as np
import pandas as pd
import pytest

from forecast import DataError, ForecastError, OptionError
from forecast.data import covariates
from forecast.data.to_panel import to_panel
from forecast.engines.jobs import forecast_files

CLOSE = {"rtol": 1e-5, "atol": 1e-5}


@pytest.fixture
def table(tmp_path, monkeypatch, make_shops):
    """Sales of shops with a price, in the current folder as two Parquet files."""
    monkeypatch.chdir(tmp_path)
    table = make_shops(5).assign(price=np.random.default_rng(1).normal(size=100))
    (tmp_path / "lake").mkdir()
    for k, rows in enumerate(np.array_split(np.arange(len(table)), 2)):
        table.iloc[rows].to_parquet(f"lake/{k}.parquet", index=False)
    return table


@pytest.fixture
def model(table, make_model):
    panel = to_panel(table, id="shop", time="day", target="sold", known=["price"])
    return make_model(panel, known=covariates.learn(panel.known, "the table"))


@pytest.mark.slow
def test_a_cluster_forecasts_files_with_covariates_at_addresses(tmp_path, table, model):
    from distributed import LocalCluster

    future = pd.DataFrame({"day": pd.date_range("2024-01-21", periods=3), "price": [1.0, 2.0, 3.0]})
    future.to_parquet("future.parquet", index=False)
    with LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=":0") as cluster:
        settings = {"address": cluster.scheduler_address}
        paths = [f"file://{tmp_path}/lake/*.parquet"]
        forecast_files(model, "dask", paths, "out/", 3, future="future.parquet", settings=settings)

    found = pd.read_parquet("out").sort_values(["shop", "day"], ignore_index=True)
    expected = model.predict(3, table, future=future)
    assert found["shop"].tolist() == expected["shop"].tolist()
    assert found["day"].tolist() == expected["day"].tolist()
    np.testing.assert_allclose(found["forecast"], expected["forecast"], **CLOSE)


def test_an_engine_that_is_not_installed_is_named(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "forecast.engines.ray", None)

    with pytest.raises(OptionError, match=r"pip install 'forecast-rollout\[ray\]'"):
        forecast_files(model, "ray", ["lake/*.parquet"], "out/", 3)


def test_an_engine_that_there_is_not_is_no_package_to_install(model):
    with pytest.raises(OptionError, match="engine is 'flink'; it must be one of spark, dask, ray"):
        forecast_files(model, "flink", ["lake/*.parquet"], "out/", 3)


def test_what_an_engine_says_becomes_one_line(model, tmp_path):
    (tmp_path / "bad.parquet").write_bytes(b"no Parquet file\nat all")

    with pytest.raises(ForecastError, match=r"^dask failed: \w+: [^\n]+$"):
        forecast_files(model, "dask", ["bad.parquet"], "out/", 3)


def test_a_folder_that_holds_something_is_left_alone(model, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "note.txt").write_text("mine")

    with pytest.raises(DataError, match="out holds something; name another folder, or empty it"):
        forecast_files(model, "dask", ["lake/*.parquet"], "out/", 3)
    assert (tmp_path / "out" / "note.txt").read_text() == "mine"
    with pytest.raises(DataError, match=r"note.txt: a file; name a folder"):
        forecast_files(model, "dask", ["lake/*.parquet"], "out/note.txt/", 3)
