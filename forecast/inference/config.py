"""The configuration of a model: everything besides its weights and state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from forecast.data import scaling
from forecast.data.covariates import Covariate
from forecast.data.frequency import Frequency, Integers, parse
from forecast.data.holidays import is_holiday
from forecast.data.io.field_types import check_fields
from forecast.data.scaling import Scale, UsualSpread
from forecast.data.schema import Schema
from forecast.inference.bounds import Bounds, between
from forecast.inference.season_phases import PHASES, season_phases
from forecast.nn import HEADS, NETWORKS, step_inputs
from forecast.nn.layers import Sizes
from forecast.nn.step import Blueprint

# Left out of a file where they are empty: older models keep their fingerprints.
ADDED = ("usual_spreads", "seasons", "direct", "reads", "histories")
ADDED_TO_SCHEMA = ("unused", "turned", "decimals")


@dataclass(frozen=True)
class Config:
    """The recorded choices of a trained model.

    Attributes:
        schema: the columns of the user's table.
        frequency: spacing of the time steps.
        season: steps in a season, the period of the seasonal naive forecast.
        network, head: entries of NETWORKS and HEADS.
        cell: an entry of CELLS.
        score: of attention, an entry of SCORES.
        layers, units: sizes of the network.
        residual: whether layers above the first add their input to their output.
        lags: past steps that are inputs besides the last value.
        cycles: calendar cycles that are inputs.
        holidays: country, or part of one, whose public holidays are an input; None for none.
        known: future covariates.
        static: static covariates, with one value per series.
        powers: exponent of the transform of each target, 0 for the logarithm.
        context: last steps of a series that set its scale.
        horizon: steps that training has practised; forecasts may have more, which is reported.
        bounds: of the forecasts of each target, unless others are given.
        seasons: steps of the shorter and of the longer season whose phases are inputs, see
            `nn.seasonal.lags`; empty for a network that takes none.
        direct: whether the quantiles of each step of a rollout are those of its value, see
            `nn.step.Blueprint`.
        reads: the last rows of a history that the network reads, with the lags before them unless
            `reads_alone`; 0 for all, as a network needs that carries its state from window to
            window in training.
        histories: whether it was trained on histories as the pretrained network was.
        usual_spreads: of each target, for series that cannot tell their own scale; empty where
            they are not known, as of models of earlier versions.
    """

    schema: Schema
    frequency: Frequency
    season: int
    network: str
    head: str
    cell: str
    score: str
    layers: int
    units: int
    residual: bool
    lags: tuple[int, ...]
    cycles: tuple[str, ...]
    holidays: str | None
    known: tuple[Covariate, ...]
    static: tuple[Covariate, ...]
    powers: tuple[float, ...]
    context: int
    horizon: int
    bounds: tuple[Bounds, ...]
    usual_spreads: tuple[UsualSpread, ...] = ()
    seasons: tuple[int, ...] = ()
    direct: bool = False
    reads: int = 0
    histories: bool = False

    @property
    def reads_alone(self) -> bool:
        """Whether nothing is to be known from before the rows that the network reads."""
        return self.direct or self.histories

    @property
    def targets(self) -> int:
        """How many values a step forecasts, D."""
        return len(self.schema.targets)

    @property
    def step_features(self) -> int:
        """How many inputs of a step are known in advance, K: its calendar and covariates."""
        return self.covariates.stop + (self.targets if self.counts else 0)

    @property
    def calendar_features(self) -> int:
        """How many of the step features come from the calendar."""
        return PHASES * len(self.seasons) + 2 * len(self.cycles) + (self.holidays is not None)

    @property
    def covariates(self) -> range:
        """Which of the step features come from covariates."""
        first = self.calendar_features
        width = sum(covariate.width for covariate in (*self.known, *self.static))
        return range(first, first + width)

    def calendar(self, ordinals: Integers) -> np.ndarray:
        """Calendar features of times: phases of seasons, cycles, and whether they are holidays.

        Args:
            ordinals: of any shape (...).

        Returns:
            float32 (..., `calendar_features`).

        Raises:
            ForecastError: the package `holidays` is needed, and is not installed.
        """
        parts = [self.frequency.calendar(ordinals, self.cycles)]
        if self.seasons:
            parts.insert(0, season_phases(self.frequency.numbers(ordinals), self.seasons))
        if self.holidays is not None:
            free = is_holiday(self.schema, self.frequency, ordinals, self.holidays)
            parts.append(free[..., None])
        return np.concatenate(parts, axis=-1, dtype=np.float32) if len(parts) > 1 else parts[0]

    @property
    def counts(self) -> bool:
        """Whether the targets are counts, scaled by a unit alone."""
        return bool(HEADS[self.head].COUNTS)

    @property
    def measure(self) -> Callable[[np.ndarray], Scale]:
        """How the scale of a series is measured."""
        if self.counts:
            return scaling.measure_counts
        return partial(scaling.measure, powers=self.powers, usual=self.usual_spreads)

    @property
    def inputs(self) -> int:
        """How many numbers a step takes, F."""
        flags = NETWORKS[self.network].LAG_FLAGS
        return step_inputs.width(self.targets, self.lags, self.step_features, flags)

    @property
    def outputs(self) -> int:
        """How many raw parameters a step gives."""
        return int(HEADS[self.head].PARAMETERS) * self.targets

    @property
    def blueprint(self) -> Blueprint:
        """What the model's step is made of."""
        sizes = Sizes(
            inputs=self.inputs,
            outputs=self.outputs,
            step_features=self.step_features,
            units=self.units,
            layers=self.layers,
            cell=self.cell,
            context=self.context,
            horizon=self.horizon,
            score=self.score,
            residual=self.residual,
        )
        return Blueprint(self.network, self.head, sizes, self.lags, self.direct)

    def to_json(self) -> dict[str, Any]:
        """Plain values that `json` can write."""
        values = {**asdict(self), "frequency": self.frequency.name}
        own = ((values, name) for name in ADDED)
        added = (*own, *((values["schema"], name) for name in ADDED_TO_SCHEMA))
        for part, name in added:
            if not part[name]:
                del part[name]
        return values

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Config:
        """The inverse of `to_json`, also after a trip through JSON text.

        Raises:
            KeyError, TypeError, ValueError, AttributeError, ForecastError: if they are not those
                of a configuration.
        """
        config = cls(
            **{
                **values,
                "schema": Schema(**values["schema"]),
                "frequency": parse(values["frequency"]),
                "lags": tuple(values["lags"]),
                "seasons": tuple(values.get("seasons", ())),
                "cycles": tuple(values["cycles"]),
                "known": _covariates(values["known"]),
                "static": _covariates(values["static"]),
                "powers": tuple(values["powers"]),
                "bounds": tuple(between(*ends) for ends in values["bounds"]),
                "usual_spreads": tuple(UsualSpread(*u) for u in values.get("usual_spreads", ())),
            }
        )
        check_fields(config)
        return config


def _covariates(values: Any) -> tuple[Covariate, ...]:
    """Covariates from plain values."""
    return tuple(Covariate(**{**c, "categories": tuple(c["categories"])}) for c in values)
