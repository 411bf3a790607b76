"""States as records: bytes for each series, from which any series can be put together again.

A record is the fingerprint of the model, a checksum, and the series' row of every array of its
state. A store or a table holds millions of them, and hands out those that are asked for.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from forecast.errors import DataError
from forecast.inference.state import State, assembled, to_parts

MARK, CHECK = 16, 4  # bytes of the fingerprint and of the checksum


def to_records(state: State) -> list[bytes]:
    """The record of each series of a state; of one model all have the same length."""
    mark, series = bytes.fromhex(state.fingerprint), len(state.ids)
    arrays = [array for _, array in sorted(state.arrays().items())]
    rows = np.concatenate(
        [np.ascontiguousarray(array).reshape(series, -1).view(np.uint8) for array in arrays], axis=1
    )
    return [mark + _checksum(row) + row for row in map(bytes, rows)]


def from_records(records: Sequence[bytes], ids: Sequence[Any], like: State) -> State:
    """The state of series, from their records.

    Args:
        records: as `to_records` gives them.
        ids: of the series.
        like: any state of the model that they belong to.

    Raises:
        DataError: naming the series whose record is damaged or belongs to another model.
    """
    about, arrays = to_parts(like)
    sizes = {name: array[:1].nbytes for name, array in sorted(arrays.items())}
    mark, length = bytes.fromhex(like.fingerprint), sum(sizes.values())
    rows = [record[MARK + CHECK :] for record in records]
    for name, record, row in zip(ids, records, rows, strict=True):
        if record[:MARK] != mark:
            raise DataError(
                f"the state of series '{name}' belongs to another model; encode its history with "
                "this one"
            )
        if len(row) != length or record[MARK : MARK + CHECK] != _checksum(row):
            raise DataError(f"the state of series '{name}' is damaged; encode its history again")
    table = np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), length)
    found, begin = {}, 0
    for name, size in sizes.items():
        cells = np.ascontiguousarray(table[:, begin : begin + size]).view(arrays[name].dtype)
        found[name] = cells.reshape(len(rows), *arrays[name].shape[1:])
        begin += size
    return assembled({**about, "ids": list(ids)}, found)


def _checksum(row: bytes) -> bytes:
    return zlib.crc32(row).to_bytes(CHECK, "little")
