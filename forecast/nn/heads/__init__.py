"""Output heads: the meaning of a network's raw parameters, and their loss; one file each.

- `point`: one number, trained on the absolute error.
- `normal`: location and scale.
- `student_t`: location, scale and degrees of freedom; heavy tails.
- `quantiles`: quantiles at fixed levels; any shape of distribution.
- `negative_binomial`: mean and shape of counts.
"""

from __future__ import annotations

from typing import Any

from forecast.nn.heads import negative_binomial, normal, point, quantiles, student_t

HEADS: dict[str, Any] = {
    "point": point,
    "normal": normal,
    "student_t": student_t,
    "quantiles": quantiles,
    "negative_binomial": negative_binomial,
}
