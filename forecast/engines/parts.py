"""How many rows are worked on at a time, and the model that works on them.

Apart from the engines, since stores of states and services need it where PyArrow is missing.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from forecast.inference.predictor import Predictor

ROWS = 200_000  # that are worked on together, give or take a series


def without_states(model: Predictor) -> Predictor:
    """The model without the states of its series, small enough to be sent to workers.

    The state of one series stays, since a model has one. With static covariates all stay, since
    they are what is known of the covariates.
    """
    if model.config.static:
        return model
    return replace(model, state=model.state.take(np.zeros(1, np.int64)))
