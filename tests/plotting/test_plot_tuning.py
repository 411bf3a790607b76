"""The picture of a tuning: which marks, which line, which title."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from forecast.plotting import TrialErrors, plot_tuning
from forecast.tuning.tuning_result import Trial, Tuning

pytestmark = pytest.mark.slow

NAN = np.nan


def drawn(errors, pruned=(), failed=(), naive=1.2, horizon=12, measure="MASE"):
    """The axes of the picture of some errors; the figure is rendered once."""
    errors = np.array(errors, float)
    numbers = np.arange(1, len(errors) + 1)
    figure = plot_tuning(
        TrialErrors(
            numbers=numbers,
            errors=errors,
            best=np.fmin.accumulate(errors),
            pruned=np.isin(numbers, pruned),
            failed=np.isin(numbers, failed),
            naive=naive,
            measure=measure,
            horizon=horizon,
        )
    )
    FigureCanvasAgg(figure).draw()
    return figure.axes[0]


def lines(axes):
    return {line.get_label(): np.column_stack(line.get_data()).tolist() for line in axes.lines}


def test_each_trial_has_its_mark_and_the_smallest_error_so_far_is_a_line():
    axes = drawn([0.8, 1.0, NAN, 0.6, NAN], pruned=[3], failed=[5])

    found = lines(axes)
    assert found["trial"] == [[1, 0.8], [2, 1.0], [4, 0.6]]
    assert found["best so far"] == [[1, 0.8], [2, 0.8], [3, 0.8], [4, 0.6], [5, 0.6]]
    assert found["default options"] == [[1, 0.8]]
    assert [x for x, _ in found["pruned"]] == [3]
    assert [x for x, _ in found["failed"]] == [5]
    assert [y for _, y in found["seasonal naive"]] == [1.2, 1.2]
    low, high = axes.get_ylim()
    assert low < found["pruned"][0][1] < 0.6
    assert high > 1.2


def test_the_title_names_the_best_trial_and_the_axes_what_they_show():
    axes = drawn([0.8, 0.6])

    assert axes.figure.get_suptitle() == (
        "Tuning: 2 trials of forecasts of 12 steps; best 0.6 in trial 2"
    )
    assert axes.get_xlabel() == "trial"
    assert axes.figure.get_supylabel() == "mean absolute scaled error (MASE)"
    assert drawn([3.0], measure="MAE", horizon=1).figure.get_suptitle() == (
        "Tuning: 1 trial of forecasts of 1 step; best 3 in trial 1"
    )


def test_errors_far_above_the_others_are_marked_at_the_edge():
    axes = drawn([0.8, 500.0, 0.6], naive=90.0)

    found = lines(axes)
    assert found["trial"] == [[1, 0.8], [3, 0.6]]
    assert [x for x, _ in found["above the scale"]] == [2]
    assert "seasonal naive" not in found
    assert axes.get_ylim()[1] < 1.0


@pytest.mark.parametrize("errors", [[0.0], [0.0, 0.0], [5.0]])
def test_equal_errors_can_be_drawn(errors):
    low, high = drawn(errors, naive=errors[0]).get_ylim()

    assert low < errors[0] < high


def test_a_tuning_draws_itself():
    trials = (
        Trial(1, {"units": 4}, "complete", 0.8, 1.0),
        Trial(2, {"units": 8}, "pruned"),
        Trial(3, {"units": 16}, "complete", 0.5, 1.0),
    )

    figure = Tuning(trials, "MASE", 1.2, 12, 3, "trials").plot()

    found = lines(figure.axes[0])
    assert found["trial"] == [[1, 0.8], [3, 0.5]]
    assert [x for x, _ in found["pruned"]] == [2]
