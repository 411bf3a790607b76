import itertools
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.data.scaling import UsualSpread, measure
from forecast.training.windows import (
    SAMPLERS,
    Windows,
    contiguous_windows,
    draw_windows,
    random_windows,
)

NAN = np.nan


def windows_of(panel, *, lags=(), context=4, length=8, cycles=()):
    known = panel.frequency.calendar(panel.ordinals, cycles)
    return Windows(panel.target, known, panel.indptr, lags, context, length)


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
        (s, first)
        for s in range(len(lengths))
        for first in range(-windows.window_length + 1, lengths[s])
    ]
    batch = windows.gather(*np.array(places).T)

    targets, before = [], []
    for s, first in places:
        z = scaled(windows, s, first)
        rows = range(first, first + windows.window_length)
        targets.append([[z(row)] for row in rows])
        before.append([[z(row - lag) for lag in (1, *lags)] for row in rows])
    np.testing.assert_allclose(batch.targets, targets, rtol=1e-5, atol=1e-5)
    is_observed = ~np.isnan(np.array(before)[..., :1])
    expected = np.concatenate([np.nan_to_num(before), is_observed], -1)
    np.testing.assert_allclose(batch.inputs, expected, rtol=1e-5, atol=1e-5)


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
        draw_windows(windows_of(p, lags=(2, 5)), 3, lengths, 64, np.random.default_rng(seed))
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

    draw_windows(windows, 3, until, 90_000, np.random.default_rng(0))

    places, counts = np.unique(drawn[0], axis=0, return_counts=True)
    # the row after a window goes from 3 to the last allowed, and it begins two rows before
    assert places.tolist() == [[0, f] for f in range(1, 7)] + [[2, f] for f in range(1, 4)]
    assert np.abs(counts - 10_000).max() < 400  # four standard deviations


def test_the_same_source_of_randomness_draws_the_same_windows(make_random_panel):
    windows = windows_of(make_random_panel([40, 50]))
    lengths = np.array([40, 50])

    first, again, other = (
        draw_windows(windows, 3, lengths, 16, np.random.default_rng(seed)).targets
        for seed in (1, 1, 2)
    )

    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other, equal_nan=True)


def test_a_constant_context_is_scaled_by_what_is_usual_in_the_panel(make_panel):
    usual = partial(measure, usual=(UsualSpread(1.0, 0.1),))
    panel = make_panel([50.0, 50.0, 60.0, 45.0])
    windows = replace(windows_of(panel, context=2, length=4), measure=usual)

    batch = windows.gather(np.array([0]), np.array([0]))

    assert batch.targets[0, :, 0].tolist() == [0.0, 0.0, 2.0, -1.0]  # a tenth of 50 is 5


# Contiguous windows


def with_rows(panel, **sizes):
    """Windows whose last input is the row of the panel that the step predicts."""
    known = np.arange(len(panel.target), dtype=np.float32)[:, None]
    return Windows(panel.target, known, panel.indptr, **{"lags": (), **sizes})


def take(batches, count):
    return list(itertools.islice(batches, count))


def assert_same_batches(some, others):
    for batch, other in zip(some, others, strict=True):
        for part, other_part in zip(batch, other, strict=True):
            np.testing.assert_array_equal(part, other_part)


def walks_of(windows, batches):
    """Each lane's walks: the first row within the series and the pieces (inputs, targets).

    Yields:
        The series, the first row of the walk, its pieces, and whether it was walked to its end.
    """
    for b in range(len(batches[0].resets)):
        starts = [step for step, batch in enumerate(batches) if batch.resets[b]]
        assert starts[0] == 0
        for start, end in itertools.zip_longest(starts, starts[1:]):
            pieces = [(batch.inputs[b], batch.targets[b]) for batch in batches[start:end]]
            row = int(pieces[0][0][0, -1])
            s = int(np.searchsorted(windows.indptr, row, side="right")) - 1
            yield s, row - int(windows.indptr[s]), pieces, end is not None


