"""The step of each network and the output heads, written once over an array namespace `xp`."""

from __future__ import annotations

from forecast.nn.attention import Attention
from forecast.nn.heads import HEADS
from forecast.nn.layers import Network
from forecast.nn.repeat import Repeat
from forecast.nn.rnn import RNN
from forecast.nn.seq2seq import Seq2Seq

__all__ = ["HEADS", "NETWORKS"]

NETWORKS: dict[str, type[Network]] = {
    "lstm": RNN,
    "seq2seq": Seq2Seq,
    "attention": Attention,
    "repeat": Repeat,
}
