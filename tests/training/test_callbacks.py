"""What stands beside a training: learning rate, budget, best weights, Ctrl-C."""

import signal
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.slow


class Clock:
    """A clock that is told how late it is."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def training(steps, seconds, phase_at=lambda _: 0):
    """The callbacks of a run with a fake model, and functions that do a step and a validation."""
    from forecast.training.callbacks import CosineDecay, TimeBudget

    clock = Clock()
    cosine = CosineDecay(0.5, steps)
    budget = TimeBudget(seconds, cosine, clock, phase_at)
    model = SimpleNamespace(stop_training=False, optimizer=SimpleNamespace(learning_rate=None))
    for callback in (cosine, budget):
        callback.set_model(model)

    def step(duration):
        cosine.on_train_batch_begin(0)
        clock.now += duration
        budget.on_train_batch_end(0)
        return model.optimizer.learning_rate

    def validate(duration):
        clock.now += duration
        budget.on_epoch_end(0)

    return SimpleNamespace(
        step=step, validate=validate, model=model, cosine=cosine, budget=budget, clock=clock
    )


def run_to_the_end(run, durations):
    """The learning rate of each step, until the training ends."""
    rates = []
    for duration in durations:
        rates.append(run.step(duration))
        if run.model.stop_training:
            break
    return rates


def plan_changes(run):
    return [(change.step, change.before, change.after) for change in run.budget.changes]


def test_the_learning_rate_falls_along_half_a_cosine():
    run = training(steps=4, seconds=1e9)

    rates = [run.step(1) for _ in range(5)]

    root = np.sqrt(0.5)
    assert rates == pytest.approx([0.5, 0.25 * (1 + root), 0.25, 0.25 * (1 - root), 0], abs=1e-12)


def test_a_lowered_decay_goes_on_from_where_it_is():
    run = training(steps=8, seconds=1e9)
    rates = [run.step(1) for _ in range(4)]  # half of the decay in four steps

    run.cosine.lower(6)
    rates += [run.step(1) for _ in range(3)]  # and the other half in two

    shares = [0, 1 / 8, 2 / 8, 3 / 8, 1 / 2, 3 / 4, 1]
    assert rates == pytest.approx([0.25 * (1 + np.cos(np.pi * x)) for x in shares], abs=1e-12)
    assert run.cosine.progress == 1.0


def test_a_decay_is_never_lowered_below_the_steps_done_nor_raised():
    run = training(steps=8, seconds=1e9)
    for _ in range(4):
        run.step(1)

    run.cosine.lower(9)
    assert run.cosine.steps == 8
    run.cosine.lower(3)
    assert run.cosine.steps == 4


def test_a_plan_that_fits_its_budget_is_left_alone():
    run = training(steps=100, seconds=100.0)

    for _ in range(99):
        run.step(1.0)
        assert run.cosine.steps == 100
    assert not run.model.stop_training
    run.step(1.0)

    assert run.model.stop_training
    assert run.budget.changes == []


def test_the_time_of_tracing_is_not_taken_as_pace():
    run = training(steps=100, seconds=200.0, phase_at=lambda done: int(done >= 0.75))
    durations = [40.0] + [1.0] * 74 + [40.0] + [1.0] * 24

    rates = []
    for k, duration in enumerate(durations, 1):
        rates.append(run.step(duration))
        if k % 5 == 0:
            run.validate(10.0 if k == 5 else 0.1)
        assert run.cosine.steps == 100

    undisturbed = training(steps=100, seconds=1e9)
    assert rates == [undisturbed.step(1.0) for _ in range(100)]
    assert run.budget.changes == []


def test_a_slow_moment_leaves_the_plan_alone_where_there_is_time_for_it():
    run = training(steps=100, seconds=200.0)

    run_to_the_end(run, [1.0] * 30 + [4.0] * 30 + [1.0] * 40)

    assert (run.cosine.step, run.budget.changes) == (100, [])


def test_a_plan_that_exceeds_the_budget_by_little_is_left_alone():
    run = training(steps=100, seconds=96.0)

    run_to_the_end(run, [1.0] * 100)

    assert (run.cosine.step, run.budget.changes) == (100, [])


def test_a_plan_that_does_not_fit_is_lowered_once_to_what_does():
    run = training(steps=100, seconds=50.0)

    rates = run_to_the_end(run, [2.0] * 100)

    # The first step of 2 s leaves 48 s; after half of them, step 13, there is time for 12 more.
    assert plan_changes(run) == [(13, 100, 25)]
    assert len(rates) == run.cosine.steps == 25
    assert run.budget.changes[0].seconds == 26.0
    left = (1 - 13 / 100) / 12  # of the decay, before the last step
    assert rates[-1] == pytest.approx(0.25 * (1 - np.cos(np.pi * left)))


def test_validations_take_their_part_of_the_budget():
    run = training(steps=100, seconds=100.0)

    while not run.model.stop_training:
        run.step(1.0)
        if run.cosine.step % 10 == 0 and not run.model.stop_training:
            run.validate(10.0)

    # A step takes 2 s with its share: half of the 99 s left pass in the validation of step 30,
    # of which 60 s are spent; 40 s remain for 20 steps.
    assert plan_changes(run) == [(30, 100, 50)]
    assert run.clock.now - 100.0 == 90.0  # without a validation after the last step


def test_a_later_phase_has_a_pace_of_its_own():
    run = training(steps=100, seconds=100.0, phase_at=lambda done: int(done >= 0.75))

    run_to_the_end(run, [0.2] * 75 + [10.0] * 25)

    # The first phase ends after 15 s and the first step of the second after 25 s; half of the
    # other 75 s are over after four more, and there is time for another three.
    assert plan_changes(run) == [(80, 100, 83)]
    assert run.clock.now - 100.0 == pytest.approx(95.0)


def test_a_machine_that_becomes_slow_ends_within_its_budget_with_a_full_decay():
    run = training(steps=100, seconds=150.0)

    rates = run_to_the_end(run, [1.0] * 30 + [10.0] * 70)

    assert run.clock.now - 100.0 <= 150.0
    assert rates[-1] < 0.05


def test_time_that_runs_out_at_once_ends_training_after_one_step():
    run = training(steps=100, seconds=1.0)

    run.step(5.0)

    assert run.model.stop_training
    assert plan_changes(run) == [(1, 100, 1)]


def test_a_validation_beyond_the_budget_ends_training():
    run = training(steps=100, seconds=10.0)

    run.step(1.0)
    assert not run.model.stop_training
    run.validate(20.0)

    assert run.model.stop_training
    assert plan_changes(run) == [(1, 100, 1)]


seconds = st.floats(0.0, 100.0)


@given(
    durations=st.lists(seconds, min_size=1, max_size=60),
    budget=st.floats(0.1, 1000.0),
    turn=st.floats(0.0, 1.0),
    every=st.integers(1, 10),
)
def test_whatever_steps_take_training_ends_in_time_and_plans_are_only_lowered(
    durations, budget, turn, every
):
    run = training(len(durations), budget, phase_at=lambda done: int(done >= turn))

    rates, plans = [], []
    for k, duration in enumerate(durations, 1):
        assert run.clock.now - 100.0 <= 1.05 * budget + 1e-6  # before each step, however long
        rates.append(run.step(duration))
        plans.append(run.cosine.steps)
        if k % every == 0 and not run.model.stop_training:
            run.validate(duration)
        if run.model.stop_training:
            break

    assert run.model.stop_training
    assert len(rates) == run.cosine.steps == run.cosine.step
    assert rates == sorted(rates, reverse=True)
    assert plans == sorted(plans, reverse=True)
    before = [change.before for change in run.budget.changes]
    after = [change.after for change in run.budget.changes]
    assert [*before, len(rates)] == [len(durations), *after]
    assert all(a < b for a, b in zip(after, before, strict=True))
    assert [change.step for change in run.budget.changes] == sorted(
        {change.step for change in run.budget.changes}
    )


@given(
    pace=st.floats(0.01, 10.0),
    waits=st.lists(st.floats(0.0, 100.0), min_size=3, max_size=40),
    spare=st.floats(1.0, 2.0),
)
def test_slow_steps_that_are_fewer_than_the_others_never_change_a_plan_with_time_for_them(
    pace, waits, spare
):
    durations = [pace + wait for wait in waits[:1]]  # the first one traces
    for wait in waits[1:]:
        durations += [pace, pace, pace + wait]
    run = training(len(durations), spare * sum(durations))
    undisturbed = training(len(durations), 1e9)

    rates = run_to_the_end(run, durations)

    assert run.budget.changes == []
    assert rates == [undisturbed.step(0.0) for _ in durations]


@given(pace=st.floats(0.01, 100.0), steps=st.integers(20, 200), share=st.floats(0.3, 0.9))
def test_a_machine_that_is_always_too_slow_ends_within_its_budget(pace, steps, share):
    budget = share * steps * pace
    run = training(steps, budget)

    rates = run_to_the_end(run, [pace] * steps)

    spent = run.clock.now - 100.0
    assert len(plan_changes(run)) == 1
    assert budget - 2 * pace <= spent <= budget + 1e-6 * budget
    assert len(rates) == run.cosine.steps < steps


def test_the_report_keeps_every_round_and_tells_the_listener():
    from forecast.training.callbacks import CosineDecay, Progress, ProgressLog

    heard = []
    cosine = CosineDecay(0.1, 40)
    report = ProgressLog(cosine, heard.append)
    cosine.step = 20
    report.on_epoch_end(0, {"loss": 0.5, "val_loss": 0.75})
    cosine.step = 40
    report.on_epoch_end(1, {"loss": 0.25})

    assert [type(progress) for progress in heard] == [Progress] * 2
    assert [(p.step, p.steps, p.loss, p.validation_loss) for p in heard] == [
        (20, 40, 0.5, 0.75),
        (40, 40, 0.25, None),
    ]
    assert heard == report.rounds


# Feedback phases and the best weights


def test_the_learner_is_told_whose_turn_it_is(make_panel, plan_of):
    from forecast.training.callbacks import CosineDecay, FeedbackPhase

    told = []
    cell = {
        name: SimpleNamespace(assign=told.append) for name in ("phase", "ratio", "gradient_step")
    }
    plan = plan_of(make_panel(np.arange(50.0)), feedback="scheduled>free")
    cosine = CosineDecay(0.1, 4)
    turns = FeedbackPhase(plan, cosine)
    for callback in (cosine, turns):
        callback.set_model(SimpleNamespace(**cell, optimizer=SimpleNamespace()))
    for _ in range(4):
        cosine.on_train_batch_begin(0)
        turns.on_train_batch_begin(0)

    third = pytest.approx(1 / 3)
    assert told == [0, 1.0, 0, 0, pytest.approx(2 / 3), 1, 0, third, 2, 1, 1.0, 3]


class Weights:
    """A model whose weights are a number."""

    def __init__(self):
        self.number, self.stop_training = 0, False
        part = SimpleNamespace(numpy=lambda: self.number, assign=self.give)
        self.trainable_variables = [part]

    def give(self, number):
        self.number = number


@pytest.fixture
def looked_at(make_panel, plan_of):
    """The steps after which training ends and whose weights are kept, of ten rounds of one."""

    def look(losses, **given):
        return look_at(plan_of(make_panel(np.arange(50.0)), steps=10, rounds=10, **given), losses)

    return look


def look_at(plan, losses):
    from forecast.training.callbacks import BestWeights, CosineDecay

    cosine, model = CosineDecay(0.1, 10), Weights()
    best = BestWeights(plan, cosine)
    best.set_model(model)
    for step, loss in enumerate(losses, 1):
        cosine.step = step
        best.on_train_batch_begin(step)
        model.number = step
        best.on_epoch_end(step, {"val_loss": loss})
        if model.stop_training:
            break
    ended = model.number
    best.restore()
    return ended, model.number


def test_training_ends_when_the_validation_no_longer_falls_with_the_best_weights(looked_at):
    losses = [5, 3, 4, 4, 4, 1, 1, 1, 1, 1]

    assert looked_at(losses, patience=3) == (5, 2)
    assert looked_at(losses, patience=9) == (10, 6)
    assert looked_at([np.nan, 2.0, np.nan], patience=9) == (3, 2)


def test_the_last_regime_begins_with_the_best_weights_and_keeps_them_unless_it_finds_better(
    looked_at,
):
    given = {"feedback": "teacher>free", "patience": 1}

    better = [1, 2, 2, 2, 2, 2, 2, 7, 0.5, 2]  # from the eighth step on of the last regime
    assert looked_at(better, **given) == (10, 9)
    assert looked_at([1] + [2] * 9, **given) == (9, 1)
    assert looked_at([3, 1, 2, 2], **given) == (4, 2)  # interrupted before its turn


def test_a_turn_begins_with_the_best_weights_of_the_one_before(make_panel, plan_of):
    from forecast.training.callbacks import BestWeights, CosineDecay

    plan = plan_of(make_panel(np.arange(50.0)), feedback="teacher>free")
    cosine, model = CosineDecay(0.1, 8), Weights()
    best = BestWeights(plan, cosine)
    best.set_model(model)
    seen = []
    for step, loss in enumerate([3, 1, 2, 2, 2, 2, 2, 2], 1):
        cosine.step = step
        best.on_train_batch_begin(step)
        seen.append(model.number)
        model.number = step
        best.on_epoch_end(step, {"val_loss": loss})

    assert seen == [0, 1, 2, 3, 4, 5, 2, 7]  # the seventh is the first of the last quarter
    assert best.step == 2


def test_going_back_to_the_best_weights_leaves_whose_turn_it_is(
    make_panel, make_config, make_learner, plan_of
):
    from forecast.training.callbacks import BestWeights, CosineDecay

    learner = make_learner(make_config(make_panel([1.0, 2.0])))
    plan = plan_of(make_panel(np.arange(50.0)), feedback="teacher>free")
    best = BestWeights(plan, CosineDecay(0.1, 8))
    best.set_model(learner)
    best.on_epoch_end(0, {"val_loss": 1.0})
    before = learner.export()
    learner.phase.assign(1)
    for part in learner.trainable_variables:
        part.assign(part + 1.0)

    best.restore()

    assert int(learner.phase.value) == 1
    assert all((before[name] == array).all() for name, array in learner.export().items())


def test_scheduled_sampling_does_not_end_early_while_its_share_still_falls(looked_at):
    given = {"feedback": "scheduled", "patience": 2}

    assert looked_at([1] + [2] * 9, **given) == (9, 1)


def test_without_a_validation_the_last_weights_stay(make_panel, plan_of):
    from forecast.training.callbacks import BestWeights, CosineDecay

    best, model = (
        BestWeights(plan_of(make_panel(np.arange(50.0))), CosineDecay(0.1, 9)),
        Weights(),
    )
    best.set_model(model)
    model.number = 7
    best.on_epoch_end(0, {"loss": 1.0})
    best.restore()

    assert (model.number, model.stop_training) == (7, False)


# Ctrl-C


def test_control_c_waits_for_the_end_of_a_step_and_pressed_again_does_not():
    from forecast.training.callbacks import Interrupt

    interrupt = Interrupt()
    with interrupt.watching():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            interrupt.on_train_batch_end(0)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)

    other = Interrupt()
    with other.watching():
        other.on_train_batch_end(0)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_control_c_is_left_to_whoever_waits_for_it_already():
    from forecast.training.callbacks import Interrupt

    pressed = []
    before = signal.signal(signal.SIGINT, lambda *_: pressed.append(True))
    try:
        with Interrupt().watching():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)

    assert pressed == [True]
    with ThreadPoolExecutor(1) as pool:  # where Python allows nobody to wait
        assert pool.submit(lambda: _entered(Interrupt())).result()


def test_sigterm_is_like_control_c_only_where_it_raises_keyboardinterrupt():
    from forecast.training.callbacks import Interrupt

    interrupt = Interrupt()
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with interrupt.watching():
            signal.raise_signal(signal.SIGTERM)
        assert not interrupt.pressed

        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with interrupt.watching():
            signal.raise_signal(signal.SIGTERM)
            assert interrupt.pressed
            with pytest.raises(KeyboardInterrupt):  # the second one, of either kind
                signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGTERM, before)


def test_control_c_that_is_ignored_stays_ignored():
    from forecast.training.callbacks import Interrupt

    interrupt = Interrupt()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupt.watching():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)

    assert not interrupt.pressed


def _entered(interrupt):
    with interrupt.watching():
        return True
