"""How a forecast changes where an input is left out: occlusion (Zeiler & Fergus 2014).

What is left out is replaced by what is usual for the series, and the forecast is made again on a
fork of the state. Future covariates and static ones are drawn from the values that they have
elsewhere, which is permutation importance (Breiman 2001; Fisher, Rudin & Dominici 2019) for a
single forecast; values of the history are taken as missing, as the network knows them from gaps.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from forecast.data import covariates
from forecast.data.covariates import Covariate, CovariateColumns
from forecast.data.panel import Panel
from forecast.inference.network_rollout import NetworkEngine
from forecast.inference.predictor import Predictor
from forecast.inference.rollout import RolloutEngine
from forecast.inference.state import State

KNOWN, PAST, STATIC, LAGS, ROWS = "future", "past", "static", "lags", "history"
DEFAULT_DRAWS = 32
HISTORY_DRAWS = 8  # where each draw reads the history again; fewer than of the future
MAX_STRETCHES = 5  # of the history


@dataclass(frozen=True)
class Factor:
    """An input that can be left out, or several at once.

    Attributes:
        kind: KNOWN, the future values of a covariate; PAST, those in the history; STATIC; LAGS; or
            ROWS, a stretch of the history.
        name: of it, for people.
        parts: places of covariates; lags; or the first and the end of a range of rows, counted
            back from the last one.
    """

    kind: str
    name: str
    parts: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Effects:
    """What the factors of a forecast do to it, in the units of the data.

    Attributes:
        ids: of the series (S,).
        times: ordinals of the steps (S, H).
        forecast: (S, H).
        factors: what was left out, F of them.
        effects: the forecast less that without the factor, (F, S, H); NaN where a series would
            have no value left.
        joint: the same with all factors of a kind left out at once, (S, H); of kinds with several.
    """

    ids: np.ndarray
    times: np.ndarray
    forecast: np.ndarray
    factors: tuple[Factor, ...]
    effects: np.ndarray
    joint: dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Subject:
    """A forecast that is made again without some of its inputs.

    Attributes:
        predictor: that forecasts.
        panel: the histories of S series.
        start: the state after them.
        horizon: steps H.
        future: covariates of the steps as the network takes them (H, S, V); None without any.
        engine: of rollouts.
        pool: static covariates of all series, of which those of S are drawn.
        target: which of several targets, by its place.
        draws: of each future covariate.
        seed: of the draws.
    """

    predictor: Predictor
    panel: Panel
    start: State
    horizon: int
    future: np.ndarray | None
    engine: RolloutEngine
    pool: CovariateColumns
    target: int = 0
    draws: int = DEFAULT_DRAWS
    seed: int = 0

    def of(self, ids: Sequence[Any]) -> Subject:
        """The same of some series; their static covariates are drawn from those of all.

        Raises:
            DataError: if one is unknown.
        """
        start = self.start.select(ids)
        rows = np.array([place for places in self.start.indices(ids) for place in places])
        future = None if self.future is None else self.future[:, rows]
        return replace(self, panel=self.panel.take(rows), start=start, future=future)

    def forecast(self) -> np.ndarray:
        """The forecast with all inputs, (S, H)."""
        return self._roll(self.start, self.future)

    def without(self, factor: Factor) -> np.ndarray:
        """The forecast without a factor, the mean over its draws, (S, H)."""
        ways: dict[str, Callable[[tuple[int, ...]], np.ndarray]] = {
            KNOWN: self._without_future,
            PAST: self._without_past,
            STATIC: self._without_static,
            LAGS: self._without_lags,
            ROWS: self._without_rows,
        }
        return ways[factor.kind](factor.parts)

    def _without_future(self, places: Sequence[int]) -> np.ndarray:
        """Future covariates drawn from the history of their series.

        The draws of a step are one from each of n equal parts of the sorted values (McKay, Beckman
        & Conover 1979), so that few have their mean.
        """
        known, config = self.panel.known, self.predictor.config
        inputs = covariates.encode(known, config.known, len(self.panel.target))  # (N, V)
        future = np.repeat(np.asarray(self.future), self.draws, axis=1)  # (H, S * n, V)
        for place in places:
            rng = np.random.default_rng([self.seed, place])
            parts = np.tile(np.arange(self.draws), (self.horizon, 1))
            shares = (rng.permuted(parts, axis=1) + rng.random(parts.shape)) / self.draws  # (H, n)
            rows = [values[(shares * len(values)).astype(int)] for values in self._sorted(place)]
            columns = _columns(config.known, place)
            future[..., columns] = inputs[np.concatenate(rows, axis=1)][..., columns]
        return self._mean(self.start.repeat(self.draws), future)

    def _sorted(self, place: int) -> Iterator[np.ndarray]:
        """For each series the rows in the order of a covariate's values, but those without one."""
        covariate = self.predictor.config.known[place]
        values = self.panel.known.values[:, self.panel.known.names.index(covariate.name)]
        for begin, end in zip(self.panel.indptr[:-1], self.panel.indptr[1:], strict=True):
            rows = begin + np.argsort(values[begin:end], kind="stable")
            present = rows[~np.isnan(values[rows])]
            yield rows if covariate.has_missing or not len(present) else present

    def _without_past(self, places: Sequence[int]) -> np.ndarray:
        """Covariates of the history in random order."""
        copies, config = self._copies(HISTORY_DRAWS), self.predictor.config
        values = copies.known.values.copy()
        for place in places:
            k = copies.known.names.index(config.known[place].name)
            for copy, begin in enumerate(copies.indptr[:-1].tolist()):
                rng = np.random.default_rng([self.seed, place, copy % HISTORY_DRAWS])
                order = np.argsort(rng.random(copies.lengths[copy]))
                values[begin : begin + len(order), k] = values[begin + order, k]
        return self._encoded(replace(copies, known=replace(copies.known, values=values)))

    def _without_static(self, places: Sequence[int]) -> np.ndarray:
        """Static covariates drawn from the values of all series, its own among them."""
        copies, config = self._copies(HISTORY_DRAWS), self.predictor.config
        values = copies.static.values.copy()
        shares = (np.arange(HISTORY_DRAWS) + 0.5) / HISTORY_DRAWS
        for place in places:
            k = copies.static.names.index(config.static[place].name)
            own = np.sort(self.pool.values[:, k])
            drawn = own[(shares * len(own)).astype(int)]
            values[:, k] = np.tile(drawn, len(self.panel.ids))
        return self._encoded(replace(copies, static=replace(copies.static, values=values)))

    def _without_lags(self, lags: Sequence[int]) -> np.ndarray:
        """The steps of the forecast without the inputs at some lags."""
        return self._roll(self.start, self.future, without_lags(self.engine, lags))

    def _without_rows(self, ends: Sequence[int]) -> np.ndarray:
        """A stretch of the history as missing values; NaN for a series that has no others."""
        panel, (first, end) = self.panel, ends
        back = np.repeat(panel.indptr[1:], panel.lengths) - 1 - np.arange(len(panel.target))
        is_hidden = (back >= first) & (back < end)
        is_left = ~is_hidden & ~np.isnan(panel.target).all(axis=1)
        has_values = np.add.reduceat(is_left, panel.indptr[:-1]) > 0
        is_hidden &= np.repeat(has_values, panel.lengths)
        target = np.where(is_hidden[:, None], np.nan, panel.target)
        values = self._encoded(replace(panel, target=target))
        return np.where(has_values[:, None], values, np.nan)

    def _copies(self, count: int) -> Panel:
        """Every series several times, one copy after the other."""
        series = np.repeat(np.arange(len(self.panel.ids)), count)
        return self.panel.cut(series, self.panel.lengths[series])

    def _encoded(self, copies: Panel) -> np.ndarray:
        """The forecast from other histories, the mean over the copies of each series."""
        count = len(copies.ids) // len(self.panel.ids)
        future = None if self.future is None else np.repeat(self.future, count, axis=1)
        return self._mean(self.predictor.encode(copies), future)

    def _mean(self, start: State, future: np.ndarray | None) -> np.ndarray:
        """The mean over the copies of each series, (S, H)."""
        values = self._roll(start, future)
        mean: np.ndarray = values.reshape(len(self.panel.ids), -1, self.horizon).mean(axis=1)
        return mean

    def _roll(
        self, start: State, future: np.ndarray | None, engine: RolloutEngine | None = None
    ) -> np.ndarray:
        """The values of one target, (B, H)."""
        rolled = (engine or self.engine).run(start, self.horizon, future)
        return rolled.values[..., self.target]


