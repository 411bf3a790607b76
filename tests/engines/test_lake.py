import itertools
import os

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from forecast import DataError
from forecast.data import covariates
from forecast.data.to_panel import to_panel
from forecast.engines.lake import Lake, forecast_lake

CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def written(folder, table, files=3):
    """Parquet files over which the rows are spread at random."""
    folder.mkdir()
    order = np.random.default_rng(1).permutation(len(table))
    paths = [folder / f"{k}.parquet" for k in range(files)]
    for path, rows in zip(paths, np.array_split(order, files), strict=True):
        table.iloc[rows].to_parquet(path, index=False)
    return Lake.of([str(path) for path in paths])


@pytest.fixture(scope="module")
def table(make_shops):
    return make_shops(9)


@pytest.fixture(scope="module")
def model(make_model, table):
    return make_model(to_panel(table), lags=(1, 3), head="student_t")


@pytest.fixture
def lake(tmp_path, table):
    return written(tmp_path / "lake", table)


def read(folder):
    parts = sorted(folder.glob("*.parquet"))
    return pd.concat([pd.read_parquet(part) for part in parts], ignore_index=True)


def assert_same(found, expected):
    assert found.columns.tolist() == expected.columns.tolist()
    assert found[["shop", "day"]].equals(expected[["shop", "day"]])
    values = expected.columns[2:]
    np.testing.assert_allclose(found[values], expected[values], **CLOSE)


def test_a_forecast_is_that_of_the_table_in_the_order_of_ids(tmp_path, model, table, lake):
    steps = list(forecast_lake(model, lake, str(tmp_path / "out"), 3, rows=50, levels=80))

    assert_same(read(tmp_path / "out"), model.predict(3, table, levels=80))
    assert [step.rows for step in steps] == [0, 60, 120, 180]  # three series of 20 rows each
    assert steps[-1].parts == len(list((tmp_path / "out").iterdir())) == 3
    assert steps[-1].forecasts == 27


def test_what_was_ended_is_gone_on_with(tmp_path, model, table, lake):
    folder = tmp_path / "out"
    list(itertools.islice(forecast_lake(model, lake, str(folder), 3, rows=50), 2))
    (folder / ".part-000001.parquet.x.tmp").write_bytes(
        b"cut short"
    )  # as a killed process leaves it
    before = (folder / "part-000000.parquet").stat().st_mtime_ns

    steps = list(forecast_lake(model, lake, str(folder), 3, rows=50))

    assert [step.rows for step in steps] == [60, 120, 180]
    assert (folder / "part-000000.parquet").stat().st_mtime_ns == before
    assert_same(read(folder), model.predict(3, table))
    assert [step.rows for step in forecast_lake(model, lake, str(folder), 3, rows=50)] == [180]


def test_covariates_come_from_files_too(tmp_path, make_model, table):
    rng = np.random.default_rng(2)
    priced = table.assign(price=rng.normal(size=len(table)))
    panel = to_panel(priced, id="shop", time="day", target="sold", known=["price"])
    model = make_model(panel, known=covariates.learn(panel.known, "the table"))
    days = pd.date_range("2024-01-21", periods=4)
    future = pd.concat(
        pd.DataFrame({"shop": f"shop {k}", "day": days, "price": rng.normal(size=4)})
        for k in range(10)  # one more than there are
    )
    shared = pd.DataFrame({"day": days, "price": rng.normal(size=4)})
    lake = written(tmp_path / "lake", priced)
    for name, rows in (("own", future), ("shared", shared)):
        covers = written(tmp_path / name, rows, files=1)

        list(forecast_lake(model, lake, str(tmp_path / f"{name} out"), 4, future=covers, rows=50))

        assert_same(read(tmp_path / f"{name} out"), model.predict(4, priced, future=rows))


