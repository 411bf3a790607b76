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

BLOCK = "block."  # before the names of the decoder's memory


@dataclass(frozen=True)
class Repeat:
    """Two stacks with a memory each, on the contract that all networks share.

    Attributes:
        xp: the array namespace.
        sizes: of the network.
        encoder: reads all values, true ones and those of the forecast.
        decoder: reads the vector and the step features.
        head: the decoder's read-out.
    """

    xp: Any
    sizes: Sizes
    encoder: Stack
    decoder: Stack
    head: Linear

    ENCODES = True
    FEEDS_BACK = False  # within the horizon of training

    @classmethod
    def of(cls, xp: Any, sizes: Sizes, arrays: Mapping[str, Array]) -> Repeat:
        """The network made of the arrays that `shapes` names."""
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

    @staticmethod
    def state_shapes(sizes: Sizes, batch: int) -> Shapes:
        """The shape of each array of the memory of `batch` series, which is empty as zeros.

        `vector` is what is repeated, `done` tells for how many steps it has been, 0 after an
        observation.
        """
        stack = Stack.state_shapes(sizes, batch)
        block = {BLOCK + name: shape for name, shape in stack.items()}
        return {**stack, **block, "vector": (batch, sizes.units), "done": (batch, 1)}

    def initial_state(self, batch: int) -> NetworkState:
        """The empty memory of `batch` series."""
        return zeros(self.xp, self.state_shapes(self.sizes, batch))

    def observe(self, x: Array, state: NetworkState) -> NetworkState:
        """The memory after a step (B, inputs) whose value is true."""
        return self._between_blocks(self.encoder.step(x, state)[1], state)

    def advance(self, x: Array, state: NetworkState) -> tuple[Array, NetworkState]:
        """A step of the forecast, (B, inputs): raw parameters (B, outputs), and the memory."""
        output, memory = self.encoder.step(x, state)
        begins = (state["done"] == 0) | (state["done"] >= self.sizes.horizon)  # (B, 1)
        vector = self.xp.where(begins, output, state["vector"])
        block = {name: self.xp.where(begins, 0.0, state[BLOCK + name]) for name in memory}
        inputs = self.xp.concatenate([vector, self._step_features(x)], 1)
        output, block = self.decoder.step(inputs, block)
        return self.head(output), {
            **memory,
            **{BLOCK + name: part for name, part in block.items()},
            "vector": vector,
            "done": self.xp.where(begins, 0.0, state["done"]) + 1.0,
        }

    def absorb(self, run: Run, x: Array, state: NetworkState) -> NetworkState:
        """`observe`, many steps at once: (B, T, inputs)."""
        return self._between_blocks(run("encoder", x, state)[1], state)

    def unroll(self, run: Run, x: Array, state: NetworkState) -> tuple[Array, NetworkState]:
        """`advance`, many steps at once: (B, T, inputs) to (B, T, outputs), and the memory.

        The steps are the first of a block and none beyond it.
        """
        outputs, memory = run("encoder", x, state)
        vector = outputs[:, :1]
        repeated = self.xp.zeros_like(outputs) + vector
        block = {name: self.xp.zeros_like(part) for name, part in memory.items()}
        inputs = self.xp.concatenate([repeated, self._step_features(x)], 2)
        outputs, block = run("decoder", inputs, block)
        return self.head(outputs), {
            **memory,
            **{BLOCK + name: part for name, part in block.items()},
            "vector": vector[:, 0],
            "done": self.xp.zeros_like(state["done"]) + float(x.shape[1]),
        }

    def _step_features(self, x: Array) -> Array:
        """The step features among the inputs: the last ones."""
        return x[..., x.shape[-1] - self.sizes.step_features :]

    def _between_blocks(self, memory: NetworkState, state: NetworkState) -> NetworkState:
        """The memory after an observation: what is left of a forecast is dropped."""
        names = state.keys() - memory.keys()
        return {**memory, **{name: self.xp.zeros_like(state[name]) for name in names}}
