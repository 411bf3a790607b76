"""The negative binomial head: counts, with a mean and a shape per target.

A count is Poisson with a mean that is itself gamma distributed: its variance is mean + mean ** 2 /
shape. Counts are scaled by their unit alone, and a value is a count divided by its unit; the
logarithm of the unit stands behind the raw parameters, for the likelihood is that of the count
(Salinas et al. 2020).
"""

from __future__ import annotations

from typing import Any

from forecast.nn.heads.student_t import softplus

PARAMETERS = 2  # raw outputs per target: mean in units, shape
RANDOM = True
COUNTS = True
SMALLEST = 1e-4  # mean in units, and shape
SEARCHED = 30  # halvings of the range that a quantile lies in
REACH = 20.0  # means and spreads that this range goes up to


def parameters(xp: Any, params: Any) -> tuple[Any, Any, Any]:
    """Mean of the count, shape, and unit, each (..., D), of raw (..., 3D)."""
    d = params.shape[-1] // (PARAMETERS + 1)
    unit = xp.exp(params[..., 2 * d :])
    mean = (softplus(xp, params[..., :d]) + SMALLEST) * unit
    return mean, softplus(xp, params[..., d : 2 * d]) + SMALLEST, unit


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
    """One draw per row: the count at which the distribution function reaches a uniform.

    Args:
        xp: the array namespace.
        params: raw parameters with the unit, (..., 3D).
        uniforms: numbers in (0, 1), (..., D, 2), of which the first counts.

    Returns:
        Draws (..., D), whole numbers of the unit's inverse.
    """
    return quantile(xp, params, uniforms[..., 0])


def quantile(xp: Any, params: Any, level: Any) -> Any:
    """The smallest value that a draw does not exceed with a probability, (..., D).

    The distribution function is an incomplete beta function; the count is found by bisection,
    in double precision, so that two runtimes hardly ever find different ones.

    Args:
        xp: the array namespace.
        params: raw parameters with the unit, (..., 3D).
        level: the probability, inside (0, 1).
    """
    is_numpy = not hasattr(xp, "betainc")  # which can look whether the search is over
    betainc = _scipy_betainc() if is_numpy else xp.betainc
    mean, shape, unit = (xp.asarray(part, "float64") for part in parameters(xp, params))
    level = xp.asarray(level, "float64")
    success = shape / (shape + mean)
    low = -xp.ones_like(mean)
    high = xp.floor(REACH * (1.0 + mean + mean / shape))
    for _ in range(SEARCHED):
        if is_numpy and (high - low <= 1.0).all():
            break
        middle = xp.maximum(xp.floor((low + high) / 2.0), 0.0)
        is_reached = betainc(shape, middle + 1.0, success) >= level
        low, high = xp.where(is_reached, low, middle), xp.where(is_reached, middle, high)
    return xp.asarray(high / unit, params.dtype)


def _scipy_betainc() -> Any:
    from scipy.special import betainc  # takes a fifth of a second to import

    return betainc
