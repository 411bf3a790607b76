"""Training a network by Keras `fit`, on windows gathered as they are needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from itertools import repeat
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from forecast.inference.config import Config
from forecast.training import windows
from forecast.training.callbacks import (
    BestWeights,
    CosineDecay,
    FeedbackPhase,
    Interrupt,
    Progress,
    ProgressLog,
    TimeBudget,
)
from forecast.training.feedback import REGIMES, free_running, teacher_forcing
from forecast.training.keras_model import ModelInputs, TrainableNetwork, masked_loss
from forecast.training.plan import Plan
from forecast.training.windows import Batch, Windows

VALIDATION_WINDOWS = 512  # series looked at for the validation loss, drawn once
AHEAD = 2  # batches that are ready before they are needed


@dataclass(frozen=True)
class Fitted:
    """What a training run leaves behind.

    Attributes:
        weights: named arrays.
        rounds: the progress after each round.
        ended: "planned", "early" (validation loss no longer fell), "budget" or "interrupted".
        kept: the step that the weights are of.
        regimes: those that had their turn.
        turns: steps before the turn of each of them.
    """

    weights: dict[str, np.ndarray]
    rounds: list[dict[str, Any]]
    ended: str
    kept: int
    regimes: tuple[str, ...]
    turns: tuple[int, ...] = (0,)


class Adam(keras.optimizers.Adam):  # type: ignore[misc]  # Keras has no type hints
    """Adam (Kingma & Ba 2015) on one machine."""

    def _all_reduce_sum_gradients(self, grads_and_vars: Any) -> Any:
        """Leave out the sum over replicas, of which there is one.

        TensorFlow keeps its gradient, and with it the graph of every training, until the end.
        """
        return grads_and_vars


def fit(
    config: Config,
    plan: Plan,
    data: Windows,
    lengths: np.ndarray,
    seed: int,
    budget: float,
    listener: Callable[[Progress], None] | None = None,
) -> Fitted:
    """Train one network, under the feedback regimes that are planned.

    Args:
        config: what the model is made of.
        plan: sizes and lengths of the run.
        data: the windows of the panel.
        lengths: rows of each series, (S,). Training sees all but the last 2 * holdout of
            them; the first half of those is the validation tail, the rest is not touched.
        seed: of weights, dropout and windows.
        budget: seconds that training may take.
        listener: told the progress after each round.
    """
    model = learner(config, plan, seed)
    model.compile(
        optimizer=Adam(plan.rate, global_clipnorm=plan.clip),
        loss=masked_loss(config.head),
    )
    decay = CosineDecay(plan.rate, plan.steps)
    limit = TimeBudget(budget, decay)
    log = ProgressLog(decay, listener)
    best = BestWeights(plan, decay)
    looked_at = validation_batch(data, lengths - plan.holdout, plan.holdout, seed)
    interrupt = Interrupt()
    interrupted = False
    try:
        with interrupt.watching():
            model.fit(
                stream(lambda: batches(data, lengths - 2 * plan.holdout, plan, seed)),
                steps_per_epoch=plan.steps_per_round,
                epochs=-(-plan.steps // plan.steps_per_round),
                validation_data=stream(lambda: repeat(looked_at)) if looked_at else None,
                validation_steps=1,
                callbacks=[decay, FeedbackPhase(plan, decay), log, limit, best, interrupt],
                shuffle=False,
                verbose=0,
            )
    except KeyboardInterrupt:
        interrupted = True
        log.end()
    best.restore()
    ended = "interrupted" if interrupted else "budget" if limit.lowered else "planned"
    if best.stopped and not interrupted:
        ended = "early"
    phases, starts = plan.regimes[: best.phase + 1], tuple(best.phase_starts)
    kept = best.step or log.last
    return Fitted(model.export(), log.rounds, ended, kept, phases, starts)


def learner(config: Config, plan: Plan, seed: int) -> TrainableNetwork:
    """The network before its first step, under the regimes of the plan."""
    modules = [import_module(REGIMES[name].module) for name in plan.regimes]
    return TrainableNetwork(
        config.blueprint,
        [module.regime(plan) for module in modules],
        free_running.parameters if plan.feeds_back else teacher_forcing.parameters,
        window_length=plan.length,
        context=plan.context,
        lanes=plan.batch if plan.windows == "contiguous" else 0,
        dropout=plan.dropout,
        seed=seed,
    )


def batches(data: Windows, lengths: np.ndarray, plan: Plan, seed: int) -> Iterator[Batch]:
    """Windows of the planned kind without end, from the first rows of each series, (S,)."""
    return windows.SAMPLERS[plan.windows](data, plan.least_rows, lengths, plan.batch, seed)


def stream(make: Callable[[], Iterable[Batch]]) -> tf.data.Dataset:
    """Batches as Keras takes them, gathered ahead of their step.

    Nothing tunes the dataset: an iterator that is given up would wait for the thread that does,
    which could take nearly as long again as the training.

    Args:
        make: begins anew to gather batches, which are all of the same shapes.
    """
    signature = tf.data.Dataset.from_tensors(_pair(next(iter(make())))).element_spec
    dataset = tf.data.Dataset.from_generator(lambda: map(_pair, make()), output_signature=signature)
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.prefetch(AHEAD).with_options(options)


def _pair(batch: Batch) -> tuple[ModelInputs, np.ndarray]:
    """What the Keras model is given, and what it is to predict."""
    return ModelInputs(batch.values, batch.step_features, batch.resets), batch.targets


def validation_batch(data: Windows, lengths: np.ndarray, holdout: int, seed: int) -> Batch | None:
    """Windows that end at the given lengths, whose targets count as far as they are held out.

    None where nothing is held out, no series reaches that far, or nothing was observed there.
    """
    series = np.flatnonzero(lengths > holdout)
    if not holdout or not len(series):
        return None
    if len(series) > VALIDATION_WINDOWS:
        rng = np.random.default_rng(seed)
        series = np.sort(rng.choice(series, VALIDATION_WINDOWS, replace=False))
    batch = data.gather(series, lengths[series] - data.window_length)
    asked = min(
        holdout, data.window_length - data.context
    )  # a decoder behind an encoder says no more
    batch.targets[:, :-asked] = np.nan
    return None if np.isnan(batch.targets).all() else batch
