"""Forecasts from many cutoffs (a rolling origin), next to the actuals and to baselines."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from forecast.data.future_covariates import FutureCovariates
from forecast.data.panel import Panel
from forecast.errors import DataError, OptionError, require_whole
from forecast.evaluation.baselines import BASELINES, naive
from forecast.evaluation.cutoff_forecasts import CUTOFF, FORECAST, ID, CutoffForecasts, Past
from forecast.evaluation.metrics import seasonal_differences, seasonal_scale
from forecast.evaluation.statsforecast_baselines import is_installed
from forecast.inference.config import Config
from forecast.inference.intervals import (
    IntervalSource,
    has_level,
    interval_source,
    prediction_intervals,
)
from forecast.inference.plausibility import ranges, unpractised_steps
from forecast.inference.predictor import Predictor
from forecast.inference.request import RolloutRequest, as_levels
from forecast.inference.rollout import RolloutEngine, faster_runtime
from forecast.inference.state import State
from forecast.inference.state import join as join_states

DEFAULT_CUTOFFS = 10
DEFAULT_LEVELS = (20.0, 40.0, 60.0, 80.0, 95.0)  # of intervals
MAX_STATE_VALUES = 50_000_000  # of states that are rolled out together
MAX_ROLLOUTS = {"naive2": 5_000, "auto_ets": 100, "auto_theta": 100}  # of baselines by default


class Origin(NamedTuple):
    """A cutoff: the state of the series that have begun by then.

    Attributes:
        rows_after: rows of each series after the cutoff.
        series: places of those series in the panel (R,).
        state: of them, in that order.
    """

    rows_after: int
    series: np.ndarray
    state: State


class CutoffRequest(NamedTuple):
    """What is asked of each cutoff.

    Attributes:
        horizon: steps H.
        levels: widths of intervals in percent.
        source: what intervals are made from.
        baselines: entries of BASELINES.
        target_index: which of the targets is looked at.
    """

    horizon: int
    levels: tuple[float, ...]
    source: IntervalSource
    baselines: tuple[str, ...]
    target_index: int


class TargetRows(NamedTuple):
    """All rows of a panel, as forecasts of one target need them.

    Attributes:
        panel: with that target alone.
        differences: of its rows from a season before (N,), NaN where unknown.
        future: the covariates of its rows, for a model that takes some.
    """

    panel: Panel
    differences: np.ndarray
    future: FutureCovariates | None


def place_cutoffs(unseen: int, horizon: int, cutoffs: int, stride: int | None) -> np.ndarray:
    """How many rows lie after each cutoff, (C,), the first cutoff first.

    Args:
        unseen: rows that may lie after the first cutoff, if no stride is given.
        horizon: steps of a forecast, as many as lie after the last cutoff.
        cutoffs: how many.
        stride: rows from one to the next; by default the horizon, or fewer to stay within `unseen`.
    """
    for name, value in (("horizon", horizon), ("cutoffs", cutoffs)):
        require_whole(name, value, 1)
    if stride is None:
        stride = int(np.clip((unseen - horizon) // max(cutoffs - 1, 1), 1, horizon))
    require_whole("stride", stride, 1)
    return horizon + stride * np.arange(cutoffs)[::-1]


def roll(
    predictor: Predictor,
    panel: Panel,
    horizon: int,
    rows_after: np.ndarray,
    *,
    levels: float | Sequence[float] | None = None,
    baselines: Sequence[str] | None = None,
    target: str | None = None,
    carry: bool = False,
    n_cutoffs: int | None = None,
    trained_until: int | None = None,
) -> CutoffForecasts:
    """Forecast from every cutoff, next to the actuals.

    Args:
        predictor: whose weights are used; its own state is not.
        panel: the rows, up to the last that is forecast.
        horizon: steps of each forecast H.
        rows_after: rows after each cutoff (C,), falling, counted from the end of each series.
        levels: widths of intervals in percent; by default DEFAULT_LEVELS, where there are some.
        baselines: entries of BASELINES; by default all, but slow ones of few rollouts only.
        target: whose forecasts are evaluated; by default the first one.
        carry: whether the state is reused from one cutoff to the next, see `origins`.
        n_cutoffs: cutoffs in all, where these are some of them.
        trained_until: ordinal of the last row of the training data, if it is known.

    Returns:
        The rollouts of each cutoff, one cutoff after the other. A series that has no value before
        a cutoff is left out of it.

    Raises:
        OptionError: if an argument is out of range or does not fit the model.
        DataError: if no series reaches back before a cutoff.
        ForecastError: if values are not finite.
    """
    rollouts = len(panel.ids) * (n_cutoffs or len(rows_after))
    names = affordable_baselines(rollouts) if baselines is None else baselines
    request = cutoff_request(predictor, horizon, levels, names, target)
    refuse_too_short(panel, rows_after)
    forecasts = forecast_from_cutoffs(predictor, panel, rows_after, request, carry)
    notes = [*unpractised_steps(predictor.config, horizon)]
    notes += missing_notes(forecasts, panel, len(rows_after))
    notes += _in_sample_notes(forecasts, trained_until)
    return replace(forecasts, notes=tuple(notes))


def cutoff_request(
    predictor: Predictor,
    horizon: int,
    levels: float | Sequence[float] | None,
    baselines: Sequence[str],
    target: str | None,
) -> CutoffRequest:
    """What is asked of each cutoff, checked; the arguments are those of `roll`.

    Raises:
        OptionError: if an argument is out of range or does not fit the model.
        DataError: if the table of the forecasts would have two columns of one name.
    """
    chosen = target_index(predictor, target)
    _refuse_reserved_columns(predictor, predictor.config.schema.targets[chosen])
    percents = _levels(predictor, levels, horizon)
    unknown = [name for name in baselines if name not in BASELINES]
    if unknown:
        raise OptionError(f"baselines are {list(baselines)}; there are {', '.join(BASELINES)}")
    source = interval_source(predictor.config, predictor.calibration, "auto", percents)
    return CutoffRequest(horizon, percents, source, tuple(dict.fromkeys(baselines)), chosen)


def forecast_from_cutoffs(
    predictor: Predictor,
    panel: Panel,
    rows_after: np.ndarray,
    request: CutoffRequest,
    carry: bool = False,
) -> CutoffForecasts:
    """What is asked of each cutoff; the arguments are those of `roll`.

    Raises:
        DataError: if no value is observed before a cutoff.
        ForecastError: if values are not finite.
    """
    config, paths = predictor.config, request.source.paths
    count = len(panel.ids) * len(rows_after)
    runtime = faster_runtime(config, count * max(paths, 1), request.horizon)
    engine = predictor.engine(runtime=runtime)
    groups = _groups(origins(predictor, panel, rows_after, carry), request.horizon, bool(paths))
    target = replace(panel, target=panel.target[:, [request.target_index]])
    rows = TargetRows(
        panel=target,
        differences=seasonal_differences(target, config.season)[:, 0],
        future=FutureCovariates.of(panel, config.known) if config.known else None,
    )
    parts = [part for group in groups for part in _forecast_group(engine, group, rows, request)]
    if not parts:
        raise DataError(f"{panel.source}: no value is observed before a cutoff")
    return CutoffForecasts.join(parts)


def history_before(panel: Panel, rows_after: int) -> Panel:
    """The rows before a cutoff, of the series that have values by then.

    Args:
        panel: all rows.
        rows_after: rows of each series after the cutoff.

    Raises:
        DataError: if no value is observed before it.
    """
    history = panel.until(rows_after)
    return history.take(np.flatnonzero(history.lengths)).drop_unobserved()


def refuse_too_short(panel: Panel, rows_after: np.ndarray) -> None:
    """Raise DataError where no series reaches back before the first cutoff."""
    longest = int(panel.lengths.max())
    if longest <= rows_after[0]:
        many = "a cutoff needs" if len(rows_after) == 1 else f"{len(rows_after)} cutoffs need"
        raise DataError(
            f"{panel.source}: {many} a series of more than {rows_after[0]} rows, the longest has "
            f"{longest}; ask for fewer --cutoffs, or a smaller --stride or --horizon"
        )


def reach_a_cutoff(panel: Panel, rows_after: np.ndarray) -> np.ndarray:
    """Which series have a value before the last cutoff, (S,)."""
    return np.asarray(_first_observed(panel) < panel.lengths - rows_after[-1])


def origins(
    predictor: Predictor, panel: Panel, rows_after: np.ndarray, carry: bool
) -> Iterator[Origin]:
    """The states at each cutoff.

    Args:
        predictor, panel, rows_after: see `roll`.
        carry: whether the history is encoded once, up to the first cutoff, and the rows between
            cutoffs are observed: the scale of a series then is that at its first cutoff, as after
            an update. Otherwise the history is encoded again up to each, and its scale is that of
            the last rows before it.
    """
    state = None
    first_observed = _first_observed(panel)
    observed = np.zeros(len(panel.ids), np.int64)  # rows of each series that the state has seen
    series = np.zeros(0, np.intp)
    for after in rows_after.tolist():
        until = panel.lengths - after
        begun = np.flatnonzero(until > first_observed)
        if not len(begun):
            continue
        rows = panel.cut(begun, (until - observed)[begun], observed[begun])
        if state is None or not carry:
            state = predictor.encode(rows)
        else:
            state = predictor.observe(state, rows)
        series = np.concatenate([series, np.setdiff1d(begun, series)]) if carry else begun
        observed[begun] = until[begun] if carry else 0
        yield Origin(after, series, state)


def _groups(all_origins: Iterator[Origin], horizon: int, is_random: bool) -> Iterator[list[Origin]]:
    """Origins whose series are rolled out in one call, as many as there is room for.

    Sample paths are drawn for one cutoff at a time, so that they are those of a forecast from it.
    """
    group: list[Origin] = []
    values = 0
    for origin in all_origins:
        size = len(origin.series) * horizon
        size += sum(array.size for array in origin.state.arrays().values())
        if group and (is_random or values + size > MAX_STATE_VALUES):
            yield group
            group, values = [], 0
        group.append(origin)
        values += size
    if group:
        yield group


def _forecast_group(
    engine: RolloutEngine, group: list[Origin], rows: TargetRows, request: CutoffRequest
) -> Iterator[CutoffForecasts]:
    """The forecasts of several cutoffs, rolled out together."""
    config, d, paths = engine.config, request.target_index, request.source.paths
    start = join_states([origin.state for origin in group])
    times = start.times_after(request.horizon)
    future = rows.future.at(start.ids, times) if rows.future else None
    centre = engine.run(start, request.horizon, future)
    sampled = engine.sample(start, centre.lengths, paths, future) if paths else None
    calibration = request.source.calibration
    ends = prediction_intervals(engine, centre, sampled, request.levels, calibration)
    for origin, own in zip(group, _row_ranges(group), strict=True):
        lengths = rows.panel.lengths[origin.series] - origin.rows_after
        history = rows.panel.cut(origin.series, lengths)
        baselines = {
            name: BASELINES[name](history, config.season, request.horizon)[..., 0]
            for name in request.baselines
        }
        yield CutoffForecasts(
            ids=start.ids[own],
            cutoffs=start.time[own],
            actual=_actuals(rows.panel, origin, request.horizon),
            forecasts={FORECAST: centre.values[own, :, d], **baselines},
            ends={level: (low[own, :, d], high[own, :, d]) for level, (low, high) in ends.items()},
            past=_past(rows, history, origin, d, config),
            season=config.season,
            target=config.schema.targets[d],
            schema=config.schema,
            frequency=config.frequency,
        )


def _row_ranges(group: list[Origin]) -> list[slice]:
    """Where the rows of each origin stand among those of all."""
    ends = np.cumsum([0, *(len(origin.series) for origin in group)]).tolist()
    return [slice(begin, end) for begin, end in itertools.pairwise(ends)]


def _actuals(panel: Panel, origin: Origin, horizon: int) -> np.ndarray:
    """The actuals (R, H)."""
    begin = panel.indptr[origin.series + 1] - origin.rows_after
    actuals: np.ndarray = panel.target[begin[:, None] + np.arange(horizon), 0]
    return actuals


def _past(rows: TargetRows, history: Panel, origin: Origin, d: int, config: Config) -> Past:
    """Statistics of the rows before a cutoff.

    Args:
        rows: all rows of the target.
        history: those before the cutoff.
        origin: the cutoff.
        d: which of the targets it is.
        config: of the model.
    """
    begin = rows.panel.indptr[origin.series]
    scale = seasonal_scale(rows.differences, begin, begin + history.lengths)
    low, high = (part[:, d] for part in origin.state.extent)
    usual = ranges(origin.state, config)[:, d] if config.usual_spreads else high - low
    margin = np.fmax(usual - (high - low), 0.0) / 2
    last = naive(history, 1, 1)[:, 0, 0]
    return Past(scale.absolute, scale.squared, low - margin, high + margin, last)


def _first_observed(panel: Panel) -> np.ndarray:
    """The first row of each series with a value, (S,); the length where there is none."""
    row = np.arange(len(panel.target)) - np.repeat(panel.indptr[:-1], panel.lengths)
    row = np.where(np.isnan(panel.target).all(axis=1), np.iinfo(np.int64).max, row)
    return np.minimum(np.minimum.reduceat(row, panel.indptr[:-1]), panel.lengths)


def target_index(predictor: Predictor, target: str | None) -> int:
    """The place of a target among those of a model; by default the first.

    Raises:
        OptionError: if the model does not forecast it.
    """
    targets = predictor.config.schema.targets
    if target is None:
        return 0
    if target not in targets:
        raise OptionError(f"target is {target!r}; the model forecasts {', '.join(targets)}")
    return targets.index(target)


def _refuse_reserved_columns(predictor: Predictor, target: str) -> None:
    """Raise DataError where the table would have two columns of one name."""
    schema = predictor.config.schema
    own = [schema.id or ID, schema.time, target]
    reserved = {CUTOFF, FORECAST, *BASELINES}
    for place, name in enumerate(own):
        if name in reserved or name in own[:place]:
            raise DataError(
                f"a backtest has a column {name!r} of its own; rename that of the table, and train "
                "again"
            )


def _levels(
    predictor: Predictor, levels: float | Sequence[float] | None, horizon: int
) -> tuple[float, ...]:
    """The levels that are asked for, or else those of DEFAULT_LEVELS that there are."""
    chosen = () if levels is None else as_levels(levels)
    RolloutRequest(horizon, chosen).check(predictor.config, predictor.calibration)
    if levels is not None:
        return chosen
    config, calibration = predictor.config, predictor.calibration
    return tuple(
        level for level in DEFAULT_LEVELS if has_level(config, calibration, level, horizon)
    )


def affordable_baselines(rollouts: int) -> tuple[str, ...]:
    """The baselines that so many rollouts can afford."""
    fast = [name for name in BASELINES if rollouts <= MAX_ROLLOUTS.get(name, rollouts)]
    return tuple(name for name in fast if is_installed() or not name.startswith("auto"))


def missing_notes(forecasts: CutoffForecasts, panel: Panel, cutoffs: int) -> Iterator[str]:
    """What is left out of a backtest of so many cutoffs, as sentences for people."""
    missing = int(np.isnan(forecasts.actual).sum())
    if missing:
        yield f"{missing:,} of {forecasts.actual.size:,} actuals are missing; they are left out"
    absent = len(panel.ids) * cutoffs - len(forecasts.ids)
    if absent:
        yield (
            f"{absent:,} of {len(panel.ids) * cutoffs:,} forecasts are left out, since their "
            "series have no value before the cutoff"
        )


def _in_sample_notes(forecasts: CutoffForecasts, trained_until: int | None) -> Iterator[str]:
    """How many of the forecasts are of rows that the model was trained on, if any."""
    if trained_until is None:
        return
    in_sample = int((forecasts.cutoffs < trained_until).sum())
    if in_sample:
        until = forecasts.schema.text(forecasts.frequency, trained_until)
        yield (
            f"{in_sample:,} of {len(forecasts.ids):,} forecasts begin within the training data, "
            f"which ends at {until}: they are in-sample, hence optimistic; give later rows, or "
            "use forecast backtest without --model, or Forecaster.backtest, which trains on the "
            "rows before the first cutoff"
        )
