"""What stands beside a training: learning rate, budget, best weights, Ctrl-C."""

import signal
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

pytestmark = pytest.mark.slow


class Clock:
    """A clock that is told how late it is."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def training(steps, seconds):
    """The callbacks of a run with a fake model, and a function that does one step."""
    from forecast.training.callbacks import CosineDecay, TimeBudget

    clock = Clock()
    cosine = CosineDecay(0.5, steps)
    budget = TimeBudget(seconds, cosine, clock)
    model = SimpleNamespace(stop_training=False, optimizer=SimpleNamespace(learning_rate=None))
    for callback in (cosine, budget):
        callback.set_model(model)

    def step(duration):
        cosine.on_train_batch_begin(0)
        clock.now += duration
        budget.on_train_batch_end(0)
        return model.optimizer.learning_rate

    return SimpleNamespace(step=step, model=model, cosine=cosine, budget=budget)


def test_the_learning_rate_falls_along_half_a_cosine():
    run = training(steps=4, seconds=1e9)

    rates = [run.step(1) for _ in range(5)]

    root = np.sqrt(0.5)
    assert rates == pytest.approx([0.5, 0.25 * (1 + root), 0.25, 0.25 * (1 - root), 0], abs=1e-12)


def test_a_plan_that_fits_its_budget_is_left_alone():
    run = training(steps=100, seconds=100.5)

    for _ in range(99):
        run.step(1.0)
        assert run.cosine.steps == 100
    assert not run.model.stop_training
    run.step(1.0)

    assert not run.budget.lowered
    assert run.model.stop_training


def test_slow_first_steps_that_compile_do_not_count_for_the_pace():
    run = training(steps=100, seconds=150)

    for duration in [30.0] + [1.0] * 60:
        run.step(duration)
        assert run.cosine.steps == 100


def test_a_plan_that_does_not_fit_is_lowered_to_what_does():
    run = training(steps=100, seconds=50)

    done = 0
    while not run.model.stop_training:
        rate = run.step(2.0)
        done += 1

    assert run.budget.lowered
    assert done == run.cosine.steps == 25
    assert 0 < rate < 0.005  # and the learning rate has still fallen to its end


def test_a_plan_lowered_in_a_slow_moment_rises_again_but_never_above_what_was_planned():
    run = training(steps=30, seconds=60)
    for duration in [1.0] * 9 + [20.0]:
        run.step(duration)
    assert run.cosine.steps < 30

    for _ in range(10):
        run.step(0.1)

    assert run.cosine.steps == 30
    assert not run.budget.lowered


def test_time_that_runs_out_at_once_ends_training_after_one_step():
    run = training(steps=100, seconds=1.0)

    run.step(5.0)

    assert run.model.stop_training
    assert (run.cosine.steps, run.budget.lowered) == (1, True)


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


def _entered(interrupt):
    with interrupt.watching():
        return True
