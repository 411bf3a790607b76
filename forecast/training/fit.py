"""Training a network by Keras `fit`, on windows gathered as they are needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from forecast import windows
from forecast.config import Config
from forecast.training.callbacks import Budget, Cosine, Progress, Report
from forecast.training.networks import KERAS_NETWORKS, Carried, export, masked_loss
from forecast.training.plan import Plan
from forecast.windows import Batch, Windows

VALIDATION_WINDOWS = 512  # series looked at for the validation loss, drawn once


@dataclass(frozen=True)
class Fitted:
    """What a training run leaves behind.

    Attributes:
        weights: named arrays.
        rounds: the progress after each round.
        ended: "planned", "early" (validation loss no longer fell), "budget" or "interrupted".
    """

    weights: dict[str, np.ndarray]
    rounds: list[dict[str, Any]]
    ended: str


def fit(
    config: Config,
    plan: Plan,
    data: Windows,
    lengths: np.ndarray,
    seed: int,
    budget: float,
    listener: Callable[[Progress], None] | None = None,
) -> Fitted:
    """Train one network with true past values as inputs (teacher forcing).

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
    model = Carried(KERAS_NETWORKS[config.network](config, plan.dropout, seed), plan.batch)
    model.compile(
        optimizer=keras.optimizers.Adam(plan.rate, global_clipnorm=plan.clip),
        loss=masked_loss(config.head),
    )
    cosine = Cosine(plan.rate, plan.steps)
    limit = Budget(budget, cosine)
    report = Report(cosine, listener)
    best = keras.callbacks.EarlyStopping(patience=plan.patience, restore_best_weights=True)
    validation = validation_batch(data, lengths - plan.holdout, plan.holdout, seed)
    interrupted = False
    try:
        model.fit(
            (_pair(batch) for batch in batches(data, lengths - 2 * plan.holdout, plan, seed)),
            steps_per_epoch=plan.steps_per_round,
            epochs=-(-plan.steps // plan.steps_per_round),
            validation_data=_pair(validation) if validation else None,
            callbacks=[cosine, report, limit, *([best] if validation else [])],
            shuffle=False,
            verbose=0,
        )
    except KeyboardInterrupt:
        interrupted = True
        if best.best_weights is not None:
            model.set_weights(best.best_weights)
    ended = "interrupted" if interrupted else "budget" if limit.lowered else "planned"
    if best.stopped_epoch and not interrupted:
        ended = "early"
    return Fitted(export(model), report.rounds, ended)


def batches(data: Windows, lengths: np.ndarray, plan: Plan, seed: int) -> Iterator[Batch]:
    """Windows of the planned kind without end, from the first rows of each series, (S,)."""
    return windows.KINDS[plan.windows](data, plan.least_rows, lengths, plan.batch, seed)


def _pair(batch: Batch) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """What a Keras model is given, and what it is to predict."""
    return (batch.inputs, batch.begins), batch.targets


def validation_batch(data: Windows, lengths: np.ndarray, holdout: int, seed: int) -> Batch | None:
    """Windows that end at the given lengths, whose last `holdout` targets alone count.

    None where nothing is held out, or no series reaches that far.
    """
    series = np.flatnonzero(lengths > holdout)
    if not holdout or not len(series):
        return None
    if len(series) > VALIDATION_WINDOWS:
        rng = np.random.default_rng(seed)
        series = np.sort(rng.choice(series, VALIDATION_WINDOWS, replace=False))
    batch = data.gather(series, lengths[series] - data.length)
    batch.targets[:, :-holdout] = np.nan
    return batch
