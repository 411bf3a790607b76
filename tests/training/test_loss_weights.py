import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.training.loss_weights import ONE_STEP_WEIGHT, TRUST, loss_weights

NAN = np.nan


def test_weights_by_hand():
    scaled = np.array(
        [
            [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 7.0, 7.0],  # changes by 1 from step to step
            [2.0, 2.4, 2.0, NAN, 2.0, 2.4, 7.0, 7.0],  # by 0.4, where two values follow each other
        ]
    )

    weights = loss_weights(scaled, rows=6, season=1)

    calm = 1 / (np.array([1.0, 0.4]) + TRUST)
    by_step = 8 * np.array([0, 0, 0, 0.5 / 3, 0.5 / 3, 0.5 / 3, 1 / 2, 1 / 2])
    np.testing.assert_allclose(weights, np.outer(calm / calm.mean(), by_step))


def test_the_change_that_counts_is_that_over_a_season_or_half_a_short_history():
    wave = np.tile([0.0, 3.0], 5)[None].repeat(2, axis=0)
    wave[1] = np.arange(10)

    over_a_season, half = loss_weights(wave, 8, season=2), loss_weights(wave, 3, season=2)

    np.testing.assert_allclose(over_a_season[0, -1] / over_a_season[1, -1], (2 + TRUST) / TRUST)
    one_step = (1 + TRUST) / (3 + TRUST)  # of three rows
    np.testing.assert_allclose(half[0, -1] / half[1, -1], one_step)


@given(st.integers(2, 30), st.integers(1, 10), st.integers(1, 12))
def test_history_and_future_share_the_weight_as_they_should(rows, horizon, season):
    scaled = np.random.default_rng(rows).normal(size=(4, rows + horizon))

    weights = loss_weights(scaled, rows, season)

    assert weights.shape == scaled.shape
    history, future = weights[:, :rows].mean(axis=0).sum(), weights[:, rows:].mean(axis=0).sum()
    assert history / future == pytest.approx(ONE_STEP_WEIGHT)
    assert weights.mean() == pytest.approx(1 + ONE_STEP_WEIGHT)


def test_a_history_that_begins_later_has_the_weights_that_it_has_without_the_steps_before():
    history = np.random.default_rng(0).normal(size=(1, 12))
    later = np.concatenate([np.full((1, 5), NAN), history], axis=1)

    own = loss_weights(history, rows=8, season=2)
    among = loss_weights(later, rows=13, season=2, begins=np.array([5]))

    assert not among[:, :5].any()
    np.testing.assert_allclose(among[:, 5:] / 17, own / 12)  # they average over all steps