def effects_of(subject: Subject) -> Effects:
    """Leave every factor of a forecast out, one after the other, and all of a kind at once."""
    forecast, found = subject.forecast(), factors(subject)
    kinds = {factor.kind: [f for f in found if f.kind == factor.kind] for factor in found}
    several = {
        kind: Factor(kind, "all", tuple(part for factor in own for part in factor.parts))
        for kind, own in kinds.items()
        if len(own) > 1 and kind != ROWS  # without all of its rows a series has no forecast
    }
    none = np.empty((0, *forecast.shape))
    return Effects(
        ids=subject.start.ids,
        times=subject.start.times_after(subject.horizon).T,
        forecast=forecast,
        factors=found,
        effects=np.array([forecast - subject.without(factor) for factor in found])
        if found
        else none,
        joint={kind: forecast - subject.without(factor) for kind, factor in several.items()},
    )


def factors(subject: Subject) -> tuple[Factor, ...]:
    """All that can be left out of a forecast."""
    config, found = subject.predictor.config, []
    for place, covariate in enumerate(config.known):
        found.append(Factor(KNOWN, covariate.name, (place,)))
        found.append(Factor(PAST, f"{covariate.name} in the history", (place,)))
    if len(subject.pool.values) > 1:  # else there is no other value to have
        found += [Factor(STATIC, c.name, (place,)) for place, c in enumerate(config.static)]
    found += [Factor(LAGS, _lag_name(group), group) for group in lag_groups(config.lags)]
    length = config.season if config.season > 1 else subject.horizon
    found += [
        Factor(
            ROWS, _stretch_name(first, end, end == int(subject.panel.lengths.max())), (first, end)
        )
        for first, end in stretches(int(subject.panel.lengths.max()), length)
    ]
    return tuple(found)


