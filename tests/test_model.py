from dataclasses import FrozenInstanceError, replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from forecast import DataError, Forecaster, ForecastError, ForecastWarning, Model, OptionError
from forecast.data import scaling
from forecast.data.frequency import parse
from forecast.data.io.tables import read_table
from forecast.data.to_panel import to_panel
from forecast.inference import network_rollout, rollout
from forecast.inference.conformal import Calibration
from forecast.inference.intervals import MIN_PATHS, min_paths
from forecast.inference.members import Core
from forecast.inference.rollout import RolloutEngine

CLOSE = {"rtol": 1e-5, "atol": 1e-5}

lengths = st.lists(st.integers(1, 20), min_size=1, max_size=5)
heads = st.sampled_from(["point", "student_t"])
lags = st.sampled_from([(), (2, 7)])
seeds = st.integers(0, 2**16)


@pytest.fixture(scope="module")
def model(make_model, sales):
    """A model of random weights that continues the sales of two stores."""
    return make_model(to_panel(sales), head="student_t", lags=(7,), cycles=("week",))


def bytes_of(model, *states):
    """Everything that could change when a model is used."""
    arrays = [*model.weights.values()]
    for state in (model.state, *states):
        arrays += state.arrays().values()
    return [array.tobytes() for array in arrays]


# Tables


def test_a_forecast_looks_like_the_table_that_was_given(model, sales):
    table = model.predict(3)

    assert table.columns.tolist() == ["store", "day", "forecast"]
    assert table["store"].tolist() == ["north"] * 3 + ["south"] * 3
    assert table["day"].tolist() == list(pd.date_range("2024-03-01", periods=3)) * 2
    assert table.dtypes[["store", "day"]].equals(sales.dtypes[["store", "day"]])
    assert table["forecast"].dtype == np.float64


def test_a_forecast_is_in_the_units_of_each_series(model):
    forecast = model.predict(5).set_index("store")["forecast"]

    assert forecast["north"].between(5, 15).all()
    assert forecast["south"].between(100, 300).all()


def test_series_are_forecast_in_the_order_asked_for(model):
    whole = model.predict(2)

    assert model.predict(2, series=["south", "north"])["store"].tolist() == [
        *["south"] * 2,
        *["north"] * 2,
    ]
    assert model.predict(2, series=["south"])["forecast"].tolist() == pytest.approx(
        whole["forecast"].tolist()[2:], rel=1e-5
    )


def test_without_intervals_there_are_no_sample_paths(model):
    assert model.rollout(2).paths is None


def test_sample_paths_have_the_shape_series_paths_steps_targets(model):
    assert model.rollout(4, paths=3).paths.shape == (2, 3, 4, 1)


def test_a_history_may_come_first_where_the_horizon_is_given_by_its_name(model, sales):
    table = sales.groupby("store").head(20)

    expected = model.predict(3, table)

    assert table.pipe(model.predict, horizon=3).equals(expected)
    assert model.predict(history=table, horizon=3).equals(expected)
    assert model.predict(horizon=3).equals(model.predict(3))


@pytest.mark.parametrize(
    ("levels", "count"), [((), 200), ((80.0,), 200), ((99.0,), 200), ((95.0, 99.5), 400)]
)
def test_there_are_as_many_paths_as_it_takes_for_one_beyond_either_end(levels, count):
    assert min_paths(levels) == count  # of 400 half a percent are 2


def test_the_bounds_of_a_level_are_percentiles_of_the_sample_paths(model):
    outcome = model.rollout(3, levels=(80, 97.5), paths=400)

    assert outcome.paths.shape == (2, 400, 3, 1)
    assert outcome.table.columns.tolist()[3:] == [
        "forecast-lo-80",
        "forecast-hi-80",
        "forecast-lo-97.5",
        "forecast-hi-97.5",
    ]
    for column, percent in [
        ("forecast-lo-80", 10),
        ("forecast-hi-80", 90),
        ("forecast-lo-97.5", 1.25),
        ("forecast-hi-97.5", 98.75),
    ]:
        expected = np.percentile(outcome.paths[..., 0], percent, axis=1)  # (S, H)
        assert outcome.table[column].tolist() == expected.ravel().tolist()


