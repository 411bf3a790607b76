import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.inference.season_phases import PHASES, season_phases
from forecast.nn import seasonal, step_inputs
from forecast.pretrained import generated_windows
from forecast.pretrained.generated_windows import draw_batch, windows_of
from forecast.pretrained.practised import KINDS, scale_rows
from forecast.training import histories
from forecast.training.loss_weights import WARM_UP

NAN = np.nan


def drawn_series(seed, series=3, steps=20, missing=0.2):
    rng = np.random.default_rng(seed)
    values = rng.gamma(4.0, 2.5, (series, steps))
    values[:, 1:] = np.where(rng.random((series, steps - 1)) < missing, NAN, values[:, 1:])
    return values


def windows_from(drawn, rows, seasons=(3, 0), seed=0):
    return windows_of(drawn, rows, seasons, np.random.default_rng(seed))


def inputs_of(batch):
    """The inputs (B, T, F) of every step of the windows."""
    return step_inputs.window_input(
        np, batch.values, batch.step_features, batch.lags, lag_flags=True
    )


# The windows


@given(st.integers(0, 2**32 - 1), st.sampled_from([(1, 0), (3, 0), (2, 6)]), st.integers(2, 19))
@settings(deadline=None, max_examples=40)
def test_shift_the_input_of_a_step_is_the_target_before_it_and_those_at_the_lags(
    seed, seasons, rows
):
    batch = windows_from(drawn_series(seed), rows, seasons)

    inputs, observed = inputs_of(batch), batch.weights > 0
    assert (batch.lags, batch.context) == (seasonal.lags(seasons), rows)
    for role, lag in enumerate((1, *batch.lags)):
        flags = inputs[..., seasonal.ROLES + role]
        if not lag:
            assert not inputs[..., role].any()
            assert not flags.any()
            continue
        assert not flags[:, :lag].any()  # nothing is known from before the series
        np.testing.assert_array_equal(inputs[:, lag:, role], batch.targets[:, :-lag, 0])
        is_weighted = np.arange(20)[:-lag] >= min(WARM_UP, rows - 1)
        np.testing.assert_array_equal(
            flags[:, lag:][:, is_weighted], observed[:, :-lag][:, is_weighted]
        )


def test_values_are_in_units_of_the_last_rows_of_the_history_alone():
    drawn = np.concatenate([np.full(20, 1e3), np.arange(12.0), [20.0, NAN, -4.0]])[None]

    batch = windows_from(drawn, rows=32, seasons=(1, 0))

    last = np.arange(12.0)  # no season: the last 12 rows set the scale
    assert scale_rows(1) == len(last)
    expected = (np.array([20.0, 0.0, -4.0]) - last.mean()) / last.std()
    np.testing.assert_allclose(
        batch.targets[0, 20:32, 0], (last - last.mean()) / last.std(), rtol=1e-5
    )
    np.testing.assert_allclose(batch.targets[0, [32, 34], 0], expected[[0, 2]], rtol=1e-5)
    assert batch.targets[0, 33, 0] == 0
    assert batch.targets[0, 0, 0] == histories.MAX_SCALED  # cut off


@given(st.integers(0, 2**32 - 1), st.integers(1, 19), st.floats(-100, 100))
@settings(deadline=None, max_examples=40)
def test_no_leak_nothing_of_the_history_depends_on_the_future(seed, rows, offset):
    drawn = drawn_series(seed)
    changed = drawn.copy()
    changed[:, rows:] = np.where(np.isnan(drawn[:, rows:]), offset, NAN)

    batch, other = windows_from(drawn, rows), windows_from(changed, rows)

    assert inputs_of(other)[:, : rows + 1].tobytes() == inputs_of(batch)[:, : rows + 1].tobytes()
    assert other.targets[:, :rows].tobytes() == batch.targets[:, :rows].tobytes()
    assert other.weights[:, :rows].tobytes() == batch.weights[:, :rows].tobytes()


def test_no_leak_the_value_that_is_predicted_is_no_input_of_its_step():
    drawn = drawn_series(0, missing=0.0)
    changed = drawn.copy()
    changed[:, 15] += 50.0

    batch, other = windows_from(drawn, 10, (2, 6)), windows_from(changed, 10, (2, 6))

    is_same = (inputs_of(other) == inputs_of(batch)).all(axis=(0, 2))
    assert np.flatnonzero(~is_same).tolist() == [16, 17, 18, 19]  # and the lags 2, 3 and 4
    assert is_same[15]


def test_what_is_missing_has_no_weight():
    drawn = drawn_series(1, missing=0.4)

    batch = windows_from(drawn, 12)

    warm_up = np.arange(20) < WARM_UP
    np.testing.assert_array_equal(batch.weights == 0, np.isnan(drawn) | warm_up)
    assert np.isfinite(batch.targets).all()
    assert (batch.weights >= 0).all()


def test_a_series_without_a_history_has_no_weight():
    drawn = drawn_series(2, missing=0.0)
    drawn[1, :12] = NAN

    batch = windows_from(drawn, 12)

    assert not batch.weights[1].any()
    assert batch.weights[[0, 2], 12:].all()


def test_phases_are_those_of_steps_from_anywhere_within_the_seasons():
    batch = windows_from(drawn_series(0), 10, (4, 12))

    phases = {
        number: season_phases(np.arange(number, number + 20), (4, 12)) for number in range(12)
    }
    found = [n for n, expected in phases.items() if np.allclose(batch.step_features[0], expected)]
    assert len(found) == 1
    assert batch.step_features.shape == (3, 20, 2 * PHASES)
    assert (batch.step_features == batch.step_features[:1]).all()


# Whole batches


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(generated_windows, "ROWS", 400)
    monkeypatch.setattr(generated_windows, "MIN_SERIES", 2)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "-".join(map(str, kind.seasons)))
def test_a_batch_is_of_one_kind(monkeypatch, kind):
    monkeypatch.setattr(generated_windows, "KINDS", (kind._replace(share=1.0),))

    batch = draw_batch(np.random.default_rng(3))

    series, steps, _ = batch.targets.shape
    assert kind.rows[0] <= batch.context <= kind.rows[1]
    assert kind.horizon[0] <= steps - batch.context <= kind.horizon[1]
    assert 2 <= series <= max(400 // steps, 2)
    if kind.seasons[0]:
        assert batch.lags == seasonal.lags(kind.seasons)
    assert batch.values.shape == (series, step_inputs.lead(batch.lags) + steps, 1)
    assert batch.step_features.shape == (series, steps, 2 * PHASES)
    assert batch.weights.shape == (series, steps)
    assert {part.dtype for part in batch[:4]} == {np.dtype("float32")}
    assert all(np.isfinite(part).all() for part in batch[1:4])
    assert np.nanmax(np.abs(batch.values)) <= histories.MAX_SCALED


@pytest.mark.usefixtures("small")
def test_a_batch_follows_from_the_source_of_randomness_alone():
    first, again, other = (draw_batch(np.random.default_rng(seed)) for seed in (5, 5, 6))

    assert first.values.tobytes() == again.values.tobytes()
    assert first.step_features.tobytes() == again.step_features.tobytes()
    assert first.values.tobytes() != other.values.tobytes()
