"""The step of each network and the output heads, written once over an array namespace `xp`."""

from __future__ import annotations

from typing import Any

from forecast.network import negative_binomial, normal, point, student_t
from forecast.network.attention import Attention
from forecast.network.lstm import LSTM
from forecast.network.parts import Network
from forecast.network.repeat import Repeat
from forecast.network.seq2seq import Seq2Seq

NETWORKS: dict[str, type[Network]] = {
    "lstm": LSTM,
    "seq2seq": Seq2Seq,
    "attention": Attention,
    "repeat": Repeat,
}
HEADS: dict[str, Any] = {
    "point": point,
    "normal": normal,
    "student_t": student_t,
    "negative_binomial": negative_binomial,
}
