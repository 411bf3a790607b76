import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.nn import step_inputs

NAN = np.nan


def test_an_input_is_the_last_value_then_the_lagged_ones_then_the_flag_then_the_calendar():
    x = step_inputs.step_input(
        np,
        value=np.array([[2.0]]),
        lagged=[np.array([[5.0]]), np.array([[7.0]])],
        step_features=np.array([[0.25, -0.5]]),
    )

    assert x.tolist() == [[2.0, 5.0, 7.0, 1.0, 0.25, -0.5]]


def test_a_missing_last_value_enters_as_zero_with_its_flag_at_zero():
    x = step_inputs.step_input(np, np.array([[NAN], [0.0]]), [], np.empty((2, 0)))

    assert x.tolist() == [[0.0, 0.0], [0.0, 1.0]]


def test_a_missing_lagged_value_enters_as_zero():
    x = step_inputs.step_input(np, np.array([[3.0]]), [np.array([[NAN]])], np.empty((1, 0)))

    assert x.tolist() == [[3.0, 0.0, 1.0]]


def test_an_input_is_of_the_precision_of_its_values():
    value, step_features = np.array([[NAN]], np.float32), np.array([[0.5]], np.float32)

    x = step_inputs.step_input(np, value, [value], step_features)

    assert x.dtype == np.float32


def test_each_of_several_targets_has_its_own_value_and_flag():
    x = step_inputs.step_input(
        np,
        value=np.array([[2.0, NAN]]),
        lagged=[np.array([[5.0, 6.0]])],
        step_features=np.array([[9.0]]),
    )

    assert x.tolist() == [[2.0, 0.0, 5.0, 6.0, 1.0, 0.0, 9.0]]


@given(
    targets=st.integers(1, 3),
    lags=st.lists(st.integers(2, 9), unique=True, max_size=3),
    step_features=st.integers(0, 4),
)
@settings(deadline=None, max_examples=30)
def test_the_width_is_known_before_an_input_is_made(targets, lags, step_features):
    x = step_inputs.step_input(
        np,
        np.zeros((2, targets)),
        [np.zeros((2, targets)) for _ in lags],
        np.zeros((2, step_features)),
    )

    assert x.shape == (2, step_inputs.width(targets, tuple(lags), step_features))


def test_a_window_of_steps_is_assembled_like_its_single_steps():
    rng = np.random.default_rng(0)
    value, lagged = rng.normal(size=(2, 3, 5, 1))  # three windows of five steps
    value[1, 2] = lagged[0, 4] = NAN
    step_features = rng.normal(size=(3, 5, 2))

    window = step_inputs.step_input(np, value, [lagged], step_features)

    for t in range(5):
        step = step_inputs.step_input(np, value[:, t], [lagged[:, t]], step_features[:, t])
        assert window[:, t].tolist() == step.tolist()


def test_lag_two_is_the_newest_value_of_the_memory():
    recent = np.array([[[10.0], [11.0], [12.0], [13.0]]])  # 14 is the last value, 15 is predicted

    lagged = step_inputs.lagged_values(np, recent, np.array([[14.0]]), (2, 3, 5))

    assert [values.tolist() for values in lagged] == [[[13.0]], [[12.0]], [[10.0]]]


def test_lag_one_is_the_last_value_and_lag_zero_is_always_missing():
    recent, value = np.array([[[12.0], [13.0]]]), np.array([[14.0]])

    lagged = step_inputs.lagged_values(np, recent, value, (1, 0))

    assert lagged[0].tolist() == [[14.0]]
    assert np.isnan(lagged[1]).all()


def test_flags_of_lags_follow_that_of_the_last_value():
    x = step_inputs.step_input(
        np,
        np.array([[5.0]]),
        [np.array([[4.0]]), np.array([[NAN]])],
        np.array([[0.5]]),
        lag_flags=True,
    )

    assert x.tolist() == [[5.0, 4.0, 0.0, 1.0, 1.0, 0.0, 0.5]]
    assert x.shape[1] == step_inputs.width(1, (2, 3), 1, lag_flags=True)


def test_lags_given_as_tensors_are_those_given_as_numbers(tensors):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2, 5 + 4, 1)).astype(np.float32)  # 5 lead to the 4 steps
    features = np.zeros((2, 4, 0), np.float32)
    lags = (2, 1, 5, 0)

    given = tuple(tensors.asarray(lag, "int32") for lag in lags)
    window = step_inputs.window_input(tensors, values, features, given, lag_flags=True)
    value, recent = step_inputs.memory_at(values, 5, 3)
    lagged = step_inputs.lagged_values(tensors, recent, value, given)

    expected = step_inputs.window_input(np, values, features, lags, lag_flags=True)
    np.testing.assert_array_equal(window, expected)
    np.testing.assert_array_equal(np.nan_to_num(lagged)[..., 0].T, expected[:, 3, 1:5])


def test_the_memory_holds_what_the_longest_lag_needs_besides_the_last_value():
    assert step_inputs.memory_length((2, 7)) == 6
    assert step_inputs.memory_length((2,)) == 1
    assert step_inputs.memory_length(()) == 0


def test_a_push_appends_the_newest_value_and_drops_the_oldest():
    recent = np.array([[[1.0], [2.0]], [[5.0], [6.0]]])

    after = step_inputs.push(np, recent, np.array([[3.0], [7.0]]))

    assert after.tolist() == [[[2.0], [3.0]], [[6.0], [7.0]]]
    assert recent.tolist() == [[[1.0], [2.0]], [[5.0], [6.0]]]


def test_a_memory_without_lags_stays_empty():
    assert step_inputs.push(np, np.empty((2, 0, 1)), np.ones((2, 1))).shape == (2, 0, 1)


@given(
    length=st.integers(1, 12),
    lags=st.sets(st.integers(2, 6), min_size=1, max_size=3),
)
@settings(deadline=None, max_examples=50)
def test_pushing_a_series_through_the_memory_gives_the_value_each_lag_ago(length, lags):
    lags = tuple(sorted(lags))
    recent = np.full((1, step_inputs.memory_length(lags), 1), NAN)
    value = np.array([[NAN]])  # there is no value before the first of a series

    for t in range(length):  # the series is 0, 1, 2, …, so that a value is its own time
        lagged = step_inputs.lagged_values(np, recent, value, lags)
        lagged = [float(values[0, 0]) for values in lagged]
        expected = [t - lag if t >= lag else NAN for lag in lags]
        np.testing.assert_array_equal(lagged, expected)
        recent, value = step_inputs.push(np, recent, value), np.array([[float(t)]])
