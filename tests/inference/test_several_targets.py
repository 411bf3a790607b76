"""Several targets that move together: forecast and fed back jointly, each in its own units."""

import json
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest

import forecast
from forecast import DataError, Forecaster, OptionError, below, load
from forecast.data.column_roles import ColumnRoles, EarlierRoles
from forecast.data.scaling import Scale, UsualSpread
from forecast.data.schema import Schema
from forecast.data.to_panel import Expected, read_panel, to_panel
from forecast.data.to_table import to_table
from forecast.evaluation.holdout import HeldOut, calibrate, comparisons_of, exposure_of
from forecast.inference.bounds import Bounds, infer, limits, non_negative
from forecast.inference.encoding import history_scale
from forecast.inference.rollout import RolloutEngine
from forecast.nn import NETWORKS
from forecast.nn.step import ModelStep
from forecast.plotting import plot_forecast
from forecast.training.options import TrainingOptions
from forecast.training.plan import choose

NAN = np.nan
CLOSE = {"rtol": 1e-5, "atol": 1e-5}
KINDS = [*((network, "student_t") for network in NETWORKS), ("lstm", "negative_binomial")]
COMPILED = [kind for kind in KINDS if kind[0] in ("lstm", "attention")]
pytestmark = pytest.mark.filterwarnings("ignore:the network .repeat. was trained for")


@pytest.fixture(params=KINDS, ids="-".join, scope="module")
def model(request, make_model, make_random_panel):
    """A model of random weights; three daily series of two targets, with missing values."""
    network, head = request.param
    panel = make_random_panel([12, 5, 9], missing=0.2, targets=2, frequency="D", first=19_800)
    panel.target[:] = np.rint(panel.target)
    choices = {"network": network, "head": head, "lags": (2, 4), "cycles": ("week",)}
    return make_model(panel, **choices, layers=2, units=3, context=6, size=0.8)


@pytest.fixture
def shops():
    """Two shops over 40 days: what was sold, how many came, how warm it was, what is no number."""
    rng = np.random.default_rng(0)
    day = pd.date_range("2024-01-01", periods=40)
    return pd.concat(
        pd.DataFrame(
            {
                "shop": shop,
                "day": day,
                "sold": rng.poisson(20 * scale, 40),
                "came": rng.normal(90, 9, 40) * scale,
                "degrees": rng.normal(0, 9, 40),
            }
        )
        for shop, scale in (("east", 1.0), ("west", 3.0))
    ).reset_index(drop=True)


# What is fed back


def test_the_next_step_is_fed_both_values_and_both_lags():
    fed = []

    class Recorder:
        def advance(self, x, state):
            fed.append(x.tolist())
            return x[:, :2], state

    class Head:
        COUNTS, PARAMETERS = False, 1

        @staticmethod
        def center(_, params):
            return params + 1.0

    from forecast.inference.loop import rollout
    from forecast.nn.step import LoopCarry, StepMemory

    cell = ModelStep(np, Recorder(), Head, lags=(2,))
    without = np.full((1, 2), np.inf)
    step = cell.rollout_step(np.empty((2, 1, 0)), (-without, without), None)
    start = np.array([[1.0, 10.0]]), StepMemory(np.array([[[5.0, NAN]]]), {})

    path, _ = rollout(step, start[0], LoopCarry(0, start[1]), 2)

    # last values, lagged values, whether the last ones were observed
    assert fed == [[[1, 10, 5, 0, 1, 1]], [[2, 11, 1, 10, 1, 1]]]
    assert path[:, 0].tolist() == [[2, 11], [3, 12]]


def test_each_target_moves_the_forecast_of_the_other(model, make_panel):
    history = np.rint(np.random.default_rng(1).gamma(4.0, 2.5, (8, 2)))

    def forecast_after(values):
        state = model.encode(make_panel(values, frequency="D", first=19_800))
        return (
            RolloutEngine(model.config, model.weights, model.config.bounds).run(state, 3).scaled[0]
        )

    plain = forecast_after(history)
    for d in (0, 1):
        changed = history.copy()
        changed[-1, d] += 9

        # scaled, so that a scale of its own cannot hide what comes from the other
        assert (np.abs(forecast_after(changed) - plain)[:, 1 - d] > 1e-5).any()


