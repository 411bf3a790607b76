import pytest

from forecast.monitoring.findings import Finding
from forecast.monitoring.words import needs_training, sentence, sentences, verdict

SHIFT = Finding("north", "level up", 12.04, 3, 5, persists=True)
NOISE = Finding("south", "scale up", 2.96, 4, 9, persists=False)
QUIET = Finding("west", "scale down", 0.3, 4, 9, persists=True)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], "No alarm on 60 rows: update is enough."),
        (
            [SHIFT],
            "The level of series 'north' has been 12 above the forecasts since 3: train again with "
            "the new rows.",
        ),
        (
            [NOISE],
            "Errors of series 'south' were 3 times the usual ones since 4; errors are as usual "
            "again, the state has adapted: update is enough.",
        ),
        (
            [NOISE, SHIFT, QUIET],
            "The level of series 'north' has been 12 above the forecasts since 3: train again with "
            "the new rows.",
        ),
        (
            [SHIFT, SHIFT._replace(series="east")],
            "The level of series 'north' has been 12 above the forecasts since 3 (and alarms of 1 "
            "more series): train again with the new rows.",
        ),
        (
            [QUIET],
            "Errors of series 'west' have been 0.3 times the usual ones since 4: update is enough; "
            "training would make the intervals narrower.",
        ),
    ],
)
def test_the_verdict_says_what_to_do_and_why(found, expected):
    assert verdict(found, 60, str) == expected


def test_an_alarm_that_lasts_tells_more_than_an_earlier_one_that_has_ended():
    ended = SHIFT._replace(test="scale up", at=4, persists=False)

    assert verdict([ended, SHIFT], 60, str) == verdict([SHIFT], 60, str)


def test_the_pretrained_network_is_trained_for_the_first_time():
    assert verdict([SHIFT], 60, str, is_trained=False).endswith(": train on the table.")


def test_few_rows_are_said_to_be_few():
    assert verdict([], 5, str, longest=5) == (
        "No alarm on 5 rows, which are too few to judge the level and the scale of errors (20 of a "
        "series are needed): update is enough so far."
    )


def test_smaller_errors_are_no_reason_to_train():
    assert not needs_training([QUIET, NOISE])
    assert needs_training([QUIET, SHIFT])


def test_every_test_has_its_sentence():
    coverage = Finding("a", "coverage-80", 0.41, 7, 7, persists=True)
    skill = Finding("a", "skill", 0.93, 8, 8, persists=False)

    assert sentences([coverage, skill, SHIFT._replace(test="level down", size=-3.0)], str) == [
        "Of the last values of series 'a' until 7 only 41% lay within the 80 % intervals (alarm at "
        "7, which persists).",
        "The seasonal naive forecast was closer than the model on 93% of the last rows of series "
        "'a' until 8 (alarm at 8, which has ended).",
        "The level of series 'north' has been 3 below the forecasts since 3 (alarm at 5, which "
        "persists).",
    ]


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (12_345.6, "12,346"),
        (1_000.4, "1,000"),
        (999.6, "1,000"),
        (998.7, "999"),
        (0.01234, "0.0123"),
    ],
)
def test_numbers_are_written_as_people_write_them(size, text):
    shift = SHIFT._replace(size=size)

    assert sentence(shift, str) == (
        f"The level of series 'north' has been {text} above the forecasts since 3"
    )


def test_a_larger_scale_is_never_worded_as_fewer_than_the_usual_errors():
    up, down = NOISE._replace(size=0.8), QUIET._replace(size=1.2)

    assert sentence(up, str) == (
        "Errors of series 'south' were larger than usual beside the model's own spread since 4"
    )
    assert sentence(down, str) == (
        "Errors of series 'west' have been smaller than usual beside the model's own spread since 4"
    )
    assert sentence(NOISE._replace(size=1234.5), str) == (
        "Errors of series 'south' were 1,234 times the usual ones since 4"
    )
