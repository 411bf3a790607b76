"""Conditions that end a rollout, and rollouts that end by them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast import above, below, unchanged
from forecast.errors import OptionError
from forecast.inference import network_rollout, rollout
from forecast.inference.stopping import parse, steps_until


def path_of(*values):
    return np.array(values, dtype=float)[:, None]


# Conditions


@pytest.mark.parametrize(
    ("condition", "values", "steps"),
    [
        (below(20), [25, 20, 19, 5], 3),
        (below(20), [25, 20], None),
        (above(20), [25], 1),
        (above(20), [20, 20.5], 2),
        (unchanged(), [1, 2, 2, 2], 3),
        (unchanged(2), [1, 2, 2, 2], 4),
        (unchanged(2), [1, 2, 2, 3], None),
        (unchanged(1, tolerance=0.1), [100, 111, 121], 3),
        (unchanged(), [0, 0], 2),
        (lambda path: len(path) == 3, [7, 7, 7, 7], 3),
        (lambda path: path.sum() > 10, [4, 5, 6], 3),
    ],
)
def test_a_condition_ends_a_path_with_the_value_that_meets_it(condition, values, steps):
    assert steps_until(condition, path_of(*values), known=0) == steps


def test_values_that_are_known_not_to_end_it_are_not_asked_about_again():
    asked = []

    steps_until(lambda path: asked.append(path.tolist()), path_of(1, 2, 3), known=1)

    assert asked == [[1, 2], [1, 2, 3]]


def test_several_targets_are_shown_together():
    shapes = []

    steps_until(lambda path: shapes.append(path.shape), np.zeros((2, 3)), known=0)

    assert shapes == [(1, 3), (2, 3)]


@pytest.mark.parametrize(
    ("text", "values", "steps"),
    [
        ("value<20", [20, 19], 2),
        (" value > 3.5 ", [3.5, 4], 2),
        ("value<-1e3", [-999, -1001], 2),
        ("unchanged", [1, 1], 2),
        ("unchanged 2", [1, 1, 1], 3),
    ],
)
def test_a_condition_is_read_from_text(text, values, steps):
    assert steps_until(parse(text), path_of(*values), known=0) == steps


@pytest.mark.parametrize("text", ["", "value", "value<", "value<ten", "x<3", "unchanged 0", "20"])
def test_text_that_is_no_condition_is_refused_with_examples(text):
    with pytest.raises(OptionError, match=r'is not understood; write "value<20", .*"unchanged 5"'):
        parse(text)


def test_unchanged_for_no_step_is_refused():
    with pytest.raises(OptionError, match="steps is 0; it must be a whole number of at least 1"):
        unchanged(0)


# Rollouts


@pytest.fixture(scope="module")
def model(make_model, make_random_panel):
    """Four series that wander, of a head with sample paths."""
    panel = make_random_panel([12, 9, 15, 12], seed=3)
    return make_model(panel, seed=5, head="student_t", lags=(2, 3), size=1.2)


def values_of(forecast):
    """The forecast of each series, by id."""
    return {name: rows["forecast"].tolist() for name, rows in forecast.table.groupby("store")}


@given(
    block=st.integers(1, 9),
    horizon=st.integers(1, 20),
    share=st.floats(0.05, 0.95),
    many=st.booleans(),
)
@settings(deadline=None, max_examples=40)
def test_a_stopped_series_is_the_beginning_of_the_one_that_goes_on(
    model, block, horizon, share, many
):
    whole = model.rollout(horizon)
    limit = whole.table["forecast"].quantile(share)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rollout, "STOP_CHECK_STEPS", block)
        patch.setattr(network_rollout, "NUMPY_CHUNK", 100 if many else 3)
        stopped = model.rollout(horizon, until=below(limit))

    values = values_of(stopped)
    for name, path in values_of(whole).items():
        steps = next((t + 1 for t, value in enumerate(path) if value < limit), horizon)
        np.testing.assert_allclose(values[name], path[:steps], rtol=1e-5)
        alone = model.rollout(steps, series=[name]).state
        there = stopped.state.select([name])
        assert there.time.tolist() == alone.time.tolist()
        for part, array in there.arrays().items():
            np.testing.assert_allclose(array, alone.arrays()[part], rtol=1e-4, atol=1e-5)


def test_series_that_stop_early_are_shorter_and_go_on_from_there(model):
    firsts = model.predict(1)["forecast"].round(6)
    wanted = dict(zip(firsts, [2, 5, 3, 4], strict=True))

    forecast = model.rollout(9, until=lambda path: len(path) == wanted[path[0].round(6)])
    rest = model.rollout(2, state=forecast.state)

    assert [len(path) for path in values_of(forecast).values()] == [2, 5, 3, 4]
    # the series end at 11, 8, 14 and 11
    assert rest.table["day"].tolist() == [14, 15, 14, 15, 18, 19, 16, 17]
    whole = values_of(model.rollout(7))
    for name, path in values_of(rest).items():
        steps = len(values_of(forecast)[name])
        np.testing.assert_allclose(path, whole[name][steps : steps + 2], rtol=1e-4)


def test_a_condition_that_never_holds_changes_nothing(model):
    whole, same = model.rollout(70), model.rollout(70, until=lambda _: False)

    np.testing.assert_allclose(same.table["forecast"], whole.table["forecast"], rtol=1e-5)
    assert same.state.time.tolist() == whole.state.time.tolist()


def test_a_condition_that_holds_at_once_leaves_one_step(model):
    forecast = model.rollout(1_000_000, until=lambda _: True)

    assert len(forecast.table) == 4
    assert forecast.table.equals(model.rollout(1).table)


def test_sample_paths_end_where_the_forecast_of_their_series_ends(model):
    whole = model.rollout(6, paths=8)
    limit = sorted(values_of(whole)["a"])[2]

    stopped = model.rollout(6, levels=80, paths=8, until=below(limit))

    lengths = [len(path) for path in values_of(stopped).values()]
    assert lengths[0] < 6
    assert stopped.paths.shape == (4, 200, max(lengths), 1)
    drawn = model.rollout(max(lengths), paths=200).paths
    for s, steps in enumerate(lengths):
        assert np.isnan(stopped.paths[s, :, steps:]).all()
        np.testing.assert_array_equal(stopped.paths[s, :, :steps], drawn[s, :, :steps])
    bounds = np.percentile(drawn[0, :, : lengths[0], 0], 10, axis=0)
    np.testing.assert_allclose(
        stopped.table.query("store == 'a'")["forecast-lo-80"], bounds, rtol=1e-6
    )
    ends = stopped.branches.time.reshape(4, 200)
    assert (ends == stopped.state.time[:, None]).all()


def test_sample_paths_end_where_every_series_has_ended_early(model):
    stopped = model.rollout(70, paths=8, until=lambda path: len(path) == 2)

    assert stopped.paths.shape == (4, 8, 2, 1)
    np.testing.assert_array_equal(stopped.paths, model.rollout(2, paths=8).paths)


def test_a_condition_may_be_text_as_on_the_command_line(model):
    limit = model.predict(5)["forecast"].median()

    table = model.predict(5, until=f"value<{limit}")

    assert table.equals(model.predict(5, until=below(limit)))


@pytest.mark.parametrize(
    ("until", "message"),
    [
        (5, "until is 5; give a function, or text"),
        (lambda _: below, r"the condition has returned <function .*; it must return true or"),
        (lambda path: path > 3, r"the condition has returned array\(.*; it must return true"),
        ("value<=", "the condition 'value<=' is not understood"),
    ],
)
def test_what_is_no_condition_is_refused(model, until, message):
    with pytest.raises(OptionError, match=message):
        model.rollout(3, until=until)


@pytest.mark.parametrize("limit", ["20", None, np.nan, np.inf])
@pytest.mark.parametrize("kind", [below, above])
def test_a_limit_is_a_finite_number(kind, limit):
    with pytest.raises(OptionError, match=r"limit is .*; it must be a finite number"):
        kind(limit)


@pytest.mark.slow
def test_the_compiled_runtime_stops_at_the_same_steps(model):
    limit = model.predict(5)["forecast"].median()

    numpy, compiled = (
        model.predict(5, until=below(limit), runtime=name) for name in ("numpy", "compiled")
    )

    assert numpy["day"].tolist() == compiled["day"].tolist()
    np.testing.assert_allclose(numpy["forecast"], compiled["forecast"], rtol=1e-5)
