"""Tables in, models and forecasts out."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import forecast
from forecast import DataError, Forecaster
from forecast.report.reproduce import training_command
from forecast.report.text_summary import summary

TINY = {"steps": 2, "units": 2, "holdout": 0, "feedback": "teacher"}  # compiles once


@pytest.fixture(scope="module")
def again(trained, sales):
    """The same choices fitted to the same data, as a Series of shuffled rows."""
    return clone(trained).fit(
        sales.sample(frac=1.0, random_state=0).set_index(["store", "day"])["sold"]
    )


def test_a_table_goes_in_and_a_table_like_it_comes_out(trained, sales):
    future = trained.predict(3, levels=(90,))

    assert future.columns.tolist() == [
        "store",
        "day",
        "forecast",
        "forecast-lo-90",
        "forecast-hi-90",
    ]
    assert future["store"].tolist() == ["north"] * 3 + ["south"] * 3
    assert future["day"].tolist() == list(pd.date_range("2024-03-01", periods=3)) * 2
    assert future.dtypes[["store", "day"]].equals(sales.dtypes[["store", "day"]])
    assert (future["forecast-lo-90"] < future["forecast-hi-90"]).all()


def test_predictions_are_those_of_the_model(trained, sales):
    history = sales[sales["day"] < "2024-02-01"]

    assert trained.predict(2).equals(trained.model_.predict(2))
    assert trained.predict(2, history, seed=3).equals(trained.model_.predict(2, history, seed=3))
    paths = trained.rollout(2, paths=3, seed=4).paths
    assert paths.tobytes() == trained.model_.rollout(2, paths=3, seed=4).paths.tobytes()


def test_a_saved_fit_forecasts_bit_for_bit_the_same(trained, tmp_path):
    path = tmp_path / "model.forecast"
    trained.model_.save(path)

    loaded = forecast.load(path)

    assert loaded.predict(7, levels=(80,)).equals(trained.predict(7, levels=(80,)))
    assert loaded.record == trained.model_.record


@pytest.mark.slow
def test_a_model_of_three_members_is_saved_updated_and_forecast_as_any_other(sales, tmp_path):
    path, before = tmp_path / "model.forecast", sales["day"] < "2024-02-20"
    model = Forecaster(**TINY, members=3).fit(sales[before]).model_
    model.save(path)

    loaded = forecast.load(path)

    assert [member.kind for member in loaded.others] == ["network", "theta"]
    assert loaded.shares == pytest.approx((1 / 3, 1 / 3, 1 / 3))  # nothing was held out
    assert loaded.predict(4).equals(model.predict(4))
    later = loaded.update(sales[~before])
    assert later.predict(2)["day"].min() == pd.Timestamp("2024-03-01")
    parts = ["the trained network 33%", "the pretrained network 33%", "the theta method 33%"]
    members = f"forecasts are the mean of {', '.join(parts)}"
    assert f"  {members}" in summary(loaded)
    assert "--members 3" in training_command(loaded, "again.forecast")


@pytest.mark.usefixtures("eager")
def test_a_model_trained_in_lanes_forecasts_any_number_of_series(sales, tmp_path):
    path = tmp_path / "model.forecast"
    trained = Forecaster(windows="contiguous", batch_size=3, units=2, steps=2).fit(sales)
    trained.model_.save(path)
    stores = pd.concat([sales.assign(store=sales["store"] + str(k)) for k in range(4)])

    loaded = forecast.load(path)

    assert loaded.record.plan.windows == "contiguous"
    assert loaded.weights.keys() == Forecaster(**TINY).fit(sales).model_.weights.keys()
    assert loaded.predict(3).equals(trained.predict(3))
    alone = loaded.predict(3, stores[stores["store"] == "south2"])["forecast"]
    among = loaded.predict(3, stores).query("store == 'south2'")["forecast"]
    np.testing.assert_allclose(alone, among, rtol=1e-5)


def test_a_table_of_another_order_and_index_gives_the_same_model(trained, again):
    for name, array in trained.model_.weights.items():
        assert again.model_.weights[name].tobytes() == array.tobytes()
    assert again.predict(2)["forecast"].tolist() == trained.predict(2)["forecast"].tolist()


@pytest.mark.usefixtures("untrained")
def test_a_wide_table_is_many_series(sales):
    wide = sales.pivot(index="day", columns="store", values="sold").reset_index()

    future = Forecaster(**TINY).fit(wide).predict(2)

    assert future["store"].tolist() == ["north", "north", "south", "south"]


@pytest.mark.usefixtures("untrained")
def test_a_series_is_one_series():
    series = pd.Series(
        np.sin(np.arange(48) / 3), pd.date_range("2020-01", periods=48, freq="MS"), name="level"
    )

    future = Forecaster(**TINY).fit(series).predict(2)

    assert len(future) == 2
    assert future["forecast"].notna().all()


@pytest.mark.usefixtures("eager")
def test_difficult_series_can_be_trained_on_together(make_panel):
    rng = np.random.default_rng(0)
    usual = rng.normal(0, 1, 60)
    gaps = np.where(rng.random(60) < 0.4, np.nan, usual)
    panel = make_panel(
        usual, gaps, [7.0] * 60, [0.0] * 60, [3.0], [np.nan] * 60, [*usual[:40], *[np.nan] * 20]
    )

    model = Forecaster(**TINY).fit(panel).model_

    assert model.state.ids.tolist() == ["a", "b", "c", "d", "e", "g"]  # f was never observed
    assert np.isfinite(model.predict(5)["forecast"]).all()


def test_a_table_without_any_value_is_refused(make_panel):
    with pytest.raises(DataError, match="no series has an observed value"):
        Forecaster(**TINY).fit(make_panel([np.nan] * 20))


# The same data and seed


def test_the_same_seed_gives_the_same_model_and_forecast_and_another_seed_others(
    trained, again, sales
):
    other = clone(trained).set_params(seed=2).fit(sales)

    ours, same = (one.rollout(5, paths=3) for one in (trained, again))
    assert same.table["forecast"].tolist() == ours.table["forecast"].tolist()
    assert same.paths.tobytes() == ours.paths.tobytes()
    for name, array in trained.model_.weights.items():
        assert again.model_.weights[name].tobytes() == array.tobytes()
        assert other.model_.weights[name].tobytes() != array.tobytes()
    assert not other.predict(5).equals(ours.table)


# Columns, numbers and too little data


def test_a_series_without_a_value_to_train_on_is_refused_before_training(make_panel):
    values = np.full(60, np.nan)
    values[-10:] = np.arange(10.0)

    with pytest.raises(DataError, match="no value is observed before the last 10 rows, which are"):
        Forecaster(**TINY | {"holdout": 5}).fit(make_panel(values))


@pytest.mark.usefixtures("untrained")
def test_whole_numbers_of_numpy_are_whole_numbers(sales, tmp_path):
    choices = {"steps": np.int64(1), "units": np.int32(2), "season": np.int64(7)}

    model = Forecaster(seed=np.int64(1), **choices).fit(sales).model_
    model.save(tmp_path / "model.forecast")

    assert forecast.load(tmp_path / "model.forecast").config.units == 2


@pytest.mark.usefixtures("untrained")
def test_columns_and_frequency_can_be_named(sales):
    renamed = sales.rename(columns={"store": "a", "day": "b", "sold": "c"}).assign(d=1.0)
    every_other = renamed[renamed["b"].dt.day_of_year % 2 == 0]

    forecaster = Forecaster(id="a", time="b", target="c", frequency="D", **TINY).fit(every_other)

    assert forecaster.model_.config.frequency.name == "D"
    future = forecaster.predict(2)
    assert future.columns.tolist() == ["a", "b", "forecast"]
    assert future["b"].diff().iloc[1] == pd.Timedelta(days=1)
