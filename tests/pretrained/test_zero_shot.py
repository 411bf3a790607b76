"""The untrained forecast of a table, with small random weights in place of the shipped ones."""

import copy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import forecast
from forecast import Forecaster, ForecastWarning, Model, OptionError
from forecast.classical import theta
from forecast.data import scaling
from forecast.data.covariates import CovariateColumns
from forecast.data.frequency import parse
from forecast.data.to_panel import to_panel
from forecast.evaluation import holdout
from forecast.evaluation.holdout import calibrate
from forecast.inference import encoding
from forecast.inference.bounds import Bounds, between, non_negative
from forecast.inference.conformal import EXPECTED_SCORES, Calibration
from forecast.inference.encoding import history_scale
from forecast.inference.members import Core
from forecast.inference.predictor import Predictor
from forecast.inference.serialization import ModelParts
from forecast.nn import seasonal
from forecast.pretrained import zero_shot as untrained_forecasts
from forecast.pretrained.practised import KINDS, with_seasons
from forecast.pretrained.pretraining import pretraining_config
from forecast.pretrained.zero_shot import (
    calibration_of,
    evidence,
    shipped,
    zero_shot,
    zero_shot_config,
)

EXPECTED = Calibration(np.tile(np.arange(1, 201, dtype=np.float32)[:, None] / 50, (60, 1, 1)))
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


@pytest.fixture(autouse=True, scope="module")
def weights(make_weights):
    """Random weights stand in for those of the package."""
    config = pretraining_config(units=4, layers=2, cell="lstm")
    core = Core(config, make_weights(config, size=0.3))
    parts = ModelParts(core, None, {}, EXPECTED)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(untrained_forecasts, "shipped", lambda: parts)
        patched.setattr(holdout, "MAX_CALIBRATION_ROLLOUTS", 4)
        patched.setattr(holdout, "MIN_CALIBRATION_ROLLOUTS", 4)
        yield parts.weights


def table_of(*series, freq="MS"):
    """A long table of series."""
    parts = [
        pd.DataFrame(
            {
                "unique_id": f"s{k}",
                "ds": pd.date_range("2001-01-01", periods=len(values), freq=freq),
                "y": values,
            }
        )
        for k, values in enumerate(series)
    ]
    return pd.concat(parts, ignore_index=True)


def random_series(seed, lengths=(40, 25)):
    rng = np.random.default_rng(seed)
    return [rng.gamma(4.0, 2.5, length) + 3 * np.sin(np.arange(length)) for length in lengths]


def fitted(table, **options):
    return Forecaster(start="pretrained", steps=0, **options).fit(table)


@pytest.fixture(scope="module")
def model():
    """Of two monthly series, one of which has gaps."""
    first, second = random_series(0)
    second[3:9] = np.nan
    return fitted(table_of(first, second)).model_


# What the model is made of


def test_an_untrained_model_is_the_pretrained_network_after_the_rows_of_the_table(model, weights):
    assert type(model) is Model
    assert model.record is None
    assert model.weights is weights
    assert (model.config.network, model.config.direct) == ("seasonal", True)
    assert model.state.ids.tolist() == ["s0", "s1"]
    assert model.state.memory.network["seen"].ravel().tolist() == [40 - 1, 25 - 6 - 1]
    assert model.predict(3).shape == (6, 3)


@pytest.mark.parametrize(
    ("frequency", "rows", "seasons", "context", "horizon"),
    [
        ("MS", 40, (12, 0), 36, 36),
        ("h", 100, (24, 0), 72, 168),
        ("h", 169, (24, 168), 72, 168),
        ("D", 365, (7, 364), 21, 60),
        ("YS", 30, (1, 0), 12, 12),
        ("QS", 30, (4, 0), 12, 16),
    ],
)
def test_seasons_and_the_rows_of_a_scale_follow_from_the_frequency_and_the_longest_series(
    make_panel, frequency, rows, seasons, context, horizon
):
    panel = make_panel(np.arange(rows, dtype=float), np.arange(9.0), frequency=frequency)

    config = zero_shot_config(panel)

    assert (config.season, config.seasons) == (seasons[0], seasons)
    assert config.lags == seasonal.lags(seasons)
    assert (config.context, config.horizon) == (context, horizon)
    assert config.frequency == parse(frequency)
    assert config.schema == panel.schema


