"""What a tuning says of itself: the best trial, the table, sentences."""

import json

import numpy as np
import pytest

from forecast.tuning.tuning_result import Trial, Tuning, in_words


def trial(number, state="complete", error=None, test_error=None, units=8, **fields):
    return Trial(number, {"units": units}, state, error, test_error, 1.5, **fields)


DEFAULT = trial(1, error=0.8, test_error=1.0, units=4)
PRUNED = trial(2, "pruned")
FAILED = trial(3, "failed", problem="no room")
BETTER = trial(4, error=0.6, test_error=0.9, units=16)


def tuning_of(*trials, **fields):
    chosen = {"measure": "MASE", "naive_error": 1.2, "horizon": 12, "cutoffs": 3}
    return Tuning(trials, **{**chosen, "ended": "trials", **fields})


def test_the_smallest_error_is_the_best_and_the_earliest_of_equal_ones():
    assert tuning_of(DEFAULT, PRUNED, FAILED, BETTER).best is BETTER
    assert tuning_of(BETTER, trial(5, error=0.6)).best is BETTER
    assert tuning_of(DEFAULT, BETTER).options == {"units": 16}
    assert tuning_of(DEFAULT, trial(2, error=0.8)).options == {}


def test_the_table_has_a_row_for_each_trial():
    table = tuning_of(DEFAULT, PRUNED, FAILED, BETTER).table

    assert table.columns.tolist() == [
        *("trial", "state", "error", "best", "seconds", "units", "problem"),
    ]
    assert table["state"].tolist() == ["complete", "pruned", "failed", "complete"]
    np.testing.assert_array_equal(table["error"], [0.8, np.nan, np.nan, 0.6])
    assert table["best"].tolist() == [0.8, 0.8, 0.8, 0.6]
    assert table["units"].tolist() == [4, 8, 8, 16]
    assert table["problem"].tolist() == ["", "", "no room", ""]


def test_a_better_choice_is_reported_with_what_it_is_worth_on_rows_that_chose_nothing():
    assert [*tuning_of(DEFAULT, PRUNED, FAILED, BETTER).sentences()] == [
        "The best of 4 trials: trial 4, MASE 0.6 (default options 0.8, seasonal naive 1.2).",
        "  units=16",
        "  1 pruned, since others were better by then; 1 failed (the first: no room)",
        "On the last 12 steps, by which nothing was chosen, the MASE is 10% below that of the "
        "default options (0.9 against 1).",
    ]


@pytest.mark.parametrize(
    ("test_error", "relation"),
    [
        (1.0, "no better than"),
        (0.997, "no better than"),
        (1.003, "no better than"),
        (1.2, "20% above"),
    ],
)
def test_a_choice_that_is_not_better_elsewhere_is_called_chance(test_error, relation):
    lucky = trial(2, error=0.6, test_error=test_error)

    *_, last = tuning_of(DEFAULT, lucky).sentences()

    assert f"the MASE is {relation} that of the default options" in last
    assert last.endswith("the gain in the trials may be chance.")


def test_where_no_rows_are_left_to_check_the_choice_its_error_is_called_optimistic():
    *_, last = tuning_of(trial(1, error=0.8), trial(2, error=0.6), horizon=1).sentences()

    assert last == (
        "No value is observed in the last step: the error of the best of several trials is "
        "optimistic, and nothing is left to check it."
    )


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        ("trials", "of 2 trials: MASE"),
        ("combinations", "of 2 trials: all combinations there are: MASE"),
        ("budget", "of 2 trials, as many as the time budget allowed: MASE"),
        ("interrupted", "of 2 trials before it was interrupted: MASE"),
    ],
)
def test_the_default_options_can_be_best_and_why_it_ended_is_said(ended, words):
    first, second = tuning_of(DEFAULT, trial(2, error=0.9), ended=ended).sentences()

    assert first.startswith("The default options are the best ")
    assert words in first
    assert second == "On the last 12 steps, by which nothing was chosen, the MASE is 1."


def test_it_is_plain_values_for_json():
    values = json.loads(json.dumps(tuning_of(DEFAULT, FAILED, BETTER).to_json()))

    assert values["best"] == 4
    assert values["options"] == {"units": 16}
    assert values["trials"][1] == {
        "number": 3,
        "options": {"units": 8},
        "state": "failed",
        "error": None,
        "test_error": None,
        "seconds": 1.5,
        "problem": "no room",
    }


def test_options_in_words():
    options = {"units": 8, "learning_rate": 0.0012345, "feedback": None, "network": "lstm"}

    assert in_words(options) == "units=8, learning_rate=0.00123, feedback=default, network=lstm"


def test_it_is_shown_in_one_line():
    assert repr(tuning_of(DEFAULT)) == "Tuning(1 trial; MASE 0.8)"
