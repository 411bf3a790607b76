from dataclasses import asdict, replace

import numpy as np
import pytest

from forecast.evaluation.comparison import Comparison, Exposure, compare, exposure

NAN = np.nan


def three_dimensional(*series):
    """(S, H, 1) of the values of each series."""
    return np.array(series, dtype=float)[..., None]


# The measures, by hand


def test_one_series_by_hand(make_panel):
    comparison = compare(
        make_panel([1, 2, 3, 4]),
        actual=three_dimensional([5, 6, 7]),
        forecast=three_dimensional([4, 6, 9]),
        season=2,
    )

    # the naive forecast is 3, 4, 3; a season changes the history by 2 on average
    assert asdict(comparison) == {
        "steps": 3,
        "series": 1,
        "season": 2,
        "mase": pytest.approx((1 + 0 + 2) / 3 / 2),
        "mae": pytest.approx((1 + 0 + 2) / 3),
        "smape": pytest.approx(200 * (1 / 9 + 0 / 12 + 2 / 16) / 3),
        "naive_mase": pytest.approx((2 + 2 + 4) / 3 / 2),
        "naive_mae": pytest.approx((2 + 2 + 4) / 3),
        "naive_smape": pytest.approx(200 * (2 / 8 + 2 / 10 + 4 / 10) / 3),
    }


def test_every_series_counts_alike_and_in_its_own_units(make_panel):
    comparison = compare(
        make_panel([1, 2, 4], [1000, 2000, 4000]),
        actual=three_dimensional([6], [6000]),
        forecast=three_dimensional([3], [6000]),
        season=1,
    )

    assert comparison.mase == pytest.approx((3 / 1.5 + 0) / 2)
    assert comparison.naive_mase == pytest.approx((2 / 1.5 + 2000 / 1500) / 2)
    assert comparison.mae == pytest.approx(1.5)
    assert comparison.series == 2


def test_steps_that_were_not_observed_do_not_count(make_panel):
    comparison = compare(
        make_panel([1, 2], [5, 7], [8, 9]),
        actual=three_dimensional([3, NAN], [NAN, 9], [NAN, NAN]),
        forecast=three_dimensional([5, 1e9], [1e9, 10], [1e9, 1e9]),
        season=1,
    )

    assert comparison.series == 2
    assert comparison.mae == pytest.approx((2 + 1) / 2)
    assert comparison.mase == pytest.approx((2 / 1 + 1 / 2) / 2)


def test_missing_values_in_the_history_are_left_out_of_its_scale(make_panel):
    comparison = compare(
        make_panel([1, 2, NAN, 4, 7]),
        actual=three_dimensional([8]),
        forecast=three_dimensional([9]),
        season=1,
    )

    assert comparison.mase == pytest.approx(1 / 2)  # steps of 1 and 3 were seen


def test_a_flat_history_has_no_scale_and_is_left_out_of_the_mase_only(make_panel):
    comparison = compare(
        make_panel([5, 5, 5], [1, 2, 3]),
        actual=three_dimensional([6], [4]),
        forecast=three_dimensional([9], [6]),
        season=1,
    )

    assert (comparison.mase, comparison.naive_mase) == (2.0, 1.0)
    assert (comparison.mae, comparison.naive_mae) == (2.5, 1.0)


def test_where_no_history_has_a_scale_there_is_no_mase(make_panel):
    comparison = compare(
        make_panel([5, 5, 5], [1, 2]),
        actual=three_dimensional([6], [4]),
        forecast=three_dimensional([9], [6]),
        season=2,  # longer than a whole season of the second
    )

    assert comparison.mase is None
    assert comparison.naive_mase is None
    assert comparison.mae == 2.5


def test_an_exact_forecast_of_zero_costs_nothing(make_panel):
    comparison = compare(
        make_panel([0, 1, 0]), three_dimensional([0, 0]), three_dimensional([0, 0]), season=1
    )

    assert (comparison.smape, comparison.mae, comparison.naive_smape) == (0, 0, 0)


def test_where_nothing_was_observed_there_is_nothing_to_compare(make_panel):
    nothing = three_dimensional([NAN, NAN])

    assert compare(make_panel([1, 2]), nothing, three_dimensional([1, 2]), season=1) is None


# In words


