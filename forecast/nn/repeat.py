"""One vector for the whole horizon: the classical decoder that is not fed its own values.

The encoder's output at the forecast's start is repeated at every step, next to that step's own
features (Cho et al. 2014, without the feedback). After the horizon that the network was trained
for, a new vector is taken from the encoder, which has meanwhile read the forecast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from forecast.nn.layers import Array, Linear, NetworkState, Run, Shapes, Sizes, Stack, zeros

BLOCK = "block."  # prefix of the names of the decoder's state


@dataclass(frozen=True)
class Repeat:
    """Two stacks with a state each, on the contract of all networks.

    Attributes:
        xp: the array namespace.
        sizes: of the network.
        encoder: reads all values, observed and forecast ones.
        decoder: reads the vector and the step features.
        head: the decoder's read-out.
    """

    xp: Any
    sizes: Sizes
    encoder: Stack
    decoder: Stack
    head: Linear

    LAG_FLAGS = False
    ENCODES = True
    FEEDS_BACK = False  # within the training horizon

    @classmethod
    def of(cls, xp: Any, sizes: Sizes, arrays: Mapping[str, Array]) -> Repeat:
        """Build the network from the arrays that `shapes` names."""
        encoder, decoder = (Stack.of(xp, sizes, name, arrays) for name in ("encoder", "decoder"))
        return cls(xp, sizes, encoder, decoder, Linear.of(xp, "head", arrays))

    @classmethod
    def shapes(cls, sizes: Sizes) -> Shapes:
        """The shape of each array, by name."""
        return {
            **Stack.shapes(sizes, "encoder", sizes.inputs),
            **Stack.shapes(sizes, "decoder", sizes.units + sizes.step_features),
            **Linear.shapes("head", sizes.units, sizes.outputs),
        }

    @classmethod
    def feature_rows(cls, sizes: Sizes) -> dict[str, int]:
        """The row of the first step feature in each kernel that takes them, by name."""
        first = sizes.inputs - sizes.step_features
        return {"encoder_0.kernel": first, "decoder_0.kernel": sizes.units}

    @staticmethod
    def state_shapes(sizes: Sizes, batch_size: int) -> Shapes:
        """The shape of each state array of `batch_size` series; the initial state is zeros.

        `vector` is what is repeated, `done` for how many steps it has been repeated, 0 after an
        observation.
        """
        stack = Stack.state_shapes(sizes, batch_size)
        block = {BLOCK + name: shape for name, shape in stack.items()}
        return {**stack, **block, "vector": (batch_size, sizes.units), "done": (batch_size, 1)}

    def initial_state(self, batch_size: int) -> NetworkState:
        """The initial state of `batch_size` series."""
        return zeros(self.xp, self.state_shapes(self.sizes, batch_size))

    def observe(self, x: Array, state: NetworkState) -> NetworkState:
        """The state after an observed step, (B, inputs)."""
        return self._after_observing(self.encoder.step(x, state)[1], state)

    def advance(self, x: Array, state: NetworkState) -> tuple[Array, NetworkState]:
        """A step of the forecast, (B, inputs): raw parameters (B, outputs), and the state."""
        output, encoder = self.encoder.step(x, state)
        starts = (state["done"] == 0) | (state["done"] >= self.sizes.horizon)  # (B, 1)
        vector = self.xp.where(starts, output, state["vector"])
        block = {name: self.xp.where(starts, 0.0, state[BLOCK + name]) for name in encoder}
        inputs = self.xp.concatenate([vector, self._step_features(x)], 1)
        output, block = self.decoder.step(inputs, block)
        return self.head(output), {
            **encoder,
            **{BLOCK + name: part for name, part in block.items()},
            "vector": vector,
            "done": self.xp.where(starts, 0.0, state["done"]) + 1.0,
        }

    def absorb(self, run: Run, x: Array, state: NetworkState) -> NetworkState:
        """`observe`, many steps at once: (B, T, inputs)."""
        return self._after_observing(run("encoder", x, state)[1], state)

    def unroll(self, run: Run, x: Array, state: NetworkState) -> tuple[Array, NetworkState]:
        """`advance`, many steps at once: (B, T, inputs) to (B, T, outputs), and the state.

        The steps must lie within one block, from its first step on.
        """
        outputs, encoder = run("encoder", x, state)
        vector = outputs[:, :1]
        repeated = self.xp.zeros_like(outputs) + vector
        block = {name: self.xp.zeros_like(part) for name, part in encoder.items()}
        inputs = self.xp.concatenate([repeated, self._step_features(x)], 2)
        outputs, block = run("decoder", inputs, block)
        return self.head(outputs), {
            **encoder,
            **{BLOCK + name: part for name, part in block.items()},
            "vector": vector[:, 0],
            "done": self.xp.zeros_like(state["done"]) + float(x.shape[1]),
        }

    def _step_features(self, x: Array) -> Array:
        """The step features among the inputs: the last ones."""
        return x[..., x.shape[-1] - self.sizes.step_features :]

    def _after_observing(self, encoder: NetworkState, state: NetworkState) -> NetworkState:
        """The state after an observation: what is left of a forecast is dropped."""
        rest = state.keys() - encoder.keys()
        return {**encoder, **{name: self.xp.zeros_like(state[name]) for name in rest}}
