"""Encoder and decoder with attention: each step looks back at what the encoder has put out.

The decoder's output asks (Luong, Pham & Manning 2015), and the answer is a mean of the encoder's
last outputs, weighted by their scores: scaled dot products (Vaswani et al. 2017), or the additive
score of Bahdanau, Cho & Bengio (2015). As many outputs are kept as a training window shows before
the forecast; the oldest is dropped for the newest, so a step takes as long after any history.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from forecast.network.parts import Array, Linear, Run, Shapes, Sizes, Stack, State, zeros

NEVER = -1e9  # the score of a place that no output has filled yet


@dataclass(frozen=True)
class Attention:
    """Two stacks that share one memory, and attention, on the contract that all networks share.

    Attributes:
        xp: the array namespace.
        sizes: of the network.
        encoder: observes.
        decoder: forecasts.
        query: what is made of the decoder's output to ask with.
        key: what is made of an output to be found by, (U, U); a bias would cancel out.
        score: of the additive score, (U,); None for the scaled dot product.
        combine: joins the decoder's output and the answer.
        head: the read-out.
    """

    xp: Any
    sizes: Sizes
    encoder: Stack
    decoder: Stack
    query: Linear
    key: Array
    score: Array | None
    combine: Linear
    head: Linear

    ENCODES = True
    FEEDS_BACK = True

    @classmethod
    def of(cls, xp: Any, sizes: Sizes, arrays: Mapping[str, Array]) -> Attention:
        """The network made of the arrays that `shapes` names."""
        encoder, decoder = (Stack.of(xp, sizes, name, arrays) for name in ("encoder", "decoder"))
        query, combine, head = (
            Linear.of(xp, name, arrays) for name in ("query", "combine", "head")
        )
        score = arrays["score.kernel"] if sizes.score == "additive" else None
        key = arrays["key.kernel"]
        return cls(xp, sizes, encoder, decoder, query, key, score, combine, head)

    @staticmethod
    def shapes(sizes: Sizes) -> Shapes:
        """The shape of each array, by name."""
        score: Shapes = {"score.kernel": (sizes.units, 1)} if sizes.score == "additive" else {}
        return {
            **Stack.shapes(sizes, "encoder", sizes.inputs),
            **Stack.shapes(sizes, "decoder", sizes.inputs),
            **Linear.shapes("query", sizes.units, sizes.units),
            "key.kernel": (sizes.units, sizes.units),
            **score,
            **Linear.shapes("combine", 2 * sizes.units, sizes.units),
            **Linear.shapes("head", sizes.units, sizes.outputs),
        }

    @staticmethod
    def state_shapes(sizes: Sizes, batch: int) -> Shapes:
        """The shape of each array of the memory of `batch` series, which is empty as zeros.

        `outputs` are the encoder's last M, `keys` what they are found by; `filled` tells how many
        there are, `weights` how much each has counted in the last step of the forecast.
        """
        kept = (batch, sizes.context, sizes.units)
        return {
            **Stack.state_shapes(sizes, batch),
            **{"outputs": kept, "keys": kept},
            **{"filled": (batch, 1), "weights": (batch, sizes.context)},
        }

    def initial_state(self, batch: int) -> State:
        """The empty memory of `batch` series."""
        return zeros(self.xp, self.state_shapes(self.sizes, batch))

    def observe(self, x: Array, state: State) -> State:
        """The memory after a step (B, inputs) whose value is true."""
        output, memory = self.encoder.step(x, state)
        return self._kept(output[:, None], memory, state)

    def advance(self, x: Array, state: State) -> tuple[Array, State]:
        """A step of the forecast, (B, inputs): raw parameters (B, outputs), and the memory."""
        output, memory = self.decoder.step(x, state)
        params, weights = self._read(output[:, None], state)
        return params[:, 0], {**state, **memory, "weights": weights[:, 0]}

    def absorb(self, run: Run, x: Array, state: State) -> State:
        """`observe`, many steps at once: (B, T, inputs)."""
        outputs, memory = run("encoder", x, state)
        return self._kept(outputs, memory, state)

    def unroll(self, run: Run, x: Array, state: State) -> tuple[Array, State]:
        """`advance`, many steps at once: (B, T, inputs) to (B, T, outputs), and the memory."""
        outputs, memory = run("decoder", x, state)
        params, weights = self._read(outputs, state)
        return params, {**state, **memory, "weights": weights[:, -1]}

    def _kept(self, outputs: Array, memory: State, state: State) -> State:
        """The memory after the encoder has put out (B, T, U)."""
        steps, kept = outputs.shape[1], self.sizes.context
        return {
            **memory,
            "outputs": self._last(state["outputs"], outputs),
            "keys": self._last(state["keys"], self.xp.tensordot(outputs, self.key, 1)),
            "filled": self.xp.minimum(state["filled"] + steps, float(kept)),
            "weights": self.xp.zeros_like(state["weights"]),
        }

    def _last(self, before: Array, new: Array) -> Array:
        joined = self.xp.concatenate([before, new], 1)
        return joined[:, joined.shape[1] - self.sizes.context :]

    def _read(self, queries: Array, state: State) -> tuple[Array, Array]:
        """Parameters (B, T, outputs) for the decoder's outputs (B, T, U); weights (B, T, M)."""
        scores = self._scores(self.query(queries), state["keys"])  # (B, T, M)
        places = self.xp.arange(self.sizes.context, dtype="float32")
        is_filled = places >= self.sizes.context - state["filled"]  # (B, M)
        weights = softmax(self.xp, self.xp.where(is_filled[:, None], scores, NEVER))
        answers = weights @ state["outputs"]  # (B, T, U)
        joined = self.combine(self.xp.concatenate([queries, answers], 2))
        return self.head(self.xp.tanh(joined)), weights

    def _scores(self, queries: Array, keys: Array) -> Array:
        """How well keys (B, M, U) answer queries (B, T, U), as (B, T, M)."""
        if self.score is None:
            return queries @ self.xp.transpose(keys, (0, 2, 1)) / math.sqrt(self.sizes.units)
        met = self.xp.tanh(queries[:, :, None] + keys[:, None])  # (B, T, M, U)
        return self.xp.tensordot(met, self.score[:, 0], 1)


def softmax(xp: Any, scores: Array) -> Array:
    """Positive weights that add up to 1 along the last axis."""
    powers = xp.exp(scores - xp.max(scores, axis=-1, keepdims=True))
    return powers / xp.sum(powers, axis=-1, keepdims=True)