WON = Comparison(
    steps=12,
    series=1,
    season=1,
    mase=0.9,
    smape=10.0,
    mae=450.0,
    naive_mase=1.2,
    naive_smape=20.0,
    naive_mae=500.0,
)


def test_the_sentence_of_a_win_gives_its_size():
    assert WON.sentence() == (
        "On the held-out last 12 steps of the series, the model's MASE is 25% below that of the "
        "naive forecast (0.9 against 1.2)."
    )


def test_the_sentence_of_a_loss_says_what_to_do():
    lost = replace(WON, mase=1.5, series=4140, season=24)

    assert lost.sentence() == (
        "On the held-out last 12 steps of 4,140 series, the model's MASE is 25% above that of the "
        "seasonal naive forecast (1.5 against 1.2). Use that forecast instead, or give more data "
        "or a longer time budget."
    )


@pytest.mark.parametrize("mase", [1.2, 1.1999, 1.2001, float("nan")])
def test_a_draw_or_a_difference_too_small_to_tell_is_no_better(mase):
    assert "is no better than" in replace(WON, mase=mase).sentence()


def test_without_a_mase_the_sentence_is_about_the_mean_absolute_error():
    sentence = replace(WON, mase=None, naive_mase=None).sentence()

    assert "the model's mean absolute error is 10% below that of" in sentence
    assert sentence.endswith("(450 against 500).")


def test_a_perfect_naive_forecast_cannot_be_beaten():
    assert "is no better than" in replace(WON, mase=0.0, naive_mase=0.0).sentence()


# The exposure gap


def test_errors_one_step_ahead_and_in_a_rollout_are_scaled_like_the_mase(make_panel):
    history = make_panel([0.0, 2.0, 4.0, 6.0], [10.0, 10.5, 10.0, 10.5])  # changes of 2 and 0.5
    actual = np.array([[[8.0], [10.0]], [[11.0], [NAN]]])
    one_step = np.array([[[9.0], [9.0]], [[12.0], [1e9]]])
    rollout = np.array([[[6.0], [2.0]], [[11.5], [1e9]]])

    found = exposure(history, actual, one_step, rollout, season=1)

    assert found.one_step == [(0.5 + 2.0) / 2, 0.5]  # the missing value does not count
    assert found.rollout == [(1.0 + 1.0) / 2, 4.0]


def test_a_flat_or_short_history_has_no_scale_and_is_left_out(make_panel):
    history = make_panel([0.0, 2.0, 4.0], [5.0, 5.0, 5.0], [1.0])
    actual = np.zeros((3, 1, 1))

    found = exposure(history, actual, actual + 1.0, actual + 4.0, season=1)

    assert (found.one_step, found.rollout) == ([0.5], [2.0])
    flat = make_panel([5.0, 5.0, 5.0])
    assert exposure(flat, actual[:1], actual[:1], actual[:1], season=1) is None


@pytest.mark.parametrize(
    ("errors", "sentence"),
    [
        (
            ([0.5, 0.5], [0.5, 2.0]),
            "On the 2 steps of the validation rows its MASE is 0.5 (0.5 at the first step, 0.5 at "
            "the last) one step ahead, and 1.25 (0.5 at the first step, 2 at the last) in a "
            "rollout (+150%): later steps are harder, and the network meets its own errors; "
            "training with --feedback free or scheduled can help, over as many steps as "
            "--train-horizon says.",
        ),
        (
            ([0.5], [0.5]),
            "On the step of the validation rows its MASE is 0.5 one step ahead, and 0.5 in a "
            "rollout (+0%): feeding predictions back does no harm.",
        ),
        (
            ([1.0, 3.0, np.nan], [1.0, 2.0, np.nan]),  # the last step has no value
            "On the 3 steps of the validation rows its MASE is 2 (1 at the first step, 3 at the "
            "last) one step ahead, and 1.5 (1 at the first step, 2 at the last) in a rollout "
            "(-25%): feeding predictions back does no harm.",
        ),
    ],
)
def test_the_sentence_of_an_exposure_gap_gives_both_errors_and_what_they_mean(errors, sentence):
    assert Exposure(*errors).sentence() == sentence


def test_the_sentence_of_an_exposure_gap_without_advice_or_a_first_error():
    assert Exposure([1.0], [2.0]).sentence(advises=False).endswith("meets its own errors.")
    nothing = Exposure([0.0], [1.0]).sentence(advises=False)
    assert "1 in a rollout: later steps are harder" in nothing
