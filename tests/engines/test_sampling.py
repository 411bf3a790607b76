"""Training on some of the series of Parquet files."""

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from forecast import DataError, Forecaster, OptionError, load
from forecast.cli import main
from forecast.engines.sampling import draw


@pytest.fixture
def table(tmp_path, monkeypatch):
    """Sales of 150 shops in 3 files, two of them long, the rows of each over all files."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    tables = []
    for k in range(150):
        rows = 60 if k < 2 else 20
        days = pd.date_range("2024-03-01", periods=60)[-rows:]
        columns = {"shop": f"shop {k:03}", "day": days, "sold": rng.gamma(4.0, 2.5, rows).round(2)}
        tables.append(pd.DataFrame(columns))
    table = pd.concat(tables, ignore_index=True)
    (tmp_path / "lake").mkdir()
    for k, part in enumerate(np.array_split(rng.permutation(len(table)), 3)):
        table.iloc[part].to_parquet(f"lake/{k}.parquet", index=False)
    return table


def in_order(table):
    return table.sort_values(["shop", "day"], ignore_index=True)


def test_whole_series_are_drawn_as_many_as_there_is_room_for(table):
    sample = draw("lake/*.parquet", max_rows=2_500, seed=3)

    assert (sample.rows, sample.series) == (len(table), 150) == (3_080, 150)
    assert sample.drawn == sample.table["shop"].nunique()
    assert 2_400 < len(sample.table) <= 2_500
    expected = in_order(table[table["shop"].isin(sample.table["shop"])])
    short = in_order(sample.table).groupby("shop").tail(20).reset_index(drop=True)
    pd.testing.assert_frame_equal(
        short, expected.groupby("shop").tail(20).reset_index(drop=True), check_dtype=False
    )


def test_long_series_are_cut_to_their_last_rows_rather_than_that_there_be_few(table):
    sample = draw(["lake/0.parquet", "lake/1.parquet", "lake/2.parquet"], max_rows=2_000, seed=1)

    assert sample.last == 20  # of 100 series at least
    assert sample.drawn == 100
    expected = in_order(table).groupby("shop").tail(20)
    found = in_order(sample.table)
    expected = expected[expected["shop"].isin(found["shop"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    assert sample.note == (
        "training on 2,000 of 3,080 rows: 100 of 150 series, drawn at random, the last 20 rows of "
        "each at most; more take more memory (--max-rows)"
    )


@pytest.mark.usefixtures("table")
def test_every_series_is_as_likely_as_any_other():
    drawn = [draw("lake/*.parquet", 1_000, seed).table["shop"].unique() for seed in range(30)]

    counts = pd.Series(np.concatenate(drawn)).value_counts()
    assert len(counts) == 150
    assert counts.between(10, 30).all()  # 20 of 30 on average, with a deviation of 2.6
    assert {*draw("lake/*.parquet", 1_000, 5).table["shop"]} == {*drawn[5]} != {*drawn[6]}


@pytest.mark.usefixtures("table")
def test_what_fits_or_cannot_be_divided_is_not_drawn_from():
    assert draw("lake/*.parquet", 3_080) is None
    days = pd.date_range("2020-01-01", periods=1_100)
    wide = pd.DataFrame({"day": days, **{f"shop {k}": np.arange(1_100.0) for k in range(3)}})
    wide.to_parquet("wide.parquet", index=False)
    wide[["day", "shop 0"]].to_parquet("one.parquet", index=False)
    for path in ("wide.parquet", "one.parquet"):
        with pytest.raises(DataError, match=f"^{path}: no column .* give --max-rows 1100 "):
            draw(path, 1_000)
        assert draw(path, 1_100) is None


def test_times_keep_their_zone(table):
    zoned = table.assign(day=table["day"].dt.tz_localize("Europe/Berlin"))
    zoned.to_parquet("zoned.parquet", index=False)

    sample = draw("zoned.parquet", 2_000, seed=1)

    assert str(sample.table["day"].dt.tz) == "Europe/Berlin"
    assert (sample.table["day"].dt.hour == 0).all()


def test_what_the_last_rows_are_must_be_known_and_whose_they_are(table):
    table.assign(day=table["day"].dt.strftime("%d.%m.%Y")).to_parquet("text.parquet", index=False)
    table.assign(shop=table["shop"].where(table["sold"] > 3)).to_parquet("n.parquet", index=False)

    with pytest.raises(DataError, match="'day' is text, of which the last is not known"):
        draw("text.parquet", 2_000)
    with pytest.raises(DataError, match="rows without 'shop'; every row needs an id"):
        draw("n.parquet", 2_000)


@pytest.mark.usefixtures("table")
def test_what_cannot_be_is_refused():
    with pytest.raises(OptionError, match="max_rows is 999"):
        draw("lake/*.parquet", 999)
    with pytest.raises(DataError, match="store"):
        draw("lake/*.parquet", 1_000, id="store")


@pytest.mark.usefixtures("table", "trained_once")
def test_the_command_trains_the_model_of_the_rows_that_are_drawn():
    words = ["train", "lake/*.parquet", "--max-rows", "2000", "--seed", "1", "--steps", "2"]

    outcome = CliRunner().invoke(main, [*words, "--model", "m.forecast"])

    assert outcome.exit_code == 0, outcome.output
    sample = draw("lake/*.parquet", 2_000, 1)
    told = "Read the rows drawn from lake/0.parquet and 2 more: 100 series, 2,000 rows."
    assert told in outcome.stderr
    assert sample.note in outcome.stderr
    assert "m.forecast knows the series that were drawn; the others are forecast" in outcome.stderr
    assert "forecast predict 'lake/*.parquet' --horizon" in outcome.stderr
    assert outcome.stderr.endswith("--out FOLDER/\n")
    expected = Forecaster(steps=2, seed=1).fit(sample.table).model_
    found = load("m.forecast")
    assert found.weights.keys() == expected.weights.keys()
    for name, weights in expected.weights.items():
        np.testing.assert_array_equal(found.weights[name], weights)


def test_other_tables_are_read_whole(table):
    table.to_csv("sales.csv", index=False)

    outcome = CliRunner().invoke(main, ["train", "sales.csv", "--max-rows", "2000"])

    assert outcome.exit_code == 2
    assert "--max-rows draws series from Parquet files" in outcome.stderr