# The invariants


def test_streaming_rows_one_by_one_are_all_at_once(model, assert_equal_states):
    rows = np.rint(np.random.default_rng(3).gamma(4.0, 2.5, (3, 4, 2)))
    rows[1, 1, 0] = NAN

    state = model.state
    for step in range(4):
        state = model.observe(state, rows[:, step])

    assert_equal_states(state, model.observe(model.state, rows))


def test_split_rollout_and_sample_paths_in_two_parts_are_one(model):
    whole, first = model.rollout(7, paths=3), model.rollout(3, paths=3)
    rest = model.rollout(4, state=first.branches, paths=1)
    later = model.rollout(4, state=first.state)

    parts = [first.paths, rest.paths.reshape(3, 3, 4, 2)]
    np.testing.assert_allclose(np.concatenate(parts, 2), whole.paths, **CLOSE)
    path = whole.table[["sold", "came"]].to_numpy().reshape(3, 7, 2)
    np.testing.assert_allclose(
        later.table[["sold", "came"]].to_numpy().reshape(3, 4, 2), path[:, 3:], **CLOSE
    )


def test_company_a_series_is_forecast_the_same_alone_and_among_others(model):
    together = model.rollout(6, paths=2)

    for s, name in enumerate("abc"):
        alone = model.rollout(6, series=[name], paths=2)

        np.testing.assert_allclose(alone.paths[0], together.paths[s], **CLOSE)


@pytest.mark.slow
@pytest.mark.parametrize("model", COMPILED, ids="-".join, indirect=True)
def test_both_runtimes_agree(model):
    numpy, compiled = (model.rollout(5, paths=2, runtime=name) for name in ("numpy", "compiled"))

    np.testing.assert_allclose(compiled.paths, numpy.paths, **CLOSE)
    np.testing.assert_allclose(compiled.table["came"], numpy.table["came"], **CLOSE)


def test_round_trip_a_saved_model_forecasts_bit_for_bit_the_same(model, tmp_path):
    model.save(tmp_path / "model.forecast")

    again = load(tmp_path / "model.forecast")

    assert again.config == model.config
    assert again.rollout(5, paths=2).paths.tobytes() == model.rollout(5, paths=2).paths.tobytes()


def test_a_stream_is_the_rollout_and_takes_true_values_in(model):
    steps = model.stream()
    first, second = next(steps), next(steps)
    table = model.predict(2)
    truth = np.array([[3.0, 4.0], [5.0, NAN], [7.0, 8.0]])

    stream = model.stream()
    next(stream)
    fed = stream.send(truth)

    path = table[["sold", "came"]].to_numpy().reshape(3, 2, 2)
    np.testing.assert_allclose(np.stack([first.value, second.value], 1), path, **CLOSE)
    assert first.quantiles.shape == (3, 3, 2)
    assert fed.state == model.observe(model.state, truth)


def test_scale_the_units_of_each_target_are_its_own(make_model, make_random_panel):
    panel = make_random_panel([20, 15], targets=2)
    other = make_random_panel([20, 15], targets=2)
    other.target[:] = other.target * [100.0, 0.25] + [7.0, -3.0]

    plain, changed = (make_model(one, head="normal", lags=(3,)) for one in (panel, other))
    paths, moved = (one.rollout(6, paths=2).paths for one in (plain, changed))

    np.testing.assert_allclose(moved, paths * [100.0, 0.25] + [7.0, -3.0], rtol=1e-4)


def test_the_scale_of_a_target_that_is_missing_of_late_is_that_of_its_history(make_panel):
    values = np.array([[1.0, 1.0], [3.0, 5.0], [10.0, NAN], [20.0, NAN]])

    scale = history_scale(make_panel(values), values, context=2)

    assert scale.location.tolist() == [[15.0, 3.0]]
    assert scale.scale.tolist() == [[5.0, 2.0]]


# Limits and transforms


