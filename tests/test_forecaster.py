import inspect
import json
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score
from sklearn.utils import estimator_checks

import forecast
from forecast import DataError, Forecaster, Model, OptionError, RollingOrigin
from forecast import forecaster as forecaster_module
from forecast.data import scaling
from forecast.data.to_panel import to_panel
from forecast.evaluation import holdout
from forecast.evaluation.scoring import score
from forecast.inference.rollout import make_cell, times_after
from forecast.training.options import seconds

TINY = {"steps": 2, "units": 2, "holdout": 0, "feedback": "teacher"}  # compiles once


# An estimator by scikit-learn's rules


def test_every_choice_is_a_parameter_that_can_be_read_and_set():
    forecaster = Forecaster(head="student_t", units=8)

    signature = inspect.signature(Forecaster.__init__).parameters
    assert forecaster.get_params().keys() == signature.keys() - {"self"}
    assert forecaster.get_params()["units"] == 8
    assert forecaster.set_params(units=16, seed=5) is forecaster
    assert (forecaster.units, forecaster.seed, forecaster.head) == (16, 5, "student_t")
    with pytest.raises(ValueError, match="Invalid parameter 'depth'"):
        forecaster.set_params(depth=3)


def test_making_one_keeps_the_choices_as_they_are_and_checks_nothing():
    choices = {"units": "many", "budget": object()}

    forecaster = Forecaster(**choices)

    assert all(getattr(forecaster, name) is value for name, value in choices.items())


def test_choices_are_given_by_name_only():
    with pytest.raises(TypeError, match="positional"):
        Forecaster("store")


def test_a_clone_has_the_choices_but_not_the_fit(trained):
    copy = clone(trained)

    assert copy.get_params() == trained.get_params()
    assert not hasattr(copy, "model_")


def test_it_shows_the_choices_that_were_made():
    assert repr(Forecaster(units=8, seed=2)) == "Forecaster(seed=2, units=8)"


@pytest.mark.parametrize("method", ["predict", "rollout"])
def test_before_a_fit_it_says_that_it_is_not_fitted(method):
    with pytest.raises(NotFittedError, match="This Forecaster instance is not fitted yet"):
        getattr(Forecaster(), method)(3)


def test_what_a_fit_finds_ends_in_an_underscore(trained):
    found = vars(trained).keys() - trained.get_params().keys()

    assert found == {"model_"}
    assert isinstance(trained.model_, Model)


def checks():
    """scikit-learn's own checks of an estimator, those that put no array of numbers through it."""
    names = (
        *("do_not_raise_errors_in_init_or_set_params", "estimator_cloneable", "estimator_repr"),
        *("estimator_tags_renamed", "estimators_unfitted", "get_params_invariance", "mixin_order"),
        *("no_attributes_set_in_init", "parameters_default_constructible", "set_params"),
        *("valid_tag_types",),
    )
    return [getattr(estimator_checks, f"check_{name}") for name in names]


@pytest.mark.parametrize("check", checks(), ids=lambda check: check.__name__)
def test_scikit_learn_finds_that_its_rules_are_kept(check):
    check("Forecaster", Forecaster(units=8))


def test_a_fit_can_be_pickled_by_those_who_want_to(trained):
    copy = pickle.loads(pickle.dumps(trained))

    assert copy.predict(3).equals(trained.predict(3))
    assert copy.get_params() == trained.get_params()


def test_a_fit_is_scored_on_the_rows_that_follow_it(trained):
    rows = trained.predict(5).assign(sold=lambda table: table["forecast"] + 1.0)

    assert trained.score(rows) == trained.score(rows, None) == score(trained.model_, rows) < 0
    with pytest.raises(NotFittedError, match="This Forecaster instance is not fitted yet"):
        Forecaster().score(rows)


def test_folds_of_a_panel_are_scored_one_by_one(sales):
    forecaster = Forecaster(**TINY)

    scores = cross_val_score(forecaster, sales, cv=RollingOrigin(horizon=7, folds=2))

    by_hand = []
    for cutoff in (46, 53):
        fitted = clone(forecaster).fit(sales.groupby("store").head(cutoff))
        rows = sales.groupby("store").nth(slice(cutoff, cutoff + 7))
        by_hand.append(fitted.score(rows))
    assert scores.tolist() == by_hand


