"""Encoder and decoder: the encoder's final state is the decoder's initial state.

Sutskever, Vinyals & Le (2014). The first step of the decoder is fed the last observed value.
"""

from __future__ import annotations

from dataclasses import dataclass

from forecast.nn.rnn import RNN


@dataclass(frozen=True)
class Seq2Seq(RNN):
    """The RNN with separate layers for observing; both stacks share one state.

    After a forecast the encoder continues from the decoder's state, so that new values can be
    observed at any time.
    """

    ENCODER = "encoder"
    ENCODES = True
