"""From the state of many series to their next values: the mean of all members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from forecast.data import scaling
from forecast.inference import random_streams
from forecast.inference.config import Config
from forecast.inference.network_rollout import Draws, MemberEngine, NetworkEngine
from forecast.inference.state import State, join
from forecast.inference.stopping import Condition, steps_until
from forecast.nn.step import SPREAD

MIN_SPREAD = 1e-6  # of a model's own, in scaled units
STOP_CHECK_STEPS = 64  # steps between two looks at a stop condition
MIN_STEP_ROWS_TO_COMPILE = 20_000_000  # from which on importing and compiling pay for themselves


class Spread(NamedTuple):
    """How far the values of a rollout usually lie from it, in scaled units, each (B, H, D)."""

    below: np.ndarray
    above: np.ndarray

    def never_less_after(self, steps: int) -> Spread:
        """The same up to a step, and from there on no less than it was at that step or later."""
        return Spread(
            *(
                np.concatenate(
                    [part[:, : steps - 1], np.maximum.accumulate(part[:, steps - 1 :], axis=1)],
                    axis=1,
                )
                for part in self
            )
        )


@dataclass(frozen=True)
class Rollout:
    """The next values of B rows.

    Attributes:
        scaled: values (B, H, D) as the network sees them.
        values: the same in the units of the data; both NaN after a row's last step.
        lengths: steps of each row (B,).
        start, after: the state before the first and after the last step of each row.
        spread: of a direct model the distances from the values to the quantiles at SPREAD,
            downward and upward, in scaled units.
    """

    scaled: np.ndarray
    values: np.ndarray
    lengths: np.ndarray
    start: State
    after: State
    spread: Spread | None = None

    @property
    def longest(self) -> int:
        """Steps of the longest row, H."""
        return int(self.scaled.shape[1])


@dataclass(frozen=True)
class RolloutEngine(NetworkEngine):
    """How a model's rollouts are computed: those of its network, averaged with further members'.

    Attributes:
        others: the engines of the further members.
        shares: of the network's forecast and of those of the others; they sum to 1.
    """

    others: tuple[MemberEngine, ...] = ()
    shares: tuple[float, ...] = (1.0,)

    def run(
        self,
        start: State,
        horizon: int,
        future: np.ndarray | None = None,
        until: Condition | None = None,
    ) -> Rollout:
        """Roll the centre of the distribution of each series out.

        Args:
            start: of S series.
            horizon: how many steps H; with a condition the most.
            future: covariates of the steps.
            until: condition that the last value of a series meets.

        Returns:
            The next values; where a series has stopped before the others, NaN follows.

        Raises:
            ForecastError: if values are not finite.
        """
        if until is not None:
            return self._run_until(start, horizon, future, until)
        path, after = self._advance(start, horizon, future)
        scaled, spread = self._parts(path)
        values = self.values(scaled, after)
        return Rollout(scaled, values, np.full(len(scaled), horizon), start, after, spread)

    def sample(
        self, start: State, lengths: np.ndarray, paths: int, future: np.ndarray | None = None
    ) -> Rollout:
        """Draw sample paths of each series.

        Args:
            start: of S series.
            lengths: steps of each series (S,).
            paths: of each series, n.
            future: covariates of the steps.

        Returns:
            The next values of S * n rows, the paths of a series one after the other.
        """
        longest, engine = int(lengths.max()), self.of_draws
        draws = Draws(paths, random_streams.branches(start.ids.tolist()))
        scaled, after = engine._advance(start, longest, future, draws)
        values = engine.draws(scaled, after)
        sampled = Rollout(scaled, values, np.full(len(scaled), longest), start.repeat(paths), after)
        return engine._cut(sampled, start, lengths, future, draws)

    def step_of(
        self, start: State, future: np.ndarray | None, probabilities: tuple[float, ...]
    ) -> tuple[np.ndarray, State]:
        """The next step of S series, and quantiles of it given the values before.

        Args:
            start: the state before it.
            future: covariates of the step, (1, S, V).
            probabilities: of the quantiles, Q; none for a head without a distribution.

        Returns:
            The value, then the quantiles, (S, 1 + Q, D) in the units of the data; and the state
            after the value is fed back.
        """
        shown, after = self._step_alone(start, future, probabilities)
        if not self.others:
            return shown, after
        steps = [
            engine.member_step(start, place, future, probabilities)
            for place, engine in enumerate(self.others)
        ]
        after = replace(after, others=tuple(state for _, state in steps))
        known = [self._usable(_with_quantiles(other, shown), shown) for other, _ in steps]
        return self._weighted([shown, *known]), after

    def corrected(self, before: State, after: State, actual: np.ndarray) -> State:
        """See `MemberEngine`; of all members."""
        members = zip(self.others, before.others, after.others, strict=True)
        others = tuple(engine.corrected(old, new, actual) for engine, old, new in members)
        return replace(super().corrected(before, after, actual), others=others)

    def each(self, start: State, horizon: int, future: np.ndarray | None) -> list[np.ndarray]:
        """The next values of each member by itself, (S, H, D) in the units of the data."""
        path, after = self._advance_alone(start, horizon, future, None)
        first = self.unscaled(self.columns(path)[0], after)
        rolled = [
            engine.roll(start, place, horizon, future, None)[0].value
            for place, engine in enumerate(self.others)
        ]
        return [first, *(self._usable(values, first) for values in rolled)]

    def _parts(self, path: np.ndarray) -> tuple[np.ndarray, Spread | None]:
        """Scaled values (B, H, D), and their spread if the steps of a path (B, H, .) have one."""
        d = self.config.targets
        value, low, high = path[..., :d], path[..., d : 2 * d], path[..., 2 * d :]
        if not low.shape[-1]:
            return path, None
        return value, Spread(
            *(np.maximum(part, MIN_SPREAD) for part in (value - low, high - value))
        )

    def _advance(
        self, start: State, horizon: int, future: np.ndarray | None, draws: Draws | None = None
    ) -> tuple[np.ndarray, State]:
        """Steps (B, H, .), see `ModelStep.rollout_step`, and the state after them.

        Of each series, or of its sample paths; the mean over all members.
        """
        path, after = self._advance_alone(start, horizon, future, draws)
        if not self.others:
            return path, after
        rolled = [
            engine.roll(start, place, horizon, future, draws)
            for place, engine in enumerate(self.others)
        ]
        after = replace(after, others=tuple(state for _, state in rolled))
        return self.mean(path, [other for other, _ in rolled], after), after

    def mean(self, path: np.ndarray, others: Sequence[Sequence[Any]], rows: State) -> np.ndarray:
        """The mean of its own steps (B, H, .) and those of the others, taken in the data's units.

        A member that does not tell how far values lie from its own takes that from the first one;
        see `_usable` for where it knows nothing of a series.
        """
        value, *ends = (self.unscaled(part, rows) for part in self.columns(path))
        values = [self._usable(other[0], value) for other in others]
        means = [self._weighted([value, *values])]
        for k, end in enumerate(ends, 1):
            known = [
                own + end - value if (told := other[k]) is None else told
                for own, other in zip(values, others, strict=True)
            ]
            means.append(self._weighted([end, *(self._usable(part, end) for part in known)]))
        scaled = [
            scaling.forward(scaling.transform(mean, self.config.powers), rows.scale)
            for mean in means
        ]
        return np.concatenate(scaled, axis=-1)

    def _usable(self, values: np.ndarray, own: np.ndarray) -> np.ndarray:
        """What another member says (..., D), as the mean takes it.

        Where it knows nothing of a series, it says what the first one does; below 0, where the
        transform of the first one ends, it counts as 0.
        """
        least = np.where(np.array(self.config.powers) == 1.0, -np.inf, 0.0)
        return np.maximum(np.where(np.isnan(values), own, values), least)

    def _weighted(self, parts: Sequence[Any]) -> np.ndarray:
        """The sum of what each member says, times its share."""
        weighted: np.ndarray = sum(s * part for s, part in zip(self.shares, parts, strict=True))
        return weighted

    def _run_until(
        self, start: State, horizon: int, future: np.ndarray | None, condition: Condition
    ) -> Rollout:
        """Roll the series of a state out, each until it meets a condition."""
        series, done, d = len(start.ids), 0, self.config.targets
        lengths = np.zeros(series, np.int64)
        paths = np.empty((series, 0, d * (1 + len(SPREAD) * self.config.direct)), np.float32)
        values = np.empty((series, 0, d))
        running, state, ended, ended_rows = np.arange(series), start, [], []
        while len(running):
            steps = min(STOP_CHECK_STEPS, horizon - done)
            known = None if future is None else future[done : done + steps, running]
            block, block_end = self._advance(state, steps, known)
            block_scaled = self._parts(block)[0]
            block_values = self.values(block_scaled, block_end, first_step=done + 1)
            paths = _append(paths, running, block)
            values = _append(values, running, block_values)
            before, done = done, done + steps
            stops = [steps_until(condition, path, before) for path in values[running]]
            lengths[running] = [done if stop is None else stop for stop in stops]
            is_last = np.array([stop is not None for stop in stops]) | (done == horizon)
            block_lengths = np.full(len(running), steps)
            whole = Rollout(block_scaled, block_values, block_lengths, state, block_end)
            after = self._cut(whole, state, lengths[running] - before, known).after
            ended.append(after.take(np.flatnonzero(is_last)))
            ended_rows.append(running[is_last])
            running, state = running[~is_last], after.take(np.flatnonzero(~is_last))
        after = join(ended).take(np.argsort(np.concatenate(ended_rows)))
        longest = int(lengths.max())
        paths, values = paths[:, :longest], values[:, :longest]
        is_after_end = np.arange(longest) >= lengths[:, None]
        paths[is_after_end], values[is_after_end] = np.nan, np.nan
        scaled, spread = self._parts(paths)
        return Rollout(scaled, values, lengths, start, after, spread)

    def _cut(
        self,
        whole: Rollout,
        start: State,
        lengths: np.ndarray,
        future: np.ndarray | None,
        draws: Draws | None = None,
    ) -> Rollout:
        """The same rows, each for so many steps only, and the state after those.

        Series of equal lengths are rolled out once more, to their own end.

        Args:
            whole: of S series, or of their sample paths.
            start: the state of the series before it.
            lengths: steps of each series, (S,).
            future: covariates of the steps.
            draws: sample paths of each.
        """
        copies = draws.paths if draws else 1
        of_rows = np.repeat(lengths, copies)
        if (of_rows == whole.lengths).all():
            return whole
        ended, ended_rows = [], []
        for length in np.unique(lengths):
            rows = np.flatnonzero(lengths == length)
            known = None if future is None else future[:length, rows]
            own = draws and draws._replace(branches=[draws.branches[row] for row in rows])
            ended.append(self._advance(start.take(rows), int(length), known, own)[1])
            ended_rows.append((rows[:, None] * copies + np.arange(copies)).ravel())
        after = join(ended).take(np.argsort(np.concatenate(ended_rows)))
        inside = (np.arange(lengths.max()) < of_rows[:, None])[..., None]  # (B, H, 1)
        scaled, values = (
            np.where(inside, part[:, : lengths.max()], np.nan)
            for part in (whole.scaled, whole.values)
        )
        return Rollout(scaled, values, of_rows, whole.start, after)


def faster_runtime(config: Config, rows: int, horizon: int) -> str:
    """Which runtime is faster for a rollout of so many rows, "numpy" or "compiled".

    Where TensorFlow is not installed there is NumPy alone.
    """
    is_slow = config.counts  # draws of counts are, when compiled
    if rows * horizon < MIN_STEP_ROWS_TO_COMPILE or is_slow:
        return "numpy"
    return "compiled" if find_spec("tensorflow") else "numpy"


def _with_quantiles(step: np.ndarray, other: np.ndarray) -> np.ndarray:
    """A step (S, 1 + Q, D), or its value alone (S, 1, D) with quantiles as far off as another's."""
    return step if step.shape == other.shape else other - other[:, :1] + step


def _append(paths: np.ndarray, rows: np.ndarray, block: np.ndarray) -> np.ndarray:
    """Paths (B, T, D) with a block of steps (R, K, D) of some rows; NaN for the others."""
    wide = np.full((len(paths), *block.shape[1:]), np.nan, block.dtype)
    wide[rows] = block
    return np.concatenate([paths, wide], axis=1)