def test_a_grid_is_searched_over_time_and_the_best_goes_on_with_all_rows(sales):
    table = sales[sales["store"] == "north"].drop(columns="store").set_index("day")
    grid = {"units": [2, 3]}
    cv = TimeSeriesSplit(n_splits=2, test_size=5)

    search = GridSearchCV(Forecaster(**TINY), grid, cv=cv, error_score="raise").fit(table)

    assert search.best_params_["units"] in (2, 3)
    assert search.best_score_ == max(search.cv_results_["mean_test_score"]) < 0
    assert search.predict(3)["day"][0] == table.index[-1] + pd.Timedelta(days=1)


def test_known_columns_are_taken_from_the_rows_of_a_fold(sales):
    table = sales.assign(price=np.arange(len(sales)) % 5 + 1.0)

    scores = cross_val_score(
        Forecaster(known="price", target="sold", **TINY), table, cv=RollingOrigin(5, folds=1)
    )

    assert np.isfinite(scores).all()


def test_a_chain_of_pandas_gives_the_history_first(trained, sales):
    history = sales[sales["day"] < "2024-02-01"]

    chained = history.pipe(trained.predict, horizon=2)

    assert chained.equals(trained.predict(2, history))
    with pytest.raises(OptionError, match="horizon is a table; say how many steps, as in predict"):
        history.pipe(trained.predict)


# Tables in and out


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

    assert loaded.predict(9, levels=(80,)).equals(trained.predict(9, levels=(80,)))
    assert loaded.record == trained.model_.record


def test_a_model_trained_in_lanes_forecasts_any_number_of_series(sales, tmp_path):
    path = tmp_path / "model.forecast"
    trained = Forecaster(windows="contiguous", batch_size=3, units=2, steps=2).fit(sales)
    trained.model_.save(path)
    stores = pd.concat([sales.assign(store=sales["store"] + str(k)) for k in range(4)])

    loaded = forecast.load(path)

    assert loaded.record["plan"]["windows"] == "contiguous"
    assert loaded.weights.keys() == Forecaster(**TINY).fit(sales).model_.weights.keys()
    assert loaded.predict(3).equals(trained.predict(3))
    alone = loaded.predict(3, stores[stores["store"] == "south2"])["forecast"]
    among = loaded.predict(3, stores).query("store == 'south2'")["forecast"]
    np.testing.assert_allclose(alone, among, rtol=1e-5)


def test_a_table_of_another_order_and_index_gives_the_same_model(trained, again):
    for name, array in trained.model_.weights.items():
        assert again.model_.weights[name].tobytes() == array.tobytes()
    assert again.predict(2)["forecast"].tolist() == trained.predict(2)["forecast"].tolist()


def test_a_wide_table_is_many_series(sales):
    wide = sales.pivot(index="day", columns="store", values="sold").reset_index()

    future = Forecaster(**TINY).fit(wide).predict(2)

    assert future["store"].tolist() == ["north", "north", "south", "south"]


def test_a_series_is_one_series():
    series = pd.Series(
        np.sin(np.arange(48) / 3), pd.date_range("2020-01", periods=48, freq="MS"), name="level"
    )

    future = Forecaster(**TINY).fit(series).predict(2)

    assert len(future) == 2
    assert future["forecast"].notna().all()


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


# What training finds


def test_the_model_knows_how_it_was_trained(trained):
    record = trained.model_.record

    assert (record["series"], record["rows"], record["ended"]) == (2, 120, "planned")
    assert record["library"] == forecast.__version__
    assert (record["plan"]["steps"], record["plan"]["units"]) == (6, 4)
    assert [r["step"] for r in record["rounds"]] == [1, 2, 3, 4, 5, 6]
    assert record["comparison"]["steps"] == record["plan"]["holdout"]
    assert record["comparison"]["series"] == 2
    assert json.loads(json.dumps(record)) == record