def test_levels_rest_on_enough_paths_whatever_is_asked_for(model):
    assert model.rollout(1, levels=(50,), paths=3).paths.shape[1] == MIN_PATHS


def test_intervals_do_not_change_the_forecast(model):
    plain = model.predict(4)["forecast"]

    assert model.predict(4, levels=(80,), seed=3)["forecast"].tolist() == plain.tolist()


def test_a_seed_chooses_the_sample_paths(model):
    first, again, other = (model.rollout(3, paths=5, seed=seed).paths for seed in (1, 1, 2))

    assert first.tobytes() == again.tobytes()
    assert (first != other).all()


def test_sample_paths_of_two_series_or_two_steps_are_not_the_same(model):
    paths = model.rollout(3, paths=5).paths[..., 0]

    assert len(np.unique(paths)) == 2 * 5 * 3


def test_sample_paths_follow_the_distribution_of_the_head(make_model, make_random_panel):
    model = make_model(make_random_panel([12, 20]), head="student_t")
    for weights in model.weights.values():
        weights[:] = 0.0
    model.weights["head.bias"][:] = 0.5, 1.0, 2.0  # the same at every step

    paths = model.rollout(4, paths=5000).paths[..., 0]  # (S, n, H)

    scale, freedom = np.logaddexp(0, 1.0) + 1e-4, np.logaddexp(0, 2.0) + 2.0
    for s in range(2):
        location, unit = model.state.scale.location[s, 0], model.state.scale.scale[s, 0]
        head = stats.t(freedom, location + 0.5 * unit, scale * unit)
        assert stats.kstest(paths[s].ravel(), head.cdf).pvalue > 0.01
        steps = np.corrcoef(np.sign(paths[s].T - head.median()))
        assert np.abs(steps - np.eye(4)).max() < 0.05  # and each step is drawn anew


# Histories and states


def test_a_history_is_continued_where_it_ends(model, sales):
    earlier = sales[sales["day"] < "2024-02-20"]

    table = model.predict(2, earlier)

    assert table["day"].tolist() == list(pd.date_range("2024-02-20", periods=2)) * 2


def test_a_series_that_training_never_saw_can_be_continued(model, sales):
    other = sales[sales["store"] == "north"].assign(store="east")

    table = model.predict(3, other)

    assert table["store"].tolist() == ["east"] * 3
    north = model.predict(3, series=["north"])
    assert table["forecast"].tolist() == pytest.approx(north["forecast"].tolist(), rel=1e-5)


def test_the_training_data_as_a_history_changes_nothing(model, sales):
    assert model.predict(4, sales).equals(model.predict(4))


def test_a_history_without_the_columns_of_the_training_data_is_refused(model, sales):
    with pytest.raises(DataError, match="no column 'sold' for the target"):
        model.predict(2, sales.rename(columns={"sold": "sales"}))


def test_a_single_series_is_continued_by_its_own_target_among_other_numbers(make_model):
    days = pd.date_range("2024-01-01", periods=30)
    table = pd.DataFrame({"ds": days, "price": np.arange(30.0), "load": np.sin(np.arange(30))})
    model = make_model(to_panel(table, target="load"))

    assert model.predict(2, table).equals(model.predict(2))
    assert model.predict(2).columns.tolist() == ["ds", "forecast"]


@given(
    lengths=lengths,
    head=heads,
    lags=lags,
    seed=seeds,
    first=st.integers(1, 6),
    second=st.integers(1, 6),
)
@settings(deadline=None, max_examples=20)
def test_split_rollout_two_halves_from_the_carried_state_equal_the_whole(
    make_model, make_random_panel, lengths, head, lags, seed, first, second
):
    panel = make_random_panel(lengths, seed, missing=0.2, frequency="D")
    model = make_model(panel, seed, head=head, lags=lags, cycles=("week",))

    whole = model.rollout(first + second)
    begin = model.rollout(first)
    rest = model.rollout(second, state=begin.state)

    halves = pd.concat([begin.table, rest.table]).sort_values(["store", "day"], ignore_index=True)
    assert halves.equals(whole.table)
    for name, array in whole.state.arrays().items():
        assert rest.state.arrays()[name].tobytes() == array.tobytes(), name


