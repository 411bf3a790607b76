"""Public holidays as an input that needs no table of the future."""

import sys
from datetime import date

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import forecast
from forecast import DataError, Forecaster, ForecastError, OptionError
from forecast.cli import main
from forecast.data.frequency import parse
from forecast.data.holidays import is_holiday
from forecast.data.schema import Schema
from forecast.data.to_panel import to_panel
from forecast.inference.preprocess import step_features

TINY = {"steps": 2, "units": 2, "holdout": 0, "feedback": "teacher"}
NAIVE = "datetime64[us]"


def marked(times, place="DE", frequency="D", dtype=NAIVE, local=True):
    """Whether each of some naive times lies on a holiday."""
    schema = Schema("series", None, "ds", ("y",), "str", dtype, local=local)
    spacing = parse(frequency)
    ordinals = spacing.ordinals(pd.DatetimeIndex(times).as_unit("us"))
    return is_holiday(schema, spacing, ordinals, place)


@pytest.fixture
def daily():
    """A shop that is closed on the public holidays of Germany, until Christmas Eve."""
    days = pd.date_range("2021-01-01", "2024-12-24", freq="D")
    return pd.DataFrame(
        {"ds": days, "y": np.where(marked(days), 0.0, 50.0 + 10 * days.day_of_week)}
    )


# Which days


def test_the_public_holidays_of_a_country_are_marked():
    days = pd.date_range("2024-01-01", "2024-12-31", freq="D")

    found = days[marked(days)]

    # Good Friday to Whit Monday move with Easter, which was on 31 March
    assert found.strftime("%m-%d").tolist() == [
        *("01-01", "03-29", "04-01", "05-01", "05-09", "05-20", "10-03", "12-25", "12-26"),
    ]


def test_a_part_of_a_country_has_holidays_of_its_own():
    epiphany = ["2024-01-06"]

    assert marked(epiphany, "DE-BY").tolist() == [True]
    assert marked(epiphany, "DE-Bayern").tolist() == [True]
    assert marked(epiphany, "DE-BE").tolist() == [False]
    assert marked(epiphany, "DE").tolist() == [False]


def test_every_hour_of_a_holiday_counts():
    hours = pd.date_range("2024-04-30 22:30", periods=28, freq="h")

    assert marked(hours, frequency="h").tolist() == [False] * 2 + [True] * 24 + [False] * 2


def test_hours_with_a_zone_count_in_local_time():
    utc = pd.date_range("2024-07-04 03:00", periods=27, freq="h")  # in New York 4 hours less
    zoned = "datetime64[us, America/New_York]"

    found = marked(utc, "US", "h", zoned, local=False)

    assert found.tolist() == [False] + [True] * 24 + [False] * 2


def test_holidays_at_weekends_are_not_business_days():
    days = pd.bdate_range("2022-12-23", "2023-01-03")  # Christmas and New Year's on Sundays

    assert days[marked(days, frequency="B")].strftime("%m-%d").tolist() == ["12-26"]


def test_marks_have_the_shape_of_the_times_and_years_that_nobody_knows_have_none():
    spacing = parse("D")
    schema = Schema("series", None, "ds", ("y",), "str", NAIVE)
    times = pd.DatetimeIndex(["2024-12-25", "0001-12-25", "9999-12-25", "2024-12-27"], dtype=NAIVE)
    ordinals = spacing.ordinals(times).reshape(2, 2)

    assert is_holiday(schema, spacing, ordinals, "DE").tolist() == [[True, False], [False, False]]
    assert is_holiday(schema, spacing, ordinals[:0], "DE").shape == (0, 2)