def lag_groups(lags: Sequence[int]) -> list[tuple[int, ...]]:
    """Lags in groups: those that follow each other stand for a value and its change.

    Lag 1 is the last value, which is fed in any case.

    Example:
        >>> lag_groups((2, 24, 25, 48, 0, 1))
        [(2,), (24, 25), (48,)]
    """
    groups: list[tuple[int, ...]] = []
    for lag in sorted({*lags} - {0, 1}):
        if groups and lag == groups[-1][-1] + 1:
            groups[-1] += (lag,)
        else:
            groups.append((lag,))
    return groups


def stretches(rows: int, length: int) -> list[tuple[int, int]]:
    """Ranges of rows counted back from the last one, which double in length.

    Args:
        rows: of the longest series.
        length: of the first two ranges.

    Example:
        >>> stretches(100, 12)
        [(0, 12), (12, 24), (24, 48), (48, 100)]
    """
    ends = [0, length]
    while len(ends) < MAX_STRETCHES and 2 * ends[-1] <= rows - length:
        ends.append(2 * ends[-1])
    ends = [*(end for end in ends if end < rows), rows]
    return list(itertools.pairwise(ends)) if len(ends) > 2 else []


def without_lags(engine: Any, lags: Sequence[int]) -> Any:
    """An engine whose networks do not see the values at some lags, see `nn.step_inputs`."""
    if not isinstance(engine, NetworkEngine):
        return engine
    kept = tuple(0 if lag in lags else lag for lag in engine.config.lags)
    masked = replace(engine, config=replace(engine.config, lags=kept))
    if not isinstance(masked, RolloutEngine):
        return masked
    return replace(masked, others=tuple(without_lags(other, lags) for other in masked.others))


def _columns(known: Sequence[Covariate], place: int) -> slice:
    """Where the inputs of a covariate stand among those of all."""
    begin = sum(covariate.width for covariate in known[:place])
    return slice(begin, begin + known[place].width)


def _lag_name(lags: Sequence[int]) -> str:
    one = len(lags) == 1
    return f"value{'' if one else 's'} {' and '.join(map(str, lags))} rows back"


def _stretch_name(first: int, end: int, is_rest: bool) -> str:
    if first == 0:
        return "the last row" if end == 1 else f"the last {end:,} rows"
    return f"rows before the last {first:,}" if is_rest else f"rows {first + 1:,} to {end:,} back"
