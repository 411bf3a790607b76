"""Encoder and decoder: the memory that one has made of the past starts the other.

Sutskever, Vinyals & Le (2014). The first step of the decoder is fed the last true value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from forecast.network.parts import Array, Linear, Run, Shapes, Sizes, Stack, State, zeros


@dataclass(frozen=True)
class Seq2Seq:
    """Two stacks that share one memory, on the contract that all networks share.

    After a forecast the encoder goes on from the memory of the decoder, so that true values can
    be observed whenever they come.

    Attributes:
        xp: the array namespace.
        sizes: of the network.
        encoder: observes.
        decoder: forecasts.
        head: the decoder's read-out.
    """

    xp: Any
    sizes: Sizes
    encoder: Stack
    decoder: Stack
    head: Linear

    ENCODES = True
    FEEDS_BACK = True

    @classmethod
    def of(cls, xp: Any, sizes: Sizes, arrays: Mapping[str, Array]) -> Seq2Seq:
        """The network made of the arrays that `shapes` names."""
        encoder, decoder = (Stack.of(xp, sizes, name, arrays) for name in ("encoder", "decoder"))
        return cls(xp, sizes, encoder, decoder, Linear.of(xp, "head", arrays))

    @staticmethod
    def shapes(sizes: Sizes) -> Shapes:
        """The shape of each array, by name."""
        return {
            **Stack.shapes(sizes, "encoder", sizes.inputs),
            **Stack.shapes(sizes, "decoder", sizes.inputs),
            **Linear.shapes("head", sizes.units, sizes.outputs),
        }

    @staticmethod
    def state_shapes(sizes: Sizes, batch: int) -> Shapes:
        """The shape of each array of the memory of `batch` series, which is empty as zeros."""
        return Stack.state_shapes(sizes, batch)

    def initial_state(self, batch: int) -> State:
        """The empty memory of `batch` series."""
        return zeros(self.xp, self.state_shapes(self.sizes, batch))

    def observe(self, x: Array, state: State) -> State:
        """The memory after a step (B, inputs) whose value is true."""
        return self.encoder.step(x, state)[1]

    def advance(self, x: Array, state: State) -> tuple[Array, State]:
        """A step of the forecast, (B, inputs): raw parameters (B, outputs), and the memory."""
        output, state = self.decoder.step(x, state)
        return self.head(output), state

    def absorb(self, run: Run, x: Array, state: State) -> State:
        """`observe`, many steps at once: (B, T, inputs)."""
        return run("encoder", x, state)[1]

    def unroll(self, run: Run, x: Array, state: State) -> tuple[Array, State]:
        """`advance`, many steps at once: (B, T, inputs) to (B, T, outputs), and the memory."""
        output, state = run("decoder", x, state)
        return self.head(output), state
