"""Uniform numbers keyed by seed, series and time step, never by the place in a batch."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

BITS = 23  # (k + 1/2) / 2**23 lies inside (0, 1) and is exact in float32
PER_BLOCK = 4  # numbers that Philox makes of one value of its counter


def series_key(name: object) -> int:
    """A 64-bit key of a series id, the same on every machine."""
    return int.from_bytes(hashlib.blake2b(str(name).encode(), digest_size=8).digest(), "little")


def uniforms(
    seed: int, ids: Iterable[object], first: np.ndarray, horizon: int, count: int
) -> np.ndarray:
    """Base uniforms of each series and step.

    Args:
        seed: chooses among the possible futures.
        ids: the S series.
        first: the step number of each series' first step to come, (S,).
        horizon: how many steps H.
        count: numbers per step.

    Returns:
        Numbers in (0, 1), (H, S, count) float32. Those of a step do not depend on where the
        rollout began, nor on the other series. Philox: Salmon et al. (2011).
    """
    blocks = -(-count // PER_BLOCK)
    draws = []
    for name, step in zip(ids, first.tolist(), strict=True):
        stream = np.random.Philox(key=np.array([seed, series_key(name)], dtype=np.uint64))
        stream.advance((step + 2**63) * blocks)  # a step may lie before 1970
        raw = stream.random_raw(horizon * blocks * PER_BLOCK) >> np.uint64(64 - BITS)
        draws.append(raw.reshape(horizon, -1)[:, :count])
    drawn: np.ndarray = (np.stack(draws, axis=1) + 0.5) / 2**BITS
    return drawn.astype(np.float32)