def test_many_rows_ask_for_each_year_once(monkeypatch):
    import holidays

    from forecast.data.holidays import _holidays_of

    asked = []
    original = holidays.country_holidays

    def counting(*place, **how):
        asked.append(how.get("years"))
        return original(*place, **how)

    monkeypatch.setattr(holidays, "country_holidays", counting)
    _holidays_of.cache_clear()
    minutes = pd.date_range("2022-07-01", "2023-06-30", freq="min")

    first = marked(minutes, "AT", "min").sum()
    again = marked(minutes, "AT", "min").sum()

    assert first == again == 13 * 24 * 60  # Austria has 13 a year
    assert [year for year in asked if year] == [2022, 2023]


# In a model


def test_the_mark_follows_the_cycles_in_the_features_of_a_step(make_config):
    days = pd.date_range("2024-12-23", periods=5)
    panel = to_panel(pd.DataFrame({"ds": days, "y": np.arange(5.0)}))
    config = make_config(panel, cycles=("week",), holidays="DE")

    known = step_features(panel, config, np.empty((1, 0), np.float32))

    assert config.step_features == 3
    assert known[:, 2].tolist() == [0, 0, 1, 1, 0]
    np.testing.assert_array_equal(known[:, :2], parse("D").calendar(panel.ordinals, ("week",)))


@pytest.mark.slow
def test_a_forecast_knows_the_holidays_to_come_without_a_table_of_them(daily, tmp_path):
    choices = {"units": 8, "steps": 200, "learning_rate": 0.02, "feedback": "teacher", "seed": 1}
    sizes = {"context": 28, "train_horizon": 7, "holdout": 7, "batch_size": 64}

    fitted = Forecaster(holidays="DE", transform="none", **choices, **sizes).fit(daily).model_
    fitted.save(tmp_path / "model.forecast")
    model = forecast.load(tmp_path / "model.forecast")

    usual = model.predict(7, daily[:-7])["forecast"]  # 18 to 24 December
    christmas = model.predict(7)["forecast"]  # the same weekdays, the first two are holidays
    assert (christmas - usual)[:2].max() < -15
    assert (christmas - usual)[2:].abs().max() < 10
    assert model.config.holidays == "DE"
    assert model.predict(7).equals(fitted.predict(7))


def test_streaming_and_split_rollouts_see_the_same_holidays(make_model, daily):
    panel = to_panel(daily)
    model = make_model(panel, holidays="DE", cycles=("week",), size=0.8)

    whole = model.predict(6)["forecast"]
    first = model.rollout(2)
    stream = [next(steps).value.item() for steps in [model.stream()] for _ in range(6)]

    rest = model.predict(4, state=first.state)["forecast"]
    np.testing.assert_allclose(rest, whole[2:], rtol=1e-6)
    np.testing.assert_allclose(stream, whole, rtol=1e-6)


def test_observing_holidays_one_by_one_is_observing_them_all(
    make_model, daily, assert_equal_states
):
    rows = pd.DataFrame({"ds": pd.date_range("2024-12-25", periods=3), "y": [0.0, 0.0, 90.0]})
    model = make_model(to_panel(daily), holidays="DE", size=0.8)
    blind = make_model(to_panel(daily), size=0.8)

    one_by_one = model.state
    for k in range(3):
        one_by_one = model.observe(one_by_one, rows[k : k + 1])

    assert_equal_states(one_by_one, model.observe(model.state, rows))
    assert model.config.inputs == blind.config.inputs + 1


@pytest.mark.usefixtures("untrained")
def test_holidays_and_known_columns_stand_side_by_side(daily):
    table = daily.assign(price=np.arange(len(daily)) % 3 + 1.0)
    history, future = table[:-5], table[-5:].drop(columns="y")

    fitted = Forecaster(holidays="DE", known="price", target="y", **TINY).fit(history).model_

    assert fitted.config.step_features == 2 * len(fitted.config.cycles) + 2
    assert fitted.predict(5, future=future)["forecast"].notna().all()


