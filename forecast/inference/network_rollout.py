"""What a member of a model does in a rollout, and how a network does it: in chunks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol, Self

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
from forecast.nn import HEADS
from forecast.nn.step import LoopCarry, ModelStep

NUMPY_CHUNK = 256  # rows that NumPy rolls out together: they stay in the cache
COMPILED_CHUNK = 4096  # of compiled code: its shapes are few


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
class NetworkEngine:
    """How the rollouts of one network are computed; a `MemberEngine`.

    Wherever it stands, `future` holds the future covariates of the steps, as the network takes
    them, (H, S, V); None for a model without any.

    Attributes:
        config, weights: of the network.
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

    @property
    def of_draws(self) -> Self:
        """The engine of draws from the distribution: those of counts are whole numbers."""
        return replace(self, bounds=whole(self.bounds)) if self.config.counts else self

    def roll(
        self, start: State, place: int, horizon: int, future: np.ndarray | None, draws: Draws | None
    ) -> tuple[MemberPath, State]:
        """See `MemberEngine`."""
        own: Any = start.others[place]
        known = future if self.config.known else None
        path, after = self._advance_alone(own, horizon, known, draws)
        return MemberPath(*(self.unscaled(part, after) for part in self.columns(path))), after

    def member_step(
        self, start: State, place: int, future: np.ndarray | None, probabilities: tuple[float, ...]
    ) -> tuple[np.ndarray, State]:
        """See `MemberEngine`."""
        own: Any = start.others[place]
        return self._step_alone(own, future if self.config.known else None, probabilities)

    def corrected(self, before: State, after: State, actual: np.ndarray) -> State:  # noqa: ARG002 - only the value fed back is wrong
        """See `MemberEngine`."""
        scaled = scaling.forward(
            scaling.transform(actual[:, None], self.config.powers), after.scale
        )
        return replace(after, value=scaled[:, 0], memory=after.memory.as_observed())

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
        if not any(self._varies_nowhere):
            return values
        constant = clip(rows.extent.low, self.bounds)
        return np.where(self._is_constant(rows)[:, None], constant[:, None], values)

    def limits(self, rows: State) -> Limits:
        """The bounds in the scaled units of each row."""
        low, high = limits(self.bounds, rows.scale, self.config.powers)
        if not any(self._varies_nowhere):
            return Limits(low, high)
        is_constant, constant = self._is_constant(rows), np.clip(np.float32(0.0), low, high)
        return Limits(np.where(is_constant, constant, low), np.where(is_constant, constant, high))

    def _is_constant(self, rows: State) -> np.ndarray:
        """Which rows stay as they are, (B, D): where nothing but constants was there to learn."""
        is_constant: np.ndarray = np.equal(*rows.extent) & np.array(self._varies_nowhere)
        return is_constant

    @property
    def _varies_nowhere(self) -> list[bool]:
        """Of which targets no series of the training varied; none where that is not known."""
        return [usual.spread is None for usual in self.config.usual_spreads] or [False]

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

    def columns(self, path: np.ndarray) -> list[np.ndarray]:
        """The values of a path (B, H, .) and, of a direct model, its quantiles, each (B, H, D)."""
        return np.split(path, path.shape[-1] // self.config.targets, axis=-1)

    def _step_alone(
        self, start: State, future: np.ndarray | None, probabilities: tuple[float, ...]
    ) -> tuple[np.ndarray, State]:
        """See `step_of`; of the first member."""
        head, times = HEADS[self.config.head], start.times_after(1)
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
        times = start.times_after(horizon)
        features, bounds = self.step_features(start, times, future), self.limits(start)
        if self.runtime == "compiled":
            from forecast.inference import loop_xla

            blueprint = self.config.blueprint
            path, memory = loop_xla.run(
                blueprint, self.weights, start.value, start.memory, features, bounds, uniforms
            )
        else:
            cell = self.step
            step = cell.rollout_step(features, bounds, uniforms)
            path, carry = rollout(step, start.value, LoopCarry(0, start.memory), horizon)
            memory = carry.memory
            if self.config.direct and uniforms is None:
                path = cell.with_spread(path)
        last = path[-1, :, : self.config.targets]
        after = replace(start, time=times[-1], value=last, memory=memory)
        return path.transpose(1, 0, 2), after


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


def _repeated(future: np.ndarray | None, copies: int) -> np.ndarray | None:
    """The covariates (H, S, V) of every series so many times, one after the other."""
    return None if future is None else np.repeat(future, copies, axis=1)
