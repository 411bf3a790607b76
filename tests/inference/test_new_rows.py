import numpy as np
import pytest

from forecast import DataError
from forecast.inference.new_rows import following, places_of, rows_seen, unseen


@pytest.fixture(scope="module")
def state(make_model, make_random_panel):
    """Of the series a, b and c after the rows 0 to 9, 0 to 9 and 0 to 6."""
    return make_model(make_random_panel([10, 10, 7]), lags=(1,)).state


def test_rows_up_to_the_last_one_of_a_state_are_seen(state, make_panel):
    panel = make_panel([1.0] * 4, [1.0] * 4, [1.0] * 4, ids=["b", "c", "new"], first=6)

    assert rows_seen(panel, state).tolist() == [4, 1, 0]
    assert rows_seen(panel, None).tolist() == [0, 0, 0]
    assert rows_seen(panel.take(np.array([], int)), state).tolist() == []


def test_the_others_are_unseen_and_series_without_any_are_left_out(make_panel):
    panel = make_panel([1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0])
    left = unseen(panel, np.array([3, 1, 0]))

    assert left.ids.tolist() == ["b", "c"]
    assert left.target[:, 0].tolist() == [5, 6, 7, 8, 9]


def test_rows_of_a_gap_are_missing_values_where_that_is_asked_for(make_panel):
    panel = make_panel([1.0, 2.0], [3.0], first=10)

    assert following(panel, np.array([9, 9]), fill_gaps=False) is panel
    filled = following(panel, np.array([7, 9]), fill_gaps=True)
    np.testing.assert_array_equal(filled.target[:, 0], [np.nan, np.nan, 1, 2, 3])
    with pytest.raises(DataError, match="--fill-gaps"):
        following(panel, np.array([7, 9]), fill_gaps=False)
    with pytest.raises(DataError, match="which the state knows already"):
        following(panel, np.array([9, 10]), fill_gaps=True)


def test_series_have_one_place_in_a_state(state, make_panel):
    panel = make_panel([1.0], [2.0], ids=["a", "c"])

    assert places_of(state, panel).tolist() == [0, 2]
    with pytest.raises(DataError, match="series 'a' is in the state 2 times"):
        places_of(state.repeat(2), panel)