@given(lengths=lengths, head=heads, seed=seeds, horizon=st.integers(1, 6), more=st.integers(1, 6))
@settings(deadline=None, max_examples=20)
def test_a_longer_horizon_begins_with_the_shorter_one(
    make_model, make_random_panel, lengths, head, seed, horizon, more
):
    model = make_model(make_random_panel(lengths, seed), seed, head=head)
    paths = 3 if head == "student_t" else 0

    short, long = (model.rollout(h, paths=paths) for h in (horizon, horizon + more))

    series = long.table.groupby("store").head(horizon)["forecast"]
    assert series.tolist() == short.table["forecast"].tolist()
    if paths:
        assert long.paths[:, :, :horizon].tolist() == short.paths.tolist()


# Company


@given(
    lengths=lengths,
    head=heads,
    lags=lags,
    missing=st.sampled_from([0.0, 0.3]),
    seed=seeds,
    data=st.data(),
)
@settings(deadline=None, max_examples=30)
def test_company_a_series_gets_the_same_forecast_and_paths_alone_and_in_any_company(
    make_model, make_random_panel, lengths, head, lags, missing, seed, data
):
    panel = make_random_panel(lengths, seed, missing)
    model = make_model(panel, seed, head=head, lags=lags)
    ids = panel.ids.tolist()
    some = data.draw(st.lists(st.sampled_from(ids), min_size=1, unique=True))  # in any order
    paths = 3 if head == "student_t" else 0
    whole = model.rollout(6, paths=paths, seed=seed)
    rows = [ids.index(name) for name in some]

    encoded_apart = model.encode(panel.select(some))
    for state in (model.state.select(some), encoded_apart.select(some)):
        part = model.rollout(6, state=state, paths=paths, seed=seed)

        assert part.table["store"].tolist() == np.repeat(some, 6).tolist()
        together = whole.table["forecast"].to_numpy().reshape(-1, 6)[rows].ravel()
        np.testing.assert_allclose(part.table["forecast"], together, **CLOSE)
        if paths:
            np.testing.assert_allclose(part.paths, whole.paths[rows], **CLOSE)


def test_company_many_series_are_rolled_out_in_chunks_that_nobody_notices(
    monkeypatch, make_model, make_random_panel
):
    model = make_model(make_random_panel(range(3, 14)), head="student_t", lags=(2,))
    whole = model.rollout(4, paths=3)

    monkeypatch.setattr(network_rollout, "NUMPY_CHUNK", 4)  # less than two series of three paths
    parts = model.rollout(4, paths=3)

    np.testing.assert_allclose(parts.paths, whole.paths, **CLOSE)
    np.testing.assert_allclose(parts.table["forecast"], whole.table["forecast"], **CLOSE)
    assert parts.state.ids.tolist() == whole.state.ids.tolist()
    np.testing.assert_allclose(parts.state.memory.recent, whole.state.memory.recent, **CLOSE)


# Purity


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["numpy", "compiled"])
def test_purity_predicting_changes_neither_model_nor_state(make_model, make_random_panel, runtime):
    panel = make_random_panel([12, 7], missing=0.2)
    model = make_model(panel, head="student_t", lags=(2, 5))
    state = model.rollout(3).state
    panel.target.setflags(write=False)
    for array in [*model.weights.values(), *model.state.arrays().values()]:
        array.setflags(write=False)
    for array in state.arrays().values():
        array.setflags(write=False)
    before = bytes_of(model, state)

    model.rollout(4, levels=(80,), runtime=runtime)
    model.rollout(4, state=state, paths=2, runtime=runtime)
    model.rollout(4, panel, series=["b"], runtime=runtime)

    assert bytes_of(model, state) == before


def test_purity_two_forks_of_a_state_go_their_own_ways(make_model, make_random_panel):
    model = make_model(make_random_panel([12, 7]), lags=(2,))
    start = model.rollout(2).state
    twin = start.take(np.arange(2))
    expected = model.predict(3, state=twin)

    shifted = replace(start, value=start.value + 1)
    assert not model.predict(3, state=shifted).equals(expected)

    assert model.predict(3, state=start).equals(expected)
    assert model.predict(3, state=twin).equals(expected)


def test_a_model_cannot_be_reassigned(model):
    with pytest.raises(FrozenInstanceError):
        model.weights = {}


