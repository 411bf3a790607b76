import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.scaling import measure
from forecast.windows import Windows, draw

NAN = np.nan


def windows_of(panel, *, lags=(), context=4, length=8, cycles=()):
    calendar = panel.frequency.calendar(panel.ordinals, cycles)
    return Windows(panel.target, calendar, panel.indptr, lags, context, length)


def series_of(windows, s):
    return windows.target[windows.indptr[s] : windows.indptr[s + 1], 0]


def scaled(windows, s, first):
    """A function from a row of a series to its scaled value, NaN outside the series."""
    values = series_of(windows, s)
    begin = max(first, 0)
    known = [v for v in values[begin : max(first + windows.context, 0)] if not np.isnan(v)]
    location, scale = (np.mean(known), np.std(known)) if known else (NAN, NAN)
    if not scale > 1e-7 * abs(location):  # a single value, or none
        scale = measure(np.array([[[location]]])).scale.item()
    return lambda row: (values[row] - location) / scale if 0 <= row < len(values) else NAN


# Shift by hand


def test_the_inputs_of_a_window_are_its_targets_one_step_later(make_panel):
    windows = windows_of(make_panel([2.0, 4.0, 6.0, 8.0]), context=2, length=3)

    batch = windows.gather(np.array([0]), np.array([1]))

    # context 4 and 6: location 5, scale 1
    assert batch.targets[0, :, 0].tolist() == [-1.0, 1.0, 3.0]
    assert batch.inputs[0].tolist() == [[-3.0, 1.0], [-1.0, 1.0], [1.0, 1.0]]  # value, flag


def test_before_the_first_row_there_is_nothing_to_see(make_panel):
    windows = windows_of(make_panel([2.0, 4.0, 6.0, 8.0]), context=3, length=3)

    batch = windows.gather(np.array([0]), np.array([-1]))

    # the context holds 2 and 4: location 3, scale 1
    np.testing.assert_array_equal(batch.targets[0, :, 0], [NAN, -1.0, 1.0])
    assert batch.inputs[0].tolist() == [[0.0, 0.0], [0.0, 0.0], [-1.0, 1.0]]


def test_a_window_never_reads_the_neighbouring_series(make_panel):
    panel = make_panel([1e6] * 5, [1.0, 2.0, 3.0], [1e6] * 5)
    windows = windows_of(panel, lags=(2, 3), context=8, length=8)

    batch = windows.gather(np.array([1]), np.array([-3]))

    assert np.abs(batch.inputs).max() < 2
    np.testing.assert_array_equal(np.isnan(batch.targets[0, :, 0]), [1, 1, 1, 0, 0, 0, 1, 1])


def test_a_missing_value_is_a_missing_target_and_later_a_missing_input(make_panel):
    windows = windows_of(make_panel([0.0, 2.0, NAN, 4.0]), context=2, length=4)

    batch = windows.gather(np.array([0]), np.array([0]))

    np.testing.assert_array_equal(batch.targets[0, :, 0], [-1.0, 1.0, NAN, 3.0])
    assert batch.inputs[0].tolist() == [[0.0, 0.0], [-1.0, 1.0], [1.0, 1.0], [0.0, 0.0]]


def test_the_calendar_of_an_input_is_that_of_the_step_it_predicts(make_panel):
    panel = make_panel(np.arange(20.0), frequency="D")
    windows = windows_of(panel, cycles=("week",), length=5)

    batch = windows.gather(np.array([0]), np.array([6]))

    expected = panel.frequency.calendar(panel.ordinals[6:11], ("week",))
    assert batch.inputs[0, :, 2:].tolist() == expected.tolist()


# Invariant 1


@given(
    lengths=st.lists(st.integers(1, 20), min_size=1, max_size=4),
    lags=st.sets(st.integers(2, 12), max_size=3),
    missing=st.sampled_from([0.0, 0.3]),
    seed=st.integers(0, 2**16),
)
@settings(deadline=None, max_examples=50)
def test_shift_the_input_at_t_is_the_target_before_at_every_edge_of_every_series(
    make_random_panel, lengths, lags, missing, seed
):
    lags = tuple(sorted(lags))
    windows = windows_of(make_random_panel(lengths, seed, missing), lags=lags)
    places = [
        (s, first) for s in range(len(lengths)) for first in range(-windows.length + 1, lengths[s])
    ]
    batch = windows.gather(*np.array(places).T)

    for b, (s, first) in enumerate(places):
        z = scaled(windows, s, first)
        targets = [z(row) for row in range(first, first + windows.length)]
        np.testing.assert_allclose(batch.targets[b, :, 0], targets, rtol=1e-5, atol=1e-5)
        for t in range(windows.length):
            before = [z(first + t - lag) for lag in (1, *lags)]
            expected = [*np.nan_to_num(before), float(not np.isnan(before[0]))]
            np.testing.assert_allclose(batch.inputs[b, t], expected, rtol=1e-5, atol=1e-5)


