"""The batches that a training and its validation are given."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.training.windows import SAMPLERS, Windows

pytestmark = pytest.mark.slow


def windows_of(panel, plan, lags=(2,)):
    nothing = np.empty((len(panel.target), 0), np.float32)
    return Windows(panel.target, nothing, panel.indptr, lags, plan.context, plan.window_length)


SMALL = {"units": 4, "steps": 8, "batch_size": 4, "rounds": 4}


def take(batches, count):
    return [batch for batch, _ in zip(batches, range(count), strict=False)]


def assert_same_batches(some, others):
    for batch, other in zip(some, others, strict=True):
        np.testing.assert_array_equal(batch.inputs, other.inputs)
        np.testing.assert_array_equal(batch.targets, other.targets)


@pytest.mark.parametrize("kind", SAMPLERS)
def test_the_batches_are_those_of_the_kind_and_the_least_rows_that_are_planned(
    make_random_panel, plan_of, kind
):
    from forecast.training.fit import batches

    panel = make_random_panel([40, 60])
    plan = plan_of(panel, **SMALL, windows=kind)
    windows = windows_of(panel, plan)

    found = take(batches(windows, panel.lengths, plan, 1), 3)

    expected = SAMPLERS[kind](windows, plan.min_window_rows, panel.lengths, plan.batch_size, 1)
    assert_same_batches(found, take(expected, 3))
    assert not np.array_equal(found[0].targets, found[1].targets, equal_nan=True)


def test_validation_windows_end_at_the_given_rows_and_only_their_tail_counts(make_panel, plan_of):
    from forecast.training.fit import validation_batch

    panel = make_panel(np.arange(30.0), np.arange(8.0), np.arange(20.0))
    plan = plan_of(panel, context=4, holdout=3)
    windows = replace(windows_of(panel, plan), window_length=7)

    batch = validation_batch(windows, panel.lengths - 5, holdout=3, seed=0)

    # of 25, 3 and 15 rows; three are no more than the tail itself
    assert np.isnan(batch.targets[:, :4]).all()
    step = 1 / np.std([1, 2, 3, 4])  # straight lines, scaled by a context of four rows
    tail = [(2.5 + k) * step for k in range(3)]
    np.testing.assert_allclose(batch.targets[:, 4:, 0], [tail, tail], rtol=1e-6)


def test_without_a_holdout_or_a_long_enough_series_there_is_no_validation(make_panel, plan_of):
    from forecast.training.fit import validation_batch

    panel = make_panel(np.arange(30.0))
    windows = windows_of(panel, plan_of(panel))

    assert validation_batch(windows, np.array([30]), holdout=0, seed=0) is None
    assert validation_batch(windows, np.array([6]), holdout=6, seed=0) is None


def test_a_large_panel_is_validated_on_a_fixed_sample(monkeypatch, make_random_panel, plan_of):
    from forecast.training import fit

    monkeypatch.setattr(fit, "VALIDATION_WINDOWS", 3)
    panel = make_random_panel([30] * 10)
    windows = windows_of(panel, plan_of(panel))

    first, again, other = (
        fit.validation_batch(windows, panel.lengths, 3, seed) for seed in (0, 0, 5)
    )

    assert first.targets.shape[0] == 3
    assert_same_batches([first], [again])
    assert not np.array_equal(first.targets, other.targets, equal_nan=True)


@given(
    seed=st.integers(0, 2**16), holdout=st.integers(1, 8), kind=st.sampled_from(sorted(SAMPLERS))
)
@settings(deadline=None, max_examples=30)
def test_no_leak_training_does_not_see_the_validation_tail_nor_validation_the_final_one(
    make_random_panel, make_panel, plan_of, seed, holdout, kind
):
    from forecast.training.fit import batches, validation_batch

    panel = make_random_panel([40, 30], seed)
    plan = plan_of(panel, **SMALL, holdout=holdout, windows=kind)

    def changed(last):
        series = [panel.target[:40, 0].copy(), panel.target[40:, 0].copy()]
        for values in series:
            values[-last:] = -1e6
        return windows_of(make_panel(*series), plan)

    def trained_on(windows):
        return take(batches(windows, panel.lengths - 2 * holdout, plan, seed), 3)

    def validated_on(windows):
        return [validation_batch(windows, panel.lengths - holdout, holdout, seed)]

    assert_same_batches(trained_on(windows_of(panel, plan)), trained_on(changed(2 * holdout)))
    assert_same_batches(validated_on(windows_of(panel, plan)), validated_on(changed(holdout)))
    tail = validated_on(changed(2 * holdout))[0].targets[:, -holdout:]
    assert (tail < -1e3).all()  # what validation does look at