# Units


@given(
    lengths=st.lists(st.integers(3, 20), min_size=1, max_size=3),
    head=heads,
    lags=lags,
    seed=seeds,
    factor=st.floats(1e-3, 1e3),
    shift=st.floats(-1e3, 1e3),
    power=st.sampled_from([1.0, 0.5, 0.0]),
)
@settings(deadline=None, max_examples=50)
def test_scale_a_change_of_units_changes_the_forecast_by_the_same_map(
    make_model, make_random_panel, lengths, head, lags, seed, factor, shift, power
):
    shift = shift if power == 1.0 else 0.0  # a root or a logarithm has a fixed zero
    panel = make_random_panel(lengths, seed, missing=0.1)
    changed = replace(panel, target=factor * panel.target + shift)
    model = make_model(panel, seed, head=head, lags=lags, power=power)
    paths = 2 if head == "student_t" else 0

    ours, theirs = (model.rollout(6, p, paths=paths) for p in (panel, changed))

    # The scaled values agree to the rounding of float32 (6e-8). Each step feeds that rounding
    # back through the network, a draw in a tail multiplies it by up to a thousand, and the
    # logarithm's inverse turns an absolute difference into a relative one.
    spread = factor * np.nanstd(panel.target)
    close = {"rtol": 1e-4, "atol": 1e-4 * spread}
    np.testing.assert_allclose(
        theirs.table["forecast"], factor * ours.table["forecast"] + shift, **close
    )
    if paths:
        np.testing.assert_allclose(theirs.paths, factor * ours.paths + shift, **close)


def test_scale_a_constant_series_is_forecast_near_its_level_in_any_units(make_model, make_panel):
    model = make_model(make_panel([5.0] * 10, [5000.0] * 10, [0.0] * 10))

    small, large, zero = model.predict(3)["forecast"].to_numpy().reshape(3, 3)

    np.testing.assert_allclose(large, 1000 * small, rtol=1e-6)
    unit = scaling.measure(np.array([[[5.0]]])).scale.item()
    np.testing.assert_allclose(small, 5 + unit * zero, rtol=1e-6)


YOUNG = [
    [788.0],
    [788.0] * 3,
    [788.0, 788.1, 787.9],
    [788.0, np.nan, 810.0],
    [788.0] * 20,
    [700.0, 800.0, 850.0, 750.0] * 5,
]


@given(
    history=st.sampled_from(YOUNG),
    factor=st.floats(1e-9, 1e9),
    power=st.sampled_from([1.0, 0.5, 0.0]),
    head=heads,
    seed=seeds,
)
@settings(deadline=None, max_examples=25)
def test_scale_a_young_or_constant_series_is_forecast_in_proportion_to_its_level(
    make_model, make_panel, make_random_panel, history, factor, power, head, seed
):
    panel = make_random_panel([20, 30], seed)
    values = scaling.transform(panel.target, (power,))
    usual = scaling.usual_spreads(values, panel.indptr, 8, (power,))
    model = make_model(panel, seed, head=head, power=power, usual_spreads=usual)
    model = replace(model, calibration=Calibration(np.full((6, 19, 1), 0.5, np.float32)))

    ours, theirs = (
        model.predict(6, make_panel(scale * np.array(history)), levels=80).filter(like="forecast")
        for scale in (1.0, factor)
    )

    np.testing.assert_allclose(theirs, factor * ours, rtol=1e-4, atol=1e-4 * factor * 788.0)


def test_scale_the_interval_of_a_young_series_is_as_wide_as_those_of_its_peers(
    make_model, make_panel
):
    season = 1 + 0.1 * np.array([0.0, 1.0, 0.0, -1.0] * 4)
    panel = make_panel(1000 * season, 50 * season, 788.0 * season[:1], [788.0] * 3, [1e6] * 16)
    usual = scaling.usual_spreads(panel.target, panel.indptr, 8, (1.0,))
    model = make_model(panel, usual_spreads=usual)
    for part in model.weights.values():
        part[:] = 0.0  # the mean of the last rows is forecast
    model = replace(model, calibration=Calibration(np.full((6, 19, 1), 0.5, np.float32)))

    table = model.predict(1, levels=80)

    np.testing.assert_allclose(table["forecast"], [1000, 50, 788, 788, 1e6], rtol=1e-6)
    width = (table["forecast-hi-80"] - table["forecast-lo-80"]) / table["forecast"]
    np.testing.assert_allclose(width, 0.1 / np.sqrt(2), rtol=1e-5)


