"""Rollouts of direct models: the quantiles of each step are those of its value."""

from dataclasses import replace

import numpy as np
import pytest

from forecast import ForecastWarning
from forecast.data import scaling
from forecast.evaluation import holdout
from forecast.inference import conformal as calibrations
from forecast.inference import rollout as rollouts
from forecast.inference.bounds import Bounds
from forecast.inference.conformal import Calibration
from forecast.inference.intervals import interval_source
from forecast.inference.rollout import MIN_SPREAD, RolloutEngine, Spread
from forecast.nn.seasonal import as_observed

CLOSE = {"rtol": 1e-5, "atol": 1e-5}
DIRECT = {"network": "seasonal", "head": "quantiles", "direct": True, "season": 4}


@pytest.fixture(scope="module")
def model(make_model, make_random_panel):
    """A direct model of random weights; three series with missing values and without bounds."""
    panel = make_random_panel([30, 14, 21], missing=0.2, frequency="MS")
    return make_model(panel, **DIRECT, layers=2, units=3, cycles=("year",))


def engine_of(model, runtime="numpy", **changes):
    return replace(
        RolloutEngine(model.config, model.weights, model.config.bounds, 0, runtime), **changes
    )


def features_of(engine, start, horizon):
    return engine.step_features(start, start.times_after(horizon), None)


def stepped(model, start, horizon):
    """Medians and quantiles at 0.1 and 0.9, one step after another, each (B, H, D)."""
    engine, step = engine_of(model), model.step
    value, memory, found = start.value, start.memory, []
    for features in features_of(engine, start, horizon):
        params, memory = step.advance(value, memory, features)
        value = step.head.center(np, params)
        found.append([step.head.quantile(np, params, level) for level in (0.5, 0.1, 0.9)])
    return np.moveaxis(np.array(found), 0, 2)


def assert_same_spread(found, expected):
    np.testing.assert_allclose(found.below, expected.below, **CLOSE)
    np.testing.assert_allclose(found.above, expected.above, **CLOSE)


def test_the_spread_is_the_distance_to_the_quantiles_of_each_step(model):
    rolled_out = engine_of(model).run(model.state, 6)

    median, low, high = stepped(model, model.state, 6)
    np.testing.assert_allclose(rolled_out.scaled, median, **CLOSE)
    np.testing.assert_allclose(rolled_out.spread.below, median - low, **CLOSE)
    np.testing.assert_allclose(rolled_out.spread.above, high - median, **CLOSE)
    assert not np.allclose(median - low, high - median, rtol=0.1)  # they are not symmetric


def test_a_model_that_is_not_direct_has_no_spread_of_its_own(model):
    other = replace(model.config, direct=False)

    rolled_out = engine_of(model, config=other).run(model.state, 6)

    assert rolled_out.spread is None
    np.testing.assert_array_equal(rolled_out.scaled, engine_of(model).run(model.state, 6).scaled)


def test_split_rollout_both_parts_have_the_values_and_the_spread_of_the_whole(model):
    engine = engine_of(model)
    whole, first = engine.run(model.state, 7), engine.run(model.state, 3)
    rest = engine.run(first.after, 4)

    np.testing.assert_allclose(
        np.concatenate([first.scaled, rest.scaled], 1), whole.scaled, **CLOSE
    )
    for part, other, expected in zip(first.spread, rest.spread, whole.spread, strict=True):
        np.testing.assert_allclose(np.concatenate([part, other], 1), expected, **CLOSE)
    for name, array in whole.after.arrays().items():
        np.testing.assert_allclose(rest.after.arrays()[name], array, **CLOSE, err_msg=name)


def test_until_each_series_has_the_values_and_the_spread_up_to_its_end(monkeypatch, model):
    monkeypatch.setattr(rollouts, "STOP_CHECK_STEPS", 3)
    engine, ends = engine_of(model), {}
    whole = engine.run(model.state, 8)
    for values, steps in zip(whole.values[..., 0], (2, 8, 5), strict=True):
        ends[values[0]] = steps

    stopped = engine.run(model.state, 8, until=lambda path: len(path) == ends[path[0]])

    assert stopped.lengths.tolist() == [2, 8, 5]
    inside = np.arange(8) < stopped.lengths[:, None]
    parts = ((stopped.scaled, whole.scaled), *zip(stopped.spread, whole.spread, strict=True))
    for found, expected in parts:
        np.testing.assert_allclose(found[inside], expected[inside], **CLOSE)
        assert np.isnan(found[~inside]).all()
    for s, steps in enumerate(stopped.lengths):
        alone = engine.run(model.state.take(np.array([s])), int(steps))
        for name, array in alone.after.arrays().items():
            after = stopped.after.take(np.array([s])).arrays()[name]
            np.testing.assert_allclose(after, array, **CLOSE, err_msg=name)


