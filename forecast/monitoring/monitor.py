"""A model's state and its statistics, which follow new rows: each is forecast before it is seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np

from forecast.classical.normal_quantile import normal_quantile
from forecast.data import scaling
from forecast.data.future_covariates import FutureCovariates
from forecast.data.panel import Panel
from forecast.inference.conformal import Calibration
from forecast.inference.intervals import (
    Ends,
    has_level,
    interval_source,
    own_spread,
    prediction_intervals,
)
from forecast.inference.new_rows import following, places_of
from forecast.inference.predictor import Predictor
from forecast.inference.preprocess import recent_values
from forecast.inference.rollout import Rollout, RolloutEngine
from forecast.inference.state import State
from forecast.monitoring.statistics import LEVELS, ROWS_BETWEEN, Observed, Statistics, advance
from forecast.monitoring.thresholds import Limits

LEAST_WINDOW, MOST_WINDOW = 50, 400  # rows


@dataclass(frozen=True, eq=False)
class Monitor:
    """What is known of the series of a model after some rows.

    Attributes:
        state: of the model after the last row.
        season: the last values of each series, as many as a season has steps, (S, season).
        statistics: of the same series.
        target: which of the model's targets is watched.
        rows_between: two false alarms of the whole panel while all is well, on average.
    """

    state: State
    season: np.ndarray
    statistics: Statistics
    target: int = 0
    rows_between: int = ROWS_BETWEEN

    @property
    def limits(self) -> Limits:
        """The thresholds of a panel of so many series."""
        return self.statistics.limits(self.rows_between)

    def take(self, series: np.ndarray) -> Self:
        """The series at the given places, in that order."""
        return replace(
            self,
            state=self.state.take(series),
            season=self.season[series],
            statistics=self.statistics.take(series),
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """All but the state, which has a file of its own, by name; each with leading axis S."""
        return {"season": self.season, **self.statistics.arrays()}

    @classmethod
    def from_arrays(
        cls,
        state: State,
        arrays: Mapping[str, np.ndarray],
        target: int = 0,
        rows_between: int = ROWS_BETWEEN,
    ) -> Self:
        """The monitor of a state whose `arrays` these are.

        Args:
            state: of the same series.
            arrays: by name.
            target, rows_between: that the monitor had, see `Monitor`.
        """
        return cls(state, arrays["season"], Statistics.from_arrays(arrays), target, rows_between)


class Step(NamedTuple):
    """A row that a monitor has followed.

    Attributes:
        series: the places of the series that have such a row (B,).
        observed: their rows.
        after: the monitor of all series after it.
    """

    series: np.ndarray
    observed: Observed
    after: Monitor


def default_window(season: int) -> int:
    """Rows of a window: whole seasons, as few as make LEAST_WINDOW, but MOST_WINDOW rows at most.

    Example:
        >>> [default_window(season) for season in (1, 12, 24, 168, 1440)]
        [50, 60, 72, 168, 400]
    """
    return min(-(-LEAST_WINDOW // season) * season, MOST_WINDOW)


def begin(
    predictor: Predictor,
    history: Panel | None = None,
    *,
    window: int | None = None,
    target: int = 0,
    rows_between: int = ROWS_BETWEEN,
) -> Monitor:
    """A monitor of a model that has seen no row since its state.

    Args:
        predictor: the model; the rows that will be followed begin after its state.
        history: rows before, of any of its series, from which the seasonal naive forecast and its
            usual error are known from the first row on; without it that much as the state keeps.
        window: rows of the rolling measures; by default see `default_window`.
        target: place of the target that is watched.
        rows_between: see `Monitor`.
    """
    season = predictor.config.season
    recent = _last_values(predictor, history, target)
    naive = np.abs(recent[:, season:] - recent[:, :-season])
    width = default_window(season) if window is None else window
    statistics = Statistics.start(predictor.state.time, width, naive)
    return Monitor(predictor.state, recent[:, -season:], statistics, target, rows_between)


def follow(
    predictor: Predictor, monitor: Monitor, rows: Panel, limits: Limits | None = None
) -> Iterator[Step]:
    """Follow new rows one by one; the monitor of each step is a value of its own.

    Following rows in parts is the same as following all at once.

    Args:
        predictor: the model.
        monitor: what is known before the rows.
        rows: the next rows of some of its series, without gaps.
        limits: thresholds of the statistics; by default those of so many series.

    Raises:
        DataError: if the rows are not the next ones, before any is followed, or cannot be used.
    """
    owner = places_of(monitor.state, rows)
    rows = following(rows, monitor.state.time[owner], fill_gaps=False)
    watch = Watch.of(predictor, rows, monitor.target)
    limits = limits or monitor.limits
    for k in range(int(rows.lengths.max(initial=0))):
        chosen = np.flatnonzero(rows.lengths > k)
        row = rows.cut(chosen, np.ones(len(chosen), np.int64), np.full(len(chosen), k))
        series = owner[chosen]
        before = monitor if _is_all(series, monitor) else monitor.take(series)
        observed, state = watch.observe(before, row)
        season = np.concatenate([before.season[:, 1:], row.target[:, [monitor.target]]], axis=1)
        statistics = advance(before.statistics, observed, limits)
        after = replace(before, state=state, season=season, statistics=statistics)
        monitor = after if before is monitor else _put(monitor, series, after)
        yield Step(series, observed, monitor)


def advanced(predictor: Predictor, monitor: Monitor, new_rows: Any) -> Monitor:
    """The monitor after new rows, as `Predictor.observe` takes them.

    Args:
        predictor: the model.
        monitor: what is known before the rows; it stays as it is.
        new_rows: a table or a `Panel`: the next rows of some of its series.

    Raises:
        DataError: if the rows are not the next ones, or cannot be used.
    """
    rows = new_rows if isinstance(new_rows, Panel) else predictor.panel(new_rows, all_missing=True)
    for step in follow(predictor, monitor, rows):
        monitor = step.after
    return monitor


class RowForecast(NamedTuple):
    """A forecast of the next steps of S series.

    Attributes:
        centre: the rollout.
        sampled: sample paths, where intervals are made from some.
        ends: of the intervals, by level, (S, H, D) each.
    """

    centre: Rollout
    sampled: Rollout | None
    ends: dict[float, Ends]

    def inside(self, actual: np.ndarray, target: int) -> np.ndarray:
        """Whether actuals (S, H) lie in each interval, 1 or 0, (S, H, L); NaN where unknown."""
        inside = np.full((*actual.shape, len(LEVELS)), np.nan)
        for place, level in enumerate(LEVELS):
            if level in self.ends:
                low, high = (end[..., target] for end in self.ends[level])
                is_inside = (low <= actual) & (actual <= high)
                inside[..., place] = np.where(np.isnan(actual), np.nan, is_inside)
        return inside


@dataclass(frozen=True)
class Watch:
    """How rows are forecast and compared.

    Attributes:
        predictor: the model.
        engine: that forecasts.
        levels: of the intervals that it can make.
        future: covariates of the rows, for a model that takes some.
        held_out: absolute scores of the first step on held-out rows, sorted (n,); None without.
    """

    predictor: Predictor
    engine: RolloutEngine
    levels: tuple[float, ...]
    future: FutureCovariates | None
    held_out: np.ndarray | None

    @classmethod
    def of(cls, predictor: Predictor, rows: Panel, target: int = 0) -> Self:
        """How the rows of a panel are watched."""
        config, calibration = predictor.config, predictor.calibration
        return cls(
            predictor,
            predictor.engine(),
            tuple(level for level in LEVELS if has_level(config, calibration, level, 1)),
            FutureCovariates.of(rows, config.known) if config.known else None,
            first_scores(calibration, target),
        )

    def forecast(self, state: State, horizon: int) -> RowForecast:
        """The next steps of the series of a state, with their intervals."""
        calibration, future = self.predictor.calibration, None
        if self.future is not None:
            future = self.future.at(state.ids, state.times_after(horizon))
        source = interval_source(self.predictor.config, calibration, "auto", self.levels)
        centre = self.engine.run(state, horizon, future)
        sampled = None
        if source.paths:
            sampled = self.engine.sample(state, centre.lengths, source.paths, future)
        ends = prediction_intervals(self.engine, centre, sampled, self.levels, source.calibration)
        return RowForecast(centre, sampled, ends)

    def observe(self, before: Monitor, row: Panel) -> tuple[Observed, State]:
        """A row of each series beside its forecast, and the state after it."""
        after = self.predictor.observe(before.state, row)  # refuses values that cannot be used
        d, forecast = before.target, self.forecast(before.state, 1)
        actual = row.target[:, d]
        observed = Observed(
            time=row.start,
            score=self._score(forecast, actual, d),
            error=actual - forecast.centre.values[:, 0, d],
            naive=actual - before.season[:, 0],
            inside=forecast.inside(actual[:, None], d)[:, 0],
        )
        return observed, after

    def _score(self, forecast: RowForecast, actual: np.ndarray, d: int) -> np.ndarray:
        """Errors as numbers that are about standard normal while all is well, (S,)."""
        centre, powers = forecast.centre, self.predictor.config.powers
        values = np.repeat(actual[:, None], len(powers), axis=1)[:, None]
        scaled = scaling.forward(scaling.transform(values, powers), centre.start.scale)
        error = (scaled - centre.scaled)[:, 0, d]
        spread = own_spread(centre, forecast.sampled)
        size = np.abs(error) / np.where(error < 0, spread.below, spread.above)[:, 0, d]
        return np.asarray(np.sign(error) * normal_size(size, self.held_out))


def first_scores(calibration: Calibration | None, target: int) -> np.ndarray | None:
    """The scores of the first step of a calibration, sorted (n,); None without one."""
    if calibration is None:
        return None
    scores = calibration.scores[0, :, target]
    return np.asarray(scores[np.isfinite(scores)], np.float64)


def normal_size(size: np.ndarray, held_out: np.ndarray | None) -> np.ndarray:
    """Absolute scores as those of a standard normal number that are as rare, NaN where missing.

    Between two of these scores ranks are interpolated, and beyond the largest one they go on in
    proportion to it, so that an error which is twice as large as any counts as such.

    Args:
        size: (S,).
        held_out: those of held-out rows, sorted (n,); without them sizes stay as they are.

    Example:
        >>> normal_size(np.array([1.0, 3.0, 6.0]), np.array([1.0, 2.0, 3.0])).round(2).tolist()
        [0.32, 1.15, 2.3]
    """
    if held_out is None or not held_out[-1] > 0:
        return size
    ranks = np.arange(1, len(held_out) + 1) / (len(held_out) + 1)
    knots = np.concatenate([[0.0], held_out])
    normal = np.concatenate([[0.0], normal_quantile((1 + ranks) / 2)])
    inside = np.interp(size, knots, normal)
    beyond = normal[-1] * size / held_out[-1]
    return np.asarray(np.where(size > held_out[-1], beyond, inside))


def _last_values(predictor: Predictor, history: Panel | None, target: int) -> np.ndarray:
    """The last values of each series before the state's time, (S, n) with n > season."""
    state, season = predictor.state, predictor.config.season
    kept = recent_values(state, predictor.config)[..., target]
    rows = season + 1 if history is None else max(int(history.lengths.max()), season + 1)
    values = np.full((len(state.ids), max(rows, kept.shape[1])), np.nan)
    values[:, values.shape[1] - kept.shape[1] :] = kept
    if history is not None:
        last, step = history.ordinals[history.indptr[1:] - 1], history.frequency.step
        for place, found in enumerate(state.indices(history.ids.tolist())):
            own = history.target[history.indptr[place] : history.indptr[place + 1], target]
            for s in found:
                end = values.shape[1] - int((state.time[s] - last[place]) // step)
                begin = max(end - len(own), 0)
                values[s, begin : max(end, 0)] = own[len(own) - (max(end, 0) - begin) :]
    return np.asarray(values)


def _is_all(series: np.ndarray, monitor: Monitor) -> bool:
    return np.array_equal(series, np.arange(len(monitor.state.ids)))


def _put(monitor: Monitor, series: np.ndarray, some: Monitor) -> Monitor:
    """A monitor in which some series are replaced by those after a row."""
    order = np.arange(len(monitor.state.ids))
    order[series] = len(order) + np.arange(len(series))
    ours, theirs = monitor.statistics.arrays(), some.statistics.arrays()
    arrays = {name: np.concatenate([ours[name], theirs[name]])[order] for name in ours}
    return replace(
        monitor,
        state=monitor.state.joined([some.state]).take(order),
        season=np.concatenate([monitor.season, some.season])[order],
        statistics=Statistics.from_arrays(arrays),
    )
