"""Encoder and decoder with attention: each step attends to the encoder's last outputs.

The decoder's output is the query (Luong, Pham & Manning 2015); the context vector is a mean of the
encoder's last outputs, weighted by their scores: scaled dot products (Vaswani et al. 2017), or the
additive score of Bahdanau, Cho & Bengio (2015). As many outputs are kept as a training window has
steps of context; the newest replaces the oldest, so the cost of a step does not depend on the
length of the history.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from forecast.nn.layers import Array, Linear, NetworkState, Run, Shapes, Sizes, Stack, zeros

MASKED_SCORE = -1e9  # of a slot that no encoder output has filled yet


@dataclass(frozen=True)
class Attention:
    """Two stacks that share one state, and attention, on the contract of all networks.

    Attributes:
        xp: the array namespace.
        sizes: of the network.
        encoder: observes.
        decoder: forecasts.
        query: projects the decoder's output to a query.
        key: projects an encoder output to its key, (U, U); a bias would have no effect.
        score: of the additive score, (U, 1); None for the scaled dot product.
        combine: joins the decoder's output and the context vector.
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

    LAG_FLAGS = False
    ENCODES = True
    FEEDS_BACK = True

    @classmethod
    def of(cls, xp: Any, sizes: Sizes, arrays: Mapping[str, Array]) -> Attention:
        """Build the network from the arrays that `shapes` names."""
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

    @classmethod
    def feature_rows(cls, sizes: Sizes) -> dict[str, int]:
        """The row of the first step feature in each kernel that takes them, by name."""
        first = sizes.inputs - sizes.step_features
        return {"encoder_0.kernel": first, "decoder_0.kernel": first}

    @staticmethod
    def state_shapes(sizes: Sizes, batch_size: int) -> Shapes:
        """The shape of each state array of `batch_size` series; the initial state is zeros.

        `outputs` are the encoder's last M; `ages` their ages in steps, 1 for an output just made
        and 0 for an empty slot; `weights` the attention weights of the last forecast step.
        """
        return {
            **Stack.state_shapes(sizes, batch_size),
            "outputs": (batch_size, sizes.context, sizes.units),
            **dict.fromkeys(("ages", "weights"), (batch_size, sizes.context)),
        }

    def initial_state(self, batch_size: int) -> NetworkState:
        """The initial state of `batch_size` series."""
        return zeros(self.xp, self.state_shapes(self.sizes, batch_size))

    def observe(self, x: Array, state: NetworkState) -> NetworkState:
        """The state after an observed step, (B, inputs)."""
        output, stack = self.encoder.step(x, state)
        return self._after_encoding(output[:, None], stack, state)

    def advance(self, x: Array, state: NetworkState) -> tuple[Array, NetworkState]:
        """A step of the forecast, (B, inputs): raw parameters (B, outputs), and the state."""
        output, stack = self.decoder.step(x, state)
        params, weights = self._attend(output[:, None], state)
        updated = {"ages": self._aged(state, 1), "weights": weights[:, 0]}
        return params[:, 0], {**state, **stack, **updated}

    def absorb(self, run: Run, x: Array, state: NetworkState) -> NetworkState:
        """`observe`, many steps at once: (B, T, inputs)."""
        outputs, stack = run("encoder", x, state)
        return self._after_encoding(outputs, stack, state)

    def unroll(self, run: Run, x: Array, state: NetworkState) -> tuple[Array, NetworkState]:
        """`advance`, many steps at once: (B, T, inputs) to (B, T, outputs), and the state."""
        outputs, stack = run("decoder", x, state)
        params, weights = self._attend(outputs, state)
        updated = {"ages": self._aged(state, x.shape[1]), "weights": weights[:, -1]}
        return params, {**state, **stack, **updated}

    def _after_encoding(
        self, outputs: Array, stack: NetworkState, state: NetworkState
    ) -> NetworkState:
        """The state with the encoder's new outputs (B, T, U) taken in."""
        steps = outputs.shape[1]
        ages = steps - self.xp.arange(steps, dtype="float32")  # the newest output is 1 step old
        ages = self.xp.zeros_like(outputs[..., 0]) + ages  # (B, T)
        return {
            **stack,
            "outputs": self._newest(state["outputs"], outputs),
            "ages": self._newest(self._aged(state, steps), ages),
            "weights": self.xp.zeros_like(state["weights"]),
        }

    def _newest(self, before: Array, new: Array) -> Array:
        """The last M of both, in order of time."""
        joined = self.xp.concatenate([before, new], 1)
        return joined[:, joined.shape[1] - self.sizes.context :]

    def _aged(self, state: NetworkState, steps: int) -> Array:
        """The ages of the outputs after `steps` more steps; empty slots stay at 0."""
        ages = state["ages"]
        return self.xp.where(ages > 0, ages + float(steps), 0.0)

    def _attend(self, decoded: Array, state: NetworkState) -> tuple[Array, Array]:
        """Raw parameters (B, T, outputs) and weights (B, T, M) of decoder outputs (B, T, U)."""
        scores = self._scores(self.query(decoded), state["outputs"])  # (B, T, M)
        is_filled = state["ages"][:, None] > 0
        weights = softmax(self.xp, self.xp.where(is_filled, scores, MASKED_SCORE))
        contexts = weights @ state["outputs"]  # (B, T, U)
        joined = self.combine(self.xp.concatenate([decoded, contexts], 2))
        return self.head(self.xp.tanh(joined)), weights

    def _scores(self, queries: Array, outputs: Array) -> Array:
        """Attention scores (B, T, M) of outputs (B, M, U) for queries (B, T, U)."""
        if self.score is None:  # cheaper: apply the key to the few queries, not the many outputs
            projected = self.xp.tensordot(queries, self.xp.transpose(self.key, (1, 0)), 1)
            products = projected @ self.xp.transpose(outputs, (0, 2, 1))
            return products / math.sqrt(self.sizes.units)
        keys = self.xp.tensordot(outputs, self.key, 1)
        activations = self.xp.tanh(queries[:, :, None] + keys[:, None])  # (B, T, M, U)
        return self.xp.tensordot(activations, self.score[:, 0], 1)


def softmax(xp: Any, scores: Array) -> Array:
    """Positive weights that sum to 1 along the last axis."""
    exponentials = xp.exp(scores - xp.max(scores, axis=-1, keepdims=True))
    return exponentials / xp.sum(exponentials, axis=-1, keepdims=True)
