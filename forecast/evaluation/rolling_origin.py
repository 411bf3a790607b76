"""A model on many cutoffs: the state is carried from one to the next, the history read once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from forecast.backtest import CUTOFF, ID, Backtest, Past, join
from forecast.data.future_covariates import FutureCovariates
from forecast.data.panel import Panel
from forecast.errors import DataError, OptionError, require_whole
from forecast.evaluation.baselines import BASELINES, naive, seasonal_changes
from forecast.evaluation.metrics import FORECAST
from forecast.evaluation.statsforecast_baselines import is_installed
from forecast.inference import encoding
from forecast.inference.intervals import Basis, basis_of, intervals
from forecast.inference.rollout import RolloutEngine, runtime_for
from forecast.inference.state import State
from forecast.inference.state import join as join_states
from forecast.inference.validation import check_rollout

if TYPE_CHECKING:
    from forecast.model import Model

LEVELS = (20.0, 40.0, 60.0, 80.0, 95.0)  # of intervals, where none are asked for
ROOM = 50_000_000  # values of states that are rolled out together
UNASKED = {"naive2": 5_000, "auto_ets": 100, "auto_theta": 100}  # rollouts up to which the slower
# baselines are computed without being asked for


class Origin(NamedTuple):
    """A cutoff: the state of the series that have begun by then.

    Attributes:
        back: rows of each series after it.
        rows: places of those series in the panel (R,).
        state: of them, in that order.
    """

    back: int
    rows: np.ndarray
    state: State


class Asked(NamedTuple):
    """What is wanted of each cutoff.

    Attributes:
        horizon: steps H.
        levels: widths of intervals in percent.
        basis: what those are made from.
        baselines: names of naive forecasts.
        d: which of the targets is looked at.
    """

    horizon: int
    levels: tuple[float, ...]
    basis: Basis
    baselines: tuple[str, ...]
    d: int


def cutoffs_within(free: int, horizon: int, cutoffs: int, stride: int | None) -> np.ndarray:
    """How many rows lie after each cutoff, (C,), the first cutoff first.

    Args:
        free: rows that may lie after the first one, if no stride is given.
        horizon: steps of a forecast, as many as lie after the last one.
        cutoffs: how many.
        stride: rows from one to the next; by default the horizon, or fewer where they are free.
    """
    for name, value in (("horizon", horizon), ("cutoffs", cutoffs)):
        require_whole(name, value, 1)
    if stride is None:
        stride = int(np.clip((free - horizon) // max(cutoffs - 1, 1), 1, horizon))
    require_whole("stride", stride, 1)
    return horizon + stride * np.arange(cutoffs)[::-1]


def roll(
    model: Model,
    panel: Panel,
    horizon: int,
    backs: np.ndarray,
    levels: float | Sequence[float] | None = None,
    baselines: Sequence[str] | None = None,
    target: str | None = None,
    carry: bool = False,
    of: int | None = None,
) -> Backtest:
    """Forecast from every cutoff, beside what came.

    Args:
        model: whose weights are used; its own state is not.
        panel: the rows, up to the last that is forecast.
        horizon: steps of each forecast H.
        backs: rows after each cutoff (C,), falling, counted from the end of each series.
        levels: widths of intervals in percent; by default LEVELS, where the model has some.
        baselines: entries of BASELINES; by default all, but slow ones of few rollouts only.
        target: whose forecast is looked at; by default the first one.
        carry: whether the state is carried from one cutoff to the next, see `origins`.
        of: cutoffs in all, where these are some of them.

    Returns:
        The rollouts of each cutoff, one cutoff after the other. A series that has no value before
        a cutoff is left out of it.

    Raises:
        OptionError: if an argument is out of range or does not fit the model.
        DataError: if no series reaches back before a cutoff.
        ForecastError: if a rollout leaves the finite numbers.
    """
    config = model.config
    d = _place_of(model, target)
    _refuse_taken(model, config.schema.targets[d])
    widths = _levels_of(model, levels, horizon)
    refuse_too_short(panel, backs)
    count = len(panel.ids) * len(backs)
    wanted = _baselines_of(baselines, len(panel.ids) * (of or len(backs)))
    basis = basis_of(config, model.calibration, "auto", widths)
    runtime = runtime_for(config, count * max(basis.paths, 1), horizon)
    ahead = FutureCovariates.of(panel, config.known) if config.known else None
    engine = RolloutEngine(config, model.weights, config.bounds, runtime=runtime, ahead=ahead)
    asked = Asked(horizon, widths, basis, wanted, d)
    alone = replace(panel, target=panel.target[:, [d]])
    changes = seasonal_changes(alone, config.season)[:, 0]
    parts = [
        part
        for group in _together(origins(model, panel, backs, carry), horizon, bool(basis.paths))
        for part in _forecast(engine, group, alone, changes, asked)
    ]
    if not parts:
        raise DataError(f"{panel.source}: no value is observed before a cutoff")
    whole = join(parts)
    notes = (*missing_of(whole, panel, len(backs)), *_flattery(whole, model))
    return replace(whole, notes=notes)


def refuse_too_short(panel: Panel, backs: np.ndarray) -> None:
    """Raise DataError where no series reaches back before the first cutoff."""
    longest = int(panel.lengths.max())
    if longest <= backs[0]:
        many = "a cutoff needs" if len(backs) == 1 else f"{len(backs)} cutoffs need"
        raise DataError(
            f"{panel.source}: {many} a series of more than {backs[0]} rows, the longest has "
            f"{longest}; ask for fewer --cutoffs, or a smaller --stride or --horizon"
        )


def origins(model: Model, panel: Panel, backs: np.ndarray, carry: bool) -> Iterator[Origin]:
    """The states at each cutoff.

    Args:
        model, panel, backs: see `roll`.
        carry: whether the history is encoded once, up to the first cutoff, and the rows between
            cutoffs are observed: the scale of a series then is that at its first cutoff, as after
            an update. Otherwise it is encoded anew up to each, and its scale is that of the last
            rows before it.
    """
    first = _first_observed(panel)
    cell, state = model.cell(), None
    taken = np.zeros(len(panel.ids), np.int64)
    rows = np.zeros(0, np.intp)
    for back in backs.tolist():
        until = panel.lengths - back
        begun = np.flatnonzero(until > first)
        if not len(begun):
            continue
        fresh = panel.cut(begun, (until - taken)[begun], taken[begun])
        if state is None or not carry:
            state = encoding.encode(fresh, model.config, cell, model.state.fingerprint)
        else:
            state = encoding.observe(state, fresh, model.config, cell, fill_gaps=False)
        rows = np.concatenate([rows, np.setdiff1d(begun, rows)]) if carry else begun
        taken[begun] = until[begun] if carry else 0
        yield Origin(back, rows, state)


def _together(found: Iterator[Origin], horizon: int, is_drawn: bool) -> Iterator[list[Origin]]:
    """Origins whose series are rolled out in one call, as many as there is room for.

    Sample paths are drawn for one cutoff at a time, so that they are those of a forecast from it.
    """
    group: list[Origin] = []
    held = 0
    for origin in found:
        size = len(origin.rows) * horizon
        size += sum(array.size for array in origin.state.arrays().values())
        if group and (is_drawn or held + size > ROOM):
            yield group
            group, held = [], 0
        group.append(origin)
        held += size
    if group:
        yield group


def _forecast(
    engine: RolloutEngine, group: list[Origin], panel: Panel, changes: np.ndarray, asked: Asked
) -> Iterator[Backtest]:
    """The forecasts of several cutoffs, rolled out together.

    Args:
        projector: of the model.
        group: the cutoffs.
        panel: all rows of the target that is looked at.
        changes: of these rows since a season before (N,), NaN where unknown.
        asked: what is wanted.
    """
    config, d = engine.config, asked.d
    start = join_states([origin.state for origin in group])
    centre = engine.run(start, asked.horizon)
    paths = asked.basis.paths
    sampled = engine.run(start, asked.horizon, paths) if paths else None
    ends = intervals(engine, centre, sampled, asked.levels, asked.basis.calibration)
    first = 0
    for origin in group:
        own = slice(first, first := first + len(origin.rows))
        before = panel.cut(origin.rows, panel.lengths[origin.rows] - origin.back)
        naive_ones = {
            name: BASELINES[name](before, config.season, asked.horizon)[..., 0]
            for name in asked.baselines
        }
        yield Backtest(
            ids=start.ids[own],
            cutoffs=start.time[own],
            actual=_actual(panel, origin, asked.horizon),
            forecasts={FORECAST: centre.values[own, :, d], **naive_ones},
            ends={level: (low[own, :, d], high[own, :, d]) for level, (low, high) in ends.items()},
            past=_past(panel, before, changes, origin, d),
            season=config.season,
            target=config.schema.targets[d],
            schema=config.schema,
            frequency=config.frequency,
        )


def _actual(panel: Panel, origin: Origin, horizon: int) -> np.ndarray:
    """What came, (R, H)."""
    begin = panel.indptr[origin.rows + 1] - origin.back
    found: np.ndarray = panel.target[begin[:, None] + np.arange(horizon), 0]
    return found


def _past(panel: Panel, before: Panel, changes: np.ndarray, origin: Origin, d: int) -> Past:
    """What could be seen at a cutoff.

    Args:
        panel: all rows of the target.
        before: those before the cutoff.
        changes: of all rows since a season before (N,), NaN where unknown.
        origin: the cutoff.
        d: which of the targets it is.
    """
    begin = panel.indptr[origin.rows]
    end = begin + before.lengths
    known = _sums(~np.isnan(changes), begin, end)
    filled = np.nan_to_num(changes)
    with np.errstate(invalid="ignore"):
        change = _sums(np.abs(filled), begin, end) / known
        square = _sums(filled**2, begin, end) / known
    extent = origin.state.extent
    return Past(change, square, extent.low[:, d], extent.high[:, d], naive(before, 1, 1)[:, 0, 0])


def _sums(values: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The sums of values (N,) from a row of each series up to another, none of them empty."""
    padded = np.append(values.astype(float), 0.0)  # a range may end with the last row
    sums: np.ndarray = np.add.reduceat(padded, np.column_stack([begin, end]).ravel())[::2]
    return sums