@pytest.mark.parametrize("lengths", [[5, 5, 5], [5, 2, 3]], ids=["together", "ragged"])
def test_a_value_that_was_drawn_counts_as_observed(model, lengths):
    engine, lengths = engine_of(model), np.array(lengths)
    sampled = engine.sample(model.state, lengths, 2)

    for row, steps in enumerate(np.repeat(lengths, 2)):
        start = model.state.take(np.array([row // 2]))
        value, memory = start.value, start.memory
        for t, features in enumerate(features_of(engine, start, int(steps))):
            memory = model.step.advance(value, memory, features)[1]
            memory = memory._replace(network=as_observed(memory.network))
            value = sampled.scaled[row : row + 1, t]
        after = sampled.after.take(np.array([row]))
        for name, array in memory.network.items():
            np.testing.assert_allclose(after.memory.network[name], array, **CLOSE, err_msg=name)
        np.testing.assert_allclose(after.value, value, **CLOSE)


def test_sample_paths_of_a_direct_model_in_two_parts_are_the_same(model):
    whole, first = model.rollout(7, paths=3), model.rollout(3, paths=3)
    rest = model.rollout(4, state=first.branches, paths=1)

    parts = [first.paths, rest.paths.reshape(3, 3, 4, 1)]
    np.testing.assert_allclose(np.concatenate(parts, 2), whole.paths, rtol=1e-5, atol=1e-4)


def test_a_series_has_the_same_spread_alone_and_in_company(model):
    together = engine_of(model).run(model.state, 6)

    for s in range(3):
        alone = engine_of(model).run(model.state.take(np.array([s])), 6)
        assert_same_spread(
            alone.spread, type(alone.spread)(*(part[s : s + 1] for part in together.spread))
        )


@pytest.mark.slow
@pytest.mark.parametrize("paths", [0, 3])
def test_the_compiled_runtime_equals_numpy(model, paths):
    engines = [engine_of(model, runtime) for runtime in ("numpy", "compiled")]
    lengths = np.full(3, 6)

    numpy, compiled = (
        engine.sample(model.state, lengths, paths) if paths else engine.run(model.state, 6)
        for engine in engines
    )

    np.testing.assert_allclose(compiled.scaled, numpy.scaled, **CLOSE)
    for name, array in numpy.after.arrays().items():
        np.testing.assert_allclose(compiled.after.arrays()[name], array, **CLOSE, err_msg=name)
    if paths:
        assert numpy.spread is compiled.spread is None
    else:
        assert_same_spread(compiled.spread, numpy.spread)


# Intervals


def of_ones(steps, count=9):
    return Calibration(np.ones((steps, count, 1), np.float32))


def test_where_all_errors_are_as_large_as_the_spread_an_interval_ends_at_its_quantiles(model):
    table = replace(model, calibration=of_ones(6)).predict(6, levels=80)

    ends = np.array([*stepped(model, model.state, 6)])
    in_units = [scaling.backward(end, model.state.scale, (1.0,)).ravel() for end in ends]
    for name, expected in zip(
        ("forecast", "forecast-lo-80", "forecast-hi-80"), in_units, strict=True
    ):
        np.testing.assert_allclose(table[name], expected, rtol=1e-5, atol=1e-5)


def test_beyond_the_calibrated_steps_a_spread_does_not_shrink(model):
    spread = Spread(np.array([[[1.0], [3.0], [2.0], [1.0], [4.0]]]), np.full((1, 5, 1), 2.0))

    held = spread.never_less_after(3)

    assert held.below.ravel().tolist() == [1.0, 3.0, 2.0, 2.0, 4.0]
    assert held.above.ravel().tolist() == [2.0] * 5
    assert spread.never_less_after(9).below.ravel().tolist() == [1.0, 3.0, 2.0, 1.0, 4.0]

    with pytest.warns(ForecastWarning, match="intervals beyond step 2 are extrapolated"):
        table = replace(model, calibration=of_ones(2)).predict(40, levels=80)
    widths = (table["forecast-hi-80"] - table["forecast-lo-80"]).to_numpy().reshape(3, 40)[:, 1:]
    np.testing.assert_allclose(np.maximum.accumulate(widths, axis=1), widths, rtol=1e-5)


def test_intervals_of_a_direct_model_need_no_sample_paths(model):
    assert interval_source(model.config, of_ones(6), "auto", (80.0,)).paths == 0
    assert interval_source(model.config, None, "auto", (80.0,)).paths > 0


def test_a_spread_that_a_bound_cuts_off_is_small_but_not_zero(model):
    low = (model.state.scale.location + 50 * model.state.scale.scale).max()
    bounds = (Bounds(low=float(low)),)

    rolled_out = engine_of(model, bounds=bounds).run(model.state, 3)

    assert (rolled_out.spread.above == np.float32(MIN_SPREAD)).any()
    assert (rolled_out.spread.above >= np.float32(MIN_SPREAD)).all()


def test_scores_are_errors_in_units_of_the_spread_on_their_side(
    monkeypatch, make_model, make_random_panel
):
    monkeypatch.setattr(calibrations, "MIN_SCORES", 1)
    panel = make_random_panel([26, 23], missing=0.2)
    model = make_model(panel, **DIRECT)
    scores = {step: [] for step in range(3)}
    for cutoff in range(6, 0, -1):
        state, steps = model.encode(panel.until(cutoff)), min(cutoff, 3)
        median, low, high = stepped(model, state, steps)[..., 0]
        for s, end in enumerate(panel.indptr[1:]):
            actual = panel.target[end - cutoff : end - cutoff + steps, 0]
            actual = (actual - state.scale.location[s]) / state.scale.scale[s]
            reach = np.where(actual < median[s], median[s] - low[s], high[s] - median[s])
            for step, score in enumerate(np.abs(actual - median[s]) / reach):
                scores[step] += [] if np.isnan(score) else [score]

    found, _ = holdout.calibrate(panel, model, holdout=3)

    for step in range(3):
        known = found.scores[step, :, 0]
        np.testing.assert_allclose(known[np.isfinite(known)], np.sort(scores[step]), rtol=1e-3)
