"""From the state of many series to their next values: in chunks, on either runtime."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from forecast.data import scaling
from forecast.data.future_covariates import FutureCovariates
from forecast.errors import ForecastError
from forecast.inference import random_streams
from forecast.inference.bounds import Bounds, Limits, clip, limits
from forecast.inference.config import Config
from forecast.inference.encoding import constants, walk
from forecast.inference.loop import rollout
from forecast.inference.parallel import side_by_side
from forecast.inference.random_streams import Branch
from forecast.inference.state import State, join
from forecast.inference.stopping import Condition, steps_until
from forecast.nn.step import LoopCarry, ModelStep, StepMemory

CHUNK = 1024  # rows that NumPy rolls out together: they stay in the cache
COMPILED_CHUNK = 4096  # of compiled code: its shapes are few
BLOCK = 64  # steps between two looks at a stop condition
COMPILED_PAYS = 20_000_000  # steps x rows above which importing and compiling pays for itself
FAR = 10.0  # ranges of the data beyond the data from which on a forecast is reported


@dataclass(frozen=True)
class Rollout:
    """The next values of B rows.

    Attributes:
        scaled: values (B, H, D) as the network sees them.
        values: the same in the units of the data; both NaN after a row's last step.
        lengths: steps of each row (B,).
        start, after: the state before the first and after the last step of each row.
    """

    scaled: np.ndarray
    values: np.ndarray
    lengths: np.ndarray
    start: State
    after: State


@dataclass(frozen=True)
class RolloutEngine:
    """How a model's rollouts are computed.

    Attributes:
        config, weights: of the model.
        bounds: that every value of each target is kept within.
        seed: of sample paths.
        runtime: "numpy" or "compiled".
        ahead: the known covariates of the steps to come, for a model that takes some.
    """

    config: Config
    weights: dict[str, np.ndarray]
    bounds: tuple[Bounds, ...]
    seed: int = 0
    runtime: str = "numpy"
    ahead: FutureCovariates | None = None

    @property
    def cell(self) -> ModelStep:
        """The model's step on NumPy."""
        return make_cell(self.config, self.weights)

    def run(self, start: State, horizon: int, paths: int = 0, done: int = 0) -> Rollout:
        """Roll the series of a state out.

        Args:
            start: of S series.
            horizon: how many steps H.
            paths: sample paths of each series; 0 for one rollout of the distribution's centre.
            done: steps of this rollout before the state, which messages count too.

        Returns:
            The next values of S rows, or of S * paths.

        Raises:
            ForecastError: if the rollout leaves the finite numbers.
        """
        copies = max(paths, 1)
        is_compiled = self.runtime == "compiled"
        size = max((COMPILED_CHUNK if is_compiled else CHUNK) // copies, 1)
        branches = random_streams.branches(start.ids.tolist()) if paths else []

        def advance(first: int) -> tuple[np.ndarray, State]:
            piece = start.take(np.arange(first, min(first + size, len(start.ids))))
            chosen = branches[first : first + size]
            uniforms = self._uniforms(piece, chosen, horizon, paths) if paths else None
            path, after = self._advance(piece.repeat(copies), horizon, uniforms)
            return path.transpose(1, 0, 2), after

        each = map if is_compiled else side_by_side  # compiled code has threads of its own
        pieces = [*each(advance, range(0, len(start.ids), size))]
        scaled = np.concatenate([path for path, _ in pieces])
        after = join([state for _, state in pieces])
        values = self.values(scaled, after, done)
        if paths and self.config.counts:
            values = np.rint(values)  # of a count and its unit, rounding has left a sliver
        lengths = np.full(len(scaled), horizon)
        return Rollout(scaled, values, lengths, start.repeat(copies), after)

    def run_until(self, start: State, horizon: int, condition: Condition) -> Rollout:
        """Roll the series of a state out, each until it meets a condition.

        Args:
            start: of S series.
            horizon: the most steps.
            condition: which the last value of a series meets.

        Returns:
            The next values; where a series has stopped before the others, NaN follows.

        Raises:
            ForecastError: if the rollout leaves the finite numbers.
        """
        series, done = len(start.ids), 0
        lengths = np.zeros(series, np.int64)
        scaled = np.empty((series, 0, self.config.targets), np.float32)
        values = np.empty(scaled.shape)
        running, state, ended, stopped = np.arange(series), start, [], []
        while len(running):
            block = self.run(state, min(BLOCK, horizon - done), done=done)
            scaled = _append(scaled, running, block.scaled)
            values = _append(values, running, block.values)
            before, done = done, scaled.shape[1]
            found = [steps_until(condition, path, before) for path in values[running]]
            lengths[running] = [done if steps is None else steps for steps in found]
            is_last = np.array([steps is not None for steps in found]) | (done == horizon)
            after = self.cut(block, lengths[running] - before).after
            ended.append(after.take(np.flatnonzero(is_last)))
            stopped.append(running[is_last])
            running, state = running[~is_last], after.take(np.flatnonzero(~is_last))
        after = join(ended).take(np.argsort(np.concatenate(stopped)))
        longest = int(lengths.max())
        scaled, values = scaled[:, :longest], values[:, :longest]
        late = np.arange(longest) >= lengths[:, None]
        scaled[late], values[late] = np.nan, np.nan
        return Rollout(scaled, values, lengths, start, after)

    def cut(self, whole: Rollout, lengths: np.ndarray) -> Rollout:
        """The same rows, each for so many steps (B,) only, and the state after those."""
        if (lengths == whole.lengths).all():
            return whole
        start, longest = whole.start, int(lengths.max())
        inside = np.arange(longest) < lengths[:, None]  # (B, H)
        scaled, values = whole.scaled[:, :longest], whole.values[:, :longest]
        times = times_after(start, longest)
        known = self.known(start, times).swapaxes(0, 1)[inside]
        times, rows = times.T[inside], scaled[inside]
        indptr = np.concatenate([[0], np.cumsum(lengths)])
        memory = walk(self._feed_back, start.value, start.memory, rows, known, indptr)
        last = indptr[1:] - 1
        return Rollout(
            np.where(inside[..., None], scaled, np.nan),
            np.where(inside[..., None], values, np.nan),
            lengths,
            start,
            replace(start, time=times[last], value=rows[last], memory=memory),
        )

    def values(self, scaled: np.ndarray, rows: State, done: int = 0) -> np.ndarray:
        """Scaled values (B, H, D) in the units of the data, within the bounds.

        Raises:
            ForecastError: if one is not finite; it is told as so many steps after the first.
        """
        values = self.unscaled(scaled, rows)
        wrong = np.argwhere(~np.isfinite(values))
        if len(wrong):
            row, step, _ = wrong[0]
            raise ForecastError(
                f"the forecast of series '{rows.ids[row]}' is not finite from step "
                f"{done + step + 1}; train longer, with a smaller --learning-rate, or with "
                "--transform none"
            )
        return values

    def known(self, start: State, times: np.ndarray) -> np.ndarray:
        """What is known of steps beforehand, (H, S, K): their calendar and covariates.

        Args:
            start: the state of the S series.
            times: ordinals of the steps (H, S).

        Raises:
            DataError: if covariates are missing.
        """
        calendar = self.config.calendar(times)
        varying = [self.ahead.at(start.ids, times)] if self.ahead else []
        constant = constants(start, self.config)
        constant = np.broadcast_to(constant, (len(times), *constant.shape))
        return np.concatenate([calendar, *varying, constant], axis=-1)

    def unscaled(self, scaled: np.ndarray, rows: State) -> np.ndarray:
        """Scaled values (B, H, D) in the units of the data, within the bounds, finite or not."""
        return clip(scaling.backward(scaled, rows.scale, self.config.powers), self.bounds)

    def _feed_back(self, value: Any, memory: StepMemory, known: Any) -> StepMemory:
        return self.cell.advance(value, memory, known)[1]

    def limits(self, rows: State) -> Limits:
        """The bounds in the scaled units of each row."""
        return limits(self.bounds, rows.scale, self.config.powers)

    def _advance(
        self, start: State, horizon: int, uniforms: np.ndarray | None
    ) -> tuple[np.ndarray, State]:
        """Scaled values (H, B, D) and the state after them."""
        times = times_after(start, horizon)
        known = self.known(start, times)
        if self.runtime == "compiled":
            from forecast.inference import loop_xla

            path, memory = loop_xla.run(
                self.config.blueprint,
                self.weights,
                start.value,
                start.memory,
                known,
                self.limits(start),
                uniforms,
            )
        else:
            step = self.cell.rollout_step(known, self.limits(start), uniforms)
            path, carry = rollout(step, start.value, LoopCarry(0, start.memory), horizon)
            memory = carry.memory
        return path, replace(start, time=times[-1], value=path[-1], memory=memory)

    def _uniforms(
        self, start: State, branches: list[Branch], horizon: int, paths: int
    ) -> np.ndarray:
        """The randomness of sample paths, (H, S * paths, D, 2)."""
        d = self.config.targets
        first = self.config.frequency.numbers(start.time) + 1
        drawn = random_streams.uniforms(
            self.seed, start.ids, branches, first, horizon, paths * d * 2
        )
        return drawn.reshape(horizon, len(start.ids) * paths, d, 2)


def make_cell(config: Config, weights: dict[str, np.ndarray]) -> ModelStep:
    """The step of a model on NumPy."""
    return ModelStep.of(np, config.blueprint, weights)


def runtime_for(config: Config, rows: int, horizon: int) -> str:
    """Which runtime is faster for a rollout of so many rows, "numpy" or "compiled"."""
    is_slow = config.counts  # draws of counts are, when compiled
    return "compiled" if rows * horizon >= COMPILED_PAYS and not is_slow else "numpy"


def times_after(start: State, horizon: int) -> np.ndarray:
    """Ordinals of the next steps, (H, S)."""
    times: np.ndarray = start.time + start.frequency.step * np.arange(1, horizon + 1)[:, None]
    return times


def outside(bounds: Bounds, start: State) -> list[str]:
    """Bounds of the first target that leave out all that was observed, in words: which series."""
    low = -np.inf if bounds.low is None else bounds.low
    high = np.inf if bounds.high is None else bounds.high
    apart = (start.extent.high[:, 0] < low) | (start.extent.low[:, 0] > high)
    return [
        f"the bounds, {bounds}, leave out all data of series '{start.ids[row]}' (between "
        f"{start.extent.low[row, 0]:.4g} and {start.extent.high[row, 0]:.4g})"
        for row in np.flatnonzero(apart)
    ]


def far_beyond(values: np.ndarray, extent: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Which values, (..., D), lie far beyond the smallest and largest observed; NaN never does."""
    low, high = extent
    reach = FAR * np.maximum(high - low, np.maximum(np.abs(low), np.abs(high)))
    far: np.ndarray = ((values > high + reach) | (values < low - reach)) & (reach > 0)
    return far


def strays(projection: Rollout, targets: tuple[str, ...]) -> list[str]:
    """Rollouts that go far beyond the data, in words: which series, from which step.

    Args:
        projection: of S series.
        targets: their names, of which several are told apart, D.
    """
    low, high = (part[:, None] for part in projection.start.extent)
    values, notes = projection.values, []
    far = far_beyond(values, (low, high))

    for row in np.flatnonzero(far.any(axis=(1, 2))):
        step, d = np.argwhere(far[row])[0]
        which = f"'{targets[d]}' of " if len(targets) > 1 else ""
        notes.append(
            f"the forecast of {which}series '{projection.start.ids[row]}' goes far beyond its data "
            f"from step {step + 1} ({values[row, step, d]:.4g}, where the data lie between "
            f"{low[row, 0, d]:.4g} and {high[row, 0, d]:.4g})"
        )
    return notes


def _append(paths: np.ndarray, rows: np.ndarray, block: np.ndarray) -> np.ndarray:
    """Paths (B, T, D) with a block of steps (R, K, D) of some rows; NaN for the others."""
    wide = np.full((len(paths), *block.shape[1:]), np.nan, block.dtype)
    wide[rows] = block
    return np.concatenate([paths, wide], axis=1)
