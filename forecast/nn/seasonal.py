"""The seasonal network: recurrent layers whose forecast starts from what a series has shown before.

Its inputs are relative to the seasons of a series, of which there may be two, with m and M steps
(a day and a week of hourly data, say), so that one set of weights serves every frequency:

    z[t-1], z[t-2], z[t-m], z[t-m-1], z[t-2m], z[t-M], z[t-M-1]

whether each of them was observed, the place of t within the seasons and their lengths, how many
values have been observed, and how many steps the forecast is ahead of the last one. The output is

    sum_k w_k a_k + sum_j tanh(d_j) c_j + e

with anchors a: z[t-1], z[t-m], z[t-2m], z[t-M]; changes c: z[t-1] - z[t-2], z[t-1] - z[t-m-1],
z[t-1] - z[t-M-1]; and weights w that are positive and sum to 1. The read-out of the recurrent
layers gives w, d and e: the naive, the seasonal naive and the drift forecast are within reach of
the first gradient step, and the network learns what to trust when.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from forecast.nn.layers import Array, Linear, NetworkState, Run, Shapes, Sizes, Stack, zeros

ROLES = 7  # values of a step: the last one, and those at the lags
ANCHORS, CHANGES = 4, 3
NEVER = -1e9  # added to the logit of an anchor that is missing


class Roles(NamedTuple):
    """What the values of an input are, or whether they were observed, each (..., D)."""

    last: Array
    second_last: Array
    season: Array
    before_season: Array
    two_seasons: Array
    long_season: Array
    before_long_season: Array


def lags(seasons: Sequence[int]) -> tuple[int, ...]:
    """The lags of the roles after the first.

    Args:
        seasons: steps of the shorter season m, 1 for none, and of the longer one M, 0 for none.

    Example:
        >>> lags((24, 168)), lags((1, 0))
        ((2, 24, 25, 48, 168, 169), (2, 1, 2, 2, 0, 0))
    """
    season, longer = seasons
    return (2, season, season + 1, 2 * season, longer, longer + 1 if longer else 0)


def pair(season: int, known: Sequence[int], rows: int) -> tuple[int, int]:
    """The seasons that a series is looked at with.

    Args:
        season: steps in the shorter one, 1 for none.
        known: seasons of the frequency.
        rows: of the longest series; a longer season of which it has no more is left out.

    Example:
        >>> pair(7, (7, 365), 800), pair(7, (7, 365), 300), pair(12, (12,), 800)
        ((7, 364), (7, 0), (12, 0))
    """
    longer = [other - other % season for other in known if other >= 2 * season > 2]
    return season, min((other for other in longer if other < rows), default=0)


@dataclass(frozen=True)
class Seasonal:
    """Recurrent layers and a read-out of anchors, on the contract of all networks.

    Attributes:
        xp: the array namespace.
        sizes: of the network.
        decoder: the layers, which observe and forecast.
        head: the read-out: raw parameters of the head, then logits of anchors, then the
            coefficients of changes.
    """

    xp: Any
    sizes: Sizes
    decoder: Stack
    head: Linear

    LAG_FLAGS = True
    ENCODES = False
    FEEDS_BACK = True

    @classmethod
    def of(cls, xp: Any, sizes: Sizes, arrays: Mapping[str, Array]) -> Seasonal:
        """Build the network from the arrays that `shapes` names."""
        decoder = Stack.of(xp, sizes, "decoder", arrays)
        return cls(xp, sizes, decoder, Linear.of(xp, "head", arrays))

    @classmethod
    def shapes(cls, sizes: Sizes) -> Shapes:
        """The shape of each array, by name."""
        outputs = sizes.outputs + (ANCHORS + CHANGES) * _targets(sizes)
        return {
            **Stack.shapes(sizes, "decoder", sizes.inputs + 2),
            **Linear.shapes("head", sizes.units, outputs),
        }

    @classmethod
    def feature_rows(cls, sizes: Sizes) -> dict[str, int]:
        """The row of the first step feature in each kernel that takes them, by name."""
        return {"decoder_0.kernel": sizes.inputs - sizes.step_features}

    @staticmethod
    def state_shapes(sizes: Sizes, batch_size: int) -> Shapes:
        """The shape of each state array of `batch_size` series; the initial state is zeros.

        `seen` is how many values have been fed, `ahead` how many steps a forecast has made.
        """
        counts = dict.fromkeys(("seen", "ahead"), (batch_size, 1))
        return {**Stack.state_shapes(sizes, batch_size), **counts}

    def initial_state(self, batch_size: int) -> NetworkState:
        """The initial state of `batch_size` series."""
        return zeros(self.xp, self.state_shapes(self.sizes, batch_size))

    def observe(self, x: Array, state: NetworkState) -> NetworkState:
        """The state after an observed step, (B, inputs)."""
        seen, ahead = state["seen"] + self._fed(x), self.xp.zeros_like(state["ahead"])
        _, stack = self.decoder.step(self._inputs(x, seen, ahead), state)
        return {**stack, "seen": seen, "ahead": ahead}

    def advance(self, x: Array, state: NetworkState) -> tuple[Array, NetworkState]:
        """A step of the forecast, (B, inputs): raw parameters (B, outputs), and the state."""
        seen, ahead = state["seen"] + self._fed(x), state["ahead"]
        output, stack = self.decoder.step(self._inputs(x, seen, ahead), state)
        return self._params(x, output), {**stack, "seen": seen, "ahead": ahead + 1.0}

    def absorb(self, run: Run, x: Array, state: NetworkState) -> NetworkState:
        """`observe`, many steps at once: (B, T, inputs)."""
        return self._run(run, x, state)[1]

    def unroll(self, run: Run, x: Array, state: NetworkState) -> tuple[Array, NetworkState]:
        """`advance`, many steps at once, all of them fed with true values.

        From (B, T, inputs) to (B, T, outputs), and the state.
        """
        output, after = self._run(run, x, state)
        return self._params(x, output), after

    def _run(self, run: Run, x: Array, state: NetworkState) -> tuple[Array, NetworkState]:
        """The outputs of the layers for many steps at once, and the state."""
        seen = state["seen"][:, None] + self.xp.cumsum(self._fed(x), 1)  # (B, T, 1)
        inputs = self._inputs(x, seen, self.xp.zeros_like(seen))
        output, stack = run("decoder", inputs, state)
        ahead = self.xp.zeros_like(state["ahead"])
        return output, {**stack, "seen": seen[:, -1], "ahead": ahead}

    def _inputs(self, x: Array, seen: Array, ahead: Array) -> Array:
        """The inputs of the layers, (..., inputs + 2)."""
        counts = [self.xp.log1p(seen) / 3.0 - 1.0, self.xp.log1p(ahead) / 3.0]
        return self.xp.concatenate([x, *counts], -1)

    def _fed(self, x: Array) -> Array:
        """Whether the last value is not missing, (..., 1): of several targets, which share."""
        d = _targets(self.sizes)
        observed = x[..., ROLES * d : (ROLES + 1) * d]
        return observed if d == 1 else self.xp.sum(observed, axis=-1, keepdims=True) / d

    def _params(self, x: Array, output: Array) -> Array:
        """Raw parameters of the head (..., outputs); the first D of them are the location."""
        xp, d, outputs = self.xp, _targets(self.sizes), self.sizes.outputs
        z, is_known = Roles(*_parts(x, d, ROLES)), Roles(*_parts(x[..., ROLES * d :], d, ROLES))
        raw = self.head(output)
        last = self._last(z, is_known)
        exists = [is_known.season, is_known.two_seasons, is_known.long_season]
        weights = self._weights(raw[..., outputs : outputs + ANCHORS * d], exists)
        anchors = xp.concatenate([last, z.season, z.two_seasons, z.long_season], -1)
        before = [z.second_last, z.before_season, z.before_long_season]
        are_known = [is_known.second_last, is_known.before_season, is_known.before_long_season]
        changes = self._beside_each(last, CHANGES) - xp.concatenate(before, -1)
        changes = changes * xp.concatenate(are_known, -1)
        coefficients = xp.tanh(raw[..., outputs + ANCHORS * d :])
        location = raw[..., :d]
        for part in (
            *_parts(weights * anchors, d, ANCHORS),
            *_parts(coefficients * changes, d, CHANGES),
        ):
            location = location + part
        return xp.concatenate([location, raw[..., d:outputs]], -1)

    def _last(self, z: Roles, is_known: Roles) -> Array:
        """The last value, or where it is missing the next best one that is not, (..., D)."""
        last = z.season * is_known.season
        for role in ("second_last", "last"):
            last = self.xp.where(getattr(is_known, role) > 0, getattr(z, role), last)
        return last

    def _weights(self, logits: Array, exists: list[Array]) -> Array:
        """Positive weights that sum to 1, of the last value and of the anchors that exist.

        Args:
            logits: of all anchors, (..., ANCHORS * D), those of an anchor side by side.
            exists: whether each anchor but the first is there, (..., D) each.
        """
        xp, d = self.xp, _targets(self.sizes)
        exists = [xp.ones_like(exists[0]), *exists]
        masked = logits + NEVER * (1.0 - xp.concatenate(exists, -1))
        first, *others = _parts(masked, d, ANCHORS)
        largest = functools.reduce(xp.maximum, others, first)
        exponentials = xp.exp(masked - self._beside_each(largest, ANCHORS))
        first, *others = _parts(exponentials, d, ANCHORS)
        return exponentials / self._beside_each(sum(others, first), ANCHORS)

    def _beside_each(self, part: Array, count: int) -> Array:
        """An array (..., D) to stand beside so many side by side; a single column broadcasts."""
        return part if _targets(self.sizes) == 1 else self.xp.concatenate([part] * count, -1)


def as_observed(state: NetworkState, is_true: Array | float = 1.0) -> NetworkState:
    """The state in which the value that is fed next counts as true: a draw, or an actual.

    Args:
        state: of any network.
        is_true: 1 for rows whose value is true, 0 for others; a number or (B, 1).
    """
    if "ahead" not in state:
        return state
    return {**state, "ahead": state["ahead"] * (1.0 - is_true)}


def _parts(array: Array, d: int, count: int) -> list[Array]:
    """The first parts of the last axis, each (..., D)."""
    return [array[..., k * d : (k + 1) * d] for k in range(count)]


def _targets(sizes: Sizes) -> int:
    """How many values a step forecasts, D."""
    return (sizes.inputs - sizes.step_features) // (2 * ROLES)
