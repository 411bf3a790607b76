"""The negative binomial head: counts, with a mean and a shape per target.

A count is Poisson with a mean that is itself gamma distributed: its variance is mean + mean ** 2 /
shape. Counts are scaled by a unit alone: a value is a count divided by its unit. The log unit
follows the raw parameters, because the likelihood is that of the count (Salinas et al. 2020).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from forecast.nn.heads.incomplete_beta import incomplete_beta, is_scipy_installed
from forecast.nn.heads.student_t import softplus

PARAMETERS = 2  # raw outputs per target: mean in units, shape
RANDOM = True
COUNTS = True
MIN_MEAN_AND_SHAPE = 1e-4  # the mean in units
BISECTION_STEPS = 30  # of the search for a quantile
SEARCH_RANGE = 20.0  # upper end of that search, in means and spreads


class NegativeBinomial(NamedTuple):
    """Parameters of the distribution of a count, and the unit of its value; each (..., D)."""

    mean: Any  # > 0
    shape: Any  # > 0
    unit: Any


def parameters(xp: Any, params: Any) -> NegativeBinomial:
    """The parameters, each (..., D), from raw ones and the log unit, (..., 3D)."""
    d = params.shape[-1] // (PARAMETERS + 1)
    unit = xp.exp(params[..., 2 * d :])
    mean = (softplus(xp, params[..., :d]) + MIN_MEAN_AND_SHAPE) * unit
    shape = softplus(xp, params[..., d : 2 * d]) + MIN_MEAN_AND_SHAPE
    return NegativeBinomial(mean, shape, unit)


def loss(xp: Any, params: Any, value: Any) -> Any:
    """Negative log-likelihood, elementwise (..., D); `xp` must have `lgamma`."""
    mean, shape, unit = parameters(xp, params)
    count = value * unit
    normaliser = xp.lgamma(count + shape) - xp.lgamma(shape) - xp.lgamma(count + 1.0)
    total = xp.log(shape + mean)
    return (shape + count) * total - shape * xp.log(shape) - count * xp.log(mean) - normaliser


def center(xp: Any, params: Any) -> Any:
    """The mean, which a deterministic rollout feeds back: (..., D)."""
    mean, _, unit = parameters(xp, params)
    return mean / unit


def sample(xp: Any, params: Any, uniforms: Any) -> Any:
    """One draw per row: the count at which the distribution function reaches a uniform number.

    Args:
        xp: the array namespace.
        params: raw parameters with the unit, (..., 3D).
        uniforms: numbers in (0, 1), (..., D, 2), of which the first is used.

    Returns:
        Draws (..., D), counts divided by the unit.
    """
    return quantile(xp, params, uniforms[..., 0])


def quantile(xp: Any, params: Any, level: Any) -> Any:
    """The smallest value that a draw does not exceed with the given probability, (..., D).

    The distribution function is an incomplete beta function, which is inverted by bisection in
    double precision, so that the two runtimes hardly ever give different counts.

    Args:
        xp: the array namespace.
        params: raw parameters with the unit, (..., 3D).
        level: the probability, inside (0, 1).
    """
    is_numpy = not hasattr(xp, "betainc")
    betainc = _betainc() if is_numpy else xp.betainc
    mean, shape, unit = (xp.asarray(part, "float64") for part in parameters(xp, params))
    level = xp.asarray(level, "float64")
    success = shape / (shape + mean)
    low = -xp.ones_like(mean)
    high = xp.floor(SEARCH_RANGE * (1.0 + mean + mean / shape))
    for _ in range(BISECTION_STEPS):
        if is_numpy and (high - low <= 1.0).all():  # eager, so the search can end early
            break
        middle = xp.maximum(xp.floor((low + high) / 2.0), 0.0)
        is_reached = betainc(shape, middle + 1.0, success) >= level
        low, high = xp.where(is_reached, low, middle), xp.where(is_reached, middle, high)
    return xp.asarray(high / unit, params.dtype)


def _betainc() -> Any:
    if not is_scipy_installed():
        return incomplete_beta
    from scipy.special import betainc  # takes a fifth of a second to import

    return betainc
