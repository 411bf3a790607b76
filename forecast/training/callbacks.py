"""What happens beside the gradient steps: the learning rate, the time budget, the report."""

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

WARM_UP = 5  # steps before the pace is taken
SETTLED = 0.75  # of scheduled sampling, before which its validation loss does not end training


class Cosine(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no type hints
    """Lets the learning rate fall along half a cosine to 0 (Loshchilov & Hutter 2017).

    The end of the fall is set by the steps that are planned, which a time budget may lower.
    """

    def __init__(self, rate: float, steps: int) -> None:
        """Start from `rate` and reach 0 after `steps`."""
        super().__init__()
        self.rate = rate
        self.steps = steps
        self.step = 0
        self._done = 0.0

    @property
    def done(self) -> float:
        """Share of the training that was done before the present step; it never goes back."""
        self._done = max(self._done, min(max(self.step - 1, 0) / self.steps, 1.0))
        return self._done

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Set the rate of the coming step."""
        done = min(self.step / self.steps, 1.0)
        self.model.optimizer.learning_rate = self.rate * 0.5 * (1.0 + math.cos(math.pi * done))
        self.step += 1


class FeedbackPhase(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no type hints
    """Tells the learner whose turn it is, which share of true values to feed, and what to draw."""

    def __init__(self, plan: Plan, cosine: Cosine) -> None:
        """Follow the steps that `cosine` counts."""
        super().__init__()
        self.plan = plan
        self.cosine = cosine

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Set them for the coming step, which `cosine` has counted already."""
        phase, done = self.plan.phase(self.cosine.done)
        self.model.phase.assign(phase)
        ratios = self.plan.teacher_forcing_ratio
        self.model.ratio.assign(ratio(self.plan.schedule, ratios, done))
        self.model.draw.assign(self.cosine.step - 1)


class Best(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no type hints
    """Keeps the weights of the least validation loss, and ends training when it no longer falls.

    Each regime begins with the best weights so far. Training ends early within the turn of the
    last one only; under scheduled sampling not before its last quarter, since the share of true
    values still falls.
    """

    def __init__(self, plan: Plan, cosine: Cosine) -> None:
        """Follow the steps that `cosine` counts."""
        super().__init__()
        self.plan = plan
        self.cosine = cosine
        self.turn, self.loss, self.waited = 0, math.inf, 0
        self.turns = [0]  # steps before the turn of each regime that has had one
        self.weights: list[Any] = []  # those that are trained: whose turn it is stays as it is
        self.step = 0  # that the weights kept are of
        self.stopped = False

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Let a regime whose turn begins go on from the best weights."""
        turn, _ = self.plan.phase(self.cosine.done)
        if turn != self.turn:
            self.turns += [self.cosine.step - 1] * (turn - self.turn)
            self.turn, self.waited = turn, 0
            self.restore()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Look at the validation loss of the round."""
        if "val_loss" not in logs:
            return
        self.waited += 1
        if logs["val_loss"] < self.loss:
            self.loss, self.waited, self.step = logs["val_loss"], 0, self.cosine.step
            self.weights = [part.numpy() for part in self.model.trainable_variables]
        is_last = self.turn == len(self.plan.feedback) - 1
        _, done = self.plan.phase(self.cosine.done)
        is_settled = self.plan.feedback[-1] != "scheduled" or done >= SETTLED
        if is_last and is_settled and self.waited >= self.plan.patience:
            self.stopped = self.model.stop_training = True

    def restore(self) -> None:
        """Give the model the weights that were kept, if there was a validation."""
        if self.weights:
            for part, kept in zip(self.model.trainable_variables, self.weights, strict=True):
                part.assign(kept)


class Budget(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no type hints
    """Lowers the planned steps when they would take longer than the seconds allowed.

    A plan that fits is left alone, so that the result does not depend on the clock. The pace is
    taken after the first steps, which also compile.
    """

    def __init__(self, seconds: float, cosine: Cosine, clock: Callable[[], float] = time.monotonic):
        """Watch the steps that `cosine` plans; the time runs from now."""
        super().__init__()
        self.seconds = seconds
        self.cosine = cosine
        self.planned = cosine.steps
        self.clock = clock
        self.started = clock()

    @property
    def lowered(self) -> bool:
        """Whether the steps are fewer than planned."""
        return self.cosine.steps < self.planned

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Compare what is left to do with the time that is left."""
        now, step = self.clock(), self.cosine.step
        left = self.seconds - (now - self.started)
        if step == WARM_UP:
            self.warm = now
        if step >= 2 * WARM_UP:
            pace = (now - self.warm) / (step - WARM_UP)
            self.cosine.steps = min(self.planned, step + max(int(left / pace), 0))
        if left <= 0:
            self.cosine.steps = min(self.planned, step)
        if step >= self.cosine.steps:
            self.model.stop_training = True


class Interrupt(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no type hints
    """Ends training between two steps when Ctrl-C is pressed; pressed again, at once.

    Within a step TensorFlow may be tracing a function, and there an interrupt can get lost.
    """

    pressed = False

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Wait for Ctrl-C, where nobody else does."""
        before = signal.getsignal(signal.SIGINT)
        is_main = threading.current_thread() is threading.main_thread()
        if not is_main or before is not signal.default_int_handler:
            yield
            return

        def press(*_: Any) -> None:
            self.pressed = True
            signal.signal(signal.SIGINT, before)

        signal.signal(signal.SIGINT, press)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        """End training with the step that is done."""
        if self.pressed:
            raise KeyboardInterrupt


class Report(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no type hints
    """Hands the progress to a listener and keeps it for the training record."""

    def __init__(self, cosine: Cosine, listener: Callable[[Progress], None] | None) -> None:
        """Read the step count from `cosine`."""
        super().__init__()
        self.cosine = cosine
        self.listener = listener
        self.started = time.monotonic()
        self.rounds: list[Progress] = []
        self.step = 0  # the last one that is done
        self.logs: Any = {}  # of it

    @property
    def last(self) -> int:
        """The last step that is noted, 0 before there is one."""
        return self.rounds[-1].step if self.rounds else 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Remember the step, should training be interrupted within the round."""
        self.step, self.logs = self.cosine.step, logs

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Note the losses of the round, and tell the listener."""
        progress = self.note(self.cosine.step, logs)
        if self.listener:
            self.listener(progress)

    def end(self) -> None:
        """Note the steps of a round that was interrupted."""
        if self.step > self.last:
            self.note(self.step, self.logs)

    def note(self, step: int, logs: Any) -> Progress:
        """Keep how far training has come."""
        progress = Progress(
            step,
            self.cosine.steps,
            round(time.monotonic() - self.started, 2),
            float(logs["loss"]),
            float(logs["val_loss"]) if "val_loss" in logs else None,
        )
        self.rounds.append(progress)
        return progress