def test_a_bad_series_ends_the_work_by_name_and_what_was_done_stays(tmp_path, model, table):
    twice = pd.concat([table, table.query("shop == 'shop 7'").tail(1)])
    lake = written(tmp_path / "lake", twice)

    with pytest.raises(DataError, match=r"^series 'shop 7', row \d+, column 'day': 2024-01-20 is"):
        list(forecast_lake(model, lake, str(tmp_path / "out"), 3, rows=50))

    assert len(read(tmp_path / "out")) == 18

    list(forecast_lake(model, lake, str(tmp_path / "reported"), 3, rows=50, reports=True))
    assert read(tmp_path / "reported")["error"].notna().sum() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"horizon": 4},
        {"levels": 80},
        {"reports": True},
        {"touched": True},
        {"stranger": "notes.txt"},
        {"stranger": "part-000000.parquet"},
    ],
)
def test_a_folder_of_something_else_is_refused(tmp_path, model, lake, change):
    folder = tmp_path / "out"
    name = change.pop("stranger", None)
    if name is None:
        list(forecast_lake(model, lake, str(folder), 3))
    else:
        folder.mkdir()
        pd.DataFrame({"a": [1]}).to_parquet(folder / name)
    if change.pop("touched", False):
        os.utime(lake.files[0], ns=(1, 1))

    with pytest.raises(
        DataError, match=f"out holds {name or 'part'}.*no part of this forecast: it has"
    ):
        list(forecast_lake(model, lake, str(folder), **{"horizon": 3, **change}))


def test_a_folder_with_a_damaged_part_is_refused(tmp_path, model, lake):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "part-000000.parquet").write_bytes(b"cut short")

    with pytest.raises(DataError, match=r"part-000000\.parquet, which is no part of this forecast"):
        list(forecast_lake(model, lake, str(folder), 3))


def test_a_file_that_is_no_parquet_is_named(tmp_path):
    (tmp_path / "sales.csv").write_text("a,b\n1,2\n")

    with pytest.raises(DataError, match=r"sales\.csv: not a readable Parquet file"):
        Lake.of([str(tmp_path / "sales.csv")])


def test_files_that_are_unlike_are_refused_in_one_line(tmp_path, table):
    lake = written(tmp_path / "lake", table, files=1)
    pq.write_table(
        pq.read_table(lake.files[0]).drop_columns("day"), tmp_path / "lake" / "x.parquet"
    )
    table.assign(shop=1).to_parquet(tmp_path / "lake" / "y.parquet", index=False)

    with pytest.raises(DataError, match=r"x.parquet: unlike .*0.parquet it lacks 'day'; give all"):
        Lake.of([*lake.files, str(tmp_path / "lake" / "x.parquet")])
    with pytest.raises(
        DataError, match=r"y.parquet: 'shop' is text here or in .*0.parquet, but not"
    ):
        Lake.of([*lake.files, str(tmp_path / "lake" / "y.parquet")])


def test_times_keep_their_zone(tmp_path, make_model, table):
    """DuckDB has a zone of its own; clocks change within these rows."""
    zoned = table.assign(day=(table["day"] + pd.Timedelta(days=75)).dt.tz_localize("Europe/Berlin"))
    model = make_model(to_panel(zoned))

    list(forecast_lake(model, written(tmp_path / "lake", zoned), str(tmp_path / "out"), 3))

    assert_same(read(tmp_path / "out"), model.predict(3, zoned))


@pytest.mark.parametrize("column", ["day", "sold"])
def test_text_whose_meaning_all_rows_tell_is_refused(tmp_path, model, table, column):
    lake = written(tmp_path / "lake", table.assign(**{column: table[column].astype(str)}))

    with pytest.raises(DataError, match=f"text in column '{column}'.* in another part of it; give"):
        list(forecast_lake(model, lake, str(tmp_path / "out"), 3))


def test_files_without_rows_are_refused(tmp_path, model, table):
    lake = written(tmp_path / "lake", table[:0], files=1)

    with pytest.raises(DataError, match=r"0.parquet: no rows; a forecast needs some"):
        list(forecast_lake(model, lake, str(tmp_path / "out"), 3))