def _first_observed(panel: Panel) -> np.ndarray:
    """The first row of each series with a value, (S,); the length where there is none."""
    late = np.arange(len(panel.target)) - np.repeat(panel.indptr[:-1], panel.lengths)
    late = np.where(np.isnan(panel.target).all(axis=1), np.iinfo(np.int64).max, late)
    return np.minimum(np.minimum.reduceat(late, panel.indptr[:-1]), panel.lengths)


def _place_of(model: Model, target: str | None) -> int:
    targets = model.config.schema.targets
    if target is None:
        return 0
    if target not in targets:
        raise OptionError(f"target is {target!r}; the model forecasts {', '.join(targets)}")
    return targets.index(target)


def _refuse_taken(model: Model, target: str) -> None:
    """Raise DataError where the table would have two columns of one name."""
    schema = model.config.schema
    own = [schema.id or ID, schema.time, target]
    taken = {CUTOFF, FORECAST, *BASELINES}
    for place, name in enumerate(own):
        if name in taken or name in own[:place]:
            raise DataError(
                f"a backtest has a column {name!r} of its own; rename that of the table, and train "
                "again"
            )


def _levels_of(
    model: Model, levels: float | Sequence[float] | None, horizon: int
) -> tuple[float, ...]:
    """The levels that are asked for, or else those of LEVELS that the model has intervals of."""
    is_calibrated = model.calibration is not None
    if levels is not None:
        chosen = tuple(np.atleast_1d(levels).tolist())
        check_rollout(model.config, horizon, chosen, is_calibrated=is_calibrated)
        return chosen
    check_rollout(model.config, horizon)
    return tuple(level for level in LEVELS if has_level(model, level, horizon))


