"""Models with several members: one state, one file, one contract, one forecast."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast import ArtifactError, Model, OptionError
from forecast.classical import theta
from forecast.inference.bounds import between, non_negative
from forecast.inference.members import Core, NetworkMember
from forecast.inference.rollout import RolloutEngine
from forecast.inference.theta_member import ThetaMember

SHARES = (0.5, 0.3, 0.2)
CLOSE = {"rtol": 1e-5, "atol": 1e-5}
FIRST = {"network": "seasonal", "head": "quantiles", "direct": True, "season": 4, "units": 3}


@pytest.fixture(scope="session")
def make_members(make_model):
    """Makes a model of three members: a direct network, another one with a logarithm, and theta."""

    def make(panel, first=FIRST, power=0.0):
        network = make_model(panel, **first)
        other = make_model(
            panel, seed=1, head="normal", lags=(3,), power=power, context=5, size=0.2
        )
        others = (NetworkMember(other.config, other.weights), ThetaMember(4))
        return Model.after(panel, Core(network.config, network.weights, others, SHARES))

    return make


@pytest.fixture(scope="module")
def panel(make_random_panel):
    return make_random_panel([30, 14, 21], missing=0.2, frequency="MS")


@pytest.fixture(scope="module")
def model(make_members, panel):
    return make_members(panel)


def alone(model, panel, horizon):
    """What each member forecasts by itself, (S, H)."""
    first = Model.after(panel, Core(model.config, model.weights))
    network, classical = model.others
    second = Model.after(panel, Core(network.config, network.weights))
    parts = [one.rollout(horizon).table["forecast"] for one in (first, second)]
    state = theta.fit(panel.target[:, 0], panel.indptr, classical.season)
    paths = [np.reshape(part.to_numpy(), (-1, horizon)) for part in parts]
    return [*paths, theta.forecast(state, horizon)[0]]


def path_of(forecast):
    return forecast.table["forecast"].to_numpy().reshape(len(forecast.start.ids), -1)


def assert_same_state(state, expected):
    for name, array in expected.arrays().items():
        np.testing.assert_allclose(state.arrays()[name], array, **CLOSE, err_msg=name)


def test_a_forecast_is_the_mean_of_those_of_the_members_in_the_units_of_the_data(model, panel):
    expected = sum(s * part for s, part in zip(SHARES, alone(model, panel, 6), strict=True))

    np.testing.assert_allclose(path_of(model.rollout(6)), expected, **CLOSE)


def test_the_spread_of_the_first_member_lies_about_the_mean(model, panel):
    first = Model.after(panel, Core(model.config, model.weights))
    own, mean = (one.engine().run(one.state, 5) for one in (first, model))

    for part, expected in zip(mean.spread, own.spread, strict=True):  # none but it tells one
        np.testing.assert_allclose(part, expected, rtol=1e-3, atol=1e-4)


def test_a_series_that_a_member_knows_nothing_of_is_forecast_by_the_others(make_members, panel):
    model = make_members(panel)
    classical = model.others[1]
    empty = theta.fit(np.full(3, np.nan), np.arange(4), classical.season)
    of_theta = replace(model.state.others[1], targets=(empty,))
    state = replace(model.state, others=(model.state.others[0], of_theta))

    first, second, _ = alone(model, panel, 3)

    expected = (SHARES[0] + SHARES[2]) * first + SHARES[1] * second
    np.testing.assert_allclose(path_of(model.rollout(3, state=state)), expected, **CLOSE)
    assert next(model.stream(state)).value == pytest.approx(expected[:, 0], rel=1e-5)
    spread = model.engine().run(state, 3).spread
    assert np.isfinite(spread.below).all()


def test_the_theta_method_is_fitted_to_the_last_rows_of_a_long_history(make_random_panel):
    panel = make_random_panel([620, 30])
    early = panel.target.copy()
    early[:120] = 1e3

    found, expected = (
        ThetaMember(4).encode(one, "").arrays() for one in (panel, replace(panel, target=early))
    )

    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def test_below_the_range_of_a_logarithm_further_members_count_as_0(make_model, make_panel):
    panel = make_panel(np.r_[np.full(12, 40.0), np.linspace(30.0, 1.0, 12)])
    network = make_model(panel, power=0.0, usual_spreads=())
    core = Core(network.config, network.weights, (ThetaMember(1),), (0.5, 0.5))
    model = Model.after(panel, core)

    path = path_of(model.rollout(9))

    first = Model.after(panel, Core(network.config, network.weights))
    falling = theta.forecast(theta.fit(panel.target[:, 0], panel.indptr, 1), 9)[0]
    assert falling.min() < 0
    expected = 0.5 * path_of(first.rollout(9)) + 0.5 * np.maximum(falling, 0.0)
    np.testing.assert_allclose(path, expected, **CLOSE)
    streamed = [step.value[0] for step, _ in zip(model.stream(), range(9), strict=False)]
    np.testing.assert_allclose(streamed, expected[0], **CLOSE)


def test_values_of_all_members_keep_the_bounds(model):
    table = model.predict(6, bounds=between(9.0, 9.5))

    assert table["forecast"].between(9.0, 9.5).all()


@given(first=st.integers(1, 4), second=st.integers(1, 4))
@settings(deadline=None, max_examples=8)
def test_split_rollout_all_members_continue_from_the_state_of_the_first_part(model, first, second):
    whole, begin = (model.rollout(steps, paths=3) for steps in (first + second, first))
    rest = model.rollout(second, state=begin.state)

    np.testing.assert_allclose(path_of(whole)[:, first:], path_of(rest), **CLOSE)
    assert_same_state(rest.state, whole.state)
    later = model.rollout(second, state=begin.branches, paths=1)
    paths = later.paths.reshape(3, 3, second)
    np.testing.assert_allclose(whole.paths[:, :, first:, 0], paths, **CLOSE)


@given(rows=st.integers(1, 6), series=st.integers(1, 3))
@settings(deadline=None, max_examples=8)
def test_streaming_rows_one_by_one_or_at_once_give_the_same_state(model, rows, series):
    rng, state = np.random.default_rng(rows), model.state.take(np.arange(series))
    values = rng.gamma(4.0, 2.5, (series, rows))
    values[0, rows // 2] = np.nan

    one_by_one = state
    for column in values.T:
        one_by_one = model.observe(one_by_one, column)

    assert_same_state(one_by_one, model.observe(state, values))


def test_a_table_of_some_known_and_some_new_series_is_observed_by_all_members(model, make_panel):
    ends = dict(zip(model.state.ids.tolist(), model.state.time.tolist(), strict=True))
    new = make_panel(
        [8.0, 9.0],
        [5.0, 6.0, 4.0, 5.0, 7.0],
        ids=["a", "new"],
        frequency="MS",
        first=[ends["a"] + 1, 3],
    )
    state = model.observe(model.state, new)

    assert state.ids.tolist() == ["a", "b", "c", "new"]
    known = model.observe(model.state.select(["a"]), np.array([[8.0, 9.0]]))
    assert_same_state(state.select(["a"]), known)
    assert_same_state(state.select(["b"]), model.state.select(["b"]))
    assert_same_state(state.select(["new"]), model.encode(new.select(["new"])))


def test_company_a_series_is_forecast_the_same_alone_and_among_others(model, panel):
    whole = path_of(model.rollout(4))

    for s, name in enumerate(panel.ids.tolist()):
        by_itself = model.rollout(4, panel.select([name]))
        np.testing.assert_allclose(path_of(by_itself)[0], whole[s], **CLOSE)


def test_until_each_series_ends_with_the_state_of_a_shorter_forecast(model):
    stopped = model.rollout(9, until=lambda path: len(path) >= 2 + (path[0] > 9))

    for s, steps in enumerate(stopped.steps.tolist()):
        shorter = model.rollout(steps, state=model.state.take(np.array([s])))
        assert_same_state(stopped.state.take(np.array([s])), shorter.state)


def test_a_stream_gives_the_steps_of_a_rollout_and_quantiles_around_them(model):
    stream, path = model.stream(quantiles=(0.1, 0.5, 0.9)), path_of(model.rollout(3))

    for t in range(3):
        step = next(stream)
        np.testing.assert_allclose(step.value, path[:, t], **CLOSE)
        assert (np.diff(step.quantiles, axis=1) > 0).all()
        np.testing.assert_allclose(step.quantiles[:, 1], step.value, **CLOSE)


def test_a_stream_that_is_sent_true_values_observes_them(model):
    stream = model.stream()
    next(stream)

    second = stream.send([7.0, 8.0, 9.0])

    observed = model.observe(model.state, [7.0, 8.0, 9.0])
    np.testing.assert_allclose(
        second.value, path_of(model.rollout(1, state=observed))[:, 0], **CLOSE
    )


def test_a_step_that_is_corrected_by_the_true_value_is_as_if_it_had_been_observed(model):
    engine, actual = model.engine(), np.array([[7.0], [np.nan], [9.0]])
    after = engine.run(model.state, 1).after

    corrected = engine.corrected(model.state, after, actual)

    observed = model.observe(model.state, actual[:, 0])
    paths = [path_of(model.rollout(3, state=state)) for state in (corrected, observed)]
    np.testing.assert_allclose(*paths, **CLOSE)
    assert not np.allclose(paths[0], path_of(model.rollout(4))[:, 1:], rtol=1e-3)


def test_round_trip_a_saved_model_forecasts_bit_for_bit_the_same(model, tmp_path):
    path = tmp_path / "model.forecast"
    model.save(path)

    loaded = Model.load(path)

    assert loaded.shares == SHARES
    assert loaded.state == model.state
    assert loaded.predict(5).equals(model.predict(5))
    assert loaded.others[1] == model.others[1]
    own, network = (
        sum(part.size for part in one.weights.values()) for one in (model, model.others[0])
    )
    assert f"{own + network:,} weights" in repr(loaded)
    state = tmp_path / "later.state"
    model.rollout(3).state.save(state)
    assert loaded.rollout(2, state=type(model.state).load(state)).table.equals(
        model.rollout(2, state=model.rollout(3).state).table
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda about: about["members"][1].update(kind="oracle"), "an unknown member 'oracle'"),
        (lambda about: about["members"][0].update(share=0.9), "the shares of its members are"),
        (lambda about: about["members"][1].update(season=0), "season is 0"),
        (lambda about: about["members"].pop(), "its state is of 3 members where there are 2"),
        (lambda about: about["members"][1].update(season=5), "do not fit"),
        (lambda about: about["members"][1].update(season=2), "do not fit"),
    ],
)
def test_a_file_whose_members_are_damaged_is_refused_in_one_line(
    model, archive, tmp_path, change, told
):
    path = tmp_path / "model.forecast"
    model.save(path)
    archive.change(path, "config.json", change)

    with pytest.raises(ArtifactError, match=told) as error:
        Model.load(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda arrays: arrays["2.target_0.phase"].fill(4), "impossible places in a season"),
        (
            lambda arrays: arrays.update(
                {n.replace("_0", "_1"): part for n, part in arrays.items() if "target_0" in n}
            ),
            "its state of theta is of 2 targets, not 1",
        ),
    ],
)
def test_a_state_of_theta_that_cannot_be_is_refused(model, archive, tmp_path, change, told):
    path = tmp_path / "model.forecast"
    model.save(path)
    archive.change(path, "state.safetensors", change, sealed=True)

    with pytest.raises(ArtifactError, match=told):
        Model.load(path)


def test_a_state_of_another_number_of_members_belongs_to_another_model(model, panel):
    first = Model.after(panel, Core(model.config, model.weights))

    with pytest.raises(OptionError, match="the state belongs to model"):
        model.rollout(2, state=first.state)


def test_a_network_without_a_distribution_is_no_member_beside_one_that_has_one(
    make_model, panel, model
):
    point = make_model(panel)

    with pytest.raises(ValueError, match="the head 'point' of a member has no distribution"):
        Core(model.config, model.weights, (NetworkMember(point.config, point.weights),), (0.5, 0.5))


def test_the_share_of_a_member_shapes_the_fingerprint(model):
    other = Core(model.config, model.weights, model.others, (0.4, 0.4, 0.2))

    assert other.fingerprint != model.fingerprint
    assert Core(model.config, model.weights).fingerprint != model.fingerprint


@pytest.mark.parametrize("head", ["student_t", "quantiles"])
def test_sample_paths_are_drawn_by_the_members_together(make_members, panel, head):
    model = make_members(panel, first={"head": head})

    forecast = model.rollout(4, paths=200, levels=80, intervals="paths")

    assert forecast.paths.shape == (3, 200, 4, 1)
    assert (forecast.paths.std(axis=1) > 0).all()
    own = RolloutEngine(model.config, model.weights, model.config.bounds)
    spread = own.sample(replace(model.state, others=()), np.full(3, 4), 200).values
    narrower = forecast.paths.std(axis=1) / spread.reshape(3, 200, 4, 1).std(axis=1)
    assert (narrower < 1.2).all()


def test_several_targets_are_forecast_together(make_model, make_random_panel):
    panel = make_random_panel([20, 12], targets=2, missing=0.2)
    network = make_model(panel, lags=(2,))
    core = Core(network.config, network.weights, (ThetaMember(1),), (0.6, 0.4))
    model = Model.after(panel, core)

    forecast = model.rollout(3)

    own = Model.after(panel, Core(network.config, network.weights)).rollout(3)
    for d, name in enumerate(model.config.schema.forecasts):
        state = theta.fit(panel.target[:, d], panel.indptr, 1)
        expected = 0.6 * own.table[name] + 0.4 * theta.forecast(state, 3)[0].ravel()
        np.testing.assert_allclose(forecast.table[name], expected, **CLOSE)


@pytest.mark.slow
@pytest.mark.parametrize("paths", [0, 5])
def test_the_compiled_runtime_equals_numpy(make_members, panel, paths):
    model = make_members(panel, first={**FIRST, "bounds": non_negative})
    by_numpy, compiled = (
        model.rollout(5, paths=paths, runtime=name) for name in ("numpy", "compiled")
    )

    np.testing.assert_allclose(path_of(compiled), path_of(by_numpy), rtol=1e-4, atol=1e-4)
    assert_same_state(
        model.rollout(2, state=compiled.state).state, model.rollout(2, state=by_numpy.state).state
    )