def test_a_season_that_is_given_is_looked_at_with_a_longer_one_if_both_were_practised(make_panel):
    half_hourly, hourly = (make_panel(np.arange(400.0), frequency=step) for step in ("30min", "h"))

    assert zero_shot_config(half_hourly, season=48).seasons == (48, 336)
    assert zero_shot_config(half_hourly, season=24).seasons == (24, 0)  # not a day and two
    assert zero_shot_config(hourly, season=84).seasons == (84, 0)


@pytest.mark.parametrize(("frequency", "season"), [("MS", 12), ("QS", 4), ("YS", 1), ("MS", 5)])
def test_forecasts_of_long_steps_are_three_fifths_of_the_network_and_two_of_theta(
    frequency, season
):
    first, second = random_series(5)
    table = table_of(first, second, freq=frequency)

    both = fitted(table, season=season, bounds="none")
    alone = fitted(table, season=season, bounds="none", members=1)

    assert both.model_.shares == (0.6, 0.4)
    assert alone.model_.others == ()
    state = theta.fit(np.concatenate([first, second]), np.array([0, 40, 65]), season)
    expected = 0.6 * alone.predict(7)["forecast"] + 0.4 * theta.forecast(state, 7)[0].ravel()
    np.testing.assert_allclose(both.predict(7)["forecast"], expected, **CLOSE)


@pytest.mark.parametrize(("frequency", "season"), [("D", 7), ("h", 24), ("W", 1), ("MS", 13)])
def test_forecasts_of_short_steps_or_long_seasons_are_those_of_the_network_alone(frequency, season):
    model = fitted(table_of(*random_series(5), freq=frequency), season=season).model_

    assert (model.others, model.shares) == ((), (1.0,))


def test_bounds_are_inferred_or_those_given(make_panel):
    positive = make_panel(np.arange(1.0, 41.0))

    assert zero_shot_config(positive).bounds == (non_negative,)
    assert zero_shot_config(make_panel(np.arange(-9.0, 31.0))).bounds == (Bounds(),)
    assert zero_shot_config(positive, bounds="none").bounds == (Bounds(),)
    assert zero_shot_config(positive, bounds=between(2, 99)).bounds == (between(2, 99),)


def test_the_usual_spreads_are_those_of_the_panel(make_panel):
    panel = make_panel(np.tile([0.0, 4.0], 20), np.tile([10.0, 14.0], 20))

    found = zero_shot_config(panel, season=4).usual_spreads

    assert found == scaling.usual_spreads(panel.target, panel.indptr, 12, (1.0,))
    assert found[0].spread == pytest.approx(2.0)


def test_a_series_without_any_value_is_left_out_and_named():
    first, second = random_series(1)

    with pytest.warns(ForecastWarning, match="^series without any value are left out: 's1'$"):
        model = fitted(table_of(first, np.full(5, np.nan), second)).model_

    assert model.state.ids.tolist() == ["s0", "s2"]


def test_several_targets_and_covariates_need_training(make_panel):
    both = make_panel(np.ones((30, 2)))
    with pytest.raises(OptionError, match=r"one target, not \['sold', 'came'\].*or train"):
        zero_shot(both)

    panel = make_panel(np.arange(30.0))
    for place in ("known", "static"):
        rows = 30 if place == "known" else 1
        covariates = CovariateColumns(("price",), np.ones((rows, 1)), ((),))
        with pytest.raises(OptionError, match=r"no covariates such as \['price'\]"):
            zero_shot(replace(panel, **{place: covariates}))


@given(
    lengths=st.lists(st.integers(20, 70), min_size=1, max_size=3),
    missing=st.integers(0, 150),
    seed=st.integers(0, 9),
)
@settings(deadline=None, max_examples=20)
def test_no_more_rows_are_read_than_are_enough(lengths, missing, seed):
    """Of yearly rows 40, not counting those at the end that are missing."""
    series = random_series(seed, lengths)
    series[0] = np.concatenate([series[0], np.full(missing, np.nan)])
    last = [series[0][-40 - missing :], *(values[-40:] for values in series[1:])]

    whole, recent = (to_panel(table_of(*values, freq="YS")) for values in (series, last))

    found = zero_shot(whole, calibrated=False)
    expected = Predictor.after(recent, found)
    np.testing.assert_array_equal(
        found.state.memory.network["hidden_0"], expected.state.memory.network["hidden_0"]
    )


# Intervals


