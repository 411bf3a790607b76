"""A model of a table without training: the pretrained network, and the state of the table's series.

Forecasts of monthly and longer steps are averaged with those of the theta method. All that is
specific to the table is its columns, its seasons, the scale of each series, what theta fits to it,
and how large the errors on its own history were. To forecast series of a kind that a network was
not trained on is called zero-shot.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib.resources import as_file, files
from typing import Any

import numpy as np

from forecast.data import scaling
from forecast.data.panel import Panel
from forecast.errors import OptionError, first_few
from forecast.evaluation.holdout import calibrate
from forecast.inference import serialization
from forecast.inference.bounds import Bounds, infer, to_bounds
from forecast.inference.config import Config
from forecast.inference.conformal import EXPECTED_SCORES, Calibration
from forecast.inference.members import Core, NetworkMember
from forecast.inference.predictor import Predictor
from forecast.inference.serialization import ModelParts
from forecast.inference.theta_member import ThetaMember
from forecast.nn import seasonal
from forecast.pretrained.practised import KINDS, enough_rows, is_practised, with_seasons
from forecast.training.options import is_auto

HISTORY_SHARE = 3  # a calibration leaves a third of a typical series as history
MOST_CUTOFFS = 10  # horizons in which the cutoffs of a calibration lie, at the end of a series
STRAY, MIN_AROUND = 20, 10  # times as far from the median as the third farthest of so many values
SAMPLED_SERIES = 300  # that tell whether spreads grow with levels
MIN_VALUES = 3  # of a series, below which little is known of it
THETA_SHARE = 0.4  # of a forecast, where the theta method takes part
MAX_SEASON = 100_000  # steps; lags reach back to twice as many
THETA_SEASON = 12  # steps in a season, up to which it does
FILE = "pretrained.forecast"  # beside this module


@cache
def shipped() -> ModelParts:
    """The pretrained network, as it comes with the package."""
    with as_file(files("forecast.pretrained") / FILE) as path:
        return serialization.load(path)


def zero_shot(
    panel: Panel,
    season: int | None = None,
    bounds: Any = "auto",
    calibrated: bool = True,
    members: int | None = None,
) -> Predictor:
    """The pretrained network with the state of a panel's series after their last rows.

    Of a long series only the last rows are read, see `practised.enough_rows`.

    Args:
        panel: of one target, without covariates.
        season: steps in a season; by default that of the frequency.
        bounds: of forecasts; by default inferred.
        calibrated: whether intervals will be wanted: to calibrate them takes longer than a
            forecast.
        members: 1 for the network alone; by default the theta method takes part where it helps.

    Raises:
        OptionError: if the panel has several targets or covariates.
        DataError: if a series has no observed value.
    """
    _refuse_what_needs_training(panel)
    core = Core(zero_shot_config(panel, season, bounds), shipped().weights)
    if members != 1:
        core = with_theta(core)
    predictor = Predictor.after(_recent(panel, core.config), core)
    if not calibrated:
        return predictor
    return replace(predictor, calibration=calibration_of(panel, predictor))


def with_theta(core: Core) -> Core:
    """The network averaged with the theta method, where steps are long.

    Of steps of a day or less theta is so much worse that a mean with it is, too; weeks were not
    measured.

    Args:
        core: the network alone.
    """
    frequency, season = core.config.frequency, core.config.season
    if frequency.unit not in ("month", "integer") or season > THETA_SEASON:
        return core
    shares = (1.0 - THETA_SHARE, THETA_SHARE)
    return Core(core.config, core.weights, (ThetaMember(season),), shares)


def pretrained_member(panel: Panel, season: int) -> NetworkMember:
    """The pretrained network as a further member of a model of a panel's first target."""
    config = zero_shot_config(panel, season)
    return NetworkMember(replace(config, reads=enough_rows(config.seasons)), shipped().weights)


def as_of(predictor: Predictor, panel: Panel, history: Panel) -> Predictor:
    """A zero-shot model as it would have been at an earlier time.

    Nothing of it depends on later rows: neither its usual spreads, nor its limits, nor its
    calibration. Limits that the whole panel suggests were inferred, so they are inferred again;
    others were given, and stay.

    Args:
        predictor: made by `zero_shot`, or read from a file.
        panel: rows of series.
        history: those of them that may be known.
    """
    config = predictor.config
    bounds = "auto" if config.bounds[0] == _suggested(panel) else config.bounds[0]
    own = replace(zero_shot_config(history, config.season, bounds), schema=config.schema)
    core = Core(own, predictor.weights, predictor.others, predictor.shares)
    earlier = Predictor.after(_recent(history, own), core)
    return replace(earlier, calibration=calibration_of(history, earlier))