def test_limits_of_each_target_are_in_its_own_scale():
    scale = Scale(np.array([[1.0, 2.0]]), np.array([[2.0, 4.0]]))

    found = limits((Bounds(0.0, 9.0), Bounds(None, 10.0)), scale, (0.5, 1.0))

    assert found.low.tolist() == [[-0.5, -np.inf]]
    assert found.high.tolist() == [[1.0, 2.0]]  # the root of 9 less 1, halved; 10 less 2, quartered


def test_bounds_and_transforms_are_inferred_for_each_target(shops):
    panel = to_panel(shops, target="sold", also=["came", "degrees"])

    config, _ = choose(TrainingOptions(), panel)

    assert config.bounds[0] == non_negative
    assert config.bounds[2] == infer(panel, 1.0, 2) == Bounds()
    assert config.powers[2] == 1.0


def test_bounds_and_transforms_that_are_asked_for_are_those_of_the_target(shops):
    shops = shops.assign(sold=shops["sold"] + 1)
    panel = to_panel(shops, target="sold", also=["degrees"])

    config, _ = choose(TrainingOptions(transform="log", bounds=(1, 50)), panel)

    assert config.powers == (0.0, 1.0)
    assert config.bounds == (Bounds(1.0, 50.0), Bounds())


def test_bounds_of_a_rollout_leave_the_other_targets_alone(make_model, make_random_panel):
    model = make_model(make_random_panel([20], targets=2), head="normal", size=2.0)

    paths = model.rollout(20, paths=20, bounds=(9.0, 11.0)).paths

    assert (paths[..., 0] >= 9).all()
    assert (paths[..., 0] <= 11).all()
    assert paths[..., 1].min() < 9 < 11 < paths[..., 1].max()


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("degrees", "has -1.5 at 2024-01-03, but the head 'negative_binomial' is for counts"),
        ("came", "has 0.5 at 2024-01-03, but the head 'negative_binomial' is for counts"),
    ],
)
def test_counts_are_asked_of_every_target(shops, column, message):
    shops[column] = 4.0
    shops.loc[2, column] = -1.5 if column == "degrees" else 0.5

    with pytest.raises(DataError, match=message):
        Forecaster(head="negative_binomial", target="sold", also=column, steps=1).fit(shops)


# Tables


def test_a_table_of_several_targets_comes_back_as_it_was(shops):
    panel = to_panel(shops, target="sold", also=("degrees", "came"))

    assert panel.target.shape == (80, 3)
    assert panel.schema.targets == ("sold", "degrees", "came")
    assert panel.schema.target_dtypes == ("int64", "float64", "float64")
    pd.testing.assert_frame_equal(to_table(panel)[shops.columns], shops)
    assert Schema(**json.loads(json.dumps(asdict(panel.schema)))) == panel.schema


def test_missing_values_and_empty_series_are_told_by_target(shops):
    shops.loc[shops["shop"] == "west", "came"] = NAN
    shops.loc[3, "degrees"] = NAN

    notes = to_panel(shops, target="sold", also=["came", "degrees"]).notes

    assert "missing values of 'came': 40 of 80" in notes
    assert "series without any value of 'came': 'west'" in notes
    assert "missing values of 'degrees': 1 of 80" in notes


def test_a_target_that_is_not_given_is_found_beside_the_others(shops):
    panel = to_panel(shops, also=["came", "degrees"])

    assert panel.schema.targets == ("sold", "came", "degrees")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"also": ["visitors"]}, "no column 'visitors' for the target; it has 'shop', 'day'"),
        ({"target": "sold", "also": ["sold"]}, "column 'sold' is given for two roles"),
        ({"also": ["came"]}, "the target column may be any of 'sold', 'degrees'; say which"),
    ],
)
def test_targets_that_cannot_be_told_are_named(shops, given, message):
    with pytest.raises(DataError, match=message):
        to_panel(shops, **given)


@pytest.mark.parametrize("name", ["values", "path", "all", "group", "sold-lo-80", "sold-hi-95"])
def test_several_targets_have_no_names_that_tables_of_forecasts_need(shops, name):
    table = shops.rename(columns={"came": name})

    assert to_panel(table, target=name).schema.targets == (name,)
    with pytest.raises(DataError, match=f"column '{name}' cannot be one of several targets"):
        to_panel(table, target="sold", also=[name])


