"""The search, with trainings that take no time: a candidate is its error."""

import itertools
import re
import sys
from types import SimpleNamespace

import numpy as np
import optuna
import pytest

from forecast.errors import ArtifactError, ForecastError, OptionError
from forecast.training.options import TrainingOptions
from forecast.tuning.rolling_error import RollingError
from forecast.tuning.search import Search, TimeLimits
from forecast.tuning.space import to_space
from forecast.tuning.study import opened

UNITS = {"units": [8, 16, 32]}
RATES = {"learning_rate": (1e-4, 1e-1), "layers": [1, 2]}
DEFAULT = {"units": 12}
RATE = {"learning_rate": 0.05, "layers": 1}
ROWS = SimpleNamespace(
    horizon=3,
    rows_after=np.array([9, 6]),
    error=lambda error: RollingError(error, 2.0, "MASE"),
    test_error=lambda error: error + 1.0,
)


def distance(options):
    """An error that is least at 16 units, and 0.5 at the default ones."""
    return abs(np.log2(options["units"] / 16)) if options else 0.5


def rate_error(options):
    """An error that is least at a rate of 3e-3 and two layers."""
    rate, layers = (options or RATE).values()
    return 0.1 + abs(np.log10(rate / 3e-3)) + 0.2 * (layers == 1)


def run(
    error,
    space=UNITS,
    default=DEFAULT,
    trials=10,
    seed=1,
    storage=None,
    setup="",
    limits=(1e9, 1.0),
    train=None,
    on_trial=None,
    **choices,
):
    """Search with trainings whose error is a function of the options."""
    entries = to_space(space, TrainingOptions())
    train = train or (lambda options, *_: error(options))
    with opened(storage, {"table": setup}, entries, seed) as study:
        search = Search(train, ROWS, study, trials, TimeLimits(*limits), **choices)
        return search.run(default, on_trial)


def outcomes(tuning):
    return [(trial.options, trial.state, trial.error) for trial in tuning.trials]


def test_the_default_options_are_the_first_trial_and_the_best_one_wins():
    tuning = run(distance)

    assert tuning.default.options == DEFAULT
    assert (tuning.default.error, tuning.default.test_error) == (0.5, 1.5)
    assert tuning.options == {"units": 16}
    assert (tuning.best.error, tuning.best.test_error) == (0.0, 1.0)
    assert (tuning.measure, tuning.naive_error, tuning.horizon, tuning.cutoffs) == ("MASE", 2, 3, 2)


def test_each_of_few_combinations_is_tried_once():
    tuning = run(distance)

    assert sorted(trial.options["units"] for trial in tuning.trials) == [8, 12, 16, 32]
    assert tuning.ended == "combinations"


def test_a_default_among_the_choices_is_not_tried_twice():
    trained = []

    def error(options):
        trained.append(options)
        return distance(options or {"units": 16})

    tuning = run(error, default={"units": 16})

    assert len(tuning.trials) == len(trained) == 3
    assert tuning.options == {}  # the default ones are best
    assert tuning.best.is_default


def test_there_are_no_more_trials_than_asked_for():
    tuning = run(distance, trials=3)

    assert len(tuning.trials) == 3
    assert tuning.ended == "trials"


def test_the_proposals_come_closer_to_the_best_of_a_range():
    tuning = run(rate_error, RATES, RATE, trials=40)

    assert 2e-3 < tuning.options["learning_rate"] < 4.5e-3
    assert tuning.options["layers"] == 2
    rates = [trial.options["learning_rate"] for trial in tuning.trials[1:]]
    assert all(1e-4 <= rate <= 1e-1 for rate in rates)
    errors = [trial.error for trial in tuning.trials]
    assert np.median(errors[-10:]) < np.median(errors[1:11])


def test_the_same_seed_gives_the_same_trials_and_another_one_others():
    first, again, other = (run(rate_error, RATES, RATE, seed=seed) for seed in (1, 1, 2))

    assert outcomes(first) == outcomes(again)
    assert outcomes(first) != outcomes(other)


def test_options_that_were_tried_are_not_trained_again():
    trained = []

    def error(options):
        trained.append(options)
        return distance(options)

    tuning = run(error, {"units": [8, 16, 32, 64, 128, 256]}, trials=6)  # no room for all

    assert len(tuning.trials) == 6
    assert len({trial.options["units"] for trial in tuning.trials}) == len(trained) < 6
    by_units = {trial.options["units"]: trial.error for trial in tuning.trials}
    assert all(by_units[trial.options["units"]] == trial.error for trial in tuning.trials)


