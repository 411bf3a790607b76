"""Output heads: what a network's raw parameters mean, and their loss; a file for each."""

from __future__ import annotations

from typing import Any

from forecast.nn.heads import negative_binomial, normal, point, student_t

HEADS: dict[str, Any] = {
    "point": point,
    "normal": normal,
    "student_t": student_t,
    "negative_binomial": negative_binomial,
}
