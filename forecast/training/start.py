"""What a training starts from, where not from random weights."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Start(NamedTuple):
    """Weights that are good already.

    Attributes:
        weights: named arrays.
        rates: for some of them, arrays that are broadcast to them: how many times the learning
            rate each number learns at.
    """

    weights: dict[str, np.ndarray]
    rates: dict[str, np.ndarray]
