"""One step of each network and the output heads, written once over an array namespace `xp`.

- `lstm_cell`, `gru_cell`: one step of one recurrent layer, with its equations.
- `layers`: stacks of recurrent layers, linear maps, and the `Network` contract.
- `rnn`: the decoder-only network. `seq2seq`: encoder and decoder.
- `seasonal`: a decoder-only network whose forecast starts from the last seasons.
- `attention`: encoder and decoder with attention. `repeat`: one vector for the whole horizon.
- `step_inputs`: the input vector of a step.
- `step`: a network and its head as one step function, and what it carries along.
- `tensorflow_namespace`: TensorFlow under NumPy's names.
- `heads/`: output distributions, with their losses and draws.
"""

from __future__ import annotations

from forecast.nn.attention import Attention
from forecast.nn.heads import HEADS
from forecast.nn.layers import Network
from forecast.nn.repeat import Repeat
from forecast.nn.rnn import RNN
from forecast.nn.seasonal import Seasonal
from forecast.nn.seq2seq import Seq2Seq

__all__ = ["HEADS", "NETWORKS"]

NETWORKS: dict[str, type[Network]] = {
    "lstm": RNN,
    "seq2seq": Seq2Seq,
    "attention": Attention,
    "repeat": Repeat,
    "seasonal": Seasonal,
}
