"""What all work on parts of many series shares; it is of use without PyArrow too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from forecast.inference.predictor import Predictor

ROWS = 200_000  # that are worked on together, give or take a series


def travelling(model: Predictor) -> Predictor:
    """The model without the states of the series that it was trained on, but one.

    Those of static covariates stay, since they are what is known of the covariates.
    """
    if model.config.static:
        return model
    return replace(model, state=model.state.take(np.zeros(1, np.int64)))