def has_level(model: Model, level: float, horizon: int) -> bool:
    """Whether the model has intervals of a level."""
    try:
        check_rollout(model.config, horizon, (level,), is_calibrated=model.calibration is not None)
        basis = basis_of(model.config, model.calibration, "auto", (level,))
        if basis.calibration:
            basis.calibration.widths(level, horizon)
    except OptionError:
        return False
    return True


def _baselines_of(names: Sequence[str] | None, rollouts: int) -> tuple[str, ...]:
    if names is None:
        fast = [name for name in BASELINES if rollouts <= UNASKED.get(name, rollouts)]
        return tuple(name for name in fast if is_installed() or not name.startswith("auto"))
    unknown = [name for name in names if name not in BASELINES]
    if unknown:
        raise OptionError(f"baselines are {list(names)}; there are {', '.join(BASELINES)}")
    return tuple(dict.fromkeys(names))


def missing_of(whole: Backtest, panel: Panel, cutoffs: int) -> Iterator[str]:
    """What is left out of a backtest of so many cutoffs, as sentences for people."""
    missing = int(np.isnan(whole.actual).sum())
    if missing:
        yield f"{missing:,} of {whole.actual.size:,} values are missing; they are left out"
    absent = len(panel.ids) * cutoffs - len(whole.ids)
    if absent:
        yield (
            f"{absent:,} of {len(panel.ids) * cutoffs:,} forecasts are left out, since their "
            "series have no value before the cutoff"
        )


def _flattery(whole: Backtest, model: Model) -> Iterator[str]:
    """How many of the forecasts are of rows that the model was trained on, if any."""
    last = model.record.get("last")
    if last is not None and (seen := int((whole.cutoffs < last).sum())):
        until = whole.schema.text(whole.frequency, last)
        yield (
            f"{seen:,} of {len(whole.ids):,} forecasts begin before {until}, up to where the model "
            "was trained, and flatter it; give later rows, or train for it: forecast backtest "
            "without --model, or Forecaster.backtest, trains on the rows before the first cutoff"
        )
