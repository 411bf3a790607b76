"""The place of steps within their seasons, as step features of the network `seasonal`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

PHASES = 4  # numbers for each season


def season_phases(numbers: np.ndarray, seasons: Sequence[int]) -> np.ndarray:
    """The place of steps within seasons, and the seasons' lengths.

    Args:
        numbers: of the steps, which follow each other by 1, (...).
        seasons: steps of each; 0 or 1 for none.

    Returns:
        float32 (..., PHASES * seasons): for each season the sine and the cosine of the place in it,
        half the logarithm of its length less 1, and 1; zeros for none.
    """
    features = np.zeros((*numbers.shape, PHASES * len(seasons)), np.float32)
    for k, season in enumerate(seasons):
        if season > 1:
            angle = 2 * np.pi * (numbers % season) / season
            own = (np.sin(angle), np.cos(angle), np.log(season) / 2 - 1, 1.0)
            for place, feature in enumerate(own):
                features[..., PHASES * k + place] = feature
    return features
