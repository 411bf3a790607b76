"""The normal head: location and scale per target."""

from __future__ import annotations

import math
from typing import Any

from forecast.nn.heads.student_t import MIN_SCALE, softplus

PARAMETERS = 2  # raw outputs per target: location, scale
RANDOM = True
COUNTS = False


def parameters(xp: Any, params: Any) -> tuple[Any, Any]:
    """Location and scale > 0, each (..., D), from raw (..., 2D)."""
    d = params.shape[-1] // PARAMETERS
    return params[..., :d], softplus(xp, params[..., d:]) + MIN_SCALE


def loss(xp: Any, params: Any, value: Any) -> Any:
    """Negative log-likelihood, elementwise (..., D)."""
    location, scale = parameters(xp, params)
    z = (value - location) / scale
    return xp.log(scale) + 0.5 * (z * z + math.log(2 * math.pi))


def center(xp: Any, params: Any) -> Any:
    """The median, which a deterministic rollout feeds back: (..., D)."""
    return parameters(xp, params)[0]


def sample(xp: Any, params: Any, uniforms: Any) -> Any:
    """One draw per row, from two uniforms in closed form (Box & Muller 1958).

    Args:
        xp: the array namespace.
        params: raw parameters (..., 2D).
        uniforms: numbers in (0, 1), (..., D, 2).

    Returns:
        Draws (..., D).
    """
    location, scale = parameters(xp, params)
    radius = xp.sqrt(-2.0 * xp.log(uniforms[..., 0]))
    return location + scale * radius * xp.cos(2.0 * math.pi * uniforms[..., 1])


def quantile(xp: Any, params: Any, level: float) -> Any:
    """The value below which a draw lies with the given probability, (..., D).

    Args:
        xp: the array namespace.
        params: raw parameters (..., 2D).
        level: the probability, inside (0, 1).
    """
    from statistics import NormalDist  # takes a while to import

    location, scale = parameters(xp, params)
    return location + scale * NormalDist().inv_cdf(level)