def test_a_lane_walks_a_series_in_pieces_and_then_begins_anew(make_panel):
    windows = windows_of(
        make_panel([2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 1e9]), context=2, length=3
    )

    # only the first row is followed by seven that may be seen, so every walk begins there
    batches = take(contiguous_windows(windows, 7, np.array([7]), 1, seed=0), 5)

    # the context holds 2 and 4: location 3, scale 1, and they stay for the whole walk
    walk = [[-1.0, 1.0, 3.0], [5.0, 7.0, 9.0], [11.0, NAN, NAN]]
    np.testing.assert_array_equal([b.targets[0, :, 0] for b in batches], [*walk, walk[0], walk[1]])
    assert [b.inputs[0].tolist() for b in batches[:3]] == [
        [[0.0, 0.0], [-1.0, 1.0], [1.0, 1.0]],  # value, flag
        [[3.0, 1.0], [5.0, 1.0], [7.0, 1.0]],
        [[9.0, 1.0], [11.0, 1.0], [0.0, 0.0]],
    ]
    assert [b.resets.tolist() for b in batches] == [[True], [False], [False], [True], [False]]


@given(
    lengths=st.lists(st.integers(1, 30), min_size=1, max_size=4),
    held_out=st.integers(0, 5),
    length=st.integers(1, 9),
    lags=st.sets(st.integers(2, 12), max_size=2),
    missing=st.sampled_from([0.0, 0.5]),
    seed=st.integers(0, 2**16),
)
@settings(deadline=None, max_examples=60)
def test_every_row_of_a_walk_is_visited_once_in_order_under_one_scale(
    make_random_panel, lengths, held_out, length, lags, missing, seed
):
    lengths[0] += 3 + held_out  # one at least is long enough
    panel = make_random_panel(lengths, seed, missing)
    windows = with_rows(panel, context=4, window_length=length, lags=tuple(sorted(lags)))
    stop = np.array(lengths) - held_out
    batches = take(contiguous_windows(windows, 3, stop, 5, seed), 12)

    for s, first, pieces, ended in walks_of(windows, batches):
        begin, end = windows.indptr[s], stop[s]
        assert 0 <= first <= end - 3
        steps = np.arange(first, first + len(pieces) * length)
        inputs, targets = (np.concatenate(part) for part in zip(*pieces, strict=True))
        assert (inputs[steps < end, -1] == begin + steps[steps < end]).all()
        known = panel.target[begin : begin + end, 0]  # nothing else may be seen
        context = known[first : first + 4]
        context = context[~np.isnan(context)]
        if not len(context):  # no scale: the lane leaves at once for another walk
            assert len(pieces) == 1
            assert np.isnan(targets).all()
            continue
        assert not ended or steps[-1] >= end - 1
        assert steps[-1] - length < end - 1
        scale = measure(context[None, :, None])
        z = (known - scale.location.item()) / scale.scale.item()
        padded = np.concatenate([np.full(12, NAN), z, np.full(length + 12, NAN)])
        np.testing.assert_allclose(targets[:, 0], padded[12 + steps], rtol=1e-5, atol=1e-5)
        for place, lag in enumerate((1, *windows.lags)):
            before = np.nan_to_num(padded[12 + steps - lag])
            np.testing.assert_allclose(inputs[:, place], before, rtol=1e-5, atol=1e-5)


@given(missing=st.sampled_from([0.0, 0.3]), seed=st.integers(0, 2**16))
@settings(deadline=None, max_examples=30)
def test_shift_the_first_input_of_a_piece_is_the_last_target_of_the_piece_before(
    make_random_panel, missing, seed
):
    windows = windows_of(make_random_panel([40, 30, 7], seed, missing), length=6)
    batches = take(contiguous_windows(windows, 3, np.array([40, 28, 7]), 8, seed), 10)

    for before, after in itertools.pairwise(batches):
        goes_on = ~after.resets
        last = before.targets[goes_on, -1, 0]
        expected = np.stack([np.nan_to_num(last), ~np.isnan(last)], -1)
        assert (after.inputs[goes_on, 0] == expected).all()
    assert not all(batch.resets.all() for batch in batches)


