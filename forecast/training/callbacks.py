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
from forecast.training.progress import Progress

PACE_WARM_UP_STEPS = 5  # gradient steps, compilation included, before the pace is measured
MIN_SCHEDULED_PROGRESS = 0.75  # of a scheduled phase, before which training never ends early


class CosineDecay(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no type hints
    """Decays the learning rate along half a cosine to 0 (Loshchilov & Hutter 2017).

    The decay ends with the planned steps, which a time budget may lower.
    """

    def __init__(self, learning_rate: float, steps: int) -> None:
        """Start from `learning_rate` and reach 0 after `steps`."""
        super().__init__()
        self.learning_rate = learning_rate
        self.steps = steps
        self.step = 0  # steps begun
        self._progress = 0.0

    @property
    def progress(self) -> float:
        """Share of the training done before the current step, 0 to 1; it never decreases."""
        self._progress = max(self._progress, min(max(self.step - 1, 0) / self.steps, 1.0))
        return self._progress

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Set the learning rate of the next step."""
        progress = min(self.step / self.steps, 1.0)
        cosine = 0.5 * (1.0 + math.cos(math.pi * progress))
        self.model.optimizer.learning_rate = self.learning_rate * cosine
        self.step += 1


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


class TimeBudget(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no type hints
    """Lowers the planned steps when they would take longer than the seconds allowed.

    A plan that fits the budget is left alone, so that the result does not depend on the clock. The
    pace is measured after the first steps, which also compile.
    """

    def __init__(
        self, seconds: float, decay: CosineDecay, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Limit the steps that `decay` plans; the time runs from now."""
        super().__init__()
        self.seconds = seconds
        self.decay = decay
        self.planned = decay.steps
        self.clock = clock
        self.started = clock()
        self.warmed_up = self.started  # when the first steps were done

    @property
    def lowered(self) -> bool:
        """Whether the steps are fewer than planned."""
        return self.decay.steps < self.planned

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Fit the remaining steps to the remaining time."""
        now, step = self.clock(), self.decay.step
        remaining = self.seconds - (now - self.started)
        if step == PACE_WARM_UP_STEPS:
            self.warmed_up = now
        if step >= 2 * PACE_WARM_UP_STEPS:
            pace = (now - self.warmed_up) / (step - PACE_WARM_UP_STEPS)  # seconds per step
            self.decay.steps = min(self.planned, step + max(int(remaining / pace), 0))
        if remaining <= 0:
            self.decay.steps = min(self.planned, step)
        if step >= self.decay.steps:
            self.model.stop_training = True


class Interrupt(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no type hints
    """Ends training after the current step when Ctrl-C is pressed; when pressed again, at once.

    Within a step TensorFlow may be tracing a function, where an interrupt can get lost.
    """

    pressed = False

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Handle Ctrl-C, unless somebody else does."""
        previous = signal.getsignal(signal.SIGINT)
        is_main = threading.current_thread() is threading.main_thread()
        if not is_main or previous is not signal.default_int_handler:
            yield
            return

        def press(*_: Any) -> None:
            self.pressed = True
            signal.signal(signal.SIGINT, previous)

        signal.signal(signal.SIGINT, press)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, previous)

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