# Runtimes


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "runtimes"),
    [
        ({"horizon": 4}, ["numpy"]),
        ({"horizon": 5}, ["compiled"]),  # 5 steps of 2 series
        ({"horizon": 1, "paths": 4}, ["numpy", "numpy"]),  # the centre, and the paths
        ({"horizon": 1, "paths": 5}, ["compiled", "compiled"]),
        ({"horizon": 1, "levels": (80,)}, ["compiled", "compiled"]),  # on 200 paths
        ({"horizon": 9, "runtime": "numpy"}, ["numpy"]),
        ({"horizon": 1, "runtime": "compiled"}, ["compiled"]),
    ],
)
def test_the_compiled_runtime_is_taken_where_it_pays(monkeypatch, model, options, runtimes):
    taken = []

    def noting(method):
        def note(self, *arguments):
            taken.append(self.runtime)
            return method(replace(self, runtime="numpy"), *arguments)

        return note

    for name in ("run", "sample"):
        monkeypatch.setattr(RolloutEngine, name, noting(getattr(RolloutEngine, name)))
    monkeypatch.setattr(rollout, "MIN_STEP_ROWS_TO_COMPILE", 10)
    model.rollout(**options)

    assert taken == runtimes


def test_where_there_is_no_tensorflow_numpy_forecasts_the_largest_panel(monkeypatch, model):
    monkeypatch.setattr(rollout, "MIN_STEP_ROWS_TO_COMPILE", 1)
    monkeypatch.setattr(rollout, "find_spec", lambda _: None)

    assert rollout.faster_runtime(model.config, 10**9, 10**3) == "numpy"


# Refusals


@pytest.mark.parametrize("horizon", [0, -1, 2.0, "3", True, None])
def test_a_horizon_must_be_a_whole_number_of_steps(model, horizon):
    with pytest.raises(OptionError, match=f"horizon is {horizon!r}; it must be a whole number"):
        model.predict(horizon)


def test_a_horizon_of_numpys_whole_numbers_will_do(model):
    assert model.predict(np.int64(2)).equals(model.predict(2))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"levels": (80, 100)}, r"levels are \[80, 100\]; each must lie from 1 to below 100"),
        ({"levels": (0,)}, r"levels are \[0\]"),
        ({"levels": "80"}, r"levels are \['80'\]"),
        ({"levels": 100}, r"levels are \[100\]"),
        ({"paths": 2.5}, "paths is 2.5; it must be a whole number"),
        ({"seed": 2**64}, f"seed is {2**64}; it must be below"),
        ({"paths": -1}, "paths is -1; it must be a whole number of at least 0"),
        ({"seed": -1}, "seed is -1; it must be a whole number of at least 0"),
        ({"runtime": "gpu"}, "runtime is 'gpu'; it must be one of auto, numpy, compiled"),
    ],
)
def test_an_option_out_of_range_is_named_with_what_would_be_right(model, options, message):
    with pytest.raises(OptionError, match=message):
        model.predict(2, **options)


@pytest.mark.parametrize("options", [{"levels": (80,), "intervals": "paths"}, {"paths": 3}])
def test_a_head_without_a_distribution_says_which_has_one(make_model, make_panel, options):
    model = make_model(make_panel([1.0, 2.0]), head="point")

    with pytest.raises(OptionError, match=r"'point' gives no distribution; .*--head student_t"):
        model.predict(2, **options)


@pytest.mark.parametrize("options", [{"head": "point"}, {"intervals": "calibrated"}])
def test_intervals_need_a_calibration_or_a_distribution(make_model, make_panel, options):
    model = make_model(make_panel([1.0, 2.0]), head=options.pop("head", "student_t"))

    with pytest.raises(OptionError, match="no calibrated intervals, since nothing was held out in"):
        model.predict(2, levels=80, **options)
    with pytest.raises(OptionError, match="intervals is 'wide'; it must be one of auto, calibra"):
        model.predict(2, levels=80, intervals="wide")