def test_a_target_without_any_value_is_named(shops):
    with pytest.raises(DataError, match="column 'came' has no value at all"):
        to_panel(shops.assign(came=NAN), target="sold", also=["came"])


def test_a_wide_table_has_no_place_for_further_targets():
    table = pd.DataFrame({"day": pd.date_range("2024", periods=3), "a": 1.0, "b": 2.0, "c": 3.0})

    with pytest.raises(DataError, match="a table with a column per series has no place for 'c'"):
        read_panel(
            table,
            ColumnRoles(also=("c",)),
            expected=Expected(roles=EarlierRoles(series=["a", "b"])),
        )


def test_the_same_column_cannot_be_known_and_forecast():
    with pytest.raises(OptionError, match="column 'came' is given twice among also, known and"):
        Forecaster(also=["came"], known="came").check()


def test_values_of_another_shape_are_refused_with_the_shape_that_would_do(make_model, make_panel):
    one = make_model(make_panel(np.ones((3, 2))))
    two = make_model(make_panel(np.ones((3, 2)), np.ones((4, 2))))

    assert one.observe(one.state, [5.0, 6.0]) == one.observe(one.state, [[5.0, 6.0]])
    for values in ([1.0, 2.0], np.ones((2, 3)), np.ones((2, 1, 3)), np.ones((3, 2))):
        with pytest.raises(DataError) as error:
            two.observe(two.state, values)

        assert str(error.value) == (
            f"new values of shape {np.shape(values)}; the state holds 2 series of 2 targets: give "
            "(2, 2) for one row of each or (2, k, 2) for k rows"
        )


# What is told of a forecast


@pytest.fixture(scope="module")
def plain(make_model, make_random_panel):
    """Two series of two targets, a head with a distribution."""
    panel = make_random_panel([12, 9], targets=2, frequency="D", first=19_800)
    return make_model(panel, head="normal", lags=(2,))


def test_columns_of_a_forecast_are_named_by_their_targets(plain):
    forecast = plain.rollout(3, levels=80, paths=200)

    ends = ["sold-lo-80", "sold-hi-80", "came", "came-lo-80", "came-hi-80"]
    assert forecast.table.columns.tolist() == ["store", "day", "sold", *ends]
    paths = forecast.path_table
    assert paths.columns.tolist() == ["store", "day", "path", "sold", "came"]
    assert len(paths) == 2 * 200 * 3
    first = paths.iloc[0]
    assert first[["sold", "came"]].tolist() == forecast.paths[0, 0, 0].tolist()


def test_sums_are_those_of_each_target(plain):
    forecast = plain.rollout(4, paths=50)

    totals = plain.totals(forecast, by="all", over="all", levels=80)

    assert totals.columns[1:4].tolist() == ["day", "values", "sold"]
    for d, name in enumerate(("sold", "came")):
        sums = forecast.paths[..., d].sum(axis=(0, 2))
        assert totals[name].item() == pytest.approx(np.median(sums))
        assert totals[f"{name}-lo-80"].item() == pytest.approx(np.percentile(sums, 10))


def test_a_condition_looks_at_the_first_target_and_a_function_at_all(plain):
    path = plain.predict(30, series=["a"])[["sold", "came"]].to_numpy()
    limit = np.sort(path[:, 0])[3] + 1e-9
    seen = []

    ended = plain.rollout(30, series=["a"], until=below(limit))
    plain.rollout(2, series=["a"], until=lambda values: seen.append(values.shape))

    assert ended.steps.tolist() == [int(np.argmax(path[:, 0] < limit)) + 1]
    assert seen == [(1, 2), (2, 2)]


def test_a_forecast_far_beyond_its_data_names_the_target(make_model, make_panel):
    rng = np.random.default_rng(0)
    panel = make_panel(rng.normal(size=(12, 2)))
    model = make_model(panel, head="point", size=0.0)
    model.weights["head.bias"][:] = [0.0, 500.0]

    with pytest.warns(forecast.ForecastWarning, match="the forecast of 'came' of series 'a' goes"):
        model.predict(2)


