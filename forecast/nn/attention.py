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

from forecast.nn.layers import Array, Linear, NetworkState, Run, Shapes, Sizes, Stack, zeros

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
        key: what an output of the encoder is found by, (U, U); a bias would add nothing.
        score: of the additive score, (U, 1); None for the scaled dot product.
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

    @classmethod
    def shapes(cls, sizes: Sizes) -> Shapes:
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

        `outputs` are the encoder's last M; `ages` tells for each how many steps ago its row was
        the next one, 0 where there is none yet, and `weights` how much it has counted in the last
        step of the forecast.
        """
        return {
            **Stack.state_shapes(sizes, batch),
            "outputs": (batch, sizes.context, sizes.units),
            **dict.fromkeys(("ages", "weights"), (batch, sizes.context)),
        }

    def initial_state(self, batch: int) -> NetworkState:
        """The empty memory of `batch` series."""
        return zeros(self.xp, self.state_shapes(self.sizes, batch))

    def observe(self, x: Array, state: NetworkState) -> NetworkState:
        """The memory after a step (B, inputs) whose value is true."""
        output, memory = self.encoder.step(x, state)
        return self._kept(output[:, None], memory, state)

    def advance(self, x: Array, state: NetworkState) -> tuple[Array, NetworkState]:
        """A step of the forecast, (B, inputs): raw parameters (B, outputs), and the memory."""
        output, memory = self.decoder.step(x, state)
        params, weights = self._read(output[:, None], state)
        after = {"ages": self._older(state, 1), "weights": weights[:, 0]}
        return params[:, 0], {**state, **memory, **after}

    def absorb(self, run: Run, x: Array, state: NetworkState) -> NetworkState:
        """`observe`, many steps at once: (B, T, inputs)."""
        outputs, memory = run("encoder", x, state)
        return self._kept(outputs, memory, state)

    def unroll(self, run: Run, x: Array, state: NetworkState) -> tuple[Array, NetworkState]:
        """`advance`, many steps at once: (B, T, inputs) to (B, T, outputs), and the memory."""
        outputs, memory = run("decoder", x, state)
        params, weights = self._read(outputs, state)
        after = {"ages": self._older(state, x.shape[1]), "weights": weights[:, -1]}
        return params, {**state, **memory, **after}

    def _kept(self, outputs: Array, memory: NetworkState, state: NetworkState) -> NetworkState:
        """The memory after the encoder has put out (B, T, U)."""
        steps = outputs.shape[1]
        countdown = steps - self.xp.arange(steps, dtype="float32")  # the last one is 1 step old
        new = self.xp.zeros_like(outputs[..., 0]) + countdown
        return {
            **memory,
            "outputs": self._last(state["outputs"], outputs),
            "ages": self._last(self._older(state, steps), new),
            "weights": self.xp.zeros_like(state["weights"]),
        }

    def _last(self, before: Array, new: Array) -> Array:
        joined = self.xp.concatenate([before, new], 1)
        return joined[:, joined.shape[1] - self.sizes.context :]

    def _older(self, state: NetworkState, steps: int) -> Array:
        """The ages of the outputs so many steps later; those that are not there have none."""
        ages = state["ages"]
        return self.xp.where(ages > 0, ages + float(steps), 0.0)

    def _read(self, queries: Array, state: NetworkState) -> tuple[Array, Array]:
        """Parameters (B, T, outputs) for the decoder's outputs (B, T, U); weights (B, T, M)."""
        scores = self._scores(self.query(queries), state["outputs"])  # (B, T, M)
        is_there = state["ages"][:, None] > 0
        weights = softmax(self.xp, self.xp.where(is_there, scores, NEVER))
        answers = weights @ state["outputs"]  # (B, T, U)
        joined = self.combine(self.xp.concatenate([queries, answers], 2))
        return self.head(self.xp.tanh(joined)), weights

    def _scores(self, queries: Array, outputs: Array) -> Array:
        """How well outputs (B, M, U) answer queries (B, T, U), as (B, T, M)."""
        if self.score is None:  # the key is put to the few queries instead of the many outputs
            asked = self.xp.tensordot(queries, self.xp.transpose(self.key, (1, 0)), 1)
            found = asked @ self.xp.transpose(outputs, (0, 2, 1))
            return found / math.sqrt(self.sizes.units)
        keys = self.xp.tensordot(outputs, self.key, 1)
        met = self.xp.tanh(queries[:, :, None] + keys[:, None])  # (B, T, M, U)
        return self.xp.tensordot(met, self.score[:, 0], 1)


def softmax(xp: Any, scores: Array) -> Array:
    """Positive weights that add up to 1 along the last axis."""
    powers = xp.exp(scores - xp.max(scores, axis=-1, keepdims=True))
    return powers / xp.sum(powers, axis=-1, keepdims=True)
