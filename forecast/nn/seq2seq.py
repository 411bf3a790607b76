"""Encoder and decoder: the memory that one has made of the past starts the other.

Sutskever, Vinyals & Le (2014). The first step of the decoder is fed the last true value.
"""

from __future__ import annotations

from dataclasses import dataclass

from forecast.nn.rnn import RNN


@dataclass(frozen=True)
class Seq2Seq(RNN):
    """The same network with layers of its own for observing; both stacks share one memory.

    After a forecast the encoder goes on from the memory of the decoder, so that true values can
    be observed whenever they come.
    """

    ENCODER = "encoder"
    ENCODES = True