def test_the_comparison_is_that_of_the_last_steps_with_all_before_them(trained, sales):
    comparison = trained.model_.record["comparison"]
    steps = comparison["steps"]
    before = sales.groupby("store").head(60 - steps)
    after = sales.groupby("store").tail(steps)

    errors = trained.predict(steps, before)["forecast"].to_numpy() - after["sold"].to_numpy()
    naive = np.concatenate(
        [[*one["sold"].tail(7)] * (steps // 7 + 1) for _, one in before.groupby("store")]
    )
    naive = naive.reshape(2, -1)[:, :steps].ravel() - after["sold"].to_numpy()

    assert comparison["mae"] == pytest.approx(np.abs(errors).mean(), rel=1e-6)
    assert comparison["naive_mae"] == pytest.approx(np.abs(naive).mean(), rel=1e-9)


def test_without_a_holdout_there_is_no_comparison_but_there_is_progress(sales):
    heard = []

    model = Forecaster(**TINY).fit(sales, progress=heard.append).model_

    assert model.record["comparison"] is None
    assert model.record["plan"]["holdout"] == 0
    assert [(progress.step, progress.steps) for progress in heard] == [(1, 2), (2, 2)]


def test_an_interrupted_fit_leaves_a_model_that_forecasts(sales):
    def control_c(progress):
        if progress.step == 10:
            raise KeyboardInterrupt

    forecaster = Forecaster(steps=100, units=2, batch_size=4).fit(sales, progress=control_c)

    assert forecaster.model_.record["ended"] == "interrupted"
    assert np.isfinite(forecaster.predict(3)["forecast"]).all()


def test_a_wave_without_a_season_is_learned(make_panel):
    wave = make_panel(20 + 5 * np.sin(2 * np.pi * np.arange(150) / 12.3))

    comparison = Forecaster(steps=120, units=16, seed=1).fit(wave).model_.record["comparison"]

    assert comparison["mae"] < 0.5 * comparison["naive_mae"]


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


def test_no_leak_held_out_values_change_neither_the_weights_nor_the_forecast_held_against_them(
    monkeypatch, make_random_panel, make_panel
):
    series = make_random_panel([40, 40]).target.reshape(2, 40)
    final, tail = series.copy(), series.copy()
    final[:, 35:] *= 7  # held out for the comparison
    final[0, 36] = np.nan
    tail[:, 30:35] *= 7  # held out for the validation
    compared = []

    def note(history, actual, forecast, season):  # noqa: ARG001
        compared.append((history.target.tobytes(), actual.tobytes(), forecast.tobytes()))

    monkeypatch.setattr(holdout, "compare", note)
    choices = {"holdout": 5, "steps": 4, "units": 2, "transform": "auto"}
    plain, other_final, other_tail = (
        Forecaster(**choices).fit(make_panel(*values)).model_ for values in (series, final, tail)
    )

    for name, array in plain.weights.items():
        assert other_final.weights[name].tobytes() == array.tobytes()
    assert compared[1][0] == compared[0][0]
    assert compared[1][1] != compared[0][1]
    assert compared[1][2] == compared[0][2]
    losses, final_losses, tail_losses = (
        [(one["loss"], one["validation_loss"]) for one in model.record["rounds"]]
        for model in (plain, other_final, other_tail)
    )
    assert final_losses == losses
    assert [loss for loss, _ in tail_losses] == [loss for loss, _ in losses]
    assert all(ours[1] != other[1] for ours, other in zip(losses, tail_losses, strict=True))


# Choices


def chosen(table, **choices):
    """The configuration and plan that a fit would use."""
    return Forecaster(**choices)._choose(to_panel(table))


@pytest.fixture(scope="module")
def monthly():
    months = pd.date_range("2015-01-01", periods=60, freq="MS")
    return pd.DataFrame({"ds": months, "y": 10.0 + np.arange(60) % 12})


def test_what_is_left_open_follows_the_data(monthly):
    config, _ = chosen(monthly)

    assert config.frequency.name == "MS"
    assert (config.season, config.lags, config.cycles) == (12, (12, 24), ("year",))


def test_lags_reach_back_at_most_half_a_typical_series(monthly):
    assert chosen(monthly[:47])[0].lags == (12,)


def test_a_cycle_that_the_data_does_not_repeat_is_no_input(monthly):
    assert chosen(monthly[:23])[0].cycles == ()


def test_a_season_that_is_given_is_a_lag_too(monthly):
    config, _ = chosen(monthly, season=5)

    assert (config.season, config.lags) == (5, (5, 10, 12, 24))


def test_what_is_given_is_taken(monthly):
    config, plan = chosen(
        monthly,
        head="student_t",
        layers=3,
        units=5,
        dropout=0.25,
        context=6,
        holdout=4,
        transform="sqrt",
        windows="contiguous",
        batch_size=2,
        steps=7,
        learning_rate=0.5,
        cell="gru",
    )

    assert (config.head, config.layers, config.units, config.context) == ("student_t", 3, 5, 6)
    assert (config.cell, config.horizon, config.powers) == ("gru", plan.length - 6, (0.5,))
    assert plan.windows == "contiguous"
    assert (plan.dropout, plan.holdout, plan.batch, plan.steps, plan.rate) == (0.25, 4, 2, 7, 0.5)


@pytest.mark.parametrize(
    ("ratio", "ends"), [(0.5, (1.0, 0.5)), ((0.9, 0.25), (0.9, 0.25)), ([0.75], (1.0, 0.75))]
)
def test_the_regimes_and_their_shares_are_taken(monthly, ratio, ends):
    config, plan = chosen(
        monthly,
        **{
            "network": "attention",
            "attention_score": "additive",
            "feedback": "teacher > scheduled",
        },
        **{"teacher_forcing_ratio": ratio, "schedule": "sigmoid"},
        **{"mixing": "parallel", "mix_by": "sequence", "train_horizon": 9},
    )

    assert (config.network, config.score) == ("attention", "additive")
    assert (plan.feedback, plan.regimes) == ("teacher>scheduled", ("teacher", "scheduled"))
    assert (plan.first_ratio, plan.last_ratio) == ends
    assert (plan.schedule, plan.mixing, plan.mix_by) == ("sigmoid", "parallel", "sequence")
    assert (plan.horizon, config.horizon, plan.length) == (9, 9, plan.context + 9)


@pytest.mark.parametrize("feedback", ["teacher,free", ["teacher", "free"], "teacher > free"])
def test_regimes_that_follow_one_another_can_be_written_in_several_ways(monthly, feedback):
    _, plan = chosen(monthly, feedback=feedback)

    assert (plan.feedback, plan.regimes) == ("teacher>free", ("teacher", "free"))


@pytest.mark.parametrize("name", ["seq2seq", "attention"])
def test_the_gap_of_a_decoder_is_that_of_the_decoder_on_the_same_steps(sales, name):
    """Fed with true values or its own, it starts from the memory that the encoder leaves."""
    plain = {"network": name, "transform": "none", "bounds": "none"}
    model = Forecaster(**TINY | {"holdout": 3, **plain}).fit(sales).model_

    panel = to_panel(sales)
    history, actual = panel.until(6), panel.until(3).target.reshape(2, -1)[:, -3:]
    state, fed_true = model.encode(history), []
    cell = make_cell(model.config, model.weights)
    value, memory = state.value, state.memory
    scaled = (actual - state.scale.location) / state.scale.scale
    for step, true in enumerate(scaled.T):
        times = times_after(state, step + 1)[step]
        calendar = model.config.frequency.calendar(times, model.config.cycles)
        params, memory = cell.advance(value, memory, calendar)
        fed_true.append(params[:, 0] * state.scale.scale[:, 0] + state.scale.location[:, 0])
        value = true[:, None].astype(np.float32)
    season, past = model.config.season, history.target.reshape(2, -1)
    scale = np.abs(past[:, season:] - past[:, :-season]).mean(axis=1)
    expected = (np.abs(np.stack(fed_true) - actual.T) / scale).mean(axis=1)
    np.testing.assert_allclose(model.record["exposure"]["one_step"], expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("given", "feedback"),
    [
        ({}, "teacher>free"),
        ({"network": "seq2seq"}, "free"),
        ({"network": "attention"}, "free"),
        ({"network": "repeat"}, "teacher"),
        ({"windows": "contiguous"}, "teacher"),
        ({"feedback": "teacher"}, "teacher"),
        ({"head": "student_t"}, "teacher"),
        ({"head": "normal", "network": "seq2seq"}, "teacher"),
        ({"head": "normal", "feedback": "free"}, "free"),
    ],
)
def test_feedback_follows_from_network_and_head_unless_it_is_given(monthly, given, feedback):
    assert chosen(monthly, **given)[1].feedback == feedback


def test_nothing_observed_where_the_validation_lies_is_no_validation(make_panel):
    values = np.sin(np.arange(60.0))
    values[-8:-4] = np.nan

    model = Forecaster(**TINY | {"steps": 40, "holdout": 4}).fit(make_panel(values)).model_

    assert {part["validation_loss"] for part in model.record["rounds"]} == {None}
    assert (model.record["ended"], model.record["kept"]) == ("planned", 40)


def test_training_that_ends_before_a_regimes_turn_says_so(sales):
    short = Forecaster(**TINY | {"steps": 3, "feedback": "teacher>free"}).fit(sales).model_.record
    full = Forecaster(**TINY | {"steps": 8, "feedback": "teacher>free"}).fit(sales).model_.record

    assert (short["regimes"], full["regimes"]) == (["teacher"], ["teacher", "free"])
    assert (short["turns"], full["turns"]) == ([0], [0, 6])  # the last quarter is that of free


def test_training_records_the_exposure_gap_of_the_validation_tail(sales):
    forecaster = Forecaster(**TINY | {"holdout": 3}).fit(sales)

    gap = forecaster.model_.record["exposure"]
    assert [len(gap[kind]) for kind in ("one_step", "rollout")] == [3, 3]
    # the same by hand: a model that has seen all but the last 2 x 3 rows
    panel = to_panel(sales)
    history, model = panel.until(6), forecaster.model_
    actual = panel.until(3).target.reshape(2, -1)[:, -3:]
    state = model.encode(history)
    rollout = model.predict(3, state=state)["forecast"].to_numpy().reshape(2, 3)
    ahead = [model.predict(1, state=state)["forecast"]]
    for true in actual.T[:-1]:
        state = model.observe(state, true)
        ahead.append(model.predict(1, state=state)["forecast"])
    season = model.config.season
    past = history.target.reshape(2, -1)
    scale = np.abs(past[:, season:] - past[:, :-season]).mean(axis=1, keepdims=True)
    for found, expected in ((gap["rollout"], rollout), (gap["one_step"], np.stack(ahead, 1))):
        errors = (np.abs(expected - actual) / scale).mean(axis=0)
        np.testing.assert_allclose(found, errors, rtol=1e-5)


@pytest.mark.parametrize("interrupted", ["comparisons_of", "exposure_of"])
def test_an_interrupt_after_training_keeps_the_model(monkeypatch, sales, interrupted):
    def control_c(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(forecaster_module, interrupted, control_c)

    model = Forecaster(**TINY | {"holdout": 3}).fit(sales).model_

    assert model.record["exposure"] is None
    assert (model.record["comparison"] is None) == (interrupted == "comparisons_of")
    assert len(model.predict(2)) == 4


def test_a_series_without_a_value_to_train_on_is_refused_before_training(make_panel):
    values = np.full(60, np.nan)
    values[-10:] = np.arange(10.0)

    with pytest.raises(DataError, match="no value is observed before the last 10 rows, which are"):
        Forecaster(**TINY | {"holdout": 5}).fit(make_panel(values))


def test_without_a_holdout_no_gap_is_recorded(sales):
    assert Forecaster(**TINY | {"holdout": 0}).fit(sales).model_.record["exposure"] is None


def test_the_transform_is_chosen_without_the_values_held_out(make_panel):
    season = np.sin(2 * np.pi * np.arange(12) / 12)
    seen = [level + level / 2 * season for level in (10.0, 11.0, 12.0, 13.0, 14.0, 15.0)]
    held_out = [level + 5 * season for level in (1e3, 1e4, 1e5, 1e6)]
    panel = make_panel(np.concatenate(seen + held_out), frequency="MS")

    config, _ = Forecaster(holdout=24)._choose(panel)

    assert config.powers == (scaling.POWERS["log"],)
    assert scaling.choose_power(panel) == scaling.POWERS["none"]  # as all values would have it


def test_a_transform_that_suits_is_not_taken_where_a_held_out_value_rules_it_out(make_panel):
    season = np.sin(2 * np.pi * np.arange(12) / 12)
    values = np.concatenate([level + level / 2 * season for level in (10.0, 20.0, 40.0, 80.0)])
    spoiled = np.append(values[:-1], 0.0)

    powers = [
        Forecaster(holdout=2)._choose(make_panel(v, frequency="MS"))[0].powers[0]
        for v in (values, spoiled)
    ]

    assert powers == [scaling.POWERS["log"], scaling.POWERS["none"]]


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"target": ["load", "promo"]}, "target is ['load', 'promo']; it must be text, or None"),
        (
            {"network": "gru"},
            "network is 'gru'; it must be one of lstm, seq2seq, attention, repeat",
        ),
        ({"head": "cauchy"}, "head is 'cauchy'; it must be one of point, normal"),
        ({"transform": "boxcox"}, "transform is 'boxcox'; it must be one of auto, log, sqrt, none"),
        ({"cell": "rnn"}, "cell is 'rnn'; it must be one of lstm, gru"),
        (
            {"attention_score": "cosine"},
            "attention_score is 'cosine'; it must be one of dot, additive",
        ),
        ({"schedule": "stairs"}, "schedule is 'stairs'; it must be one of constant, linear"),
        (
            {"teacher_forcing_ratio": 0.5, "feedback": "free"},
            "teacher_forcing_ratio is for scheduled sampling, but feedback is 'free'; use",
        ),
        ({"mixing": "exact"}, "mixing is for scheduled sampling, but feedback is 'teacher,free'"),
        (
            {"attention_score": "dot"},
            "attention_score is for attention, but network is 'lstm'; use --network attention",
        ),
        (
            {"feedback": "scheduled", "schedule": "constant"},
            "a constant schedule needs one teacher_forcing_ratio, such as 0.5",
        ),
        ({"feedback": "free", "train_horizon": 1}, "train_horizon is 1, but the first step of a"),
        ({"train_horizon": 0}, "train_horizon is 0; it must be a whole number of at least 1"),
        ({"residual": True, "layers": 1}, "residual is True, but lies between layers, and there"),
        ({"residual": "yes"}, "residual is 'yes'; it must be True or False"),
        ({"dropout": 0.1, "layers": 1}, "dropout is 0.1, but lies between layers, and there is"),
        ({"budget": "1e999"}, "budget is '1e999'; give seconds"),
        ({"learning_rate": np.inf}, "learning_rate is inf; it must be a positive number"),
        ({"mixing": "half"}, "mixing is 'half'; it must be one of exact, parallel"),
        ({"mix_by": "row"}, "mix_by is 'row'; it must be one of step, sequence"),
        ({"feedback": "pupil"}, "feedback is 'pupil'; it must be one of teacher, scheduled, free"),
        ({"feedback": []}, "feedback is []; it must be one of"),
        ({"feedback": 5}, "feedback is 5; it must be one of"),
        ({"teacher_forcing_ratio": 1.5}, "teacher_forcing_ratio is 1.5; give a share from 0 to 1"),
        ({"teacher_forcing_ratio": (1, 0, 0)}, "teacher_forcing_ratio is (1, 0, 0); give a share"),
        ({"teacher_forcing_ratio": ()}, "teacher_forcing_ratio is (); give a share"),
        ({"teacher_forcing_ratio": "1"}, "teacher_forcing_ratio is '1'; give a share"),
        ({"feedback": "free", "network": "repeat"}, "network 'repeat' is not fed its own values"),
        ({"feedback": "free", "windows": "contiguous"}, "contiguous windows carry the memory"),
        ({"network": "seq2seq", "windows": "contiguous"}, "contiguous windows carry the memory"),
        ({"windows": "sliding"}, "windows is 'sliding'; it must be one of random, contiguous"),
        ({"layers": 0}, "layers is 0; it must be a whole number of at least 1"),
        ({"units": 2.5}, "units is 2.5; it must be a whole number of at least 1"),
        ({"units": "8"}, "units is '8'; it must be a whole number of at least 1"),
        ({"context": 1}, "context is 1; it must be a whole number of at least 2"),
        ({"holdout": -1}, "holdout is -1; it must be a whole number of at least 0"),
        ({"batch_size": 0}, "batch_size is 0; it must be a whole number of at least 1"),
        ({"steps": 0}, "steps is 0; it must be a whole number of at least 1"),
        ({"season": 0}, "season is 0; it must be a whole number of at least 1"),
        ({"layers": True}, "layers is True; it must be a whole number of at least 1"),
        ({"seed": None}, "seed is None; it must be a whole number of at least 0"),
        ({"dropout": "a tenth"}, "dropout is 'a tenth'; it must lie from 0 to below 1"),
        ({"learning_rate": "fast"}, "learning_rate is 'fast'; it must be a positive number"),
        ({"bounds": np.array([5.0, 1.0])}, "bounds are (5.0, 1.0); give 'none'"),
        ({"seed": -1}, "seed is -1; it must be a whole number of at least 0"),
        ({"dropout": 1.0}, "dropout is 1.0; it must lie from 0 to below 1"),
        ({"dropout": -0.1}, "dropout is -0.1; it must lie from 0 to below 1"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0; it must be a positive number"),
        ({"learning_rate": float("nan")}, "learning_rate is nan; it must be a positive number"),
        ({"budget": "soon"}, "budget is 'soon'; give seconds, or text such as"),
    ],
)
def test_a_choice_out_of_range_is_named_with_what_would_be_right(sales, choices, message):
    with pytest.raises(OptionError) as error:
        Forecaster(**choices).fit(sales)

    assert str(error.value).startswith(message)


