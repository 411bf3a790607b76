"""The Student-t head: location, scale and degrees of freedom per target; heavy tails."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from forecast.nn.heads.incomplete_beta import is_scipy_installed, student_t_quantile

PARAMETERS = 3  # raw outputs per target: location, scale, degrees of freedom
RANDOM = True
COUNTS = False
MIN_SCALE = 1e-4  # in units of the scaled target; keeps the likelihood bounded


class StudentT(NamedTuple):
    """Parameters of the distribution, each (..., D)."""

    location: Any
    scale: Any  # > 0
    freedom: Any  # degrees of freedom > 2


def softplus(xp: Any, x: Any) -> Any:
    """log(1 + exp(x)) without overflow."""
    return xp.log1p(xp.exp(-xp.abs(x))) + xp.maximum(x, 0.0)


def parameters(xp: Any, params: Any) -> StudentT:
    """The parameters, each (..., D), from raw (..., 3D)."""
    d = params.shape[-1] // PARAMETERS
    location, scale, freedom = (params[..., k * d : (k + 1) * d] for k in range(PARAMETERS))
    return StudentT(location, softplus(xp, scale) + MIN_SCALE, softplus(xp, freedom) + 2.0)


def loss(xp: Any, params: Any, value: Any) -> Any:
    """Negative log-likelihood, elementwise (..., D); `xp` must have `lgamma`."""
    location, scale, v = parameters(xp, params)
    z = (value - location) / scale
    normaliser = xp.lgamma((v + 1) / 2) - xp.lgamma(v / 2) - 0.5 * xp.log(v * math.pi)
    return xp.log(scale) - normaliser + (v + 1) / 2 * xp.log1p(z * z / v)


def center(xp: Any, params: Any) -> Any:
    """The median, which a deterministic rollout feeds back: (..., D)."""
    return parameters(xp, params)[0]


def sample(xp: Any, params: Any, uniforms: Any) -> Any:
    """One draw per row, from two uniforms in closed form (Bailey 1994).

    Args:
        xp: the array namespace.
        params: raw parameters (..., 3D).
        uniforms: numbers in (0, 1), (..., D, 2).

    Returns:
        Draws (..., D).
    """
    location, scale, v = parameters(xp, params)
    radius = xp.sqrt(v * xp.expm1(-2.0 / v * xp.log(uniforms[..., 0])))
    return location + scale * radius * xp.cos(2.0 * math.pi * uniforms[..., 1])


def quantile(xp: Any, params: Any, level: float) -> Any:
    """The value below which a draw lies with the given probability, (..., D).

    Args:
        xp: the array namespace; NumPy only.
        params: raw parameters (..., 3D).
        level: the probability, inside (0, 1).
    """
    location, scale, v = parameters(xp, params)
    return location + scale * xp.asarray(_standard_quantile(xp, v, level), scale.dtype)


def _standard_quantile(xp: Any, freedom: Any, level: float) -> Any:
    if not is_scipy_installed():
        return student_t_quantile(freedom, level)
    from scipy.special import stdtrit  # takes a fifth of a second to import

    return stdtrit(xp.asarray(freedom, "float64"), level)  # in single precision it is rough