def test_the_state_of_another_model_is_refused(make_model, make_panel):
    panel = make_panel([1.0, 2.0, 4.0])
    model, other = make_model(panel, seed=0), make_model(panel, seed=1)

    with pytest.raises(OptionError) as error:
        model.predict(2, state=other.state)

    assert str(error.value) == (
        f"the state belongs to model {other.state.fingerprint[:8]}, this is model "
        f"{model.state.fingerprint[:8]}; encode the history with this model"
    )


def without_a_series(state):
    return replace(state, ids=state.ids[:1])


def with_two_layers(state):
    network = state.memory.network
    network = network | {"hidden_1": network["hidden_0"], "cell_1": network["cell_0"]}
    return replace(state, memory=state.memory._replace(network=network))


def with_a_lag(state):
    recent = np.zeros((len(state.ids), 1, 1), np.float32)
    return replace(state, memory=state.memory._replace(recent=recent))


def counted_in_days(state):
    return replace(state, frequency=parse("D"))


def of_another_network(state):
    return replace(state, network="gru")


def of_no_series(state):
    return state.take(np.arange(0))


USES = {
    "rollout": lambda model, state: model.rollout(2, state=state),
    "observe": lambda model, state: model.observe(state, [[1.0], [2.0]]),
    "stream": lambda model, state: model.stream(state),  # before the first step is asked for
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without_a_series, "the arrays of its state do not fit"),
        (with_two_layers, "the arrays of its state do not fit"),
        (with_a_lag, "the arrays of its state do not fit"),
        (counted_in_days, r"its state is of the kind \('lstm', 'D'\) where \('lstm', '1'\)"),
        (of_another_network, r"its state is of the kind \('gru', '1'\) where \('lstm', '1'\)"),
        (of_no_series, "its state holds no series"),
    ],
)
def test_a_state_that_claims_to_be_of_the_model_and_does_not_fit_is_refused_in_one_line(
    make_model, make_panel, use, change, message
):
    model = make_model(make_panel([1.0, 2.0], [3.0, 4.0]))
    USES[use](model, model.state)

    with pytest.raises(OptionError, match=f"^the state does not fit the model: {message}") as error:
        USES[use](model, change(model.state))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("use", USES)
def test_the_state_of_another_model_is_refused_wherever_a_state_goes(make_model, make_panel, use):
    panel = make_panel([1.0, 2.0], [3.0, 4.0])
    model, other = make_model(panel, seed=0), make_model(panel, seed=1)

    with pytest.raises(OptionError) as error:
        USES[use](model, other.state)

    assert str(error.value) == (
        f"the state belongs to model {other.state.fingerprint[:8]}, this is model "
        f"{model.state.fingerprint[:8]}; encode the history with this model"
    )


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("thing", ["later.state", 5, {"ids": ["a"]}])
def test_what_is_no_state_is_refused_with_what_would_be_right(make_model, make_panel, use, thing):
    model = make_model(make_panel([1.0, 2.0], [3.0, 4.0]))

    with pytest.raises(OptionError, match=r"^state is .*; give a State, .*State\.load\(path\)$"):
        USES[use](model, thing)


def test_a_history_and_a_state_cannot_both_be_continued(model, sales):
    with pytest.raises(OptionError, match="give a history or a state to continue, not both"):
        model.predict(2, sales, state=model.state)


def test_an_unknown_series_is_named(model):
    with pytest.raises(DataError, match=r"no series \['west'\].*'north', 'south'"):
        model.predict(2, series=["west"])


def test_no_series_at_all_is_refused(model):
    with pytest.raises(DataError, match="no series is selected; name one, or leave"):
        model.predict(2, series=[])


def test_a_forecast_that_leaves_the_finite_numbers_names_series_and_step(make_model, make_panel):
    model = make_model(make_panel([1.0, 2.0, 4.0], [2.0, 3.0, 5.0]), power=0.0)
    model.weights["head.kernel"][:] = 0.0
    model.weights["head.bias"][:] = 1e6

    with pytest.raises(ForecastError, match="the forecast of series 'a' is not finite from step 1"):
        model.predict(2)


# Fingerprint


