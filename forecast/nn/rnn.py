"""The decoder-only network: recurrent layers that observe and forecast with the same weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from forecast.nn.layers import Array, Linear, NetworkState, Run, Shapes, Sizes, Stack, zeros


@dataclass(frozen=True)
class RNN:
    """Stacked layers and a linear read-out, on the contract of all networks.

    Attributes:
        xp: the array namespace.
        sizes: of the network.
        encoder: the layers that observe.
        decoder: the layers that forecast; here the same ones.
        head: the read-out.
    """

    xp: Any
    sizes: Sizes
    encoder: Stack
    decoder: Stack
    head: Linear

    ENCODER = "decoder"  # the name of the stack that observes
    LAG_FLAGS = False
    ENCODES = False  # observing is a forecast step whose output is ignored
    FEEDS_BACK = True

    @classmethod
    def of(cls, xp: Any, sizes: Sizes, arrays: Mapping[str, Array]) -> Self:
        """Build the network from the arrays that `shapes` names."""
        decoder = Stack.of(xp, sizes, "decoder", arrays)
        encoder = Stack.of(xp, sizes, cls.ENCODER, arrays) if cls.ENCODES else decoder
        return cls(xp, sizes, encoder, decoder, Linear.of(xp, "head", arrays))

    @classmethod
    def shapes(cls, sizes: Sizes) -> Shapes:
        """The shape of each array, by name."""
        return {
            **Stack.shapes(sizes, cls.ENCODER, sizes.inputs),
            **Stack.shapes(sizes, "decoder", sizes.inputs),
            **Linear.shapes("head", sizes.units, sizes.outputs),
        }

    @classmethod
    def feature_rows(cls, sizes: Sizes) -> dict[str, int]:
        """The row of the first step feature in each kernel that takes them, by name."""
        first = sizes.inputs - sizes.step_features
        return {f"{stack}_0.kernel": first for stack in (cls.ENCODER, "decoder")}

    @staticmethod
    def state_shapes(sizes: Sizes, batch_size: int) -> Shapes:
        """The shape of each state array of `batch_size` series; the initial state is zeros."""
        return Stack.state_shapes(sizes, batch_size)

    def initial_state(self, batch_size: int) -> NetworkState:
        """The initial state of `batch_size` series."""
        return zeros(self.xp, self.state_shapes(self.sizes, batch_size))

    def observe(self, x: Array, state: NetworkState) -> NetworkState:
        """The state after an observed step, (B, inputs)."""
        return self.encoder.step(x, state)[1]

    def advance(self, x: Array, state: NetworkState) -> tuple[Array, NetworkState]:
        """A step of the forecast, (B, inputs): raw parameters (B, outputs), and the state."""
        output, state = self.decoder.step(x, state)
        return self.head(output), state

    def absorb(self, run: Run, x: Array, state: NetworkState) -> NetworkState:
        """`observe`, many steps at once: (B, T, inputs)."""
        return run(self.ENCODER, x, state)[1]

    def unroll(self, run: Run, x: Array, state: NetworkState) -> tuple[Array, NetworkState]:
        """`advance`, many steps at once: (B, T, inputs) to (B, T, outputs), and the state."""
        output, state = run("decoder", x, state)
        return self.head(output), state
