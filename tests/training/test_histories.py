"""Windows that hold a history and its future: they are what a forecast from there would see."""

from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.data import scaling
from forecast.nn import step_inputs
from forecast.training import histories as module
from forecast.training.histories import Histories, random_histories, validation_histories
from forecast.training.windows import Windows

NAN = np.nan


def histories_of(panel, *, context=4, length=6, scale_rows=2, lags=(2,), season=1, min_rows=2):
    rows = np.arange(len(panel.target), dtype=np.float32)[:, None]
    windows = Windows(panel.target, rows, panel.indptr, lags, context, length)
    return Histories(windows, scale_rows, season, min_rows)


def test_a_window_by_hand(make_panel):
    panel = make_panel([9.0, 2.0, 4.0, 6.0, 8.0, 10.0])

    batch = histories_of(panel).gather(np.array([0]), np.array([3]), np.array([5]))

    # the history 9, 2, 4 ends with 2 and 4: location 3, scale 1; the row behind 6 and 8 is held out
    np.testing.assert_array_equal(batch.targets[0, :, 0], [NAN, 6.0, -1.0, 1.0, 3.0, 5.0])
    np.testing.assert_array_equal(batch.values[0, :2, 0], [NAN, NAN])
    assert batch.begins.tolist() == [1]
    assert batch.step_features[0, 1:, 0].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_nothing_is_known_from_before_a_history_nor_from_behind_the_rows_that_may_be_used(
    make_panel,
):
    panel = make_panel([1e6] * 9, np.arange(9.0), [1e6] * 9)

    batch = histories_of(panel).gather(np.array([1]), np.array([6]), np.array([7]))

    # of 2, 3, 4, 5 the last two set the scale
    np.testing.assert_allclose(batch.targets[0, :, 0], [-5.0, -3.0, -1.0, 1.0, 3.0, NAN])
    assert np.isnan(batch.values[0, :2]).all()
    assert batch.begins.tolist() == [0]


@given(
    seed=st.integers(0, 2**16),
    lengths=st.lists(st.integers(2, 30), min_size=1, max_size=4),
    held_out=st.integers(0, 4),
)
@settings(deadline=None, max_examples=40)
def test_a_drawn_window_is_the_history_and_the_future_in_units_of_the_last_rows_before_them(
    make_random_panel, seed, lengths, held_out
):
    lengths[0] += 3 + held_out
    panel = make_random_panel(lengths, seed, missing=0.3)
    source = histories_of(panel, context=9, length=13, scale_rows=5)
    stop = panel.lengths - held_out

    batch = next(random_histories(source, stop, 6, seed))

    for b, begin in enumerate(batch.begins):
        row = batch.step_features[b, begin, 0]
        s = int(np.searchsorted(panel.indptr, row, side="right")) - 1
        first = int(row) - panel.indptr[s]
        cutoff = first + 9 - begin
        assert 2 <= cutoff < stop[s]
        values = panel.target[panel.indptr[s] : panel.indptr[s] + stop[s]]
        scale = scaling.measure(
            np.pad(values, ((5, 0), (0, 0)), constant_values=NAN)[None, cutoff : cutoff + 5]
        )
        expected = np.clip(scaling.forward(values[None, first : cutoff + 4], scale), -30, 30)
        if np.isnan(values[max(cutoff - 5, 0) : cutoff]).all():
            assert np.isnan(batch.targets[b]).all()
            continue
        np.testing.assert_allclose(batch.targets[b, begin:][: expected.shape[1]], expected[0], 1e-6)
        assert np.isnan(batch.targets[b, begin + expected.shape[1] :]).all()
        assert np.isnan(batch.values[b, : step_inputs.lead((2,)) + begin]).all()


def test_batches_depend_on_the_seed_and_their_number_alone(make_random_panel):
    source = histories_of(make_random_panel([20, 9]))
    lengths = np.array([18, 7])

    first, second = (list(islice(random_histories(source, lengths, 4, 5), 2)) for _ in range(2))
    other = next(random_histories(source, lengths, 4, 6))

    for batch, again in zip(first, second, strict=True):
        for part, same in zip(batch, again, strict=True):
            np.testing.assert_array_equal(part, same)
    assert not np.array_equal(first[0].values, first[1].values, equal_nan=True)
    assert not np.array_equal(first[0].values, other.values, equal_nan=True)


# The validation


def test_only_held_out_rows_behind_a_cutoff_are_validated_from_several_cutoffs(make_panel):
    panel = make_panel(np.arange(12.0))

    batch = validation_histories(histories_of(panel, length=8), np.array([10]), 3, seed=0)

    # rows 7, 8 and 9 are held out; cutoffs lie before each of them, and the last two stay unseen
    np.testing.assert_array_equal(batch.step_features[:, 0, 0], [3.0, 4.0, 5.0])
    observed = ~np.isnan(batch.targets[..., 0])
    assert observed.tolist() == [
        [False] * 4 + [True] * 3 + [False],
        [False] * 4 + [True] * 2 + [False] * 2,
        [False] * 4 + [True] + [False] * 3,
    ]
    assert (batch.weights[observed] > 0).all()
    assert not batch.weights[~observed].any()
    assert batch.weights.mean() == pytest.approx(1.0)


def test_of_many_series_some_are_validated_from_one_cutoff_each(make_random_panel, monkeypatch):
    monkeypatch.setattr(module, "VALIDATION_WINDOWS", 3)
    panel = make_random_panel([10] * 7)

    batch = validation_histories(histories_of(panel), np.full(7, 10), 2, seed=0)

    assert len(batch.values) == 3
    assert len({*batch.step_features[:, 0, 0].tolist()}) == 3


@pytest.mark.parametrize(
    ("values", "length", "holdout"),
    [(np.arange(9.0), 9, 0), (np.arange(9.0), 2, 3), ([1.0, 2.0, 3.0, NAN, NAN, 6.0], 5, 2)],
)
def test_there_is_no_validation_where_nothing_is_held_out_or_observed(
    make_panel, values, length, holdout
):
    source = histories_of(make_panel(values))

    assert validation_histories(source, np.array([length]), holdout, seed=0) is None
