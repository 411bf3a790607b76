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
from forecast.nn import NETWORKS
from forecast.training.callbacks import (
    BestWeights,
    CosineDecay,
    FeedbackPhase,
    Interrupt,
    NotWorse,
    ProgressLog,
    TimeBudget,
)
from forecast.training.feedback import REGIMES, free_running, teacher_forcing
from forecast.training.histories import (
    Histories,
    HistoryBatch,
    random_histories,
    validation_histories,
)
from forecast.training.keras_model import (
    ModelInputs,
    RaggedInputs,
    TrainableNetwork,
    masked_loss,
    weighted_loss,
)
from forecast.training.ordered_sums import ordered_sums
from forecast.training.plan import Plan
from forecast.training.progress import Ending, PlanChange, Progress
from forecast.training.start import Start
from forecast.training.windows import SAMPLERS, Batch, Windows

VALIDATION_WINDOWS = 512  # series looked at for the validation loss, drawn once
AHEAD = 2  # batches that are ready before they are needed

AnyBatch = Batch | HistoryBatch


@dataclass(frozen=True)
class Fitted:
    """What a training run leaves behind.

    Attributes:
        weights: named arrays.
        rounds: the progress after each round.
        ended: "planned", "early" (validation loss no longer fell), "budget" or "interrupted".
        kept_step: the gradient step that the weights are of.
        phases: the feedback regimes that were active.
        phase_starts: gradient steps before each of them.
        changes: when and how far the budget has lowered the planned steps.
    """

    weights: dict[str, np.ndarray]
    rounds: tuple[Progress, ...]
    ended: Ending
    kept_step: int
    phases: tuple[str, ...]
    phase_starts: tuple[int, ...] = (0,)
    changes: tuple[PlanChange, ...] = ()


