"""The decoder-only network: recurrent layers that observe and forecast with the same weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from forecast.nn.layers import Array, Linear, NetworkState, Run, Shapes, Sizes, Stack, zeros


@dataclass(frozen=True)
class RNN:
    """Stacked layers and a linear read-out, on the contract that all networks share.

    Attributes:
        xp: the array namespace that evaluates the step.
        sizes: of the network.
        encoder: the layers that observe.
        decoder: those that forecast; here they are the same.
        head: the read-out.
    """

    xp: Any
    sizes: Sizes
    encoder: Stack
    decoder: Stack
    head: Linear

    ENCODER = "decoder"  # the name of the stack that observes
    ENCODES = False  # to observe is to forecast and to leave the outcome aside
    FEEDS_BACK = True

    @classmethod
    def of(cls, xp: Any, sizes: Sizes, arrays: Mapping[str, Array]) -> Self:
        """The network made of the arrays that `shapes` names."""
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

    @staticmethod
    def state_shapes(sizes: Sizes, batch: int) -> Shapes:
        """The shape of each array of the memory of `batch` series, which is empty as zeros."""
        return Stack.state_shapes(sizes, batch)

    def initial_state(self, batch: int) -> NetworkState:
        """The empty memory of `batch` series."""
        return zeros(self.xp, self.state_shapes(self.sizes, batch))

    def observe(self, x: Array, state: NetworkState) -> NetworkState:
        """The memory after a step (B, inputs) whose value is true."""
        return self.encoder.step(x, state)[1]

    def advance(self, x: Array, state: NetworkState) -> tuple[Array, NetworkState]:
        """A step of the forecast, (B, inputs): raw parameters (B, outputs), and the memory."""
        output, state = self.decoder.step(x, state)
        return self.head(output), state

    def absorb(self, run: Run, x: Array, state: NetworkState) -> NetworkState:
        """`observe`, many steps at once: (B, T, inputs)."""
        return run(self.ENCODER, x, state)[1]

    def unroll(self, run: Run, x: Array, state: NetworkState) -> tuple[Array, NetworkState]:
        """`advance`, many steps at once: (B, T, inputs) to (B, T, outputs), and the memory."""
        output, state = run("decoder", x, state)
        return self.head(output), state