@given(lags=st.sets(st.integers(1, 6), min_size=2, max_size=3), seed=st.integers(0, 2**16))
@settings(deadline=None, max_examples=30)
def test_shift_inside_a_window_the_input_at_t_is_bit_for_bit_the_target_at_t_less_the_lag(
    make_random_panel, lags, seed
):
    lags = (1, *sorted(lags - {1}))
    windows = windows_of(make_random_panel([40, 30], seed), lags=lags[1:], length=10)

    batch = windows.gather(np.array([0, 1, 1]), np.array([7, 0, 20]))

    for place, lag in enumerate(lags):
        assert (batch.inputs[:, lag:, place] == batch.targets[:, :-lag, 0]).all()


# Scale


def test_the_context_of_a_window_alone_sets_its_scale(make_panel):
    windows = windows_of(make_panel([1.0, 3.0, NAN, 1e9, -1e9]), context=3, length=5)

    batch = windows.gather(np.array([0]), np.array([0]))

    assert batch.targets[0, :2, 0].tolist() == [-1.0, 1.0]


def test_each_window_of_a_series_has_a_scale_of_its_own(make_panel):
    windows = windows_of(make_panel([1.0, 3.0, 100.0, 300.0]), context=2, length=2)

    batch = windows.gather(np.array([0, 0]), np.array([0, 2]))

    assert batch.targets[..., 0].tolist() == [[-1.0, 1.0], [-1.0, 1.0]]


def test_a_window_whose_context_is_all_missing_has_no_scale_and_so_no_targets(make_panel):
    windows = windows_of(make_panel([1e6, NAN, NAN, 1e6, 2e6]), context=2, length=4)

    batch = windows.gather(np.array([0]), np.array([1]))

    assert np.isnan(batch.targets).all()
    assert batch.inputs.tolist() == [[[0.0, 0.0]] * 4]


# Invariant 8


@given(
    cutoff=st.integers(6, 24),
    seed=st.integers(0, 2**16),
    missing=st.sampled_from([0.0, 0.3]),
)
@settings(deadline=None, max_examples=50)
def test_no_leak_values_after_the_cutoff_change_no_window_before_it(
    make_random_panel, make_panel, cutoff, seed, missing
):
    panel = make_random_panel([25, 25], seed, missing)
    changed = panel.target.copy()
    changed[cutoff:25] = 1e6
    changed[25 + cutoff :] = NAN
    other = make_panel(changed[:25, 0], changed[25:, 0])
    lengths = np.array([cutoff, cutoff])

    drawn = [
        draw(windows_of(p, lags=(2, 5)), 3, lengths, 64, np.random.default_rng(seed))
        for p in (panel, other)
    ]

    np.testing.assert_array_equal(drawn[0].inputs, drawn[1].inputs)
    np.testing.assert_array_equal(drawn[0].targets, drawn[1].targets)


@given(t=st.integers(4, 7), seed=st.integers(0, 2**16))
@settings(deadline=None, max_examples=30)
def test_no_leak_past_the_context_no_input_knows_the_values_from_its_own_step_on(
    make_random_panel, make_panel, t, seed
):
    panel = make_random_panel([30], seed)
    first = 10
    changed = panel.target[:, 0].copy()
    changed[first + t :] *= -1e3
    place = np.array([0]), np.array([first])

    batch = windows_of(panel, lags=(2, 3)).gather(*place)
    other = windows_of(make_panel(changed), lags=(2, 3)).gather(*place)

    assert (batch.inputs[:, : t + 1] == other.inputs[:, : t + 1]).all()
    assert (batch.targets[:, :t] == other.targets[:, :t]).all()
    assert (batch.targets[:, t:] != other.targets[:, t:]).all()


# Drawing


def test_every_allowed_place_of_every_series_is_drawn_equally_often(monkeypatch, make_panel):
    windows = windows_of(make_panel([0.0] * 10, [0.0] * 2, [0.0] * 5), context=1, length=2)
    drawn = []
    monkeypatch.setattr(Windows, "gather", lambda _, *places: drawn.append(np.stack(places, 1)))
    until = np.array([8, 2, 5])  # the last two rows of the first series are held out

    draw(windows, 3, until, 90_000, np.random.default_rng(0))

    places, counts = np.unique(drawn[0], axis=0, return_counts=True)
    # the row after a window goes from 3 to the last allowed, and it begins two rows before
    assert places.tolist() == [[0, f] for f in range(1, 7)] + [[2, f] for f in range(1, 4)]
    assert np.abs(counts - 10_000).max() < 400  # four standard deviations


def test_the_same_source_of_randomness_draws_the_same_windows(make_random_panel):
    windows = windows_of(make_random_panel([40, 50]))
    lengths = np.array([40, 50])

    first, again, other = (
        draw(windows, 3, lengths, 16, np.random.default_rng(seed)).targets for seed in (1, 1, 2)
    )

    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other, equal_nan=True)
