"""Training on a stream of batches without end; it can be stopped, and goes on where it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from safetensors.numpy import load_file, save

from forecast.data.io.atomic_write import replace_file
from forecast.errors import ArtifactError
from forecast.inference.config import Config
from forecast.training.callbacks import CosineDecay, FeedbackPhase, Interrupt, ProgressLog
from forecast.training.fit import AHEAD, Adam, make_network
from forecast.training.keras_model import TrainableNetwork, VariedInputs, weighted_loss
from forecast.training.plan import Plan
from forecast.training.progress import Progress

CALM_START = 0.1  # factor of the read-out's initial weights


class WeightedBatch(NamedTuple):
    """Windows whose context and lags vary from batch to batch, and what each loss counts for."""

    inputs: VariedInputs
    targets: Any  # (B, T, D), no NaN
    weights: Any  # (B, T)


class KeptSteps(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no type hints
    """Writes weights, optimizer and the number of steps done to a file after each round."""

    def __init__(self, path: Path, decay: CosineDecay) -> None:
        """Count the steps that `decay` counts."""
        super().__init__()
        self.path = path
        self.decay = decay

    def variables(self) -> list[Any]:
        """All that a later step depends on."""
        return [*self.model.trainable_variables, *self.model.optimizer.variables]

    def resume(self, model: TrainableNetwork, start: Path | None) -> int:
        """Set the variables to those in the file, or in that of another run; the steps done."""
        if self.path.exists():
            return _restore(model, self.path)
        if start is not None:
            _restore(model, start)
        return 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Write the file, whole or not at all."""
        arrays = {f"{k}": np.asarray(part) for k, part in enumerate(self.variables())}
        data = save({**arrays, "steps": np.array([self.decay.step])})
        replace_file(self.path, lambda file: file.write(data), ArtifactError, "--kept")


def _restore(model: TrainableNetwork, path: Path) -> int:
    """Set weights and optimizer to those in a file; the steps that were done."""
    arrays = load_file(path)
    model.optimizer.build(model.trainable_variables)
    for k, variable in enumerate([*model.trainable_variables, *model.optimizer.variables]):
        variable.assign(arrays[f"{k}"])
    return int(arrays["steps"][0])


def fit_stream(
    config: Config,
    plan: Plan,
    batches: Callable[[int], Iterable[WeightedBatch]],
    kept: Path,
    seed: int,
    listener: Callable[[Progress], None] | None = None,
    start: Path | None = None,
) -> dict[str, np.ndarray]:
    """Train a network on batches, under the one feedback regime that is planned.

    Args:
        config: what the model is made of.
        plan: of the run.
        batches: those from a number on, the same ones in every call.
        kept: file of a run that was stopped; a run goes on from there, and writes it.
        seed: of the initial weights.
        listener: called with the progress after each round.
        start: file of another run, whose weights and optimizer this one begins with.

    Returns:
        The weights.
    """
    model = make_network(config, plan, seed)
    head = model.dense["head.kernel"]
    head.assign(CALM_START * head)  # a rollout of the first steps would explode otherwise
    model.compile(
        optimizer=Adam(plan.learning_rate, plan.gradient_clip), loss=weighted_loss(config.head)
    )
    decay = CosineDecay(plan.learning_rate, plan.steps)
    keep, log, interrupt = KeptSteps(kept, decay), ProgressLog(decay, listener), Interrupt()
    decay.step = done = keep.resume(model, start)
    dataset = tf.data.Dataset.from_generator(
        lambda: iter(batches(done)), output_signature=_signature(config)
    )
    rounds = plan.steps // plan.steps_per_round
    with interrupt.watching():
        model.fit(
            dataset.prefetch(AHEAD),
            steps_per_epoch=plan.steps_per_round,
            initial_epoch=done // plan.steps_per_round,
            epochs=rounds,
            callbacks=[decay, FeedbackPhase(plan, decay), log, keep, interrupt],
            shuffle=False,
            verbose=0,
        )
    return model.export()


def _signature(config: Config) -> WeightedBatch:
    """The types of a batch; series and steps vary from batch to batch."""
    per_step = (None, None)
    return WeightedBatch(
        VariedInputs(
            values=tf.TensorSpec((*per_step, config.targets)),
            step_features=tf.TensorSpec((*per_step, config.step_features)),
            resets=tf.TensorSpec((None,), tf.bool),
            context=tf.TensorSpec((), tf.int32),
            lags=tf.TensorSpec((len(config.lags),), tf.int32),
        ),
        targets=tf.TensorSpec((*per_step, config.targets)),
        weights=tf.TensorSpec(per_step),
    )
