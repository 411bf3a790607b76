"""The kinds of series that the network is pretrained on: their seasons, lengths and horizons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from forecast.inference.config import Config
from forecast.nn import seasonal

MIN_SCALE_ROWS = 12
SCALE_SEASONS = 3
ENOUGH_SEASONS, ENOUGH_ROWS = 12, (40, 500)  # of a history with one season
ANY_SEASON = range(2, 301)  # of kinds without one of their own


class Kind(NamedTuple):
    """Series that are practised together.

    Attributes:
        share: of all batches.
        seasons: steps of the shorter and of the longer one, see `nn.seasonal.lags`; (0, 0) for
            any of ANY_SEASON.
        rows: the fewest and the most of a history.
        horizon: the fewest and the most steps of a future.
    """

    share: float
    seasons: tuple[int, int]
    rows: tuple[int, int]
    horizon: tuple[int, int]


KINDS = (
    Kind(0.15, (1, 0), (5, 140), (4, 12)),
    Kind(0.17, (4, 0), (6, 180), (6, 16)),
    Kind(0.20, (12, 0), (8, 320), (12, 36)),
    Kind(0.05, (7, 0), (10, 420), (14, 42)),
    Kind(0.05, (7, 364), (370, 900), (14, 60)),
    Kind(0.04, (24, 0), (30, 360), (24, 60)),
    Kind(0.12, (24, 168), (180, 700), (24, 60)),
    Kind(0.02, (24, 168), (180, 700), (72, 168)),
    Kind(0.06, (52, 0), (30, 340), (13, 60)),
    Kind(0.03, (5, 0), (10, 400), (5, 30)),
    Kind(0.02, (48, 336), (350, 800), (24, 96)),
    Kind(0.02, (96, 672), (700, 1_400), (24, 96)),
    Kind(0.07, (0, 0), (10, 500), (6, 60)),
)


def scale_rows(season: int) -> int:
    """The last rows of a history that set its scale."""
    return max(SCALE_SEASONS * season, MIN_SCALE_ROWS)


def enough_rows(seasons: Sequence[int]) -> int:
    """The last rows of a history that a forecast is made from: more of them gain nothing.

    Args:
        seasons: of the series, see `nn.seasonal.lags`.
    """
    season, longer = seasons
    if longer:
        return longer + season
    return max(int(np.clip(ENOUGH_SEASONS * season, *ENOUGH_ROWS)), 2 * season + 1)


def longest_horizon(season: int) -> int:
    """The most steps that were practised with a season."""
    own = [kind.horizon[1] for kind in KINDS if kind.seasons[0] == season]
    return max(own or [kind.horizon[1] for kind in KINDS if not kind.seasons[0]])


def is_practised(season: int) -> bool:
    """Whether any of the series had such a season."""
    return season in ANY_SEASON or any(kind.seasons[0] == season for kind in KINDS)


def with_seasons(config: Config, seasons: tuple[int, int]) -> Config:
    """The configuration of the same network for series with other seasons."""
    return replace(
        config,
        season=seasons[0],
        seasons=seasons,
        lags=seasonal.lags(seasons),
        context=scale_rows(seasons[0]),
        horizon=longest_horizon(seasons[0]),
    )