def test_intervals_follow_the_errors_on_the_table_and_those_on_generated_series(make_random_panel):
    panel = make_random_panel([60, 60, 60], frequency="QS")
    model = zero_shot(panel)

    own, _ = calibrate(panel, model, 16, within=16, history=48)
    expected = own.joined(EXPECTED, EXPECTED_SCORES)
    np.testing.assert_array_equal(model.calibration.scores, expected.scores)
    beyond = model.calibration.scores[16]  # no errors of its own
    middles = np.arange(1, 600, 2) / 150  # of 300 parts of the scores 0.02, 0.04, ..., 4
    np.testing.assert_allclose(beyond[np.isfinite(beyond)], middles, atol=0.0201)


@pytest.mark.parametrize(
    ("lengths", "asked"),
    [
        ([9, 12, 100], (4, 4)),  # a third of a typical series is left as history
        ([2], None),  # of two rows, or one, nothing can be held back
        ([1, 1, 30], None),
        ([60], (16, 16)),  # 48 rows are enough to forecast from
        ([100], (16, 52)),  # all cutoffs that have so many before them
        ([1_000], (16, 160)),  # of ten horizons, at most
    ],
)
def test_cutoffs_leave_enough_rows_or_a_third_of_them(
    monkeypatch, make_random_panel, lengths, asked
):
    found = []

    def of(_panel, _core, steps, within, history, expected):
        found.append((steps, within, history))
        return expected, {}

    panel = make_random_panel(lengths, frequency="QS")
    model = zero_shot(panel, calibrated=False)
    monkeypatch.setattr(untrained_forecasts, "calibrate", of)

    assert calibration_of(panel, model) is EXPECTED
    assert found == ([] if asked is None else [(*asked, 48)])


def test_whose_errors_set_the_intervals_is_said(make_random_panel):
    def told(*lengths):
        panel = make_random_panel(lengths, frequency="QS")
        return evidence(calibration_of(panel, zero_shot(panel, calibrated=False)))

    alone = "intervals: from errors on generated series, since the table has too few rows"
    assert told(2) == alone
    assert told(3) == (  # one error, over the last row
        "intervals: for the first step from 1 errors or more over the table's last rows and 300 on "
        "generated series, beyond from the latter alone"
    )
    assert told(12, 12, 12).startswith(  # of three series, 4 and 2 steps before their end
        "intervals: for the first 4 steps from 18 errors or more over the table's last rows and 300"
    )


def test_intervals_are_wider_the_higher_their_level(model):
    table = model.predict(6, levels=[50, 80, 95])

    sides = ("lo-95", "lo-80", "lo-50", "hi-50", "hi-80", "hi-95")
    ends = table[[f"forecast-{side}" for side in sides]].to_numpy()
    assert table.notna().all(axis=None)
    assert (np.diff(ends, axis=1) >= 0).all()


# Invariants


@given(
    seed=st.integers(0, 99),
    a=st.floats(0.01, 1_000),
    b=st.floats(-1_000, 1_000),
    gaps=st.sets(st.integers(1, 38), max_size=8),
)
@settings(deadline=None, max_examples=5)
def test_scale_an_affine_change_of_units_changes_the_networks_forecast_by_the_same_map(
    seed, a, b, gaps
):
    series = random_series(seed)
    series[0][[*gaps]] = np.nan

    ours, moved = (
        fitted(table_of(*one), bounds="none", members=1).predict(5, levels=80)
        for one in (series, [a * values + b for values in series])
    )

    scale = max(np.nanstd(values) for values in series)
    for name in ours.columns[2:]:
        np.testing.assert_allclose((moved[name] - b) / a, ours[name], atol=1e-3 * scale, rtol=1e-3)


@given(seed=st.integers(0, 99), a=st.floats(1e-3, 1e3))
@settings(deadline=None, max_examples=5)
def test_scale_other_units_scale_the_mean_with_theta(seed, a):
    series = random_series(seed)

    ours, scaled = (
        fitted(table_of(*one), bounds="none").predict(5, levels=80)
        for one in (series, [a * values for values in series])
    )

    for name in ours.columns[2:]:
        np.testing.assert_allclose(scaled[name] / a, ours[name], atol=1e-3, rtol=1e-3)


@given(seed=st.integers(0, 99), lengths=st.lists(st.integers(5, 30), min_size=1, max_size=4))
@settings(deadline=None, max_examples=5)
def test_company_a_series_is_forecast_the_same_alone_and_among_others(seed, lengths):
    series = random_series(seed, (20, *lengths))
    together = fitted(table_of(*series)).model_

    state = together.encode(table_of(series[0]))
    alone = together.rollout(5, state=state, paths=2)

    among = together.rollout(5, paths=2)
    np.testing.assert_allclose(alone.paths[0], among.paths[0], **CLOSE)
    np.testing.assert_allclose(alone.table["forecast"], among.table["forecast"][:5], **CLOSE)


