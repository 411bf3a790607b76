"""A model of a table without training: the pretrained network, and the state of the table's series.

All that is specific to the table is its columns, its seasons, the scale of each series, and how
large the errors of the network on its own history were.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib.resources import as_file, files
from typing import Any

import numpy as np

from forecast.data import scaling
from forecast.data.panel import Panel
from forecast.errors import OptionError
from forecast.evaluation.holdout import calibrate
from forecast.inference import serialization
from forecast.inference.bounds import infer, to_bounds
from forecast.inference.config import Config
from forecast.inference.conformal import Calibration
from forecast.inference.predictor import Predictor
from forecast.inference.serialization import ModelParts
from forecast.nn import seasonal
from forecast.pretrained.practised import with_seasons
from forecast.training.options import is_auto

HISTORY_SHARE = 3  # a calibration leaves a third of a typical series as history
EXPECTED_SCORES = 100  # that the errors on generated series count for, at each step
FILE = "pretrained.forecast"  # beside this module


@cache
def shipped() -> ModelParts:
    """The pretrained network, as it comes with the package."""
    with as_file(files("forecast.pretrained") / FILE) as path:
        return serialization.load(path)


def zero_shot(panel: Panel, season: int | None = None, bounds: Any = "auto") -> Predictor:
    """The pretrained network with the state of a panel's series after their last rows.

    Args:
        panel: of one target, without covariates.
        season: steps in a season; by default that of the frequency.
        bounds: of forecasts; by default inferred.

    Raises:
        OptionError: if the panel has several targets or covariates.
        DataError: if a series has no observed value.
    """
    _refuse_what_needs_training(panel)
    config = zero_shot_config(panel, season, bounds)
    predictor = Predictor.after(panel, config, shipped().weights)
    return replace(predictor, calibration=calibration_of(panel, predictor))


def zero_shot_config(panel: Panel, season: int | None = None, bounds: Any = "auto") -> Config:
    """What the model is made of; the arguments are those of `zero_shot`."""
    steps = season or panel.frequency.season_length
    seasons = seasonal.pair(steps, panel.frequency.seasons, int(panel.lengths.max()))
    config = with_seasons(shipped().config, seasons)
    inferred = infer(panel, scaling.choose_power(panel))
    own = inferred if is_auto(bounds) else to_bounds(bounds)
    usual = scaling.usual_spreads(panel.target, panel.indptr, config.context, config.powers)
    return replace(
        config,
        schema=panel.schema,
        frequency=panel.frequency,
        bounds=(own,),
        usual_spreads=usual,
    )


def calibration_of(panel: Panel, predictor: Predictor) -> Calibration | None:
    """The errors of rollouts over a panel's own rows, and those over generated series.

    Nothing was fitted to the panel, so every cutoff is an honest one. Where there are few, the
    generated series count most.
    """
    typical = int(np.median(panel.lengths))
    steps = min(predictor.config.horizon, typical // HISTORY_SHARE)
    own = None
    if steps:
        own, _ = calibrate(panel, predictor.config, predictor.weights, steps)
    expected = shipped().calibration
    if own is None or expected is None:
        return own or expected
    return own.joined(expected, EXPECTED_SCORES)


def _refuse_what_needs_training(panel: Panel) -> None:
    """Raise OptionError where a table holds more than the pretrained network takes."""
    if len(panel.schema.targets) > 1:
        raise OptionError(
            f"the pretrained network forecasts one target, not {list(panel.schema.targets)}; "
            "choose one with --target, or train"
        )
    names = [*panel.known.names, *panel.static.names]
    if names:
        raise OptionError(f"the pretrained network takes no covariates such as {names}; train")