class Adam(keras.optimizers.Adam):  # type: ignore[misc]  # Keras has no type hints
    """Adam (Kingma & Ba 2015) on one machine.

    Attributes:
        rates: for some of the trainable variables, by their positions, multiples of the learning
            rate that are broadcast to the variable.
    """

    def __init__(self, learning_rate: float, gradient_clip: float) -> None:
        """Learn everything at the same rate."""
        super().__init__(learning_rate, global_clipnorm=gradient_clip)
        self.rates: dict[int, Any] = {}

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Change a variable, each part of it at its own rate."""
        rate = self.rates.get(self._get_variable_index(variable))
        super().update_step(
            gradient, variable, learning_rate if rate is None else learning_rate * rate
        )

    def _all_reduce_sum_gradients(self, grads_and_vars: Any) -> Any:
        """Leave out the sum over replicas, of which there is one.

        TensorFlow keeps its gradient, and with it the graph of every training, until the end.
        """
        return grads_and_vars


def fit(
    config: Config,
    plan: Plan,
    windows: Windows | Histories,
    seed: int,
    budget: float,
    listener: Callable[[Progress], None] | None = None,
    inspect: Callable[[Progress, Callable[[], dict[str, np.ndarray]]], None] | None = None,
    start: Start | None = None,
) -> Fitted:
    """Train one network, under the feedback regimes that are planned.

    Args:
        config: what the model is made of.
        plan: sizes and lengths of the run.
        windows: of the panel. Training sees all but the last 2 * holdout rows of each series; the
            first half of those are the validation rows, the others are not touched.
        seed: of weights, dropout and windows.
        budget: seconds that training may take, see `TimeBudget`.
        listener: called with the progress after each round.
        inspect: called then too, with the progress and what gives the weights by then; what it
            raises ends the training.
        start: what training starts from, see `NotWorse`; by default random weights.
    """
    model = make_network(config, plan, seed, windows)
    loss = weighted_loss if isinstance(windows, Histories) else masked_loss
    model.compile(optimizer=Adam(plan.learning_rate, plan.gradient_clip), loss=loss(config.head))
    model.optimizer.build(model.trainable_variables)  # else the step would be traced twice
    decay = CosineDecay(plan.learning_rate, plan.steps)
    limit = TimeBudget(budget, decay, phase_at=lambda progress: plan.phase(progress)[0])

    def report(progress: Progress) -> None:
        if listener:
            listener(progress)
        if inspect:
            inspect(progress, model.export)

    log = ProgressLog(decay, report)
    best = BestWeights(plan, decay) if start is None else NotWorse(plan, decay)
    lengths = np.diff(windows.indptr)
    validation = _validation(windows, lengths - plan.holdout, plan.holdout, seed)
    interrupt = Interrupt()
    interrupted = False
    try:
        with interrupt.watching(), ordered_sums():
            if start is not None:
                model.assign(start.weights)
            rates = covariate_rates(config, plan) if start is None else start.rates
            model.optimizer.rates = _by_position(model, rates)
            if isinstance(best, NotWorse) and validation:
                best.begin(model, _loss_of(model, validation))
            model.fit(
                stream(lambda: batches(windows, lengths - 2 * plan.holdout, plan, seed)),
                steps_per_epoch=plan.steps_per_round,
                epochs=-(-plan.steps // plan.steps_per_round),
                validation_data=stream(lambda: repeat(validation)) if validation else None,
                validation_steps=1,
                callbacks=[decay, FeedbackPhase(plan, decay), log, limit, best, interrupt],
                shuffle=False,
                verbose=0,
            )
    except KeyboardInterrupt:
        interrupted = True
        log.end()
    best.restore()
    ended: Ending = "interrupted" if interrupted else "budget" if limit.changes else "planned"
    if best.stopped and not interrupted:
        ended = "early"
    phases, starts = plan.feedback[: best.phase + 1], tuple(best.phase_starts)
    kept_step = best.step if best.weights else log.last
    return Fitted(
        weights=model.export(),
        rounds=tuple(log.rounds),
        ended=ended,
        kept_step=kept_step,
        phases=phases,
        phase_starts=starts,
        changes=tuple(limit.changes),
    )


def covariate_rates(config: Config, plan: Plan) -> dict[str, np.ndarray]:
    """Multiples of the learning rate for the kernels (F, .) that take covariates: (F, 1) each."""
    covariates, sizes = config.covariates, config.blueprint.sizes
    if not covariates or plan.covariate_rate == 1.0:
        return {}
    network, rates = NETWORKS[config.network], {}
    shapes = network.shapes(sizes)
    for name, first in network.feature_rows(sizes).items():
        rates[name] = np.ones((shapes[name][0], 1), np.float32)
        rates[name][first + covariates.start : first + covariates.stop] = plan.covariate_rate
    return rates


def make_network(
    config: Config, plan: Plan, seed: int, windows: Windows | Histories | None = None
) -> TrainableNetwork:
    """The network before its first step, under the regimes of the plan.

    Args:
        config, plan, seed: see `fit`.
        windows: which say how long a window and its context are; by default those planned.
    """
    lengths = windows or plan
    modules = [import_module(REGIMES[name].module) for name in plan.feedback]
    return TrainableNetwork(
        config.blueprint,
        [module.regime(plan) for module in modules],
        free_running.parameters if plan.feeds_back else teacher_forcing.parameters,
        window_length=lengths.window_length,
        context=lengths.context,
        lanes=plan.batch_size if plan.windows == "contiguous" else 0,
        dropout=plan.dropout,
        covariates=config.covariates,
        seed=seed,
    )


def batches(
    windows: Windows | Histories, lengths: np.ndarray, plan: Plan, seed: int
) -> Iterator[AnyBatch]:
    """Windows of the planned kind without end, from the first rows of each series, (S,)."""
    if isinstance(windows, Histories):
        return random_histories(windows, lengths, plan.batch_size, seed)
    return SAMPLERS[plan.windows](windows, plan.min_window_rows, lengths, plan.batch_size, seed)


def stream(make: Callable[[], Iterable[AnyBatch]]) -> tf.data.Dataset:
    """Batches as Keras takes them, gathered ahead of their step.

    Nothing tunes the dataset: an iterator that is given up would wait for the thread that does,
    which could take nearly as long again as the training. Nor is it made of a Python generator:
    for such a one TensorFlow tells the C library to give memory back at once, and each step asks
    the system for its memory anew.

    Args:
        make: begins anew to gather batches, without end, which are all of the same shapes.
    """
    types = tf.data.Dataset.from_tensors(_parts(next(iter(make())))).element_spec
    flat = tf.nest.flatten(types)
    source = iter(make())

    def gather(number: np.ndarray) -> list[np.ndarray]:
        nonlocal source
        if number == 0:
            source = iter(make())
        return list(tf.nest.flatten(_parts(next(source))))

    def batch(number: Any) -> Any:
        arrays = tf.numpy_function(gather, [number], [part.dtype for part in flat])
        for array, part in zip(arrays, flat, strict=True):
            array.set_shape(part.shape)
        return tf.nest.pack_sequence_as(types, arrays)

    options = tf.data.Options()
    options.autotune.enabled = False
    return tf.data.Dataset.range(tf.int64.max).map(batch).prefetch(AHEAD).with_options(options)


def _by_position(model: TrainableNetwork, by_name: dict[str, np.ndarray]) -> dict[int, np.ndarray]:
    """What belongs to some weights, by their positions among the trainable variables."""
    variables = model.variables_by_name()
    position = {id(variable): k for k, variable in enumerate(model.trainable_variables)}
    return {position[id(variables[name])]: array for name, array in by_name.items()}


def _parts(batch: AnyBatch) -> tuple[Any, ...]:
    """What the Keras model is given, what it is to predict, and perhaps what a loss counts for."""
    values, step_features = batch.values, batch.step_features
    if isinstance(batch, HistoryBatch):
        return RaggedInputs(values, step_features, batch.begins), batch.targets, batch.weights
    return ModelInputs(values, step_features, batch.resets), batch.targets


def _loss_of(model: TrainableNetwork, batch: AnyBatch) -> float:
    """The loss of a batch outside training."""
    values = model.evaluate(stream(lambda: repeat(batch)), steps=1, verbose=0, return_dict=True)
    return float(values["loss"])


def _validation(
    windows: Windows | Histories, lengths: np.ndarray, holdout: int, seed: int
) -> AnyBatch | None:
    """The windows for the validation loss, see `validation_batch`."""
    if isinstance(windows, Histories):
        return validation_histories(windows, lengths, holdout, seed)
    return validation_batch(windows, lengths, holdout, seed)


def validation_batch(
    windows: Windows, lengths: np.ndarray, holdout: int, seed: int
) -> Batch | None:
    """Windows that end at the given lengths, whose targets count as far as they are held out.

    None where nothing is held out, no series reaches that far, or nothing was observed there.
    """
    series = np.flatnonzero(lengths > holdout)
    if not holdout or not len(series):
        return None
    if len(series) > VALIDATION_WINDOWS:
        rng = np.random.default_rng(seed)
        series = np.sort(rng.choice(series, VALIDATION_WINDOWS, replace=False))
    batch = windows.gather(series, lengths[series] - windows.window_length)
    horizon = windows.window_length - windows.context  # all that an encoder-decoder forecasts
    batch.targets[:, : -min(holdout, horizon)] = np.nan
    return None if np.isnan(batch.targets).all() else batch
