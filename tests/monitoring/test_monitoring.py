"""`Model.monitor`, on models whose weights are random and on the pretrained network."""

import numpy as np
import pandas as pd
import pytest

from forecast import DataError, Model, OptionError
from forecast.data.to_panel import to_panel

DAYS = pd.date_range("2024-01-01", periods=300)


def stores(level=0.0):
    """Two stores without a pattern; the level of one shifts in row 200."""
    noise = np.random.default_rng(3).normal(0, 0.5, (2, 300))
    sold = 10 + noise
    sold[0, 200:] += level
    names = np.repeat(["north", "south"], 300)
    return pd.DataFrame({"store": names, "day": np.tile(DAYS, 2), "sold": sold.ravel()})


def before(table, row):
    return table[table["day"] < DAYS[row]]


@pytest.fixture(scope="module")
def model(make_model):
    """A model that has seen the first 100 rows; its small weights forecast about their mean."""
    panel = to_panel(before(stores(), 100))
    return make_model(panel, season=7, lags=(7,), context=60, horizon=50, size=0.05)


def test_series_that_stay_as_they_are_raise_no_alarm(model):
    result = model.monitor(stores())

    assert result.verdict == "No alarm on 400 rows: update is enough."
    assert result.alarms.empty
    assert not result.needs_training
    assert result.table["rows"].tolist() == [200, 200]


@pytest.mark.parametrize(
    ("broken", "test"), [({"level": 4.0}, "level up"), ({"level": -4.0}, "level down")]
)
def test_a_series_that_shifts_raises_an_alarm_and_is_named_and_dated(model, broken, test):
    result = model.monitor(stores(**broken))
    first = result.alarms.iloc[0]

    assert (first["store"], first["test"]) == ("north", test)
    assert set(result.alarms["store"]) == {"north"}
    assert abs((first["since"] - DAYS[200]).days) <= 1
    assert DAYS[200] < first["at"] < DAYS[215]
    assert result.verdict.startswith("The level of series 'north' ")


def test_neither_the_model_nor_its_state_changes(model):
    state = {name: array.copy() for name, array in model.state.arrays().items()}

    model.monitor(stores())

    for name, array in state.items():
        np.testing.assert_array_equal(model.state.arrays()[name], array)


def test_rows_that_the_state_has_seen_are_passed_over(model):
    table = stores()
    whole, new = model.monitor(table), model.monitor(table[table["day"] >= DAYS[100]])

    assert whole.rows.lengths.tolist() == new.rows.lengths.tolist() == [200, 200]
    assert whole.monitor.state == new.monitor.state


def test_since_begins_from_a_state_of_the_rows_before(model):
    table = stores()
    result = model.monitor(table, since="2024-06-01")
    count = int((DAYS >= "2024-06-01").sum())

    assert result.rows.lengths.tolist() == [count] * 2
    assert result.start.state == model.encode(table[table["day"] < "2024-06-01"])


def test_forecasts_of_the_horizon_are_those_of_rollouts(model):
    table = stores()
    result = model.monitor(table)
    rows = [100, 150, 200, 250]
    errors = []
    for row in rows:
        history = before(table, row)
        state = (
            model.observe(model.state, history[history["day"] >= DAYS[100]]) if row > 100 else None
        )
        path = model.predict(50, state=state)["forecast"].to_numpy().reshape(2, 50)
        actual = table["sold"].to_numpy().reshape(2, 300)[:, row : row + 50]
        errors.append(np.abs(path - actual).sum(axis=1))

    np.testing.assert_allclose(result.ahead.error, np.sum(errors, axis=0), rtol=1e-4)
    assert result.ahead.values.tolist() == [200, 200]


@pytest.mark.parametrize(
    ("since", "message"), [("never", "since is 'never'; give a time"), (True, "since is True")]
)
def test_a_time_that_is_none_is_refused(model, since, message):
    with pytest.raises((OptionError, DataError), match=message):
        model.monitor(stores(), since=since)


def test_a_time_before_all_rows_is_refused(model):
    with pytest.raises(DataError, match="no row comes before 2020"):
        model.monitor(stores(), since="2020")


def test_the_pretrained_network_is_monitored_on_the_last_third():
    result = Model.untrained(to_panel(stores()), calibrated=False).monitor(stores())

    assert result.rows.lengths.tolist() == [100, 100]
    assert not result.is_trained
    assert result.alarms.empty
    assert result.table["coverage-80"].between(0.6, 1).all()


def test_the_pretrained_network_with_a_state_follows_it():
    model = Model.untrained(to_panel(before(stores(), 200)))

    assert (
        model.monitor(stores()).rows.start.tolist() == (model.state.time + 86_400_000_000).tolist()
    )


def test_the_picture_shows_the_series_with_an_alarm_first(model):
    result = model.monitor(stores(level=4.0))
    figure = result.plot()

    assert figure.get_suptitle().replace("\n", " ") == result.verdict
    assert [axes.get_title(loc="left") for axes in figure.axes[:2]] == [
        "north",
        "south (no alarm)",
    ]
    first = result.alarms.iloc[0]
    marks = [
        line.get_xdata()[0] for line in figure.axes[0].lines if len(set(line.get_xdata())) == 1
    ]
    assert marks == [first["since"].to_datetime64(), first["at"].to_datetime64()]


def test_one_mistyped_cell_leaves_what_is_usual_and_the_verdict_as_they_are(model):
    table = stores()
    sound = model.monitor(table)
    table.loc[150, "sold"] = 10_000.0
    result = model.monitor(table)

    assert not result.needs_training
    usual = result.monitor.statistics.usual_error / sound.monitor.statistics.usual_error
    np.testing.assert_allclose(usual, 1, atol=0.2)
    scale = result.monitor.statistics.naive_scale / sound.monitor.statistics.naive_scale
    np.testing.assert_allclose(scale, 1, atol=0.2)
