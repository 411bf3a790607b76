import numpy as np
import pytest
from scipy.stats import binom

from forecast.monitoring.thresholds import (
    MARGIN,
    chart_threshold,
    least_count,
    limits,
    run_length,
)


@pytest.mark.parametrize(("threshold", "rows"), [(3.0, 117.6), (4.0, 335.4), (5.0, 930.9)])
def test_run_lengths_are_those_of_the_integral_equation(threshold, rows):
    # of a one-sided CUSUM: twice those of both sides in Lucas & Crosier (1982) and Montgomery
    assert run_length(threshold) == pytest.approx(rows, rel=0.02)


@pytest.mark.parametrize("rows", [10.0, 1e4, 1e9])
def test_a_threshold_has_the_run_length_that_is_asked_for(rows):
    assert run_length(chart_threshold(rows)) == pytest.approx(rows)


def test_the_least_count_is_the_first_that_is_rare_enough():
    counts = least_count(20, 0.2, 1e-3)

    for rows in (0, 3, 10, 20):
        rare = [k for k in range(1, rows + 1) if binom.sf(k - 1, rows, 0.2) <= 1e-3]
        assert counts[rows] == min(rare, default=rows + 1)


def test_more_series_have_higher_thresholds_but_only_by_a_logarithm():
    one, many = (limits(series, 7, 50, (80.0,), 10_000) for series in (1, 10_000))

    assert many.chart - one.chart == pytest.approx(np.log(10_000), rel=0.01)
    assert (many.outside >= one.outside).all()
    assert (many.worse >= one.worse).all()


def test_an_interval_may_miss_its_level_by_a_margin():
    found = limits(1, 7, 50, (80.0,), 10_000).outside[0]

    assert found.tolist() == least_count(50, 0.2 + MARGIN, 1 / 70_000).tolist()


def test_thresholds_are_computed_once_and_cannot_be_changed():
    found = limits(3, 7, 50, (80.0, 95.0), 10_000)

    assert limits(3, 7, 50, (80.0, 95.0), 10_000) is found
    with pytest.raises(ValueError, match="read-only"):
        found.outside[0, 0] = 1


def test_no_series_have_the_thresholds_of_one():
    assert limits(0, 7, 50, (80.0,), 10_000).chart == limits(1, 7, 50, (80.0,), 10_000).chart
