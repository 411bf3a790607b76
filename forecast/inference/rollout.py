"""From the state of many series to their next values: in chunks, on either runtime."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np

from forecast.data import scaling
from forecast.errors import ForecastError
from forecast.inference import random_streams
from forecast.inference.bounds import Bounds, Limits, clip, limits, whole, within
from forecast.inference.config import Config
from forecast.inference.encoding import walk
from forecast.inference.loop import rollout
from forecast.inference.parallel import side_by_side
from forecast.inference.preprocess import series_features
from forecast.inference.random_streams import Branch
from forecast.inference.state import State, join
from forecast.inference.stopping import Condition, steps_until
from forecast.nn.step import SPREAD, LoopCarry, ModelStep, StepMemory

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
    """

    config: Config
    weights: dict[str, np.ndarray]
    bounds: tuple[Bounds, ...]
    seed: int = 0
    runtime: str = "numpy"

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
        scaled, after = engine._advance(start, longest, future, paths)
        values = engine.draws(scaled, after)
        sampled = Rollout(scaled, values, np.full(len(scaled), longest), start.repeat(paths), after)
        known = _repeated(future, paths)
        return self._cut(sampled, np.repeat(lengths, paths), known, drawn=True)

    @property
    def of_draws(self) -> RolloutEngine:
        """The engine of draws from the distribution: those of counts are whole numbers."""
        return replace(self, bounds=whole(self.bounds)) if self.config.counts else self

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
        self, start: State, horizon: int, future: np.ndarray | None, paths: int = 0
    ) -> tuple[np.ndarray, State]:
        """Steps (B, H, .), see `ModelStep.rollout_step`, and the state after them.

        Of each series, or of its sample paths.
        """
        copies = max(paths, 1)
        is_compiled = self.runtime == "compiled"
        size = max((COMPILED_CHUNK if is_compiled else NUMPY_CHUNK) // copies, 1)
        branches = random_streams.branches(start.ids.tolist()) if paths else []

        def chunk(first: int) -> tuple[np.ndarray, State]:
            rows = slice(first, first + size)
            series = start.take(np.arange(len(start.ids))[rows])
            uniforms = self._uniforms(series, branches[rows], horizon, paths) if paths else None
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
            after = self._cut(whole, lengths[running] - before, known, drawn=False).after
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
        self, whole: Rollout, lengths: np.ndarray, future: np.ndarray | None, drawn: bool
    ) -> Rollout:
        """The same rows, each for so many steps (B,) only, and the state after those.

        Args:
            whole: the rows.
            lengths: steps of each.
            future: covariates of the steps.
            drawn: whether the values are draws.
        """
        if (lengths == whole.lengths).all():
            return whole
        start, longest = whole.start, int(lengths.max())
        inside = np.arange(longest) < lengths[:, None]  # (B, H)
        scaled, values = whole.scaled[:, :longest], whole.values[:, :longest]
        times = times_after(start, longest)
        known = None if future is None else future[:longest]
        features = self.step_features(start, times, known).swapaxes(0, 1)[inside]
        times, rows = times.T[inside], scaled[inside]
        indptr = np.concatenate([[0], np.cumsum(lengths)])
        feed = partial(_feed_back, self.step, drawn)
        memory = walk(feed, start.value, start.memory, rows, features, indptr)
        last = indptr[1:] - 1
        return Rollout(
            np.where(inside[..., None], scaled, np.nan),
            np.where(inside[..., None], values, np.nan),
            lengths,
            start,
            replace(start, time=times[last], value=rows[last], memory=memory),
        )

    def _uniforms(
        self, start: State, branches: list[Branch], horizon: int, paths: int
    ) -> np.ndarray:
        """The randomness of sample paths, (H, S * paths, D, 2)."""
        d = self.config.targets
        first, count = self.config.frequency.numbers(start.time) + 1, paths * d * 2
        drawn = random_streams.uniforms(self.seed, start.ids, branches, first, horizon, count)
        return drawn.reshape(horizon, len(start.ids) * paths, d, 2)


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


def _feed_back(
    step: ModelStep,
    drawn: bool,
    value: np.ndarray,
    memory: StepMemory,
    values: np.ndarray,
    features: np.ndarray,
) -> StepMemory:
    """The memory after values (B, T, D) that a forecast has fed back, see `encoding.walk`."""
    for t in range(values.shape[1]):
        _, memory = step.advance(value, memory, features[:, t])
        memory = memory.as_observed() if drawn else memory
        value = values[:, t]
    return memory


def _repeated(future: np.ndarray | None, copies: int) -> np.ndarray | None:
    """The covariates (H, S, V) of every series so many times, one after the other."""
    return None if future is None else np.repeat(future, copies, axis=1)


def _append(paths: np.ndarray, rows: np.ndarray, block: np.ndarray) -> np.ndarray:
    """Paths (B, T, D) with a block of steps (R, K, D) of some rows; NaN for the others."""
    wide = np.full((len(paths), *block.shape[1:]), np.nan, block.dtype)
    wide[rows] = block
    return np.concatenate([paths, wide], axis=1)
