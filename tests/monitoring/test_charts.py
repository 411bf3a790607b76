import numpy as np

from forecast.monitoring.charts import NEVER, SHARES, Charts


def followed(scores, errors=None, most=100.0):
    """The chart of one series after some rows of one score for both streams; times count from 0."""
    chart = Charts.start(1, 2)
    errors = scores if errors is None else errors
    for time, (score, error) in enumerate(zip(scores, errors, strict=True)):
        row = np.array([time]), np.array([error])
        chart = chart.added(np.array([[score, score]]), np.zeros((1, 2)), row, most)
    return chart


def test_a_cusum_by_hand():
    up = [followed([2.0, 0.0, -1.0, 1.5][:rows]).value[0, 0, 0] for rows in (1, 2, 3, 4)]
    down = [followed([2.0, 0.0, -1.0, -1.0][:rows]).value[0, 0, 1] for rows in (1, 2, 3, 4)]

    assert up == [1.5, 1.0, 0.0, 1.0]  # less 0.5 each time, and never below 0
    assert down == [0.0, 0.0, 0.5, 1.0]


def test_the_chart_of_the_scale_grows_by_a_share_of_that():
    chart = followed([2.0, 3.0])

    assert chart.value[0, 0, 0] == 4.0
    assert np.isclose(chart.value[0, 1, 0], 4.0 * SHARES[1])


def test_growth_is_dated_from_the_first_row_after_the_last_zero():
    chart = followed([2.0, -3.0, 1.0, 2.0], errors=[20.0, -30.0, 10.0, 20.0])

    assert chart.since[0, 0].tolist() == [2, NEVER]
    assert chart.rows[0, 0].tolist() == [2, 0]
    assert chart.signed[0, 0].tolist() == [30.0, 0.0]


def test_a_chart_stops_at_most_and_so_comes_down_again():
    assert followed([9.0] * 9, most=10.0).value[0, 0, 0] == 10.0
    assert followed([9.0] * 9 + [-9.5], most=10.0).value[0, 0, 0] == 0.0


def test_a_missing_row_changes_nothing():
    seen, with_gap = followed([2.0, 1.0]), followed([2.0, np.nan, 1.0])

    assert with_gap.value.tolist() == seen.value.tolist()
    assert with_gap.rows.tolist() == seen.rows.tolist()


def test_the_uncertainty_of_a_mean_is_added_to_the_allowance():
    row = np.array([0]), np.array([0.0])
    chart = Charts.start(1, 2).added(np.array([[2.0, 2.0]]), np.full((1, 2), 0.25), row, 100.0)

    assert chart.value[0, 0].tolist() == [1.25, 0.0]