def test_every_trial_is_reported_with_all_there_are():
    reported = []

    run(distance, on_trial=lambda trial, tuning: reported.append((trial.number, tuning)))

    assert [number for number, _ in reported] == [1, 2, 3, 4]
    assert [len(tuning.trials) for _, tuning in reported] == [1, 2, 3, 4]


# Failures


def test_a_trial_whose_options_cannot_be_used_has_failed_and_others_go_on():
    def error(options):
        if options == {"units": 16}:
            raise OptionError("no room for 16")
        return distance(options)

    tuning = run(error)

    failed = [trial for trial in tuning.trials if trial.state == "failed"]
    assert [(trial.options, trial.problem) for trial in failed] == [
        ({"units": 16}, "no room for 16")
    ]
    assert len(tuning.trials) == 4
    assert tuning.best.is_default


def test_where_the_default_options_cannot_be_used_there_is_nothing_to_compare_with(tmp_path):
    def error(_):
        raise ForecastError("training diverged")

    with pytest.raises(ForecastError, match="training diverged"):
        run(error, storage=tmp_path / "a.journal")

    assert len(run(distance, storage=tmp_path / "a.journal").trials) == 4


# Pruning


def at_rounds(curves):
    """Trainings of four rounds with an error after each; returns what was looked at."""
    looked = []

    def train(options, _, at_round):
        curve = curves(options)
        for number, error in enumerate(curve, 1):
            at_round(number / len(curve), lambda error=error: looked.append(error) or error)
        return curve[-1]

    return train, looked


def worse_each_time():
    """Curves of errors, each above those before it."""
    count = itertools.count(1)
    return lambda _: [level := next(count), level - 0.1, level - 0.2, level - 0.3]


def test_a_trial_is_pruned_where_it_is_worse_than_the_median_of_the_others():
    train, looked = at_rounds(worse_each_time())

    tuning = run(None, RATES, RATE, trials=7, train=train)

    states = [trial.state for trial in tuning.trials]
    assert states == [*["complete"] * 5, "pruned", "pruned"]
    assert tuning.trials[-1].error is None
    assert len(looked) == 5 * 2 + 2  # two looks each, and one at those that end there


def test_no_trial_is_pruned_where_that_is_not_wanted():
    train, looked = at_rounds(worse_each_time())

    tuning = run(None, RATES, RATE, trials=7, train=train, prunes=False)

    assert {trial.state for trial in tuning.trials} == {"complete"}
    assert looked == []


def test_a_training_of_many_rounds_is_looked_at_twice():
    train, looked = at_rounds(lambda _: list(range(20)))

    run(None, trials=1, train=train)

    assert looked == [9, 14]  # after rounds 10 and 15 of 20


# Time


def test_the_search_ends_where_another_trial_and_the_last_training_do_not_fit():
    now = [0.0]

    def error(options):
        now[0] += 10.0
        return rate_error(options)

    tuning = run(error, RATES, RATE, limits=(45.0, 10.0), clock=lambda: now[0])

    assert len(tuning.trials) == 3  # at 30 s there is room for one more training, the last one
    assert tuning.ended == "budget"
    assert [trial.seconds for trial in tuning.trials] == [10.0] * 3


def test_every_training_has_the_same_limit():
    limits = []

    def train(options, limit, _):
        limits.append(limit)
        return distance(options)

    run(None, limits=(100.0, 7.0), train=train)

    assert limits == [7.0] * 4


def test_the_limit_of_the_first_run_is_that_of_later_ones(tmp_path):
    for seconds in (7.0, 20.0):
        with opened(tmp_path / "a.journal", {}, to_space(UNITS, TrainingOptions()), 1) as study:
            assert study.limit(seconds) == 7.0


# Interrupts and storage


def interrupted_at(number, error):
    """An error function during whose call of a number Ctrl-C is pressed."""
    calls = []

    def interrupted(options):
        calls.append(options)
        if len(calls) == number:
            raise KeyboardInterrupt
        return error(options)

    return interrupted


def test_an_interrupt_ends_the_search_and_keeps_what_is_done():
    tuning = run(interrupted_at(3, distance))

    assert len(tuning.trials) == 2
    assert tuning.ended == "interrupted"


def test_an_interrupt_of_the_first_trial_leaves_nothing():
    with pytest.raises(KeyboardInterrupt):
        run(interrupted_at(1, distance))


