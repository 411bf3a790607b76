"""One step at a time, with true values sent back."""

from itertools import islice

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from forecast.data.to_panel import to_panel
from forecast.errors import DataError, OptionError
from forecast.nn import HEADS


@pytest.fixture(scope="module")
def model(make_model, make_random_panel):
    panel = make_random_panel([12, 9], frequency="D", first=19_800)
    return make_model(panel, 2, head="student_t", lags=(2,), cycles=("week",), power=0.5)


@pytest.fixture(scope="module")
def plain(make_model, make_random_panel):
    """One series, no distribution, whole numbers for time."""
    return make_model(make_random_panel([12]))


def test_a_stream_that_is_left_alone_is_the_rollout(model):
    steps = list(islice(model.stream(), 6))

    table = model.predict(6)
    values = np.stack([step.value for step in steps], axis=1)
    np.testing.assert_allclose(values.ravel(), table["forecast"], rtol=1e-6)
    times = [time for s in range(2) for step in steps for time in [step.time[s]]]
    assert times == table["day"].tolist()
    assert [step.ids.tolist() for step in steps] == [["a", "b"]] * 6


def test_the_first_step_is_from_the_state_that_is_given(plain):
    state = plain.observe(plain.state, [3.0])

    step = next(plain.stream(state))

    assert step.state is state
    assert step.time.tolist() == [13]
    assert step.quantiles is None


@given(sent=st.lists(st.booleans(), min_size=1, max_size=8), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=40)
def test_true_values_take_the_place_of_predictions(model, sent, seed):
    truths = np.random.default_rng(seed).gamma(4.0, 2.5, (len(sent), 2))
    steps = model.stream()
    step, state = next(steps), model.state
    for is_true, truth in zip(sent, truths, strict=True):
        step = steps.send(truth) if is_true else next(steps)
        state = model.observe(state, truth) if is_true else model.rollout(1, state=state).state

        for name, array in step.state.arrays().items():
            np.testing.assert_allclose(array, state.arrays()[name], rtol=1e-5, atol=1e-6)

    np.testing.assert_allclose(step.value, model.predict(1, state=state)["forecast"], rtol=1e-5)


def test_with_every_value_sent_the_state_is_that_of_observing_them(model, assert_equal_states):
    truths = np.random.default_rng(0).gamma(4.0, 2.5, (5, 2))
    steps = model.stream()
    next(steps)

    for truth in truths:
        step = steps.send(truth)

    assert_equal_states(step.state, model.observe(model.state, truths.T))


def test_a_missing_truth_is_observed_as_missing_and_not_replaced(plain):
    steps = plain.stream()
    next(steps)

    step = steps.send([np.nan])

    assert np.isnan(step.state.value).all()


def test_quantiles_are_those_of_the_distribution_of_the_step(model):
    levels = (0.05, 0.3, 0.5, 0.99)

    step = next(model.stream(quantiles=levels))

    cell, state = model.step, model.state
    known = state.frequency.calendar(state.time + state.frequency.step, ("week",))
    params, _ = cell.advance(state.value, state.memory, known)
    location, scale, freedom = HEADS["student_t"].parameters(np, params)
    for s in range(2):
        for k, level in enumerate(levels):
            t = stats.t.ppf(level, freedom[s, 0], location[s, 0], scale[s, 0])
            root = max(t * state.scale.scale[s, 0] + state.scale.location[s, 0], 0.0)
            assert step.quantiles[s, k] == pytest.approx(root**2, rel=1e-5)
    np.testing.assert_allclose(step.quantiles[:, 2], step.value, rtol=1e-5)


def test_a_distribution_gives_three_quantiles_by_default(model):
    assert next(model.stream()).quantiles.shape == (2, 3)
    assert next(model.stream(quantiles=())).quantiles is None


def test_values_and_quantiles_keep_the_bounds(model):
    low, high = np.percentile(model.predict(9)["forecast"], [40, 60])

    for step in islice(model.stream(bounds=(low, high)), 9):
        assert step.value.min() >= low
        assert step.quantiles.max() <= high

    fed_back = model.rollout(9, bounds=(low, high)).table["forecast"].to_numpy().reshape(2, 9)
    np.testing.assert_allclose(step.value, fed_back[:, -1], rtol=1e-5)


def test_two_streams_from_one_state_do_not_see_each_other(model):
    one, other = model.stream(), model.stream()
    next(one), next(other)

    changed = one.send([1.0, 40.0]).value
    same = next(other).value

    assert not np.allclose(changed, same)
    np.testing.assert_allclose(
        same, model.predict(2)["forecast"].to_numpy().reshape(2, 2)[:, 1], rtol=1e-6
    )


@pytest.mark.parametrize("levels", [(0.0,), (0.5, 1.0), (-1.0,)])
def test_quantiles_out_of_range_are_refused_at_once(model, levels):
    with pytest.raises(OptionError, match=r"quantiles are .*; each must lie between 0 and 1"):
        model.stream(quantiles=levels)


def test_quantiles_of_a_head_without_a_distribution_are_refused(plain):
    with pytest.raises(OptionError, match=r"gives no distribution; .* for quantiles"):
        plain.stream(quantiles=(0.5,))


def test_sent_values_that_do_not_fit_are_refused(model):
    steps = model.stream()
    next(steps)

    with pytest.raises(DataError, match="the state holds 2 series"):
        steps.send([1.0])
    with pytest.raises(DataError, match="give a table or numbers"):
        steps.send(["a", "b"])


def test_a_stream_stays_where_it_is_when_values_are_refused(model):
    tried, plain = model.stream(), model.stream()
    next(tried), next(plain)
    with pytest.raises(DataError):
        tried.send([1.0])

    step = tried.send([1.0, 2.0])

    assert step.state == plain.send([1.0, 2.0]).state


def test_none_that_is_sent_feeds_the_step_back(model):
    steps, left_alone = model.stream(), model.stream()
    next(steps), next(left_alone)

    assert steps.send(None).state == next(left_alone).state


def test_values_sent_before_the_first_step_are_observed(model):
    assert model.stream().send([1.0, 2.0]).state == model.observe(model.state, [1.0, 2.0])


def test_times_have_the_zone_of_the_training_data(make_model):
    hours = pd.date_range("2024-03-30 20:00", periods=9, freq="h", tz="Europe/Berlin")
    model = make_model(to_panel(pd.Series(np.arange(9.0), index=hours)))

    steps = model.stream()

    # the clock goes from 2 to 3 in that night
    expected = pd.DatetimeIndex(model.predict(3)["ds"])
    assert [next(steps).time[0] for _ in range(3)] == list(expected)
    assert str(expected[0]) == "2024-03-31 06:00:00+02:00"
