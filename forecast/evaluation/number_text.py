"""Numbers as people write them."""

from __future__ import annotations

THOUSAND = 999.5  # what is rounded to 1,000 or more


def number_text(value: float, digits: int = 3) -> str:
    """A number with so many significant digits, or from 1,000 on without a fraction.

    Example:
        >>> [number_text(value) for value in (0.12345, 999.4, 999.6, 1_234_567.8)]
        ['0.123', '999', '1,000', '1,234,568']
    """
    return f"{value:,.0f}" if abs(value) >= THOUSAND else f"{value:.{digits}g}"
