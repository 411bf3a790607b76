import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from forecast.inference.season_phases import PHASES, season_phases


def test_a_season_is_a_place_on_the_circle_its_length_and_a_flag():
    phases = season_phases(np.arange(4, 9), (4,))

    length = np.log(4) / 2 - 1
    expected = [[0, 1], [1, 0], [0, -1], [-1, 0], [0, 1]]
    np.testing.assert_allclose(phases, [[*place, length, 1] for place in expected], atol=1e-6)
    assert phases.dtype == np.float32


def test_two_seasons_lie_side_by_side_and_one_that_does_not_exist_is_zeros():
    numbers = np.arange(6).reshape(2, 3)

    both = season_phases(numbers, (4, 12))

    assert both.shape == (2, 3, 2 * PHASES)
    np.testing.assert_array_equal(both[..., :PHASES], season_phases(numbers, (4,)))
    np.testing.assert_array_equal(both[..., PHASES:], season_phases(numbers, (12,)))
    np.testing.assert_array_equal(season_phases(numbers, (4, 0))[..., PHASES:], 0.0)
    np.testing.assert_array_equal(season_phases(numbers, (1, 0)), 0.0)


@given(st.integers(-(10**9), 10**9), st.integers(2, 400))
def test_phases_repeat_with_the_season_however_far_away(number, season):
    here, later = season_phases(np.array([number, number + season]), (season,))

    np.testing.assert_array_equal(here, later)


def test_a_model_is_fed_the_phases_of_its_seasons_before_its_cycles(make_panel, make_config):
    panel = make_panel(np.arange(30.0), frequency="D", first=19_000)
    config = make_config(panel, network="seasonal", seasons=(7, 0), cycles=("week",))
    ordinals = panel.ordinals[:9]

    features = config.calendar(ordinals)

    numbers = panel.frequency.numbers(ordinals)
    np.testing.assert_array_equal(features[:, : 2 * PHASES], season_phases(numbers, (7, 0)))
    np.testing.assert_array_equal(
        features[:, 2 * PHASES :], panel.frequency.calendar(ordinals, ("week",))
    )
    assert features.shape[1] == config.calendar_features == config.step_features