@pytest.mark.parametrize("number", [1, 2, 7, 12])
def test_stopped_and_run_again_it_goes_on_as_if_it_had_not_been_stopped(tmp_path, number):
    whole = run(rate_error, RATES, RATE, trials=14)
    storage = tmp_path / "a.journal"

    try:
        stopped = run(interrupted_at(number, rate_error), RATES, RATE, trials=14, storage=storage)
    except KeyboardInterrupt:
        assert number == 1
    else:
        assert len(stopped.trials) == number - 1
    resumed = run(rate_error, RATES, RATE, trials=14, storage=storage)

    assert outcomes(resumed) == outcomes(whole)
    assert (resumed.measure, resumed.naive_error) == (whole.measure, whole.naive_error)


def test_more_trials_can_be_asked_for_later_and_none_is_run_again(tmp_path):
    storage = tmp_path / "a.journal"
    first = run(rate_error, RATES, RATE, trials=4, storage=storage)

    more = run(rate_error, RATES, RATE, trials=6, storage=storage)
    same = run(None, RATES, RATE, trials=6, storage=storage)  # which trains nothing

    assert outcomes(more)[:4] == outcomes(first)
    assert outcomes(same) == outcomes(more)


def test_the_trial_of_a_killed_process_is_run_again(tmp_path):
    storage, space = tmp_path / "a.journal", to_space(UNITS, TrainingOptions())
    with opened(storage, {"table": ""}, space, 1) as study:
        study.begin(DEFAULT)  # and never ended

    assert outcomes(run(distance, storage=storage)) == outcomes(run(distance))


def test_a_line_that_a_killed_process_has_written_by_half_is_dropped(tmp_path):
    storage = tmp_path / "a.journal"
    run(distance, storage=storage)
    with storage.open("ab") as file:
        file.write(b'{"op_code":4,"wor')

    assert outcomes(run(None, storage=storage)) == outcomes(run(distance))


def test_an_error_of_the_program_leaves_the_trials_before_it(tmp_path):
    storage = tmp_path / "a.journal"

    def error(options):
        if options:
            raise RuntimeError("a bug")
        return distance(options)

    with pytest.raises(RuntimeError, match="a bug"):
        run(error, storage=storage)

    assert outcomes(run(distance, storage=storage)) == outcomes(run(distance))


def test_trials_of_something_else_are_not_mixed_with_these(tmp_path):
    storage = tmp_path / "a.journal"
    run(distance, storage=storage, setup="a")

    with pytest.raises(ArtifactError, match="its trials are of another table; their errors cannot"):
        run(distance, storage=storage, setup="b")


@pytest.mark.parametrize(
    "content",
    [
        b"store,day,sold\nnorth,2024-01-01,3\n",
        b'{"op_code":0\n{"op_code":1}\n',
        b'{"op_code":99}\n{}\n',
        b"\x00\xff\n",
        b'{"op_code":0,"worker_id":"a","study_name":"other","directions":[7]}\n',
    ],
)
def test_a_file_of_another_kind_is_refused_and_stays_as_it_is(tmp_path, content):
    storage = tmp_path / "a.journal"
    storage.write_bytes(content)

    with pytest.raises(ArtifactError, match=r"a\.journal: is not a file of forecast tune"):
        run(distance, storage=storage)

    assert storage.read_bytes() == content


def test_two_processes_do_not_tune_with_one_file(tmp_path):
    storage, space = tmp_path / "a.journal", to_space(UNITS, TrainingOptions())

    with (
        opened(storage, {}, space, 1),
        pytest.raises(ArtifactError, match="another process is tuning with it"),
        opened(storage, {}, space, 1),
    ):
        pytest.fail("both have it")


def test_a_folder_is_refused_as_a_storage(tmp_path):
    (tmp_path / "folder").mkdir()

    with pytest.raises(ArtifactError, match="folder: cannot be used: Is a directory; name another"):
        run(distance, storage=tmp_path / "folder")


def test_optuna_is_as_quiet_or_loud_afterwards_as_it_was(capfd):
    before = optuna.logging.get_verbosity()

    run(distance)

    assert optuna.logging.get_verbosity() == before
    assert capfd.readouterr().err == ""


def test_without_optuna_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)

    with pytest.raises(ForecastError, match=re.escape("pip install 'forecast-rollout[tune]'")):
        run(distance)
