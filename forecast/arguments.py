"""Checks that arguments of all kinds share, with a line that says what would be right."""

from __future__ import annotations

from typing import Any

import numpy as np

from forecast.errors import OptionError


def require_whole(name: str, value: Any, least: int) -> None:
    """Raise OptionError unless a value is a whole number of at least so much.

    Example:
        >>> require_whole("horizon", 0, 1)
        Traceback (most recent call last):
        forecast.errors.OptionError: horizon is 0; it must be a whole number of at least 1
    """
    is_whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not is_whole or value < least:
        shown = value.item() if isinstance(value, np.generic) else value
        raise OptionError(f"{name} is {shown!r}; it must be a whole number of at least {least}")