def test_the_fingerprint_tells_models_apart_by_all_that_shapes_their_steps(
    make_config, make_weights, make_panel
):
    panel = make_panel([1.0, 2.0])
    config = make_config(panel)
    weights = make_weights(config)
    changed = {**weights, "head.bias": weights["head.bias"] + np.float32(1e-6)}

    names = {
        Core(config, weights).fingerprint,
        Core(config, changed).fingerprint,
        Core(replace(config, powers=(0.5,)), weights).fingerprint,
        Core(replace(config, context=9), weights).fingerprint,
    }

    assert len(names) == 4
    assert (
        Core(config, dict(reversed(weights.items()))).fingerprint
        == Core(config, weights).fingerprint
    )


def test_a_model_says_what_it_is_in_one_line(make_model, make_panel):
    model = make_model(make_panel([1.0, 2.0]), head="student_t")

    size = sum(array.size for array in model.weights.values())
    assert repr(model) == f"Model(lstm, student_t, {size} weights; {model.state})"


def test_more_values_than_memory_takes_are_refused(make_model, make_panel):
    model = make_model(make_panel([1.0, 2.0], [1.0, 2.0]), head="student_t")

    with pytest.raises(OptionError, match=r"500,000,001 steps for 2 series or .* fewer"):
        model.predict(500_000_001)
    with pytest.raises(OptionError, match="steps for 20,000,000,000,000 series or sample paths"):
        model.rollout(2, paths=10**13)


def test_the_state_of_each_path_counts_as_memory(make_model, make_panel):
    """A path of two steps is short, but attention keeps 500 outputs of 64 units for each."""
    model = make_model(
        make_panel([1.0, 2.0]), head="student_t", network="attention", context=500, units=64
    )

    with pytest.raises(OptionError, match=r"2 steps for 40,000 .* with the state of each"):
        model.rollout(2, paths=40_000)


def test_attention_tells_for_every_step_where_it_looks(make_model, make_random_panel):
    panel = make_random_panel([9, 3], frequency="D", first=19_800)  # the second ends 2024-03-20
    model = make_model(panel, network="attention", context=5, size=1.0)

    table = model.attention(2)

    assert table.columns.tolist() == ["store", "day", "attended", "weight"]
    assert len(table) == 2 * 5 + 2 * 3  # no more rows than the encoder has read
    assert table.groupby(["store", "day"])["weight"].sum().to_numpy() == pytest.approx(1.0)
    short = table[table["store"] == "b"]
    assert short["day"].dt.day.tolist() == [21, 21, 21, 22, 22, 22]
    assert short["attended"].dt.day.tolist() == [18, 19, 20] * 2
    after = model.rollout(2).state  # which has the weights of its last step
    np.testing.assert_allclose(
        short["weight"].to_numpy()[3:], after.memory.network["weights"][1, 2:], rtol=1e-6
    )
    alone = model.attention(2, series=["b"])["weight"]
    np.testing.assert_allclose(alone, short["weight"], rtol=1e-5)


def test_a_network_without_attention_says_so(make_model, make_panel):
    with pytest.raises(OptionError, match="the network 'lstm' has no attention; train with"):
        make_model(make_panel([1.0, 2.0])).attention(3)


def test_beyond_its_horizon_the_repeat_network_says_that_it_continues(make_model, make_panel):
    model = make_model(make_panel([1.0, 2.0]), network="repeat", horizon=3)

    assert model.rollout(3).notes == ()
    with pytest.warns(ForecastWarning, match="trained for 3 steps; further ones continue from"):
        assert len(model.predict(4)) == 4
    with pytest.warns(ForecastWarning, match="trained for 3 steps"):  # two and two
        model.rollout(2, state=model.rollout(2).state)
    with pytest.warns(ForecastWarning, match="trained for 3 steps"):  # after all three
        model.rollout(1, state=model.rollout(3).state)
    assert model.rollout(9, until=lambda path: len(path) == 3).notes == ()


def test_a_forecast_further_than_training_practised_is_told_with_what_to_do(make_model, make_panel):
    model = make_model(make_panel([1.0, 2.0]), horizon=3)

    assert model.rollout(3).notes == ()
    assert model.rollout(9, until=lambda path: len(path) == 3).notes == ()
    with pytest.warns(ForecastWarning, match="practised 3 of the 4 steps"):
        forecast = model.rollout(4)
    assert forecast.notes == (
        "training practised 3 of the 4 steps, later ones may be less accurate; train with "
        "--train-horizon 4 (train_horizon=4 in Python)",
    )


