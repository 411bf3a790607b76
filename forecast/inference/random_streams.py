"""Uniform numbers keyed by seed, series and time step, never by the place in a batch."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

BITS = 23  # (k + 1/2) / 2**23 lies inside (0, 1) and is exact in float32
PER_BLOCK = 4  # numbers that Philox makes of one value of its counter


def series_key(name: object) -> int:
    """A 64-bit key of a series id, the same on every machine."""
    return int.from_bytes(hashlib.blake2b(str(name).encode(), digest_size=8).digest(), "little")


class Branch(NamedTuple):
    """Which of how many copies of a series a row is; the copies share the series' numbers."""

    place: int
    copies: int


def branches(ids: Iterable[object]) -> list[Branch]:
    """The branch of each row of a state.

    Example:
        >>> branches(["a", "b", "b"])
        [Branch(place=0, copies=1), Branch(place=0, copies=2), Branch(place=1, copies=2)]
    """
    rows = list(ids)
    copies, seen = Counter(rows), Counter[object]()
    branch_of_row = []
    for name in rows:
        branch_of_row.append(Branch(seen[name], copies[name]))
        seen[name] += 1
    return branch_of_row


def uniforms(
    seed: int,
    ids: Iterable[object],
    rows: Iterable[Branch],
    first: np.ndarray,
    horizon: int,
    count: int,
) -> np.ndarray:
    """Base uniforms of each series and step.

    Args:
        seed: chooses among the possible futures.
        ids: the S series.
        rows: the branch of each, among all rows of a rollout.
        first: the step number of each series' first step to come, (S,).
        horizon: how many steps H.
        count: numbers per step.

    Returns:
        Numbers in (0, 1), (H, S, count) float32. Those of a step do not depend on where the
        rollout began, nor on the other series. Philox: Salmon et al. (2011).
    """
    draws, drawn = [], None
    for name, (place, copies), step in zip(ids, rows, first.tolist(), strict=True):
        if drawn != (name, step):  # the branches of a series mostly stand side by side
            numbers, drawn = _numbers(seed, name, step, horizon, count * copies), (name, step)
        draws.append(numbers[:, place * count : (place + 1) * count])
    scaled: np.ndarray = (np.stack(draws, axis=1) + 0.5) / 2**BITS
    return scaled.astype(np.float32)


def _numbers(seed: int, name: object, step: int, horizon: int, count: int) -> np.ndarray:
    """Random whole numbers below 2 ** BITS of one series, (H, at least count)."""
    blocks = -(-count // PER_BLOCK)
    stream = np.random.Philox(key=np.array([seed, series_key(name)], dtype=np.uint64))
    stream.advance((step + 2**63) * blocks)  # a step may lie before 1970
    raw = stream.random_raw(horizon * blocks * PER_BLOCK)
    numbers: np.ndarray = (raw >> np.uint64(64 - BITS)).reshape(horizon, -1)
    return numbers