def zero_shot_config(panel: Panel, season: int | None = None, bounds: Any = "auto") -> Config:
    """What the model is made of; the arguments are those of `zero_shot`."""
    if season is not None and season > MAX_SEASON:
        raise OptionError(f"season is {season:,}; it must be at most {MAX_SEASON:,} steps")
    steps = season or panel.frequency.season_length
    both = seasonal.pair(steps, panel.frequency.seasons, int(panel.lengths.max()))
    is_known = any(kind.seasons == both for kind in KINDS)
    config = with_seasons(shipped().config, both if is_known else (steps, 0))
    own = _suggested(panel) if is_auto(bounds) else to_bounds(bounds)
    usual = scaling.usual_spreads(panel.target, panel.indptr, config.context, config.powers)
    return replace(
        config,
        schema=panel.schema,
        frequency=panel.frequency,
        bounds=(own,),
        usual_spreads=usual,
    )


def _recent(panel: Panel, config: Config, more: int = 0) -> Panel:
    """The last rows of each series: enough for a forecast, and some more.

    Missing values at the end do not count, so each series keeps an observed one.
    """
    enough = enough_rows(config.seasons) + more + panel.missing_at_end
    rows = np.minimum(panel.lengths, enough)
    return panel.cut(np.arange(len(rows)), rows, panel.lengths - rows)


def _suggested(panel: Panel) -> Bounds:
    """The limits of forecasts that the values of a panel suggest."""
    some = np.unique(np.linspace(0, len(panel.ids) - 1, SAMPLED_SERIES).astype(int))
    return infer(panel, scaling.choose_power(panel.take(some)))


def shortcomings(panel: Panel, config: Config) -> Iterator[str]:
    """Says where a panel is not of the kind that the network was pretrained on.

    Args:
        panel: the series.
        config: of the model of it.
    """
    if not is_practised(config.season):
        yield (
            f"the pretrained network has not practised a season of {config.season:,} steps: "
            "compare it with baselines, by forecast backtest TABLE --horizon N --model pretrained, "
            "or train"
        )
    recent = _recent(panel, config)
    if len(strays := _strays(recent)):
        series = np.searchsorted(recent.indptr, strays, side="right") - 1
        row, first = int(strays[0]), int(series[0])
        time = recent.start[first] + (row - recent.indptr[first]) * recent.frequency.step
        many = "1 series has" if len(strays) == 1 else f"{len(strays):,} series have"
        yield (
            f"{many} a value far from all others ('{recent.ids[first]}': "
            f"{recent.target[row, 0]:,.12g} at {recent.schema.text(recent.frequency, int(time))}): "
            "correct it or leave it empty, since the forecast is made in units of the spread"
        )
    observed = np.add.reduceat(~np.isnan(panel.target[:, 0]), panel.indptr[:-1])
    is_short = observed < MIN_VALUES
    if is_short.any():
        few = "1 series has" if is_short.sum() == 1 else f"{is_short.sum():,} series have"
        yield (
            f"{few} fewer than {MIN_VALUES} values ({first_few(panel.ids[is_short])}): little more "
            "than the last value is known of what follows"
        )


def _strays(panel: Panel) -> np.ndarray:
    """Rows whose value is far from all others of its series, at most one of each."""
    rows = []
    for first, end in zip(panel.indptr[:-1], panel.indptr[1:], strict=True):
        values = panel.target[first:end, 0]
        known = values[~np.isnan(values)]
        if len(known) >= MIN_AROUND:
            apart = np.nan_to_num(np.abs(values - np.median(known)))
            third, _, largest = np.partition(apart, [-3, -2, -1])[-3:]
            if largest > STRAY * third > 0:
                rows.append(first + int(apart.argmax()))
    return np.array(rows, np.int64)


def calibration_of(panel: Panel, predictor: Predictor) -> Calibration | None:
    """The errors of rollouts over a panel's own rows, and those over generated series.

    Nothing was fitted to the panel, so every cutoff is an honest one: those that leave enough rows
    before them, or where there are none such, the last ones. Where they are few, the generated
    series count most.
    """
    config, typical = predictor.config, int(np.median(panel.lengths))
    steps, history = min(config.horizon, typical // HISTORY_SHARE), enough_rows(config.seasons)
    expected = shipped().calibration
    if not steps:
        return expected
    within = int(np.clip(typical - history, steps, MOST_CUTOFFS * steps))
    recent = _recent(panel, config, within)
    calibration, _ = calibrate(recent, predictor, steps, within, history, expected)
    return calibration


def evidence(calibration: Calibration) -> str:
    """Says whose errors set the widths of intervals.

    Args:
        calibration: see `calibration_of`.
    """
    own = np.isfinite(calibration.scores[..., 0]).sum(axis=1) - EXPECTED_SCORES
    own = own[own > 0]
    if not len(own):
        return "intervals: from errors on generated series, since the table has too few rows"
    steps = "step" if len(own) == 1 else f"{len(own)} steps"
    return (
        f"intervals: for the first {steps} from {own.min():,} errors or more over the table's last "
        f"rows and {EXPECTED_SCORES} on generated series, beyond from the latter alone"
    )


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