def test_whole_numbers_of_numpy_are_whole_numbers(sales, tmp_path):
    choices = {"steps": np.int64(1), "units": np.int32(2), "season": np.int64(7)}

    model = Forecaster(seed=np.int64(1), **choices).fit(sales).model_
    model.save(tmp_path / "model.forecast")

    assert forecast.load(tmp_path / "model.forecast").config.units == 2


def test_columns_and_frequency_can_be_named(sales):
    renamed = sales.rename(columns={"store": "a", "day": "b", "sold": "c"}).assign(d=1.0)
    every_other = renamed[renamed["b"].dt.day_of_year % 2 == 0]

    forecaster = Forecaster(id="a", time="b", target="c", frequency="D", **TINY).fit(every_other)

    assert forecaster.model_.config.frequency.name == "D"
    future = forecaster.predict(2)
    assert future.columns.tolist() == ["a", "b", "forecast"]
    assert future["b"].diff().iloc[1] == pd.Timedelta(days=1)


# The budget


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        ("90s", 90),
        ("5m", 300),
        ("1.5h", 5400),
        ("30", 30),
        (30, 30),
        (0.5, 0.5),
        (" 2 m ", 120),
        ("5min", 300),
        ("1h 30min", 5400),
        ("1e3", 1000),
        (1e-5, 1e-5),
    ],
)
def test_a_budget_is_seconds_or_text_with_a_unit(budget, expected):
    assert seconds(budget) == expected


@pytest.mark.parametrize("budget", ["", "soon", "5 lots", "-5m", 0, -1, "1.2.3", None, "nan", "0s"])
def test_a_budget_that_is_no_length_of_time_is_refused(budget):
    with pytest.raises(OptionError) as error:
        seconds(budget)

    assert str(error.value) == (
        f'budget is {budget!r}; give seconds, or text such as "90s", "5m", "1h"'
    )
