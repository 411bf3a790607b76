"""Training windows of generated series: histories of many lengths and seasons, and their future.

All series of a batch share their seasons and their number of rows, so no row is padding; from
batch to batch both vary.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from forecast.data import scaling
from forecast.inference.season_phases import season_phases
from forecast.nn import seasonal, step_inputs
from forecast.pretrained.practised import ANY_SEASON, KINDS, scale_rows
from forecast.pretrained.prior.mixture import draw
from forecast.pretrained.prior.seasons import Seasons
from forecast.training.histories import MAX_SCALED
from forecast.training.loss_weights import loss_weights

ROWS = 24_000  # of a batch, all series together
MIN_SERIES, MAX_SERIES = 32, 512  # of a batch


class GeneratedBatch(NamedTuple):
    """B windows of T steps, of which the first C are the history."""

    values: np.ndarray  # (B, L + T, 1) float32, scaled, NaN where missing
    step_features: np.ndarray  # (B, T, K) float32
    targets: np.ndarray  # (B, T, 1) float32, 0 where missing
    weights: np.ndarray  # (B, T) float32, of the losses; 0 where missing
    context: int  # C
    lags: tuple[int, ...]


def draw_batch(rng: np.random.Generator, without: tuple[str, ...] = ()) -> GeneratedBatch:
    """A batch of one kind of series.

    Args:
        rng: the source of randomness.
        without: families of the prior that are left out.
    """
    kind = KINDS[rng.choice(len(KINDS), p=[kind.share for kind in KINDS])]
    seasons = kind.seasons if kind.seasons[0] else (_any_season(rng), 0)
    low, high = kind.rows
    rows = int(np.exp(rng.uniform(np.log(low), np.log(high + 1))))
    horizon = int(rng.integers(kind.horizon[0], kind.horizon[1] + 1))
    series = int(np.clip(ROWS // (rows + horizon), MIN_SERIES, MAX_SERIES))
    drawn = draw(rng, series, rows + horizon, Seasons(*seasons), without=without)
    return windows_of(drawn, rows, seasons, rng)


def _any_season(rng: np.random.Generator) -> int:
    """One of ANY_SEASON; short ones are as frequent as those that are several times as long."""
    return int(np.exp(rng.uniform(np.log(ANY_SEASON.start), np.log(ANY_SEASON.stop))))


def windows_of(
    drawn: np.ndarray, rows: int, seasons: tuple[int, int], rng: np.random.Generator
) -> GeneratedBatch:
    """The windows of drawn series.

    Args:
        drawn: values (B, T), NaN where missing.
        rows: of the history, C.
        seasons: of the series.
        rng: of the place within the seasons at which the windows begin.
    """
    history = drawn[:, :rows, None]
    scale = scaling.measure(history[:, -scale_rows(seasons[0]) :])
    is_usable = ~np.isnan(history).all(axis=(1, 2)) & np.isfinite(scale.scale[:, 0])
    scaled = np.clip(scaling.forward(drawn[..., None], scale), -MAX_SCALED, MAX_SCALED)
    lags = seasonal.lags(seasons)
    lead = np.full((len(scaled), step_inputs.lead(lags), 1), np.nan, np.float32)
    numbers = np.arange(drawn.shape[1]) + rng.integers(10_000)
    features = season_phases(numbers, seasons)
    weights = loss_weights(scaled[..., 0], rows, seasons[0]) * is_usable[:, None]
    return GeneratedBatch(
        values=np.concatenate([lead, scaled], axis=1),
        step_features=np.broadcast_to(features, (len(scaled), *features.shape)),
        targets=np.nan_to_num(scaled),
        weights=np.where(np.isnan(scaled[..., 0]), 0.0, weights).astype(np.float32),
        context=rows,
        lags=lags,
    )
