"""What happens around the gradient steps: learning rate, feedback phase, time budget, progress."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras

from forecast.training.feedback.sampling_schedule import ratio
from forecast.training.plan import Plan
from forecast.training.progress import PlanChange, Progress

WAITING_SHARE = 0.5  # of the time left when a phase begins, after which a plan may be lowered
TOLERANCE = 0.05  # of the budget, by which a plan that is left alone may exceed it
MIN_PACE_STEPS = 3  # of a phase, after which its pace is known
RECENT_STEPS = 15  # whose median pace says how many more fit
UNDISTURBED_SHARE = 0.25  # of the steps of a phase, at whose pace a plan must not fit
TOLERATED_RISE = 0.02  # of the validation loss of weights that a training started from
MIN_SCHEDULED_PROGRESS = 0.75  # of a scheduled phase, before which training never ends early


def quantile(values: list[float], share: float) -> float:
    """The value that a share of the others does not reach, without interpolation."""
    return sorted(values)[int(share * len(values))]


class CosineDecay(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no type hints
    """Decays the learning rate along half a cosine to 0 (Loshchilov & Hutter 2017).

    The decay ends with the planned steps, which a time budget may lower: then what is left of the
    decay is run through in fewer steps, without a jump.
    """

    def __init__(self, learning_rate: float, steps: int) -> None:
        """Start from `learning_rate` and reach 0 after `steps`."""
        super().__init__()
        self.learning_rate = learning_rate
        self.steps = steps
        self.step = 0  # steps begun
        self._first, self._done_before = 0, 0.0  # the step of the last change, and what was done

    @property
    def progress(self) -> float:
        """Share of the training done before the current step, 0 to 1; it never decreases."""
        return self._progress(max(self.step - 1, self._first))

    def lower(self, steps: int) -> None:
        """End after fewer steps, not less than those begun."""
        self._done_before, self._first = self._progress(self.step), self.step
        self.steps = max(min(steps, self.steps), self.step)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Set the learning rate of the next step."""
        cosine = 0.5 * (1.0 + math.cos(math.pi * self._progress(self.step)))
        self.model.optimizer.learning_rate = self.learning_rate * cosine
        self.step += 1

    def _progress(self, step: int) -> float:
        """Share of the training done after so many steps."""
        if step >= self.steps:
            return 1.0
        share = (step - self._first) / (self.steps - self._first)
        return self._done_before + (1.0 - self._done_before) * share


