from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast import DataError, OptionError
from forecast.data.scaling import UsualSpread
from forecast.data.to_panel import to_panel
from forecast.data.to_table import to_table
from forecast.evaluation.cutoff_forecasts import CutoffForecasts
from forecast.evaluation.rolling_origin import (
    DEFAULT_LEVELS,
    MAX_STATE_VALUES,
    place_cutoffs,
    roll,
)
from forecast.inference.conformal import Calibration

NAN = np.nan
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


@pytest.fixture(scope="module")
def model(make_model, sales):
    return make_model(to_panel(sales), lags=(7,), cycles=("week",))


# Where the cutoffs are


def test_cutoffs_are_counted_back_from_the_last_row_that_is_forecast():
    assert place_cutoffs(0, horizon=3, cutoffs=4, stride=2).tolist() == [9, 7, 5, 3]


@pytest.mark.parametrize(
    ("free", "backs"),
    [
        (100, [9, 6, 3]),  # a horizon apart
        (8, [7, 5, 3]),  # as many as fit: (8 - 3) / 2
        (0, [5, 4, 3]),  # at least one
    ],
)
def test_without_a_stride_cutoffs_are_a_horizon_apart_or_as_many_rows_as_are_free(free, backs):
    assert place_cutoffs(free, horizon=3, cutoffs=3, stride=None).tolist() == backs


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"horizon": 0}, "horizon is 0"),
        ({"cutoffs": 0}, "cutoffs is 0"),
        ({"stride": 0}, "stride is 0"),
        ({"cutoffs": 2.5}, r"cutoffs is 2\.5"),
    ],
)
def test_numbers_out_of_range_are_refused(numbers, message):
    with pytest.raises(OptionError, match=message):
        place_cutoffs(10, **{"horizon": 2, "cutoffs": 2, "stride": 1, **numbers})


# Each forecast is that of the rows before its cutoff


@given(
    lengths=st.lists(st.integers(6, 25), min_size=1, max_size=4),
    horizon=st.integers(1, 4),
    stride=st.integers(1, 3),
    network=st.sampled_from(["lstm", "seq2seq", "attention", "repeat"]),
    seed=st.integers(0, 99),
)
@settings(deadline=None, max_examples=12)
def test_a_forecast_is_what_predict_says_of_the_rows_up_to_its_cutoff(
    make_model, make_random_panel, lengths, horizon, stride, network, seed
):
    panel = make_random_panel(lengths, seed, missing=0.2)
    model = make_model(panel, seed, network=network, lags=(2,))
    backs = place_cutoffs(0, horizon, 2, stride)
    found = roll(model, panel, horizon, backs) if max(lengths) > backs[0] else None
    for back in backs if found else ():
        long = panel.take(np.flatnonzero(panel.lengths > back))
        path = model.rollout(horizon, long.until(int(back))).table
        rows = np.isin(found.cutoffs, long.start + long.lengths - back - 1)
        for name, values in path.groupby("store")["forecast"]:
            cutoff = path.loc[path["store"] == name, "day"].iloc[0] - 1
            own = rows & (found.ids == name) & (found.cutoffs == cutoff)
            np.testing.assert_allclose(found.forecasts["forecast"][own], [values], **CLOSE)


@pytest.mark.parametrize("head", ["point", "student_t", "negative_binomial"])
def test_carried_along_it_is_that_of_the_state_after_an_update(make_model, make_panel, head):
    rng = np.random.default_rng(1)
    panel = make_panel(*rng.poisson(5, (3, 30)))
    model = make_model(panel, head=head, lags=(3,), context=6)
    backs = np.array([9, 6, 4])

    found = roll(model, panel, 4, backs, carry=True)

    state = model.encode(panel.until(9))
    for turn, back in enumerate(backs):
        if turn:
            rows = backs[turn - 1] - back
            fresh = panel.cut(np.arange(3), np.full(3, rows), panel.lengths - backs[turn - 1])
            state = model.observe(state, fresh)
        path = model.rollout(4, state=state, levels=list(found.ends)).table
        own = slice(3 * turn, 3 * turn + 3)
        np.testing.assert_allclose(
            found.forecasts["forecast"][own].ravel(), path["forecast"], **CLOSE
        )
        for level, (low, high) in found.ends.items():
            np.testing.assert_allclose(low[own].ravel(), path[f"forecast-lo-{level:g}"], **CLOSE)
            np.testing.assert_allclose(high[own].ravel(), path[f"forecast-hi-{level:g}"], **CLOSE)