def test_intervals_beyond_the_calibrated_steps_are_told(make_model, make_panel):
    model = make_model(make_panel([1.0, 2.0]), horizon=3)
    two_steps = Calibration(np.ones((2, 9, 1), np.float32))
    model = replace(model, calibration=two_steps)

    assert model.rollout(3).notes == ()
    assert model.rollout(2, levels=80).notes == ()
    with pytest.warns(ForecastWarning):
        extrapolated, unpractised = (model.rollout(steps, levels=80).notes for steps in (3, 4))
    assert extrapolated == (
        "intervals beyond step 2 are extrapolated; train with --holdout 3 (holdout=3 in Python)",
    )
    assert unpractised == (
        "training practised 3 of the 4 steps, later ones may be less accurate, and intervals "
        "beyond step 2 are extrapolated; train with --holdout 4 (holdout=4 in Python), or with "
        "--train-horizon 4 if that takes too many rows",
    )


def test_percentiles_of_paths_are_not_extrapolated(make_model, make_panel):
    model = make_model(make_panel([1.0, 2.0]), head="student_t", horizon=3)
    one_step = replace(model, calibration=Calibration(np.ones((1, 9, 1), np.float32)))

    assert one_step.rollout(3, levels=80, intervals="paths").notes == ()


def test_after_a_forecast_attention_still_looks_at_the_rows_that_were_observed(
    make_model, make_random_panel
):
    panel = make_random_panel([9], frequency="D", first=19_800)  # ends 2024-03-26
    model = make_model(panel, network="attention", context=3, size=1.0)
    later = model.rollout(5).state

    table = model.attention(1, state=later)
    observed = model.attention(1, state=model.observe(later, [7.0]))

    assert table["day"].dt.strftime("%m-%d").tolist() == ["04-01"] * 3
    assert table["attended"].dt.day.tolist() == [24, 25, 26]
    assert observed["attended"].dt.strftime("%m-%d").tolist() == ["03-25", "03-26", "04-01"]


@pytest.mark.parametrize("horizon", [0, "x", 1.5])
def test_attention_is_asked_for_a_whole_number_of_steps(make_model, make_panel, horizon):
    model = make_model(make_panel([1.0, 2.0]), network="attention")

    with pytest.raises(OptionError, match="it must be a whole number of at least 1"):
        model.attention(horizon)


def test_attention_within_bounds_is_that_of_the_rollout_within_them(make_model, make_random_panel):
    model = make_model(make_random_panel([9]), network="attention", context=4, size=1.0)

    free, bound = (model.attention(3, bounds=bounds) for bounds in (None, (9.0, 9.5)))

    after = model.rollout(3, bounds=(9.0, 9.5)).state.memory.network["weights"]
    np.testing.assert_allclose(bound["weight"].to_numpy()[-4:], after[0], rtol=1e-6)
    assert not np.allclose(free["weight"].to_numpy()[-4:], after[0], rtol=1e-4)


@pytest.mark.usefixtures("untrained")
def test_a_later_table_is_read_with_the_decimal_sign_of_the_training_table(tmp_path):
    def write(name, first, *cells):
        days = pd.date_range(first, periods=len(cells)).strftime("%d.%m.%Y")
        rows = [f"{day};{cell}" for day, cell in zip(days, cells, strict=True)]
        (tmp_path / name).write_text("\n".join(["Tag;Umsatz", *rows]))
        return read_table(str(tmp_path / name))

    sold = write("sold.csv", "2024-01-01", *(f"1.{k},5" for k in range(100, 140)))
    model = Forecaster().fit(to_panel(sold.frame, sold.origin)).model_
    model.save(tmp_path / "model.forecast")
    loaded = Model.load(tmp_path / "model.forecast")

    next_day = write("next.csv", "2024-02-10", "1.180")
    assert loaded.panel(next_day.frame, next_day.origin).target.tolist() == [[1180.0]]
    assert loaded.state.fingerprint == Core(loaded.config, loaded.weights).fingerprint