class FeedbackPhase(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no type hints
    """Sets the model's feedback phase, its share of true values, and the number of the step."""

    def __init__(self, plan: Plan, decay: CosineDecay) -> None:
        """Follow the steps that `decay` counts."""
        super().__init__()
        self.plan = plan
        self.decay = decay

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Set them for the next step, which `decay` has counted already."""
        phase, progress = self.plan.phase(self.decay.progress)
        self.model.phase.assign(phase)
        ratios = self.plan.teacher_forcing_ratio
        self.model.ratio.assign(ratio(self.plan.schedule, ratios, progress))
        self.model.gradient_step.assign(self.decay.step - 1)


class BestWeights(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no type hints
    """Keeps the weights of the lowest validation loss, and ends training when it stops improving.

    Each feedback phase starts from the best weights so far. Training ends early only within the
    last phase; under scheduled sampling not before the last quarter of the phase, since the share
    of true values still decreases.
    """

    def __init__(self, plan: Plan, decay: CosineDecay) -> None:
        """Follow the steps that `decay` counts."""
        super().__init__()
        self.plan = plan
        self.decay = decay
        self.phase, self.loss, self.rounds_without_improvement = 0, math.inf, 0
        self.phase_starts = [0]  # steps before each phase that has started
        self.weights: list[Any] = []  # the trainable ones; the model's phase is not restored
        self.step = 0  # at which the weights were kept
        self.stopped = False

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Start a new phase from the best weights."""
        phase, _ = self.plan.phase(self.decay.progress)
        if phase != self.phase:
            self.phase_starts += [self.decay.step - 1] * (phase - self.phase)
            self.phase, self.rounds_without_improvement = phase, 0
            self.restore()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Compare the validation loss of the round with the best one."""
        if "val_loss" not in logs:
            return
        self.rounds_without_improvement += 1
        if logs["val_loss"] < self.loss:
            self.loss, self.step = logs["val_loss"], self.decay.step
            self.rounds_without_improvement = 0
            self.weights = [variable.numpy() for variable in self.model.trainable_variables]
        is_last = self.phase == len(self.plan.feedback) - 1
        _, progress = self.plan.phase(self.decay.progress)
        may_end = self.plan.feedback[-1] != "scheduled" or progress >= MIN_SCHEDULED_PROGRESS
        if is_last and may_end and self.rounds_without_improvement >= self.plan.patience:
            self.stopped = self.model.stop_training = True

    def restore(self) -> None:
        """Set the model's weights to the best ones, if there was a validation."""
        if self.weights:
            for variable, best in zip(self.model.trainable_variables, self.weights, strict=True):
                variable.assign(best)


class NotWorse(BestWeights):
    """Keeps the last weights, unless the validation loss is worse than that of the first ones.

    For a training from weights that are good already: few rows tell whether it does harm, but not
    which of its steps is best.
    """

    def begin(self, model: keras.Model, loss: float) -> None:
        """Note the weights before the first step, and their validation loss."""
        self.weights = self.first = [variable.numpy() for variable in model.trainable_variables]
        self.loss = loss + TOLERATED_RISE * abs(loss)  # the negative of a log-likelihood may be < 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Compare the validation loss of the round with that before the first step."""
        if "val_loss" not in logs:
            return
        is_kept = logs["val_loss"] < self.loss
        now = self.model.trainable_variables
        self.weights = [variable.numpy() for variable in now] if is_kept else self.first
        self.step = self.decay.step if is_kept else 0


class TimeBudget(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no type hints
    """Lowers the planned steps where they would take longer than the seconds allowed.

    A plan that fits is left alone, so that the result does not depend on the clock. Paces are
    quantiles, so that neither the time of tracing and compiling nor a slow moment counts; the first
    step of a feedback phase and the first validation, which trace, are left out. A plan is lowered
    only where it would exceed the budget by more than TOLERANCE even at the pace of the faster
    steps, and not before WAITING_SHARE of the time that was left when the phase began. It is never
    raised. Training ends after the first step beyond the budget and the tolerance, whatever the
    pace.
    """

    def __init__(
        self,
        seconds: float,
        decay: CosineDecay,
        clock: Callable[[], float] = time.monotonic,
        phase_at: Callable[[float], int] = lambda _: 0,
    ) -> None:
        """Limit the steps that `decay` plans; the time runs from now.

        Args:
            seconds: the budget.
            decay: counts the steps.
            clock: the time in seconds.
            phase_at: the number of the feedback phase, from the share of the training done.
        """
        super().__init__()
        self.seconds = seconds
        self.decay = decay
        self.clock = clock
        self.phase_at = phase_at
        self.started = self.last = clock()  # last: when the last step or validation ended
        self.phase = -1
        self.may_lower_after = 0.0  # seconds since the start
        self.step_seconds: list[float] = []  # of the phase, without its first step
        self.validation_seconds: list[float] = []
        self.changes: list[PlanChange] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Time the step, and end training where the time or the steps are used up."""
        duration, elapsed = self._lap()
        phase = self.phase_at(self.decay.progress)
        if phase == self.phase:
            self.step_seconds.append(duration)
        else:
            self.phase, self.step_seconds = phase, []
            self.may_lower_after = elapsed + WAITING_SHARE * (self.seconds - elapsed)
        self._limit(elapsed)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Time the validation of a round, which has just ended."""
        duration, elapsed = self._lap()
        self.validation_seconds.append(duration)
        self._limit(elapsed)

    def _lap(self) -> tuple[float, float]:
        """Seconds since the last call, and since the start."""
        now = self.clock()
        duration, self.last = now - self.last, now
        return duration, now - self.started

    def _limit(self, elapsed: float) -> None:
        if not self._fits(elapsed):
            before, step = self.decay.steps, self.decay.step
            self.decay.lower(step + self._steps_that_fit(elapsed))
            self.changes.append(PlanChange(step, round(elapsed, 2), before, self.decay.steps))
        if self.decay.step >= self.decay.steps:
            self.model.stop_training = True

    def _fits(self, elapsed: float) -> bool:
        """Whether the remaining steps fit the remaining time, or may still turn out to."""
        left = self.decay.steps - self.decay.step
        if left <= 0 or elapsed < self.may_lower_after:
            return True
        if len(self.step_seconds) < MIN_PACE_STEPS:
            return elapsed < self.seconds
        undisturbed = self._pace(self.step_seconds, UNDISTURBED_SHARE)
        pace = min(undisturbed, self._pace(self.step_seconds[-RECENT_STEPS:]))
        return elapsed + left * pace <= self.seconds * (1.0 + TOLERANCE)

    def _steps_that_fit(self, elapsed: float) -> int:
        """How many more steps there is time for, at the pace of the last ones."""
        if len(self.step_seconds) < MIN_PACE_STEPS or elapsed >= self.seconds:
            return 0
        return int((self.seconds - elapsed) / self._pace(self.step_seconds[-RECENT_STEPS:]))

    def _pace(self, step_seconds: list[float], share: float = 0.5) -> float:
        """Seconds per step, with its part of the validations: the quantile of a share of them."""
        pace = quantile(step_seconds, share)
        if len(self.validation_seconds) > 1:
            rounds_per_step = len(self.validation_seconds) / self.decay.step
            pace += rounds_per_step * quantile(self.validation_seconds[1:], share)
        return pace


class Interrupt(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no type hints
    """Ends training after the current step when Ctrl-C is pressed; when pressed again, at once.

    Within a step TensorFlow may be tracing a function, where an interrupt can get lost. SIGTERM
    counts like Ctrl-C where it raises KeyboardInterrupt, as on the command line.
    """

    pressed = False

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Handle the signals that raise KeyboardInterrupt; others are left to who handles them."""
        is_main = threading.current_thread() is threading.main_thread()
        watched = [
            one
            for one in (signal.SIGINT, signal.SIGTERM)
            if is_main and signal.getsignal(one) is signal.default_int_handler
        ]

        def press(*_: Any) -> None:
            self.pressed = True
            release()

        def release() -> None:
            for one in watched:
                signal.signal(one, signal.default_int_handler)

        for one in watched:
            signal.signal(one, press)
        try:
            yield
        finally:
            release()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        """End training after this step."""
        if self.pressed:
            raise KeyboardInterrupt


class ProgressLog(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no type hints
    """Passes the progress to a listener and keeps it for the training record."""

    def __init__(self, decay: CosineDecay, listener: Callable[[Progress], None] | None) -> None:
        """Read the step count from `decay`."""
        super().__init__()
        self.decay = decay
        self.listener = listener
        self.started = time.monotonic()
        self.rounds: list[Progress] = []
        self.step = 0  # the last one done
        self.logs: Any = {}  # of that step

    @property
    def last(self) -> int:
        """The last step that is noted, 0 if there is none."""
        return self.rounds[-1].step if self.rounds else 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Remember the step, in case training is interrupted within the round."""
        self.step, self.logs = self.decay.step, logs

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Note the losses of the round, and call the listener."""
        progress = self.note(self.decay.step, logs)
        if self.listener:
            self.listener(progress)

    def end(self) -> None:
        """Note the steps of a round that was interrupted."""
        if self.step > self.last:
            self.note(self.step, self.logs)

    def note(self, step: int, logs: Any) -> Progress:
        """Keep the progress at a step."""
        progress = Progress(
            step,
            self.decay.steps,
            round(time.monotonic() - self.started, 2),
            float(logs["loss"]),
            float(logs["val_loss"]) if "val_loss" in logs else None,
        )
        self.rounds.append(progress)
        return progress
