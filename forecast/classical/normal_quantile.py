"""The inverse of the standard normal distribution function."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

CENTRAL = 0.425  # distance from the median within which one ratio of polynomials suffices
TAIL = 5.0  # of sqrt(-log(p)), beyond which a third ratio is needed

# Coefficients of AS 241, numerator and denominator, from the highest power down.
MIDDLE = (
    (
        2509.0809287301226727,
        33430.575583588128105,
        67265.770927008700853,
        45921.953931549871457,
        13731.693765509461125,
        1971.5909503065514427,
        133.14166789178437745,
        3.387132872796366608,
    ),
    (
        5226.495278852854561,
        28729.085735721942674,
        39307.89580009271061,
        21213.794301586595867,
        5394.1960214247511077,
        687.1870074920579083,
        42.313330701600911252,
        1.0,
    ),
)
SIDES = (
    (
        7.7454501427834140764e-4,
        2.27238449892691845833e-2,
        2.4178072517745061177e-1,
        1.27045825245236838258,
        3.64784832476320460504,
        5.7694972214606914055,
        4.6303378461565452959,
        1.42343711074968357734,
    ),
    (
        1.05075007164441684324e-9,
        5.475938084995344946e-4,
        1.51986665636164571966e-2,
        1.4810397642748007459e-1,
        6.8976733498510000455e-1,
        1.6763848301838038494,
        2.05319162663775882187,
        1.0,
    ),
)
ENDS = (
    (
        2.01033439929228813265e-7,
        2.71155556874348757815e-5,
        1.24266094738807843860e-3,
        2.65321895265761230930e-2,
        2.96560571828504891230e-1,
        1.78482653991729133580,
        5.46378491116411436990,
        6.65790464350110377720,
    ),
    (
        2.04426310338993978564e-15,
        1.42151175831644588870e-7,
        1.84631831751005468180e-5,
        7.86869131145613259100e-4,
        1.48753612908506148525e-2,
        1.36929880922735805310e-1,
        5.99832206555887937690e-1,
        1.0,
    ),
)


def normal_quantile(probability: np.ndarray) -> np.ndarray:
    """Values below which a standard normal draw lies with given probabilities.

    Algorithm AS 241, PPND16 (Wichura 1988): exact to about 1 part in 10^16.

    Args:
        probability: inside (0, 1), any shape.

    Returns:
        Of the same shape.

    Example:
        >>> normal_quantile(np.array([0.025, 0.5, 0.975])).round(6).tolist()
        [-1.959964, 0.0, 1.959964]
    """
    distance = probability - 0.5
    middle = distance * _ratio(MIDDLE, CENTRAL**2 - np.minimum(distance**2, CENTRAL**2))
    tail = np.sqrt(-np.log(np.minimum(probability, 1.0 - probability)))
    side = np.where(tail <= TAIL, _ratio(SIDES, tail - 1.6), _ratio(ENDS, tail - TAIL))
    central = np.abs(distance) <= CENTRAL
    return np.where(central, middle, np.copysign(side, distance))


def _ratio(coefficients: tuple[Sequence[float], Sequence[float]], x: np.ndarray) -> np.ndarray:
    """The ratio of two polynomials."""
    numerator, denominator = coefficients
    ratio: np.ndarray = np.polyval(numerator, x) / np.polyval(denominator, x)
    return ratio