@given(carry=st.booleans(), seed=st.integers(0, 99), row=st.integers(0, 11))
@settings(deadline=None, max_examples=25)
def test_no_value_after_a_cutoff_has_any_influence(make_model, make_random_panel, carry, seed, row):
    panel = make_random_panel([30, 22], seed)
    model = make_model(panel, seed, lags=(2, 5))
    backs = np.array([12, 8, 4])  # the row at the end of which is the last change
    changed = panel.target.copy()
    changed[panel.indptr[1:] - 12 + row] *= 7

    before = roll(model, panel, 4, backs, carry=carry)
    after = roll(model, replace(panel, target=changed), 4, backs, carry=carry)

    blind = np.repeat(12 - backs <= row, 2)  # cutoffs up to which nothing has changed
    for name, path in before.forecasts.items():
        np.testing.assert_array_equal(path[blind], after.forecasts[name][blind])
    for one, other in zip(before.past, after.past, strict=True):
        np.testing.assert_array_equal(one[blind], other[blind])


def test_all_cutoffs_at_once_are_as_one_by_one(make_model, make_random_panel, monkeypatch):
    panel = make_random_panel([20, 33], 2)
    model = make_model(panel, lags=(3,))
    backs = np.array([8, 6, 4])

    at_once = roll(model, panel, 4, backs)
    monkeypatch.setattr("forecast.evaluation.rolling_origin.MAX_STATE_VALUES", 1)
    one_by_one = roll(model, panel, 4, backs)
    parts = CutoffForecasts.join([roll(model, panel, 4, backs[[k]]) for k in range(3)])

    assert MAX_STATE_VALUES > 1
    for other in (one_by_one, parts):
        pd.testing.assert_frame_equal(at_once.table, other.table, rtol=1e-5)


@pytest.mark.usefixtures("untrained")
def test_covariates_are_those_of_the_forecast_rows(sales):
    from forecast import Forecaster

    table = sales.assign(price=np.tile(np.arange(60.0) % 5, 2))
    model = Forecaster(known="price", units=4, steps=2, holdout=4).fit(table).model_

    found = model.backtest(table, horizon=3, cutoffs=2, stride=5)

    past = table[table["day"] <= table["day"].max() - pd.Timedelta(days=8)]
    path = model.predict(3, past, future=table.drop(columns="sold"))
    np.testing.assert_allclose(found.forecasts["forecast"][:2].ravel(), path["forecast"], **CLOSE)


# What is there beside


def test_the_table_has_every_forecast_beside_what_came(model, sales):
    found = model.backtest(sales, horizon=2, cutoffs=2, stride=3, baselines=["naive"])

    table = found.table

    assert table.columns.tolist() == ["store", "day", "cutoff", "sold", "forecast", "naive"]
    assert table["store"].tolist() == ["north", "north", "south", "south"] * 2
    last = sales["day"].max()
    days = [last - pd.Timedelta(days=back) for back in (4, 3, 4, 3, 1, 0, 1, 0)]
    assert table["day"].tolist() == days
    assert table["cutoff"].tolist() == [last - pd.Timedelta(days=b) for b in (5,) * 4 + (2,) * 4]
    came = sales.set_index(["store", "day"])["sold"]
    rows = pd.MultiIndex.from_frame(table[["store", "day"]])
    assert table["sold"].tolist() == came.reindex(rows).tolist()
    before = pd.MultiIndex.from_arrays([table["store"], table["cutoff"]])
    assert table["naive"].tolist() == came.reindex(before).tolist()


def test_a_single_series_and_a_wide_table_get_a_column_that_names_the_series(make_model):
    days = pd.date_range("2024-01-01", periods=20)
    rng = np.random.default_rng(0)
    single = pd.DataFrame({"day": days, "visits": rng.random(20)})
    wide = pd.DataFrame({"day": days, "Bonn": rng.random(20), "Ulm": rng.random(20)})

    one, two = (make_model(to_panel(table)).backtest(table, 3, 2).table for table in (single, wide))

    assert one.columns[:4].tolist() == ["unique_id", "day", "cutoff", "visits"]
    assert set(one["unique_id"]) == {"visits"}
    assert two.columns[:4].tolist() == ["unique_id", "day", "cutoff", "y"]
    assert two["unique_id"].tolist() == (["Bonn"] * 3 + ["Ulm"] * 3) * 2


def test_a_table_with_an_index_is_answered_with_columns(model, sales):
    table = model.backtest(sales.set_index(["store", "day"]), 2, 1).table

    assert table.columns[:2].tolist() == ["store", "day"]


def test_one_of_several_targets_is_looked_at(make_model, make_random_panel):
    panel = make_random_panel([20], targets=2)
    model = make_model(panel)

    first, second = (roll(model, panel, 2, np.array([2]), target=t) for t in (None, "came"))

    assert (first.target, second.target) == ("sold", "came")
    assert first.actual.tolist() == [panel.target[-2:, 0].tolist()]
    assert second.actual.tolist() == [panel.target[-2:, 1].tolist()]
    path = model.rollout(2, panel.until(2)).table
    np.testing.assert_allclose(second.forecasts["forecast"], [path["came"]], **CLOSE)
    with pytest.raises(OptionError, match=r"target is 'left'; the model forecasts sold, came"):
        roll(model, panel, 2, np.array([2]), target="left")