@pytest.mark.slow
def test_a_picture_has_a_row_for_each_target(plain):
    figure = plot_forecast(plain.config, plain.rollout(5, levels=80))

    titles = [axis.get_title(loc="left") for axis in figure.axes]
    assert titles == ["a: sold", "a: came", "b: sold", "b: came"]
    line = figure.axes[3].lines[-1].get_ydata()
    np.testing.assert_allclose(line[1:], plain.predict(5, series=["b"])["came"], **CLOSE)


# On rows that training has not seen


def test_each_target_is_compared_in_its_own_column(make_model, make_panel):
    history = make_panel(np.array([[1.0, 5.0], [2.0, 9.0], [3.0, 1.0]]))
    model = make_model(history, size=0.0)  # forecasts the means, 2 and 5

    found = comparisons_of(HeldOut(model, history, np.array([[[5.0, 3.0]]])))

    sold, came = found["sold"], found["came"]
    assert (sold.mae, sold.naive_mae) == (3.0, 2.0)  # the last value was 3
    assert (came.mae, came.naive_mae) == (2.0, 2.0)  # the last value was 1
    assert came.mase == pytest.approx(2.0 / 6.0)  # changes of 4 and of 8


def test_comparisons_exposure_and_calibration_take_all_targets(plain, make_random_panel):
    panel = make_random_panel([40, 30], targets=2, frequency="D", first=19_800)
    before = panel.until(4)
    actual = panel.target[panel.indptr[1:, None] - 4 + np.arange(4)]
    model = replace(plain, state=plain.encode(before))

    found = comparisons_of(HeldOut(model, before, actual))
    gap = exposure_of(HeldOut(model, before, actual))
    calibration, shares = calibrate(panel, plain, holdout=4)

    table = model.predict(4)
    for d, name in enumerate(("sold", "came")):
        path = table[name].to_numpy().reshape(2, 4)
        assert found[name].mae == pytest.approx(np.abs(path - actual[..., d]).mean())
    assert len(gap.rollout) == 4
    assert calibration.scores.shape[::2] == (4, 2)
    assert shares.keys() == {"80", "95"}


@pytest.mark.slow
def test_training_learns_what_one_target_tells_of_another():
    """What is sold today is what came yesterday: only the other column tells it."""
    rng = np.random.default_rng(0)
    came = rng.normal(size=600)
    table = pd.DataFrame(
        {
            "day": pd.date_range("2020-01-01", periods=600),
            "sold": 50 + 10 * np.roll(came, 1),
            "came": 90 + 9 * came,
        }
    )
    choices = {"target": "sold", "steps": 150, "units": 8, "holdout": 20, "train_horizon": 2}
    choices["feedback"] = "teacher"  # one step ahead is all that is looked at

    model = Forecaster(**choices, also="came", context=20, seed=1).fit(table[:-60]).model_
    errors = []
    for end in range(540, 600):
        step = model.predict(1, table[end - 60 : end])["sold"].item()
        errors.append(abs(step - table["sold"][end]))

    without = np.abs(table["sold"][540:] - 50)  # noise about 50: nothing forecasts it from itself
    assert np.mean(errors) < 0.5 * without.mean()
    assert model.record.also["came"].steps == 20
    assert model.record.comparison.mae != model.record.also["came"].mae


def test_each_target_has_the_usual_spread_of_its_own(make_model, make_panel):
    varied = np.array([[9.0, 5.0], [11.0, 500.0]] * 6)
    late = varied.copy()
    late[1:, 1] = np.nan  # observed once, long before the last 8 rows
    panel = make_panel(varied, varied[:1], late)
    usual = (UsualSpread(1.0, 0.1), UsualSpread(0.5))

    model = make_model(panel, usual_spreads=usual)

    scale = model.state.scale.scale
    assert scale[0].tolist() == [1.0, 247.5]
    np.testing.assert_allclose(scale[1:], [[0.9, 0.5], [1.0, 0.5]])
