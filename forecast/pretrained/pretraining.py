"""How the pretrained network is made: from a seed and generated series alone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from forecast.data.frequency import parse
from forecast.inference import serialization
from forecast.inference.bounds import to_bounds
from forecast.inference.config import Config
from forecast.inference.members import Core
from forecast.inference.predictor import Predictor
from forecast.nn.layers import SCORES
from forecast.pretrained.expected_errors import SCHEMA, UNSEEN, expected_errors, generated_panel
from forecast.pretrained.generated_windows import GeneratedBatch, draw_batch
from forecast.pretrained.practised import with_seasons
from forecast.training.plan import Plan

if TYPE_CHECKING:
    from forecast.training.stream_fit import WeightedBatch


class Stage(NamedTuple):
    """A part of the pretraining, with a cosine decay of its own.

    Attributes:
        steps: gradient steps.
        rate: initial learning rate.
    """

    steps: int
    rate: float


STAGES = (Stage(9_000, 4e-3), Stage(3_000, 1.5e-3))  # of the shipped weights
STEPS = sum(stage.steps for stage in STAGES)
SEASONS = (12, 0)  # of the series whose state the file holds


def pretraining_config(units: int, layers: int, cell: str) -> Config:
    """What the network is made of, for monthly series."""
    config = Config(
        schema=SCHEMA,
        frequency=parse("1"),
        season=1,
        network="seasonal",
        head="quantiles",
        cell=cell,
        score=SCORES[0],
        layers=layers,
        units=units,
        residual=layers > 1,
        lags=(),
        cycles=(),
        holidays=None,
        known=(),
        static=(),
        powers=(1.0,),
        context=1,
        horizon=1,
        bounds=(to_bounds("none"),),
        direct=True,
    )
    return with_seasons(config, SEASONS)


def pretraining_plan(config: Config, stage: Stage) -> Plan:
    """How the network is trained; contexts and horizons vary from batch to batch."""
    steps = stage.steps
    return Plan(
        layers=config.layers,
        units=config.units,
        dropout=0.0,
        context=config.context,
        windows="random",
        feedback=("free",),
        schedule="linear",
        teacher_forcing_ratio=(0.0, 0.0),
        mixing="exact",
        mix_by="step",
        train_horizon=config.horizon,
        holdout=0,
        batch_size=1,
        steps=steps,
        rounds=max(steps // 50, 1),
        patience=steps,
        learning_rate=stage.rate,
        gradient_clip=1.0,
    )


def ship(path: Path, config: Config, weights: dict[str, np.ndarray], seed: int) -> None:
    """Write the file that comes with the package: weights, and what errors to expect of them.

    Its state is that of a few generated series; a forecast of a table takes none of it.
    """
    panel = generated_panel(np.random.default_rng([seed, UNSEEN]), 3, 60, SEASONS)
    state = Predictor.after(panel, Core(config, weights)).state
    expected = expected_errors(config, weights, seed)
    serialization.save(path, Core(config, weights), state, {}, expected)


def generated_batches(
    first: int, seed: int, without: tuple[str, ...] = ()
) -> Iterator[WeightedBatch]:
    """Batches from a number on; each depends on the seed and its number alone."""
    for number in count(first):
        batch = draw_batch(np.random.default_rng([seed, number]), without)
        yield _as_weighted(batch)


def _as_weighted(batch: GeneratedBatch) -> WeightedBatch:
    from forecast.training.keras_model import VariedInputs
    from forecast.training.stream_fit import WeightedBatch

    inputs = VariedInputs(
        batch.values,
        batch.step_features,
        np.ones(len(batch.values), bool),
        np.int32(batch.context),
        np.array(batch.lags, np.int32),
    )
    return WeightedBatch(inputs, batch.targets, batch.weights)