def test_intervals_are_those_that_the_model_has(make_model, make_panel):
    panel = make_panel(np.arange(20.0))
    bare = make_model(panel)
    errors = np.abs(np.random.default_rng(0).normal(size=(30, 2, 1)))
    calibrated = replace(bare, calibration=Calibration.of(errors))

    assert roll(bare, panel, 2, np.array([2])).ends == {}
    assert tuple(roll(calibrated, panel, 2, np.array([2])).ends) == DEFAULT_LEVELS
    assert tuple(roll(calibrated, panel, 2, np.array([2]), levels=70).ends) == (70,)
    few = replace(bare, calibration=Calibration.of(errors[:6]))
    assert tuple(roll(few, panel, 2, np.array([2])).ends) == DEFAULT_LEVELS[:-1]
    with pytest.raises(OptionError, match="no calibrated intervals"):
        roll(bare, panel, 2, np.array([2]), levels=80)


def test_what_could_be_seen_of_the_size_of_a_series(make_model, make_panel):
    panel = make_panel([1, 4, NAN, 9, 2, 5], [7, 7, 7, 7, 8, 9])
    model = replace(make_model(panel), config=replace(make_model(panel).config, season=1))

    past = roll(model, panel, 2, np.array([2])).past

    # before the last two rows: 1 4 - 9, whose only known change is 3; 7 7 7 7
    assert past.change.tolist() == [3, 0]
    assert past.square.tolist() == [9, 0]
    assert (past.low.tolist(), past.high.tolist(), past.last.tolist()) == ([1, 7], [9, 7], [9, 7])


def test_a_constant_among_others_may_move_as_they_do(make_model, make_panel):
    panel = make_panel([1, 4, 2, 9, 2, 5], [50, 50, 50, 50, 50, 50])
    model = make_model(panel, usual_spreads=(UsualSpread(1.0, 0.1),))

    past = roll(model, panel, 2, np.array([2])).past

    assert (past.low.tolist(), past.high.tolist()) == ([1, 45], [9, 55])


# What is left out, and said


def test_a_series_joins_in_where_it_has_a_value(make_model, make_panel):
    panel = make_panel(np.arange(12.0), [NAN, 3, 4, 5, 6, 7])
    model = make_model(panel)

    for carry in (False, True):
        found = roll(model, panel, 2, np.array([6, 4, 2]), carry=carry)
        ids = [found.ids[found.cutoffs == cutoff].tolist() for cutoff in (5, 7, 9)]
        assert ids == [["a"], ["a"], ["a"]]
        assert found.ids[found.cutoffs == 1].tolist() == ["b"]  # 3 is the first value
        assert found.ids[found.cutoffs == 3].tolist() == ["b"]
        assert found.notes == (
            "1 of 6 forecasts are left out, since their series have no value before the cutoff",
        )


def test_missing_values_are_left_out_and_counted(make_model, make_panel):
    panel = make_panel([1, 2, 3, 4, 5, 6, NAN, 8])

    found = make_model(panel).backtest(panel, 3, 1, baselines=["naive"])

    assert found.notes == ("1 of 3 actuals are missing; they are left out",)
    assert found.overall.loc["naive", "mae"] == 2  # of 1 and 3: the last value is 5


def test_a_horizon_that_training_has_not_practised_is_told(make_model, make_panel):
    panel = make_panel(np.arange(12.0))
    model = make_model(panel, horizon=3)

    assert model.backtest(panel, 3, 1, baselines=[]).notes == ()
    assert model.backtest(panel, 4, 1, baselines=[]).notes == (
        "training practised 3 of the 4 steps, later ones may be less accurate; train with "
        "--train-horizon 4 (train_horizon=4 in Python)",
    )


def test_forecasts_of_training_rows_are_reported_as_in_sample(trained, sales):
    model = trained.model_

    notes = model.backtest(sales, horizon=5, cutoffs=2).notes

    assert notes == (
        "4 of 4 forecasts begin within the training data, which ends at 2024-02-29: they are "
        "in-sample, hence optimistic; give later rows, or use forecast backtest without --model, "
        "or Forecaster.backtest, which trains on the rows before the first cutoff",
    )
    later = sales.assign(day=sales["day"] + pd.Timedelta(days=60))
    assert model.backtest(pd.concat([sales, later]), horizon=5, cutoffs=3).notes == ()


