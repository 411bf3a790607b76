"""What can be tried of an option, and what is refused."""

import math

import numpy as np
import pytest

from forecast.errors import OptionError
from forecast.training.options import TrainingOptions, check_options
from forecast.training.plan import choose
from forecast.tuning.default_space import default_space, default_values
from forecast.tuning.space import Choices, Range, as_json, combinations, to_space

OPEN = TrainingOptions()


def space_of(**given):
    return to_space(given, OPEN)


def test_a_list_is_choices_and_a_pair_is_a_range():
    space = space_of(units=[16, 32], learning_rate=(1e-3, 1e-2), dropout=(0, 0.3), layers=(1, 3))

    assert space == {
        "units": Choices((16, 32)),
        "learning_rate": Range(1e-3, 1e-2, whole=False, log=True),
        "dropout": Range(0, 0.3, whole=False, log=False),
        "layers": Range(1, 3, whole=True, log=True),
    }


def test_a_range_of_whole_numbers_from_zero_is_linear():
    assert space_of(holdout=(0, 12))["holdout"] == Range(0, 12, whole=True, log=False)


def test_choices_become_plain_values_each_once():
    given = [np.int64(8), 8, np.int64(16)]

    choices = space_of(units=given, feedback=["teacher", ["teacher", "free"]], context=[None, 24])

    assert choices["units"].values == (8, 16)
    assert all(type(value) is int for value in choices["units"].values)
    assert choices["feedback"].values == ("teacher", "teacher,free")
    assert choices["context"].values == (None, 24)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "nothing to try"),
        ({"unit": [1]}, "'unit' is not an option of the training; there are holidays, network"),
        ({"seed": [1, 2]}, "seed must be the same in all trials"),
        ({"season": [7, 12]}, "season must be the same in all trials"),
        ({"units": []}, "units has no choices"),
        ({"units": 32}, "units to try is 32; give a list of choices, or a pair"),
        ({"units": [0]}, "units is 0; it must be a whole number of at least 1"),
        ({"units": [[1, 2]]}, "a choice is text, a number"),
        ({"head": [None]}, "a choice is text, a number"),
        ({"network": ["lstm", "gru"]}, "network is 'gru'; it must be one of lstm"),
        ({"network": ("lstm", "seq2seq")}, "network is not a number, so there is no range of it"),
        ({"units": (64, 32)}, "units from 64 to 32 is an empty range"),
        ({"units": (32, 32)}, "units from 32 to 32 is an empty range"),
        ({"units": (1, 2, 3)}, "a range is a pair"),
        ({"units": (True, 3)}, "a range is a pair"),
        ({"dropout": (0, 1)}, "dropout is 1; it must lie from 0 to below 1"),
        ({"units": (1.5, 3)}, "units is 1.5; it must be a whole number"),
        ({"learning_rate": (0, 0.1)}, "learning_rate is 0; it must be a positive number"),
    ],
)
def test_what_cannot_be_tried_is_refused_in_one_line(given, message):
    with pytest.raises(OptionError, match=message):
        to_space(given, OPEN)


def test_an_option_that_is_set_is_not_tried():
    with pytest.raises(OptionError, match="units is set to 8, and is to be tried too"):
        to_space({"units": [8, 16]}, TrainingOptions(units=8))


def test_the_combinations_of_choices_are_counted():
    assert combinations(space_of(units=[1, 2, 3], layers=[1, 2])) == 6
    assert combinations(space_of(units=[1, 2, 3], layers=(1, 2))) == math.inf


def test_a_space_is_plain_values_for_a_file():
    space = space_of(units=[1, 2], learning_rate=(0.1, 1))

    assert as_json(space) == {"units": [1, 2], "learning_rate": {"low": 0.1, "high": 1}}


# The default space


def default_of(panel, **options):
    chosen = TrainingOptions(**options)
    settled = choose(chosen, panel)
    space = default_space(chosen, panel, settled)
    return space, default_values(chosen, settled, space)


def test_the_default_space_lies_around_the_default_options(make_random_panel):
    space, values = default_of(make_random_panel([96], frequency="MS"))

    assert values == {
        "network": "lstm",
        "context": 24,
        "units": 32,
        "layers": 1,
        "learning_rate": 5e-3,
        "batch_size": 32,
        "feedback": None,
        "transform": values["transform"],
    }
    assert space["context"].values == (12, 24, 48)
    assert space["units"].values == space["batch_size"].values == (16, 32, 64)
    assert space["learning_rate"] == Range(1.25e-3, 1e-2, whole=False, log=True)
    assert space["transform"].values == ("log", "sqrt", "none")
    assert all(value in space[name] for name, value in values.items())


def test_options_that_are_set_are_left_out_of_the_default_space(make_random_panel):
    space, _ = default_of(make_random_panel([96]), units=8, network="lstm", feedback="teacher")

    assert {"units", "feedback"} & space.keys() == set()
    assert "network" in space  # its default


def test_only_transforms_that_suit_the_values_are_tried(make_panel):
    rows = np.arange(96.0) % 12

    assert default_of(make_panel(rows))[0]["transform"].values == ("sqrt", "none")
    assert "transform" not in default_of(make_panel(rows - 5))[0]
    assert "transform" not in default_of(make_panel(rows), head="negative_binomial")[0]


@pytest.mark.parametrize("length", [12, 13, 20, 47, 96, 400])
@pytest.mark.parametrize("head", ["point", "student_t", "negative_binomial"])
def test_every_choice_of_the_default_space_can_be_trained(make_panel, length, head):
    panel = make_panel(np.arange(float(length)) % 7, frequency="D")
    space, _ = default_of(panel, head=head)

    for name, entry in space.items():
        values = entry.values if isinstance(entry, Choices) else (entry.low, entry.high)
        for value in values:
            options = TrainingOptions(head=head, **{name: value})
            check_options(options)
            choose(options, panel)


def test_contiguous_windows_are_tried_with_their_only_network_and_feedback(make_random_panel):
    space, _ = default_of(make_random_panel([96]), windows="contiguous")

    assert {"network", "feedback"} & space.keys() == set()