@given(seed=st.integers(0, 99), cutoff=st.integers(1, 15))
@settings(deadline=None, max_examples=5)
def test_streaming_rows_observed_one_by_one_or_at_once_give_the_state_of_the_whole_history(
    seed, cutoff
):
    series = random_series(seed, (40, 25))
    series[0][30] = np.nan
    table = table_of(*series)
    model = fitted(table, members=1).model_  # theta is fitted where a history is encoded
    panel = model.panel(table)
    scale = history_scale(panel, panel.target, model.config.context, model.config.measure)
    new = np.stack([values[-cutoff:] for values in series])

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(encoding, "history_scale", lambda *_: scale)
        before = model.encode(panel.until(cutoff))
    at_once, one_by_one = model.observe(before, new), before
    for row in new.T:
        one_by_one = model.observe(one_by_one, row)

    for state in (at_once, one_by_one):
        for name, array in model.state.arrays().items():
            np.testing.assert_allclose(state.arrays()[name], array, atol=1e-6, rtol=1e-6)


def test_streaming_rows_observed_one_by_one_or_at_once_give_theta_the_same_state(model):
    new = np.array([[9.0, 11.0, np.nan, 7.0], [4.0, np.nan, 5.0, 8.0]])

    at_once, one_by_one = model.observe(model.state, new), model.state
    for row in new.T:
        one_by_one = model.observe(one_by_one, row)

    assert len(at_once.others) == 1
    for name, array in at_once.arrays().items():
        np.testing.assert_allclose(one_by_one.arrays()[name], array, atol=1e-6, rtol=1e-6)


@given(first=st.integers(1, 6), second=st.integers(1, 6), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=5)
def test_split_rollout_sample_paths_in_two_parts_are_those_of_a_whole_one(
    model, first, second, seed
):
    whole = model.rollout(first + second, paths=2, seed=seed)
    part = model.rollout(first, paths=2, seed=seed)
    rest = model.rollout(second, state=part.branches, paths=1, seed=seed)
    centre = model.rollout(second, state=part.state)

    paths = np.concatenate([part.paths, rest.paths.reshape(2, 2, second, 1)], 2)
    np.testing.assert_allclose(paths, whole.paths, **CLOSE)
    ends = centre.table["forecast"].to_numpy().reshape(2, -1)
    wholes = whole.table["forecast"].to_numpy().reshape(2, -1)[:, first:]
    np.testing.assert_allclose(ends, wholes, **CLOSE)


def test_round_trip_an_untrained_model_is_saved_and_forecasts_bit_for_bit_the_same(model, tmp_path):
    model.save(tmp_path / "model.forecast")
    again = forecast.load(tmp_path / "model.forecast")

    assert again.config == model.config
    ours, theirs = (one.rollout(5, levels=80, paths=200) for one in (model, again))
    assert theirs.table.equals(ours.table)
    assert theirs.paths.tobytes() == ours.paths.tobytes()


def test_purity_forecasts_change_neither_the_model_nor_its_state(model, weights):
    state, kept = copy.deepcopy(model.state), copy.deepcopy(weights)
    first = model.predict(4, levels=80)

    model.rollout(5, paths=2)
    model.observe(model.state, np.array([9.0, np.nan]))

    assert model.predict(4, levels=80).equals(first)
    assert model.state == state
    assert all(np.array_equal(weights[name], part) for name, part in kept.items())


def test_no_leak_a_backtest_forecasts_from_the_rows_before_its_cutoffs():
    table = table_of(*random_series(3))
    changed = table.copy()
    changed.loc[[39, 64], "y"] += 100.0  # the last row of each

    ours, theirs = (
        fitted(table).backtest(one, horizon=3, cutoffs=2, baselines=[]) for one in (table, changed)
    )

    assert ours.forecasts.keys() == theirs.forecasts.keys()
    for name, values in ours.forecasts.items():
        np.testing.assert_array_equal(theirs.forecasts[name], values)
    assert (ours.actual != theirs.actual).any()


# The weights in the package


def test_the_package_has_a_small_model_file_of_generated_series(monkeypatch):
    monkeypatch.undo()
    parts = shipped()

    config = parts.config
    made = pretraining_config(config.units, config.layers, config.cell)
    assert config == made == with_seasons(config, config.seasons)
    assert parts.record == {}
    assert parts.calibration.steps == max(kind.horizon[1] for kind in KINDS if kind.seasons[0])
    assert sum(array.nbytes for array in parts.weights.values()) < 1_000_000