def test_a_series_shorter_than_a_piece_is_a_walk_of_one_piece(make_panel):
    windows = windows_of(make_panel([2.0, 4.0, 6.0], [3.0, 5.0]), context=2, length=5)

    batches = take(contiguous_windows(windows, 2, np.array([2, 2]), 4, seed=0), 3)

    for batch in batches:
        assert batch.resets.all()
        np.testing.assert_array_equal(batch.targets[..., 0], [[-1.0, 1.0, NAN, NAN, NAN]] * 4)


def test_a_lane_without_a_value_to_scale_by_leaves_for_another_walk(make_panel):
    windows = windows_of(make_panel([NAN, NAN, 2.0, 4.0, 6.0, 8.0, 10.0]), context=2, length=2)

    batches = take(contiguous_windows(windows, 7, np.array([7]), 3, seed=0), 4)

    for batch in batches:
        assert batch.resets.all()
        assert np.isnan(batch.targets).all()


def test_walks_begin_at_every_place_of_a_series_and_in_every_series_equally_often(make_panel):
    panel = make_panel([1.0] * 10, [1.0] * 2, [1.0] * 6)
    windows = with_rows(panel, context=1, window_length=2)
    stop = np.array([8, 2, 5])  # the last rows are held out

    (batch,) = take(contiguous_windows(windows, 3, stop, 90_000, seed=0), 1)

    rows, counts = np.unique(batch.inputs[:, 0, -1], return_counts=True)
    # three rows must follow: six places in the first series, none in the second, three
    assert rows.tolist() == [0, 1, 2, 3, 4, 5, 12, 13, 14]
    assert np.abs(counts[:6] - 7_500).max() < 400  # more than four standard deviations
    assert np.abs(counts[6:] - 15_000).max() < 500


@given(cutoff=st.integers(6, 24), seed=st.integers(0, 2**16))
@settings(deadline=None, max_examples=30)
def test_no_leak_values_after_the_cutoff_change_no_walk(
    make_random_panel, make_panel, cutoff, seed
):
    panel = make_random_panel([25, 25], seed, missing=0.3)
    changed = panel.target.copy()
    changed[cutoff:25] = 1e6
    changed[25 + cutoff :] = NAN
    other = make_panel(changed[:25, 0], changed[25:, 0])
    stop = np.array([cutoff, cutoff])

    ours, theirs = (
        take(contiguous_windows(windows_of(p, lags=(2, 5), context=6), 3, stop, 8, seed), 6)
        for p in (panel, other)
    )

    assert_same_batches(ours, theirs)


@given(row=st.integers(4, 19), seed=st.integers(0, 2**16))
@settings(deadline=None, max_examples=30)
def test_no_leak_past_its_context_a_walk_does_not_know_the_values_from_a_step_on(
    make_random_panel, make_panel, row, seed
):
    panel = make_random_panel([20], seed)
    changed = panel.target[:, 0].copy()
    changed[row:] *= -1e3

    def walked(panel):  # every walk covers the whole series, in five pieces
        windows = windows_of(panel, lags=(2, 3), length=4)
        batches = take(contiguous_windows(windows, 20, np.array([20]), 1, seed), 5)
        pieces = ([batch.inputs[0] for batch in batches], [batch.targets[0] for batch in batches])
        return map(np.concatenate, pieces)

    inputs, targets = walked(panel)
    other_inputs, other_targets = walked(make_panel(changed))

    assert (inputs[: row + 1] == other_inputs[: row + 1]).all()
    assert (targets[:row] == other_targets[:row]).all()
    assert (targets[row:] != other_targets[row:]).all()


@pytest.mark.parametrize("kind", SAMPLERS)
def test_the_same_seed_gives_the_same_batches_and_another_seed_others(make_random_panel, kind):
    windows = windows_of(make_random_panel([40, 50]))

    first, again, other = (
        take(SAMPLERS[kind](windows, 3, np.array([40, 50]), 4, seed), 5) for seed in (1, 1, 2)
    )

    assert_same_batches(first, again)
    assert not np.array_equal(first[0].targets, other[0].targets, equal_nan=True)


def test_a_window_at_a_random_place_always_begins_anew(make_random_panel):
    windows = windows_of(make_random_panel([40, 50]))

    batches = take(random_windows(windows, 3, np.array([40, 50]), 4, seed=0), 3)

    assert all(batch.resets.tolist() == [True] * 4 for batch in batches)
