from dataclasses import replace

import numpy as np
import pytest

from forecast.backtest import Backtest
from forecast.data.frequency import parse
from forecast.data.schema import Schema
from forecast.evaluation.cutoff_forecasts import Past
from forecast.evaluation.significance import Verdict

SCHEMA = Schema("long", "store", "day", ("sold",), "str", "int64")
NAN = np.nan


def backtest_of(ours, theirs, ids=None, change=1.0):
    """One-step forecasts of 0, with the given errors; a cutoff each unless ids are given."""
    count = len(ours)
    one = np.ones(count)
    return Backtest(
        ids=np.array(["a"] * count if ids is None else ids, dtype=object),
        cutoffs=np.arange(count),
        actual=np.zeros((count, 1)),
        forecasts={
            "forecast": np.array(ours, float)[:, None],
            "naive": np.array(theirs, float)[:, None],
            "drift": np.full((count, 1), 99.0),
        },
        ends={},
        past=Past(change * one, change * one, one, one, one),
        season=1,
        target="sold",
        schema=SCHEMA,
        frequency=parse("1"),
    )


def test_the_model_is_held_against_the_best_baseline():
    verdict = backtest_of([1, 1, 2], [2, 2, 4]).verdict

    assert (verdict.baseline, verdict.measure) == ("naive", "MASE")
    assert (verdict.ours, verdict.theirs, verdict.gain) == (4 / 3, 8 / 3, 0.5)


def test_errors_that_are_always_half_as_large_leave_no_doubt():
    verdict = backtest_of([1, 2, 3, 4, 5], [2, 4, 6, 8, 10]).verdict

    assert (verdict.low, verdict.high) == pytest.approx((0.5, 0.5))
    assert verdict.sentence() == (
        "The model's error is 50% smaller than that of the best baseline, the naive forecast "
        "(MASE 3 against 6; 95% bootstrap interval over 5 cutoffs: 50% to 50% smaller)."
    )


@pytest.mark.slow
def test_the_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(30):
        theirs = rng.gamma(4, 1, 40)
        verdict = backtest_of(theirs * rng.uniform(0.5, 0.9, 40), theirs).verdict
        held += verdict.low <= 0.3 <= verdict.high  # the mean of 1 - [0.5, 0.9]

    assert 25 <= held <= 30  # 95 % of 30 are 28.5


def test_series_are_drawn_with_all_their_forecasts():
    ids = np.repeat(list("abcdef"), 2)

    verdict = backtest_of([1, 3] * 6, [2] * 12, ids=ids).verdict

    assert verdict.units == "6 series"
    assert (verdict.low, verdict.high) == (0, 0)  # each series as a whole is no better


def test_with_few_series_cutoffs_are_drawn_and_with_few_of_these_nothing_is():
    assert backtest_of([1] * 6, [2] * 6).verdict.units == "6 cutoffs"
    few = backtest_of([3, 3, 3], [2, 2, 2]).verdict

    assert np.isnan([few.low, few.high]).all()
    assert few.sentence().endswith(
        "(MASE 3 against 2; 3 cutoffs are too few for a confidence interval)."
    )


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.1, 0.25, "10% to 25% smaller"),
        (-0.25, -0.1, "10% to 25% larger"),
        (-0.05, 0.12, "from 5% larger to 12% smaller"),
    ],
)
def test_the_interval_is_told_in_words(low, high, words):
    sentence = Verdict("drift", "MAE", 1.0, 2.0, low, high, "9 series").sentence()

    assert sentence.endswith(f"(MAE 1 against 2; 95% bootstrap interval over 9 series: {words}).")
    assert ("not clearly" in sentence) == (low < 0 < high)


def test_without_a_scale_absolute_errors_are_compared():
    assert backtest_of([1, 1], [2, 2], change=0.0).verdict.measure == "MAE"


def test_nothing_is_said_where_nothing_can_be():
    one = backtest_of([1], [2])

    assert replace(one, actual=np.array([[NAN]])).verdict is None
    assert replace(one, forecasts={"forecast": np.zeros((1, 1))}).verdict is None


def test_a_perfect_baseline_is_no_division_by_zero():
    verdict = backtest_of([1] * 5, [0] * 5).verdict

    assert (verdict.theirs, verdict.gain) == (0, -np.inf)
    assert verdict.sentence() == (
        "The best baseline, the naive forecast, is without error (the model's MASE is 1)."
    )
