"""The errors of a network on generated series that it has not seen, relative to its own spread."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from forecast.data.frequency import parse
from forecast.data.panel import Panel
from forecast.data.schema import Schema
from forecast.evaluation.holdout import calibrate
from forecast.inference.config import Config
from forecast.inference.conformal import Calibration, evenly_spaced
from forecast.inference.members import Core
from forecast.pretrained.practised import KINDS, Kind, with_seasons
from forecast.pretrained.prior.mixture import draw
from forecast.pretrained.prior.seasons import Seasons
from forecast.pretrained.zero_shot import with_theta

SERIES = 200  # of each kind and length
SCORES = 200  # kept of each step
UNSEEN = 1_000_000  # beyond the numbers of all batches that were trained on
SCHEMA = Schema("long", "id", "step", ("y",), "int64", "int64")


def expected_errors(config: Config, weights: dict[str, np.ndarray], seed: int) -> Calibration:
    """The calibration of a network on generated series of all kinds, short and long.

    Args:
        config, weights: of the network.
        seed: of its training.
    """
    kinds = [kind for kind in KINDS if kind.seasons[0]]
    parts = [
        _of_kind(config, weights, kind, rows, [seed, UNSEEN + k, rows])
        for k, kind in enumerate(kinds)
        for rows in (kind.rows[0], math.isqrt(kind.rows[0] * kind.rows[1]), kind.rows[1])
    ]
    longest = max(part.steps for part in parts)
    scores = []
    for step in range(longest):
        pooled = np.concatenate([part.scores[step] for part in parts if part.steps > step])
        scores.append(evenly_spaced(pooled, SCORES))
    return Calibration(np.array(scores, np.float32))


def _of_kind(
    config: Config, weights: dict[str, np.ndarray], kind: Kind, rows: int, seed: list[int]
) -> Calibration:
    """The calibration on series of one kind, with so many rows of history at least."""
    rng, steps = np.random.default_rng(seed), kind.horizon[1]
    panel = generated_panel(rng, SERIES, rows + steps, kind.seasons)
    own = replace(with_seasons(config, kind.seasons), frequency=panel.frequency)
    calibration, _ = calibrate(panel, with_theta(Core(own, weights)), steps, within=steps)
    if calibration is None:
        raise ValueError(f"no value of the kind {kind} was observed")
    return calibration


def generated_panel(
    rng: np.random.Generator, series: int, rows: int, seasons: tuple[int, int]
) -> Panel:
    """Series of the prior as a panel, without those that begin or end with missing values."""
    drawn = draw(rng, series, rows, Seasons(*seasons))
    return Panel(
        ids=np.arange(series),
        indptr=np.arange(series + 1) * rows,
        start=np.zeros(series, np.int64),
        target=drawn.reshape(-1, 1).astype(np.float64),
        frequency=parse("1"),
        schema=SCHEMA,
    )
