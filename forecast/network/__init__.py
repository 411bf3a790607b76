"""The step of each network and the output heads, written once over an array namespace `xp`."""

from __future__ import annotations

from typing import Any

from forecast.network import point, student_t
from forecast.network.lstm import LSTM

NETWORKS: dict[str, Any] = {"lstm": LSTM}
HEADS: dict[str, Any] = {"point": point, "student_t": student_t}
