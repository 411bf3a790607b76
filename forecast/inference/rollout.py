"""From the state of many series to their next values: in chunks, on either runtime."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np

from forecast.data import scaling
from forecast.errors import ForecastError
from forecast.inference import random_streams
from forecast.inference.bounds import Bounds, Limits, clip, limits, whole, within
from forecast.inference.config import Config
from forecast.inference.loop import rollout
from forecast.inference.parallel import side_by_side
from forecast.inference.preprocess import series_features
from forecast.inference.random_streams import Branch
from forecast.inference.state import MemberState, State, join
from forecast.inference.stopping import Condition, steps_until
from forecast.nn import HEADS
from forecast.nn.step import SPREAD, LoopCarry, ModelStep

MIN_SPREAD = 1e-6  # of a model's own, in scaled units
NUMPY_CHUNK = 256  # rows that NumPy rolls out together: they stay in the cache
COMPILED_CHUNK = 4096  # of compiled code: its shapes are few
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


class MemberPath(NamedTuple):
    """What a member forecasts, in the units of the data, each (B, H, D).

    Attributes:
        value: the next values.
        low, high: the quantiles at SPREAD of each step; None where it does not tell them.
    """

    value: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None


class Draws(NamedTuple):
    """Sample paths that are drawn of each series.

    Attributes:
        paths: how many.
        branches: which copy of a series each row is.
    """

    paths: int
    branches: list[Branch]


class MemberEngine(Protocol):
    """How the rollouts of a further member of a model are computed."""

    def roll(
        self, start: State, place: int, horizon: int, future: np.ndarray | None, draws: Draws | None
    ) -> tuple[MemberPath, MemberState]:
        """The next steps of each series, or of its sample paths, and the member's state after them.

        Args:
            start: of the model.
            place: of the member's own state among `start.others`.
            horizon: steps H.
            future: covariates of the steps.
            draws: sample paths; without them the centre of the distribution is rolled out.
        """

    def member_step(
        self, start: State, place: int, future: np.ndarray | None, probabilities: tuple[float, ...]
    ) -> tuple[np.ndarray, MemberState]:
        """The next step, see `RolloutEngine.step_of`."""

    def corrected(self, before: Any, after: Any, actual: np.ndarray) -> MemberState:
        """The state after a step whose true values (S, D) are known by now, in place of its own.

        Args:
            before, after: the member's state before the step and after its own value.
            actual: the true values.
        """


@dataclass(frozen=True)
class RolloutEngine:
    """How a model's rollouts are computed.

    Wherever it stands, `future` holds the future covariates of the steps, as the network takes
    them, (H, S, V); None for a model without any.

    Attributes:
        config, weights: of the model.
        bounds: that every value of each target is kept within.
        seed: of sample paths.
        runtime: "numpy" or "compiled".
        others: the engines of further members, whose forecasts are averaged with its own.
        shares: of its own forecast and of those of the others; they sum to 1.
    """

    config: Config
    weights: dict[str, np.ndarray]
    bounds: tuple[Bounds, ...]
    seed: int = 0
    runtime: str = "numpy"
    others: tuple[MemberEngine, ...] = ()
    shares: tuple[float, ...] = (1.0,)

    @property
    def step(self) -> ModelStep:
        """The model's step on NumPy."""
        return make_step(self.config, self.weights)

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

    @property
    def of_draws(self) -> RolloutEngine:
        """The engine of draws from the distribution: those of counts are whole numbers."""
        return replace(self, bounds=whole(self.bounds)) if self.config.counts else self

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

    def member_step(
        self, start: State, place: int, future: np.ndarray | None, probabilities: tuple[float, ...]
    ) -> tuple[np.ndarray, State]:
        """See `MemberEngine`."""
        own: Any = start.others[place]
        return self._step_alone(own, future if self.config.known else None, probabilities)

    def _step_alone(
        self, start: State, future: np.ndarray | None, probabilities: tuple[float, ...]
    ) -> tuple[np.ndarray, State]:
        """See `step_of`; of the first member."""
        head, times = HEADS[self.config.head], times_after(start, 1)
        features = self.step_features(start, times, future)[0]
        params, memory = self.step.advance(start.value, start.memory, features)
        value = np.clip(head.center(np, params), *self.limits(start)).astype(np.float32)
        shown = [self.values(value[:, None], start)]
        if probabilities:
            quantiles = np.stack([head.quantile(np, params, p) for p in probabilities], axis=1)
            limits = (limit[:, None] for limit in self.of_draws.limits(start))
            shown.append(self.of_draws.draws(np.clip(quantiles, *limits), start))
        after = replace(start, time=times[0], value=value, memory=memory)
        return np.concatenate(shown, axis=1), after

    def corrected(self, before: State, after: State, actual: np.ndarray) -> State:
        """See `MemberEngine`; of all members."""
        scaled = scaling.forward(
            scaling.transform(actual[:, None], self.config.powers), after.scale
        )
        members = zip(self.others, before.others, after.others, strict=True)
        return replace(
            after,
            value=scaled[:, 0],
            memory=after.memory.as_observed(),
            others=tuple(engine.corrected(old, new, actual) for engine, old, new in members),
        )

    def draws(self, scaled: np.ndarray, rows: State) -> np.ndarray:
        """Scaled draws or quantiles (B, H, D) in the units of the data, see `values`.

        A count divided and multiplied by its unit may be off by 1e-7.
        """
        values = self.values(scaled, rows)
        return np.rint(values) if self.config.counts else values

    def values(self, scaled: np.ndarray, rows: State, first_step: int = 1) -> np.ndarray:
        """Scaled values (B, H, D) in the units of the data, within the bounds.

        Raises:
            ForecastError: if one is not finite; it names the step, counted from `first_step`.
        """
        values = self.unscaled(scaled, rows)
        wrong = np.argwhere(~np.isfinite(values))
        if len(wrong):
            row, step, _ = wrong[0]
            raise ForecastError(
                f"the forecast of series '{rows.ids[row]}' is not finite from step "
                f"{first_step + step}; train longer, with a smaller --learning-rate, or with "
                "--transform none"
            )
        return values

    def unscaled(self, scaled: np.ndarray, rows: State) -> np.ndarray:
        """Scaled values (B, H, D) in the units of the data, within the bounds, finite or not."""
        values = scaling.backward(scaled, rows.scale, self.config.powers)
        values = within(values, scaled, self.limits(rows), self.bounds)
        is_constant = self._is_constant(rows)
        if not is_constant.any():
            return values
        constant = clip(rows.extent.low, self.bounds)
        return np.where(is_constant[:, None], constant[:, None], values)

    def limits(self, rows: State) -> Limits:
        """The bounds in the scaled units of each row."""
        low, high = limits(self.bounds, rows.scale, self.config.powers)
        is_constant, constant = self._is_constant(rows), np.clip(np.float32(0.0), low, high)
        return Limits(np.where(is_constant, constant, low), np.where(is_constant, constant, high))

    def _is_constant(self, rows: State) -> np.ndarray:
        """Which rows stay as they are, (B, D): where nothing but constants was there to learn."""
        has_none = [usual.spread is None for usual in self.config.usual_spreads] or False
        return np.asarray(np.equal(*rows.extent) & has_none)

    def step_features(
        self, start: State, times: np.ndarray, future: np.ndarray | None
    ) -> np.ndarray:
        """What the network is fed besides values, (H, S, K): calendar and covariates.

        Args:
            start: the state of the S series.
            times: ordinals of the steps (H, S).
            future: covariates of the steps.
        """
        calendar = self.config.calendar(times)
        shared = series_features(start, self.config)
        shared = np.broadcast_to(shared, (len(times), *shared.shape))
        varying = [] if future is None else [future]
        return np.concatenate([calendar, *varying, shared], axis=-1)

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
        return self._mean(path, [other for other, _ in rolled], after), after

    def roll(
        self, start: State, place: int, horizon: int, future: np.ndarray | None, draws: Draws | None
    ) -> tuple[MemberPath, State]:
        """See `MemberEngine`."""
        own: Any = start.others[place]
        known = future if self.config.known else None
        path, after = self._advance_alone(own, horizon, known, draws)
        return MemberPath(*(self.unscaled(part, after) for part in self._columns(path))), after

    def each(self, start: State, horizon: int, future: np.ndarray | None) -> list[np.ndarray]:
        """The next values of each member by itself, (S, H, D) in the units of the data."""
        path, after = self._advance_alone(start, horizon, future, None)
        first = self.unscaled(self._columns(path)[0], after)
        rolled = [
            engine.roll(start, place, horizon, future, None)[0].value
            for place, engine in enumerate(self.others)
        ]
        return [first, *(self._usable(values, first) for values in rolled)]

    def _mean(self, path: np.ndarray, others: list[MemberPath], rows: State) -> np.ndarray:
        """The mean of its own steps (B, H, .) and those of the others, taken in the data's units.

        A member that does not tell how far values lie from its own takes that from the first one;
        see `_usable` for where it knows nothing of a series.
        """
        value, *ends = (self.unscaled(part, rows) for part in self._columns(path))
        values = [self._usable(other.value, value) for other in others]
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
        return np.asarray(sum(s * part for s, part in zip(self.shares, parts, strict=True)))

    def _columns(self, path: np.ndarray) -> list[np.ndarray]:
        """The values of a path (B, H, .) and, of a direct model, its quantiles, each (B, H, D)."""
        return np.split(path, path.shape[-1] // self.config.targets, axis=-1)

    def _advance_alone(
        self, start: State, horizon: int, future: np.ndarray | None, draws: Draws | None
    ) -> tuple[np.ndarray, State]:
        """The steps of the first member, and its state after them."""
        copies, start = draws.paths if draws else 1, replace(start, others=())
        is_compiled = self.runtime == "compiled"
        size = max((COMPILED_CHUNK if is_compiled else NUMPY_CHUNK) // copies, 1)

        def chunk(first: int) -> tuple[np.ndarray, State]:
            rows = slice(first, first + size)
            series, uniforms = start.take(np.arange(len(start.ids))[rows]), None
            if draws:
                own = draws._replace(branches=draws.branches[rows])
                uniforms = uniforms_of(series, own, horizon, self.config.targets, self.seed)
            known = None if future is None else _repeated(future[:horizon, rows], copies)
            return self._advance_chunk(series.repeat(copies), horizon, known, uniforms)

        run_all = map if is_compiled else side_by_side  # compiled code has threads of its own
        chunks = [*run_all(chunk, range(0, len(start.ids), size))]
        return np.concatenate([path for path, _ in chunks]), join([after for _, after in chunks])

    def _advance_chunk(
        self, start: State, horizon: int, future: np.ndarray | None, uniforms: np.ndarray | None
    ) -> tuple[np.ndarray, State]:
        """Steps (B, H, .) and the state after them, on the runtime."""
        times = times_after(start, horizon)
        features, bounds = self.step_features(start, times, future), self.limits(start)
        if self.runtime == "compiled":
            from forecast.inference import loop_xla

            blueprint = self.config.blueprint
            path, memory = loop_xla.run(
                blueprint, self.weights, start.value, start.memory, features, bounds, uniforms
            )
        else:
            step = self.step.rollout_step(features, bounds, uniforms)
            path, carry = rollout(step, start.value, LoopCarry(0, start.memory), horizon)
            memory = carry.memory
        last = path[-1, :, : self.config.targets]
        after = replace(start, time=times[-1], value=last, memory=memory)
        return path.transpose(1, 0, 2), after

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


def uniforms_of(start: State, draws: Draws, horizon: int, d: int, seed: int) -> np.ndarray:
    """The randomness of sample paths, (H, S * paths, D, 2).

    Args:
        start: of S series.
        draws: the paths of each.
        horizon: steps H.
        d: targets D.
        seed: of the paths.
    """
    first, count = start.frequency.numbers(start.time) + 1, draws.paths * d * 2
    drawn = random_streams.uniforms(seed, start.ids, draws.branches, first, horizon, count)
    return drawn.reshape(horizon, len(start.ids) * draws.paths, d, 2)


def make_step(config: Config, weights: dict[str, np.ndarray]) -> ModelStep:
    """The step of a model on NumPy."""
    return ModelStep.of(np, config.blueprint, weights)


def faster_runtime(config: Config, rows: int, horizon: int) -> str:
    """Which runtime is faster for a rollout of so many rows, "numpy" or "compiled"."""
    is_slow = config.counts  # draws of counts are, when compiled
    is_large = rows * horizon >= MIN_STEP_ROWS_TO_COMPILE
    return "compiled" if is_large and not is_slow else "numpy"


def times_after(start: State, horizon: int) -> np.ndarray:
    """Ordinals of the next steps, (H, S)."""
    times: np.ndarray = start.time + start.frequency.step * np.arange(1, horizon + 1)[:, None]
    return times


def _with_quantiles(step: np.ndarray, other: np.ndarray) -> np.ndarray:
    """A step (S, 1 + Q, D), or its value alone (S, 1, D) with quantiles as far off as another's."""
    return step if step.shape == other.shape else other - other[:, :1] + step


def _repeated(future: np.ndarray | None, copies: int) -> np.ndarray | None:
    """The covariates (H, S, V) of every series so many times, one after the other."""
    return None if future is None else np.repeat(future, copies, axis=1)


def _append(paths: np.ndarray, rows: np.ndarray, block: np.ndarray) -> np.ndarray:
    """Paths (B, T, D) with a block of steps (R, K, D) of some rows; NaN for the others."""
    wide = np.full((len(paths), *block.shape[1:]), np.nan, block.dtype)
    wide[rows] = block
    return np.concatenate([paths, wide], axis=1)