@pytest.mark.parametrize("cutoffs", [1, 4])
def test_too_short_a_table_says_how_many_rows_it_takes(model, sales, cutoffs):
    with pytest.raises(
        DataError, match=r"need.? a series of more than 6\d rows, the longest has 60"
    ):
        model.backtest(sales, horizon=60, cutoffs=cutoffs, stride=1)


def test_a_table_without_a_value_before_any_cutoff_is_refused(make_model, make_panel):
    panel = make_panel([NAN, NAN, NAN, 4, 5])

    with pytest.raises(DataError, match="no value is observed before a cutoff"):
        roll(make_model(make_panel(np.arange(9.0))), panel, 2, np.array([2]))


def test_names_that_the_table_needs_for_itself_are_refused(make_model, sales):
    table = sales.rename(columns={"sold": "naive"})

    with pytest.raises(DataError, match=r"a backtest has a column 'naive' of its own; rename"):
        make_model(to_panel(table, target="naive")).backtest(table, 2, 1)


def test_unknown_baselines_are_refused(model, sales):
    with pytest.raises(OptionError, match=r"baselines are \['ets'\]; there are naive, seasonal"):
        model.backtest(sales, 2, 1, baselines=["ets"])


@pytest.mark.slow
def test_slow_baselines_are_left_out_of_many_forecasts_unless_asked_for(model, sales, monkeypatch):
    limits = {"naive2": 3, "auto_ets": 1, "auto_theta": 1}
    monkeypatch.setattr("forecast.evaluation.rolling_origin.MAX_ROLLOUTS", limits)

    few, many = (list(model.backtest(sales, 2, cutoffs).forecasts) for cutoffs in (1, 2))

    assert few == ["forecast", "naive", "seasonal_naive", "drift", "naive2"]
    assert many == few[:-1]
    asked = model.backtest(sales, 2, 2, baselines=["auto_theta", "naive2"])
    assert list(asked.forecasts) == ["forecast", "auto_theta", "naive2"]


def test_what_is_not_installed_is_left_out_and_refused_where_asked_for(model, sales, monkeypatch):
    monkeypatch.setattr("forecast.evaluation.statsforecast_baselines.find_spec", lambda _: None)

    assert "auto_ets" not in model.backtest(sales, 2, 1).forecasts
    with pytest.raises(OptionError, match=r"AutoETS needs statsforecast; install it with: pip"):
        model.backtest(sales, 2, 1, baselines=["auto_ets"])


# With training


@pytest.mark.usefixtures("untrained")
def test_training_sees_the_rows_before_the_first_cutoff_alone(sales):
    from forecast import Forecaster

    forecaster = Forecaster(units=4, steps=2, seed=1)
    found = forecaster.backtest(sales, horizon=3, cutoffs=3)

    panel = to_panel(sales)
    before = Forecaster(units=4, steps=2, seed=1).fit(to_table(panel.until(9))).model_
    assert forecaster.model_.state.fingerprint == before.state.fingerprint
    np.testing.assert_allclose(
        found.forecasts["forecast"][:2].ravel(), before.predict(3)["forecast"], **CLOSE
    )
    assert found.notes == ()


@pytest.mark.usefixtures("untrained")
def test_missing_actuals_are_counted_over_all_refits(sales):
    from forecast import Forecaster

    holed = sales.copy()
    holed.loc[holed.index[-1], "sold"] = NAN  # among the last rows of one series of two

    found = Forecaster(units=4, steps=1, feedback="teacher").backtest(holed, 2, 2, refit=1)

    assert found.notes == ("1 of 8 actuals are missing; they are left out",)


@pytest.mark.usefixtures("untrained")
def test_a_backtest_that_trains_tells_what_its_training_has_not_practised(sales):
    from forecast import Forecaster

    forecaster = Forecaster(units=4, steps=1, feedback="teacher", train_horizon=2)

    assert forecaster.backtest(sales, 3, 1).notes[0].startswith("training practised 2 of the 3")


@pytest.mark.usefixtures("untrained")
def test_a_model_is_refitted_at_every_nth_cutoff(sales):
    from forecast import Forecaster

    choices = {"units": 4, "steps": 2, "seed": 1}
    found = Forecaster(**choices).backtest(sales, horizon=2, cutoffs=3, refit=2)

    panel = to_panel(sales)
    models = [Forecaster(**choices).fit(panel.until(back)).model_ for back in (6, 2)]
    paths = [
        models[0].predict(2, to_table(panel.until(6))),
        models[0].predict(2, to_table(panel.until(4))),
        models[1].predict(2, to_table(panel.until(2))),
    ]
    np.testing.assert_allclose(
        found.forecasts["forecast"].ravel(), pd.concat(paths)["forecast"], **CLOSE
    )
    with pytest.raises(OptionError, match="refit is 0"):
        Forecaster(**choices).backtest(sales, 2, 3, refit=0)