# What is refused


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("de", "holidays is 'de', not a country or part of one with known holidays; did you mean"),
        ("DE-by", "holidays is 'DE-by', not a country .* known holidays; did you mean 'DE-BY'"),
        ("DE-BX", "did you mean 'DE-HB', 'DE-BY', 'DE-BW'"),
        ("Atlantis", "known holidays; give a code such as 'DE' or 'US-CA'"),
        ("DE-Atlantis", "known holidays; there are 'DE-BB', 'DE-BE', 'DE-BW' and 1"),
        ("", "holidays is '', not a country"),
        (["DE"], r"holidays is \['DE'\]; it must be text, or None"),
    ],
)
def test_a_place_that_is_not_known_is_refused_before_any_data_are_read(place, message):
    with pytest.raises(OptionError, match=message):
        Forecaster(holidays=place).check()


@pytest.mark.parametrize(
    ("frequency", "words"),
    [("W", "weekly"), ("MS", "monthly"), ("2D", "every 2 days"), ("2B", "every 2 business days")],
)
def test_steps_longer_than_a_day_are_refused(frequency, words):
    index = pd.date_range("2020-01-06", periods=60, freq=frequency)

    with pytest.raises(OptionError, match=f"'DE', but steps are {words}, and holidays are days; "):
        Forecaster(holidays="DE", frequency=frequency, **TINY).fit(pd.Series(1.0, index))


def test_integer_time_has_no_holidays():
    with pytest.raises(OptionError, match="but steps are every step of integer time, and holiday"):
        Forecaster(holidays="DE", **TINY).fit(pd.Series(np.arange(60.0)))


def test_rows_to_train_on_without_a_holiday_are_refused(daily):
    november = daily[(daily["ds"] >= "2024-10-04") & (daily["ds"] < "2024-12-24")]

    with pytest.raises(DataError, match="the table: no training row is on a public holiday of "):
        Forecaster(holidays="DE", **TINY).fit(november)


def test_without_the_package_one_line_says_how_to_install_it(make_model, daily, monkeypatch):
    from forecast.data.holidays import _holidays_of

    model = make_model(to_panel(daily), holidays="DE")
    _holidays_of.cache_clear()
    monkeypatch.setitem(sys.modules, "holidays", None)

    line = r"public holidays need .* with: pip install 'forecast-rollout\[holidays\]'"
    with pytest.raises(ForecastError, match=line):
        model.predict(3)
    with pytest.raises(ForecastError, match=line):
        Forecaster(holidays="DE").check()
    assert Forecaster().check() is None


def test_a_file_whose_place_is_not_text_is_damaged(make_model, daily, archive, tmp_path):
    path = tmp_path / "model.forecast"
    make_model(to_panel(daily), holidays="DE").save(path)

    archive.change(path, "config.json", lambda held: held["model"].update(holidays=["DE"]))

    with pytest.raises(forecast.ArtifactError, match="its holidays cannot be"):
        forecast.load(path)


# On the command line


@pytest.mark.usefixtures("untrained")
def test_the_command_line_trains_with_holidays_and_says_so(daily, tmp_path):
    table, model = str(tmp_path / "shop.csv"), str(tmp_path / "model.forecast")
    daily.to_csv(table, index=False)
    arguments = ["train", table, "--holidays", "DE-BY", "--steps", "2", "--model", model]

    told = CliRunner().invoke(main, arguments)
    found = CliRunner().invoke(main, ["predict", "--model", model, "--horizon", "3"])
    wrong = CliRunner().invoke(main, [*arguments[:3], "DE-BX"])

    assert told.exit_code == found.exit_code == 0, told.stderr + found.stderr
    assert "holidays of DE-BY; transform" in told.stderr
    assert len(found.stdout.splitlines()) == 4
    assert (wrong.exit_code, wrong.stderr[:27]) == (2, "Error: holidays is 'DE-BX',")


def test_the_days_are_those_of_the_calendar():
    import holidays

    days = pd.date_range("2015-01-01", "2030-12-31", freq="D")
    known = holidays.country_holidays("GB", subdiv="SCT", years=range(2015, 2031))

    assert {*days[marked(days, "GB-SCT")].date} == {day for day in known if day >= date(2015, 1, 1)}
